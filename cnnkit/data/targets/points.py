"""Named points per example: the joints of a body, the corners of a face."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cnnkit.data.arguments import said
from cnnkit.data.targets.bends import Bends
from cnnkit.data.targets.column import (
    ID,
    content_digest,
    example_indices,
    joined_arrays,
    numbers_of,
    one_id_each,
    read_only,
    require_alike,
    rows_of_ids,
    text_names,
)
from cnnkit.data.targets.matrices import determinants
from cnnkit.data.targets.moves import Move, mirrored
from cnnkit.errors import DataError, InputError

# The visibility of a point, as of COCO.
ABSENT, HIDDEN, VISIBLE = 0, 1, 2
# In pixels. A point this near to the border is still in a picture, and this far inside it is put after a move: its
# pixel exists, in float32 too, and rounding there and back loses no point.
EDGE = 1e-3


@dataclass(frozen=True, eq=False)
class Points:
    """k named points per example.

    Attributes:
        names: The names of the k points.
        values: (n, k, 2) float64, x and y in continuous pixels; (0, 0) where a point is absent.
        shown: (n, k) uint8: 0 absent (outside, or unknown), 1 hidden behind something, 2 visible.
        scores: (n, k) float32 of predictions; None of truth.
        mirror: The index of each point's partner on the other side, of the point itself where it has none: a picture
            that swaps left and right makes a left hand a right one. () if no point has a partner.
        areas: (n,) float64 of what has the points, in pixels: how far off a point may be grows with its root (COCO's
            object keypoint similarity). None where it is not known.

    Raises:
        InputError: Names that are no different texts, or partners that are not each other's.
        DataError: Another shape, NaN or infinity where a point is shown, other values of `shown` than 0, 1 and 2, or an
            area below 0.

    >>> hands = Points(("left", "right"), [[[1, 2], [3, 2]]], [[2, 1]], mirror=(1, 0))
    >>> hands.moved([[-1, 0, 10], [0, 1, 0], [0, 0, 1]], (10, 10)).values.tolist()
    [[[7.0, 2.0], [9.0, 2.0]]]
    """

    kind: ClassVar[str] = "points"
    placed: ClassVar[bool] = True

    names: tuple[str, ...]
    values: NDArray[np.float64]
    shown: NDArray[np.uint8]
    scores: NDArray[np.float32] | None = None
    mirror: tuple[int, ...] = ()
    areas: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", text_names(self.names))
        object.__setattr__(self, "mirror", _partners(self.mirror, len(self.names)))
        shown = numbers_of(self.shown, "shown", (None, len(self.names)), np.float64)
        if not np.isin(shown, (ABSENT, HIDDEN, VISIBLE)).all():
            received = f"the values {np.unique(shown)[:5].tolist()}"
            raise DataError("0, 1 or 2 in shown", received, "0 is absent, 1 hidden, 2 visible, as of COCO.")
        values = _where_shown(self.values, shown > 0)
        object.__setattr__(self, "values", numbers_of(values, "points", (*shown.shape, 2), np.float64))
        object.__setattr__(self, "shown", read_only(shown.astype(np.uint8)))
        if self.scores is not None:
            object.__setattr__(self, "scores", numbers_of(self.scores, "scores", shown.shape, np.float32))
        if self.areas is not None:
            areas = numbers_of(self.areas, "areas", (len(shown),), np.float64)
            if (areas < 0).any():
                raise DataError("areas of at least 0", str(areas.min()), "Width × height of a box is one.")
            object.__setattr__(self, "areas", areas)

    def __len__(self) -> int:
        return len(self.values)

    def take(self, indices: ArrayLike) -> Self:
        """The examples at `indices`, in that order."""
        rows = example_indices(indices, len(self))
        scores = None if self.scores is None else self.scores[rows]
        areas = None if self.areas is None else self.areas[rows]
        return type(self)(self.names, self.values[rows], self.shown[rows], scores, self.mirror, areas)

    def moved(self, positions: ArrayLike, sizes: ArrayLike, bends: Sequence[Bends] | None = None) -> Self:
        """The same points in other pictures: absent where they left, partners swapped where left and right are."""
        move = Move.of(positions, sizes, len(self), bends)
        values, limits = move.moved(self.values), move.sizes[:, None, ::-1]  # (n, 1, 2): width, height
        inside = ((values >= -EDGE) & (values <= limits + EDGE)).all(axis=2)
        shown = np.where(inside, self.shown, np.uint8(ABSENT))
        values = np.clip(values, 0, limits - EDGE)
        order = np.where(mirrored(move.positions)[:, None], np.array(self.mirror, np.int64), np.arange(len(self.names)))
        rows = np.arange(len(self))[:, None]
        scores = None if self.scores is None else self.scores[rows, order]
        areas = None if self.areas is None else self.areas * np.abs(determinants(move.positions))
        return type(self)(self.names, values[rows, order], shown[rows, order], scores, self.mirror, areas)

    def strata(self) -> NDArray[np.int64]:
        """(n,) 1 where an example shows any point, 0 where it shows none."""
        return np.asarray((self.shown > 0).any(axis=1), np.int64)

    def counts(self) -> NDArray[np.int64]:
        """(names,) the number of examples that show each point, be it hidden."""
        return np.asarray((self.shown > 0).sum(axis=0), np.int64)

    def digest(self) -> str:
        """A sha256 over names, partners, points, what is shown, scores, and areas where they are known."""
        partners = np.array(self.mirror, np.int64)
        areas = () if self.areas is None else (self.areas,)
        return content_digest(self.kind, self.names, (partners, self.values, self.shown, self.scores, *areas))

    def table(self, ids: Sequence[str]) -> pd.DataFrame:
        """Columns `id`, and per point `NAME_x`, `NAME_y` and `NAME_shown`; of predictions `NAME_score` instead."""
        rows = pd.DataFrame({ID: one_id_each(ids, len(self))}, dtype="str")
        return rows.join(pd.DataFrame(self.columns(), index=rows.index))

    def columns(self) -> dict[str, NDArray[np.float64] | NDArray[np.float32] | NDArray[np.int64]]:
        """The columns of the table but `id`, by name."""
        last = "shown" if self.scores is None else "score"
        numbers = self.shown.astype(np.int64) if self.scores is None else self.scores
        return {
            f"{name}_{part}": column
            for index, name in enumerate(self.names)
            for part, column in (
                ("x", self.values[:, index, 0]),
                ("y", self.values[:, index, 1]),
                (last, numbers[:, index]),
            )
        }

    @classmethod
    def from_table(cls, names: Sequence[str], table: pd.DataFrame, ids: Sequence[str]) -> Self:
        """Predicted points read from their table. A point whose coordinates are both 0 is absent.

        Raises:
            InputError: No such table.
            DataError: An id has no row.
        """
        columns = [[f"{name}_{part}" for name in names] for part in ("x", "y", "score")]
        rows = rows_of_ids(table, ids, [name for part in columns for name in part])
        x, y, scores = (rows[part].to_numpy(np.float64) for part in columns)
        values = np.stack([x, y], axis=-1)
        shown = np.where((values != 0).any(axis=2), VISIBLE, ABSENT).astype(np.uint8)
        return cls(tuple(names), values, shown, scores.astype(np.float32), mirror_of(names))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The examples of several columns with the same names and partners, one after the other."""
        require_alike(parts, cls)
        first = parts[0]
        if others := [part.mirror for part in parts if part.mirror != first.mirror]:
            raise InputError(f"the partners {first.mirror} in every part", str(others[0]), "Give all the same mirror.")
        values, shown = (np.concatenate([getattr(part, field) for part in parts]) for field in ("values", "shown"))
        scores, areas = (joined_arrays(parts, field) for field in ("scores", "areas"))
        return cls(first.names, values, shown, scores, first.mirror, areas)


def mirror_of(names: Sequence[str]) -> tuple[int, ...]:
    """The partners of points whose names differ in "left" and "right" alone.

    >>> mirror_of(("nose", "left_eye", "right_eye"))
    (0, 2, 1)
    """
    swap = {"left": "right", "right": "left", "Left": "Right", "Right": "Left"}
    others = ["".join(swap.get(part, part) for part in re.split("(left|right|Left|Right)", name)) for name in names]
    return tuple(names.index(other) if other in names else index for index, other in enumerate(others))


def _partners(mirror: object, count: int) -> tuple[int, ...]:
    try:
        partners = np.array(mirror)
        if not partners.size:
            return tuple(range(count))
        fine = partners.shape == (count,) and partners.dtype.kind in "iu"
        fine = fine and bool((partners >= 0).all() and (partners < count).all())
        fine = fine and bool((partners[partners] == np.arange(count)).all())
    except ValueError:
        fine = False
    if not fine:
        raise InputError(
            f"the index of each of {count} points' partner, who has it as partner too",
            said(mirror),
            "mirror=(0, 2, 1) swaps the second and the third point.",
        )
    return tuple(partners.tolist())


def _where_shown(values: ArrayLike, shown: NDArray[np.bool_]) -> ArrayLike:
    """The points, (0, 0) where they are absent; unchanged what has another shape, for an error to say so."""
    try:
        points = np.asarray(values)
    except ValueError:
        return values
    if points.shape != (*shown.shape, 2) or points.dtype.kind not in "biuf":
        return values
    return np.where(shown[..., None], points, 0)
