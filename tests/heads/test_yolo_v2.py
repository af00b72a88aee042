"""YOLO v2: 1,014 boxes, anchors by k-means on IoU, the passthrough layer, and its loss by a slow definition."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data.targets import Boxes
from cnnkit.errors import DataError, InputError
from cnnkit.heads.anchor_sizes import shape_iou
from cnnkit.heads.yolo_v2 import passthrough

SIZE = (64, 96)
NAMES = ("a", "b")
ANCHORS = ((0.1, 0.1), (0.5, 0.5))
TRUTH = Boxes.of_lists(NAMES, [[[0, 0, 10, 8], [2, 2, 12, 10], [1, 1, 9, 9]], []], [[1, 0, 1], []])


def test_thirteen_by_thirteen_cells_of_six_anchors_are_1014_boxes() -> None:
    head = ck.heads.yolo_v2([f"class {number}" for number in range(20)], anchors=[(0.1, 0.1)] * 6, stride=32)
    assert head.taps == ("P4", "P5")
    output = head.build({"P4": keras.Input((26, 26, 32)), "P5": keras.Input((13, 13, 64))})
    assert output.shape == (None, 13, 13, 6, 25)
    assert 13 * 13 * 6 == 1014


def test_passthrough_lays_places_side_by_side() -> None:
    fine, coarse = keras.Input((4, 6, 2)), keras.Input((2, 3, 1))
    values = np.arange(48, dtype=np.float32).reshape(1, 4, 6, 2)
    laid = np.asarray(keras.Model([fine, coarse], passthrough(fine, coarse))([values, np.zeros((1, 2, 3, 1))]))
    assert laid.shape == (1, 2, 3, 8)
    expected = [values[0, 2 + row, 4 + column] for row in (0, 1) for column in (0, 1)]
    assert laid[0, 1, 2].tolist() == np.concatenate(expected).tolist()
    odd = passthrough(keras.Input((5, 9, 2)), keras.Input((3, 5, 1)))
    assert odd.shape == (None, 3, 5, 8)


def test_boxes_of_one_cell_have_different_anchors_until_none_is_left() -> None:
    head = ck.heads.yolo_v2(NAMES, anchors=ANCHORS)
    labels = head.encode(TRUTH, SIZE)["labels"]
    assert labels.shape == (2, 4, 6, 2)
    assert np.argwhere(labels >= 0).tolist() == [[0, 0, 0, 0], [0, 0, 0, 1]]
    assert ck.heads.representable(head, TRUTH, SIZE).tolist() == [True, True, False]  # the smallest comes last


def test_the_loss_is_a_sum_of_its_parts() -> None:
    head = ck.heads.yolo_v2(NAMES, anchors=ANCHORS)
    truth = Boxes.of_lists(NAMES, [[[16, 16, 40, 32]]], [[1]])
    encoded, random = head.encode(truth, SIZE), np.random.default_rng(0)
    outputs = random.normal(size=(1, 4, 6, 2, 7)).astype(np.float32)
    (place,) = np.argwhere(encoded["labels"][0] >= 0).tolist()
    assert place == [1, 1, 1]  # the middle (28, 24) is in the second row and column, .25 × .25 is nearer to the second
    sigmoid = 1 / (1 + np.exp(-outputs[0].astype(float)))
    _, _, tw, th, _, *logits = outputs[0][tuple(place)].astype(float)
    x, y, w, h = (28 / 16) % 1, (24 / 16) % 1, 24 / 96, 16 / 64
    sx, sy = sigmoid[tuple(place)][:2]
    wide, high = 0.5 * np.exp([tw, th]) * (96, 64)
    box = [16 + 16 * sx - wide / 2, 16 + 16 * sy - high / 2, 16 + 16 * sx + wide / 2, 16 + 16 * sy + high / 2]
    overlap = ck.metrics.box_iou([[16, 16, 40, 32]], [box])[0, 0]
    expected = (2 - w * h) * ((sx - x) ** 2 + (sy - y) ** 2 + (tw - np.log(w / 0.5)) ** 2 + (th - np.log(h / 0.5)) ** 2)
    expected += 5 * (sigmoid[tuple(place)][4] - overlap) ** 2 + np.log(np.exp(logits).sum()) - logits[1]
    expected += (sigmoid[..., 4] ** 2)[encoded["labels"][0] == -1].sum()
    assert float(head.loss(encoded, outputs)[0]) == pytest.approx(expected, rel=1e-5)


def test_an_anchor_that_meets_a_box_of_another_well_is_not_denied() -> None:
    head = ck.heads.yolo_v2(NAMES, anchors=((0.5, 0.5), (0.52, 0.5)))
    labels = head.encode(Boxes.of_lists(NAMES, [[[0, 8, 48, 40]]], [[0]]), SIZE)["labels"][0]
    owner = labels[1, 1]
    assert owner.tolist() == [0, -2]
    assert labels[3, 5].tolist() == [-1, -1]


def test_anchors_are_the_means_of_clusters() -> None:
    random = np.random.default_rng(0)
    means = np.array([[6, 8], [12, 30], [40, 20]], float)
    sides = np.concatenate([mean + random.uniform(-1, 1, (20, 2)) for mean in means])
    boxes = np.concatenate([np.full((60, 2), 2.0), 2 + sides], axis=1)
    source = ck.data.arrays(np.zeros((2, 64, 96, 3), np.uint8), [0, 1], classes=NAMES, split=(1, 0, 0)).train
    truth = Boxes.of_lists(NAMES, [boxes[:50], boxes[50:]], [[0] * 50, [1] * 10])
    source = ck.data.Source(source.ids, truth, source.reader, source.positions)
    found = ck.heads.anchors_of(source, size=SIZE, count=3, framing=ck.data.Framing("squash"))
    expected = [sides[start : start + 20].mean(axis=0) / (96, 64) for start in (0, 20, 40)]
    np.testing.assert_allclose(found, sorted(expected, key=np.prod))
    with pytest.raises(DataError, match="60"):
        ck.heads.anchors_of(source, size=SIZE, count=61)
    with pytest.raises(InputError, match="source"):
        ck.heads.anchors_of(truth, size=SIZE)
    with pytest.raises(InputError, match="count"):
        ck.heads.anchors_of(source, size=SIZE, count=0)
    with pytest.raises(DataError, match="with boxes"):
        ck.heads.anchors_of(ck.data.scenes(4, size=64).train, size=SIZE)


def test_the_iou_of_shapes_is_that_of_boxes_upon_one_corner() -> None:
    sides, others = np.random.default_rng(0).uniform(1, 9, (2, 5, 2))
    boxes = [np.concatenate([np.zeros((5, 2)), some], axis=1) for some in (sides, others)]
    np.testing.assert_allclose(shape_iou(sides, others), ck.metrics.box_iou(*boxes))


@pytest.mark.parametrize("setting", [{"anchors": ()}, {"anchors": ((1, 0),)}, {"stride": 8}, {"width": 0}])
def test_settings_out_of_their_range_are_named(setting: dict[str, object]) -> None:
    with pytest.raises(InputError, match=next(iter(setting))):
        ck.heads.yolo_v2(NAMES, **setting)


def test_sizes_that_are_no_multiple_of_the_stride_are_named() -> None:
    head = ck.heads.yolo_v2(NAMES)
    with pytest.raises(InputError, match="multiples of 16"):
        head.loss(head.encode(TRUTH, SIZE), np.zeros((2, 5, 6, 5, 7), np.float32))
