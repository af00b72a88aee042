"""Faster R-CNN: what regions show, which of them are learned from, proposals, and a training of four losses."""

from __future__ import annotations

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data.targets import Boxes
from cnnkit.heads.faster_rcnn import FasterRCNN
from cnnkit.heads.region_targets import MOST_TRUE, matched, padded, region_losses, sample
from cnnkit.metrics import box_iou

NAMES, SIZE = ("a", "b"), (64, 64)
TRUTH = Boxes.of_lists(
    NAMES, [[[4, 4, 40, 30], [30, 20, 60, 62]], [], [[10, 10, 30, 30]]], [[0, 1], [], [1]], crowd=[[0, 0], [], [1]]
)
REGIONS = np.float32(
    [
        [[5, 4, 41, 31], [30, 20, 60, 40], [50, 0, 60, 10], [0, 0, 0, 0], [28, 22, 60, 60]],
        [[5, 4, 41, 31], [30, 20, 60, 40], [50, 0, 60, 10], [0, 0, 0, 0], [28, 22, 60, 60]],
        [[11, 10, 30, 30], [30, 20, 60, 40], [50, 0, 60, 10], [0, 0, 0, 0], [28, 22, 60, 60]],
    ]
)
# Of the boxes above by hand: an IoU of .5 at least, and the picture's one box of the third picture is a crowd.
SHOWN = [[0, -1, -1, -2, 1], [-1, -1, -1, -2, -1], [-2, -1, -1, -2, -1]]


def test_regions_have_the_class_of_the_box_that_they_meet() -> None:
    overlap = box_iou(REGIONS[0], TRUTH.boxes[:2])
    assert overlap[1, 1] < 0.5 <= overlap[4, 1]
    owners, labels = matched(padded(TRUTH), REGIONS)
    assert np.asarray(labels).tolist() == SHOWN
    assert np.asarray(owners)[0, [0, 4]].tolist() == [0, 1]


def test_more_boxes_than_teach_leave_out_the_smallest() -> None:
    sides = np.arange(1, MOST_TRUE + 4)
    boxes = np.stack([0 * sides, 0 * sides, sides, sides], axis=1)
    encoded = padded(Boxes.of_lists(NAMES, [boxes], [[0] * len(boxes)]))
    assert encoded["true_boxes"][0, :, 2].tolist() == sides[3:].tolist()


def test_a_region_in_a_crowd_or_in_a_thing_too_many_is_no_background() -> None:
    many = [[x, 0, x + 4, 4] for x in range(0, 4 * MOST_TRUE, 4)] + [[0, 50, 3, 53]]
    truth = Boxes.of_lists(NAMES, [many, [[0, 0, 40, 40]]], [[0] * 51, [1]], crowd=[[0] * 51, [1]])
    one = [[0, 50, 3, 53], [0, 50, 3, 56], [0, 50, 3, 57], [0, 0, 4, 4]]
    other = [[5, 5, 9, 9], [38, 5, 42, 9], [39, 5, 43, 9], [50, 50, 60, 60]]
    _, labels = matched(padded(truth), np.float32([one, other]))
    assert np.asarray(labels).tolist() == [[-2, -2, -1, 0], [-2, -2, -1, -1]]


def test_the_loss_of_regions_is_equation_1_of_fast_rcnn() -> None:
    random = np.random.default_rng(0)
    outputs = {
        "regions": REGIONS,
        "classes": random.normal(size=(3, 5, 3)).astype(np.float32),
        "offsets": random.normal(size=(3, 5, 4)).astype(np.float32),
    }
    found = {name: np.asarray(values) for name, values in region_losses(padded(TRUTH), outputs).items()}
    for picture, labels in enumerate(SHOWN):
        entropy, smooth, counted = 0.0, 0.0, 0
        for place, label in enumerate(labels):
            if label == -2:
                continue
            counted += 1
            logits = outputs["classes"][picture, place].astype(float)
            entropy -= logits[label] - np.log(np.exp(logits).sum())  # −1 is the last one, the background
            if label >= 0:
                left, top, right, bottom = TRUTH.boxes[label]
                x1, y1, x2, y2 = REGIONS[picture, place].astype(float)
                true = np.array(
                    [
                        ((left + right) / 2 - (x1 + x2) / 2) / (x2 - x1) / 0.1,
                        ((top + bottom) / 2 - (y1 + y2) / 2) / (y2 - y1) / 0.1,
                        np.log((right - left) / (x2 - x1)) / 0.2,
                        np.log((bottom - top) / (y2 - y1)) / 0.2,
                    ]
                )
                far = np.abs(true - outputs["offsets"][picture, place])
                smooth += np.where(far < 1, far**2 / 2, far - 0.5).sum()
        assert found["classes"][picture] == pytest.approx(entropy / counted, rel=1e-5)
        assert found["offsets"][picture] == pytest.approx(smooth / counted, rel=1e-5)


def test_a_sample_has_true_boxes_and_no_more_of_them_than_asked_for() -> None:
    proposals = np.random.default_rng(0).uniform(0, 32, (3, 40, 2, 2)).cumsum(axis=2).reshape(3, 40, 4)
    proposals[:, :10] = [5, 4, 41, 31]
    encoded = padded(TRUTH)
    found = sample(proposals, encoded, count=12, positive=0.25)
    assert found.shape == (3, 12, 4)
    for picture, boxes in enumerate(([[4, 4, 40, 30], [30, 20, 60, 62]], [], [])):
        given = np.concatenate([np.float32(proposals[picture]), np.float32(boxes).reshape(-1, 4)])
        assert (found[picture][:, None] == given).all(axis=2).any(axis=1).all()  # nothing else
        shows = box_iou(found[picture], np.reshape(boxes, (-1, 4))).max(axis=1, initial=0) >= 0.5
        assert shows.sum() == (3 if boxes else 0)
    np.testing.assert_array_equal(sample(proposals, encoded, count=12, positive=0.25), found)
    other = sample(proposals + 1, encoded, count=12, positive=0.25)
    assert not np.array_equal(other, found + 1)
    few = sample(np.zeros((3, 5, 4)), encoded, count=4, positive=1.0)
    assert (few[0, 2:] == 0).all()
    assert sorted(few[0, :2].tolist()) == [[4, 4, 40, 30], [30, 20, 60, 62]]
    assert (few[1:] == 0).all()


def test_sure_anchors_propose_the_true_boxes() -> None:
    head = FasterRCNN(NAMES, proposals=8)
    encoded = head.encode(TRUTH, SIZE)
    outputs = {"objectness": 400.0 * (encoded["anchors"] > 0)[..., None] - 200, "shifts": encoded["shifts"]}
    regions = head.proposed("regions", outputs, SIZE)
    assert regions.shape == (3, 8, 4)
    np.testing.assert_allclose(box_iou(TRUTH.boxes[:2], regions[0]).max(axis=1), 1, atol=1e-4)
    assert (regions[1:] == 0).all()  # crowds are not proposed


def test_so_many_regions_are_proposed_as_there_shall_be() -> None:
    """Of these anchors 136 stay after suppression, but 112 of the surest 300, which lie side by side."""
    head = FasterRCNN(NAMES, proposals=130)
    anchors = head.encode(TRUTH, SIZE)["anchors"].shape[1]
    outputs = {"objectness": -np.arange(anchors).reshape(1, -1, 1) / 100, "shifts": np.zeros((1, anchors, 4))}
    regions = head.proposed("regions", outputs, SIZE)[0]
    assert (regions[:, 2:] > regions[:, :2]).all()


def test_four_losses_are_trained_at_once_and_validated_as_evaluated() -> None:
    drawn = ck.data.scenes(20, seed=3, size=64, target="boxes").train.take(range(8))
    photos = ck.data.Dataset(drawn.names, drawn.take(range(6)), drawn.take([6, 7]), drawn.take([6, 7]))
    body = ck.backbone("nano", weights=None, input_shape=(64, 64, 3))
    net = ck.tasks.faster_rcnn(body, photos.classes, width=8, units=16, proposals=10)
    assert net.framing.resize == "pad"
    plan = ck.Plan([ck.Phase("head", epochs=1), ck.Phase("last", train=1, epochs=1, rate_decay=0.5)])
    run = ck.fit(net, photos, plan, batch_size=4, cache="memory", progress=False)
    parts = [f"{name}_loss" for name in ("objectness", "shifts", "classes", "offsets")]
    np.testing.assert_allclose(run.history[parts].sum(axis=1), run.history["loss"], rtol=1e-5)
    assert (run.history[parts] > 0).all(axis=None)
    scores = ck.evaluate(net, photos.test)
    assert scores["loss"] == pytest.approx(run.history["val_loss"].iloc[-1], rel=1e-4)
    table = ck.predict(net, photos.test)
    assert list(table) == ["id", "label", "score", "x", "y", "width", "height"]
    assert set(table["label"]) <= set(photos.classes)
