"""How a picture of any size meets the input of a network: one stated choice, the same in training and serving.

The resampling is Pillow's, in fixed-point arithmetic: the same bytes on every machine. It is antialiased: when
shrinking, the filter widens with the scale, so that every source pixel counts.

A picture of exactly the input size is not framed at all, wherever it comes from: who gives an array or a file of that
size has framed it already, and the same pixels get the same answer from an array and from a file. (Keras's
`image_size=` leaves 224 × 224 pixels alone; torchvision's `Resize(256), CenterCrop(224)` would enlarge them and cut
their border off.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnnkit.data.arguments import number, one_of, said, size_of
from cnnkit.errors import InputError

RESIZES = ("crop", "squash", "pad")
INTERPOLATIONS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "area": Image.Resampling.BOX,
    "nearest": Image.Resampling.NEAREST,
}
# The mean colour of ImageNet, rounded: after any network's preprocessing it is close to zero.
PADDING = (124, 116, 104)


@dataclass(frozen=True)
class Framing:
    """How a picture is brought to the input size.

    Args:
        resize: `"crop"` scales the short side and cuts the middle out, `"squash"` changes the aspect ratio, `"pad"`
            keeps the whole picture and fills the rest with the mean colour of ImageNet (124, 116, 104).
        interpolation: `"bilinear"` (a triangle filter), `"bicubic"` and `"area"` (a box filter) are
            antialiased when shrinking; `"nearest"` takes single pixels.
        fraction: The part of the short side that a centre crop keeps, 0 < fraction ≤ 1. ImageNet results are
            reported with 0.875 (224 of 256).

    Raises:
        InputError: A fraction out of range, or one without `resize="crop"`.
        UnknownNameError: Another name of a resize or an interpolation.

    >>> import numpy as np
    >>> Framing("pad").apply(np.zeros((100, 200, 3), np.uint8), (4, 4))[:, 0].tolist()  # black between two bars
    [[124, 116, 104], [0, 0, 0], [0, 0, 0], [124, 116, 104]]
    """

    resize: Literal["crop", "squash", "pad"] = "crop"
    interpolation: Literal["bilinear", "bicubic", "area", "nearest"] = "bilinear"
    fraction: float = 1.0

    def __post_init__(self) -> None:
        one_of(self.resize, "a resize", RESIZES)
        one_of(self.interpolation, "an interpolation", INTERPOLATIONS)
        expected, remedy = "a fraction above 0 and up to 1", "ImageNet's evaluation keeps 0.875."
        if not 0 < number(self.fraction, "fraction", expected, remedy) <= 1:
            raise InputError(expected, repr(self.fraction), remedy)
        if self.fraction != 1 and self.resize != "crop":
            raise InputError(
                "fraction=1 where nothing is cropped",
                f"fraction={self.fraction} with resize={self.resize!r}",
                "Use resize='crop', or leave fraction out.",
            )

    def apply(self, image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
        """The picture at the input size; a copy of one that has it.

        Args:
            image: (h, w, 3), RGB, uint8, at least one pixel.
            size: (height, width) of the result.

        Returns:
            (height, width, 3), uint8.
        """
        height, width = size_of(size)
        if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise InputError(
                "a picture (h, w, 3) of uint8",
                said(image),
                "ck.data.as_source(image).image(0) makes one.",
            )
        if image.shape[:2] == (height, width):
            return image.copy()
        if self.resize == "pad":
            return self._padded(image, height, width)
        return self._resampled(image, height, width, self._box(image.shape[0], image.shape[1], height, width))

    def least(self, size: tuple[int, int]) -> int:
        """The short side that a picture needs, so that none of it is enlarged.

        >>> Framing(fraction=0.875).least((224, 224))
        256
        """
        return math.ceil(max(size) / self.fraction)

    def _box(self, h: int, w: int, height: int, width: int) -> tuple[float, float, float, float]:
        """The part of the picture that is kept: left, top, right, bottom."""
        if self.resize == "squash":
            return 0.0, 0.0, w, h
        scale = self.fraction * min(h / height, w / width)  # source pixels a result pixel
        high, wide = min(scale * height, h), min(scale * width, w)
        # On whole pixels, so that a crop without a change of scale copies them.
        top, left = int((h - high) / 2), int((w - wide) / 2)
        return left, top, left + wide, top + high

    def _padded(self, image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
        h, w = image.shape[:2]
        scale = max(h / height, w / width)
        high, wide = max(1, min(height, round(h / scale))), max(1, min(width, round(w / scale)))
        framed = np.empty((height, width, 3), np.uint8)
        framed[:] = PADDING
        top, left = (height - high) // 2, (width - wide) // 2
        framed[top : top + high, left : left + wide] = self._resampled(image, high, wide, (0.0, 0.0, w, h))
        return framed

    def _resampled(
        self, image: NDArray[np.uint8], height: int, width: int, box: tuple[float, float, float, float]
    ) -> NDArray[np.uint8]:
        whole = Image.fromarray(image)
        return np.array(whole.resize((width, height), INTERPOLATIONS[self.interpolation], box=box))
