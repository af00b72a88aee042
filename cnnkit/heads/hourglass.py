"""Stacked hourglasses: down to a map of few cells and up again, several times, each time with a heatmap and a loss.

Newell, Yang and Deng, "Stacked Hourglass Networks for Human Pose Estimation", ECCV 2016 (arXiv:1603.06937), figures 1,
3 and 4. What they compute from the picture down to stride 4 are the first layers of a pre-trained backbone here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import keras

from cnnkit.arguments import Argument, whole
from cnnkit.heads.heatmap_peaks import Decoding
from cnnkit.heads.pose import Objective, PoseHead, counts, partners
from cnnkit.necks.blocks import block, normalized
from cnnkit.necks.levels import Levels, enlarged

TAPS = {4: "P2", 8: "P3"}


@dataclass(frozen=True)
class Hourglass(PoseHead):
    """A head of points made by `hourglass`, which documents the fields; its outputs are heatmaps by stage."""

    kind: ClassVar[str] = "hourglass"
    arguments: ClassVar[tuple[Argument, ...]] = (
        *counts("stacks", "width", "depth"),
        Argument("stride", lambda value: value in TAPS, f"stride as one of {list(TAPS)}", "4 is the paper's."),
        Argument("width", lambda value: whole(value, 2) and value % 2 == 0, "an even width", "64 is the default."),
    )

    stacks: int = 2
    width: int = 64
    depth: int = 4
    stride: int = 4

    @property
    def taps(self) -> tuple[str, ...]:
        """The stride of the heatmaps alone: what is deeper each hourglass sees by itself."""
        return (TAPS[self.stride],)

    @property
    def stages(self) -> int:
        """One answer per hourglass."""
        return self.stacks

    def build(self, features: Levels) -> dict[str, keras.KerasTensor]:
        """Hourglass, heatmaps, and both added to what the next one begins with (figure 4)."""
        x = block(features[self.taps[0]], self.width, name="pose_stem", kernel=1, seed=self.seed)
        answers = {}
        for stage in range(1, self.stacks + 1):
            name = f"pose{stage}"
            y = self._hourglass(x, self.depth, f"{name}_glass")
            y = block(self._residual(y, f"{name}_after"), self.width, name=f"{name}_linear", kernel=1, seed=self.seed)
            answers[f"stage{stage}"] = maps = self.heatmaps(y, f"{name}_heatmaps")
            if stage < self.stacks:
                back = [self._convolution(y, 1, f"{name}_features"), self._convolution(maps, 1, f"{name}_back")]
                x = keras.layers.Add(name=f"{name}_sum")([x, *back])
        return answers

    def _hourglass(self, x: keras.KerasTensor, depth: int, name: str) -> keras.KerasTensor:
        """Figure 3: half the size, the same again, twice the size, added to what stayed at this size."""
        stays = self._residual(x, f"{name}{depth}_skip")
        y = keras.layers.MaxPooling2D(2, padding="same", name=f"{name}{depth}_pool")(x)
        y = self._residual(y, f"{name}{depth}_down")
        y = self._hourglass(y, depth - 1, name) if depth > 1 else self._residual(y, f"{name}{depth}_middle")
        y = self._residual(y, f"{name}{depth}_up")
        return keras.layers.Add(name=f"{name}{depth}_sum")([stays, enlarged(y, stays, f"{name}{depth}_enlarged")])

    def _residual(self, x: keras.KerasTensor, name: str) -> keras.KerasTensor:
        """Normalization before each convolution, 1×1, 3×3 and 1×1, with half of the channels inside (figure 4)."""
        y = normalized(x, f"{name}_1")
        y = self._convolution(y, 1, f"{name}_1_conv", self.width // 2)
        y = self._convolution(normalized(y, f"{name}_2"), 3, f"{name}_2_conv", self.width // 2)
        y = self._convolution(normalized(y, f"{name}_3"), 1, f"{name}_3_conv")
        return keras.layers.Add(name=f"{name}_sum")([x, y])

    def _convolution(self, x: keras.KerasTensor, kernel: int, name: str, width: int | None = None) -> keras.KerasTensor:
        initializer = keras.initializers.HeNormal(seed=self.seed)
        layer = keras.layers.Conv2D(
            width or self.width, kernel, padding="same", kernel_initializer=initializer, name=name
        )
        return layer(x)


def hourglass(
    points: Sequence[str],
    *,
    stacks: int = 2,
    width: int = 64,
    depth: int = 4,
    stride: int = 4,
    objective: Objective = "softmax",
    decoding: Decoding = "local",
    seed: int = 0,
) -> Hourglass:
    """Stacked hourglasses (lecture 002; Newell et al. 2016, arXiv:1603.06937), each with heatmaps and a loss.

    Each begins with the features and the heatmaps of the one before: it sees what was believed of all joints and may
    correct one by the others. `ck.stage_scores(net, photos.test)` prints how good each is.

    Args:
        points: Names, in the order of the truth.
        stacks: Hourglasses; 2 and 8 in the paper.
        width: Channels, an even number; 256 in the paper.
        depth: How often each halves its map: 4 times in the paper, from 64 × 64 to 4 × 4.
        stride: Of the heatmaps, and where the backbone ends: 4 or 8.
        objective: As of `ck.heads.heatmaps`; its other settings are fields, which `dataclasses.replace` changes.
        decoding: As there.
        seed: Of the initial weights.

    Raises:
        InputError: A setting out of its range.

    >>> hourglass(["nose", "left_eye", "right_eye"], stacks=3).stages
    3
    """
    return Hourglass(
        *partners(points),
        objective,
        decoding,
        seed=seed,
        stacks=stacks,
        width=width,
        depth=depth,
        stride=stride,
    )
