"""RandAugment: a few operations at one strength, each drawn from fourteen that change how a picture looks or lies.

The operations are Pillow's, as in the authors' code. Keras's layer of this name computes all of them for each picture
(106 ms of processor time at 224², against 2 ms here), and its result is no function of its seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps

from cnnkit.data.arguments import number, whole_number
from cnnkit.data.targets.matrices import inverse
from cnnkit.data.views.view import Matrix, Picture, View, ViewAugmenter
from cnnkit.errors import InputError

GREY = (128, 128, 128)  # what turning and shifting uncover
STRONGEST = 30  # the end of the paper's scale


@dataclass(frozen=True)
class RandAugment(ViewAugmenter):
    """Random views by Cubuk et al. 2020, "RandAugment: Practical automated data augmentation".

    Boxes, masks and points move by the matrix of the operations that turn, slant and shift; what these uncover is grey
    and has no truth. The others change colours only and leave truth alone.

    Args:
        operations: How many, one after the other; N in the paper.
        magnitude: How strong, 0…30; M in the paper.

    Raises:
        InputError: No operation, or a magnitude off the scale.

    >>> picture = np.full((4, 4, 3), 100, np.uint8)
    >>> RandAugment(operations=2, magnitude=9).apply(picture, np.random.default_rng(0)).shape
    (4, 4, 3)
    """

    operations: int = 2
    magnitude: float = 9

    def __post_init__(self) -> None:
        whole_number(self.operations, "operations", least=1, remedy="The paper uses 1 to 3.")
        expected, remedy = f"a magnitude from 0 to {STRONGEST}", "9 suits small networks."
        if not 0 <= number(self.magnitude, "magnitude", expected, remedy) <= STRONGEST:
            raise InputError(expected, str(self.magnitude), remedy)

    def view(self, size: tuple[int, int], chance: np.random.Generator) -> View:
        """One view of pictures of a size.

        Args:
            size: (height, width) of the picture, whose fractions are rounded.
            chance: Two numbers for each operation.
        """
        names = list(OPERATIONS)
        operations = [
            (names[int(which * len(names))], (-1 if way < 0.5 else 1) * self.magnitude / STRONGEST)
            for which, way in chance.random((self.operations, 2))
        ]
        positions = np.eye(3)
        for name, strength in operations:
            if name in ORIGINS:
                positions = inverse(ORIGINS[name](strength, *size)) @ positions
        return View(positions, lambda picture: _changed(picture, operations))


def _changed(picture: Picture, operations: Sequence[tuple[str, float]]) -> NDArray[np.float32]:
    """The picture after all operations, each with its strength."""
    view = Image.fromarray(np.rint(picture).clip(0, 255).astype(np.uint8))
    for name, strength in operations:
        view = OPERATIONS[name](view, strength)
    return np.asarray(view, np.float32)


def _turned(degrees: float, height: int, width: int) -> Matrix:
    """Where the points of a picture were that Pillow turns against the clock, about its middle."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    x, y = width / 2, height / 2
    return np.array([[cos, -sin, x - cos * x + sin * y], [sin, cos, y - sin * x - cos * y], [0, 0, 1]])


# Operation → the matrix (3, 3) from a point of the result to that of the picture, in continuous pixels as Pillow counts
# them, at a strength and for a height and a width. The other operations leave everything where it is.
ORIGINS: dict[str, Callable[[float, int, int], Matrix]] = {
    "rotate": lambda s, height, width: _turned(30 * s, height, width),
    "shear_x": lambda s, height, width: np.array([[1, 0.3 * s, 0], [0, 1, 0], [0, 0, 1]]),
    "shear_y": lambda s, height, width: np.array([[1, 0, 0], [0.3 * s, 1, 0], [0, 0, 1]]),
    "translate_x": lambda s, height, width: np.array([[1, 0, 150 / 331 * s * width], [0, 1, 0], [0, 0, 1]]),
    "translate_y": lambda s, height, width: np.array([[1, 0, 0], [0, 1, 150 / 331 * s * height], [0, 0, 1]]),
}


def _moved(name: str) -> Callable[[Image.Image, float], Image.Image]:
    """One of `ORIGINS` as an operation."""

    def moved(image: Image.Image, strength: float) -> Image.Image:
        coefficients = ORIGINS[name](strength, image.height, image.width)[:2].ravel().tolist()
        return image.transform(
            image.size, Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR, fillcolor=GREY
        )

    return moved


# Operation → its result at a strength in −1…1; the ranges are those of AutoAugment (Cubuk et al. 2019, Table 6). Where
# both signs mean the same, the strength is |s|.
OPERATIONS: dict[str, Callable[[Image.Image, float], Image.Image]] = {
    "identity": lambda image, s: image,
    "auto_contrast": lambda image, s: ImageOps.autocontrast(image),
    "equalize": lambda image, s: ImageOps.equalize(image),
    "rotate": lambda image, s: image.rotate(30 * s, Image.Resampling.BILINEAR, fillcolor=GREY),
    "solarize": lambda image, s: ImageOps.solarize(image, int(256 * (1 - abs(s)))),
    "posterize": lambda image, s: ImageOps.posterize(image, 8 - round(4 * abs(s))),
    "color": lambda image, s: ImageEnhance.Color(image).enhance(1 + 0.9 * s),
    "contrast": lambda image, s: ImageEnhance.Contrast(image).enhance(1 + 0.9 * s),
    "brightness": lambda image, s: ImageEnhance.Brightness(image).enhance(1 + 0.9 * s),
    "sharpness": lambda image, s: ImageEnhance.Sharpness(image).enhance(1 + 0.9 * s),
    "shear_x": _moved("shear_x"),
    "shear_y": _moved("shear_y"),
    "translate_x": _moved("translate_x"),
    "translate_y": _moved("translate_y"),
}
