"""Convolutional pose machines: beliefs from local evidence, then from the beliefs around, over and over again.

Wei, Ramakrishna, Kanade and Sheikh, "Convolutional Pose Machines", CVPR 2016 (arXiv:1602.00134), figure 2: the first
stage sees a part of the picture alone; each later one sees the beliefs of the one before through large kernels, so that
its receptive field grows. Their kernels are depthwise here (9 × 9 of all channels would cost as much as the backbone).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import keras

from cnnkit.arguments import Argument, whole
from cnnkit.heads.heatmap_peaks import Decoding
from cnnkit.heads.pose import Objective, PoseHead, counts, partners
from cnnkit.necks.blocks import block
from cnnkit.necks.levels import Levels

TAPS = {4: "P2", 8: "P3"}


@dataclass(frozen=True)
class PoseMachine(PoseHead):
    """A head of points made by `pose_machine`, which documents the fields; its outputs are heatmaps by stage."""

    kind: ClassVar[str] = "pose_machine"
    arguments: ClassVar[tuple[Argument, ...]] = (
        *counts("number", "width", "convolutions"),
        Argument("stride", lambda value: value in TAPS, f"stride as one of {list(TAPS)}", "8 is the paper's."),
        Argument("kernel", lambda value: whole(value, 3) and value % 2 == 1, "an odd kernel above 1", "7 suits most."),
    )

    number: int = 3
    width: int = 64
    kernel: int = 7
    convolutions: int = 2
    stride: int = 8

    @property
    def taps(self) -> tuple[str, ...]:
        """The stride of the heatmaps alone: local evidence."""
        return (TAPS[self.stride],)

    @property
    def stages(self) -> int:
        """One answer per stage."""
        return self.number

    @property
    def reach(self) -> int:
        """By how many pixels of the input each stage widens the receptive field.

        >>> pose_machine(["nose"]).reach  # two 7 × 7 kernels at stride 8
        96
        """
        return self.convolutions * (self.kernel - 1) * self.stride

    def build(self, features: Levels) -> dict[str, keras.KerasTensor]:
        """1×1 convolutions of the features first; then large kernels of features and beliefs."""
        evidence = block(features[self.taps[0]], self.width, name="pose_evidence", kernel=1, seed=self.seed)
        x = block(evidence, self.width, name="pose1_inner", kernel=1, seed=self.seed + 1)
        maps = self.heatmaps(x, "pose1_heatmaps")
        answers = {"stage1": maps}
        for stage in range(2, self.number + 1):
            name = f"pose{stage}"
            x = keras.layers.Concatenate(name=f"{name}_join")([evidence, maps])
            for number in range(1, self.convolutions + 1):
                around = f"{name}_around{number}"
                x = block(x, self.width, name=around, kernel=self.kernel, kind="separable", seed=self.seed + number)
            x = block(x, self.width, name=f"{name}_inner", kernel=1, seed=self.seed)
            answers[f"stage{stage}"] = maps = self.heatmaps(x, f"{name}_heatmaps")
        return answers


def pose_machine(
    points: Sequence[str],
    *,
    stages: int = 3,
    width: int = 64,
    kernel: int = 7,
    convolutions: int = 2,
    stride: int = 8,
    objective: Objective = "softmax",
    decoding: Decoding = "local",
    seed: int = 0,
) -> PoseMachine:
    """A convolutional pose machine (lecture 002; Wei et al. 2016, arXiv:1602.00134), with a loss on every stage.

    The first stage knows what a joint looks like, the later ones where it can be, given the others.
    `ck.stage_scores(net, photos.test)` prints how good each is.

    Args:
        points: Names, in the order of the truth.
        stages: 3 to 6 in the paper.
        width: Channels; 128 in the paper.
        kernel: Side of the kernels that look at beliefs, in cells, an odd number; 9 to 11 in the paper.
        convolutions: Such kernels per stage; 3 in the paper.
        stride: Of the heatmaps, and where the backbone ends: 8, or 4.
        objective: As of `ck.heads.heatmaps`; its other settings are fields, which `dataclasses.replace` changes.
        decoding: As there.
        seed: Of the initial weights.

    Raises:
        InputError: A setting out of its range.

    >>> pose_machine(["nose", "left_eye", "right_eye"]).taps
    ('P3',)
    """
    return PoseMachine(
        *partners(points),
        objective,
        decoding,
        seed=seed,
        number=stages,
        width=width,
        kernel=kernel,
        convolutions=convolutions,
        stride=stride,
    )
