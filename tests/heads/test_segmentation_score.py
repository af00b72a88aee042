"""The score of masks: over batches of pictures of several sizes, against one count of all their pixels."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

import cnnkit as ck
from cnnkit.data.targets import Labels, Masks
from cnnkit.errors import CnnkitError, DataError, InputError
from cnnkit.heads.head import Score
from cnnkit.heads.segmentation_score import SegmentationScore

CLASSES = ("ground", "car", "cat")
SIZES = ((9, 14), (20, 11), (1, 1), (12, 12))
VOID = 255


def maps(seed: int, classes: int = 3) -> list[NDArray[np.uint8]]:
    random = np.random.default_rng(seed)
    return [random.integers(0, classes, size).astype(np.uint8) for size in SIZES]


@pytest.fixture
def truth() -> Masks:
    arrays = maps(0)
    arrays[0][:3] = VOID
    arrays[2][:] = VOID
    return Masks.of_arrays(CLASSES, arrays)


@pytest.fixture
def predictions() -> Masks:
    return Masks.of_arrays(CLASSES, maps(1))


def scored(truth: Masks, predictions: Masks, parts: list[list[int]]) -> tuple[NDArray[np.float64], dict[str, float]]:
    score: Score = SegmentationScore(truth.names, distance=1)
    wrong = [score.add(truth.take(part), predictions.take(part)) for part in parts]
    return np.concatenate(wrong), score.result()


def test_it_is_one_count_of_all_pixels_wherever_batches_end(truth: Masks, predictions: Masks) -> None:
    wrong, result = scored(truth, predictions, [[0], [1, 2, 3]])
    again, same = scored(truth, predictions, [[0, 1, 2, 3]])
    assert (wrong == again).all()
    assert result == same
    pairs = [(truth.mask(row), predictions.mask(row)) for row in range(4)]
    expected = [(t != p)[t != VOID].mean() if (t != VOID).any() else 0 for t, p in pairs]
    np.testing.assert_allclose(wrong, expected)
    true, said = (np.concatenate([pair[side].ravel() for pair in pairs])[None] for side in (0, 1))
    for name in ("mean_iou", "pixel_accuracy", "mean_accuracy", "frequency_weighted_iou", "dice"):
        assert result[name] == pytest.approx(getattr(ck.metrics, name)(true, said, 3)), name
    both, either = ((true == 1) & (said == 1)).sum(), (((true == 1) | (said == 1)) & (true != VOID)).sum()
    assert result["iou/car"] == pytest.approx(both / either)
    assert result["accuracy/car"] == pytest.approx(both / (true == 1).sum())
    assert list(result)[:2] == ["mean_iou", "pixel_accuracy"]


def test_keras_has_the_same_mean_iou() -> None:
    true, said = Masks.of_arrays(CLASSES, maps(2)), Masks.of_arrays(CLASSES, maps(3))
    metric = keras.metrics.MeanIoU(3)
    for row in range(4):
        metric.update_state(true.mask(row).ravel(), said.mask(row).ravel())
    assert scored(true, said, [[0, 1, 2, 3]])[1]["mean_iou"] == pytest.approx(float(metric.result()), rel=1e-6)


def test_boundaries_are_counted_over_all_pictures(truth: Masks, predictions: Masks) -> None:
    overlap = ck.metrics.BoundaryOverlap(3, distance=1)
    for row in range(4):
        overlap.add(truth.mask(row), predictions.mask(row))
    assert scored(truth, predictions, [[0, 1], [2, 3]])[1]["boundary_iou"] == overlap.mean_iou


def test_the_truth_is_perfect_and_a_constant_is_not(truth: Masks) -> None:
    wrong, result = scored(truth, truth, [[0, 1, 2, 3]])
    assert (wrong == 0).all()
    assert set(result.values()) == {1.0}
    constant = Masks.of_arrays(CLASSES, [np.zeros(size, np.uint8) for size in SIZES])
    wrong, result = scored(truth, constant, [[0, 1, 2, 3]])
    assert result["mean_iou"] < 0.2
    assert result["iou/car"] == result["accuracy/cat"] == 0


def test_classes_without_a_value_are_left_out() -> None:
    true, said = ([[0, 0, 0]], [[0, 0, 1]])
    result = scored(Masks.of_arrays(CLASSES, [true]), Masks.of_arrays(CLASSES, [said]), [[0]])[1]
    assert result["iou/car"] == 0
    assert "accuracy/car" not in result
    assert not [name for name in result if name.endswith("/cat")]
    nothing = Masks.of_arrays(CLASSES, [[[VOID]]])
    assert scored(nothing, nothing, [[0]])[1] == {}
    assert SegmentationScore(CLASSES).result() == {}


def test_what_is_no_prediction_of_this_truth(truth: Masks, predictions: Masks) -> None:
    score = SegmentationScore(CLASSES)
    with pytest.raises(DataError, match=r"4 masks and 2 masks"):
        score.add(truth, predictions.take([0, 1]))
    with pytest.raises(DataError, match=r"one shape.*\(20, 11\)"):
        score.add(truth.take([0]), predictions.take([1]))
    with pytest.raises(DataError, match=r"1 masks and 1 labels"):
        score.add(truth.take([0]), Labels(CLASSES, [0]))
    with pytest.raises(CnnkitError, match="classes from 0 to 1"):
        SegmentationScore(CLASSES[:2]).add(truth, predictions)
    with pytest.raises(InputError, match="distance"):
        SegmentationScore(CLASSES, distance=0)
