"""Losses of areas: how little the predicted area of a class overlaps the true one, however small it is.

Probabilities p are the softmax of the logits; g is 1 for the pixels of a class, else 0. Void pixels (255) are left out
of both. Unlike `keras.losses.Dice`, whose default pools all classes and pictures into one area, every class of a
picture counts the same, and a class that the picture does not show does not count.
"""

from __future__ import annotations

from typing import Literal, get_args

from keras import ops

from cnnkit.errors import unknown_name
from cnnkit.losses.given_numbers import at_least
from cnnkit.losses.pixels import Tensor, known_pixels

Over = Literal["picture", "batch"]


def dice(
    labels: Tensor, logits: Tensor, *, generalized: bool = False, smooth: float = 1.0, over: Over = "picture"
) -> Tensor:
    """1 − (2 Σ p g + s) / (Σ p + Σ g + s) of each class that is shown, on average over them.

    The soft Dice loss of Milletari et al. 2016 (arXiv:1606.04797) with plain instead of squared sums. Generalized
    (Sudre et al. 2017, arXiv:1707.03237), 1 − 2 Σ_c w_c Σ p g / Σ_c w_c (Σ p + Σ g): the classes are summed before the
    quotient, each weighed by 1 / (Σ g)²; one that is not shown as the smallest that is, as NiftyNet, the authors' code,
    does it.

    Args:
        labels: (n, h, w) class indices, 255 for void.
        logits: (n, h, w, c).
        generalized: Whether the classes are summed first; without `smooth`.
        smooth: s, in pixels, above 0: how little the quotient of a tiny area counts.
        over: Which pixels make one area: those of a picture, or those of all pictures of a batch. Over a batch, a class
            that few pictures show gives a steadier number, which is then the same for each picture.

    Returns:
        (n,) the loss of each picture, 0…1.

    Raises:
        InputError: Other shapes, or another s.
        UnknownNameError: Another `over`.
    """
    at_least("smooth", smooth, 0, excluded=True)
    both, true, predicted, fault = _areas(labels, logits, over)
    if not generalized:
        return _mean_over_shown(1 - (2 * both + smooth) / (predicted + true + smooth), true) + fault
    shown = true > 0
    smallest = ops.min(ops.where(shown, true, float("inf")), axis=-1, keepdims=True)
    weights = ops.where(shown, ops.square(smallest / ops.maximum(true, 1)), 1)  # of the paper, times (smallest Σ g)²
    whole = ops.sum(ops.where(ops.any(shown, axis=-1, keepdims=True), weights * (predicted + true), 0), axis=-1)
    overlap = ops.divide_no_nan(2 * ops.sum(ops.where(shown, weights * both, 0), axis=-1), whole)
    return ops.where(whole > 0, 1 - overlap, 0) + fault


def tversky(
    labels: Tensor,
    logits: Tensor,
    *,
    alpha: float = 0.3,
    beta: float = 0.7,
    smooth: float = 1.0,
    over: Over = "picture",
) -> Tensor:
    """1 − (TP + s) / (TP + α FP + β FN + s) of each class that is shown, on average over them (Salehi et al. 2017).

    TP = Σ p g, FP = Σ p (1 − g), FN = Σ (1 − p) g, equation 3 of arXiv:1706.05721. α = β = ½ gives `dice` with twice
    the s; β above α asks for recall. (Keras 3.15.1 has α and β the other way round, keras#23333.)

    Args:
        labels: (n, h, w) class indices, 255 for void.
        logits: (n, h, w, c).
        alpha: The weight of false positives, at least 0; 0.3 was best in the paper.
        beta: The weight of false negatives, at least 0; 0.7 was best in the paper.
        smooth: s, in pixels, above 0.
        over: As in `dice`.

    Returns:
        (n,) the loss of each picture, 0…1.

    Raises:
        InputError: Other shapes or numbers.
        UnknownNameError: Another `over`.
    """
    at_least("alpha", alpha, 0)
    at_least("beta", beta, 0)
    at_least("smooth", smooth, 0, excluded=True)
    both, true, predicted, fault = _areas(labels, logits, over)
    index = (both + smooth) / (both + alpha * (predicted - both) + beta * (true - both) + smooth)
    return _mean_over_shown(1 - index, true) + fault


def lovasz_softmax(labels: Tensor, logits: Tensor) -> Tensor:
    """The Lovász extension of 1 − IoU of each class that is shown, on average over them (Berman et al. 2018).

    Of hard predictions it is exactly 1 − the mean IoU over those classes; in between, the errors m = |g − p| of a
    class, from the largest to the smallest, are weighed by how much each takes from the IoU when it joins those before
    it (algorithm 1 of arXiv:1705.08790, for each picture). It sorts all pixels of every class, which takes ten times as
    long as `dice` (11 classes, 224 × 288, CPU): train with cross-entropy first, or add it to that.

    Args:
        labels: (n, h, w) class indices, 255 for void.
        logits: (n, h, w, c).

    Returns:
        (n,) the loss of each picture, 0…1.

    Raises:
        InputError: Other shapes.
    """
    given = known_pixels(labels, logits)
    kind, classes = given.logits.dtype, given.classes
    true = ops.one_hot(given.labels, classes, dtype=kind)
    errors = ops.abs(true - ops.softmax(given.logits))
    # Void errors are the smallest, so that they come last; there the IoU is 0 already and nothing changes it.
    errors = ops.where(given.known[..., None] > 0, errors, ops.cast(-1, kind))
    flat = (ops.shape(true)[0], ops.shape(true)[1] * ops.shape(true)[2], classes)
    of_class = ops.transpose(ops.reshape(true * given.known[..., None], flat), (0, 2, 1))  # (n, c, h · w)
    sorted_errors, order = ops.top_k(ops.transpose(ops.reshape(errors, flat), (0, 2, 1)), flat[1])
    so = ops.take_along_axis(of_class, order, axis=-1)
    area = ops.sum(of_class, axis=-1, keepdims=True)
    loss = 1 - (area - ops.cumsum(so, axis=-1)) / ops.maximum(area + ops.cumsum(1 - so, axis=-1), 1)
    gain = ops.concatenate([loss[..., :1], loss[..., 1:] - loss[..., :-1]], axis=-1)
    return _mean_over_shown(ops.sum(sorted_errors * gain, axis=-1), area[..., 0]) + given.fault


def _areas(labels: Tensor, logits: Tensor, over: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(n, c) Σ p g, Σ g and Σ p of each class, and (n,) the fault of each picture."""
    if over not in get_args(Over):
        raise unknown_name("what makes one area", str(over), get_args(Over))
    given = known_pixels(labels, logits)
    shape = ops.shape(given.logits)
    pixels = (shape[0], shape[1] * shape[2])
    known = ops.reshape(given.known, (*pixels, 1))
    true = ops.one_hot(ops.reshape(given.labels, pixels), given.classes, dtype=given.logits.dtype) * known
    p = ops.softmax(ops.reshape(given.logits, (*pixels, given.classes)))
    # Σ p over known pixels as a product of matrices: no third (n, h · w, c) tensor, a quarter less time.
    predicted = ops.matmul(ops.transpose(known, (0, 2, 1)), p)[:, 0]
    sums = [ops.sum(true * p, axis=1), ops.sum(true, axis=1), predicted]
    if over == "batch":
        sums = [ops.broadcast_to(ops.sum(area, axis=0, keepdims=True), ops.shape(area)) for area in sums]
    return sums[0], sums[1], sums[2], given.fault


def _mean_over_shown(values: Tensor, areas: Tensor) -> Tensor:
    """(n,) the mean of (n, c) values over the classes with an area; 0 where none has one."""
    shown = ops.cast(areas > 0, values.dtype)
    return ops.divide_no_nan(ops.sum(shown * values, axis=-1), ops.sum(shown, axis=-1))
