"""Truth and predictions as COCO's evaluation takes them: columns of boxes, or the content of COCO's JSON files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cnnkit.errors import DataError
from cnnkit.metrics.coco_fields import Rows, ids, lists, numbers, rows_of
from cnnkit.metrics.coco_things import Kind, Things
from cnnkit.metrics.run_lengths import Runs, bitmap_runs, counted_runs, letters_counts, merged, polygon_runs


@runtime_checkable
class BoxColumn(Protocol):
    """What the metrics know of `Boxes`, the truth of a dataset and what a detector predicts."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the classes."""

    @property
    def boxes(self) -> NDArray[np.float64]:
        """(m, 4) x1, y1, x2, y2."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """(m,) from 0."""

    @property
    def scores(self) -> NDArray[np.float32] | None:
        """(m,) of predictions."""

    @property
    def crowd(self) -> NDArray[np.bool_] | None:
        """(m,) or None."""

    @property
    def difficult(self) -> NDArray[np.bool_] | None:
        """(m,) or None."""

    @property
    def masks(self) -> Any:
        """M masks, or None."""

    @property
    def points(self) -> Any:
        """M rows of points, or None."""

    def __len__(self) -> int:
        """The number of pictures."""

    @property
    def owners(self) -> NDArray[np.int64]:
        """(m,) the index of the picture of each box."""


def box_columns(truth: object, predictions: object) -> tuple[BoxColumn, BoxColumn]:
    """Two columns of boxes for the same pictures.

    Raises:
        DataError: They are none, differ in classes or number of pictures, or the predictions have no scores.
    """
    if (
        isinstance(truth, BoxColumn)
        and isinstance(predictions, BoxColumn)
        and (truth.names, len(truth)) == (predictions.names, len(predictions))
    ):
        if predictions.scores is None:
            raise DataError("predictions with scores", "boxes without", "Boxes takes them as scores=.")
        return truth, predictions
    received = [
        f"{len(boxes)} pictures, classes {list(boxes.names)}" if isinstance(boxes, BoxColumn) else type(boxes).__name__
        for boxes in (truth, predictions)
    ]
    raise DataError(
        "boxes of a truth and predicted boxes, for the same pictures and classes",
        " and ".join(received)[:300],
        "Give what a head decodes for the pictures of this truth.",
    )


def things_of(truth: object, predictions: object, kind: Kind) -> tuple[tuple[str, ...], Things, Things]:
    """Names of the categories, the true things and the predicted ones.

    Raises:
        DataError: As of `coco`.
    """
    if not isinstance(truth, Mapping):
        columns = box_columns(truth, predictions)
        true, said = (_of_column(column, kind) for column in columns)
        if kind == "points" and columns[0].points.names != columns[1].points.names:
            received = f"{list(columns[0].points.names)} and {list(columns[1].points.names)}"[:300]
            raise DataError("the same points in truth and predictions", received, "Give those of one dataset.")
        return columns[0].names, true, said
    if not isinstance(predictions, Sequence) or isinstance(predictions, str | bytes):
        received = type(predictions).__name__
        raise DataError("a list of predictions, as results files hold", received, "[] where nothing was found.")
    images, categories, marked = (rows_of(truth.get(key), key) for key in ("images", "categories", "annotations"))
    known = [
        {number: place for place, number in enumerate(sorted(ids(rows, "id", table)))}
        for rows, table in ((images, "images"), (categories, "categories"))
    ]
    names = {row["id"]: str(row.get("name", row["id"])) for row in categories}
    sizes = {row["id"]: (row.get("height"), row.get("width")) for row in images}
    true = _of_json(marked, "annotations", kind, known, sizes)
    said = _of_json(rows_of(predictions, "predictions"), "predictions", kind, known, sizes)
    return tuple(names[number] for number in known[1]), true, said


def _of_column(column: BoxColumn, kind: Kind) -> Things:
    corners, count = column.boxes, len(column.boxes)
    sides = corners[:, 2:] - corners[:, :2]
    none = np.zeros(count, np.bool_)
    crowd = none if column.crowd is None else column.crowd
    if (kind == "masks" and column.masks is None) or (kind == "points" and column.points is None):
        raise DataError(f"{kind} of the boxes", "boxes without", 'kind="boxes" compares the boxes themselves.')
    runs = tuple(bitmap_runs(column.masks.mask(index) == 1) for index in range(count)) if kind == "masks" else ()
    points, areas = None, sides[:, 0] * sides[:, 1]
    if kind == "points":
        areas = areas if column.points.areas is None else column.points.areas
        points = np.concatenate([column.points.values, column.points.shown[..., None]], axis=2)
        none = np.asarray((points[:, :, 2] == 0).all(axis=1)) if column.scores is None else none
    return Things(
        pictures=column.owners,
        categories=column.labels,
        areas=np.array([float((ends - starts).sum()) for starts, ends in runs]) if runs else areas,
        boxes=np.concatenate([corners[:, :2], sides], axis=1),
        scores=np.zeros(count) if column.scores is None else column.scores.astype(np.float64),
        crowd=crowd,
        ignored=crowd | none | (False if column.difficult is None else column.difficult),
        runs=runs,
        points=points,
    )


def _of_json(
    rows: Rows, table: str, kind: Kind, known: Sequence[Mapping[Any, int]], sizes: Mapping[Any, tuple[Any, Any]]
) -> Things:
    truth = table == "annotations"
    # Of other categories nothing is evaluated, as in pycocotools.
    places = [known[1].get(number, -1) for number in ids(rows, "category_id", table)]
    rows = [row for row, place in zip(rows, places, strict=True) if place >= 0]
    pictures = [known[0].get(number, -1) for number in ids(rows, "image_id", table)]
    if -1 in pictures:
        received = repr(rows[pictures.index(-1)]["image_id"])
        raise DataError(f"an image_id of the images in {table}", received, "Evaluate one data set.")
    runs = tuple(_runs(row, table, sizes[row["image_id"]]) for row in rows) if kind == "masks" else ()
    points = None
    if kind == "points":
        points = lists(rows, "keypoints", table, 51).reshape(-1, 17, 3)
    boxes, areas = _boxes_and_areas(rows, table, kind, runs, points)
    crowd = np.array([bool(row.get("iscrowd", 0)) for row in rows], np.bool_) & truth
    ignored = crowd
    if points is not None and truth:
        shown = [row.get("num_keypoints", int((own[:, 2] > 0).sum())) for row, own in zip(rows, points, strict=True)]
        ignored = crowd | (np.array(shown, np.int64) == 0)
    return Things(
        pictures=np.array(pictures, np.int64),
        categories=np.array([place for place in places if place >= 0], np.int64),
        areas=areas,
        boxes=boxes,
        scores=np.zeros(len(rows)) if truth else numbers(rows, "score", table),
        crowd=crowd,
        ignored=ignored,
        runs=runs,
        points=points,
    )


def _boxes_and_areas(
    rows: Rows, table: str, kind: Kind, runs: Sequence[Runs], points: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """x, y, width, height and areas: of truth what its annotations say; of predictions as pycocotools' `loadRes`."""
    if (rows and rows[0].get("bbox")) or kind == "boxes":
        boxes = lists(rows, "bbox", table, 4)
        areas = boxes[:, 2] * boxes[:, 3]
    elif points is not None:
        low, high = points[:, :, :2].min(axis=1), points[:, :, :2].max(axis=1)
        boxes = np.concatenate([low, high - low], axis=1)
        areas = (high - low).prod(axis=1)
    else:
        boxes = np.zeros((len(rows), 4))
        areas = np.array([float((ends - starts).sum()) for starts, ends in runs])
    if table == "annotations":
        areas = numbers(rows, "area", table, areas)
    return boxes, areas.astype(np.float64)


def _runs(row: Mapping[str, Any], table: str, size: tuple[Any, Any]) -> Runs:
    area = row.get("segmentation")
    try:
        if isinstance(area, Mapping):
            counts = area["counts"]
            text = counts.decode() if isinstance(counts, bytes) else counts
            return counted_runs(letters_counts(text) if isinstance(text, str) else np.array(text, np.int64))
        polygons = [np.array(corners, np.float64).reshape(-1, 2) for corners in rows_of(area, "segmentation", list)]
        return merged([polygon_runs(corners, (int(size[0]), int(size[1]))) for corners in polygons])
    except (KeyError, TypeError, ValueError) as error:
        expected = f"a segmentation in {table}: polygons in an image with height and width, or run lengths"
        raise DataError(expected, str(area)[:80], 'kind="boxes" needs none.') from error
