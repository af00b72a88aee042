"""A detector without anchors: which cell owns which box, how much of the truth it can say, and how it is scored."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data.targets import Boxes
from cnnkit.errors import DataError, InputError
from cnnkit.heads.cells import cells_of, owned
from cnnkit.heads.detection import best_boxes
from cnnkit.heads.detection_score import DetectionScore
from cnnkit.heads.fcos import FCOS, LEVELS
from cnnkit.losses.focal import focal_of_logits, quality_focal_of_logits
from cnnkit.transfer.default_training import OF_KINDS

SIZE = (64, 96)


def sure(head: FCOS, truth: Boxes, size: tuple[int, int]) -> Boxes:
    """What the head decodes where its cells say what they are taught."""
    encoded = head.encode(truth, size)
    low, high = encoded["boxes"][..., :2], encoded["boxes"][..., 2:]
    shown = encoded["labels"][..., None] >= 0
    classes = np.where(encoded["labels"][..., None] == np.arange(len(head.names)), 200.0, -200.0)
    boxes = np.concatenate([(low + high) / 2, np.log(np.where(shown, high - low, 1))], axis=-1)
    return head.decode({"classes": classes, "boxes": boxes}, size)


def test_cells_lie_level_by_level() -> None:
    cells = cells_of(LEVELS, SIZE)
    assert np.bincount(cells.levels).tolist() == [8 * 12, 4 * 6, 2 * 3]
    assert cells.centres[[0, 1, 12, 96]].tolist() == [[4, 4], [12, 4], [4, 12], [8, 8]]
    assert len(cells_of(LEVELS, (65, 33))) == 9 * 5 + 5 * 3 + 3 * 2  # a part of a cell is one


def test_a_cell_owns_the_smallest_box_around_it() -> None:
    cells = cells_of(LEVELS, SIZE)
    boxes = np.array([[0, 0, 40, 40], [14, 14, 26, 26], [0, 0, 96, 64], [45, 1, 47, 3]], float)
    owners = owned(cells, boxes, radius=1.5, reach=6)
    at = dict(zip(map(tuple, cells.centres[cells.levels == 0].tolist()), owners.tolist(), strict=False))
    assert at[20.0, 20.0] == 1  # in both, the second is smaller
    assert at[12.0, 12.0] == 0  # 8 pixels from the middle of the first, 1.5 strides are 12
    assert at[4.0, 4.0] == -1  # in the first, but far from its middle
    assert set(owners[cells.levels == 1]) == {-1, 2}  # 96 pixels are more than 6 · 8, not more than 6 · 16
    assert set(owners[cells.levels == 2]) == {-1}
    assert at[44.0, 4.0] == 3  # between centres: the nearest cell


def test_every_box_owns_a_cell() -> None:
    cells, random = cells_of(LEVELS, SIZE), np.random.default_rng(0)
    low = random.random((80, 2)) * [80, 50]
    boxes = np.concatenate([low, low + random.random((80, 2)) * 6], axis=1)
    boxes[:20] = boxes[0]  # in one place
    owners = owned(cells, boxes, radius=1.5, reach=6)
    assert set(range(80)) <= set(owners.tolist())
    crowded = np.tile(boxes[:1], (500, 1))  # more boxes than cells
    assert (owned(cells, crowded, radius=1.5, reach=6) >= 0).all()


def test_what_a_head_can_say_of_drawn_scenes() -> None:
    truth = ck.data.scenes(60, seed=3, size=160, target="boxes").train.targets
    head = ck.heads.fcos(truth.names)
    score = head.score()
    score.add(truth, sure(head, truth, (160, 160)))
    assert score.result()["AR100"] >= 0.99


def test_crowds_and_difficult_things_are_neither_taught_nor_denied() -> None:
    truth = Boxes.of_lists(("a",), [[[0, 0, 32, 32], [40, 0, 64, 24]]], [[0, 0]], crowd=[[1, 0]], difficult=[[0, 0]])
    head = ck.heads.fcos(("a",))
    encoded = head.encode(truth, SIZE)
    cells = cells_of(LEVELS, SIZE)
    inside = (cells.centres <= 32).all(axis=1)
    assert set(encoded["labels"][0, inside]) == {-2}
    outputs = {"classes": np.zeros((1, len(cells), 1), np.float32), "boxes": np.zeros((1, len(cells), 4), np.float32)}
    loss = float(head.loss(encoded, outputs)[0])
    outputs["classes"][0, inside] = 9
    assert float(head.loss(encoded, outputs)[0]) == pytest.approx(loss)


def test_the_focal_loss_of_logits_is_equation_5() -> None:
    logits, targets = np.array([-3.0, -0.5, 0.5, 2.0]), np.array([0, 1, 0, 1])
    p = 1 / (1 + np.exp(-logits))
    of_truth, alpha = np.where(targets, p, 1 - p), np.where(targets, 0.25, 0.75)
    expected = -alpha * (1 - of_truth) ** 2 * np.log(of_truth)
    np.testing.assert_allclose(np.asarray(focal_of_logits(targets, logits)), expected, rtol=1e-6)
    assert np.isfinite(np.asarray(focal_of_logits([0.0, 1.0], [1e4, -1e4]))).all()


def test_the_focal_loss_of_overlaps_is_equation_2() -> None:
    """Li et al. 2020: −|y − σ|^β ((1 − y) log(1 − σ) + y log σ)."""
    logits, y = np.array([-3.0, -0.5, 0.5, 2.0, 1.0]), np.array([0, 0.9, 0.3, 1, 1 / (1 + np.exp(-1.0))])
    p = 1 / (1 + np.exp(-logits))
    expected = -(np.abs(y - p) ** 2) * ((1 - y) * np.log(1 - p) + y * np.log(p))
    # The last is 0 but for rounding, of which no share can be asked.
    np.testing.assert_allclose(np.asarray(quality_focal_of_logits(y, logits)), expected, rtol=1e-6, atol=1e-12)
    assert expected[-1] == pytest.approx(0, abs=1e-12)  # as sure as the box is good
    assert np.isfinite(np.asarray(quality_focal_of_logits([0.0, 1.0], [1e4, -1e4]))).all()


def test_a_sure_class_of_a_bad_box_is_wrong() -> None:
    truth = Boxes.of_lists(("a",), [[[8, 8, 40, 40]]], [[0]])
    head = ck.heads.fcos(("a",))
    encoded = head.encode(truth, SIZE)
    good = {name: values.astype(np.float32) for name, values in head.perfect(encoded).items()}
    bad = {**good, "boxes": good["boxes"] + np.log(np.float32([1, 1, 2, 2]))}  # four times the area: an IoU of .25
    unsure = {**bad, "classes": np.where(good["classes"] > 0, np.log(np.float32(0.25 / 0.75)), good["classes"])}
    losses = [float(head.loss(encoded, outputs)[0]) for outputs in (good, unsure, bad)]
    assert losses == sorted(losses)
    assert losses[2] - losses[1] > 1  # of the score alone: the boxes are the same


def test_decoding_suppresses_by_class_and_keeps_the_best() -> None:
    corners = np.array([[[0, 0, 10, 10], [1, 0, 11, 10], [-5, 50, 20, 90]]], np.float64)
    scores = np.array([[[0.9, 0.0], [0.8, 0.4], [0.3, 0.0]]], np.float32)
    found = best_boxes(("a", "b"), corners, scores, SIZE, iou=0.6, most=100)
    assert found.labels.tolist() == [0, 1, 0]
    assert found.scores.tolist() == pytest.approx([0.9, 0.4, 0.3])
    assert found.boxes[2].tolist() == [0, 50, 20, 64]  # cut off at the border
    assert len(best_boxes(("a", "b"), corners, scores, SIZE, iou=0.6, most=2).boxes) == 2


def test_only_candidates_can_stay() -> None:
    """Forty places with ten equal boxes each: 300 of them are of 30 places."""
    corners = np.repeat(np.arange(40)[:, None] * [2.0, 0, 2, 0] + [0, 0, 1, 9], 10, axis=0)[None]
    scores = np.linspace(1, 0.5, 400, dtype=np.float32)[None, :, None]
    assert len(best_boxes(("a",), corners, scores, SIZE, iou=0.6, most=100).boxes) == 30
    assert len(best_boxes(("a",), corners, scores, SIZE, iou=0.6, most=100, candidates=400).boxes) == 40


def test_sizes_that_are_no_multiple_of_32_are_named() -> None:
    head = ck.heads.fcos(("a",))
    encoded = head.encode(Boxes.of_lists(("a",), [[]], [[]]), (64, 64))
    outputs = {"classes": np.zeros((1, 70, 1), np.float32), "boxes": np.zeros((1, 70, 4), np.float32)}
    with pytest.raises(InputError, match="multiples of 32"):
        head.loss(encoded, outputs)


@pytest.mark.parametrize("setting", [{"width": 0}, {"depth": 1.5}, {"iou": 2}, {"box_weight": 0}, {"most": 0}])
def test_settings_out_of_their_range_are_named(setting: dict[str, object]) -> None:
    with pytest.raises(InputError, match=next(iter(setting))):
        ck.heads.fcos(("a",), **setting)


# ---- The score ----


def test_a_picture_is_as_wrong_as_its_best_predictions() -> None:
    truth = Boxes.of_lists(("a", "b"), [[[0, 0, 9, 9], [20, 0, 29, 9]], [], [[0, 0, 9, 9]]], [[0, 1], [], [0]])
    found = Boxes.of_lists(
        ("a", "b"),
        [[[0, 0, 9, 8], [20, 0, 29, 9], [50, 0, 59, 9]], [[0, 0, 1, 1]], []],
        [[0, 0, 1], [1], []],
        scores=[[0.9, 0.8, 0.7], [0.25], []],
    )
    score = DetectionScore(("a", "b"))
    assert score.add(truth, found).tolist() == [0.5, 0.25, 1.0]  # the second has another class
    result = score.result()
    expected = ck.metrics.coco(truth, found)
    assert result["AP"] == expected.numbers["AP"]
    assert result["AP50/a"] == expected.of_category("a")["AP50"]
    assert "AP_large" not in result


def test_flags_of_some_parts_are_false_in_others() -> None:
    truth = Boxes.of_lists(("a",), [[[0, 0, 9, 9]]], [[0]])
    found = replace(truth, scores=[1.0])
    score = DetectionScore(("a",))
    score.add(truth, found)
    score.add(replace(truth, crowd=[True]), replace(found, boxes=truth.boxes + 30))
    assert score.result()["AP"] < 1
    assert DetectionScore(("a",)).result() == {}
    with pytest.raises(DataError, match="with scores"):
        score.add(truth, truth)


def test_finetune_takes_a_detector_for_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    photos = ck.data.scenes(20, seed=1, size=64, target="boxes")
    short = replace(
        OF_KINDS["boxes"], plan=lambda photos, network: ck.plans.head_then_together(head_epochs=1, epochs=1), views=1
    )
    monkeypatch.setitem(OF_KINDS, "boxes", short)
    keras.utils.set_random_seed(0)
    net = ck.finetune(photos, backbone="nano", input_shape=(64, 64, 3), progress=False)
    assert isinstance(net.head, FCOS)
    assert net.framing.resize == "pad"  # things at the edges of photographs are seen
    assert net.run.history["phase"].tolist() == ["head", "together"]
    table = ck.predict(net, photos.test)
    assert list(table.columns) == ["id", "label", "score", "x", "y", "width", "height"]


def test_a_picture_weighs_as_many_boxes_as_it_shows() -> None:
    truth = Boxes.of_lists(("a",), [[[0, 0, 9, 9]] * 3, [[0, 0, 9, 9]] * 2, []], [[0] * 3, [0] * 2, []])
    truth = replace(truth, difficult=[0, 0, 0, 1, 1])
    np.testing.assert_allclose(ck.heads.fcos(("a",)).weights(truth), [9 / 5, 3 / 5, 3 / 5])
    assert ck.heads.yolo_v1(("a",)).weights(truth) is None
