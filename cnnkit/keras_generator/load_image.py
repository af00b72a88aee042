"""A picture file as Keras's `load_img` reads it, pixel for pixel, and as `ImageDataGenerator` wants it.

It is not `decode_file`: EXIF rotation is ignored, alpha is dropped, and the resampling is Pillow's, by default without
antialiasing. Where simplejpeg and OpenCV give the same pixels they do the work: their threads do not wait for each
other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnnkit.data.arguments import flag, one_of
from cnnkit.data.decode import jpeg_pixels
from cnnkit.data.views.affine import resizing
from cnnkit.errors import ImageFileError

COLOR_MODES = {"rgb": ("RGB",), "rgba": ("RGBA",), "grayscale": ("L", "I;16", "I")}
CHANNELS = {"rgb": 3, "rgba": 4, "grayscale": 1}
INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "hamming": Image.Resampling.HAMMING,
    "box": Image.Resampling.BOX,
    "lanczos": Image.Resampling.LANCZOS,
}
DECODES = ("exact", "scaled")
# The part of the target size that a scaled decode keeps at least; `zoom_range=0.2` enlarges as much. Photographs of
# 500 × 375 decoded at 1/2 for 224² are 5.7 of 255 (root mean square) from an antialiased resize, nearest pixels 6.9.
ENOUGH = 0.8


@dataclass(frozen=True)
class LoadImage:
    """How files become pictures of one size.

    Args:
        size: (height, width).
        color_mode: `"rgb"`, `"rgba"` or `"grayscale"`.
        interpolation: One of `INTERPOLATIONS`.
        keep_aspect_ratio: Whether the middle is cut out in the aspect ratio of `size`, instead of squashing all of it.
        decode: `"exact"` gives Keras's pixels. `"scaled"` decodes a JPEG at 1/2, 1/4 or 1/8 where its short side keeps
            `ENOUGH` of the longer side of `size`, and leaves the rest of the way to `frame`.

    Raises:
        UnknownNameError: Another name.
    """

    size: tuple[int, int]
    color_mode: str = "rgb"
    interpolation: str = "nearest"
    keep_aspect_ratio: bool = False
    decode: str = "exact"

    def __post_init__(self) -> None:
        for kind, name, names in (
            ("a color mode", self.color_mode, COLOR_MODES),
            ("an interpolation", self.interpolation, INTERPOLATIONS),
            ("a way to decode", self.decode, DECODES),
        ):
            one_of(name, kind, names)
        flag(self.keep_aspect_ratio, "keep_aspect_ratio")

    def read(self, path: str) -> NDArray[Any]:
        """The picture in a file: (h, w, channels), uint8, but for grey of 16 or 32 bits; of `size` if exact.

        Raises:
            ImageFileError: The file is missing, truncated or no picture.
        """
        try:
            pixels = self._resized(self._decoded(Path(path).read_bytes()))
        except Exception as error:  # damaged files make decoders raise anything
            raise ImageFileError(
                f"a picture in {path}", str(error) or type(error).__name__, "Replace or remove the file."
            ) from error
        return pixels.reshape(*pixels.shape[:2], CHANNELS[self.color_mode])

    def frame(self, height: int, width: int) -> NDArray[np.float64]:
        """The matrix that brings a picture of this size, as read, to `size`."""
        return resizing((0, 0, width, height), self.size)

    def _decoded(self, data: bytes) -> NDArray[Any]:
        if self.color_mode == "rgb":
            least = math.ceil(ENOUGH * max(self.size)) if self.decode == "scaled" else None
            if (pixels := jpeg_pixels(data, least=least, upright=False)) is not None:
                return pixels
        with Image.open(BytesIO(data)) as image:
            modes = COLOR_MODES[self.color_mode]
            return np.asarray(image if image.mode in modes else image.convert(modes[0]))

    def _resized(self, pixels: NDArray[Any]) -> NDArray[Any]:
        if pixels.shape[:2] == self.size:
            return pixels
        height, width = self.size
        if self.decode == "scaled":  # cut here: what a view is moved over must be the fill, not what was cut off
            left, top, right, bottom = self._box(*pixels.shape[:2])
            return np.ascontiguousarray(pixels[top:bottom, left:right])
        if self.interpolation == "nearest" and pixels.dtype == np.uint8 and not self.keep_aspect_ratio:
            # Pillow's to the bit, unlike INTER_NEAREST; of a part, or of 16 bits, Pillow rounds in other ways.
            return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
        box, resampling = self._box(*pixels.shape[:2]), INTERPOLATIONS[self.interpolation]
        return np.asarray(Image.fromarray(pixels).resize((width, height), resampling, box=box))

    def _box(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of the part that is kept."""
        if not self.keep_aspect_ratio:
            return 0, 0, width, height
        high = min(height, width * self.size[0] // self.size[1])
        wide = min(width, height * self.size[1] // self.size[0])
        left, top = (width - wide) // 2, (height - high) // 2
        return left, top, left + wide, top + high
