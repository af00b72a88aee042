"""Any number of boxes per example, each of one class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cnnkit.data.arguments import said
from cnnkit.data.targets.bends import Bends
from cnnkit.data.targets.column import (
    ID,
    LABEL,
    all_or_none,
    class_indices,
    content_digest,
    example_indices,
    joined_arrays,
    numbers_of,
    one_id_each,
    read_only,
    require_alike,
    table_of,
    text_names,
)
from cnnkit.data.targets.labels import Labels
from cnnkit.data.targets.masks import Masks, image_table
from cnnkit.data.targets.moves import Move
from cnnkit.data.targets.points import Points
from cnnkit.data.targets.tags import combinations_of
from cnnkit.errors import DataError, InputError

# A box of which a moved picture shows a smaller part of the area is dropped.
LEAST_VISIBLE = 0.25
# Points of each side of a box that a bend moves.
OF_A_SIDE = 8


@dataclass(frozen=True, eq=False)
class Boxes:
    """Any number of boxes per example, in flat arrays: example i has the boxes `starts[i]` to `starts[i + 1]`.

    Attributes:
        names: The class names; the index in this tuple is the label.
        boxes: (m, 4) float64: x1, y1, x2, y2 in continuous pixels, x1 ≤ x2 and y1 ≤ y2.
        labels: (m,) int64, the class of each box.
        starts: (n + 1,) int64, from 0 to m, none below the one before.
        scores: (m,) float32 of predictions; None of truth.
        crowd: (m,) bool, a box around many things of a class (COCO's `iscrowd`); None if none is marked.
        difficult: (m,) bool, a thing that does not count (Pascal VOC's `difficult`); None if none is marked.
        masks: m masks of two classes, the background and the thing; None if there are none.
        points: m rows of points, those of each thing; None if there are none.

    Raises:
        InputError: Names that are no different texts, or starts, masks or points that do not fit.
        DataError: Another shape, NaN, infinity, a label that is no class, or a box with its corners swapped.

    >>> truth = Boxes.of_lists(("cat", "dog"), [[[0, 0, 4, 4], [2, 2, 6, 6]], []], [[0, 1], []])
    >>> truth.counts().tolist()
    [1, 1]
    >>> truth.moved([[1, 0, 3], [0, 1, 0], [0, 0, 1]], (6, 6)).boxes.tolist()  # three pixels to the right
    [[3.0, 0.0, 6.0, 4.0], [5.0, 2.0, 6.0, 6.0]]
    """

    kind: ClassVar[str] = "boxes"
    placed: ClassVar[bool] = True

    names: tuple[str, ...]
    boxes: NDArray[np.float64]
    labels: NDArray[np.int64]
    starts: NDArray[np.int64]
    scores: NDArray[np.float32] | None = None
    crowd: NDArray[np.bool_] | None = None
    difficult: NDArray[np.bool_] | None = None
    masks: Masks | None = None
    points: Points | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", text_names(self.names))
        boxes = numbers_of(self.boxes, "boxes", (None, 4), np.float64)
        swapped = (boxes[:, :2] > boxes[:, 2:]).any(axis=1)
        if swapped.any():
            received, remedy = (
                str(boxes[swapped][0].tolist()),
                "COCO's x, y, width, height are x, y, x + width, y + height.",
            )
            raise DataError("boxes as x1, y1, x2, y2 with x1 ≤ x2 and y1 ≤ y2", received, remedy)
        object.__setattr__(self, "boxes", boxes)
        labels = numbers_of(self.labels, "labels", (len(boxes),), np.float64)
        object.__setattr__(self, "labels", class_indices(labels, len(self.names)))
        object.__setattr__(self, "starts", _starts(self.starts, len(boxes)))
        if self.scores is not None:
            object.__setattr__(self, "scores", numbers_of(self.scores, "scores", (len(boxes),), np.float32))
        for flag in ("crowd", "difficult"):
            if getattr(self, flag) is not None:
                object.__setattr__(self, flag, _marks(getattr(self, flag), flag, len(boxes)))
        for parts, cls in ((self.masks, Masks), (self.points, Points)):
            if parts is not None and (not isinstance(parts, cls) or len(parts) != len(boxes)):
                received = f"{len(parts)} {cls.kind}" if isinstance(parts, cls) else said(parts)
                raise InputError(f"one of {cls.__name__} for each of {len(boxes)} boxes", received, "Give one per box.")
        if self.masks is not None and len(self.masks.names) != 2:
            expected = "masks of two names, the background and the thing"
            raise InputError(expected, str(list(self.masks.names)), "A box's class is its label.")

    @classmethod
    def of_lists(
        cls,
        names: Sequence[str],
        boxes: Sequence[ArrayLike],
        labels: Sequence[ArrayLike],
        *,
        scores: Sequence[ArrayLike] | None = None,
        crowd: Sequence[ArrayLike] | None = None,
        difficult: Sequence[ArrayLike] | None = None,
        masks: Masks | None = None,
        points: Points | None = None,
    ) -> Self:
        """Boxes from one array per example.

        Args:
            names: The class names.
            boxes: Per example (k, 4) of x1, y1, x2, y2; [] where it has none.
            labels: Per example (k,).
            scores: Per example (k,).
            crowd: Per example (k,).
            difficult: Per example (k,).
            masks: One per box, in order of the examples.
            points: One row per box, in order of the examples.

        Raises:
            InputError: Another number of examples, or of boxes of one.
            DataError: As of the class.
        """
        if not isinstance(labels, list | tuple | np.ndarray):
            raise InputError("a list of labels per example", said(labels), "[] is an example without boxes.")
        counts = [np.size(example) for example in labels]
        columns = {"labels": labels, "scores": scores, "crowd": crowd, "difficult": difficult}
        flat: dict[str, Any] = {
            name: None if lists is None else _flat(lists, name, counts) for name, lists in columns.items()
        }
        starts, corners = np.cumsum([0, *counts]), _flat(boxes, "boxes", counts, 4)
        return cls(tuple(names), corners, starts=starts, masks=masks, points=points, **flat)

    @classmethod
    def from_table(cls, names: Sequence[str], table: pd.DataFrame, ids: Sequence[str]) -> Self:
        """Boxes and scores read from their table. An id without a row has no box.

        Raises:
            InputError: No such table.
            UnknownNameError: A label that is no class.
        """
        rows = table_of(table, (LABEL, "score", "x", "y", "width", "height"))
        place = {name: index for index, name in enumerate(ids)}
        rows = rows.assign(**{ID: rows[ID].map(place)}).dropna(subset=[ID]).sort_values(ID, kind="stable")
        left, top, width, height = rows[["x", "y", "width", "height"]].to_numpy(np.float64).T
        return cls(
            names=tuple(names),
            boxes=np.stack([left, top, left + width, top + height], axis=1),
            labels=Labels.of_texts(rows[LABEL].tolist(), names),
            starts=np.searchsorted(rows[ID].to_numpy(np.int64), np.arange(len(ids) + 1)),
            scores=rows["score"].to_numpy(np.float32),
        )

    def __len__(self) -> int:
        return len(self.starts) - 1

    def span(self, index: int) -> slice:
        """Where the boxes of example `index` are in the flat arrays."""
        return slice(int(self.starts[index]), int(self.starts[index + 1]))

    @property
    def owners(self) -> NDArray[np.int64]:
        """(m,) the index of the example of each box."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def take(self, indices: ArrayLike) -> Self:
        """The examples at `indices`, in that order."""
        rows = example_indices(indices, len(self))
        counts = np.diff(self.starts)[rows]
        starts = np.cumsum([0, *counts.tolist()])
        # The place of each box: that of its example's first one, and how many came since.
        places = np.repeat(self.starts[rows] - starts[:-1], counts) + np.arange(starts[-1])
        return self._subset(places, starts)

    def where(self, stays: NDArray[np.bool_]) -> Self:
        """The same examples with some of their boxes: (boxes,) True of those that stay."""
        counts = np.bincount(self.owners[stays], minlength=len(self))
        return self._subset(np.flatnonzero(stays), np.cumsum([0, *counts.tolist()]))

    def moved(
        self,
        positions: ArrayLike,
        sizes: ArrayLike,
        bends: Sequence[Bends] | None = None,
        *,
        least: float = LEAST_VISIBLE,
    ) -> Self:
        """The same boxes in other pictures.

        A box becomes the smallest upright one around its four moved corners, of a bent box around its moved border,
        clipped to the result. It is dropped where less than `least` of that area is in the result, or nothing.

        Args:
            positions: As of every kind.
            sizes: As of every kind.
            bends: As of every kind.
            least: A part of the area, 0…1.
        """
        owners = self.owners
        move = Move.of(positions, sizes, len(self), bends).take(owners)  # of each box
        corners = self.boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]  # (m, 4, 2)
        border = move.moved(_between(corners, OF_A_SIDE) if move.bends else corners)
        low, high = border.min(axis=1), border.max(axis=1)
        limits = move.sizes[:, ::-1]  # (m, 2): width, height
        seen_low, seen_high = np.clip(low, 0, limits), np.clip(high, 0, limits)
        area, seen = np.prod(high - low, axis=1), np.prod(seen_high - seen_low, axis=1)
        stays = (seen > 0) & (seen >= least * area)
        subset = self.where(stays)
        seen_move = move.take(np.flatnonzero(stays))
        step = seen_move.positions, seen_move.sizes, seen_move.bends or None
        return replace(
            subset,
            boxes=np.concatenate([seen_low, seen_high], axis=1)[stays],
            masks=None if subset.masks is None else subset.masks.moved(*step),
            points=None if subset.points is None else subset.points.moved(*step),
        )

    def strata(self) -> NDArray[np.int64]:
        """(n,) the number of each example's combination of classes."""
        return combinations_of(self._shown())

    def counts(self) -> NDArray[np.int64]:
        """(names,) the number of examples that show each class."""
        return np.asarray(self._shown().sum(axis=0), np.int64)

    def measures(self) -> dict[str, NDArray[np.float64]]:
        """Of the boxes of each class, and of all (names + 1,): `boxes`, `area`, `aspect`.

        Their number, their mean area in pixels of their pictures, and the geometric mean of width / height, which is 1
        where as many are wide as are high; NaN of no boxes.
        """
        width, height = (self.boxes[:, 2:] - self.boxes[:, :2]).T
        flat = (width > 0) & (height > 0)
        ratios = np.log(np.where(flat, width, 1) / np.where(flat, height, 1))
        rows: list[tuple[float, float, float]] = []
        for label in (*range(len(self.names)), None):
            mine = flat if label is None else flat & (self.labels == label)
            number = len(self.boxes) if label is None else int((self.labels == label).sum())
            area, aspect = (
                ((width * height)[mine].mean(), np.exp(ratios[mine].mean())) if mine.any() else (np.nan, np.nan)
            )
            rows.append((number, area, aspect))
        return dict(zip(("boxes", "area", "aspect"), np.array(rows, np.float64).T, strict=True))

    def digest(self) -> str:
        """A sha256 over names, boxes, and all that belongs to them."""
        others = (part if part is None else part.digest() for part in (self.masks, self.points))
        arrays = (self.boxes, self.labels, self.starts, self.scores, self.crowd, self.difficult)
        return content_digest(self.kind, self.names, (*arrays, *others))

    def table(self, ids: Sequence[str]) -> pd.DataFrame:
        """One row per box: columns `id`, `label`, `score` of predictions, `x`, `y`, `width`, `height`.

        Then, where there are any: `crowd`, `difficult`, the columns of the points, and `mask`, a PNG as bytes. An
        example without boxes has no row.
        """
        listed = np.array(one_id_each(ids, len(self)), np.object_)[self.owners].tolist()
        columns: dict[str, Any] = {LABEL: [self.names[label] for label in self.labels], "score": self.scores}
        x, y, right, bottom = self.boxes.T
        columns |= {"x": x, "y": y, "width": right - x, "height": bottom - y}
        columns |= {"crowd": self.crowd, "difficult": self.difficult}
        columns |= {} if self.points is None else self.points.columns()
        if self.masks is not None:
            columns["mask"] = image_table(listed, "mask", self.masks.mask)["mask"].to_numpy()
        present = {name: column for name, column in columns.items() if column is not None}
        rows = pd.DataFrame({ID: listed, LABEL: present.pop(LABEL)}, dtype="str")
        return rows.assign(**present)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The examples of several columns with the same names, one after the other."""
        require_alike(parts, cls)
        fields = ("boxes", "labels", "scores", "crowd", "difficult")
        columns: dict[str, Any] = {field: joined_arrays(parts, field) for field in fields}
        masks, points = all_or_none(parts, "masks"), all_or_none(parts, "points")
        columns |= {
            "masks": Masks.joined(masks) if masks else None,
            "points": Points.joined(points) if points else None,
        }
        counts = np.concatenate([np.diff(part.starts) for part in parts])
        return cls(names=parts[0].names, starts=np.cumsum([0, *counts.tolist()]), **columns)

    def _shown(self) -> NDArray[np.bool_]:
        """(n, names) which classes each example shows."""
        shown = np.zeros((len(self), len(self.names)), np.bool_)
        shown[self.owners, self.labels] = True
        return shown

    def _subset(self, places: NDArray[np.int64], starts: NDArray[np.int64]) -> Self:
        """The boxes at `places`, in that order, with other starts."""
        return type(self)(
            names=self.names,
            boxes=self.boxes[places],
            labels=self.labels[places],
            starts=starts,
            scores=None if self.scores is None else self.scores[places],
            crowd=None if self.crowd is None else self.crowd[places],
            difficult=None if self.difficult is None else self.difficult[places],
            masks=None if self.masks is None else self.masks.take(places),
            points=None if self.points is None else self.points.take(places),
        )


def _between(corners: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """(m, 4 · count, 2) points on the sides of boxes, evenly, from their corners (m, 4, 2)."""
    shares = np.arange(count)[:, None] / count
    following = np.roll(corners, -1, axis=1)
    return (corners[:, :, None] * (1 - shares) + following[:, :, None] * shares).reshape(len(corners), -1, 2)


def _marks(value: object, name: str, count: int) -> NDArray[np.bool_]:
    """A read-only copy of yes and no per box."""
    marks = numbers_of(value, name, (count,), np.float64)
    if not np.isin(marks, (0, 1)).all():
        raise DataError(f"True or False per box in {name}", str(np.unique(marks)[:5].tolist()), "1 marks a box.")
    return read_only(marks.astype(np.bool_))


def _starts(value: object, boxes: int) -> NDArray[np.int64]:
    """A read-only copy of where the boxes of each example begin, and where the last one's end."""
    starts = np.asarray(value)
    fine = starts.ndim == 1 and starts.size > 0 and starts.dtype.kind in "iu"
    if not fine or starts[0] != 0 or starts[-1] != boxes or (starts[1:] < starts[:-1]).any():
        expected = f"starts from 0 to {boxes}, ascending, one more than examples"
        raise InputError(expected, said(value), "Boxes.of_lists(names, boxes, labels) counts them.")
    return read_only(starts.astype(np.int64))


def _flat(lists: Sequence[ArrayLike], name: str, counts: Sequence[int], *columns: int) -> NDArray[Any]:
    """(m, *columns) of one (count, *columns) per example."""
    a_list = isinstance(lists, list | tuple | np.ndarray)
    if not a_list or len(lists) != len(counts):
        received = str(len(lists)) if a_list else said(lists)
        raise InputError(f"a list of {name} for each of {len(counts)} examples", received, "[] where there is none.")
    flat = [np.zeros((0, *columns))]
    for index, (rows, count) in enumerate(zip(lists, counts, strict=True)):
        try:
            array = np.asarray(rows)
        except ValueError:  # rows of unequal lengths
            array = np.empty((), np.object_)
        if count == array.size == 0:
            continue  # [] has no second axis
        if array.shape != (count, *columns):
            expected = f"{name} of shape {(count, *columns)} for example {index}"
            raise DataError(expected, said(rows), "Give one row per box.")
        flat.append(array)
    return np.concatenate(flat)
