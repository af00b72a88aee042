"""Masks of regions: those of true boxes as small maps, what a region shows of them, and the way back to the picture.

He et al., "Mask R-CNN", ICCV 2017 (arXiv:1703.06870), section 3: a region has a mask of m × m, which is learned from
what it shows of its own box's mask. One mask per region is for all classes, which the paper found to be nearly as good
(section 4.1, "class-specific vs. class-agnostic masks").
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import cv2
import keras
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from cnnkit.data.targets.boxes import Boxes
from cnnkit.data.targets.masks import Masks
from cnnkit.data.targets.stored import Stored
from cnnkit.errors import DataError
from cnnkit.heads.box_stage import with_regions_told
from cnnkit.heads.cells import BACKGROUND
from cnnkit.heads.head import Size
from cnnkit.heads.region_targets import MOST_TRUE, largest, matched, of_owners
from cnnkit.necks.regions import bilinear_shares

# A true mask is kept as a map of so many cells along each side of its box.
FINE = 28
NAMES = ("background", "thing")


def small_masks(truth: Boxes) -> NDArray[np.uint8]:
    """(n, `MOST_TRUE`, `FINE`, `FINE`) 255 where a box shows its thing, in the order of `padded`.

    Raises:
        DataError: Boxes without masks.
    """
    if truth.masks is None:
        raise DataError("boxes with the mask of each thing", "boxes alone", "ck.tasks.faster_rcnn learns from boxes.")
    found = np.zeros((len(truth), MOST_TRUE, FINE, FINE), np.uint8)
    for index in range(len(truth)):
        for place, box in enumerate(largest(truth, index).tolist()):
            left, top, right, bottom = truth.boxes[box]
            across, down = (right - left) / FINE, (bottom - top) / FINE
            # The middle of a cell in pixels, whose middles are whole numbers to OpenCV.
            way = np.array([[across, 0, left + across / 2 - 0.5], [0, down, top + down / 2 - 0.5]], np.float64)
            shown = (truth.masks.mask(box) == 1).astype(np.uint8) * 255
            found[index, place] = cv2.warpAffine(
                shown, way, (FINE, FINE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
            )
    return found


def mask_losses(encoded: Any, regions: Any, logits: Any) -> Any:
    """(n,) the cross-entropy of pixels, their mean over a region, and over the regions that show a box.

    Args:
        encoded: With `padded`, and `small_masks` as `true_masks`.
        regions: (n, k, 4).
        logits: (n, k, m, m).
    """
    ops = keras.ops
    regions = ops.stop_gradient(regions)
    owners, labels = matched(encoded, regions)
    shown = ops.cast(labels > BACKGROUND, "float32")
    targets = masks_in(
        regions, of_owners(encoded["true_boxes"], owners), of_owners(encoded["true_masks"], owners), logits
    )
    entropy = ops.relu(logits) - logits * targets + ops.softplus(-ops.abs(logits))
    return ops.sum(shown * ops.mean(entropy, axis=(2, 3)), axis=1) / ops.maximum(ops.sum(shown, axis=1), 1.0)


def masks_in(regions: Any, boxes: Any, masks: Any, like: Any) -> Any:
    """What regions show of the masks of their boxes: 0 or 1 in the middle of each cell, in the shape of `like`.

    Args:
        regions: (n, k, 4).
        boxes: (n, k, 4) of the masks.
        masks: (n, k, fine, fine) 0…255.
        like: (n, k, m, m).
    """
    ops = keras.ops
    fine = masks.shape[-1]
    cells = ops.cumsum(ops.ones_like(masks[:, :, 0]), axis=-1) - 0.5
    middles = (ops.cumsum(ops.ones_like(like[:, :, 0]), axis=-1) - 0.5) / like.shape[-1]
    columns, rows = (
        bilinear_shares(
            (
                regions[..., low, None]
                + middles * (regions[..., low + 2] - regions[..., low])[..., None]
                - boxes[..., low, None]
            )
            * (fine / ops.maximum(boxes[..., low + 2] - boxes[..., low], 1e-3))[..., None],
            cells,
        )
        for low in (0, 1)
    )
    shown = ops.einsum("nkxw,nkyw->nkyx", columns, ops.einsum("nkyh,nkhw->nkyw", rows, masks))
    return ops.cast(shown >= 127.5, "float32")


@dataclass(frozen=True, eq=False)
class RegionMasks:
    """Reads the masks of regions, each brought into its box when it is asked for.

    Attributes:
        logits: (boxes, m, m).
        boxes: (boxes, 4) x1, y1, x2, y2 in pixels.
        size: (height, width) of the picture.
    """

    logits: NDArray[np.float32]
    boxes: NDArray[np.float64]
    size: Size

    def read(self, position: int) -> NDArray[np.uint8]:
        """(h, w) 1 in the pixels whose middle lies in the box, and where the mask is surer than not."""
        (left, top, right, bottom), side = self.boxes[position], self.logits.shape[-1]
        across, down = side / max(right - left, 1e-3), side / max(bottom - top, 1e-3)
        way = np.array([[across, 0, (0.5 - left) * across - 0.5], [0, down, (0.5 - top) * down - 0.5]], np.float64)
        shown = cv2.warpAffine(
            np.asarray(expit(self.logits[position]), np.float32),
            way,
            self.size[::-1],
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        rows, columns = (np.arange(length) + 0.5 for length in self.size)
        inside = ((rows >= top) & (rows <= bottom))[:, None] & (columns >= left) & (columns <= right)
        return np.asarray((shown >= 0.5) & inside, np.uint8)

    def digest(self, position: int) -> str:
        """A sha256 over shape and values, as that of an array in memory."""
        mask = self.read(position)
        return hashlib.sha256(f"{mask.shape}\0".encode() + mask.tobytes()).hexdigest()


def with_masks(boxes: Boxes, logits: NDArray[np.float32], size: Size) -> Boxes:
    """Boxes with their masks, read on demand; those without one are left out.

    Args:
        boxes: Of n pictures.
        logits: (n, k, m, m) of the first k boxes of each picture, in order.
        size: Of the pictures.
    """
    boxes, owners, places = with_regions_told(boxes, logits.shape[1])
    reader = RegionMasks(np.asarray(logits, np.float32)[owners, places], boxes.boxes, size)
    return replace(boxes, masks=Masks(NAMES, Stored(reader, np.arange(len(owners)))))
