"""VOC's average precision against its definition, one prediction after the other, and curves worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cnnkit.data.targets import Boxes
from cnnkit.errors import DataError, InputError
from cnnkit.metrics import average_precision, box_iou, voc

NAMES = ("a", "b")


def drawn(seed: int) -> tuple[Boxes, Boxes]:
    """Boxes on a grid, so that overlaps tie, with difficult ones; and predictions near them and anywhere."""
    random = np.random.default_rng(seed)
    pictures = 4
    corners, labels, difficult, found, said, scores = [], [], [], [], [], []
    for _ in range(pictures):
        low = random.integers(0, 12, (int(random.integers(0, 6)), 2))
        boxes = np.concatenate([low, low + random.integers(2, 7, low.shape)], axis=1)
        corners.append(boxes)
        labels.append(random.integers(0, 2, len(boxes)))
        difficult.append(random.random(len(boxes)) < 0.2)
        near = np.repeat(boxes, random.integers(0, 3, len(boxes)), axis=0)
        low = np.maximum(near[:, :2] + random.integers(-1, 2, near[:, :2].shape), 0)
        found.append(np.concatenate([low, low + np.maximum(near[:, 2:] - near[:, :2], 1)], axis=1))
        said.append(random.integers(0, 2, len(near)))
        scores.append(random.integers(0, 9, len(near)) / 8)
    truth = Boxes.of_lists(NAMES, corners, labels, difficult=difficult)
    return truth, Boxes.of_lists(NAMES, found, said, scores=scores)


def slow(truth: Boxes, said: Boxes, label: int, iou: float, pixels: str, points: object) -> float | None:
    """VOCevaldet.m, line by line."""
    positives = sum(not difficult for own, difficult in zip(truth.labels, truth.difficult, strict=True) if own == label)
    if not positives:
        return None
    detected: set[int] = set()
    right, wrong, curve = 0, 0, []
    for row in sorted(np.flatnonzero(said.labels == label), key=lambda row: -said.scores[row]):
        things = np.flatnonzero((truth.labels == label) & (truth.owners == said.owners[row]))
        overlaps = box_iou(said.boxes[[row]], truth.boxes[things], pixels=pixels)[0]
        best = int(overlaps.argmax()) if len(things) else -1
        if best >= 0 and overlaps[best] >= iou:
            if truth.difficult[things[best]]:
                continue
            if int(things[best]) not in detected:
                detected.add(int(things[best]))
                right += 1
            else:
                wrong += 1
        else:
            wrong += 1
        curve.append((right / positives, right / (right + wrong)))
    if points == 11:
        return sum(max((p for r, p in curve if r >= t / 10), default=0.0) for t in range(11)) / 11
    steps = [0.0, *(r for r, _ in curve)]
    best = [max(p for _, p in curve[place:]) for place in range(len(curve))]
    return sum((b - a) * p for a, b, p in zip(steps, steps[1:], best, strict=False))


@pytest.mark.parametrize("points", ["all", 11])
@pytest.mark.parametrize("pixels", ["coco", "voc"])
def test_average_precision_is_that_of_the_definition(points: object, pixels: str) -> None:
    for seed in range(25):
        truth, said = drawn(seed)
        for iou in (0.3, 0.5):
            found = voc(truth, said, iou=iou, points=points, pixels=pixels).average_precision
            for label, name in enumerate(NAMES):
                expected = slow(truth, said, label, iou, pixels, points)
                assert (name in found) == (expected is not None)
                if expected is not None:
                    assert found[name] == pytest.approx(expected, abs=1e-12)


def test_a_curve_by_hand() -> None:
    # Right, wrong (twice found), right of four things: precision 1, 1/2, 2/3 at recall 1/4, 1/4, 1/2.
    boxes = [[0, 0, 4, 4], [10, 0, 14, 4], [20, 0, 24, 4], [30, 0, 34, 4]]
    truth = Boxes.of_lists(("a",), [boxes], [[0] * 4])
    said = Boxes.of_lists(("a",), [[boxes[0], boxes[0], boxes[1]]], [[0] * 3], scores=[[0.9, 0.8, 0.7]])
    found = voc(truth, said)
    curve = found.curves["a"]
    assert curve.recall.tolist() == [0.25, 0.25, 0.5]
    assert np.allclose(curve.precision, [1, 1 / 2, 2 / 3])
    assert np.allclose(curve.scores, [0.9, 0.8, 0.7])
    assert found.mean == pytest.approx(0.25 * 1 + 0.25 * 2 / 3)
    # Recalls 0, .1, .2 have precision 1; .3, .4, .5 have 2/3; the other five 0.
    assert voc(truth, said, points=11).mean == pytest.approx((3 + 3 * 2 / 3) / 11)


def test_the_last_pixel_belongs_to_a_box_of_voc() -> None:
    # 1 of 3 columns is shared, or 2 of 4 with the last ones.
    truth, said = (Boxes.of_lists(("a",), [[box]], [[0]]) for box in ([0, 0, 2, 9], [1, 0, 3, 9]))
    said = replace(said, scores=[1.0])
    assert voc(truth, said).mean == 0
    assert voc(truth, said, pixels="voc").mean == 1


def test_no_thing_has_no_mean() -> None:
    nothing = Boxes.of_lists(("a",), [[]], [[]])
    assert np.isnan(voc(nothing, replace(nothing, scores=[])).mean)


@pytest.mark.parametrize(
    ("recall", "precision", "words"),
    [
        ([0.5, 0.2], [1, 1], "recall that rises"),
        ([0.5], [1.5], "from 0 to 1"),
        ([0.5], [1, 1], "one length"),
        (["a"], [1], "one length"),
    ],
)
def test_what_is_no_curve(recall: object, precision: object, words: str) -> None:
    with pytest.raises(DataError, match=words):
        average_precision(recall, precision)


def test_other_settings_are_named() -> None:
    truth, said = drawn(0)
    with pytest.raises(InputError, match='"all" or 11'):
        voc(truth, said, points=10)
    with pytest.raises(InputError, match="'coco', 'voc'"):
        voc(truth, said, pixels="pascal")
    with pytest.raises(DataError, match="with scores"):
        voc(truth, truth)
