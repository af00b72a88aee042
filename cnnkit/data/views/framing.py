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

from cnnkit.data.arguments import number, one_of, require_rgb, size_of
from cnnkit.data.views.view import Matrix
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
        require_rgb(image)
        if image.shape[:2] == (height, width):
            return image.copy()
        if self.resize == "pad":
            return self._padded(image, height, width)
        return self._resampled(image, height, width, self._box(image.shape[0], image.shape[1], height, width))

    def positions(self, shape: tuple[int, int], size: tuple[int, int]) -> Matrix:
        """Where a photograph's points lie at the input size.

        Args:
            shape: (height, width) of the photograph.
            size: (height, width) of the result.

        Returns:
            (3, 3), from a point (x, y, 1) of the photograph to that of the result, in continuous pixels: (0, 0) is the
            outer corner of the top left one. Points that are cut off come to lie outside 0 … width or 0 … height.

        >>> Framing("pad").positions((100, 200), (4, 4)).tolist()  # a fiftieth, one pixel further down
        [[0.02, 0.0, 0.0], [0.0, 0.02, 1.0], [0.0, 0.0, 1.0]]
        """
        (h, w), (height, width) = size_of(shape, "shape"), size_of(size)
        if (h, w) == (height, width):
            return np.eye(3)
        top, left, high, wide = self._place(h, w, height, width) if self.resize == "pad" else (0, 0, height, width)
        first, upper, last, lower = self._box(h, w, height, width)
        across, down = wide / (last - first), high / (lower - upper)
        return np.array([[across, 0, left - across * first], [0, down, top - down * upper], [0, 0, 1]])

    def least(self, size: tuple[int, int]) -> int:
        """The short side that a picture needs, so that none of it is enlarged.

        >>> Framing(fraction=0.875).least((224, 224))
        256
        """
        return math.ceil(max(size) / self.fraction)

    def _box(self, h: int, w: int, height: int, width: int) -> tuple[float, float, float, float]:
        """The part of the picture that is kept: left, top, right, bottom."""
        if self.resize != "crop":
            return 0.0, 0.0, w, h
        scale = self.fraction * min(h / height, w / width)  # source pixels a result pixel
        high, wide = min(scale * height, h), min(scale * width, w)
        # On whole pixels, so that a crop without a change of scale copies them.
        top, left = int((h - high) / 2), int((w - wide) / 2)
        return left, top, left + wide, top + high

    def _place(self, h: int, w: int, height: int, width: int) -> tuple[int, int, int, int]:
        """Where a whole picture lies between bars: its top, left, height and width."""
        scale = max(h / height, w / width)
        high, wide = max(1, min(height, round(h / scale))), max(1, min(width, round(w / scale)))
        return (height - high) // 2, (width - wide) // 2, high, wide

    def _padded(self, image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
        h, w = image.shape[:2]
        top, left, high, wide = self._place(h, w, height, width)
        framed = np.empty((height, width, 3), np.uint8)
        framed[:] = PADDING
        framed[top : top + high, left : left + wide] = self._resampled(
            image, high, wide, self._box(h, w, height, width)
        )
        return framed

    def _resampled(
        self, image: NDArray[np.uint8], height: int, width: int, box: tuple[float, float, float, float]
    ) -> NDArray[np.uint8]:
        whole = Image.fromarray(image)
        return np.array(whole.resize((width, height), INTERPOLATIONS[self.interpolation], box=box))
