"""Suppression of boxes: the lecture's table, and the definition one box after the other on many kinds of crowds."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from cnnkit.errors import DataError, InputError
from cnnkit.metrics import box_iou, non_maximum_suppression, soft_non_maximum_suppression

Boxes = NDArray[np.float64]


def uniform(random: np.random.Generator, count: int, side: float = 55.0) -> Boxes:
    """Boxes anywhere in a picture of 1,000²."""
    low = random.random((count, 2)) * 1000
    return np.concatenate([low, low + side * random.uniform(0.2, 1.8, (count, 2))], axis=1)


def clustered(random: np.random.Generator, count: int, clusters: int = 10) -> Boxes:
    """Boxes around a few things."""
    centres, sides = random.random((clusters, 2)) * 1000, random.uniform(50, 150, (clusters, 2))
    which = random.integers(0, clusters, count)
    low = centres[which] + random.normal(0, 0.1, (count, 2)) * sides[which]
    return np.concatenate([low, low + sides[which] * random.uniform(0.8, 1.2, (count, 2))], axis=1)


def greedy(boxes: Boxes, scores: NDArray[np.float64], iou: float) -> list[int]:
    """The definition."""
    left, kept = sorted(range(len(scores)), key=lambda index: -scores[index]), []
    while left:
        best, *left = left
        kept.append(best)
        overlap = box_iou(boxes[[best]], boxes[left])[0]
        left = [index for index, value in zip(left, overlap, strict=True) if value <= iou]
    return kept


def test_the_table_of_the_lecture() -> None:
    # Deck 004: class, confidence, IoU with the best of its class → keep or remove, thresholds .5 and .5. Strips of
    # width 10, d apart, have the IoU (10 − d) / (10 + d).
    classes, confidences = [0, 0, 0, 1, 1], [0.4, 0.6, 0.7, 0.6, 0.8]
    ious = [0.2, 0.8, 1.0, 0.2, 1.0]
    shifts = [10 * (1 - iou) / (1 + iou) for iou in ious]
    boxes = [[shift, 0, shift + 10, 1] for shift in shifts]
    assert np.allclose(box_iou(boxes[:3], [boxes[2]])[:, 0], ious[:3])
    kept = non_maximum_suppression(boxes, confidences, labels=classes, iou=0.5, least=0.5)
    assert sorted(kept.tolist()) == [2, 3, 4]
    assert kept.tolist() == [4, 2, 3]


@pytest.mark.parametrize("iou", [0.0, 0.3, 0.5, 0.7, 1.0])
@pytest.mark.parametrize("count", [1, 130, 700])
@pytest.mark.parametrize("draw", [uniform, clustered])
def test_what_stays_is_that_of_the_definition(draw: object, count: int, iou: float) -> None:
    random = np.random.default_rng(count)
    boxes, scores = draw(random, count), random.integers(0, 40, count) / 40  # with ties
    assert non_maximum_suppression(boxes, scores, iou=iou).tolist() == greedy(boxes, scores, iou)


@pytest.mark.parametrize(
    "boxes",
    [
        np.array([[i, 0, i + 2.1, 1] for i in range(400)], np.float64),  # a chain: each one overlaps the next
        np.array([[0, i, 1000, i + 0.5] for i in range(400)], np.float64),  # lines above each other
        np.array([[i, 0, i, 0] for i in range(300)], np.float64),  # nothing has an area
        np.array([[0, 0, 5, 5]] * 300, np.float64),
        np.array([[0, 0, 1e6, 1e6], *([i % 20, i // 20, i % 20 + 1, i // 20 + 1] for i in range(400))], np.float64),
        np.array([[-1e9 + 2 * i, 1e9, -1e9 + 2 * i + 3, 1e9 + 3] for i in range(300)], np.float64),
    ],
    ids=["chain", "lines", "points", "one place", "one around all", "far away"],
)
def test_hostile_arrangements(boxes: Boxes) -> None:
    scores = np.random.default_rng(0).random(len(boxes))
    for iou in (0.0, 0.35, 0.6):
        assert non_maximum_suppression(boxes, scores, iou=iou).tolist() == greedy(boxes, scores, iou)


def test_classes_and_pictures_are_groups_of_their_own() -> None:
    random = np.random.default_rng(1)
    boxes, scores = clustered(random, 600), random.random(600)
    labels, pictures = random.integers(0, 3, 600), random.choice([0, 1, 5], 600)
    expected: list[int] = []
    for picture in (0, 1, 5):
        kept: list[int] = []
        for label in range(3):
            own = np.flatnonzero((labels == label) & (pictures == picture))
            kept += own[greedy(boxes[own], scores[own], 0.5)].tolist()
        expected += sorted(kept, key=lambda index: -scores[index])[:7]
    assert non_maximum_suppression(boxes, scores, labels=labels, pictures=pictures, most=7).tolist() == expected


@pytest.mark.parametrize("decay", ["gaussian", "linear"])
def test_soft_scores_are_those_of_the_paper(decay: str) -> None:
    random = np.random.default_rng(2)
    boxes, scores = clustered(random, 40, clusters=3), random.random(40)
    # Figure 3 of arXiv:1704.04503, line by line.
    kept: dict[int, float] = {}
    left = dict(enumerate(scores.tolist()))
    while left:
        best = max(left, key=left.__getitem__)
        kept[best] = left.pop(best)
        for index in left:
            iou = float(box_iou(boxes[[best]], boxes[[index]])[0, 0])
            left[index] *= np.exp(-(iou**2) / 0.5) if decay == "gaussian" else (1 - iou if iou > 0.3 else 1)
    expected = {index: score for index, score in kept.items() if score >= 0.01}
    indices, lowered = soft_non_maximum_suppression(boxes, scores, decay=decay, least=0.01)
    assert set(indices.tolist()) == set(expected)
    assert np.allclose(lowered, [expected[index] for index in indices.tolist()], atol=1e-12)
    assert (np.diff(lowered) <= 0).all()


def test_soft_classes_do_not_lower_each_other() -> None:
    boxes = [[0, 0, 2, 2]] * 2
    assert soft_non_maximum_suppression(boxes, [0.5, 0.25], labels=[0, 1])[1].tolist() == [0.5, 0.25]


def test_no_boxes() -> None:
    assert non_maximum_suppression([], []).tolist() == []
    assert non_maximum_suppression([[0, 0, 1, 1]], [0.1], least=0.5).tolist() == []
    assert [part.tolist() for part in soft_non_maximum_suppression([], [])] == [[], []]


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"scores": [0.5, 0.1]}, DataError, "each of 1 boxes"),
        ({"scores": [np.nan]}, DataError, "finite score"),
        ({"labels": [-1]}, DataError, "label from 0"),
        ({"pictures": [0.5]}, DataError, "picture from 0"),
        ({"iou": 1.5}, InputError, "from 0 to 1"),
        ({"most": 0}, InputError, "number of boxes"),
    ],
)
def test_what_does_not_fit_is_refused(given: dict[str, object], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        non_maximum_suppression(**{"boxes": [[0, 0, 1, 1]], "scores": [0.5], **given})
