"""Arrays of pixels: which shapes are one picture and which several, and how they become RGB."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnnkit.data.decode import over_white

CHANNELS = (1, 3, 4)  # grey, RGB, RGB with alpha


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
