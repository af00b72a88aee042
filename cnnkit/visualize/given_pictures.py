"""Pictures from a caller as arrays: one, or several; what cannot be drawn is refused.

Arrays are taken as they are, so that what a network gets to see can be drawn too; all else is read by
`ck.data.as_source`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from cnnkit.data.any_pictures import Picture, Pictures, as_source
from cnnkit.data.dataset import Dataset
from cnnkit.data.pixel_arrays import is_one_picture
from cnnkit.data.source import Source
from cnnkit.data.value_range import seem_scaled
from cnnkit.errors import DataError, InputError

Image: TypeAlias = NDArray[np.uint8] | NDArray[np.float32]


def one_picture(image: Picture | Source) -> Image:
    """A picture as an array, (h, w) or (h, w, channels).

    Args:
        image: An array, a path, a Pillow image, or a source of one picture.

    Raises:
        InputError: Several pictures, or no picture.
        DataError: No file at that path.
    """
    if isinstance(image, str | Path | Pillow.Image | Source | Dataset):
        source = as_source(image)
        if len(source) == 1:
            return source.image(0)
        image = np.empty((len(source), 0, 0, 3))
    listed = isinstance(image, list | tuple)  # NumPy refuses a list of pictures of several sizes
    pixels: Any = np.asarray(None if listed else image)
    if pixels.ndim not in (2, 3) or not pixels.size:
        raise InputError(
            "one picture: an array (h, w, channels), a path or a Pillow image",
            _short(image),
            "Pass one at a time: images[0]; of a dataset photos.test.image(0).",
        )
    return pixels  # type: ignore[no-any-return]  # Any: one of two dtypes


def several_pictures(images: Pictures) -> list[Image]:
    """Converts paths, arrays, a folder or a source into pictures of any sizes.

    Args:
        images: A list of arrays, paths and Pillow images; an array (n, h, w, channels) or (n, h, w); one picture
            alone; a folder or a source.

    Raises:
        InputError: Something else, or a part that is no picture.
        DataError: No pictures, or no file at a path.
    """
    if isinstance(images, str | Path | Pillow.Image | Source | Dataset):
        source = as_source(images)
        return [source.image(index) for index in range(len(source))]
    if is_one_picture(getattr(images, "shape", ())):
        return [one_picture(images)]  # type: ignore[arg-type]  # its shape says so
    if not isinstance(images, Iterable):
        raise InputError(
            "pictures: a list, an array (n, h, w, 3), a folder or a source",
            _short(images),
            "Pass images[:12], a folder, or photos.test.",
        )
    return [one_picture(image) for image in images]


def refuse_scaled(images: Sequence[Image]) -> None:
    """Refuses pictures that all seem to have been divided by 255: they would be drawn black.

    Raises:
        DataError: They are such.
    """
    judged = [image for image in images if image.dtype.kind in "bf"] or images  # a mask beside a picture
    judged = [image for image in judged if image.any()]  # black is black on any scale
    if judged and all(seem_scaled(image[None].astype(np.float32))[0] for image in judged):
        peak = max(float(image.max()) for image in judged)
        raise DataError(
            "pictures of values from 0 to 255", f"values up to {peak:g}", "They were divided by 255: multiply by 255."
        )


def levels(image: Image) -> NDArray[np.uint8]:
    """The picture as uint8: rounded, and clipped to 0…255."""
    whole: NDArray[np.uint8] = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    return whole


def _short(value: object) -> str:
    shape = getattr(value, "shape", None)
    return f"{type(value).__name__}: {value!r}".splitlines()[0][:80] if shape is None else f"shape {tuple(shape)}"
