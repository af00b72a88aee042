"""Losses of each pixel for itself, as means over the pixels of a picture whose class is known.

Labels are class indices and 255 (void) where nothing is known; such pixels are left out of sums and of what sums are
divided by, so that a loss does not depend on how much is void. The loss of a picture without any known pixel is 0, and
that of one with a label that is no class is NaN, for a graph cannot raise errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from cnnkit.errors import InputError
from cnnkit.losses.given_numbers import at_least
from cnnkit.metrics.label_maps import VOID

Tensor = Any  # whatever keras.ops computes with: a tensor of the backend, or an array


@dataclass(frozen=True)
class KnownPixels:
    """Labels and logits, ready for a loss.

    Attributes:
        labels: (n, h, w) int32 classes, 0 where `known` is 0.
        logits: (n, h, w, c) float32, or float64 where they came as such.
        known: (n, h, w) 1 where the class is known, 0 where not, of the dtype of the logits.
        fault: (n,) NaN where a label of the picture is no class, else 0; to be added to its loss.
    """

    labels: Tensor
    logits: Tensor
    known: Tensor
    fault: Tensor

    @property
    def classes(self) -> int:
        """How many there are."""
        return int(self.logits.shape[-1])


def known_pixels(labels: Tensor, logits: Tensor) -> KnownPixels:
    """Tells known pixels from void ones.

    Args:
        labels: (n, h, w) whole numbers of any dtype: class indices, 255 for void.
        logits: (n, h, w, c).

    Raises:
        InputError: Other shapes, one class, or more than 255.
    """
    labels, logits = ops.convert_to_tensor(labels), ops.convert_to_tensor(logits)
    pairs = zip(labels.shape, logits.shape, strict=False)
    same = all(one == two or None in (one, two) for one, two in pairs)
    if len(labels.shape) != 3 or len(logits.shape) != 4 or not same or not 2 <= (logits.shape[-1] or 0) <= VOID:
        raise InputError(
            f"labels (n, h, w) and logits (n, h, w, c) with c from 2 to {VOID}",
            f"shapes {tuple(labels.shape)} and {tuple(logits.shape)}",
            "Labels are class indices, not one-hot; logits are of their size, one channel per class, so two at least.",
        )
    labels = ops.cast(labels, "int32")
    logits = ops.cast(logits, "float64" if keras.backend.standardize_dtype(logits.dtype) == "float64" else "float32")
    of_class = ops.logical_and(labels >= 0, labels < logits.shape[-1])
    wrong = ops.any(ops.logical_not(ops.logical_or(of_class, labels == VOID)), axis=(1, 2))
    fault = ops.where(wrong, ops.cast(float("nan"), logits.dtype), ops.cast(0, logits.dtype))
    return KnownPixels(ops.where(of_class, labels, 0), logits, ops.cast(of_class, logits.dtype), fault)


def pixel_cross_entropy(
    labels: Tensor, logits: Tensor, *, weights: Tensor | None = None, pixel_weights: Tensor | None = None
) -> Tensor:
    """−Σ w log p_y / Σ w over the known pixels of a picture; p = softmax(logits), y the label, w the weight of a pixel.

    Divided by the weights, so their scale does not matter.

    Args:
        labels: (n, h, w) class indices, 255 for void.
        logits: (n, h, w, c).
        weights: (c,) of each class, at least 0; `balance_weights` makes some. None weighs all alike.
        pixel_weights: (n, h, w) of each pixel, at least 0, by which the former are multiplied; `edge_weights` makes
            some. None weighs all alike.

    Returns:
        (n,) the loss of each picture.

    Raises:
        InputError: Other shapes.
    """
    given = known_pixels(labels, logits)
    return _weighted_mean(given, _cross_entropy(given), weights, pixel_weights)


def pixel_focal(
    labels: Tensor,
    logits: Tensor,
    *,
    gamma: float = 2.0,
    weights: Tensor | None = None,
    pixel_weights: Tensor | None = None,
) -> Tensor:
    """−Σ w (1 − p_y)^γ log p_y / Σ w: pixels that are easy already count less (Lin et al. 2017, arXiv:1708.02002).

    Equation 5 of the paper, of one class of many; γ = 0 gives `pixel_cross_entropy`.

    Args:
        labels: (n, h, w) class indices, 255 for void.
        logits: (n, h, w, c).
        gamma: How much less an easy pixel counts, at least 0; 2 in the paper.
        weights: (c,) of each class, the α of the paper.
        pixel_weights: (n, h, w) of each pixel.

    Returns:
        (n,) the loss of each picture.

    Raises:
        InputError: Other shapes, or another γ.
    """
    at_least("gamma", gamma, 0)
    given = known_pixels(labels, logits)
    surprise = _cross_entropy(given)
    # The power has no slope at 0 for γ < 1, and rounding can bring 1 − p there.
    miss = ops.maximum(1 - ops.exp(-surprise), keras.config.epsilon())
    return _weighted_mean(given, ops.power(miss, gamma) * surprise, weights, pixel_weights)


def _cross_entropy(given: KnownPixels) -> Tensor:
    """(n, h, w) −log p_y."""
    return ops.sparse_categorical_crossentropy(given.labels, given.logits, from_logits=True)


def _weighted_mean(given: KnownPixels, values: Tensor, weights: Tensor | None, pixel_weights: Tensor | None) -> Tensor:
    """(n,) Σ w value / Σ w over known pixels."""
    scale = given.known
    if weights is not None:
        of_class = ops.convert_to_tensor(weights, given.logits.dtype)
        if tuple(of_class.shape) != (given.classes,):
            raise InputError(
                f"weights of shape ({given.classes},)", f"{tuple(of_class.shape)}", "Give one for each class."
            )
        scale = scale * ops.take(of_class, given.labels, axis=0)
    if pixel_weights is not None:
        of_pixel = ops.convert_to_tensor(pixel_weights, given.logits.dtype)
        if len(of_pixel.shape) != 3 or any(
            None not in pair and pair[0] != pair[1] for pair in zip(of_pixel.shape, values.shape, strict=True)
        ):
            raise InputError(
                f"pixel_weights of shape {tuple(values.shape)}", f"{tuple(of_pixel.shape)}", "Give one for each pixel."
            )
        scale = scale * of_pixel
    total = ops.sum(scale, axis=(1, 2))
    return ops.divide_no_nan(ops.sum(scale * values, axis=(1, 2)), total) + given.fault
