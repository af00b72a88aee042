"""What labels and tags have in common: a row of decisions per example, without a place in the picture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cnnkit.data.targets.bends import Bends
from cnnkit.data.targets.column import (
    ID,
    LABEL,
    class_names,
    content_digest,
    example_indices,
    joined_arrays,
    numbers_of,
    require_alike,
    rows_of_ids,
    texts,
)


@dataclass(frozen=True, eq=False)
class ClassColumn(ABC):
    """Which classes examples show.

    Attributes:
        names: The class names.
        values: One row per example; of predictions what was decided.
        probabilities: (n, names) float32 of predictions; None of truth.
    """

    kind: ClassVar[str]
    placed: ClassVar[bool] = False

    names: tuple[str, ...]
    values: NDArray[Any]
    probabilities: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", class_names(self.names))
        object.__setattr__(self, "values", self.checked(self.values, len(self.names)))
        if self.probabilities is not None:
            shape = (len(self.values), len(self.names))
            probabilities = numbers_of(self.probabilities, "probabilities", shape, np.float32)
            object.__setattr__(self, "probabilities", probabilities)

    @staticmethod
    @abstractmethod
    def checked(values: ArrayLike, classes: int) -> NDArray[Any]:
        """A read-only copy of the values of a column of so many classes.

        Raises:
            DataError: Another shape, or a value that says nothing of a class.
        """

    @staticmethod
    @abstractmethod
    def of_texts(labels: Sequence[str], names: Sequence[str]) -> NDArray[Any]:
        """The values that the column `label` of a table writes as text.

        Raises:
            UnknownNameError: A name that is no class.
        """

    @classmethod
    def from_table(cls, names: Sequence[str], table: pd.DataFrame, ids: Sequence[str]) -> Self:
        """Predictions read from their table: `label` and one probability column per class.

        Raises:
            InputError: No such table.
            DataError: An id has no row.
            UnknownNameError: A label that is no class.
        """
        rows = rows_of_ids(table, ids, (LABEL, *names))
        probabilities = rows[list(names)].to_numpy(np.float32)
        return cls(tuple(names), cls.of_texts(rows[LABEL].tolist(), names), probabilities)

    def __len__(self) -> int:
        return len(self.values)

    def take(self, indices: ArrayLike) -> Self:
        """The examples at `indices`, in that order."""
        rows = example_indices(indices, len(self))
        probabilities = None if self.probabilities is None else self.probabilities[rows]
        return type(self)(self.names, self.values[rows], probabilities)

    def moved(self, positions: ArrayLike, sizes: ArrayLike, bends: Sequence[Bends] | None = None) -> Self:
        """The column itself: it says the same wherever the pixels go."""
        return self

    def digest(self) -> str:
        """A sha256 over names and values."""
        return content_digest(self.kind, self.names, (self.values, self.probabilities))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The examples of several columns with the same names, one after the other."""
        require_alike(parts, cls)
        values = np.concatenate([part.values for part in parts])
        return cls(parts[0].names, values, joined_arrays(parts, "probabilities"))


def table_of_probabilities(
    ids: Sequence[str], labels: Sequence[str], names: tuple[str, ...], probabilities: NDArray[np.float32]
) -> pd.DataFrame:
    """Columns `id`, `label` and one float32 probability column per class.

    A table of one row is a tenth of what a small network takes for a picture. So pandas is not asked to make an index
    of the names each time.
    """
    columns = dict(enumerate((texts(ids), texts(labels), *probabilities.T)))
    table = pd.DataFrame(columns, index=pd.RangeIndex(len(ids)))
    table.columns = _columns(names)
    return table


@lru_cache(maxsize=64)
def _columns(names: tuple[str, ...]) -> pd.Index[str]:
    return pd.Index((ID, LABEL, *names), dtype="str")
