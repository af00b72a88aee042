"""Part affinity fields: the joints of all people at once, and fields that say which belong together ("bottom-up").

Cao, Simon, Wei and Sheikh, "Realtime Multi-Person 2D Pose Estimation using Part Affinity Fields", CVPR 2017
(arXiv:1611.08050): a heatmap per point, whose peaks are the joints of everybody, and for each bone a field of unit
vectors along it (equation 8). One look at the picture, however many people it shows; then joints are paired by bones.
Heatmaps are learned as CenterNet's are, with a focal loss, where the paper has squares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.data.targets.boxes import Boxes
from cnnkit.heads.detector import SURE
from cnnkit.heads.head import Size
from cnnkit.heads.levels_layers import PRIOR_LOGIT, prediction
from cnnkit.heads.part_assembly import Assembly, bone_scores, peaks
from cnnkit.heads.people import PeopleHead, people_arguments
from cnnkit.necks.blocks import block, normalized
from cnnkit.necks.feature_pyramid import fpn
from cnnkit.necks.levels import Levels

# How far from a bone its field reaches, in cells, and the standard deviation of a bump.
THICKNESS, SPREAD = 1.0, 1.0


@dataclass(frozen=True)
class PartAffinity(PeopleHead):
    """A head that finds people by their joints; made by `part_affinity`, which documents the fields.

    Its outputs are `"heatmaps"`, (h / s, w / s, points) logits, and `"fields"`, (h / s, w / s, 2 · bones).
    """

    kind: ClassVar[str] = "part_affinity"
    levels: ClassVar[Mapping[int, tuple[str, ...]]] = {4: ("P2", "P3", "P4", "P5"), 8: ("P3", "P4", "P5")}

    stride: int = 4

    def build(self, features: Levels) -> dict[str, keras.KerasTensor]:
        """The finest map of a feature pyramid, then a 3×3 and a 1×1 convolution for heatmaps and fields each."""
        x = normalized(fpn(features, width=self.width, seed=self.seed)[self.taps[0]], "people")
        outputs = {}
        for name, numbers, bias in (("heatmaps", len(self.points), PRIOR_LOGIT), ("fields", 2 * len(self.bones), 0.0)):
            inner = block(x, self.width, name=f"{name}_inner", seed=self.seed + 1)
            outputs[name] = prediction(name, numbers, kernel=1, bias=bias, seed=self.seed)(inner)
        return outputs

    def encode(self, truth: Boxes, size: Size) -> dict[str, NDArray[np.float32]]:
        """`heatmaps` (n, h / s, w / s, points) with 1 in the cells of joints, and `fields` (…, 2 · bones).

        Raises:
            DataError: The truth is of another kind, or has other classes or points.
        """
        points = self.points_of(truth)
        height, width = -(-size[0] // self.stride), -(-size[1] // self.stride)
        rows, columns = np.indices((height, width)) + 0.5
        heatmaps = np.zeros((len(truth), height, width, len(self.points)), np.float32)
        fields = np.zeros((len(truth), height, width, len(self.bones), 2), np.float32)
        crossing = np.zeros(fields.shape[:4], np.float32)
        places, owners = points.values * (width / size[1], height / size[0]), truth.owners
        for person, point in zip(*np.nonzero(points.shown), strict=True):
            x, y = np.floor(places[person, point]) + 0.5  # the middle of its cell, so that a peak is 1
            bump = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * SPREAD**2))
            heat = heatmaps[owners[person], ..., point]
            np.maximum(heat, np.where(bump < 0.01, 0, bump), out=heat)
        for person in range(len(points)):
            for bone, ends in enumerate(self.bones):
                if points.shown[person, list(ends)].all():
                    near, direction = _along(places[person, list(ends)], rows, columns)
                    fields[owners[person], ..., bone, :] += near[..., None] * direction
                    crossing[owners[person], ..., bone] += near
        fields /= np.maximum(crossing, 1)[..., None]  # the mean where bones of several people cross (equation 9)
        return {"heatmaps": heatmaps, "fields": fields.reshape(*fields.shape[:3], -1)}

    def loss(self, encoded: Any, outputs: Any) -> Any:
        """(n,) the focal loss of the heatmaps per joint + the squared error of the fields per cell of a bone."""
        ops = keras.ops
        true, logits = ops.convert_to_tensor(encoded["heatmaps"]), outputs["heatmaps"]
        middle, p = ops.cast(true >= 1, "float32"), ops.sigmoid(logits)
        at_middle = (1 - p) ** 2 * ops.softplus(-logits)
        elsewhere = (1 - true) ** 4 * p**2 * ops.softplus(logits)
        heat = ops.sum(middle * at_middle + (1 - middle) * elsewhere, axis=(1, 2, 3))
        heat = heat / ops.maximum(ops.sum(middle, axis=(1, 2, 3)), 1)
        fields = ops.convert_to_tensor(encoded["fields"])
        cells = ops.sum(fields**2, axis=(1, 2, 3))  # vectors of length 1, but where they cross
        away = ops.sum((fields - outputs["fields"]) ** 2, axis=(1, 2, 3)) / ops.maximum(cells, 1)
        return heat + away

    def perfect(self, encoded: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Sure peaks and true fields."""
        return {"heatmaps": np.where(encoded["heatmaps"] >= 1, SURE, -SURE), "fields": encoded["fields"]}

    def decode(self, outputs: Mapping[str, NDArray[np.float32]], size: Size) -> Boxes:
        """The people of each picture, from left to right: how sure a joint is, is the height of its peak."""
        logits = np.asarray(outputs["heatmaps"], np.float64)
        heat = 1 / (1 + np.exp(-np.clip(logits, -500, 500)))
        fields = np.asarray(outputs["fields"], np.float64).reshape(*heat.shape[:3], len(self.bones), 2)
        scale = (size[1] / heat.shape[2], size[0] / heat.shape[1])
        people = [self._people(*maps) for maps in zip(heat, fields, strict=True)]
        return self.as_boxes(people, scale, size)

    def mirrored(self, outputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        """Outputs for mirrored pictures, as of the pictures themselves: bones change sides, and point the other way."""
        order = np.array(self.mirror)
        ends = [(self.mirror[one], self.mirror[other]) for one, other in self.bones]
        places = [
            (self.bones.index(bone), 1.0) if bone in self.bones else (self.bones.index(bone[::-1]), -1.0)
            for bone in ends
        ]
        fields = outputs["fields"][:, :, ::-1].reshape(*outputs["fields"].shape[:3], len(self.bones), 2)
        signs = np.array([sign for _, sign in places])[:, None] * np.array([-1.0, 1.0])
        fields = fields[..., [place for place, _ in places], :] * signs.astype(np.float32)
        return {
            "heatmaps": outputs["heatmaps"][:, :, ::-1][..., order],
            "fields": fields.reshape(outputs["fields"].shape),
        }

    def _people(self, heat: NDArray[np.float64], fields: NDArray[np.float64]) -> NDArray[np.float64]:
        """(m, points, 3) x and y in cells and height of each joint, 0 of those that are not found."""
        found = [peaks(heat[..., point], self.least, self.most) for point in range(len(self.points))]
        scores = [
            bone_scores(fields[..., bone, :], found[one][0], found[other][0])
            for bone, (one, other) in enumerate(self.bones)
        ]
        return self.together(found, scores)


def part_affinity(
    classes: Sequence[str],
    points: Sequence[str],
    *,
    bones: Sequence[tuple[int, int]] | None = None,
    stride: int = 4,
    width: int = 64,
    assembly: Assembly = "greedy",
    least: float = 0.1,
    most: int = 20,
    mirror: Sequence[int] | None = None,
    seed: int = 0,
) -> PartAffinity:
    """The poses of any number of people in one look (lecture 002; OpenPose, arXiv:1611.08050).

    Truth are boxes with points: `ck.data.with_classes(ck.data.scenes(n, target="boxes"), "person")`.

    Args:
        classes: The one class that has the points: `["person"]`.
        points: Their names, in the order of the truth.
        bones: Pairs of places of points that are joined; by default COCO's skeleton, of points with its names.
        stride: Of the maps: 4 or 8.
        width: Channels of the pyramid and of the layers on it.
        assembly: Who belongs to whom, bone by bone: `"greedy"`, the best pair first; `"hungarian"`, the pairs with the
            largest sum.
        least: Peaks below are no joints.
        most: Peaks per point and picture.
        mirror: The partner of each point on the other side.
        seed: Of the initial weights.

    Raises:
        InputError: A setting out of its range, several classes, points that nothing joins, or a bone whose mirror image
            is none.

    >>> part_affinity(["person"], ["left_hip", "left_knee", "left_ankle"]).bones
    ((2, 1), (1, 0))
    """
    return PartAffinity(
        **people_arguments(classes, points, bones, mirror),
        stride=stride,
        width=width,
        assembly=assembly,
        least=least,
        most=most,
        seed=seed,
    )


def _along(
    ends: NDArray[np.float64], rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(h, w) 1 in the cells near a bone, and its direction (2,); the cells of both ends are near."""
    (x, y), away = ends[0], ends[1] - ends[0]
    length = float(np.linalg.norm(away))
    direction = away / max(length, 1e-9)
    along = (columns - x) * direction[0] + (rows - y) * direction[1]
    beside = np.abs((rows - y) * direction[0] - (columns - x) * direction[1])
    near = (along >= -0.5) & (along <= length + 0.5) & (beside <= THICKNESS)
    return near.astype(np.float64) * (length > 0), direction
