"""Students who train a head on the kept features of one frozen network, in milliseconds each, and those who copy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cnnkit.course.grading.likeness import Work
from cnnkit.course.grading.prints import prints
from cnnkit.course.submissions.tensor_prints import TensorPrint, weights_print

Array = NDArray[np.float32]
TRAIN, ROWS, FEATURES = 1_500, 4_000, 96


def _world() -> tuple[Array, NDArray[np.bool_]]:
    """Features as a frozen network gives them: many, correlated, not negative; labels that they tell in part."""
    generator = np.random.default_rng(7)
    hidden = generator.normal(size=(TRAIN + ROWS, 24)).astype(np.float32)
    features = np.maximum(hidden @ generator.normal(0, 0.5, (24, FEATURES)) + generator.normal(size=FEATURES), 0)
    logits = hidden[:, :8].sum(axis=1) * 0.6 + np.sin(2 * hidden[:, 8]) + generator.normal(0, 1.2, len(hidden))
    return features.astype(np.float32), logits > 0


X, Y = _world()
TRUTH = Y[TRAIN:]
BACKBONE = [np.random.default_rng(number).normal(size=(3, 3, 8, 8)).astype(np.float32) for number in range(40)]


@dataclass(frozen=True)
class Trained:
    """A head and what it says of the score segment.

    Attributes:
        head: Kernels and biases, the last two of which give the answer.
        probabilities: (4000,) of the score segment.
        backbone: Tensors that were frozen.
    """

    head: tuple[Array, ...]
    probabilities: Array
    backbone: tuple[Array, ...] = tuple(BACKBONE)

    def work(self, student: str) -> Work:
        """As it stands beside others."""
        read = []
        for values in (*self.backbone, *self.head):
            read.append(TensorPrint(values.shape))
            read[-1].add(values)
        kept = weights_print(read)
        right = ((self.probabilities >= 0.5) == TRUTH).mean()
        return Work(student, prints(self.probabilities, TRUTH, 0.5, kept), float(right), kept.digest)

    def saying(self, probabilities: Array) -> Trained:
        """Other predictions."""
        return replace(self, probabilities=np.clip(probabilities, 0, 1).astype(np.float32))


def train(
    seed: int, *, hidden: int = 0, epochs: int = 15, rate: float = 3e-3, decay: float = 0.0, part: float = 1.0
) -> Trained:
    """A head trained by Adam from random numbers, on batches in an order, that the seed decides."""
    dice = np.random.default_rng(seed)
    sizes = (FEATURES, hidden, 1) if hidden else (FEATURES, 1)
    head: list[NDArray[np.float64]] = []
    for inputs, outputs in pairwise(sizes):
        bound = (6 / (inputs + outputs)) ** 0.5
        head += [dice.uniform(-bound, bound, (inputs, outputs)), np.zeros(outputs)]
    first, second = ([np.zeros_like(each) for each in head] for _ in range(2))
    own = dice.permutation(TRAIN)[: int(part * TRAIN)]
    step = 0
    for _ in range(epochs):
        for batch in np.array_split(dice.permutation(own), len(own) // 32):
            step += 1
            for place, gradient in enumerate(_gradients(head, X[batch], Y[batch])):
                gradient = gradient + decay * head[place]
                first[place] += 0.1 * (gradient - first[place])
                second[place] += 0.001 * (gradient**2 - second[place])
                scale = rate * (1 - 0.999**step) ** 0.5 / (1 - 0.9**step)
                head[place] -= scale * first[place] / (np.sqrt(second[place]) + 1e-7)
    told = tuple(each.astype(np.float32) for each in head)
    return Trained(told, answers(told))


def answers(head: tuple[Array, ...]) -> Array:
    """Probabilities of the score segment."""
    values = X[TRAIN:]
    for place in range(0, len(head) - 2, 2):
        values = np.maximum(values @ head[place] + head[place + 1], 0)
    return 1 / (1 + np.exp(-(values @ head[-2] + head[-1])[:, 0]))


def _gradients(head: list[NDArray[np.float64]], x: Array, y: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    layers = [x.astype(np.float64)]
    for place in range(0, len(head) - 2, 2):
        layers.append(np.maximum(layers[-1] @ head[place] + head[place + 1], 0))
    logits = (layers[-1] @ head[-2] + head[-1])[:, 0]
    slope = ((1 / (1 + np.exp(-logits))) - y)[:, None] / len(y)
    found: list[NDArray[np.float64]] = []
    for place in range(len(head) - 2, -1, -2):
        found = [layers[place // 2].T @ slope, slope.sum(axis=0), *found]
        slope = (slope @ head[place].T) * (layers[place // 2] > 0)
    return found


def rescaled(student: Trained, factor: float, bias: float = 0.0) -> Trained:
    """The last layer times a factor, and what it then says."""
    head = (*student.head[:-2], student.head[-2] * np.float32(factor), student.head[-1] * np.float32(factor) + bias)
    head = tuple(each.astype(np.float32) for each in head)
    return replace(student, head=head, probabilities=answers(head))


def noised(student: Trained, size: float) -> Trained:
    """Noise on every tensor of the head."""
    dice = np.random.default_rng(0)
    head = tuple((each + dice.normal(0, size, each.shape)).astype(np.float32) for each in student.head)
    return replace(student, head=head, probabilities=answers(head))


def half(student: Trained) -> Trained:
    """Weights and probabilities rounded to float16."""
    head = tuple(each.astype(np.float16).astype(np.float32) for each in student.head)
    return replace(student, head=head, probabilities=answers(head).astype(np.float16).astype(np.float32))


def permuted(student: Trained) -> Trained:
    """Hidden units in another order, some with double and half the size: the same function."""
    dice = np.random.default_rng(1)
    first, bias, last, end = student.head
    order = dice.permutation(len(bias))
    head = (first[:, order], bias[order], last[order], end)
    return replace(student, head=head, probabilities=answers(head))


def flipped(student: Trained, share: float) -> Trained:
    """Some answers turned to their opposite."""
    values = student.probabilities.copy()
    chosen = np.random.default_rng(2).permutation(len(values))[: int(share * len(values))]
    values[chosen] = 1 - values[chosen]
    return student.saying(values)


def reordered(student: Trained) -> Trained:
    """The same answers with probabilities that were drawn anew."""
    dice = np.random.default_rng(3)
    above = student.probabilities >= 0.5
    return student.saying(np.where(above, dice.uniform(0.5, 1, ROWS), dice.uniform(0, 0.499, ROWS)))


def calibrated(student: Trained) -> Trained:
    """Platt's way: another slope and a bias, of the predictions alone."""
    logits = np.log(student.probabilities / (1 - student.probabilities))
    return student.saying(1 / (1 + np.exp(-0.6 * logits - 0.2)))


COPIES: dict[str, Callable[[Trained], Trained]] = {
    "last layer × 2": lambda student: rescaled(student, 2),
    "last layer × 0.3 and a bias": lambda student: rescaled(student, 0.3, 0.1),
    "noise of .001 on the weights": lambda student: noised(student, 1e-3),
    "float16": half,
    "noise of .01 on the predictions": lambda student: student.saying(
        student.probabilities + np.random.default_rng(4).normal(0, 0.01, ROWS).astype(np.float32)
    ),
    "rounded to two digits": lambda student: student.saying(student.probabilities.round(2)),
    "one in a hundred answers flipped": lambda student: flipped(student, 0.01),
    "new probabilities, the same answers": reordered,
    "hard answers": lambda student: student.saying((student.probabilities >= 0.5).astype(np.float32)),
    "calibrated": calibrated,
    "other predictions, the same model": lambda student: student.saying(train(77).probabilities),
}
