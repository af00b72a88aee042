"""What COCO's annotations say, as columns of truth: boxes with their masks and points, semantic maps, points."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.arguments import said
from cnnkit.data.box_faults import clipped, usable
from cnnkit.data.coco_file import CocoFile
from cnnkit.data.targets.boxes import Boxes
from cnnkit.data.targets.masks import Masks
from cnnkit.data.targets.points import ABSENT, Points, mirror_of
from cnnkit.data.targets.stored import Stored
from cnnkit.data.targets.targets import Targets
from cnnkit.errors import DataError, unknown_name
from cnnkit.metrics.run_lengths import Runs, counted_runs, letters_counts, paint, polygon_runs, upright

BACKGROUND = "background"
# The masks of a box are of two classes.
THING = (BACKGROUND, "thing")
# From the index of a pixel to its centre, in continuous pixels.
CENTRE = 0.5

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class AreaReader:
    """Gives the pixels of annotations; a reader of stored arrays.

    Attributes:
        file: The annotations.
        groups: Per position the annotations that it shows, one over the other, and the value of each.
        sizes: (n, 2) height and width per position.
    """

    file: CocoFile
    groups: Sequence[tuple[list[int], list[int]]]
    sizes: Integers

    def read(self, position: int) -> NDArray[np.uint8]:
        """(height, width), 0 where no annotation is.

        Raises:
            DataError: A segmentation that is none, or of another size.
        """
        height, width = self.sizes[position].tolist()
        canvas = np.zeros(height * width, np.uint8)
        for row, value in zip(*self.groups[position], strict=True):
            for runs in area_of(self.file, row, (height, width)):
                paint(canvas, runs, value)
        return upright(canvas, (height, width))

    def digest(self, position: int) -> str:
        """A hash of size, segmentations and values."""
        rows, values = self.groups[position]
        areas = [self.file.annotations[row].get("segmentation") for row in rows]
        content = json.dumps([self.sizes[position].tolist(), areas, values])
        return hashlib.sha256(content.encode()).hexdigest()


def area_of(file: CocoFile, row: int, size: tuple[int, int]) -> list[Runs]:
    """The runs of pixels of an annotation.

    Args:
        file: The annotations.
        row: Which.
        size: (height, width) of its picture.

    Raises:
        DataError: A segmentation that is none, or of another size.
    """
    area = file.annotations[row].get("segmentation")
    if isinstance(area, dict):
        return [_counted(file, row, area, size)]
    runs = []
    for polygon in area if isinstance(area, list) else [area]:
        try:
            corners = np.array(polygon, np.float64).reshape(-1, 2)
        except (TypeError, ValueError):
            corners = np.full((1, 2), np.nan)
        if not np.isfinite(corners).all() or (np.abs(corners) > 1e6).any():
            raise file.wrong(row, "a segmentation of polygons x, y, x, y, … or of run lengths", said(polygon))
        if len(corners) > 2:  # a point or a line has no area
            runs.append(polygon_runs(corners, size))
    return runs


def _counted(file: CocoFile, row: int, area: dict[str, Any], size: tuple[int, int]) -> Runs:
    counts = area.get("counts")
    try:
        lengths = letters_counts(counts) if isinstance(counts, str) else np.array(counts)
    except ValueError as error:
        raise file.wrong(row, "run lengths as COCO compresses them", str(error)) from error
    if lengths.ndim != 1 or lengths.dtype.kind not in "iu" or (lengths < 0).any():
        raise file.wrong(row, "run lengths as whole numbers of at least 0, or compressed", said(counts))
    if area.get("size") != list(size) or lengths.sum() != size[0] * size[1]:
        expected = f"run lengths of a picture of height {size[0]} and width {size[1]}, {size[0] * size[1]} pixels"
        raise file.wrong(row, expected, f"size {area.get('size')}, {lengths.sum()} pixels")
    return counted_runs(lengths.astype(np.int64))


def boxes_of(file: CocoFile, classes: Sequence[str] | None) -> Boxes:
    """The boxes of each picture, with masks where every box has a segmentation, and points where every one has some."""
    rows, names, labels = _chosen(file, classes)
    raw = file.boxes()[rows]
    corners = np.concatenate([raw[:, :2], raw[:, :2] + raw[:, 2:]], axis=1)
    shapes, owners, crowd = file.shapes[file.owners[rows]], file.owners[rows], file.crowd()[rows]

    def name(place: int) -> str:
        row = int(rows[place])
        return f"annotation {file.annotations[row].get('id', row)}"

    places = usable(corners, labels, owners, shapes, crowd=crowd, name=name, where=str(file.path))
    rows, crowd = rows[places], crowd[places]
    counts = np.bincount(owners[places], minlength=len(file.pictures))
    has_areas = all(file.annotations[row].get("segmentation") for row in rows.tolist())
    reader = AreaReader(file, [([row], [1]) for row in rows.tolist()], shapes[places])
    return Boxes(
        names=names,
        boxes=clipped(corners[places], shapes[places]),
        labels=labels[places],
        starts=np.cumsum([0, *counts.tolist()]),
        crowd=crowd if crowd.any() else None,
        masks=Masks(THING, Stored(reader, np.arange(len(rows)))) if has_areas else None,
        points=_points(file, rows) if _has_points(file, rows) else None,
    )


def masks_of(file: CocoFile, classes: Sequence[str] | None) -> Masks:
    """The semantic map of each picture: regions of crowds first, then things from the largest to the smallest."""
    rows, names, labels = _chosen(file, classes)
    if BACKGROUND in names:
        raise DataError(
            f"no category called {BACKGROUND!r} in {file.path}", f"one in {names}", "Leave it out by classes=."
        )
    boxes, crowd = file.boxes()[rows], file.crowd()[rows]
    areas = boxes[:, 2] * boxes[:, 3]
    if missing := [row for row in rows.tolist() if not file.annotations[row].get("segmentation")]:
        raise file.wrong(missing[0], "a segmentation", "none")
    groups: list[tuple[list[int], list[int]]] = [([], []) for _ in file.pictures]
    for place in np.lexsort((-areas, ~crowd)).tolist():
        group = groups[file.owners[rows[place]]]
        group[0].append(int(rows[place]))
        group[1].append(int(labels[place]) + 1)
    reader = AreaReader(file, groups, file.shapes)
    return Masks((BACKGROUND, *names), Stored(reader, np.arange(len(groups))))


def points_of(file: CocoFile, classes: Sequence[str] | None) -> Points:
    """The points of the largest thing of each picture that shows any; all absent where none does."""
    rows, _, _ = _chosen(file, classes)
    if not len(rows) or not _has_points(file, rows):
        received = "annotations without keypoints" if len(rows) else "no annotations"
        raise DataError(
            f"keypoints in {file.path}", received, "Give the person_keypoints_*.json file, or other classes."
        )
    points = _points(file, rows)
    boxes = file.boxes()[rows]
    areas = boxes[:, 2] * boxes[:, 3] * (~file.crowd()[rows] & (points.shown > ABSENT).any(axis=1))
    values = np.zeros((len(file.pictures), len(points.names), 2))
    shown = np.zeros(values.shape[:2], np.uint8)
    scales = None if points.areas is None else np.zeros(len(values))
    for place in np.argsort(areas, kind="stable").tolist():  # the last one stays
        if areas[place] > 0:
            owner = file.owners[rows[place]]
            values[owner], shown[owner] = points.values[place], points.shown[place]
            if scales is not None and points.areas is not None:
                scales[owner] = points.areas[place]
    return Points(points.names, values, shown, mirror=points.mirror, areas=scales)


def _chosen(file: CocoFile, classes: Sequence[str] | None) -> tuple[Integers, tuple[str, ...], Integers]:
    """The annotations of the classes that are asked for, the names of these, and the class of each annotation."""
    names = file.names if classes is None else tuple(classes)
    for name in names:
        if name not in file.names:
            raise unknown_name(f"a category of {file.path}", name, file.names)
    place = np.full(len(file.names) + 1, -1, np.int64)
    place[[file.names.index(name) for name in names]] = np.arange(len(names))
    labels = place[file.labels]
    rows = np.flatnonzero(labels >= 0)
    return rows, names, labels[rows]


def _has_points(file: CocoFile, rows: Integers) -> bool:
    """Whether all annotations have the same points, by name."""
    names = [file.categories[label].get("keypoints") for label in np.unique(file.labels[rows])]
    same = bool(names) and bool(names[0]) and all(each == names[0] for each in names)
    return same and all(file.annotations[row].get("keypoints") for row in rows.tolist())


def _points(file: CocoFile, rows: Integers) -> Points:
    """The points of annotations: x, y as continuous pixels; absent where they are outside the picture."""
    names = tuple(map(str, file.categories[file.labels[rows[0]]]["keypoints"])) if len(rows) else ()
    table = np.zeros((len(rows), len(names), 3))
    for place, row in enumerate(rows.tolist()):
        try:
            table[place] = np.array(file.annotations[row]["keypoints"], np.float64).reshape(len(names), 3)
            fine = bool(np.isfinite(table[place]).all() and np.isin(table[place, :, 2], (0, 1, 2)).all())
        except (TypeError, ValueError):
            fine = False
        if not fine:
            expected = f"keypoints x, y, visibility (0, 1 or 2) of the {len(names)} points of its category"
            raise file.wrong(row, expected, said(file.annotations[row]["keypoints"]))
    values, shown = table[..., :2], table[..., 2].astype(np.uint8)
    if (values == np.floor(values)).all():  # indices of pixels, as people mark them: their centres are meant
        values = values + CENTRE
    limits = file.shapes[file.owners[rows]][:, None, ::-1]
    shown[((values < 0) | (values > limits)).any(axis=2)] = ABSENT
    return Points(names, values, shown, mirror=mirror_of(names), areas=_areas(file, rows))


def _areas(file: CocoFile, rows: Integers) -> NDArray[np.float64] | None:
    """What annotations say of their areas, which the similarity of keypoints is measured by; None if one says none."""
    areas = [file.annotations[row].get("area") for row in rows.tolist()]
    known = all(isinstance(area, int | float) and 0 <= area < np.inf for area in areas)
    return np.array(areas, np.float64) if known else None


# Truth of a file by target, of all its classes or of some.
TRUTHS: dict[str, Callable[[CocoFile, Sequence[str] | None], Targets]] = {
    "boxes": boxes_of,
    "masks": masks_of,
    "points": points_of,
}
