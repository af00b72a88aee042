"""Translation: a picture for a picture, by a decoder that paints on a backbone's maps, one file each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Protocol

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.arguments import whole
from cnnkit.data.targets.pictures import Pictures
from cnnkit.errors import DataError, InputError
from cnnkit.heads.head import Size
from cnnkit.heads.translation_score import TranslationScore

HALF = 127.5
"""Of white: what a decoder paints in −1 … 1 is given in 0 … 255."""


class Painter(Protocol):
    """What differs from one generator's decoder to another; a frozen dataclass of JSON values."""

    kind: ClassVar[str]

    @property
    def taps(self) -> tuple[str, ...]:
        """The levels of the backbone's pyramid that it takes; () for the cut."""

    def build(self, features: Any, seed: int) -> keras.KerasTensor:
        """(n, h, w, 3) in −1 … 1, as large as the input."""


@dataclass(frozen=True)
class Translator:
    """A head that paints a picture of the input's size; made by `translator`, which documents the fields.

    Its output is RGB in 0 … 255, its loss the mean absolute error as a part of white.
    """

    painter: Painter
    seed: int = 0

    def __post_init__(self) -> None:
        if not whole(self.seed, 0):
            raise InputError("a seed: a whole number from 0 on", repr(self.seed), "0 is the default.")

    @property
    def names(self) -> tuple[str, ...]:
        """(): nothing in a picture has a name."""
        return ()

    @property
    def target(self) -> type[Pictures]:
        """Pictures."""
        return Pictures

    @property
    def taps(self) -> tuple[str, ...]:
        """The levels that the decoder takes."""
        return self.painter.taps

    def build(self, features: Any) -> keras.KerasTensor:
        """(n, h, w, 3) RGB in 0 … 255, in float32 also under mixed precision."""
        painted = self.painter.build(features, self.seed)
        return keras.layers.Rescaling(HALF, offset=HALF, name="picture", dtype="float32")(painted)

    def encode(self, truth: Pictures, size: Size) -> NDArray[np.uint8]:
        """(n, h, w, 3) the targets.

        Raises:
            DataError: The truth is of another kind.
        """
        if not isinstance(truth, Pictures):
            raise DataError(
                "pictures as truth for this head",
                f"{truth.kind} of {list(truth.names)}",
                "ck.data.pairs(folder) reads pairs of pictures.",
            )
        return np.stack([truth.picture(index) for index in range(len(truth))])

    def loss(self, encoded: Any, outputs: Any) -> Any:
        """(n,) the mean absolute difference, as a part of white.

        Raises:
            InputError: The decoder paints another size than that of the input.
        """
        if tuple(outputs.shape[1:3]) != tuple(encoded.shape[1:3]):
            raise InputError(
                f"a decoder that paints {encoded.shape[1]} × {encoded.shape[2]} pixels, as the input has",
                f"{outputs.shape[1]} × {outputs.shape[2]}",
                "Give it one enlargement for each halving of the backbone, and sides that halve evenly.",
            )
        difference = keras.ops.cast(encoded, "float32") - keras.ops.cast(outputs, "float32")
        return keras.ops.mean(keras.ops.abs(difference), axis=(1, 2, 3)) / (2 * HALF)

    def weights(self, truth: Pictures) -> None:
        """Pictures weigh the same."""
        return

    def decode(self, outputs: Any, size: Size) -> Pictures:
        """(n, h', w', 3) in 0 … 255 → pictures of `size`, rounded."""
        height, width = size
        maps = np.asarray(outputs, np.float32)
        if maps.shape[1:3] != (height, width):
            maps = np.stack([np.asarray(cv2.resize(picture, (width, height)), np.float32) for picture in maps])
        return Pictures.of_arrays(list(np.rint(np.clip(maps, 0, 255)).astype(np.uint8)))

    def answer_map(self, outputs: Any) -> NDArray[np.float32]:
        """(n, h', w', 3) the pictures, of which those of windows and mirror images have a mean."""
        return np.asarray(outputs, np.float32)

    def score(self) -> TranslationScore:
        """Absolute error, PSNR, SSIM, and the energy of gradients beside the targets'."""
        return TranslationScore()

    def settings(self) -> dict[str, Any]:
        """The fields as JSON values, with the decoder's `kind`."""
        return {"kind": self.painter.kind, **asdict(self)}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any], painter: type[Painter]) -> Translator:
        """The head that `settings` described, given the class of its decoder."""
        parts = settings["painter"].items()
        fields = {name: tuple(part) if isinstance(part, list) else part for name, part in parts}
        return cls(painter(**fields), settings["seed"])


def painted(x: keras.KerasTensor, *, kernel: int, seed: int, padding: str = "same") -> keras.KerasTensor:
    """The last layers of a decoder that ends in a convolution: three channels, and a hyperbolic tangent."""
    initial = keras.initializers.GlorotUniform(seed=seed)
    x = keras.layers.Conv2D(3, kernel, padding=padding, kernel_initializer=initial, name="paint", dtype="float32")(x)
    return keras.layers.Activation("tanh", name="paint_tanh", dtype="float32")(x)
