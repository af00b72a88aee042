"""Pose proposals: YOLO for joints, whose cells also say in which cells around them a bone ends ("bottom-up").

Sekii, "Pose Proposal Networks", ECCV 2018: every cell of a grid proposes, for each point, a box around a joint whose
middle it holds, and for each bone that begins there in which cell near it the bone ends (section 3.1). Boxes are
suppressed, then joints are paired greedily, bone by bone (section 3.3): nothing of that looks at pixels. Here
responsibility has the focal loss where the paper has squares, and a person is the box around its joints, with no
proposal of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from cnnkit.arguments import check_arguments
from cnnkit.data.targets.boxes import Boxes
from cnnkit.heads.detector import SURE
from cnnkit.heads.head import Size
from cnnkit.heads.levels_layers import PRIOR_LOGIT, prediction
from cnnkit.heads.part_assembly import Assembly, Floats
from cnnkit.heads.people import PeopleHead, people_arguments
from cnnkit.heads.pose import counts
from cnnkit.metrics.box_suppression import non_maximum_suppression
from cnnkit.necks.blocks import block, normalized
from cnnkit.necks.feature_pyramid import fpn
from cnnkit.necks.levels import Levels

# The side of a joint's box as a part of the root of its person's area, and of two that overlap by more the surer stays.
JOINT, OVERLAP = 0.2, 0.3
# How much places count beside responsibility, and bones (section 4.1: 5 and .5, beside .25).
PLACES, BONES = 20.0, 2.0


@dataclass(frozen=True)
class PoseProposals(PeopleHead):
    """A head that finds people by proposals of joints; made by `pose_proposals`, which documents the fields.

    Its outputs are `"joints"`, (h / s, w / s, points) logits; `"places"`, (h / s, w / s, 3 · points): x and y in the
    cell, 0…1, and the side of the box as a part of the input's longer side; and `"bones"`,
    (h / s, w / s, bones · (2 r + 1)²) logits of the cells around, row by row.
    """

    kind: ClassVar[str] = "pose_proposals"
    levels: ClassVar[Mapping[int, tuple[str, ...]]] = {8: ("P3", "P4", "P5"), 16: ("P4", "P5")}

    stride: int = 8
    reach: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        check_arguments(counts("reach"), {"reach": self.reach})

    def build(self, features: Levels) -> dict[str, keras.KerasTensor]:
        """The finest map of a feature pyramid, then a 3×3 and a 1×1 convolution for each output."""
        x = normalized(fpn(features, width=self.width, seed=self.seed)[self.taps[0]], "people")
        numbers = {
            "joints": (len(self.points), PRIOR_LOGIT),
            "places": (3 * len(self.points), 0.5),
            "bones": (len(self.bones) * (2 * self.reach + 1) ** 2, PRIOR_LOGIT),
        }
        outputs = {}
        for name, (count, bias) in numbers.items():
            inner = block(x, self.width, name=f"{name}_inner", seed=self.seed + 1)
            outputs[name] = prediction(name, count, kernel=1, bias=bias, seed=self.seed)(inner)
        return outputs

    def encode(self, truth: Boxes, size: Size) -> dict[str, NDArray[np.float32]]:
        """`joints` and `bones`, 1 or 0, and `places`, in the shapes of the outputs.

        Where two people have the same joint in one cell, the last one is told.

        Raises:
            DataError: The truth is of another kind, or has other classes or points.
        """
        points = self.points_of(truth)
        height, width = -(-size[0] // self.stride), -(-size[1] // self.stride)
        window = 2 * self.reach + 1
        joints = np.zeros((len(truth), height, width, len(self.points)), np.float32)
        places = np.zeros((*joints.shape, 3), np.float32)
        bones = np.zeros((len(truth), height, width, len(self.bones), window, window), np.float32)
        sides = np.sqrt(np.prod(truth.boxes[:, 2:] - truth.boxes[:, :2], axis=1)) * JOINT / max(size)
        values = points.values * (width / size[1], height / size[0])
        cells = np.clip(np.floor(values).astype(int), 0, (width - 1, height - 1))
        for person, owner in enumerate(truth.owners.tolist()):
            shown = points.shown[person] > 0
            columns, rows = cells[person].T
            joints[owner, rows[shown], columns[shown], shown] = 1
            told = np.concatenate([values[person] - cells[person], np.full((len(shown), 1), sides[person])], axis=1)
            places[owner, rows[shown], columns[shown], shown] = told[shown]
            for bone, (one, other) in enumerate(self.bones):
                across, down = cells[person, other] - cells[person, one] + self.reach
                if shown[[one, other]].all() and min(across, down) >= 0 and max(across, down) < window:
                    bones[owner, rows[one], columns[one], bone] = 0
                    bones[owner, rows[one], columns[one], bone, down, across] = 1
        flat = joints.shape[:3]
        return {"joints": joints, "places": places.reshape(*flat, -1), "bones": bones.reshape(*flat, -1)}

    def loss(self, encoded: Any, outputs: Any) -> Any:
        """(n,) per joint: the focal loss of responsibility, squares of places, and the cross-entropy of bones."""
        ops = keras.ops
        joints, logits = ops.convert_to_tensor(encoded["joints"]), outputs["joints"]
        p = ops.sigmoid(logits)
        focal = joints * (1 - p) ** 2 * ops.softplus(-logits) + (1 - joints) * p**2 * ops.softplus(logits)
        off = ops.square(encoded["places"] - outputs["places"]) * ops.repeat(joints, 3, axis=-1)
        # A bone is asked for where its first joint is.
        begins = ops.repeat(
            ops.take(joints, np.array([one for one, _ in self.bones]), axis=-1), (2 * self.reach + 1) ** 2, axis=-1
        )
        ends = encoded["bones"] * ops.softplus(-outputs["bones"])
        ends = ends + (1 - encoded["bones"]) * ops.softplus(outputs["bones"])
        parts = [
            ops.sum(part, axis=(1, 2, 3)) for part in (focal, PLACES * off, BONES / len(self.bones) * begins * ends)
        ]
        return sum(parts) / ops.maximum(ops.sum(joints, axis=(1, 2, 3)), 1)

    def perfect(self, encoded: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Sure joints and bones, at their places."""
        sure = {name: np.where(encoded[name] >= 1, SURE, -SURE).astype(np.float32) for name in ("joints", "bones")}
        return sure | {"places": encoded["places"]}

    def decode(self, outputs: Mapping[str, NDArray[np.float32]], size: Size) -> Boxes:
        """The people of each picture, from left to right, with their points and the box around these."""
        joints = expit(np.asarray(outputs["joints"], np.float64))
        pictures, height, width, _ = joints.shape
        places = np.asarray(outputs["places"], np.float64).reshape(*joints.shape, 3)
        bones = np.asarray(outputs["bones"]).reshape(
            pictures, height, width, len(self.bones), 2 * self.reach + 1, 2 * self.reach + 1
        )
        scale = (size[1] / width, size[0] / height)
        people = []
        for picture in range(pictures):
            told = places[picture] * (1, 1, max(size) / max(scale))
            found = [
                self._proposed(joints[picture, ..., point], told[..., point, :]) for point in range(len(self.points))
            ]
            tables = [
                self._joined(bones[picture, ..., bone, :, :], *(found[end] for end in ends))
                for bone, ends in enumerate(self.bones)
            ]
            people.append(self.together(found, tables))
        return self.as_boxes(people, scale, size)

    def _proposed(self, sure: Floats, places: Floats) -> tuple[Floats, Floats]:
        """(m, 2) the places of one point in cells, and (m,) how sure they are, after suppression of their boxes."""
        rows, columns = np.nonzero(sure >= self.least)
        scores, (x, y, side) = sure[rows, columns], places[rows, columns].T
        middles = np.stack([columns, rows], axis=1) + np.clip(np.stack([x, y], axis=1), 0, 1 - 1e-6)
        half = np.maximum(side, 0)[:, None] / 2
        boxes = np.concatenate([middles - half, middles + half], axis=1)
        stays = non_maximum_suppression(boxes, scores, iou=OVERLAP, most=self.most)
        return middles[stays], scores[stays]

    def _joined(self, bones: NDArray[Any], starts: tuple[Floats, Floats], ends: tuple[Floats, Floats]) -> Floats:
        """(a, b) how sure each pair of joints is a bone: both of them and the cells' word; 0 below `least`."""
        (one, sure), (other, surer) = starts, ends
        cells = np.floor(one).astype(int)
        steps = np.floor(other).astype(int)[None] - cells[:, None] + self.reach  # (a, b, 2)
        inside = ((steps >= 0) & (steps <= 2 * self.reach)).all(axis=2)
        steps = np.clip(steps, 0, 2 * self.reach)
        word = expit(bones[cells[:, 1, None], cells[:, 0, None], steps[..., 1], steps[..., 0]].astype(np.float64))
        return np.where(inside & (word >= self.least), word * sure[:, None] * surer, 0)


def pose_proposals(
    classes: Sequence[str],
    points: Sequence[str],
    *,
    bones: Sequence[tuple[int, int]] | None = None,
    stride: int = 8,
    reach: int = 5,
    width: int = 64,
    assembly: Assembly = "greedy",
    least: float = 0.1,
    most: int = 20,
    mirror: Sequence[int] | None = None,
    seed: int = 0,
) -> PoseProposals:
    """The poses of any number of people from the cells of a grid (lecture 002; Sekii, ECCV 2018).

    It is used as `ck.heads.part_affinity`, whose maps are finer: a cell says a joint once, and where bones end.

    Args:
        classes: As of `part_affinity`.
        points: As there.
        bones: As there.
        stride: Of the grid: 8 or 16.
        reach: Cells that a bone is long at most, in each direction; longer ones are not said.
        width: As there.
        assembly: As there.
        least: Joints and bones that are less sure are none.
        most: Joints per point and picture.
        mirror: As there.
        seed: As there.

    Raises:
        InputError: As there.

    >>> pose_proposals(["person"], ["left_hip", "left_knee", "left_ankle"]).bones
    ((2, 1), (1, 0))
    """
    return PoseProposals(
        **people_arguments(classes, points, bones, mirror),
        stride=stride,
        reach=reach,
        width=width,
        assembly=assembly,
        least=least,
        most=most,
        seed=seed,
    )
