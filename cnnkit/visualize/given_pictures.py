"""The pictures that a caller gives, checked: what is one, what are several, and what cannot be drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.pixel_arrays import is_one_picture, seem_scaled
from cnnkit.errors import DataError, InputError

Image = NDArray[np.uint8] | NDArray[np.float32]


def one_picture(image: Image) -> Image:
    """A picture as an array, (h, w) or (h, w, channels).

    Raises:
        InputError: Several pictures, a path, a source, or nothing.
    """
    listed = isinstance(image, list | tuple)  # NumPy refuses a list of pictures of several sizes
    pixels: Any = np.asarray(None if listed else image)
    if pixels.ndim not in (2, 3) or not pixels.size:
        raise InputError(
            "one picture, an array (h, w, channels)",
            _said(image),
            "Pass one at a time: images[0]; of a file ck.data.decode_file(path), of a dataset photos.test.image(0).",
        )
    return pixels  # type: ignore[no-any-return]  # Any: one of two dtypes


def several_pictures(images: Sequence[Image] | Image) -> list[Image]:
    """The pictures of a list or of an array (n, h, w, channels) or (n, h, w), of any sizes.

    Raises:
        InputError: One picture alone, a path, a source, or a part that is no picture.
    """
    if is_one_picture(getattr(images, "shape", ())) or isinstance(images, str) or not isinstance(images, Iterable):
        raise InputError(
            "several pictures, a list or an array (n, h, w, 3)",
            _said(images),
            "One alone is [image]; of a file ck.data.decode_file(path), of a dataset photos.test.image(0).",
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
    """The values that are drawn: rounded, and what is beyond 0…255 at its end."""
    drawn: NDArray[np.uint8] = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    return drawn


def _said(given: object) -> str:
    shape = getattr(given, "shape", None)
    return f"{type(given).__name__}: {given!r}".splitlines()[0][:80] if shape is None else f"shape {tuple(shape)}"
