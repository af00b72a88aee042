"""One vector of numbers per example: an embedding, or a target of regression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cnnkit.data.targets.bends import Bends
from cnnkit.data.targets.column import (
    ID,
    content_digest,
    example_indices,
    numbers_of,
    one_id_each,
    require_alike,
)
from cnnkit.errors import InputError


@dataclass(frozen=True, eq=False)
class Vectors:
    """One vector of numbers per example, without a place in the picture.

    Attributes:
        values: (n, d) float32, finite.

    Raises:
        DataError: Another shape, NaN or infinity.
    """

    kind: ClassVar[str] = "vectors"
    placed: ClassVar[bool] = False

    values: NDArray[np.float32]

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", numbers_of(self.values, "vectors", (None, None), np.float32))

    @property
    def names(self) -> tuple[str, ...]:
        """(): numbers of a vector have no names."""
        return ()

    def __len__(self) -> int:
        return len(self.values)

    def take(self, indices: ArrayLike) -> Self:
        """The examples at `indices`, in that order."""
        return type(self)(self.values[example_indices(indices, len(self))])

    def moved(self, positions: ArrayLike, sizes: ArrayLike, bends: Sequence[Bends] | None = None) -> Self:
        """The vectors themselves: they are the same wherever the pixels go."""
        return self

    def strata(self) -> NDArray[np.int64]:
        """(n,) zeros: all examples are of one stratum."""
        return np.zeros(len(self), np.int64)

    def counts(self) -> NDArray[np.int64]:
        """(0,): nothing has a name."""
        return np.zeros(0, np.int64)

    def digest(self) -> str:
        """A sha256 over the values."""
        return content_digest(self.kind, (), (self.values,))

    def table(self, ids: Sequence[str]) -> pd.DataFrame:
        """Columns `id` and `v0`, `v1`, …, float32."""
        columns = [f"v{number}" for number in range(self.values.shape[1])]
        rows = pd.DataFrame({ID: one_id_each(ids, len(self))}, dtype="str")
        return rows.join(pd.DataFrame(self.values, columns=columns))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The examples of several columns of equally long vectors, one after the other."""
        require_alike(parts, cls)
        lengths = [part.values.shape[1] for part in parts]
        if len(set(lengths)) > 1:
            raise InputError("vectors of one length", f"lengths {sorted(set(lengths))}", "Join those of one network.")
        return cls(np.concatenate([part.values for part in parts]))
