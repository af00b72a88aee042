"""Which anchors suit a dataset: k-means of the sides of its boxes, with IoU as nearness.

Redmon and Farhadi, "YOLO9000", CVPR 2017 (arXiv:1612.08242), section 2, "dimension clusters": the distance of a box
from a centroid is 1 − IoU, both laid upon one corner, so that large boxes do not count more than small ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cnnkit.arguments import Argument, check_arguments, whole
from cnnkit.data.placements import in_input
from cnnkit.data.source import Source
from cnnkit.data.targets.boxes import Boxes
from cnnkit.data.views.framing import Framing
from cnnkit.errors import DataError, InputError
from cnnkit.heads.detection import not_counted
from cnnkit.metrics.given_arrays import real

Shapes = tuple[tuple[float, float], ...]

# Steps after which k-means stops where it has not settled.
STEPS = 300
COUNT = Argument("count", lambda value: whole(value, 1), "count as a whole number above 0", "5 is the paper's.")


def anchors_of(source: Source, *, size: tuple[int, int], count: int = 5, framing: Framing | None = None) -> Shapes:
    """The sides of `count` anchors that the boxes of a source meet best.

    Args:
        source: Pictures with boxes: `photos.train`. Crowds and difficult things do not count.
        size: (height, width) of the network's input.
        count: How many.
        framing: How a picture meets the input, `network.framing`; by default the middle of each, as high as wide.

    Returns:
        (width, height) of each as shares of the input, the smallest first: `ck.heads.yolo_v2(classes, anchors=...)`.

    Raises:
        DataError: Another kind of truth, or fewer boxes than anchors.
        InputError: No source, or no such count.

    >>> import cnnkit as ck
    >>> len(anchors_of(ck.data.scenes(30, size=64, target="boxes").train, size=(64, 64), count=3))
    3
    """
    check_arguments([COUNT], {"count": count})
    if not isinstance(source, Source):
        raise InputError("a source, such as photos.train", type(source).__name__, "A dataset has .train.")
    truth = source.targets
    if not isinstance(truth, Boxes):
        raise DataError(
            "a source with boxes", f"one with {getattr(truth, 'kind', 'no truth')}", "target='boxes' gives them."
        )
    framed = in_input(truth, source, np.arange(len(source)), framing or Framing(), size)
    boxes = framed.boxes[~not_counted(framed)]
    sides = (boxes[:, 2:] - boxes[:, :2]) / size[::-1]
    if len(sides) < count:
        raise DataError(f"at least {count} boxes for {count} anchors", f"{len(sides)}", "Ask for fewer anchors.")
    return tuple((float(width), float(height)) for width, height in _centroids(sides, int(count)))


def anchor_shapes(name: str) -> Argument:
    """The row of a setting that holds what `anchors_of` gives."""
    return Argument(
        name,
        lambda value: isinstance(value, tuple) and bool(value) and all(_is_shape(shape) for shape in value),
        f"{name} as (width, height) in shares of the input, at least one",
        "ck.heads.anchors_of(photos.train, size=(224, 224)) gives them.",
    )


def shape_iou(sides: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """(m, k) IoU of boxes of these (width, height), (m, 2) and (k, 2), laid upon one corner."""
    both = np.minimum(sides[:, None], others[None]).prod(axis=2)
    return np.asarray(both / (sides.prod(axis=1)[:, None] + others.prod(axis=1)[None] - both), np.float64)


def _centroids(sides: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """(count, 2), beginning with boxes at even steps through all of them by area, so that no chance is in it."""
    by_area = sides[np.argsort(sides.prod(axis=1), kind="stable")]
    centroids = by_area[np.linspace(0, len(sides) - 1, 2 * count + 1).astype(np.int64)[1::2]]
    nearest = np.full(len(sides), -1)
    for _ in range(STEPS):
        before, nearest = nearest, shape_iou(sides, centroids).argmax(axis=1)
        if (nearest == before).all():
            break
        # A centroid that has lost all its boxes stays where it is.
        centroids = np.stack(
            [sides[nearest == k].mean(axis=0) if (nearest == k).any() else centroids[k] for k in range(count)]
        )
    return centroids[np.argsort(centroids.prod(axis=1), kind="stable")]


def _is_shape(shape: object) -> bool:
    return isinstance(shape, tuple) and len(shape) == 2 and all(real(side, 0) and side > 0 for side in shape)
