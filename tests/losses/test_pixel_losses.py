"""Losses of label maps: what all of them keep to, over a table, and each against its formula written out in NumPy."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

import cnnkit as ck
from cnnkit.errors import InputError, UnknownNameError

Array = NDArray[Any]
Loss = Callable[[Any, Any], Any]
VOID, CLASSES = 255, 4
RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(size=(2, 5, 4, CLASSES))
LABELS = RANDOM.integers(0, 3, (2, 5, 4))  # no picture shows class 3
LABELS[RANDOM.random(LABELS.shape) < 0.2] = VOID
WEIGHTS = np.array([0.5, 1.0, 3.0, 7.0])
PIXEL_WEIGHTS = RANDOM.uniform(0.1, 5, LABELS.shape)

LOSSES: dict[str, Loss] = {
    "pixel_cross_entropy": ck.losses.pixel_cross_entropy,
    "weighted": lambda y, x: ck.losses.pixel_cross_entropy(y, x, weights=WEIGHTS[: x.shape[-1]]),
    "pixel_focal": ck.losses.pixel_focal,
    "gentle focal": lambda y, x: ck.losses.pixel_focal(y, x, gamma=0.5),
    "dice": ck.losses.dice,
    "generalized dice": lambda y, x: ck.losses.dice(y, x, generalized=True),
    "tversky": ck.losses.tversky,
    "lovasz_softmax": ck.losses.lovasz_softmax,
    "sum": lambda y, x: ck.losses.pixel_cross_entropy(y, x, weights=WEIGHTS[: x.shape[-1]]) + ck.losses.dice(y, x),
}
EVERY_LOSS = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


def certain(labels: Array, classes: int = CLASSES) -> Array:
    """Logits that are sure of some labels."""
    return 40.0 * np.eye(classes)[np.where(labels == VOID, 0, labels)]


def gradient(loss: Loss, labels: Array, logits: Array) -> Array:
    given = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(given)
        total = tf.reduce_sum(loss(labels, given))
    return tape.gradient(total, given).numpy()


@EVERY_LOSS
def test_one_number_for_each_picture_whatever_the_others_are(loss: Loss) -> None:
    both = np.asarray(loss(LABELS, LOGITS))
    assert both.shape == (2,)
    alone = [float(loss(LABELS[row : row + 1], LOGITS[row : row + 1])[0]) for row in (0, 1)]
    np.testing.assert_allclose(both, alone, rtol=1e-12)


@EVERY_LOSS
def test_void_pixels_are_left_out(loss: Loss) -> None:
    """Other logits there change nothing, and a picture without its void part has the same loss."""
    other = np.where((LABELS == VOID)[..., None], 9 * LOGITS[::-1], LOGITS)
    np.testing.assert_allclose(loss(LABELS, other), loss(LABELS, LOGITS), rtol=1e-12)
    assert (gradient(loss, LABELS, LOGITS)[LABELS == VOID] == 0).all()
    framed = np.pad(LABELS[:1], ((0, 0), (2, 1), (0, 3)), constant_values=VOID)
    logits = np.pad(LOGITS[:1], ((0, 0), (2, 1), (0, 3), (0, 0)), constant_values=5.0)
    np.testing.assert_allclose(loss(framed, logits), loss(LABELS[:1], LOGITS[:1]), rtol=1e-12)


@EVERY_LOSS
def test_gradients_are_those_of_differences(loss: Loss) -> None:
    """Each logit moved in a picture of its own, all in one batch: a loss does not depend on other pictures."""
    step, numbers = 1e-6, LOGITS[0].size
    moves = step * np.eye(numbers).reshape(numbers, *LOGITS.shape[1:])
    expected = []
    for labels, logits in zip(LABELS, LOGITS, strict=True):
        copies = np.repeat(labels[None], numbers, axis=0)
        difference = np.asarray(loss(copies, logits + moves)) - np.asarray(loss(copies, logits - moves))
        expected.append(difference.reshape(logits.shape) / (2 * step))
    np.testing.assert_allclose(gradient(loss, LABELS, LOGITS), expected, atol=1e-7)


@EVERY_LOSS
def test_nothing_known_one_pixel_and_one_class_shown(loss: Loss) -> None:
    nothing = np.full_like(LABELS, VOID)
    assert np.asarray(loss(nothing, LOGITS)).tolist() == [0, 0]
    assert (gradient(loss, nothing, LOGITS) == 0).all()
    pixel = np.array([[[2]]])
    assert float(loss(pixel, LOGITS[:1, :1, :1])[0]) > 0
    assert float(loss(pixel, certain(pixel))[0]) == pytest.approx(0, abs=1e-6)
    one = np.where(LABELS == VOID, VOID, 1)
    assert (np.asarray(loss(one, LOGITS)) > 0.1).all()
    assert np.asarray(loss(one, certain(one))) == pytest.approx([0, 0], abs=1e-6)


@EVERY_LOSS
def test_certainty_and_error_stay_finite(loss: Loss) -> None:
    for logits in (certain(LABELS), certain((LABELS + 1) % 3)):
        assert np.isfinite(loss(LABELS, logits)).all()
        assert np.isfinite(gradient(loss, LABELS, logits)).all()
    assert np.asarray(loss(LABELS, certain(LABELS))) == pytest.approx([0, 0], abs=1e-6)
    assert (np.asarray(loss(LABELS, certain((LABELS + 1) % 3))) > 0.3).all()


@EVERY_LOSS
@pytest.mark.parametrize("label", [CLASSES, 254, -1])
def test_a_label_that_is_no_class_is_not_passed_over(loss: Loss, label: int) -> None:
    labels = LABELS.copy()
    labels[1, 0, 0] = label
    found = np.asarray(loss(labels, LOGITS))
    assert np.isfinite(found).tolist() == [True, False]
    assert np.isfinite(gradient(loss, labels, LOGITS)).all()


@EVERY_LOSS
def test_any_dtype_and_a_graph_of_unknown_sizes(loss: Loss) -> None:
    expected = np.asarray(loss(LABELS, LOGITS))
    for kind in (np.uint8, np.int64, np.float32):  # Keras makes float32 of labels
        np.testing.assert_allclose(loss(LABELS.astype(kind), LOGITS.astype(np.float32)), expected, rtol=1e-5)
    half = loss(LABELS, tf.cast(LOGITS, tf.float16))
    assert half.dtype == tf.float32
    np.testing.assert_allclose(half, expected, rtol=5e-3)
    signature = [tf.TensorSpec([None] * 3, tf.uint8), tf.TensorSpec([None, None, None, CLASSES], tf.float64)]
    graph = tf.function(loss, input_signature=signature)
    np.testing.assert_allclose(graph(LABELS.astype(np.uint8), LOGITS), expected, rtol=1e-12)


@EVERY_LOSS
def test_a_step_of_plain_keras_lowers_it(loss: Loss) -> None:
    model = keras.Sequential(
        [keras.Input((5, 4, CLASSES)), keras.layers.Conv2D(CLASSES, 1, kernel_initializer="zeros")]
    )
    model.compile(loss=loss, optimizer=keras.optimizers.SGD(0.5))
    before = model.train_on_batch(LOGITS, LABELS)
    assert model.test_on_batch(LOGITS, LABELS) < before


@EVERY_LOSS
@pytest.mark.parametrize(
    ("labels", "logits"),
    [
        ((2, 5), (2, 5, 4, 3)),
        ((2, 5, 4, 1), (2, 5, 4, 3)),
        ((2, 5, 4), (2, 5, 4)),
        ((2, 5, 4), (2, 4, 5, 3)),
        ((2, 5, 4), (2, 5, 4, 256)),
        ((2, 5, 4), (2, 5, 4, 1)),
    ],
)
def test_shapes_that_do_not_belong_together(loss: Loss, labels: tuple[int, ...], logits: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"labels \(n, h, w\) and logits \(n, h, w, c\).*one channel per class"):
        loss(np.zeros(labels, np.uint8), np.zeros(logits, np.float32))


def softmax() -> Array:
    return np.exp(LOGITS) / np.exp(LOGITS).sum(axis=-1, keepdims=True)


def areas(row: int) -> list[tuple[float, float, float]]:
    """Σ p g, Σ g and Σ p of each class of one picture, pixel by pixel."""
    p, sums = softmax(), []
    for number in range(CLASSES):
        both = true = predicted = 0.0
        for place in np.ndindex(LABELS.shape[1:]):
            label = LABELS[(row, *place)]
            if label != VOID:
                both += p[(row, *place, number)] * (label == number)
                true += label == number
                predicted += p[(row, *place, number)]
        sums.append((both, true, predicted))
    return sums


@pytest.mark.parametrize("gamma", [None, 0.0, 0.5, 2.0])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("pixel_weights", [None, PIXEL_WEIGHTS])
def test_cross_entropy_and_focal_are_their_formulas(gamma, weights, pixel_weights) -> None:
    expected = []
    for row in (0, 1):
        total = scale = 0.0
        for place in np.ndindex(LABELS.shape[1:]):
            label = LABELS[(row, *place)]
            if label != VOID:
                p = softmax()[(row, *place, label)]
                weight = (1 if weights is None else weights[label]) * (
                    1 if pixel_weights is None else pixel_weights[(row, *place)]
                )
                total -= weight * (1 - p) ** (gamma or 0) * np.log(p)
                scale += weight
        expected.append(total / scale)
    options = {"weights": weights, "pixel_weights": pixel_weights}
    if gamma is None:
        found = ck.losses.pixel_cross_entropy(LABELS, LOGITS, **options)
    else:
        found = ck.losses.pixel_focal(LABELS, LOGITS, gamma=gamma, **options)
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_keras_agrees_on_the_mean_over_known_pixels() -> None:
    reference = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=VOID)
    expected = [float(reference(LABELS[row : row + 1], LOGITS[row : row + 1])) for row in (0, 1)]
    np.testing.assert_allclose(ck.losses.pixel_cross_entropy(LABELS, LOGITS), expected, rtol=1e-5)


@pytest.mark.parametrize(("p", "times"), [(0.9, 100), (0.968, 1000)])
def test_how_much_less_easy_pixels_count(p: float, times: float) -> None:
    """Lin et al., section 3.2: with γ = 2, p = 0.9 counts 100 times less, p ≈ 0.968 a thousand times."""
    logits = np.log([[[[p, 1 - p]]]])
    ratio = ck.losses.pixel_cross_entropy([[[0]]], logits) / ck.losses.pixel_focal([[[0]]], logits)
    assert float(ratio[0]) == pytest.approx(times, rel=0.03)


@pytest.mark.parametrize("smooth", [0.1, 1.0])
def test_dice_is_its_formula_over_the_classes_that_are_shown(smooth: float) -> None:
    expected = []
    for row in (0, 1):
        shown = [sums for sums in areas(row) if sums[1]]
        assert len(shown) == 3
        expected.append(np.mean([1 - (2 * both + smooth) / (true + said + smooth) for both, true, said in shown]))
    np.testing.assert_allclose(ck.losses.dice(LABELS, LOGITS, smooth=smooth), expected, rtol=1e-10)


def test_keras_agrees_on_the_overlap_of_each_class() -> None:
    known = (LABELS != VOID)[..., None]
    true = (np.eye(CLASSES + 1)[np.where(LABELS == VOID, CLASSES, LABELS)])[..., :CLASSES]
    for function, reference in (
        (ck.losses.dice, keras.losses.dice),
        (lambda y, x, smooth: ck.losses.tversky(y, x, alpha=1, beta=1, smooth=smooth), None),
    ):
        reference = reference or (lambda y, p, axis: keras.losses.tversky(y, p, alpha=1, beta=1, axis=axis))
        of_class = [
            np.asarray(reference(true[..., number], (softmax() * known)[..., number], axis=(1, 2)))
            for number in range(3)
        ]
        np.testing.assert_allclose(function(LABELS, LOGITS, smooth=1e-7), np.mean(of_class, axis=0), rtol=1e-6)


def test_generalized_dice_is_the_formula_of_sudre() -> None:
    """Section 2 of arXiv:1707.03237; class 3, which nothing shows, has the largest weight, as in NiftyNet."""
    expected = []
    for row in (0, 1):
        sums = areas(row)
        largest = max(1 / true**2 for _, true, _ in sums if true)
        weights = [1 / true**2 if true else largest for _, true, _ in sums]
        above = sum(weight * both for weight, (both, _, _) in zip(weights, sums, strict=True))
        below = sum(weight * (true + said) for weight, (_, true, said) in zip(weights, sums, strict=True))
        expected.append(1 - 2 * above / below)
    np.testing.assert_allclose(ck.losses.dice(LABELS, LOGITS, generalized=True), expected, rtol=1e-10)


@pytest.mark.parametrize(("alpha", "beta"), [(0.3, 0.7), (1.0, 0.0), (0.0, 1.0)])
def test_tversky_is_its_formula(alpha: float, beta: float) -> None:
    expected = [
        np.mean(
            [
                1 - (both + 1) / (both + alpha * (said - both) + beta * (true - both) + 1)
                for both, true, said in areas(row)
                if true
            ]
        )
        for row in (0, 1)
    ]
    np.testing.assert_allclose(ck.losses.tversky(LABELS, LOGITS, alpha=alpha, beta=beta), expected, rtol=1e-10)


def test_beta_asks_for_recall() -> None:
    """A thing half found costs more than one found twice too large where β is above α; α is for false positives."""
    true = np.zeros((1, 8, 8), int)
    true[0, 2:4, 2:6] = 1
    half, double = true.copy(), true.copy()
    half[0, 2] = 0
    double[0, 4:6, 2:6] = 1
    for alpha, beta in ((0.1, 0.9), (0.9, 0.1)):
        missed, added = (
            float(ck.losses.tversky(true, certain(said, 2), alpha=alpha, beta=beta)[0]) for said in (half, double)
        )
        assert (missed > added) == (beta > alpha)


def test_tversky_of_halves_is_dice() -> None:
    found = ck.losses.tversky(LABELS, LOGITS, alpha=0.5, beta=0.5, smooth=0.5)
    np.testing.assert_allclose(found, ck.losses.dice(LABELS, LOGITS, smooth=1), rtol=1e-12)


@pytest.mark.parametrize("options", [{}, {"generalized": True}])
def test_over_a_batch_the_areas_are_those_of_all_its_pictures(options: dict[str, bool]) -> None:
    found = np.asarray(ck.losses.dice(LABELS, LOGITS, over="batch", **options))
    joined = ck.losses.dice(LABELS.reshape(1, 10, 4), LOGITS.reshape(1, 10, 4, CLASSES), **options)
    np.testing.assert_allclose(found, np.repeat(np.asarray(joined), 2), rtol=1e-12)
    whole = ck.losses.tversky(LABELS.reshape(1, 10, 4), LOGITS.reshape(1, 10, 4, CLASSES))
    np.testing.assert_allclose(ck.losses.tversky(LABELS, LOGITS, over="batch")[1], whole[0], rtol=1e-12)


def test_lovasz_is_the_integral_over_level_sets() -> None:
    """The extension of a set function Δ with Δ(∅) = 0 is ∫ Δ({i: m_i >= t}) dt over t from 0 to 1."""
    expected = []
    for row in (0, 1):
        known = LABELS[row] != VOID
        of_class = []
        for number in range(3):
            true = LABELS[row][known] == number
            errors = np.abs(true - softmax()[row][known][:, number])
            levels = np.concatenate([[0], np.sort(errors)])
            integral = 0.0
            for low, high in itertools.pairwise(levels):
                wrong = errors >= high
                missed, added = (wrong & true).sum(), (wrong & ~true).sum()
                integral += (high - low) * (1 - (true.sum() - missed) / (true.sum() + added))
            of_class.append(integral)
        expected.append(np.mean(of_class))
    np.testing.assert_allclose(ck.losses.lovasz_softmax(LABELS, LOGITS), expected, rtol=1e-10)


def test_lovasz_of_hard_predictions_is_what_is_missing_of_the_mean_iou() -> None:
    said = RANDOM.integers(0, 3, LABELS.shape)  # of the classes that are shown
    expected = [1 - ck.metrics.mean_iou(LABELS[row], said[row], CLASSES) for row in (0, 1)]
    found = ck.losses.lovasz_softmax(LABELS, certain(said))
    np.testing.assert_allclose(found, expected, atol=1e-10)
    soft = ck.losses.dice(LABELS, certain(said), smooth=1e-9)
    scores = [1 - ck.metrics.dice(LABELS[row], said[row], CLASSES) for row in (0, 1)]
    np.testing.assert_allclose(soft, scores, atol=1e-8)


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        ("pixel_focal", {"gamma": -1}, r"gamma as a number of at least 0.*gamma=-1"),
        ("pixel_focal", {"gamma": None}, "gamma"),
        ("pixel_focal", {"gamma": float("nan")}, "gamma"),
        ("pixel_focal", {"weights": [1.0, 2.0]}, r"weights of shape \(4,\).*\(2,\)"),
        ("pixel_cross_entropy", {"weights": WEIGHTS[None]}, r"weights of shape \(4,\)"),
        ("pixel_cross_entropy", {"pixel_weights": PIXEL_WEIGHTS[:1]}, r"\(2, 5, 4\).*\(1, 5, 4\)"),
        ("pixel_cross_entropy", {"pixel_weights": WEIGHTS}, r"pixel_weights of shape \(2, 5, 4\)"),
        ("dice", {"smooth": 0}, "smooth as a number above 0"),
        ("dice", {"smooth": True}, "smooth"),
        ("tversky", {"smooth": float("inf")}, "smooth"),
        ("tversky", {"alpha": -0.1}, "alpha"),
        ("tversky", {"beta": "a"}, "beta"),
    ],
)
def test_numbers_that_no_loss_has(function: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        getattr(ck.losses, function)(LABELS, LOGITS, **options)


@pytest.mark.parametrize("function", ["dice", "tversky"])
def test_areas_that_do_not_exist(function: str) -> None:
    with pytest.raises(UnknownNameError, match=r"'pictures'.*'picture'"):
        getattr(ck.losses, function)(LABELS, LOGITS, over="pictures")
