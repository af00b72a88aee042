"""Overlap of boxes against a count of pixels, the paper of the generalized form, and pycocotools."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from cnnkit.errors import DataError, InputError
from cnnkit.metrics import box_iou

SIDE = 12


def drawn(seed: int, count: int) -> NDArray[np.int64]:
    """Boxes of whole pixels in a picture of SIDE², some without an area."""
    corners = np.random.default_rng(seed).integers(0, SIDE, (count, 2, 2))
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)


def pixels(box: NDArray[np.int64], extra: int) -> NDArray[np.bool_]:
    """The pixels of a box; with 1 the last ones too."""
    canvas = np.zeros((SIDE, SIDE), np.bool_)
    canvas[box[1] : box[3] + extra, box[0] : box[2] + extra] = True
    return canvas


@pytest.mark.parametrize(("rule", "extra"), [("coco", 0), ("voc", 1)])
def test_iou_is_that_of_pixels(rule: str, extra: int) -> None:
    boxes, others = drawn(0, 20), drawn(1, 30)
    iou = box_iou(boxes, others, pixels=rule)
    assert iou.shape == (20, 30)
    for row, box in enumerate(boxes):
        for column, other in enumerate(others):
            one, two = pixels(box, extra), pixels(other, extra)
            expected = (one & two).sum() / max((one | two).sum(), 1)
            assert iou[row, column] == pytest.approx(expected, abs=1e-15)


def test_pairs_are_the_diagonal() -> None:
    boxes, others = drawn(2, 9), drawn(3, 9)
    for generalized in (False, True):
        every = box_iou(boxes, others, generalized=generalized)
        assert np.array_equal(box_iou(boxes, others, paired=True, generalized=generalized), every.diagonal())


def test_generalized_is_the_papers_algorithm() -> None:
    boxes, others = drawn(4, 15), drawn(5, 15)
    found = box_iou(boxes, others, paired=True, generalized=True)
    for value, one, two in zip(found, boxes, others, strict=True):
        hull = np.array([*np.minimum(one, two)[:2], *np.maximum(one, two)[2:]])
        either, around = (pixels(one, 0) | pixels(two, 0)).sum(), pixels(hull, 0).sum()
        iou = (pixels(one, 0) & pixels(two, 0)).sum() / max(either, 1)
        assert value == pytest.approx(iou - (around - either) / max(around, 1), abs=1e-15)
    # Two unit squares in the corners of a row of ten: eight tenths of the row are of neither.
    assert box_iou([[0, 0, 1, 1]], [[9, 0, 10, 1]], generalized=True).tolist() == [[-0.8]]


def test_crowds_are_those_of_coco() -> None:
    mask = pytest.importorskip("pycocotools.mask")
    random = np.random.default_rng(6)
    boxes, others = (np.sort(random.random((count, 2, 2)) * 50, axis=1).reshape(count, 4) for count in (40, 60))
    crowd = random.random(60) < 0.3
    by_side = [np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1) for corners in (boxes, others)]
    expected = mask.iou(*by_side, crowd.astype(np.uint8))
    assert np.abs(box_iou(boxes, others, crowd=crowd) - expected).max() < 1e-13


def test_no_boxes_have_no_overlap() -> None:
    assert box_iou([], [[0, 0, 1, 1]]).shape == (0, 1)
    assert box_iou(np.zeros((0, 4)), []).shape == (0, 0)
    assert box_iou([], [], paired=True).shape == (0,)
    assert box_iou([[1, 1, 1, 1]], [[1, 1, 1, 1]]).tolist() == [[0.0]]
    assert box_iou([[1, 1, 1, 1]], [[1, 1, 1, 1]], generalized=True).tolist() == [[0.0]]


@pytest.mark.parametrize(
    ("boxes", "options", "error", "words"),
    [
        ([[4, 0, 2, 2]], {}, DataError, r"\[4.0, 0.0, 2.0, 2.0\] at 0.*x \+ width"),
        ([[0, 0, np.nan, 2]], {}, DataError, "finite boxes"),
        ([[0, 0, 2]], {}, DataError, r"shape \(1, 3\)"),
        ([[0, 0, 1, 1]] * 2, {"paired": True}, DataError, "1 and 2"),
        ([[0, 0, 1, 1]], {"crowd": [True], "generalized": True}, InputError, "one of them"),
        ([[0, 0, 1, 1]], {"crowd": [True, False]}, DataError, "each of 1 others"),
        ([[0, 0, 1, 1]], {"pixels": "pascal"}, InputError, "'coco', 'voc'"),
    ],
)
def test_what_is_no_box_is_refused(
    boxes: list[list[float]], options: dict[str, object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        box_iou(boxes, [[0, 0, 1, 1]], **options)
