"""YOLO v1: the lectures' numbers, equation 3 by a slow definition, who owns what, and what a cell cannot say."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data.targets import Boxes
from cnnkit.errors import InputError

SIZE = (70, 140)
NAMES = ("a", "b", "c")
TRUTH = Boxes.of_lists(
    NAMES,
    [[[0, 0, 30, 16], [2, 2, 26, 14], [100, 40, 140, 70]], []],  # the second has its middle in the cell of the first
    [[1, 2, 0], []],
)


def test_voc_has_30_numbers_per_cell_and_98_boxes() -> None:
    head = ck.heads.yolo_v1([f"class {number}" for number in range(20)])
    assert head.build(keras.Input((7, 7, 64))).shape == (None, 7, 7, 30)
    outputs = np.zeros((1, 7, 7, 30), np.float32)
    outputs[..., :10] = [0.2, 0.5, 0.01, 0.01, 0.9, 0.8, 0.5, 0.01, 0.01, 0.8]  # two small boxes that do not touch
    outputs[..., 10] = 1
    assert len(ck.heads.yolo_v1(head.names, most=1000).decode(outputs, (448, 448)).boxes) == 98


def test_another_map_is_brought_to_the_grid_and_a_vector_is_refused() -> None:
    assert ck.heads.yolo_v1(NAMES, boxes=3).build(keras.Input((5, 9, 8))).shape == (None, 7, 7, 18)
    with pytest.raises(InputError, match="map"):
        ck.heads.yolo_v1(NAMES).build(keras.Input((8,)))


def test_the_cell_of_its_middle_has_a_box() -> None:
    encoded = ck.heads.yolo_v1(NAMES).encode(TRUTH, SIZE)
    assert encoded["labels"].shape == (2, 7, 7)
    shown = np.argwhere(encoded["labels"] >= 0).tolist()
    assert shown == [[0, 0, 0], [0, 5, 6]]  # cells are 10 high and 20 wide
    np.testing.assert_allclose(encoded["boxes"][0, 0, 0], [15 / 20, 8 / 10, 30 / 140, 16 / 70], rtol=1e-6)
    np.testing.assert_allclose(encoded["boxes"][0, 5, 6], [0, 0.5, 40 / 140, 30 / 70], atol=1e-6)
    assert encoded["labels"][0, 0, 0] == 1  # the larger one


def test_two_boxes_in_one_cell_are_one_too_many() -> None:
    head = ck.heads.yolo_v1(NAMES)
    assert ck.heads.representable(head, TRUTH, SIZE).tolist() == [True, False, True]
    assert ck.heads.representable(ck.heads.yolo_v1(NAMES, cells=140), TRUTH, SIZE).all()


def test_of_boxes_that_share_a_cell_one_is_left() -> None:
    truth = ck.data.scenes(60, seed=3, size=160, target="boxes").train.targets
    middles = (truth.boxes[:, :2] + truth.boxes[:, 2:]) / 2 // (160 / 7)
    cells = set(zip(truth.owners.tolist(), *middles.T.tolist(), strict=True))
    encoded = ck.heads.yolo_v1(truth.names).encode(truth, (160, 160))
    assert (encoded["labels"] >= 0).sum() == len(cells)
    assert (len(truth.boxes), len(truth.boxes) - len(cells)) == (198, 13)


def equation_3(labels: np.ndarray, true: np.ndarray, outputs: np.ndarray) -> float:
    """The loss of one picture, cell by cell and box by box, with 2 boxes per cell."""
    loss = 0.0
    for i in range(len(labels)):
        for j in range(len(labels)):
            boxes, classes = outputs[i, j, :10].reshape(2, 5), outputs[i, j, 10:]

            def corners(x: float, y: float, w: float, h: float) -> list[float]:
                middle_x, middle_y = (j + x) / len(labels), (i + y) / len(labels)  # noqa: B023
                return [middle_x - w / 2, middle_y - h / 2, middle_x + w / 2, middle_y + h / 2]

            if labels[i, j] < 0:
                loss += 0.5 * sum(box[4] ** 2 for box in boxes)
                continue
            ious = ck.metrics.box_iou([corners(*true[i, j])], [corners(*box[:4]) for box in boxes])[0]
            best = int(ious.argmax())
            (x, y, w, h, confidence), (tx, ty, tw, th) = boxes[best], true[i, j]
            loss += 5 * ((x - tx) ** 2 + (y - ty) ** 2)
            loss += 5 * ((w**0.5 - tw**0.5) ** 2 + (h**0.5 - th**0.5) ** 2)
            loss += (confidence - ious[best]) ** 2 + 0.5 * boxes[1 - best][4] ** 2
            loss += sum((p - (c == labels[i, j])) ** 2 for c, p in enumerate(classes))
    return loss


def test_the_loss_is_equation_3() -> None:
    head = ck.heads.yolo_v1(NAMES)
    encoded, random = head.encode(TRUTH, SIZE), np.random.default_rng(0)
    outputs = random.random((2, 7, 7, 13)).astype(np.float32)
    expected = [equation_3(*parts) for parts in zip(encoded["labels"], encoded["boxes"], outputs, strict=True)]
    np.testing.assert_allclose(np.asarray(head.loss(encoded, outputs)), expected, rtol=1e-5)


def test_a_width_of_zero_has_a_slope() -> None:
    import tensorflow as tf

    head = ck.heads.yolo_v1(NAMES)
    outputs = tf.Variable(np.zeros((2, 7, 7, 13), np.float32))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(head.loss(head.encode(TRUTH, SIZE), outputs))
    assert np.isfinite(tape.gradient(loss, outputs)).all()


def test_crowds_are_neither_taught_nor_denied() -> None:
    head = ck.heads.yolo_v1(("a",))
    truth = Boxes.of_lists(("a",), [[[0, 0, 20, 10]]], [[0]], crowd=[[1]])
    outputs = np.full((1, 7, 7, 11), 0.5, np.float32)
    loss = float(head.loss(head.encode(truth, SIZE), outputs)[0])
    outputs[0, 0, 0] = 1
    assert float(head.loss(head.encode(truth, SIZE), outputs)[0]) == pytest.approx(loss)


def test_the_score_is_confidence_times_probability() -> None:
    outputs = np.zeros((1, 7, 7, 13), np.float32)
    outputs[0, 3, 3] = [0.5, 0.5, 0.25, 0.5, 0.8, 0, 0, 0, 0, 0, 0.25, 0.75, 0]
    found = ck.heads.yolo_v1(NAMES).decode(outputs, SIZE)
    assert found.labels.tolist() == [1, 0]
    np.testing.assert_allclose(found.scores, [0.6, 0.2], rtol=1e-6)
    np.testing.assert_allclose(found.boxes[0], [70 - 17.5, 35 - 17.5, 70 + 17.5, 35 + 17.5], atol=1e-3)


@pytest.mark.parametrize("setting", [{"cells": 0}, {"boxes": 1.5}, {"coordinates_weight": 0}, {"nothing_weight": -1}])
def test_settings_out_of_their_range_are_named(setting: dict[str, object]) -> None:
    with pytest.raises(InputError, match=next(iter(setting))):
        ck.heads.yolo_v1(NAMES, **setting)
