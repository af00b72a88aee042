"""RetinaNet and SSD: the paper's anchors, who owns which box, offsets there and back, and both losses by hand."""

from __future__ import annotations

from itertools import pairwise

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data.targets import Boxes
from cnnkit.errors import InputError
from cnnkit.heads.anchors import Matching, boxes_of, offsets_of
from cnnkit.heads.ssd import default_shapes

NAMES = ("a", "b")
SIZE = (64, 96)
ANCHORS = np.array([[0, 0, 10, 10], [0, 0, 20, 10], [50, 50, 60, 60], [0, 0, 12, 10]], float)


def test_retinanet_has_nine_anchors_of_32_to_813_pixels() -> None:
    head = ck.heads.retinanet(NAMES)
    encoded = head.encode(Boxes.of_lists(NAMES, [[]], [[]]), (512, 512))
    assert encoded["labels"].shape == (1, 9 * (64**2 + 32**2 + 16**2 + 8**2 + 4**2))
    anchors = head._anchors((512, 512))
    sides = np.sqrt((anchors[:, 2:] - anchors[:, :2]).prod(axis=1))
    np.testing.assert_allclose(np.unique(sides.round(6)), [32 * 2 ** (k / 3) for k in range(15)], rtol=1e-6)
    ratios = np.divide(*(anchors[:9, 2:] - anchors[:9, :2]).T)
    np.testing.assert_allclose(ratios, [0.5, 1, 2] * 3)
    np.testing.assert_allclose((anchors[:9, :2] + anchors[:9, 2:]) / 2, 4)


def test_ssd_has_the_default_boxes_of_ssd300() -> None:
    shapes = default_shapes(6)
    scales = [0.1, 0.2, 0.375, 0.55, 0.725, 0.9, 1.075]  # equation 4 with m = 5, behind .1 of the finest map
    for level, (scale, following) in zip(shapes, pairwise(scales), strict=True):
        *same, between = [(w * h) ** 0.5 for w, h in level]
        np.testing.assert_allclose(same, scale)
        assert between == pytest.approx((scale * following) ** 0.5)
    assert [len(level) for level in shapes] == [4, 6, 6, 6, 4, 4]
    places = (38, 19, 10, 5, 3, 1)
    assert sum(len(level) * side**2 for level, side in zip(shapes, places, strict=True)) == 8732
    ratios = [w / h for w, h in shapes[1]]
    np.testing.assert_allclose(ratios, [1, 2, 1 / 2, 3, 1 / 3, 1])


def test_an_anchor_owns_the_box_that_it_meets_and_each_box_has_one() -> None:
    matching = Matching(positive=0.5, negative=0.4)
    boxes = np.array([[0, 0, 9, 10], [40, 40, 62, 62]], float)
    # IoU with the first box: .9, .45, 0, .75; with the second the third anchor has 100 / 484.
    assert matching.owners(ANCHORS, boxes).tolist() == [0, -2, 1, 0]
    assert matching.owners(ANCHORS, boxes[:0]).tolist() == [-1] * 4
    same = np.array([[0, 0, 10, 10]] * 3, float)
    assert set(matching.owners(ANCHORS, same).tolist()) >= {0, 1, 2}  # three boxes in one place have three anchors
    crowded = matching.owners(ANCHORS, np.repeat(same, 3, axis=0))
    assert (crowded >= 0).all()  # more boxes than anchors


def test_offsets_are_those_of_rcnn() -> None:
    boxes = np.array([[2, 1, 12, 11], [4, 0, 44, 5]], float)
    offsets = offsets_of(ANCHORS[:2], boxes, (1, 1, 1, 1))
    np.testing.assert_allclose(offsets, [[0.2, 0.1, 0, 0], [14 / 20, -2.5 / 10, np.log(2), np.log(0.5)]])
    scales = (0.1, 0.1, 0.2, 0.2)
    np.testing.assert_allclose(offsets_of(ANCHORS[:2], boxes, scales), offsets / scales)
    np.testing.assert_allclose(boxes_of(ANCHORS[:2], offsets / scales, scales), boxes)
    assert np.isfinite(boxes_of(ANCHORS[:1], np.full((1, 4), 1e4), scales)).all()


def test_boxes_are_decoded_on_the_anchors_of_all_levels() -> None:
    chance = np.random.default_rng(0)
    for head, scales in ((ck.heads.retinanet(NAMES), (1, 1, 1, 1)), (ck.heads.ssd(NAMES), (0.1, 0.1, 0.2, 0.2))):
        anchors = head._anchors(SIZE)
        offsets = chance.normal(size=(2, len(anchors), 4)).astype(np.float32)
        logits = np.zeros((2, len(anchors), 3 if head.kind == "ssd" else 2), np.float32)
        boxes, scores = head.candidates({"offsets": keras.ops.array(offsets), "classes": keras.ops.array(logits)}, SIZE)
        np.testing.assert_allclose(boxes, boxes_of(anchors, offsets, scales), rtol=1e-5, atol=1e-3)
        np.testing.assert_allclose(scores, 1 / 3 if head.kind == "ssd" else 1 / 2, rtol=1e-6)


TRUTH = Boxes.of_lists(NAMES, [[[8, 8, 40, 40], [50, 20, 90, 44]], []], [[1, 0], []])


def test_the_loss_of_retinanet_is_focal_and_smooth_l1_per_anchor_with_a_box() -> None:
    head = ck.heads.retinanet(NAMES, levels=("P3", "P4", "P5"), sizes=1)
    encoded, random = head.encode(TRUTH, SIZE), np.random.default_rng(0)
    shape = encoded["labels"].shape
    outputs = {"classes": random.normal(size=(*shape, 2)), "offsets": random.normal(size=(*shape, 4))}
    outputs = {name: values.astype(np.float32) for name, values in outputs.items()}
    losses = np.asarray(head.loss(encoded, outputs))
    for picture in (0, 1):
        labels = encoded["labels"][picture]
        p = 1 / (1 + np.exp(-outputs["classes"][picture].astype(float)))
        true = labels[:, None] == np.arange(2)
        focal = np.where(true, -0.25 * (1 - p) ** 2 * np.log(p), -0.75 * p**2 * np.log(1 - p))
        far = np.abs(encoded["offsets"][picture] - outputs["offsets"][picture])
        smooth = np.where(far < 1 / 9, far**2 * 9 / 2, far - 1 / 18).sum(axis=1)
        expected = focal[labels > -2].sum() + smooth[labels >= 0].sum()
        assert losses[picture] == pytest.approx(expected / max(1, (labels >= 0).sum()), rel=1e-5)


def test_the_loss_of_ssd_counts_three_hard_negatives_for_each_match() -> None:
    head = ck.heads.ssd(NAMES, levels=("P3", "P4", "P5"))
    encoded, random = head.encode(TRUTH, SIZE), np.random.default_rng(0)
    shape = encoded["labels"].shape
    outputs = {"classes": random.normal(size=(*shape, 3)), "offsets": random.normal(size=(*shape, 4))}
    outputs = {name: values.astype(np.float32) for name, values in outputs.items()}
    losses = np.asarray(head.loss(encoded, outputs))
    labels, logits = encoded["labels"][0], outputs["classes"][0].astype(float)
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    matched = np.flatnonzero(labels >= 0)
    hardest = np.sort(-logs[labels == -1, 2])[::-1][: 3 * len(matched)]
    far = np.abs(encoded["offsets"][0] - outputs["offsets"][0])[matched]
    smooth = np.where(far < 1, far**2 / 2, far - 0.5).sum()
    expected = (hardest.sum() - logs[matched, labels[matched]].sum() + smooth) / len(matched)
    assert losses[0] == pytest.approx(expected, rel=1e-5)
    assert losses[1] == 0  # no boxes, no negatives


def test_what_is_in_a_crowd_does_not_count() -> None:
    truth = Boxes.of_lists(NAMES, [[[0, 0, 40, 40]]], [[0]], difficult=[[1]])
    for head in (ck.heads.retinanet(NAMES), ck.heads.ssd(NAMES)):
        labels = head.encode(truth, SIZE)["labels"]
        assert set(labels.ravel().tolist()) == {-1, -2}


@pytest.mark.parametrize("make", [ck.heads.retinanet, ck.heads.ssd])
@pytest.mark.parametrize("levels", [(), ("P3", "P5"), ("P6", "P7"), ("P1",), ("P5", "P4"), (3, 4)])
def test_levels_with_a_gap_are_refused(make: object, levels: tuple[object, ...]) -> None:
    with pytest.raises(InputError, match="levels"):
        make(NAMES, levels=levels)
