"""Detection without anchors: every cell of a pyramid says which class it shows and where the box around it is.

After Tian et al., "FCOS: Fully Convolutional One-Stage Object Detection", ICCV 2019 (arXiv:1904.01355): feature
pyramid, layers that all levels share, focal loss and an IoU loss. Four things differ. Every box owns a cell, where
published ones that lie between centres or under smaller ones own none. A cell says the middle and the size of its box
instead of the distances to four sides, so that a small box may lie beside the centre of its cell. There is no
centre-ness: cells far from the middle of a box do not own it, and the score of a class is taught how much the cell's
box overlaps the true one (Li et al. 2020). And the pyramid and the shared layers have a batch normalization for each
level, where the authors' code has a group normalization.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.arguments import Argument
from cnnkit.data.targets.boxes import Boxes
from cnnkit.errors import InputError
from cnnkit.heads.cells import BACKGROUND, IGNORED, cells_of, owned
from cnnkit.heads.classifier_arguments import class_names
from cnnkit.heads.detection import not_counted, require_boxes
from cnnkit.heads.detector import SingleStageDetector, counts, factors, sure_logits
from cnnkit.heads.graph_decoding import around, cell_places
from cnnkit.heads.head import Size
from cnnkit.heads.levels_layers import PRIOR_LOGIT, joined, normalized_levels, on_levels, prediction, tower
from cnnkit.losses.boxes import giou, intersection_over_union
from cnnkit.losses.focal import quality_focal_of_logits
from cnnkit.necks.feature_pyramid import fpn
from cnnkit.necks.levels import Levels

LEVELS = ("P3", "P4", "P5")
# How far from the middle of its box a cell may be, in strides (the code of FCOS's authors), and how long a box of a
# level may be: 10 strides are 80 pixels for P3. Six are too few for the places of large boxes, and the paper's 16 (64
# pixels from the middle to either end) too many for a tower of few layers: AP .181, .211, .197 of drawn scenes.
RADIUS, REACH = 1.5, 10.0
# Width and height of a box in strides at the start, as a logarithm; and the largest that is computed.
LOG_SIDE, MOST_LOG_SIDE = 1.0, 6.0


@dataclass(frozen=True)
class FCOS(SingleStageDetector):
    """A detector made by `fcos`, which documents the fields.

    Its outputs are `"classes"`, (cells, classes) logits, and `"boxes"`, (cells, 4): the middle of a box from the centre
    of the cell, in strides, and the logarithms of its width and height in strides. Cells are those of P3, P4 and P5,
    level by level, row by row.
    """

    kind: ClassVar[str] = "fcos"
    arguments: ClassVar[tuple[Argument, ...]] = (*counts("width", "depth"), *factors("box_weight"))

    width: int = 64
    depth: int = 1
    box_weight: float = 2.0

    @property
    def taps(self) -> tuple[str, ...]:
        """Strides 8, 16 and 32."""
        return LEVELS

    def build(self, features: Levels) -> dict[str, keras.KerasTensor]:
        """A feature pyramid, then the same layers on each of its levels."""
        maps = normalized_levels(fpn(features, width=self.width, seed=self.seed))
        maps = tower(maps, self.width, self.depth, name="tower", seed=self.seed)
        outputs = {}
        for name, numbers, bias in (("classes", len(self.names), PRIOR_LOGIT), ("boxes", 4, 0.0)):
            last = prediction(f"{name}_of_cells", numbers, bias=bias, seed=self.seed)
            outputs[name] = joined(on_levels(maps, last), numbers, name=name)
        start = [0.0, 0.0, LOG_SIDE, LOG_SIDE]
        boxes = keras.layers.Rescaling(1.0, offset=start, name="boxes_from_start", dtype="float32")(outputs["boxes"])
        return outputs | {"boxes": boxes}

    def encode(self, truth: Boxes, size: Size) -> dict[str, NDArray[Any]]:
        """`labels` (n, cells), −1 of cells without a box and −2 of those that do not count, and `boxes` (n, cells, 4).

        A box is x1, y1, x2, y2 from the centre of its cell, in strides.

        Raises:
            DataError: The truth is of another kind, or has other classes.
        """
        truth = require_boxes(truth, self.names)
        cells, passed_over = cells_of(self.taps, size), not_counted(truth)
        labels = np.full((len(truth), len(cells)), BACKGROUND, np.int32)
        boxes = np.zeros((len(truth), len(cells), 4), np.float32)
        middles = np.tile(cells.centres, 2)
        for index in range(len(truth)):
            own = np.arange(truth.starts[index], truth.starts[index + 1])
            for box in truth.boxes[own[passed_over[own]]]:
                inside = ((cells.centres >= box[:2]) & (cells.centres <= box[2:])).all(axis=1)
                labels[index, inside] = IGNORED
            own = own[~passed_over[own]]
            owners = owned(cells, truth.boxes[own], radius=RADIUS, reach=REACH)
            taken = np.flatnonzero(owners >= 0)
            rows = own[owners[taken]]
            labels[index, taken] = truth.labels[rows]
            boxes[index, taken] = (truth.boxes[rows] - middles[taken]) / cells.strides[taken, None]
        return {"labels": labels, "boxes": boxes}

    def loss(self, encoded: Any, outputs: Any) -> Any:
        """(n,) focal loss of all cells + `box_weight` · (1 − GIoU) of those with a box, per cell with a box.

        The class of a cell with a box is as true as the box that the cell says: its IoU, which is not to be lowered.
        """
        ops = keras.ops
        labels, logits = ops.convert_to_tensor(encoded["labels"]), outputs["classes"]
        if labels.shape[1] != logits.shape[1]:
            raise InputError(
                "an input whose sides are multiples of 32 for this head",
                f"{logits.shape[1]} cells, not {labels.shape[1]}",
                "ck.backbone(name, input_shape=(224, 224, 3)) is one.",
            )
        shown = ops.cast(labels >= 0, "float32")
        counted = ops.cast(labels > IGNORED, "float32")
        middle, side = outputs["boxes"][..., :2], ops.exp(ops.minimum(outputs["boxes"][..., 2:], MOST_LOG_SIDE))
        found = ops.concatenate([middle - side / 2, middle + side / 2], axis=-1)
        overlaps = ops.stop_gradient(intersection_over_union(encoded["boxes"], found))
        targets = overlaps[..., None] * ops.one_hot(labels, len(self.names), dtype="float32")  # nothing of −1 and −2
        focal = ops.sum(quality_focal_of_logits(targets, logits), axis=-1)
        loss = counted * focal + self.box_weight * shown * giou(encoded["boxes"], found)
        return ops.sum(loss, axis=1) / ops.maximum(ops.sum(shown, axis=1), 1)

    def perfect(self, encoded: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float64]]:
        """Sure classes, and the boxes as cells say them."""
        low, high = encoded["boxes"][..., :2], encoded["boxes"][..., 2:]
        sides = np.where(encoded["labels"][..., None] >= 0, high - low, 1)
        classes = sure_logits(encoded["labels"], len(self.names))
        return {"classes": classes, "boxes": np.concatenate([(low + high) / 2, np.log(sides)], axis=-1)}

    def candidates(self, outputs: Mapping[str, Any], size: Size) -> tuple[Any, Any]:
        """The box of each cell, with the probability of each class as score."""
        centres, strides = cell_places(outputs["boxes"], self.taps, size)
        middle = centres + outputs["boxes"][..., :2] * strides
        side = keras.ops.exp(keras.ops.minimum(outputs["boxes"][..., 2:], MOST_LOG_SIDE))
        return around(middle, side * strides / 2), keras.ops.sigmoid(outputs["classes"])


def fcos(
    classes: Sequence[str],
    *,
    width: int = 64,
    depth: int = 1,
    box_weight: float = 2.0,
    iou: float = 0.5,
    most: int = 100,
    class_agnostic: bool = False,
    seed: int = 0,
) -> FCOS:
    """Any number of objects, each with its class and its box: a detector without anchors, the default for boxes.

    Args:
        classes: Names in the order of the labels.
        width: Channels of the pyramid and of the layers on it; 256 in the paper.
        depth: 3×3 convolutions before the predictions, which both share; 4 for each in the paper.
        box_weight: Of the loss of boxes beside that of classes.
        iou: Of two boxes of one class that overlap by more, the better one stays.
        most: Boxes per picture; COCO counts 100.
        class_agnostic: Whether it stays whatever the classes of the two are: one class for each place.
        seed: Of the initial weights.

    Raises:
        InputError: A setting out of its range.

    >>> fcos(["person", "car"]).taps
    ('P3', 'P4', 'P5')
    """
    return FCOS(
        class_names(classes),
        iou=iou,
        most=most,
        class_agnostic=class_agnostic,
        seed=seed,
        width=width,
        depth=depth,
        box_weight=box_weight,
    )
