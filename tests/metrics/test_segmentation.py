"""Scores of label maps against definitions pixel by pixel, scikit-learn, Keras and TensorFlow's published example."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from cnnkit import metrics
from cnnkit.data.targets import masks
from cnnkit.errors import DataError, InputError
from cnnkit.metrics import label_maps
from cnnkit.metrics.segmentation import PixelConfusion, dice, frequency_weighted_iou, mean_iou

CLASSES = 5
Map = NDArray[np.uint8]


def maps(seed: int, *, void: float = 0.1, shape: tuple[int, int] = (24, 31)) -> tuple[Map, Map]:
    """Blocks of four of the five classes, and a prediction of all five that is partly wrong and partly void."""
    random = np.random.default_rng(seed)
    true = random.integers(0, CLASSES - 1, (shape[0] // 4 + 1, shape[1] // 4 + 1)).repeat(4, 0).repeat(4, 1)
    true = true[: shape[0], : shape[1]].astype(np.uint8)
    predicted = np.where(random.random(shape) < 0.3, random.integers(0, CLASSES, shape), true).astype(np.uint8)
    predicted[random.random(shape) < 0.02] = label_maps.VOID
    true[random.random(shape) < void] = label_maps.VOID
    return true, predicted


def slow(pairs: list[tuple[Map, Map]]) -> dict[str, float]:
    """Each score by its definition, one pixel after the other."""
    pixels = [(int(t), int(p)) for true, said in pairs for t, p in zip(true.flat, said.flat, strict=True) if t != 255]
    iou, overlap, accuracy, frequency = {}, {}, {}, {}
    for number in range(CLASSES):
        both = sum(t == p == number for t, p in pixels)
        either = sum(number in (t, p) for t, p in pixels)
        frequency[number] = sum(t == number for t, _ in pixels)
        if either:
            iou[number] = both / either
            overlap[number] = 2 * both / (frequency[number] + sum(p == number for _, p in pixels))
        if frequency[number]:
            accuracy[number] = both / frequency[number]
    return {
        "pixel_accuracy": sum(t == p for t, p in pixels) / len(pixels),
        "mean_accuracy": sum(accuracy.values()) / len(accuracy),
        "mean_iou": sum(iou.values()) / len(iou),
        "frequency_weighted_iou": sum(frequency[number] * iou.get(number, 0) for number in frequency) / len(pixels),
        "mean_dice": sum(overlap.values()) / len(overlap),
    }


@pytest.mark.parametrize("seed", range(3))
def test_scores_of_many_maps_are_those_of_all_their_pixels(seed: int) -> None:
    pairs = [maps(seed), maps(seed + 10, shape=(9, 40)), maps(seed + 20, shape=(1, 1), void=0)]
    confusion = PixelConfusion(CLASSES)
    wrong = [confusion.add(*pair) for pair in pairs]
    for name, value in slow(pairs).items():
        assert getattr(confusion, name) == pytest.approx(value, abs=1e-12), name
    assert wrong == pytest.approx([1 - slow([pair])["pixel_accuracy"] for pair in pairs])


@pytest.mark.parametrize("seed", range(3))
def test_scikit_learn_agrees(seed: int) -> None:
    reference = pytest.importorskip("sklearn.metrics")
    true, predicted = maps(seed)
    predicted[predicted == 255] = 0
    known = true != 255
    confusion = PixelConfusion(CLASSES)
    confusion.add(true, predicted)
    t, p, listed = true[known], predicted[known], list(range(CLASSES))
    table = reference.confusion_matrix(t, p, labels=listed)
    assert confusion.matrix.tolist() == [[*row, 0] for row in table.tolist()]
    np.testing.assert_allclose(confusion.iou, reference.jaccard_score(t, p, average=None, labels=listed))
    np.testing.assert_allclose(confusion.dice, reference.f1_score(t, p, average=None, labels=listed))
    shown = reference.recall_score(t, p, average=None, labels=listed[:-1])
    np.testing.assert_allclose(confusion.accuracy, [*shown, np.nan])
    np.testing.assert_allclose(confusion.precision, reference.precision_score(t, p, average=None, labels=listed))
    assert metrics.mean_accuracy(true, predicted, CLASSES) == pytest.approx(shown.mean())
    assert frequency_weighted_iou(true, predicted, CLASSES) == pytest.approx(
        reference.jaccard_score(t, p, average="weighted", labels=listed)
    )


def test_the_example_of_keras_and_what_its_ignored_class_does() -> None:
    """Keras's documentation of MeanIoU; then keras#22835: a prediction of the ignored class counts as a class."""
    assert mean_iou([[0, 0, 1, 1]], [[0, 1, 0, 1]], 2) == pytest.approx(1 / 3)
    assert mean_iou([[0, 0, 1, 1, 255]], [[0, 0, 1, 255, 0]], 2) == pytest.approx((1 + 1 / 2) / 2)


def test_void_in_the_truth_changes_nothing_and_in_a_prediction_is_wrong() -> None:
    true, predicted = maps(0)
    other = np.where(true == 255, (predicted.astype(int) + 1) % CLASSES, predicted).astype(np.uint8)
    assert [mean_iou(true, said, CLASSES) for said in (predicted, other)] == [mean_iou(true, predicted, CLASSES)] * 2
    confusion = PixelConfusion(2)
    assert confusion.add([[0, 0, 1]], [[0, 255, 1]]) == pytest.approx(1 / 3)
    assert confusion.matrix.tolist() == [[1, 0, 1], [0, 1, 0]]
    assert confusion.iou.tolist() == [0.5, 1.0]
    assert confusion.precision.tolist() == [1.0, 1.0]


def test_classes_that_do_not_occur() -> None:
    """Class 2 is only predicted: an IoU of 0; class 3 is nowhere: none."""
    confusion = PixelConfusion(4)
    confusion.add([[0, 0, 1, 1]], [[0, 0, 1, 2]])
    np.testing.assert_array_equal(confusion.iou, [1, 0.5, 0, np.nan])
    np.testing.assert_array_equal(confusion.accuracy, [1, 0.5, np.nan, np.nan])
    assert confusion.mean_iou == pytest.approx(0.5)
    assert confusion.mean_accuracy == pytest.approx(0.75)
    assert confusion.frequency_weighted_iou == pytest.approx(0.75)
    assert confusion.table(["sky", "road", "car", "bicycle"]) == {
        "sky": {"pixels": 2, "accuracy": 1, "precision": 1, "iou": 1, "dice": 1},
        "road": {"pixels": 2, "accuracy": 0.5, "precision": 1, "iou": 0.5, "dice": pytest.approx(2 / 3)},
        "car": {"pixels": 0, "precision": 0, "iou": 0, "dice": 0},
        "bicycle": {"pixels": 0},
    }


def test_one_pixel_one_class_and_no_known_pixel() -> None:
    assert mean_iou([[0]], [[0]], 1) == dice([[0]], [[0]], 1) == 1.0
    confusion = PixelConfusion(3)
    assert confusion.add([[255, 255]], [[0, 1]]) == 0.0
    assert np.isnan(confusion.iou).all()
    for name in ("pixel_accuracy", "mean_accuracy", "mean_iou", "frequency_weighted_iou", "dice"):
        with pytest.raises(DataError, match=r"whose class is known.*none"):
            getattr(metrics, name)([[255]], [[0]], 3)


def test_all_255_classes_and_any_kind_of_whole_numbers() -> None:
    true = np.arange(256).reshape(16, 16)
    counts = label_maps.joint_counts(true.astype(np.uint8), true.astype(np.uint8), 255)
    assert (counts == np.eye(256)).all()
    for kind in (np.int64, np.uint16, np.uint8):
        assert mean_iou(true.astype(kind), true.astype(kind), 255) == 1.0
    assert mean_iou(true > 3, true > 5, 2) == pytest.approx((4 / 6 + 250 / 252) / 2)
    assert mean_iou(true[:, ::2], true[:, ::2], 255) == 1.0  # not contiguous


def test_counts_beyond_what_float32_holds_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenCV counts in float32: 2²⁴ + 1 equal pixels would be one too few."""
    many = np.zeros((4097, 4097), np.uint8)  # 2²⁴ + 8193
    assert label_maps.joint_counts(many, many, 2)[1, 1] == many.size
    monkeypatch.setattr(label_maps, "EXACT", 100)
    true, predicted = maps(0)
    parts = label_maps.joint_counts(true, predicted, CLASSES)
    monkeypatch.undo()
    assert (parts == label_maps.joint_counts(true, predicted, CLASSES)).all()


def test_merged_counts_are_those_of_one() -> None:
    one, two, both = (PixelConfusion(CLASSES) for _ in range(3))
    for confusion, seed in ((one, 0), (two, 1), (both, 0), (both, 1)):
        confusion.add(*maps(seed))
    one.merge(two)
    assert (one.matrix == both.matrix).all()
    for other in (PixelConfusion(2), None):
        with pytest.raises(InputError, match=f"PixelConfusion of {CLASSES} classes"):
            one.merge(other)


@pytest.mark.parametrize(
    ("true", "predicted", "message"),
    [
        ([[0, 5]], [[0, 1]], r"classes from 0 to 1 and 255.*\[5\]"),
        ([[0, 1]], [[0, 254]], r"\[254\]"),
        ([[0, 256]], [[0, 1]], r"0 to 255.*256"),
        ([[0, -1]], [[0, 1]], "-1 to 0"),
        ([[0.5, 1]], [[0, 1]], "argmax"),
        ([[0, 1]], [[0], [1]], r"\(1, 2\) and \(2, 1\)"),
        ([0, 1], [0, 1], r"\(h, w\)"),
        ([[]], [[]], r"\(h, w\)"),
    ],
)
def test_what_is_no_label_map_is_refused(true: object, predicted: object, message: str) -> None:
    for function in (mean_iou, metrics.boundary_iou):
        with pytest.raises(DataError, match=message):
            function(true, predicted, 2)


@pytest.mark.parametrize("classes", [0, 256, True])
def test_numbers_of_classes_that_no_map_holds(classes: object) -> None:
    with pytest.raises(InputError, match="classes"):
        PixelConfusion(classes)


@pytest.mark.parametrize("names", ["ab", ["a"], ["a", "a"], [1, 2], None])
def test_names_that_do_not_fit(names: object) -> None:
    with pytest.raises(InputError, match="2 names"):
        PixelConfusion(2).table(names)


def test_void_is_one_value_everywhere() -> None:
    assert label_maps.VOID == masks.VOID


def near_border(labels: Map, number: int, distance: int) -> NDArray[np.bool_]:
    """Pixels of a class with a pixel that is not of it, or the outside, within `distance` rows and columns."""
    found = np.zeros(labels.shape, bool)
    steps = range(-distance, distance + 1)
    for row, column in np.argwhere(labels == number):
        for y, x in itertools.product(steps, steps):
            inside = 0 <= row + y < labels.shape[0] and 0 <= column + x < labels.shape[1]
            found[row, column] |= not inside or labels[row + y, column + x] != number
    return found


@pytest.mark.parametrize(("seed", "distance", "shape"), [(0, 1, (24, 31)), (1, 2, (20, 17)), (2, 9, (8, 7))])
def test_boundary_iou_is_that_of_its_definition(seed: int, distance: int, shape: tuple[int, int]) -> None:
    true, predicted = maps(seed, void=0.01, shape=shape)
    predicted[:, :4] = true[:, :4]
    said = np.where(true == 255, 255, predicted)
    expected = []
    for number in range(CLASSES):
        t, p = near_border(true, number, distance), near_border(said, number, distance)
        if (t | p).any():
            expected.append((t & p).sum() / (t | p).sum())
    assert metrics.boundary_iou(true, predicted, CLASSES, distance=distance) == pytest.approx(np.mean(expected))
    if distance > max(shape):  # all is near a border
        assert np.mean(expected) == pytest.approx(mean_iou(true, predicted, CLASSES))


def test_boundary_iou_by_the_authors_recipe_and_distance() -> None:
    """Their code: erode the mask, framed by one pixel of nothing, 2 % of the diagonal times; what is lost is near."""
    import cv2

    rows, columns = np.indices((60, 80))
    true = (np.hypot(rows - 30, columns - 40) < 22).astype(np.uint8)
    predicted = (np.hypot(rows - 33, columns - 38) < 20).astype(np.uint8)
    times = round(0.02 * math.hypot(60, 80))
    assert times == 2
    expected = []
    for number in (0, 1):
        near = []
        for labels in (true, predicted):
            mask = (labels == number).astype(np.uint8)
            framed = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
            near.append(mask - cv2.erode(framed, np.ones((3, 3), np.uint8), iterations=times)[1:-1, 1:-1])
        expected.append((near[0] & near[1]).sum() / (near[0] | near[1]).sum())
    found = metrics.boundary_iou(true, predicted, 2)
    assert found == pytest.approx(np.mean(expected))
    assert found == metrics.boundary_iou(true, predicted, 2, distance=2)
    assert found < mean_iou(true, predicted, 2) - 0.2


def test_boundary_iou_of_the_truth_is_one_whatever_is_said_where_nothing_is_known() -> None:
    true, _ = maps(0)
    said = np.where(true == 255, 1, true).astype(np.uint8)
    assert metrics.boundary_iou(true, said, CLASSES) == 1.0
    with pytest.raises(DataError, match="known"):
        metrics.boundary_iou([[255]], [[0]], 2)


def test_boundaries_of_a_stack_and_of_merged_counts_are_those_of_one() -> None:
    first, second = maps(0), maps(1)
    one, two, both = (metrics.BoundaryOverlap(CLASSES, distance=2) for _ in range(3))
    one.add(*first)
    two.add(*second)
    both.add(*(np.stack(pair) for pair in zip(first, second, strict=True)))
    one.merge(two)
    np.testing.assert_array_equal(one.iou, both.iou)
    for other in (metrics.BoundaryOverlap(CLASSES), metrics.BoundaryOverlap(2, distance=2), None):
        with pytest.raises(InputError, match="distance=2"):
            one.merge(other)
