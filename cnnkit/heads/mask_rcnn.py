"""Mask R-CNN: Faster R-CNN with a mask of each region, in parallel to its class and box.

He et al., "Mask R-CNN", ICCV 2017 (arXiv:1703.06870). In training masks are of the sampled regions that show a box; in
use of the boxes that remain after suppression, which is faster and better than of all proposals (section 3.1,
"inference").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.arguments import Argument
from cnnkit.backbones.graph import named
from cnnkit.data.targets.boxes import Boxes
from cnnkit.heads.detection_score import DetectionScore
from cnnkit.heads.detector import SURE, counts
from cnnkit.heads.fast_rcnn import STRIDE
from cnnkit.heads.faster_rcnn import FasterRCNN
from cnnkit.heads.head import Size
from cnnkit.heads.region_detector import as_regions
from cnnkit.heads.region_masks import mask_losses, masks_in, small_masks, with_masks
from cnnkit.heads.staged import Regions
from cnnkit.necks.levels import Levels
from cnnkit.necks.regions import roi_align

MASK_REGIONS = "mask_regions"


@dataclass(frozen=True)
class MaskRCNN(FasterRCNN):
    """The head of `ck.tasks.mask_rcnn`, which documents the fields.

    Beside the outputs of `FasterRCNN` it has those of a third stage: `"mask_regions"`, (k, 4) the regions that it was
    given, and `"masks"`, (k, m, m) logits of each.
    """

    kind: ClassVar[str] = "mask_rcnn"
    arguments: ClassVar[tuple[Argument, ...]] = (
        *FasterRCNN.arguments,
        *counts("mask_side", "mask_width", "mask_depth", "mask_sample"),
    )

    most: int = 50
    mask_side: int = 14
    mask_width: int = 32
    mask_depth: int = 2
    mask_sample: int = 8

    @property
    def stages(self) -> Mapping[str, tuple[str, ...]]:
        """Two: the regions, and those of masks."""
        return {**super().stages, MASK_REGIONS: (MASK_REGIONS, "masks")}

    def region_outputs(self, maps: keras.KerasTensor, features: Levels) -> dict[str, keras.KerasTensor]:
        """Of both stages. Convolutions are of three axes, whose first one, the regions, they leave alone."""
        regions = features[MASK_REGIONS]
        x = named(roi_align(maps, regions, size=self.mask_side, stride=STRIDE), "mask_roi_align")
        for place in range(1, self.mask_depth + 1):
            x = keras.layers.Conv3D(
                self.mask_width,
                (1, 3, 3),
                padding="same",
                activation="relu",
                kernel_initializer=keras.initializers.HeNormal(seed=self.seed + place),
                name=f"mask_conv{place}",
            )(x)
        x = keras.layers.Dense(
            1, kernel_initializer=keras.initializers.GlorotUniform(seed=self.seed), name="mask_logits", dtype="float32"
        )(x)
        return super().region_outputs(maps, features) | {
            MASK_REGIONS: keras.layers.Identity(name="mask_regions_given", dtype="float32")(regions),
            "masks": keras.layers.Reshape((-1, self.mask_side, self.mask_side), name="masks", dtype="float32")(x),
        }

    def encode(self, truth: Boxes, size: Size) -> dict[str, NDArray[Any]]:
        """As of `FasterRCNN`, and `true_masks`.

        Raises:
            DataError: Truth of another kind, with other classes, or boxes without masks.
        """
        return super().encode(truth, size) | {"true_masks": small_masks(truth)}

    def losses(self, encoded: Any, outputs: Any) -> dict[str, Any]:
        """The four of Faster R-CNN, and that of masks."""
        masks = mask_losses(encoded, outputs[MASK_REGIONS], outputs["masks"])
        return super().losses(encoded, outputs) | {"masks": masks}

    def sampled(
        self, stage: str, outputs: Mapping[str, NDArray[Any]], encoded: Mapping[str, NDArray[Any]], size: Size
    ) -> Regions:
        """Of masks the first of the sample, which show a box as far as there are such."""
        if stage == MASK_REGIONS:
            return np.ascontiguousarray(outputs["regions"][:, : self.mask_sample])
        return super().sampled(stage, outputs, encoded, size)

    def proposed(self, stage: str, outputs: Mapping[str, NDArray[Any]], size: Size) -> Regions:
        """Of masks the boxes that are decoded."""
        if stage == MASK_REGIONS:
            return as_regions(super().decode(outputs, size), self.most)
        return super().proposed(stage, outputs, size)

    def perfect(self, encoded: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Sure masks of the true boxes, too."""
        boxes, fine = encoded["true_boxes"], np.float32(encoded["true_masks"])
        like = np.zeros((*boxes.shape[:2], self.mask_side, self.mask_side), np.float32)
        shown = np.asarray(masks_in(boxes, boxes, fine, like))
        masks = np.where(shown > 0, SURE, -SURE).astype(np.float32)
        # Those that count are decoded, in their order.
        order = np.argsort(encoded["true_labels"] < 0, axis=1, kind="stable")
        own = {MASK_REGIONS: np.take_along_axis(boxes, order[..., None], 1)}
        return super().perfect(encoded) | own | {"masks": np.take_along_axis(masks, order[..., None, None], 1)}

    def decode(self, outputs: Mapping[str, NDArray[np.float32]], size: Size) -> Boxes:
        """The best boxes of each picture, each with its mask."""
        return with_masks(super().decode(outputs, size), outputs["masks"], size)

    def score(self) -> DetectionScore:
        """COCO's average precision of boxes and of masks."""
        return DetectionScore(self.names, masks=True)
