"""Heatmaps of one stage on a feature pyramid: where each point of a thing is.

Xiao, Wu and Wei, "Simple Baselines for Human Pose Estimation and Tracking", ECCV 2018 (arXiv:1804.06208): a backbone,
a few layers upwards, a heatmap per joint. A feature pyramid takes the place of their deconvolutions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import keras

from cnnkit.arguments import Argument
from cnnkit.heads.heatmap_peaks import Decoding
from cnnkit.heads.pose import Objective, PoseHead, counts, partners
from cnnkit.necks.blocks import block, normalized
from cnnkit.necks.feature_pyramid import fpn
from cnnkit.necks.levels import Levels

LEVELS = {2: ("P1", "P2", "P3", "P4", "P5"), 4: ("P2", "P3", "P4", "P5"), 8: ("P3", "P4", "P5")}


@dataclass(frozen=True)
class Heatmaps(PoseHead):
    """A head of points made by `heatmaps`, which documents the fields; its output is (h / s, w / s, points) logits."""

    kind: ClassVar[str] = "heatmaps"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("stride", lambda value: value in LEVELS, f"stride as one of {list(LEVELS)}", "4 is the default."),
        *counts("width"),
    )

    stride: int = 4
    width: int = 64

    @property
    def taps(self) -> tuple[str, ...]:
        """From the stride of the heatmaps to 32."""
        return LEVELS[self.stride]

    def build(self, features: Levels) -> keras.KerasTensor:
        """The finest map of a feature pyramid, a 3×3 convolution, and a 1×1 convolution to one map per point."""
        x = normalized(fpn(features, width=self.width, seed=self.seed)[self.taps[0]], "pose")
        return self.heatmaps(block(x, self.width, name="pose_inner", seed=self.seed + 1), "heatmaps")


def heatmaps(
    points: Sequence[str],
    *,
    stride: int = 4,
    width: int = 64,
    objective: Objective = "softmax",
    decoding: Decoding = "local",
    spread: float = 1.0,
    least: float = 0.1,
    mirror: Sequence[int] | None = None,
    seed: int = 0,
) -> Heatmaps:
    """A heatmap per point of one thing per picture (lecture 002): the joints of a body, the corners of a face.

    `ck.data.crops(photos, "person")` makes such pictures of people. Prediction with `flip=True` sees each of them
    mirrored too, left and right swapped.

    Args:
        points: Names, in the order of the truth.
        stride: Pixels of the input per cell of a heatmap: 2, 4 or 8.
        width: Channels of the pyramid and of the layer on it.
        objective: `"softmax"`: cross-entropy over all places and "nowhere"; `"squares"`: the squared error to Gaussian
            bumps.
        decoding: `"local"`: the mean of 5 × 5 cells around the peak; `"quarter"`: the peak, a quarter of a cell towards
            its larger neighbours; `"peak"`: its cell; `"mean"`: the mean of the whole map, which is only right for
            heatmaps that were trained as distributions.
        spread: Standard deviation of the true Gaussian, in cells.
        least: What is decoded shows a point if it is in the picture with at least this probability.
        mirror: The partner of each point on the other side; by default what names with "left" and "right" say.
        seed: Of the initial weights.

    Raises:
        InputError: A setting out of its range.

    >>> heatmaps(["nose", "left_eye", "right_eye"]).mirror
    (0, 2, 1)
    """
    return Heatmaps(
        *partners(points, mirror), objective, decoding, spread, least, seed=seed, stride=stride, width=width
    )
