"""How like two pictures are: by their pixels, by their structure, and by how sharp they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnkit.errors import InputError

WHITE = 255.0
# Wang et al. 2004, section III-C: an 11 × 11 Gaussian of deviation 1.5, K₁ and K₂.
WINDOW, DEVIATION, FIRST, SECOND = 11, 1.5, 0.01, 0.03


def absolute_error(truth: ArrayLike, other: ArrayLike) -> NDArray[np.float64]:
    """(n,) the mean absolute difference of two pictures' values, as a part of white: 0 for equal ones, at most 1.

    Args:
        truth: (n, h, w, c) of 0…255.
        other: As many pictures of the same size.

    Raises:
        InputError: Other shapes.
    """
    one, two = _both(truth, other)
    return np.asarray(np.abs(one - two).mean(axis=(1, 2, 3)) / WHITE, np.float64)


def peak_signal_to_noise(truth: ArrayLike, other: ArrayLike) -> NDArray[np.float64]:
    """(n,) 10 · log₁₀(white² / mean squared difference) in decibels; infinite for equal pictures.

    Args:
        truth: As of `absolute_error`.
        other: As there.

    Raises:
        InputError: Other shapes.

    >>> peak_signal_to_noise(np.zeros((1, 2, 2, 3)), np.full((1, 2, 2, 3), 25.5)).round(6).tolist()
    [20.0]
    """
    one, two = _both(truth, other)
    with np.errstate(divide="ignore"):
        return np.asarray(10 * np.log10(WHITE**2 / ((one - two) ** 2).mean(axis=(1, 2, 3))), np.float64)


def structural_similarity(truth: ArrayLike, other: ArrayLike) -> NDArray[np.float64]:
    """(n,) SSIM, up to 1 for equal pictures: likeness of brightness, contrast and structure in small windows.

    Wang et al., "Image Quality Assessment", IEEE TIP 2004, equation 13 with their constants, over all windows that lie
    in the picture and over the channels.

    Args:
        truth: (n, h, w, c) of 0…255, sides of at least 11.
        other: As many pictures of the same size.

    Raises:
        InputError: Other shapes.
    """
    one, two = _both(truth, other)
    if min(one.shape[1:3]) < WINDOW:
        sides = " × ".join(map(str, one.shape[1:3]))
        raise InputError(f"pictures of at least {WINDOW} × {WINDOW} pixels", sides, "Compare larger ones.")
    mean_one, mean_two = _smoothed(one), _smoothed(two)
    square_one, square_two = _smoothed(one**2) - mean_one**2, _smoothed(two**2) - mean_two**2
    product = _smoothed(one * two) - mean_one * mean_two
    first, second = (FIRST * WHITE) ** 2, (SECOND * WHITE) ** 2
    brightness = (2 * mean_one * mean_two + first) / (mean_one**2 + mean_two**2 + first)
    structure = (2 * product + second) / (square_one + square_two + second)
    return np.asarray((brightness * structure).mean(axis=(1, 2, 3)), np.float64)


def gradient_energy(pictures: ArrayLike) -> NDArray[np.float64]:
    """(n,) the mean squared difference of neighbouring values, right and below, as a part of white².

    What is blurred has less of it than what is sharp: a network that minimises the absolute error alone paints the
    median of what it thinks possible, with a fraction of the true energy.

    Args:
        pictures: (n, h, w, c) of 0…255, sides of at least 2.

    Raises:
        InputError: Another shape.

    >>> gradient_energy([[[[0], [255]], [[0], [255]]]]).tolist()  # one edge across, none down
    [1.0]
    """
    (values,) = _pictures(pictures)
    if min(values.shape[1:3]) < 2:
        raise InputError("pictures of at least 2 × 2 pixels", str(values.shape), "One pixel has no neighbour.")
    across, down = np.diff(values, axis=2), np.diff(values, axis=1)
    energies = [(step**2).mean(axis=(1, 2, 3)) for step in (across, down)]
    return np.asarray((energies[0] + energies[1]) / WHITE**2, np.float64)


def _smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means under the window, where it lies in the picture; rows, then columns."""
    places = np.arange(WINDOW) - (WINDOW - 1) / 2
    weights = np.exp(-((places / DEVIATION) ** 2) / 2)
    weights /= weights.sum()
    for axis in (1, 2):
        length = values.shape[axis] - WINDOW + 1
        parts = (np.take(values, range(start, start + length), axis=axis) for start in range(WINDOW))
        values = sum((weight * part for weight, part in zip(weights, parts, strict=True)), np.zeros(()))
    return values


def _both(truth: ArrayLike, other: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    one, two = _pictures(truth, other)
    if one.shape != two.shape:
        raise InputError(f"pictures of shape {one.shape}, as the truth", str(two.shape), "Give as many of that size.")
    return one, two


def _pictures(*given: ArrayLike) -> list[NDArray[np.float64]]:
    arrays = []
    for pictures in given:
        try:
            array = np.asarray(pictures, np.float64)
        except (TypeError, ValueError):
            array = np.empty(())
        if array.ndim != 4 or not array.size:
            received = f"shape {array.shape}" if array.ndim else repr(pictures)[:100]
            raise InputError("pictures of shape (n, h, w, c) in 0…255", received, "np.stack makes them of single ones.")
        arrays.append(array)
    return arrays
