"""You Only Look Once: each of S × S cells says B boxes, how sure it is of each, and one class (lectures 000, 003, 004).

Redmon et al., "You Only Look Once: Unified, Real-Time Object Detection", CVPR 2016 (arXiv:1506.02640), equation 3,
as the lectures write it. With x, y of the middle in its cell, w, h as shares of the picture and C the confidence:

    λ_coord Σ 1_ij^obj [(x − x̂)² + (y − ŷ)²] + λ_coord Σ 1_ij^obj [(√w − √ŵ)² + (√h − √ĥ)²]
    + Σ 1_ij^obj (C − Ĉ)² + λ_noobj Σ 1_ij^noobj (C − Ĉ)² + Σ 1_i^obj Σ_c (p(c) − p̂(c))²

1_ij^obj is 1 of the one box of a cell that meets the true box best, by its IoU, which is its true confidence C; all
other boxes are "noobj", with a C of 0. The five numbers of a box are sigmoids, so that no root is of a negative number,
and the classes of a cell are a distribution, a softmax. The layers before them are convolutions; the paper has a fully
connected one of 4,096 units.
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
from cnnkit.heads.cells import BACKGROUND, IGNORED, middle_cells
from cnnkit.heads.classifier_arguments import class_names
from cnnkit.heads.detection import not_counted, require_boxes
from cnnkit.heads.detector import SingleStageDetector, counts, factors
from cnnkit.heads.graph_decoding import around, cell_corners, times
from cnnkit.heads.head import Size
from cnnkit.losses.boxes import intersection_over_union
from cnnkit.necks.blocks import block
from cnnkit.necks.levels import sized

# The slope of a root is infinite at 0.
LEAST_SIDE = 1e-6
BOX = 5  # x, y, w, h and the confidence


@dataclass(frozen=True)
class YOLOv1(SingleStageDetector):
    """A detector made by `yolo_v1`, which documents the fields.

    Its output is (S, S, 5 · B + C): of each box x, y, w, h and the confidence, then the probabilities of the classes.
    """

    kind: ClassVar[str] = "yolo_v1"
    per_box: ClassVar[bool] = False
    arguments: ClassVar[tuple[Argument, ...]] = (
        *counts("cells", "boxes", "width", "depth"),
        *factors("coordinates_weight", "nothing_weight"),
    )

    iou: float = 0.5
    cells: int = 7
    boxes: int = 2
    width: int = 256
    depth: int = 2
    coordinates_weight: float = 5.0
    nothing_weight: float = 0.5

    @property
    def taps(self) -> tuple[str, ...]:
        """The cut."""
        return ()

    def build(self, features: keras.KerasTensor) -> keras.KerasTensor:
        """3×3 convolutions on the last map at S × S places, then a 1×1 convolution."""
        if len(features.shape) != 4:
            raise InputError(
                "a cut that is a map, (n, h, w, channels)",
                f"shape {tuple(features.shape)}",
                "backbone.cuts() lists the maps.",
            )
        x = sized(features, (self.cells, self.cells), "yolo_grid")
        for number in range(1, self.depth + 1):
            x = block(x, self.width, name=f"yolo_{number}", seed=self.seed + number)
        numbers = keras.layers.Conv2D(
            BOX * self.boxes + len(self.names),
            1,
            kernel_initializer=keras.initializers.GlorotUniform(seed=self.seed),
            name="yolo_numbers",
            dtype="float32",
        )(x)
        boxes, classes = numbers[..., : BOX * self.boxes], numbers[..., BOX * self.boxes :]
        boxes = keras.layers.Activation("sigmoid", name="yolo_boxes", dtype="float32")(boxes)
        classes = keras.layers.Softmax(name="yolo_classes", dtype="float32")(classes)
        return keras.layers.Concatenate(name="yolo_cells", dtype="float32")([boxes, classes])

    def encode(self, truth: Boxes, size: Size) -> dict[str, NDArray[Any]]:
        """`labels` (n, S, S), −1 of cells without a box and −2 of those that do not count, and `boxes` (n, S, S, 4).

        The cell in which the middle of a box lies has it: x, y in the cell and w, h as shares of the picture. Of
        several boxes a cell has the largest.

        Raises:
            DataError: The truth is of another kind, or has other classes.
        """
        truth = require_boxes(truth, self.names)
        side = self.cells
        labels = np.full((len(truth), side, side), BACKGROUND, np.int32)
        boxes = np.zeros((len(truth), side, side, 4), np.float32)
        rows, columns, inside = middle_cells(truth.boxes, (side, side), size)
        sides = (truth.boxes[:, 2:] - truth.boxes[:, :2]) / size[::-1]
        passed_over, owners = not_counted(truth), truth.owners
        labels[owners[passed_over], rows[passed_over], columns[passed_over]] = IGNORED
        counted = np.flatnonzero(~passed_over)
        order = counted[np.argsort(sides[counted].prod(axis=1), kind="stable")]  # what is written last stays
        where = owners[order], rows[order], columns[order]
        labels[where] = truth.labels[order]
        boxes[where] = np.concatenate([inside, sides], axis=1)[order]
        return {"labels": labels, "boxes": boxes}

    def loss(self, encoded: Any, outputs: Any) -> Any:
        """(n,) equation 3 of each picture."""
        ops = keras.ops
        labels, true = ops.convert_to_tensor(encoded["labels"]), ops.convert_to_tensor(encoded["boxes"])
        found, classes = self._parts(outputs)
        shown, counted = ops.cast(labels >= 0, "float32"), ops.cast(labels > IGNORED, "float32")
        true = ops.repeat(true[..., None, :], self.boxes, axis=-2)  # (n, S, S, B, 4)
        overlap = ops.stop_gradient(self._overlap(true, found[..., :4]))
        responsible = ops.one_hot(ops.argmax(overlap, axis=-1), self.boxes, dtype="float32") * shown[..., None]
        others = (1 - responsible) * counted[..., None]
        roots = ops.sqrt(ops.maximum(found[..., 2:4], LEAST_SIDE))
        places = ops.sum(ops.square(true[..., :2] - found[..., :2]), axis=-1)
        places += ops.sum(ops.square(ops.sqrt(true[..., 2:]) - roots), axis=-1)
        confidence = found[..., 4]
        boxes = responsible * (self.coordinates_weight * places + ops.square(overlap - confidence))
        boxes += self.nothing_weight * others * ops.square(confidence)
        wrong = ops.sum(ops.square(ops.one_hot(labels, len(self.names), dtype="float32") - classes), axis=-1)
        return ops.sum(boxes, axis=(1, 2, 3)) + ops.sum(shown * wrong, axis=(1, 2))

    def perfect(self, encoded: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """The first box of a cell is its true one."""
        labels, boxes = encoded["labels"], encoded["boxes"]
        shown = (labels >= 0)[..., None]
        first = np.concatenate([boxes, shown], axis=-1)
        nothing = np.zeros((*labels.shape, BOX * (self.boxes - 1)))
        return np.concatenate([first, nothing, labels[..., None] == np.arange(len(self.names))], axis=-1)

    def candidates(self, outputs: Any, size: Size) -> tuple[Any, Any]:
        """Of each box confidence × probability is the score of each class."""
        ops = keras.ops
        boxes, classes = self._parts(outputs)
        middle, half = self._places(boxes[..., :2]), boxes[..., 2:4] / 2
        corners = times(around(middle, half), (*size[::-1], *size[::-1]))
        scores = boxes[..., 4:] * ops.reshape(classes, (-1, self.cells, self.cells, 1, len(self.names)))
        count = self.cells**2 * self.boxes
        return ops.reshape(corners, (-1, count, 4)), ops.reshape(scores, (-1, count, len(self.names)))

    def _parts(self, outputs: Any) -> tuple[Any, Any]:
        """(n, S, S, B, 5) and (n, S, S, C) of the output."""
        boxes = outputs[..., : BOX * self.boxes]
        shape = (-1, self.cells, self.cells, self.boxes, BOX)
        return keras.ops.reshape(boxes, shape), outputs[..., BOX * self.boxes :]

    def _places(self, inside: Any) -> Any:
        """(…, S, S, B, 2) x and y in their cells → as shares of the picture."""
        grid = cell_corners(keras.ops.ones_like(inside[..., 0, :1]))
        return (inside + keras.ops.reshape(grid, (-1, self.cells, self.cells, 1, 2))) / self.cells

    def _overlap(self, true: Any, found: Any) -> Any:
        """IoU of boxes x, y in their cells, w, h, (n, S, S, B, 4) each."""
        pairs = []
        for boxes in (true, found):
            pairs.append(around(self._places(boxes[..., :2]), boxes[..., 2:] / 2))
        return intersection_over_union(*pairs)


def yolo_v1(
    classes: Sequence[str],
    *,
    cells: int = 7,
    boxes: int = 2,
    width: int = 256,
    depth: int = 2,
    coordinates_weight: float = 5.0,
    nothing_weight: float = 0.5,
    iou: float = 0.5,
    most: int = 100,
    class_agnostic: bool = False,
    seed: int = 0,
) -> YOLOv1:
    """You Only Look Once (Redmon et al. 2016, arXiv:1506.02640): a grid of cells, each with a few boxes and one class.

    The detector that lectures 000, 003 and 004 begin with: 7 × 7 cells of 2 boxes and the 20 classes of Pascal VOC are
    7·7·30 numbers and 98 boxes. Its loss is the sum of squares of their equation, with λ_coord and λ_noobj.

    A cell has one box alone, the largest whose middle lies in it: of 198 boxes in 42 drawn scenes 13 share a cell with
    a larger one, which no training can find. `ck.heads.representable(head, truth, size)` tells those of yours.

    Args:
        classes: Names in the order of the labels.
        cells: S, along each side; the last map of the backbone is brought to this size.
        boxes: B, predicted boxes per cell.
        width: Channels of the layers in front.
        depth: How many 3×3 convolutions these are.
        coordinates_weight: λ_coord, of the places and sizes of boxes.
        nothing_weight: λ_noobj, of the confidence of boxes that are not responsible for a true one.
        iou: Of two boxes of one class that overlap by more, the better one stays.
        most: Boxes per picture.
        class_agnostic: Whether it stays whatever the classes of the two are: one class for each place.
        seed: Of the initial weights.

    Raises:
        InputError: A setting out of its range.

    >>> head = yolo_v1([f"class {number}" for number in range(20)])
    >>> head.build(keras.Input((7, 7, 512))).shape
    (None, 7, 7, 30)
    """
    return YOLOv1(
        class_names(classes),
        iou=iou,
        most=most,
        class_agnostic=class_agnostic,
        seed=seed,
        cells=cells,
        boxes=boxes,
        width=width,
        depth=depth,
        coordinates_weight=coordinates_weight,
        nothing_weight=nothing_weight,
    )
