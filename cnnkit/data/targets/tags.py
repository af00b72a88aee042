"""Any number of classes per example."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cnnkit.data.arguments import said
from cnnkit.data.targets.class_column import ClassColumn, table_of_probabilities
from cnnkit.data.targets.column import ID, one_id_each, read_only
from cnnkit.data.targets.labels import Labels
from cnnkit.errors import DataError, unknown_name


@dataclass(frozen=True, eq=False)
class Tags(ClassColumn):
    """Any number of classes per example (multi-label), without a place in the picture.

    Attributes:
        names: The class names, one per column.
        values: (n, names) float32 of 0 and 1: which classes an example shows. Of predictions: what was decided.
        probabilities: (n, names) float32 of predictions; None of truth.

    Raises:
        InputError: Names that are no different texts, or one that is `"id"` or `"label"`.
        DataError: Another shape, or other values than 0 and 1.

    >>> Tags(("cat", "dog"), np.array([[1, 1], [0, 1]])).table(["a", "b"]).to_dict("list")
    {'id': ['a', 'b'], 'cat': [1, 0], 'dog': [1, 1]}
    """

    kind: ClassVar[str] = "tags"

    values: NDArray[np.float32]

    @staticmethod
    def checked(values: ArrayLike, classes: int) -> NDArray[np.float32]:
        """A read-only copy of (n, classes) of 0 and 1.

        Raises:
            DataError: Another shape, or other values than 0 and 1.
        """
        tags = np.asarray(values)
        if tags.ndim != 2 or (tags.size and tags.dtype.kind not in "biuf"):
            raise DataError(
                "labels of shape (n,) or (n, classes)", said(values), "Give class indices, or 0 and 1 a class."
            )
        if tags.shape[1] != classes:
            raise DataError(
                f"one column for each of the {classes} classes",
                f"labels of shape {tags.shape}",
                "Give `classes` one name a column.",
            )
        if not np.isin(tags, (0, 1)).all():
            raise DataError(
                "0 or 1 for every class of an example",
                f"the values {np.unique(tags)[:5].tolist()}",
                "Round probabilities, or give class indices of shape (n,).",
            )
        return read_only(tags.astype(np.float32))

    @staticmethod
    def of_texts(labels: Sequence[str], names: Sequence[str]) -> NDArray[np.float32]:
        """(n, names) 0 and 1 of names joined by "|".

        Raises:
            UnknownNameError: A name that is no class.

        >>> Tags.of_texts(["cat|hen", ""], ["cat", "dog", "hen"]).tolist()
        [[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
        """
        place = {name: index for index, name in enumerate(names)}
        flags = np.zeros((len(labels), len(names)), np.float32)
        for row, text in enumerate(labels):
            for name in str(text).split("|") if text else ():
                if name not in place:
                    raise unknown_name("a class", name, names)
                flags[row, place[name]] = 1
        return flags

    def strata(self) -> NDArray[np.int64]:
        """(n,) the number of each example's combination of classes, from 0, in the order of the sorted rows."""
        return combinations_of(self.values)

    def counts(self) -> NDArray[np.int64]:
        """(names,) the number of examples that show each class."""
        return np.asarray(self.values.sum(axis=0, dtype=np.float64), np.int64)

    def table(self, ids: Sequence[str]) -> pd.DataFrame:
        """Of truth columns `id` and one int64 column of 0 and 1 per class.

        Of predictions columns `id`, `label` (the names of the classes decided for, joined by "|"), and one float32
        probability column per class.
        """
        rows = one_id_each(ids, len(self))
        if self.probabilities is None:
            shown = pd.DataFrame(self.values.astype(np.int64), columns=list(self.names))
            return pd.DataFrame({ID: rows}, dtype="str").join(shown)
        names = np.asarray(self.names)
        labels = ["|".join(names[row]) for row in self.values.astype(bool)]
        return table_of_probabilities(rows, labels, self.names, self.probabilities)


def combinations_of(rows: NDArray[np.generic]) -> NDArray[np.int64]:
    """(n,) a number from 0 for each different row of (n, k), in the order of the sorted rows."""
    if not rows.size:
        return np.zeros(len(rows), np.int64)
    numbers: NDArray[np.intp] = np.unique(rows, axis=0, return_inverse=True)[1]
    return numbers.reshape(-1).astype(np.int64)  # NumPy 2.0 gives (n, 1)


def labels_or_tags(names: Sequence[str], values: ArrayLike) -> Labels | Tags:
    """Labels of class indices (n,), tags of 0 and 1 (n, names).

    Raises:
        InputError: Names that are no different texts.
        DataError: Values that are neither.
    """
    kind = Tags if np.ndim(values) == 2 else Labels
    return kind(tuple(names), np.asarray(values))
