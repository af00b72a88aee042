"""Which values are 0…255, and how pixels of more than 8 bits, or of fractions, become 0…255.

Whether pictures were scaled to 0…1 is read from their distribution, not from one maximum: `X / 255 * 1.2` ends above 1,
one hot pixel ends anywhere, and a truly dark picture of 0…255 ends at 3 without having been scaled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.errors import DataError

# Pictures looked at together while the values are checked, so that no second copy of all of them is made.
CHUNK = 64
# What pictures scaled to 0…1 do not exceed, brightened up to twice, but for a few values (a box that was drawn, a hot
# pixel). A picture of 0…255 that stays below and has fractions is black to the eye.
BRIGHTEST_SCALED = 2.0
FEW_VALUES = 0.001
# The part of a set that may look scaled without an error: a film may fade to black.
FEW_PICTURES = 0.1
# What dark pictures end at, of 255.
DARK = 16
# Bits a channel that cameras, microscopes and tomographs use of the 16 or 32 that a file has.
BITS = (8, 10, 12, 14, 16, 24, 32)


def eight_bits(pixels: NDArray[Any], white: int | None = None) -> NDArray[np.uint8]:
    """Pixels of whole numbers as v · 255 / white, rounded.

    White is what the file says (PNG's sBIT, TIFF's BitsPerSample and MaxSampleValue); where it says nothing, or says
    less than a pixel has, the largest number of 8, 10, 12, 14 or 16 bits, the fewest that hold the brightest pixel: a
    camera's 12 bits are not shown at a sixteenth of their brightness because they lie in 16.

    Raises:
        DataError: Negative numbers.
    """
    low, peak = int(pixels.min()), int(pixels.max())
    if low < 0:
        raise DataError("pixels from 0", f"whole numbers from {low} to {peak}", "Save them as unsigned numbers.")
    if white is None or peak > white:
        white = next(2**bits - 1 for bits in BITS if peak < 2**bits)
    return ((pixels.astype(np.int64) * 255 + white // 2) // white).astype(np.uint8)


def levels_of(pixels: NDArray[np.floating[Any]], white: float | None = None) -> NDArray[np.uint8]:
    """Floating-point pixels as v · 255 / white, rounded.

    White is what the file says, or else 1 or 255, as the values are distributed.

    Raises:
        DataError: NaN, or values that are neither 0…1 nor 0…255.
    """
    if white is None:
        white = 1.0 if pixels.size and np.isfinite(pixels).all() and pixels.min() >= 0 and pixels.max() <= 1 else 255.0
        if white > 1:
            picture = pixels[None]
            check_finite(picture, "floating-point pixels")
            white = 1.0 if seem_scaled(picture)[0] else 255.0
    scaled = np.asarray(pixels, np.float64) * (255 / white)
    if not (scaled.min() > -0.5 and (white == 1 or scaled.max() < 255.5)):
        raise DataError(
            "floating-point pixels from 0 to 1 or from 0 to 255",
            f"values from {pixels.min():g} to {pixels.max():g}",
            "Scale them before they are saved.",
        )
    return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)


def seem_scaled(pictures: NDArray[Any]) -> NDArray[np.bool_]:
    """Which pictures seem to have been divided by 255.

    Either they have fractions and nearly all values are below 2, or they are whole numbers that end at 1: divided and
    cast. A picture of nothing but 0 is black, and may be.

    Args:
        pictures: (n, h, w) or (n, h, w, channels), finite; of four channels the last is alpha, which is not looked at.

    Returns:
        (n,) of bool.
    """
    return _end_at_one(pictures) | _are_small_fractions(pictures)


def _end_at_one(pictures: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray(_flat(pictures).max(axis=1) == 1)


def _are_small_fractions(pictures: NDArray[Any]) -> NDArray[np.bool_]:
    flat = _flat(pictures)
    small = np.zeros(len(flat), np.bool_)
    if flat.dtype.kind == "f":
        for place in np.flatnonzero((flat > BRIGHTEST_SCALED).mean(axis=1) <= FEW_VALUES):
            small[place] = (flat[place] != np.rint(flat[place])).any()
    return small


def _flat(pictures: NDArray[Any]) -> NDArray[Any]:
    """(n, values) of the colours, without alpha."""
    colours = pictures[..., :3] if pictures.shape[3:] == (4,) else pictures
    return colours.reshape(len(pictures), -1)


def check_finite(pictures: NDArray[Any], name: str, first: int = 0) -> None:
    """Refuses NaN and infinity.

    Args:
        pictures: (n, …).
        name: What an error calls them.
        first: The number of the first picture.

    Raises:
        DataError: There are some.
    """
    if pictures.dtype.kind == "f" and not (finite := np.isfinite(pictures)).all():
        bad = int(first + np.argmin(finite.reshape(len(pictures), -1).all(axis=1)))
        raise DataError(f"numbers from 0 to 255 in {name}", f"NaN or infinity in picture {bad}", "Remove that picture.")


def check_values(pictures: NDArray[Any] | Sequence[NDArray[Any]], name: str) -> None:
    """Refuses pictures whose values are not 0…255.

    Args:
        pictures: An array of several pictures, or pictures of several sizes.
        name: What an error calls them.

    Raises:
        DataError: NaN, values outside 0…255, or pictures that were divided by 255.
    """
    low, high = np.inf, -np.inf
    fractions: list[int] = []
    ones: list[int] = []
    for start, some in _chunks(pictures):
        check_finite(some, name, start)
        low, high = min(low, float(some.min())), max(high, float(some.max()))
        fractions += (start + np.flatnonzero(_are_small_fractions(some))).tolist()
        ones += (start + np.flatnonzero(_end_at_one(some))).tolist()
    if low <= -0.5 or high >= 255.5:  # what rounds to 0 or 255 comes from arithmetic
        raise DataError(f"values from 0 to 255 in {name}", f"values from {low:g} to {high:g}", _remedy(low, high))
    # In a set of dark pictures, whole numbers, some end at 1 and others at 2, 3, …; of masks and what was cast all do.
    scaled = fractions if 1 < high <= DARK else sorted({*fractions, *ones})
    if len(scaled) > FEW_PICTURES * len(pictures) or (scaled and high <= BRIGHTEST_SCALED):
        kind = "floats" if pictures[0].dtype.kind == "f" else "whole numbers"
        some_only = f"values near 0…1 in {len(scaled)} of {len(pictures)} pictures, number {scaled[0]} for one"
        raise DataError(
            f"values from 0 to 255 in {name}",
            f"{kind} from {low:g} to {high:g}" if high <= BRIGHTEST_SCALED else some_only,
            "They were divided by 255: multiply by 255, before any cast to whole numbers. "
            "A cnnkit network does its own preprocessing.",
        )


def _chunks(pictures: NDArray[Any] | Sequence[NDArray[Any]]) -> Iterator[tuple[int, NDArray[Any]]]:
    """Parts (k, h, w, …) of all pictures, each with the number of its first."""
    if isinstance(pictures, np.ndarray):
        for start in range(0, len(pictures), CHUNK):
            yield start, pictures[start : start + CHUNK]
    else:
        yield from ((number, picture[None]) for number, picture in enumerate(pictures))


def _remedy(low: float, high: float) -> str:
    if low >= -1 and high <= 1:
        return "Give (x + 1) * 127.5."
    if low >= -64 and 64 < high <= 320 and (low < 0 or high != round(high)):
        return "Of a resize that overshoots np.clip(x, 0, 255); otherwise the pictures before any preprocessing."
    if low >= 0 and high > 4095 / 4:
        return "Of 16 bits give x / 257, of 12 bits x / 16.06."
    return "Give the pictures before any preprocessing."
