"""YOLO v2: cells with anchors, each with classes of its own, and finer features passed through (lecture 003).

Redmon and Farhadi, "YOLO9000: Better, Faster, Stronger", CVPR 2017 (arXiv:1612.08242), section 2. A box is a shift of
its anchor: with the corner c of the cell and the sides p of the anchor, b_x = σ(t_x) + c_x and b_w = p_w exp(t_w), and
its confidence σ(t_o) is to be its IoU ("direct location prediction"). The paper writes no loss. This one is that of its
code (the region layer of Darknet, with the factors of `yolov2-voc.cfg`): squares of σ(t_x) − x, σ(t_y) − y, t_w − w and
t_h − h times 2 − w h of the picture, so that small boxes count more; squares of the confidence, times 5 where a box is
and 1 where none is; and a cross-entropy of the classes. An anchor that meets a true box which it does not own by more
than .6 is not told that it shows nothing; the code asks the predicted box.
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
from cnnkit.heads.anchor_sizes import Shapes, anchor_shapes, shape_iou
from cnnkit.heads.anchors import MOST_LOG_SIDE
from cnnkit.heads.cells import BACKGROUND, IGNORED, middle_cells
from cnnkit.heads.classifier_arguments import class_names
from cnnkit.heads.detection import not_counted, require_boxes
from cnnkit.heads.detector import SURE, SingleStageDetector, counts
from cnnkit.heads.graph_decoding import around, cell_corners, grown, times
from cnnkit.heads.head import Size
from cnnkit.losses.boxes import intersection_over_union
from cnnkit.metrics.box_overlap import box_iou
from cnnkit.necks.blocks import block
from cnnkit.necks.levels import Levels

# Width and height of the anchors of Pascal VOC as shares of the picture (`yolov2-voc.cfg` of Darknet, in 13ths).
VOC = tuple(
    (width / 13, height / 13)
    for width, height in (
        (1.3221, 1.73145),
        (3.19275, 4.00944),
        (5.05587, 8.09892),
        (9.47112, 4.84053),
        (11.2356, 10.0071),
    )
)
STRIDES = (16, 32)
OBJECT, NOTHING = 5.0, 1.0
NOT_DENIED = 0.6
# A box without area has no logarithm.
LEAST_SIDE = 1e-6
BOX = 5  # t_x, t_y, t_w, t_h and t_o


@dataclass(frozen=True)
class YOLOv2(SingleStageDetector):
    """A detector made by `yolo_v2`, which documents the fields.

    Its output is (rows, columns, anchors, 5 + classes): t_x, t_y, t_w, t_h, t_o and the logits of the classes.
    """

    kind: ClassVar[str] = "yolo_v2"
    per_box: ClassVar[bool] = False
    arguments: ClassVar[tuple[Argument, ...]] = (
        *counts("width"),
        Argument("stride", lambda value: value in STRIDES, f"stride as one of {list(STRIDES)}", "32 is the paper's."),
        anchor_shapes("anchors"),
    )

    iou: float = 0.5
    anchors: Shapes = VOC
    stride: int = 16
    width: int = 128

    @property
    def taps(self) -> tuple[str, ...]:
        """The level of the cells, and the finer one that is passed through."""
        return ("P3", "P4") if self.stride == STRIDES[0] else ("P4", "P5")

    def build(self, features: Levels) -> keras.KerasTensor:
        """A 3×3 convolution, joined with the finer map laid into channels, another one, and a 1×1 convolution."""
        fine, coarse = (features[tap] for tap in self.taps)
        x = block(coarse, self.width, name="yolo_coarse", seed=self.seed + 1)
        fine = block(fine, self.width // 4 or 1, kernel=1, name="yolo_fine", seed=self.seed + 2)
        x = keras.layers.Concatenate(name="yolo_join")([passthrough(fine, x), x])
        x = block(x, self.width, name="yolo_joined", seed=self.seed + 3)
        numbers = BOX + len(self.names)
        x = keras.layers.Conv2D(
            len(self.anchors) * numbers,
            1,
            kernel_initializer=keras.initializers.GlorotUniform(seed=self.seed),
            name="yolo_numbers",
            dtype="float32",
        )(x)
        return keras.layers.Reshape((*x.shape[1:3], len(self.anchors), numbers), name="yolo_cells", dtype="float32")(x)

    def encode(self, truth: Boxes, size: Size) -> dict[str, NDArray[Any]]:
        """`labels` (n, rows, columns, anchors), −1 of nothing and −2 of what does not count, and `boxes` (…, 4).

        The cell in which the middle of a box lies has it, at the anchor whose shape meets it best, or the best one that
        no larger box has: x, y in the cell and w, h as shares of the picture.

        Raises:
            DataError: The truth is of another kind, or has other classes.
        """
        truth = require_boxes(truth, self.names)
        grid = self._grid(size)
        shape = (len(truth), *grid, len(self.anchors))
        labels, boxes = np.full(shape, BACKGROUND, np.int32), np.zeros((*shape, 4), np.float32)
        rows, columns, inside = middle_cells(truth.boxes, grid, size)
        sides = (truth.boxes[:, 2:] - truth.boxes[:, :2]) / size[::-1]
        passed_over, order = not_counted(truth), np.argsort(-sides.prod(axis=1), kind="stable")
        for index in range(len(truth)):
            mine = order[truth.owners[order] == index]
            overlap = box_iou(self._corners(size).reshape(-1, 4), truth.boxes[mine]).max(axis=1, initial=0)
            labels[index][overlap.reshape(shape[1:]) > NOT_DENIED] = IGNORED
            for box in mine[passed_over[mine]]:
                labels[index, rows[box], columns[box]] = IGNORED
            for box in mine[~passed_over[mine]]:
                cell = (index, rows[box], columns[box])
                fitting = np.where(labels[cell] < 0, shape_iou(sides[[box]], np.array(self.anchors))[0], -1)
                anchor = int(fitting.argmax())
                if fitting[anchor] >= 0:
                    labels[(*cell, anchor)] = truth.labels[box]
                    boxes[(*cell, anchor)] = [*inside[box], *sides[box]]
        return {"labels": labels, "boxes": boxes}

    def loss(self, encoded: Any, outputs: Any) -> Any:
        """(n,) the sum over all cells and anchors of a picture."""
        ops = keras.ops
        labels, true = ops.convert_to_tensor(encoded["labels"]), ops.convert_to_tensor(encoded["boxes"])
        outputs = ops.convert_to_tensor(outputs)
        if labels.shape[1:3] != outputs.shape[1:3]:
            raise InputError(
                f"an input whose sides are multiples of {self.stride} for this head",
                f"{tuple(outputs.shape[1:3])} cells, not {tuple(labels.shape[1:3])}",
                "ck.backbone(name, input_shape=(224, 224, 3)) is one.",
            )
        shown, nothing = ops.cast(labels >= 0, "float32"), ops.cast(ops.equal(labels, BACKGROUND), "float32")
        anchors = ops.convert_to_tensor(np.array(self.anchors, np.float32))
        places, logs = ops.sigmoid(outputs[..., :2]), ops.minimum(outputs[..., 2:4], MOST_LOG_SIDE)
        true_sides = ops.where(shown[..., None] > 0, ops.maximum(true[..., 2:], LEAST_SIDE), anchors)
        wrong = ops.sum(ops.square(true[..., :2] - places), axis=-1)
        wrong += ops.sum(ops.square(ops.log(true_sides / anchors) - logs), axis=-1)
        small = 2 - true[..., 2] * true[..., 3]
        overlap = self._overlap(true, places, anchors * ops.exp(logs), tuple(labels.shape[1:3]))
        confidence = ops.sigmoid(outputs[..., 4])
        logits = outputs[..., BOX:]
        classes = ops.sparse_categorical_crossentropy(ops.maximum(labels, 0), logits, from_logits=True)
        loss = shown * (small * wrong + classes + OBJECT * ops.square(ops.stop_gradient(overlap) - confidence))
        return ops.sum(loss + NOTHING * nothing * ops.square(confidence), axis=(1, 2, 3))

    def perfect(self, encoded: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """Sure boxes at their anchors."""
        labels, boxes = encoded["labels"], encoded["boxes"].astype(np.float64)
        shown = (labels >= 0)[..., None]
        inside = np.clip(boxes[..., :2], 1e-12, 1 - 1e-12)
        sides = np.log(np.where(shown, np.maximum(boxes[..., 2:], LEAST_SIDE), self.anchors) / np.array(self.anchors))
        sure, classes = np.where(shown, SURE, -SURE), labels[..., None] == np.arange(len(self.names))
        return np.concatenate([np.log(inside / (1 - inside)), sides, sure, np.where(classes, SURE, -SURE)], axis=-1)

    def candidates(self, outputs: Any, size: Size) -> tuple[Any, Any]:
        """Of each box confidence × probability is the score of each class."""
        ops = keras.ops
        (rows, columns), (height, width) = self._grid(size), size
        grid = ops.reshape(cell_corners(ops.ones_like(outputs[..., 0, :1])), (-1, rows, columns, 1, 2))
        middle = times(ops.sigmoid(outputs[..., :2]) + grid, (width / columns, height / rows))
        half = times(grown(outputs[..., 2:4]), [[width * w / 2, height * h / 2] for w, h in self.anchors])
        scores = ops.sigmoid(outputs[..., 4:BOX]) * ops.softmax(outputs[..., BOX:], axis=-1)
        count = rows * columns * len(self.anchors)
        return ops.reshape(around(middle, half), (-1, count, 4)), ops.reshape(scores, (-1, count, len(self.names)))

    def anchor_maps(self, size: Size) -> dict[str, NDArray[np.float64]]:
        """Level → (rows, columns, anchors, 4) in pixels of an input of `size`."""
        return {self.taps[-1]: self._corners(size)}

    def _grid(self, size: Size) -> tuple[int, int]:
        return -(-size[0] // self.stride), -(-size[1] // self.stride)

    def _corners(self, size: Size) -> NDArray[np.float64]:
        """(rows, columns, anchors, 4) the anchors in the middle of their cells, in pixels."""
        grid = self._grid(size)
        middle = np.broadcast_to((_corner_of_cells(grid) + 0.5) / grid[::-1], (*grid, len(self.anchors), 2))
        half = np.array(self.anchors) / 2
        return np.concatenate([middle - half, middle + half], axis=-1) * (*size[::-1], *size[::-1])

    def _overlap(self, true: Any, places: Any, sides: Any, grid: tuple[int, int]) -> Any:
        """IoU of predicted and true boxes, x, y in their cells."""
        cells = np.array(grid[::-1], np.float32)

        def corners(places: Any, sides: Any) -> Any:
            return around(places / cells, sides / 2)  # from the corner of the cell

        return intersection_over_union(corners(true[..., :2], true[..., 2:]), corners(places, sides))


def yolo_v2(
    classes: Sequence[str],
    *,
    anchors: Sequence[Sequence[float]] = VOC,
    stride: int = 16,
    width: int = 128,
    iou: float = 0.5,
    most: int = 100,
    class_agnostic: bool = False,
    seed: int = 0,
) -> YOLOv2:
    """A finer grid whose cells have anchors, and classes for each of them (Redmon & Farhadi 2017, arXiv:1612.08242).

    Lecture 003 counts 13 × 13 cells of 6 anchors, 1,014 boxes, where YOLO v1 has 98. `ck.heads.anchors_of` finds the
    anchors that suit a dataset, by k-means on IoU.

    Args:
        classes: Names in the order of the labels.
        anchors: (width, height) of each, as shares of the input; by default the five of Pascal VOC.
        stride: Side of a cell in pixels: 16 makes 14 × 14 cells of a 224 × 224 input; the paper's 32 makes 13 × 13 of
            416 × 416.
        width: Channels of the layers in front.
        iou: Of two boxes of one class that overlap by more, the better one stays.
        most: Boxes per picture.
        class_agnostic: Whether it stays whatever the classes of the two are: one class for each place.
        seed: Of the initial weights.

    Raises:
        InputError: A setting out of its range.

    >>> yolo_v2(["person", "car"]).taps
    ('P3', 'P4')
    """
    shapes = tuple(tuple(float(side) for side in shape) for shape in anchors)
    return YOLOv2(
        class_names(classes),
        iou=iou,
        most=most,
        class_agnostic=class_agnostic,
        seed=seed,
        anchors=shapes,  # type: ignore[arg-type]  # pairs are checked
        stride=stride,
        width=width,
    )


def passthrough(fine: keras.KerasTensor, coarse: keras.KerasTensor) -> keras.KerasTensor:
    """A map of half the stride with each 2 × 2 places laid side by side into channels, (n, h, w, 4 c)."""
    rows, columns = coarse.shape[1:3]
    spare = ((0, 2 * rows - fine.shape[1]), (0, 2 * columns - fine.shape[2]))
    if spare != ((0, 0), (0, 0)):
        fine = keras.layers.ZeroPadding2D(spare, name="passthrough_border")(fine)
    places = [fine[:, down::2, across::2] for down in range(2) for across in range(2)]
    return keras.layers.Concatenate(name="passthrough")(places)


def _corner_of_cells(grid: tuple[int, ...]) -> NDArray[np.float64]:
    """(rows, columns, 1, 2) x and y of the upper left corner of each cell, in cells."""
    rows, columns = grid
    return np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1)[:, :, None].astype(np.float64)
