"""Points of regions, from the true ones and back to the picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data.targets import Boxes, Points
from cnnkit.errors import DataError
from cnnkit.heads.keypoint_rcnn import KeypointRCNN
from cnnkit.heads.region_points import point_losses, true_points, with_points
from cnnkit.heads.region_targets import padded

JOINTS, SIDE = ("left", "right"), 4
BOXES = [[0.0, 0, 8, 16], [20, 20, 28, 28]]
POINTS = Points(JOINTS, [[[1, 2], [7, 15]], [[21, 21], [27, 23]]], [[2, 1], [2, 0]], mirror=(1, 0))
TRUTH = Boxes.of_lists(("a", "b"), [BOXES, []], [[0, 1], []], points=POINTS)


def encoded() -> dict[str, np.ndarray]:
    return padded(TRUTH) | true_points(TRUTH, POINTS)


def test_the_loss_is_the_cross_entropy_of_the_cell_of_each_point_that_a_region_shows() -> None:
    regions = np.float32([[[0, 0, 8, 16], [0, 2, 8, 14], [20, 20, 28, 28], [40, 0, 48, 8]]] * 2)
    logits = np.random.default_rng(0).normal(size=(2, 4, SIDE * SIDE, 2)).astype(np.float32)
    losses = np.asarray(point_losses(encoded(), regions, logits, SIDE))
    # By hand, cells of 2 × 4 and 2 × 3 pixels: (row, column) of each point that is shown and lies in the region.
    cells = [(0, 0, 0, 0), (0, 1, 3, 3), (1, 0, 0, 0), (2, 0, 0, 0)]
    values = []
    for region, point, row, column in cells:
        plane = logits[0, region, :, point].astype(float)
        values.append(np.log(np.exp(plane).sum()) - plane[row * SIDE + column])
    np.testing.assert_allclose(losses, [np.mean(values), 0], rtol=1e-5)


def test_peaks_come_back_to_their_places() -> None:
    logits = np.full((1, 1, SIDE, SIDE, 2), -50, np.float32)
    logits[0, 0, 1, 2, 0] = logits[0, 0, 3, 0, 1] = 50
    boxes = Boxes.of_lists(("a",), [[[10, 20, 18, 36], [0, 0, 4, 4]]], [[0, 0]], scores=[[0.9, 0.1]])
    found = with_points(boxes, logits.reshape(1, 1, -1, 2), JOINTS, (1, 0), SIDE)
    assert found.boxes.tolist() == [[10, 20, 18, 36]]  # there are maps of one box
    points: Any = found.points
    assert points.values.tolist() == [[[15, 26], [11, 34]]]
    np.testing.assert_allclose(points.scores, 1)


def test_other_points_are_refused() -> None:
    head = KeypointRCNN(("a", "b"), points=("nose",), mirror=(0,))
    for truth in (TRUTH, Boxes.of_lists(("a", "b"), [BOXES], [[0, 1]])):
        with pytest.raises(DataError, match="boxes with the points"):
            head.encode(truth, (32, 32))


def test_people_and_their_joints_are_found_and_scored_mirrored_too() -> None:
    scenes = ck.data.scenes(30, seed=3, size=96, target="boxes")
    people = ck.data.with_classes(scenes, "person").train
    people = people.take(np.flatnonzero(np.diff(people.targets.starts))[:4])
    photos = ck.data.Dataset(people.names, people, people.take([]), people.take([]))
    body = ck.backbone("nano", input_shape=(96, 96, 3))
    net = ck.tasks.keypoint_rcnn(body, ["person"], people.targets.points.names, width=16, units=32, proposals=10)
    run = ck.fit(net, photos, ck.Plan([ck.Phase("head", epochs=2)]), batch_size=6, cache="memory", progress=False)
    assert run.history["points_loss"].iloc[-1] > 0
    scores = ck.evaluate(net, people, flip=True)
    assert {"AP", "point_AP", "point_AP50"} <= set(scores)
    table = ck.predict(net, people)
    assert {"score", "x", "nose_x", "left_ankle_y"} <= set(table)
