"""One class per example."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cnnkit.data.targets.column import (
    ID,
    LABEL,
    class_indices,
    class_names,
    content_digest,
    example_indices,
    joined_arrays,
    numbers_of,
    one_id_each,
    require_alike,
    texts,
)


@dataclass(frozen=True, eq=False)
class Labels:
    """One class per example, without a place in the picture.

    Attributes:
        names: The class names; the index in this tuple is the label.
        values: (n,) int64, the class of each example, 0 … names - 1. Of predictions: the class decided for.
        probabilities: (n, names) float32 of predictions; None of truth.

    Raises:
        InputError: Names that are no different texts, or one that is `"id"` or `"label"`.
        DataError: Another shape, or a label that is no class.

    >>> Labels(("cat", "dog"), np.array([1, 0, 1])).counts().tolist()
    [1, 2]
    """

    kind: ClassVar[str] = "labels"
    placed: ClassVar[bool] = False

    names: tuple[str, ...]
    values: NDArray[np.int64]
    probabilities: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", class_names(self.names))
        object.__setattr__(self, "values", class_indices(self.values, len(self.names)))
        if self.probabilities is not None:
            shape = (len(self.values), len(self.names))
            probabilities = numbers_of(self.probabilities, "probabilities", shape, np.float32)
            object.__setattr__(self, "probabilities", probabilities)

    def __len__(self) -> int:
        return len(self.values)

    def take(self, indices: ArrayLike) -> Self:
        """The examples at `indices`, in that order."""
        rows = example_indices(indices, len(self))
        probabilities = None if self.probabilities is None else self.probabilities[rows]
        return type(self)(self.names, self.values[rows], probabilities)

    def moved(self, positions: ArrayLike, sizes: ArrayLike) -> Self:
        """The labels themselves: they are the same wherever the pixels go."""
        return self

    def strata(self) -> NDArray[np.int64]:
        """(n,) the labels."""
        return self.values

    def counts(self) -> NDArray[np.int64]:
        """(names,) the number of examples of each class."""
        return np.bincount(self.values, minlength=len(self.names)).astype(np.int64)

    def digest(self) -> str:
        """A sha256 over names and values."""
        return content_digest(self.kind, self.names, (self.values, self.probabilities))

    def table(self, ids: Sequence[str]) -> pd.DataFrame:
        """Columns `id` and `label`; of predictions also one float32 probability column per class."""
        rows, labels = one_id_each(ids, len(self)), [self.names[value] for value in self.values]
        if self.probabilities is None:
            return pd.DataFrame({ID: rows}, dtype="str").assign(**{LABEL: labels})
        probabilities = dict(zip(self.names, self.probabilities.T, strict=True))
        return pd.DataFrame({ID: texts(rows), LABEL: texts(labels)} | probabilities)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The examples of several columns with the same names, one after the other."""
        require_alike(parts, cls)
        values = np.concatenate([part.values for part in parts])
        return cls(parts[0].names, values, joined_arrays(parts, "probabilities"))
