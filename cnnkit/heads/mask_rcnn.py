"""Mask R-CNN: Faster R-CNN with a mask of each region, in parallel to its class and box.

He et al., "Mask R-CNN", ICCV 2017 (arXiv:1703.06870).
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
from cnnkit.heads.box_stage import BoxStageRCNN, region_tower
from cnnkit.heads.detection_score import DetectionScore
from cnnkit.heads.detector import SURE, counts
from cnnkit.heads.head import Size
from cnnkit.heads.region_masks import mask_losses, masks_in, small_masks, with_masks


@dataclass(frozen=True)
class MaskRCNN(BoxStageRCNN):
    """The head of `ck.tasks.mask_rcnn`, which documents the fields.

    Beside the outputs of `FasterRCNN` it has those of a third stage: `"mask_regions"`, (k, 4) the regions that it was
    given, and `"masks"`, (k, m, m) logits of each.
    """

    kind: ClassVar[str] = "mask_rcnn"
    stage: ClassVar[str] = "mask"
    told: ClassVar[str] = "masks"
    arguments: ClassVar[tuple[Argument, ...]] = (
        *BoxStageRCNN.arguments,
        *counts("mask_side", "mask_width", "mask_depth", "mask_sample"),
    )

    mask_side: int = 14
    mask_width: int = 32
    mask_depth: int = 2
    mask_sample: int = 8

    @property
    def stage_sample(self) -> int:
        """Regions per picture that masks are learned of."""
        return self.mask_sample

    def stage_layers(self, maps: keras.KerasTensor, regions: keras.KerasTensor) -> keras.KerasTensor:
        """Convolutions and the logit of each pixel."""
        x = region_tower(
            maps,
            regions,
            name=self.stage,
            side=self.mask_side,
            width=self.mask_width,
            depth=self.mask_depth,
            seed=self.seed,
        )
        x = keras.layers.Dense(
            1, kernel_initializer=keras.initializers.GlorotUniform(seed=self.seed), name="mask_logits", dtype="float32"
        )(x)
        return keras.layers.Reshape((-1, self.mask_side, self.mask_side), name="masks", dtype="float32")(x)

    def encode(self, truth: Boxes, size: Size) -> dict[str, NDArray[Any]]:
        """As of `FasterRCNN`, and `true_masks`.

        Raises:
            DataError: Truth of another kind, with other classes, or boxes without masks.
        """
        return super().encode(truth, size) | {"true_masks": small_masks(truth)}

    def losses(self, encoded: Any, outputs: Any) -> dict[str, Any]:
        """The four of Faster R-CNN, and that of masks."""
        masks = mask_losses(encoded, outputs[self.stage_regions], outputs["masks"])
        return super().losses(encoded, outputs) | {"masks": masks}

    def perfect(self, encoded: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Sure masks of the true boxes, too."""
        boxes, fine = encoded["true_boxes"], np.float32(encoded["true_masks"])
        like = np.zeros((*boxes.shape[:2], self.mask_side, self.mask_side), np.float32)
        shown = np.asarray(masks_in(boxes, boxes, fine, like))
        masks = np.where(shown > 0, SURE, -SURE).astype(np.float32)
        # Those that count are decoded, in their order.
        order = np.argsort(encoded["true_labels"] < 0, axis=1, kind="stable")
        own = {self.stage_regions: np.take_along_axis(boxes, order[..., None], 1)}
        return super().perfect(encoded) | own | {"masks": np.take_along_axis(masks, order[..., None, None], 1)}

    def decode(self, outputs: Mapping[str, NDArray[np.float32]], size: Size) -> Boxes:
        """The best boxes of each picture, each with its mask."""
        return with_masks(super().decode(outputs, size), outputs["masks"], size)

    def score(self) -> DetectionScore:
        """COCO's average precision of boxes and of masks."""
        return DetectionScore(self.names, kinds=("masks",))
