"""What all kinds of truth have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol, Self, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cnnkit.data.targets.bends import Bends


@runtime_checkable
class MeasuredTargets(Protocol):
    """A kind that knows more of its classes than how many examples show each: `Dataset.report` has it as columns."""

    def measures(self) -> dict[str, NDArray[np.float64]]:
        """Name of a column → (names + 1,) its values for each class, and one for all; NaN where there is none."""


@runtime_checkable
class TabledTargets(Protocol):
    """A kind whose predictions can be read back from the table that `ck.predict` returns."""

    @classmethod
    def from_table(cls, names: Sequence[str], table: pd.DataFrame, ids: Sequence[str]) -> Self:
        """What a table says of some examples, in the order of their ids.

        Args:
            names: Of the classes.
            table: What `table` gave of predictions, in any order, perhaps with further examples.
            ids: Of the examples.

        Raises:
            InputError: No such table.
            DataError: An id of which it says nothing.
            UnknownNameError: A label that is no class.
        """


@runtime_checkable
class Targets(Protocol):
    """The truth of n examples, or what a network says of them: one column of one kind. Values never change.

    Attributes:
        kind: `"labels"`, `"tags"`, `"masks"`, `"boxes"`, `"points"`, `"pictures"` or `"vectors"`.
        placed: Whether the truth lies somewhere in the picture, so that it moves with the pixels.
    """

    kind: ClassVar[str]
    placed: ClassVar[bool]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes or points, in order; () where nothing has a name."""

    def __len__(self) -> int:
        """The number of examples."""

    def take(self, indices: ArrayLike) -> Self:
        """The examples at `indices` (integers, or a mask of one bool per example), in that order.

        Raises:
            InputError: Something else, or an index that does not exist.
        """

    def moved(self, positions: ArrayLike, sizes: ArrayLike, bends: Sequence[Bends] | None = None) -> Self:
        """The same truth in other pictures of the examples; truth without a place returns itself.

        Moving twice is not moving by the product: what leaves the first result does not come back in the second.

        Args:
            positions: (n, 3, 3), or (3, 3) for all: affine matrices. What is at p = (x, y, 1) is at M p in the result.
            sizes: (height, width) of the results in pixels, one pair or (n, 2).
            bends: Of each example the `bends` of its view, which follow the matrix; by default none.

        Raises:
            InputError: Another shape, a matrix that is not affine or has no inverse, or a size below 1 × 1.
        """

    def strata(self) -> NDArray[np.int64]:
        """(n,) equal numbers for examples that a split shall divide in proportion."""

    def counts(self) -> NDArray[np.int64]:
        """(names,) the number of examples that show each class or point."""

    def digest(self) -> str:
        """A sha256 over kind, names and content, in hex: the same truth, the same string."""

    def table(self, ids: Sequence[str]) -> pd.DataFrame:
        """What `ck.predict` returns and Parquet keeps.

        Args:
            ids: One per example.

        Raises:
            InputError: Another number of ids.
        """

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The examples of several columns, one after the other.

        Raises:
            InputError: No parts, or parts of another kind, with other names, or not all with scores.
        """
