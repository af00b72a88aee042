"""From what a request brings to a picture as the network takes it; what would fill the memory is refused unseen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.any_pictures import as_source
from cnnkit.data.decode import decode_bytes
from cnnkit.data.picture_header import declared_pixels
from cnnkit.data.pixel_arrays import is_one_picture
from cnnkit.errors import InputError
from cnnkit.serving.limits import Limits
from cnnkit.serving.refusals import too_large
from cnnkit.transfer.predictor import Predictor

Given = bytes | NDArray[Any]
"""A picture of a request: the bytes of a file, or numbers."""
# Scans of a JPEG: a usual one has up to a dozen, and a file of thousands takes minutes.
MOST_SCANS = 100
SCAN = b"\xff\xda"
# How files begin that are made of JPEG's scans: JPEG itself and TIFF. In others the two bytes come by chance.
SCANNED = (b"\xff\xd8", b"II", b"MM")


@dataclass(frozen=True, eq=False)
class Prepared:
    """A picture on its way to the network.

    Attributes:
        image: (height, width, 3) uint8 of the network's input.
        shape: (height, width) of the photograph.
    """

    image: NDArray[np.uint8]
    shape: tuple[int, int]


def prepare(given: Given, name: str, predictor: Predictor, limits: Limits) -> Prepared:
    """Decodes and frames a picture.

    Args:
        given: The bytes of a file; or one picture of 0…255, (h, w, 3), of any size.
        name: What an error calls it.
        predictor: Whose input it becomes.
        limits: What is too large.

    Raises:
        RequestError: 413, more pixels than the limit.
        ImageFileError: No whole picture.
        DataError: Numbers that are not 0…255.
        InputError: Numbers of another shape.
    """
    photograph = photograph_of(given, name, limits)
    return Prepared(predictor.framed(photograph), (photograph.shape[0], photograph.shape[1]))


def photograph_of(given: Given, name: str, limits: Limits) -> NDArray[np.uint8]:
    """The picture itself, (h, w, 3), RGB, uint8, upright; errors as of `prepare`."""
    if isinstance(given, bytes):
        pixels = declared_pixels(given, name)
        scans = given.count(SCAN) if given.startswith(SCANNED) else 0
        if pixels > limits.pixels or scans > MOST_SCANS:
            raise too_large(
                f"a picture in {name}",
                f"{limits.pixels:,} pixels and {MOST_SCANS} scans",
                f"{pixels:,} pixels, {scans} scans",
                "Send it smaller: the network sees a few hundred pixels a side.",
            )
        return decode_bytes(given, name)
    if not is_one_picture(given.shape) or not given.size:
        raise InputError(
            f"a picture of shape (height, width, 3) in {name}", f"shape {given.shape}", "Numbers 0…255, RGB."
        )
    if given.dtype.kind not in "iuf":
        raise InputError(f"numbers 0…255 in {name}", f"type {given.dtype}", "Send numbers, or a file as base64.")
    return as_source(given).image(0)
