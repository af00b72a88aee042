"""One class per example."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cnnkit.data.targets.class_column import ClassColumn, table_of_probabilities
from cnnkit.data.targets.column import ID, LABEL, class_indices, one_id_each
from cnnkit.errors import unknown_name


@dataclass(frozen=True, eq=False)
class Labels(ClassColumn):
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

    values: NDArray[np.int64]

    @staticmethod
    def checked(values: ArrayLike, classes: int) -> NDArray[np.int64]:
        """A read-only copy of (n,) class indices.

        Raises:
            DataError: Another shape, or a label that is no class.
        """
        return class_indices(values, classes)

    @staticmethod
    def of_texts(labels: Sequence[str], names: Sequence[str]) -> NDArray[np.int64]:
        """(n,) the place of each label among the names.

        Raises:
            UnknownNameError: A label that is no class.
        """
        place = {name: index for index, name in enumerate(names)}
        for label in labels:
            if label not in place:
                raise unknown_name("a class", str(label), names)
        return np.array([place[label] for label in labels], np.int64)

    def strata(self) -> NDArray[np.int64]:
        """(n,) the labels."""
        return self.values

    def counts(self) -> NDArray[np.int64]:
        """(names,) the number of examples of each class."""
        return np.bincount(self.values, minlength=len(self.names)).astype(np.int64)

    def table(self, ids: Sequence[str]) -> pd.DataFrame:
        """Columns `id` and `label`; of predictions also one float32 probability column per class."""
        rows, labels = one_id_each(ids, len(self)), [self.names[value] for value in self.values]
        if self.probabilities is None:
            return pd.DataFrame({ID: rows}, dtype="str").assign(**{LABEL: labels})
        return table_of_probabilities(rows, labels, self.names, self.probabilities)
