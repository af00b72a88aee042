"""Arrays of pixels: which shapes are one picture and which several, which values are 0…255, and how they become RGB.

Whether pictures were scaled to 0…1 is read from their distribution, not from one maximum: `X / 255 * 1.2` ends above 1,
one hot pixel ends anywhere, and a truly dark picture of 0…255 ends at 3 without having been scaled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnnkit.data.decode import over_white
from cnnkit.errors import DataError

CHANNELS = (1, 3, 4)  # grey, RGB, RGB with alpha
# Pictures looked at together while the values are checked, so that no second copy of all of them is made.
CHUNK = 64
# What pictures scaled to 0…1 do not exceed, brightened up to twice, but for a few values (a box that was drawn, a hot
# pixel). A picture of 0…255 that stays below and has fractions is black to the eye.
BRIGHTEST_SCALED = 2.0
FEW_VALUES = 0.001
# Pictures of a set that may look scaled without an error: a film may fade to black.
FEW_PICTURES = 0.1


def is_one_picture(shape: Sequence[int]) -> bool:
    """Whether an array of this shape is one picture alone: (h, w) or (h, w, 1, 3 or 4).

    It could be n grey pictures of 1, 3 or 4 columns, which nobody has.
    """
    return len(shape) == 2 or (len(shape) == 3 and shape[2] in CHANNELS)


def are_pictures(shape: Sequence[int]) -> bool:
    """Whether an array of this shape is several pictures: (n, h, w) or (n, h, w, 1, 3 or 4)."""
    return (len(shape) == 3 and shape[2] not in CHANNELS) or (len(shape) == 4 and shape[3] in CHANNELS)


def rgb(picture: NDArray[Any]) -> NDArray[np.uint8]:
    """The picture (h, w) or (h, w, 1, 3 or 4) of values 0…255 as (h, w, 3), RGB, uint8.

    Floats are rounded, grey is repeated in all three channels, what is transparent lies over white, as in files.
    """
    if picture.dtype != np.uint8:
        picture = np.rint(picture).astype(np.uint8)
    if picture.ndim == 2:
        picture = picture[..., None]
    if picture.shape[2] == 4:
        return np.array(over_white(Image.fromarray(np.ascontiguousarray(picture))))
    return np.ascontiguousarray(np.broadcast_to(picture, (*picture.shape[:2], 3)))


def seem_scaled(pictures: NDArray[Any]) -> NDArray[np.bool_]:
    """Which pictures seem to have been divided by 255.

    Either they have fractions and nearly all values are below 2, or they are whole numbers that end at 1: divided and
    cast. A picture of nothing but 0 is black, and may be.

    Args:
        pictures: (n, h, w) or (n, h, w, channels), finite; of four channels the last is alpha, which is not looked at.

    Returns:
        (n,) of bool.
    """
    colours = pictures[..., :3] if pictures.shape[3:] == (4,) else pictures
    flat = colours.reshape(len(pictures), -1)
    seem: NDArray[np.bool_] = flat.max(axis=1) == 1
    if flat.dtype.kind == "f":
        for place in np.flatnonzero((flat > BRIGHTEST_SCALED).mean(axis=1) <= FEW_VALUES):
            seem[place] |= bool((flat[place] != np.rint(flat[place])).any())
    return seem


def check_values(pictures: NDArray[Any] | Sequence[NDArray[Any]], name: str) -> None:
    """Refuses pictures whose values are not 0…255.

    Args:
        pictures: An array of several pictures, or pictures of several sizes.
        name: What an error calls them.

    Raises:
        DataError: NaN, values outside 0…255, or pictures that were divided by 255.
    """
    low, high = np.inf, -np.inf
    scaled: list[int] = []
    for start, some in _chunks(pictures):
        if some.dtype.kind == "f" and not (finite := np.isfinite(some)).all():
            bad = int(start + np.argmin(finite.reshape(len(some), -1).all(axis=1)))
            raise DataError(
                f"numbers from 0 to 255 in {name}", f"NaN or infinity in picture {bad}", "Remove that picture."
            )
        low, high = min(low, float(some.min())), max(high, float(some.max()))
        scaled += (start + np.flatnonzero(seem_scaled(some))).tolist()
    if low < -0.5 or high > 255.5:  # what rounds to 0 or 255 comes from arithmetic
        raise DataError(f"values from 0 to 255 in {name}", f"values from {low:g} to {high:g}", _remedy(low, high))
    if len(scaled) > FEW_PICTURES * len(pictures):
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
