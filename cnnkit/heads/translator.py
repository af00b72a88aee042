"""`translator`: a picture for a picture, by the expanding half of a U-Net on any backbone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import keras

from cnnkit.errors import InputError
from cnnkit.heads.segmentation import check_stride, levels, widths_of
from cnnkit.heads.translation import Translator, painted
from cnnkit.necks.blocks import block
from cnnkit.necks.levels import Levels
from cnnkit.necks.u_shape import unet as neck

REMEDY = "Five begin at stride 32: (128, 96, 64, 48, 32)."


@dataclass(frozen=True)
class UNetPainter:
    """The decoder of `translator`, which documents the fields."""

    widths: tuple[int, ...] = (128, 96, 64, 48, 32)
    finest: int = 4
    kind: ClassVar[str] = "translator"

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", widths_of(self.widths, REMEDY))
        check_stride("a finest skip", self.finest, (2, 4, 8), "nano has maps from 4 on, VGG and MobileNet from 2 on.")
        if not self._skips:
            least = int(self.finest).bit_length()
            raise InputError(f"at least {least} widths with finest={self.finest}", f"{len(self.widths)}", REMEDY)

    @property
    def taps(self) -> tuple[str, ...]:
        """From the finest skip to the deepest level."""
        return levels(self.finest, 2 ** len(self.widths))

    @property
    def _skips(self) -> int:
        """How many of the enlargements are joined with a skip."""
        return max(0, len(self.widths) - (int(self.finest).bit_length() - 1))

    def build(self, features: Levels, seed: int) -> keras.KerasTensor:
        """The neck's finest scale, enlarged to the size of the input with a block each time, and three channels."""
        x = neck(features, widths=self.widths[: self._skips], seed=seed)[self.taps[0]]
        for number, width in enumerate(self.widths[self._skips :], start=1):
            x = keras.layers.UpSampling2D(2, interpolation="bilinear", name=f"translator_{number}_up")(x)
            x = block(x, width, name=f"translator_{number}", seed=seed + number)
        return painted(x, kernel=3, seed=seed)


def translator(*, widths: Sequence[int] = (128, 96, 64, 48, 32), finest: int = 4, seed: int = 0) -> Translator:
    """Learns to make one picture of another: a line drawing of a scene, a photograph of a plan.

    Truth is pictures, of `ck.data.pairs` or `ck.data.scenes(n, target="edges")`. The loss is the absolute error alone,
    whose optimum is the median of what is possible: where the target does not follow from the picture, the answer is
    blurred. `ck.tasks.pix2pix` trains the same network, or any with this head, against a discriminator. `ck.predict`
    gives a PNG per picture in the column `picture`, `ck.evaluate` `l1`, `psnr`, `ssim` and `gradient_energy`::

        net = ck.attach(ck.backbone("nano", input_shape=(128, 128, 3)), ck.heads.translator())
        ck.fit(net, ck.data.pairs("facades"), ck.plans.head_then_together())

    Args:
        widths: Channels after each enlargement, deep to fine, up to the size of the input: five begin at P5. The sides
            of the input are multiples of the deepest stride.
        finest: Stride of the finest map of the backbone that is joined, 2, 4 or 8.
        seed: Of the initial weights.

    Raises:
        InputError: Fewer widths than enlargements without a skip, or a setting out of its range.
    """
    return Translator(UNetPainter(widths_of(widths, REMEDY), finest), seed)
