"""Mask R-CNN for poses: Faster R-CNN, and where the points of each thing are.

He et al., "Mask R-CNN", ICCV 2017 (arXiv:1703.06870), section 5. The maps of the paper are of 56 × 56, of eight
convolutions of 512 channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.arguments import Argument
from cnnkit.data.targets.boxes import Boxes
from cnnkit.data.targets.points import Points
from cnnkit.errors import DataError
from cnnkit.heads.box_stage import BoxStageRCNN, region_tower
from cnnkit.heads.detection_score import DetectionScore
from cnnkit.heads.detector import SURE, counts
from cnnkit.heads.head import Size
from cnnkit.heads.region_points import point_losses, sure_maps, true_points, with_points


@dataclass(frozen=True)
class KeypointRCNN(BoxStageRCNN):
    """The head of `ck.tasks.keypoint_rcnn`, which documents the fields.

    Beside the outputs of `FasterRCNN` it has those of a third stage: `"point_regions"`, (k, 4) the regions that it was
    given, and `"points"`, (k, m · m, points) logits of the places in each.
    """

    kind: ClassVar[str] = "keypoint_rcnn"
    stage: ClassVar[str] = "point"
    told: ClassVar[str] = "points"
    arguments: ClassVar[tuple[Argument, ...]] = (
        *BoxStageRCNN.arguments,
        *counts("point_side", "point_width", "point_depth", "point_sample"),
    )

    points: tuple[str, ...] = ()
    mirror: tuple[int, ...] = ()
    point_side: int = 14
    point_width: int = 64
    point_depth: int = 3
    point_sample: int = 8

    @property
    def stage_sample(self) -> int:
        """Regions per picture that points are learned of."""
        return self.point_sample

    @property
    def cells(self) -> int:
        """Along each side of a region: twice as many as were cut from the map."""
        return 2 * self.point_side

    def stage_layers(self, maps: keras.KerasTensor, regions: keras.KerasTensor) -> keras.KerasTensor:
        """Convolutions, and a transposed one: four places of each cell, which become 2 × 2."""
        side, count = self.point_side, len(self.points)
        x = region_tower(
            maps, regions, name=self.stage, side=side, width=self.point_width, depth=self.point_depth, seed=self.seed
        )
        initial = keras.initializers.GlorotUniform(seed=self.seed)
        x = keras.layers.Dense(4 * count, kernel_initializer=initial, name="point_logits", dtype="float32")(x)
        x = keras.layers.Reshape((-1, side, side, 2, 2, count), name="point_quarters", dtype="float32")(x)
        x = keras.layers.Permute((1, 2, 4, 3, 5, 6), name="point_rows", dtype="float32")(x)
        return keras.layers.Reshape((-1, self.cells**2, count), name="points", dtype="float32")(x)

    def encode(self, truth: Boxes, size: Size) -> dict[str, NDArray[Any]]:
        """As of `FasterRCNN`, with `true_points` and which of them are `shown`.

        Raises:
            DataError: Truth of another kind, with other classes, or boxes without these points.
        """
        return super().encode(truth, size) | true_points(truth, self._points(truth))

    def losses(self, encoded: Any, outputs: Any) -> dict[str, Any]:
        """The four of Faster R-CNN, and that of points."""
        points = point_losses(encoded, outputs[self.stage_regions], outputs["points"], self.cells)
        return super().losses(encoded, outputs) | {"points": points}

    def perfect(self, encoded: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Sure places of the points of the true boxes, too."""
        maps = sure_maps(encoded, self.cells, SURE)
        # Those that count are decoded, in their order.
        order = np.argsort(encoded["true_labels"] < 0, axis=1, kind="stable")
        own = {self.stage_regions: np.take_along_axis(encoded["true_boxes"], order[..., None], 1)}
        return super().perfect(encoded) | own | {"points": np.take_along_axis(maps, order[..., None, None], 1)}

    def decode(self, outputs: Mapping[str, NDArray[np.float32]], size: Size) -> Boxes:
        """The best boxes of each picture, each with its points."""
        return with_points(super().decode(outputs, size), outputs["points"], self.points, self.mirror, self.cells)

    def score(self) -> DetectionScore:
        """COCO's average precision of boxes and of points."""
        return DetectionScore(self.names, kinds=("points",))

    def _points(self, truth: Boxes) -> Points:
        points = truth.points
        if points is None or (points.names, points.mirror) != (self.points, self.mirror):
            received = "boxes alone" if points is None else f"points {list(points.names)}"
            remedy = "Make the head with the points of the truth: photos.train.targets.points.names."
            raise DataError(f"boxes with the points {list(self.points)} for this head", received, remedy)
        return points
