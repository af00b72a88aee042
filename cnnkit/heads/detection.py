"""What all detectors share: truth that fits, and the way from scored candidates to boxes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from cnnkit.data.targets.boxes import Boxes
from cnnkit.errors import DataError
from cnnkit.heads.head import Size
from cnnkit.metrics.box_suppression import non_maximum_suppression

# How many candidates of a picture are looked at by default: three times what COCO counts.
CANDIDATES = 300


def require_boxes(truth: object, names: tuple[str, ...]) -> Boxes:
    """Boxes of the classes of a head.

    Raises:
        DataError: Another kind, or other classes.
    """
    if not isinstance(truth, Boxes) or truth.names != names:
        received = f"{getattr(truth, 'kind', type(truth).__name__)} of {list(getattr(truth, 'names', ()))}"
        raise DataError(
            f"boxes of the classes {list(names)} for this head",
            received[:300],
            "Make the head with the classes of the dataset: photos.classes.",
        )
    return truth


def not_counted(truth: Boxes) -> NDArray[np.bool_]:
    """(m,) which boxes are crowds or difficult: a detector is neither told to find them nor not to."""
    none = np.zeros(len(truth.boxes), np.bool_)
    return (
        none | (False if truth.crowd is None else truth.crowd) | (False if truth.difficult is None else truth.difficult)
    )


def probabilities(logits: Any) -> NDArray[np.float32]:
    """The sigmoid, without overflow."""
    return np.asarray(expit(np.asarray(logits, np.float32)))


def best_boxes(
    names: tuple[str, ...],
    corners: NDArray[np.floating[Any]],
    scores: NDArray[np.float32],
    size: Size,
    *,
    iou: float,
    most: int,
    class_agnostic: bool = False,
    candidates: int = CANDIDATES,
) -> Boxes:
    """The best boxes of each picture after suppression, in order of score.

    No score is too low, since average precision counts all; what has none at all, 0, is left out.

    Args:
        names: Of the classes.
        corners: (n, k, 4) x1, y1, x2, y2 in pixels of the input.
        scores: (n, k, classes).
        size: Of the input; boxes are clipped to it.
        iou: Of the suppression.
        most: Boxes per picture.
        class_agnostic: Whether a box suppresses those of other classes too.
        candidates: The surest so many of a picture are looked at, before suppression.
    """
    count, places_of_all, classes = scores.shape
    flat = scores.reshape(count, places_of_all * classes)
    kept = min(candidates, flat.shape[1])
    places = np.sort(np.argpartition(-flat, kept - 1, axis=1)[:, :kept], axis=1)
    values = np.take_along_axis(flat, places, axis=1)
    pictures, columns = np.nonzero(values > 0)
    places, values = places[pictures, columns], values[pictures, columns]
    height, width = size
    found = np.clip(corners[pictures, places // classes].astype(np.float64), 0, (width, height, width, height))
    groups = None if class_agnostic else places % classes
    stays = non_maximum_suppression(found, values, labels=groups, pictures=pictures, iou=iou, most=most)
    return Boxes(
        names=names,
        boxes=np.round(found[stays], 3),  # float32 knows no more of a pixel
        labels=places[stays] % classes,
        starts=np.searchsorted(pictures[stays], np.arange(count + 1)),
        scores=values[stays],
    )
