"""`translator`: a picture for a picture, by the expanding half of a U-Net on any backbone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import keras

from cnnkit.heads.segmentation import levels, widths_of
from cnnkit.heads.translation import Translator, painted
from cnnkit.necks.blocks import block
from cnnkit.necks.levels import Levels
from cnnkit.necks.u_shape import unet as neck

REMEDY = "Four begin at stride 32: (128, 96, 64, 32)."


@dataclass(frozen=True)
class UNetPainter:
    """The decoder of `translator`, which documents the fields."""

    widths: tuple[int, ...] = (128, 96, 64, 32)
    kind: ClassVar[str] = "translator"

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", widths_of(self.widths, REMEDY))

    @property
    def taps(self) -> tuple[str, ...]:
        """From P1 on, one level more than there are widths."""
        return levels(2, 2 ** (len(self.widths) + 1))

    def build(self, features: Levels, seed: int) -> keras.KerasTensor:
        """The neck's finest scale at the size of the input, one more block, and three channels."""
        x = neck(features, widths=self.widths, seed=seed)["P1"]
        x = keras.layers.UpSampling2D(2, interpolation="bilinear", name="translator_up")(x)
        x = block(x, self.widths[-1], name="translator_block", seed=seed + 1)
        return painted(x, kernel=3, seed=seed)


def translator(*, widths: Sequence[int] = (128, 96, 64, 32), seed: int = 0) -> Translator:
    """Learns to make one picture of another: a line drawing of a scene, a photograph of a plan.

    Truth is pictures, of `ck.data.pairs` or `ck.data.scenes(n, target="edges")`. The loss is the absolute error alone,
    whose optimum is the median of what is possible: where the target does not follow from the picture, the answer is
    blurred. `ck.tasks.pix2pix` trains the same network, or any with this head, against a discriminator. `ck.predict`
    gives a PNG per picture in the column `picture`, `ck.evaluate` `l1`, `psnr`, `ssim` and `gradient_energy`::

        net = ck.attach(ck.backbone("nano", input_shape=(128, 128, 3)), ck.heads.translator())
        ck.fit(net, ck.data.pairs("facades"), ck.plans.head_then_together())

    Args:
        widths: Channels of each scale, deep to fine, on one level of the backbone's pyramid more: four begin at P5. The
            sides of the input are multiples of the deepest stride.
        seed: Of the initial weights.

    Raises:
        InputError: No widths, or a setting out of its range.
    """
    return Translator(UNetPainter(widths_of(widths, REMEDY)), seed)
