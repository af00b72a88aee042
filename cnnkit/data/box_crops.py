"""Crops of photographs around boxes: one example per person, for networks that look at one at a time ("top-down")."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.arguments import number, said, whole_number
from cnnkit.data.dataset import Dataset
from cnnkit.data.region_crops import cut_out
from cnnkit.data.source import Reader, Source
from cnnkit.data.targets.boxes import Boxes
from cnnkit.data.targets.column import text_names
from cnnkit.data.targets.points import Points
from cnnkit.errors import DataError, InputError, unknown_name

MARGIN = 0.25


@dataclass(frozen=True, eq=False)
class CropReader:
    """Gives a part of a photograph; what lies outside of it has the colour of padding.

    Args:
        reader: Of the photographs.
        pictures: (m,) the position in `reader` of each crop's photograph.
        corners: (m, 4) int64 x1, y1, x2, y2 of each crop, which may reach beyond the photograph.
    """

    reader: Reader
    pictures: NDArray[np.int64]
    corners: NDArray[np.int64]

    def read(self, position: int) -> NDArray[np.uint8]:
        """The crop (height, width, 3)."""
        picture = self.reader.read(int(self.pictures[position]))
        left, top, right, bottom = self.corners[position].tolist()
        return cut_out(picture, (left, top, right, bottom))

    def shape(self, position: int) -> tuple[int, int]:
        """Height and width of the crop."""
        left, top, right, bottom = self.corners[position].tolist()
        return bottom - top, right - left

    def digest(self, position: int) -> str:
        """A hash of the photograph and the place of the crop."""
        key = f"crop {self.reader.digest(int(self.pictures[position]))} {self.corners[position].tolist()}"
        return hashlib.sha256(key.encode()).hexdigest()


def crops(
    photos: Dataset, classes: str | tuple[str, ...] | None = None, *, margin: float = MARGIN, least: int = 32
) -> Dataset:
    """A dataset of the things in photographs, each a picture of its own with its points as truth.

    The crop is a square around the middle of the box. Its points are those of this thing alone, also where the crop
    shows another's; `areas` of the truth are those of the boxes, where the points do not say others.

    Args:
        photos: With boxes that have points: `ck.data.scenes(1000, target="boxes")`, or COCO's person keypoints.
        classes: Which things, one name or several; all by default.
        margin: What is added to the longer side of a box, as a part of it: half of that on each side.
        least: Things whose box has a shorter long side, in pixels, are left out; so are crowds, difficult things, and
            those of which no point is shown.

    Returns:
        A dataset of points; the id of the second thing in the photograph `ID` is `ID#1`.

    Raises:
        DataError: Truth of another kind or without points, or nothing to train on.
        InputError: No dataset, no names, a margin below 0, or a least below 1.
        UnknownNameError: No such class.

    >>> from cnnkit.data import scenes
    >>> people = crops(scenes(20, size=128, target="boxes"), "person")
    >>> people.names[0], people.train.ids[0]
    ('nose', 'scene-0-000000#3')
    """
    if not isinstance(photos, Dataset):
        raise InputError("a dataset", said(photos), 'ck.data.scenes(100, target="boxes") is one.')
    least = whole_number(least, "least", least=1, remedy="32 pixels leave out what nobody recognizes.")
    names = photos.classes if classes is None else text_names([classes] if isinstance(classes, str) else classes)
    train, validation, test = (_things(part, names, margin, least) for part in photos.parts().values())
    if not len(train):
        raise DataError(f"things of {list(names)} to train on, with points", "none", "photos.report() counts.")
    return replace(photos, classes=train.names, train=train, validation=validation, test=test)


def box_crops(source: Source, boxes: Boxes, *, margin: float = MARGIN) -> Source:
    """The crops of boxes, for prediction: what `crops` does, of all boxes and without truth.

    Args:
        source: The photographs.
        boxes: One example per photograph: what a detector says, or the truth. `Boxes.from_table(names, table, ids)`
            reads a table of `ck.predict`.
        margin: As of `crops`.

    Returns:
        One example per box, in their order.

    Raises:
        DataError: Boxes of another number of photographs.
        InputError: No source, no boxes, or a margin below 0.
    """
    if not isinstance(source, Source) or not isinstance(boxes, Boxes):
        raise InputError("a source and its boxes", f"{said(source)} and {said(boxes)}", "photos.test is a source.")
    if len(source) != len(boxes):
        received = f"{len(boxes)} of {len(source)}"
        raise DataError("the boxes of each photograph", received, "[] where a photograph has none.")
    corners = crop_corners(boxes.boxes, margin)
    places = np.arange(len(corners)) - boxes.starts[boxes.owners]
    return Source(
        ids=tuple(f"{source.ids[owner]}#{place}" for owner, place in zip(boxes.owners, places, strict=True)),
        targets=None,
        reader=CropReader(source.reader, source.positions[boxes.owners], corners),
        positions=np.arange(len(corners)),
    )


def in_whole_photographs(crops: Source, points: Points, boxes: Boxes) -> Boxes:
    """The way back of `box_crops`: boxes with the points that a network says of their crops, as COCO evaluates them.

    Args:
        crops: From `box_crops`.
        points: Of each crop, in its pixels, with scores.
        boxes: Those that the crops are of.

    Returns:
        The same boxes with points in the pixels of the photographs. Their scores are the product of their own (1 of
        true ones) and the mean score of their points.

    Raises:
        InputError: Another source, points without scores, or another number of them.
    """
    if not isinstance(crops, Source) or not isinstance(points, Points) or not isinstance(boxes, Boxes):
        received = f"{said(crops)}, {said(points)} and {said(boxes)}"
        raise InputError("crops of boxes, their points and the boxes", received, "See ck.data.box_crops.")
    reader = crops.reader
    if not isinstance(reader, CropReader) or points.scores is None or not len(crops) == len(points) == len(boxes.boxes):
        received = f"{said(crops)}, {len(points)} points and {len(boxes.boxes)} boxes"
        raise InputError("crops of boxes, and predicted points for each of them", received, "See ck.data.box_crops.")
    moved = points.values + reader.corners[crops.positions][:, None, :2]
    scores = points.scores.mean(axis=1) * (1 if boxes.scores is None else boxes.scores)
    return replace(boxes, scores=scores, points=replace(points, values=moved), masks=None)


def crop_corners(boxes: NDArray[np.float64], margin: float) -> NDArray[np.int64]:
    """(m, 4) whole corners of the squares around boxes (m, 4).

    Raises:
        InputError: A margin below 0.
    """
    expected, remedy = "a margin of at least 0", "0.25 leaves an eighth of the box on each side."
    if not 0 <= number(margin, "margin", expected, remedy) < np.inf:
        raise InputError(expected, repr(margin), remedy)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    side = np.maximum(np.ceil((boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0) * (1 + margin)), 1)
    low = np.floor(middle - side[:, None] / 2 + 0.5)
    return np.concatenate([low, low + side[:, None]], axis=1).astype(np.int64)


def _things(source: Source, names: tuple[str, ...], margin: float, least: int) -> Source:
    """Crops of the things of one part that count, with their points."""
    boxes = source.targets
    if not isinstance(boxes, Boxes) or boxes.points is None:
        raise DataError("boxes with points as truth", source.kind or "none", 'Take target="boxes" of scenes or COCO.')
    for name in names:
        if name not in boxes.names:
            raise unknown_name("a class", str(name), boxes.names)
    sides = boxes.boxes[:, 2:] - boxes.boxes[:, :2]
    counted = np.isin(boxes.labels, [boxes.names.index(name) for name in names])
    counted &= (sides.max(axis=1, initial=0) >= least) & (boxes.points.shown > 0).any(axis=1)
    for flag in (boxes.crowd, boxes.difficult):
        counted &= True if flag is None else ~flag
    whole = box_crops(source, boxes, margin=margin).take(counted)
    points = boxes.points.take(counted)
    corners = crop_corners(boxes.boxes[counted], margin)
    moves = np.tile(np.eye(3), (len(points), 1, 1))
    moves[:, :2, 2] = -corners[:, :2]
    shapes = np.maximum(corners[:, 3:1:-1] - corners[:, 1::-1], 1)
    areas = sides[counted].prod(axis=1) if points.areas is None else points.areas
    return replace(whole, targets=replace(points.moved(moves, shapes), areas=areas))
