"""Losses of identities against the papers' formulas, a picture and a pair at a time, and gradients by differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

import cnnkit as ck

RANDOM = np.random.default_rng(2)
LABELS = np.array([0, 1, 2, 0, 1, 0])
COSINES = RANDOM.uniform(-0.9, 0.9, (6, 3))
COSINES[3, 0] = -0.99  # an angle beyond π − m
VECTORS = RANDOM.normal(size=(6, 4))
ALONE = np.array([0, 1, 1, 0, 1, 2])  # the last has no partner
S = 4.0


def of_cosines(own: Callable[[float], float]) -> Callable[[np.ndarray], np.ndarray]:
    """−log of e^(s ψ) / (e^(s ψ) + Σ e^(s cos θ_j)), the sum over the other classes, where ψ stands for the own."""

    def loss(cosines: np.ndarray) -> np.ndarray:
        losses = []
        for label, row in zip(LABELS, cosines, strict=True):
            mine = np.exp(S * own(float(np.arccos(row[label]))))
            others = sum(np.exp(S * value) for place, value in enumerate(row) if place != label)
            losses.append(-np.log(mine / (mine + others)))
        return np.array(losses)

    return loss


def additive_angle(angle: float) -> float:
    return np.cos(angle + 0.5) if angle + 0.5 <= np.pi else np.cos(angle) - 0.5 * np.sin(0.5)


def multiplied_angle(angle: float) -> float:
    k = int(angle // (np.pi / 4))
    return (-1) ** k * np.cos(4 * angle) - 2 * k


def distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.sqrt(((one - other) ** 2).sum()))


def batch_hard(vectors: np.ndarray, soft: bool = False) -> np.ndarray:
    """Hermans et al., equation 5."""
    losses = []
    for a, (label, anchor) in enumerate(zip(ALONE, vectors, strict=True)):
        same = [distance(anchor, vectors[p]) for p in range(6) if ALONE[p] == label and p != a]
        other = [distance(anchor, vectors[n]) for n in range(6) if ALONE[n] != label]
        if not same:
            losses.append(0.0)
        else:
            excess = max(same) - min(other)
            losses.append(np.log1p(np.exp(excess)) if soft else max(0.0, 0.2 + excess))
    return np.array(losses)


def pairs(vectors: np.ndarray) -> np.ndarray:
    """Hadsell et al., equation 4, for each picture the mean over either kind of pair."""
    losses = []
    for a, (label, anchor) in enumerate(zip(ALONE, vectors, strict=True)):
        same = [distance(anchor, vectors[p]) ** 2 / 2 for p in range(6) if ALONE[p] == label and p != a]
        other = [max(0.0, 2.5 - distance(anchor, vectors[n])) ** 2 / 2 for n in range(6) if ALONE[n] != label]
        losses.append((np.mean(same) if same else 0.0) + np.mean(other))
    return np.array(losses)


CASES = {
    "arcface": (lambda x: ck.losses.arcface(LABELS, x, scale=S), of_cosines(additive_angle), COSINES),
    "cosface": (lambda x: ck.losses.cosface(LABELS, x, scale=S), of_cosines(lambda a: np.cos(a) - 0.35), COSINES),
    "sphereface": (lambda x: ck.losses.sphereface(LABELS, x, scale=S), of_cosines(multiplied_angle), COSINES),
    "softmax": (lambda x: ck.losses.cosface(LABELS, x, margin=0, scale=S), of_cosines(np.cos), COSINES),
    "triplet": (lambda x: ck.losses.triplet(ALONE, x), batch_hard, VECTORS),
    "soft": (lambda x: ck.losses.triplet(ALONE, x, margin=None), lambda x: batch_hard(x, soft=True), VECTORS),
    "contrastive": (lambda x: ck.losses.contrastive(ALONE, x, margin=2.5), pairs, VECTORS),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_the_formula_of_the_paper(name: str) -> None:
    ours, definition, given = CASES[name]
    losses = np.asarray(ours(given))
    np.testing.assert_allclose(losses, definition(given), rtol=1e-6, atol=1e-9)
    assert losses.any()


@pytest.mark.parametrize("name", CASES)
def test_gradients_are_those_of_the_formula(name: str) -> None:
    ours, definition, array = CASES[name]
    given = tf.constant(array)
    with tf.GradientTape() as tape:
        tape.watch(given)
        total = tf.reduce_sum(ours(given))
    expected, step = np.zeros_like(array), 1e-6
    for place in np.ndindex(array.shape):
        moved = np.zeros_like(array)
        moved[place] = step
        expected[place] = (definition(array + moved).sum() - definition(array - moved).sum()) / (2 * step)
    np.testing.assert_allclose(tape.gradient(total, given), expected, atol=1e-5)


def test_norms_may_be_the_scale_of_sphereface() -> None:
    scales = np.arange(1.0, 7.0)
    together = np.asarray(ck.losses.sphereface(LABELS, COSINES, scale=scales))
    alone = [float(ck.losses.sphereface(LABELS, COSINES, scale=scale)[place]) for place, scale in enumerate(scales)]
    np.testing.assert_allclose(together, alone, rtol=1e-12)


@pytest.mark.parametrize("name", ["arcface", "sphereface"])
def test_certainty_and_error_have_finite_gradients(name: str) -> None:
    given = tf.constant([[1.0, -1.0], [-1.0, 1.0]])
    with tf.GradientTape() as tape:
        tape.watch(given)
        losses = getattr(ck.losses, name)([0, 0], given)
    assert np.isfinite(losses).all()
    assert np.isfinite(tape.gradient(losses, given)).all()


def test_equal_pictures_have_finite_gradients() -> None:
    given = tf.zeros((4, 3))
    with tf.GradientTape() as tape:
        tape.watch(given)
        losses = ck.losses.triplet([0, 0, 1, 1], given) + ck.losses.contrastive([0, 0, 1, 1], given)
    assert np.isfinite(tape.gradient(losses, given)).all()
