"""CenterNet: an object is the peak of its class's heatmap, with a size and an offset beside it.

It is the step from CornerNet's two corners (lecture 000) to one middle. Zhou, Wang and Krähenbühl, "Objects as Points"
(arXiv:1904.07850). Around the middle of each box a Gaussian is drawn on the map of its class, and the loss of the
heatmaps is equation 1, a focal loss that spares the neighbours of a middle: −(1 − p)² log p at a middle, elsewhere
−(1 − y)⁴ p² log(1 − p), divided by the number of boxes. Sizes and offsets have an L1 loss at the middles alone
(equations 2 and 3). A peak is a place that is no less than its eight neighbours: that takes the place of suppression.
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
from cnnkit.heads.cells import middle_cells
from cnnkit.heads.classifier_arguments import class_names
from cnnkit.heads.detection import not_counted, require_boxes
from cnnkit.heads.detector import SURE, SingleStageDetector, counts, factors
from cnnkit.heads.graph_decoding import around, cell_corners
from cnnkit.heads.head import Size
from cnnkit.heads.levels_layers import PRIOR_LOGIT, prediction
from cnnkit.necks.blocks import block, normalized
from cnnkit.necks.feature_pyramid import fpn
from cnnkit.necks.levels import Levels

LEVELS = {4: ("P2", "P3", "P4", "P5"), 8: ("P3", "P4", "P5")}
# How badly a box may be met whose corners are both moved by the radius (the code of the authors).
LEAST_IOU = 0.7
# The Gaussian is this many times narrower than its window.
DEVIATIONS = 3.0
# Exponents of equation 1.
ALPHA, BETA = 2.0, 4.0


@dataclass(frozen=True)
class CenterNet(SingleStageDetector):
    """A detector made by `centernet`, which documents the fields.

    Its outputs are `"heatmaps"`, (h / s, w / s, classes) logits, and `"boxes"`, (h / s, w / s, 4): the middle from the
    upper left corner of its cell and width and height, all in strides.
    """

    kind: ClassVar[str] = "centernet"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("stride", lambda value: value in LEVELS, f"stride as one of {list(LEVELS)}", "4 is the paper's."),
        *counts("width"),
        *factors("size_weight", "offset_weight"),
    )

    iou: float = 1.0
    stride: int = 4
    width: int = 64
    size_weight: float = 0.1
    offset_weight: float = 1.0

    @property
    def taps(self) -> tuple[str, ...]:
        """From the stride of the heatmaps to 32."""
        return LEVELS[self.stride]

    def build(self, features: Levels) -> dict[str, keras.KerasTensor]:
        """The finest map of a feature pyramid, then a 3×3 and a 1×1 convolution for heatmaps and boxes each."""
        x = normalized(fpn(features, width=self.width, seed=self.seed)[self.taps[0]], "centre")
        outputs = {}
        for name, numbers, bias in (("heatmaps", len(self.names), PRIOR_LOGIT), ("boxes", 4, 0.0)):
            inner = block(x, self.width, name=f"{name}_inner", seed=self.seed + 1)
            outputs[name] = prediction(name, numbers, kernel=1, bias=bias, seed=self.seed)(inner)
        return outputs

    def encode(self, truth: Boxes, size: Size) -> dict[str, NDArray[Any]]:
        """`heatmaps` (n, h / s, w / s, classes) with 1 at middles, `boxes` (…, 4), and `shown` (…): where a middle is.

        Of several boxes with their middle in one cell the smallest tells its size. Around crowds and difficult things
        heatmaps are −1, which does not count.

        Raises:
            DataError: The truth is of another kind, or has other classes.
        """
        truth = require_boxes(truth, self.names)
        grid = self._grid(size)
        shape = (len(truth), *grid)
        heatmaps = np.zeros((*shape, len(self.names)), np.float32)
        boxes, shown = np.zeros((*shape, 4), np.float32), np.zeros(shape, np.float32)
        rows, columns, inside = middle_cells(truth.boxes, grid, (grid[0] * self.stride, grid[1] * self.stride))
        sides = (truth.boxes[:, 2:] - truth.boxes[:, :2]) / self.stride
        passed_over, owners = not_counted(truth), truth.owners
        radii = gaussian_radius(sides)
        for box in np.argsort(-sides.prod(axis=1), kind="stable"):
            index, place = owners[box], (rows[box], columns[box])
            heat = heatmaps[index, :, :, truth.labels[box]]
            if passed_over[box]:
                low, high = np.floor(truth.boxes[box, :2] / self.stride), np.ceil(truth.boxes[box, 2:] / self.stride)
                (left, top), (right, bottom) = np.maximum(low, 0).astype(int), high.astype(int)
                around = heatmaps[index, top:bottom, left:right]
                around[around < 1] = -1
                continue
            draw_gaussian(heat, place, int(radii[box]))
            boxes[(index, *place)] = [*inside[box], *sides[box]]
            shown[(index, *place)] = 1
        return {"heatmaps": heatmaps, "boxes": boxes, "shown": shown}

    def loss(self, encoded: Any, outputs: Any) -> Any:
        """(n,) equation 1 + `size_weight` · L1 of sizes + `offset_weight` · L1 of offsets, per box."""
        ops = keras.ops
        true, logits = ops.convert_to_tensor(encoded["heatmaps"]), outputs["heatmaps"]
        if tuple(true.shape[1:3]) != tuple(logits.shape[1:3]):
            raise InputError(
                "an input whose sides are multiples of 32 for this head",
                f"{tuple(logits.shape[1:3])} cells, not {tuple(true.shape[1:3])}",
                "ck.backbone(name, input_shape=(224, 224, 3)) is one.",
            )
        middle, counted = ops.cast(true >= 1, "float32"), ops.cast(true >= 0, "float32")
        p = ops.sigmoid(logits)
        at_middle = ops.power(1 - p, ALPHA) * ops.softplus(-logits)  # softplus(−x) = −log σ(x)
        elsewhere = ops.power(1 - ops.maximum(true, 0), BETA) * ops.power(p, ALPHA) * ops.softplus(logits)
        heat = ops.sum(counted * (middle * at_middle + (1 - middle) * elsewhere), axis=(1, 2, 3))
        shown, boxes, found = encoded["shown"], encoded["boxes"], outputs["boxes"]
        away = ops.abs(ops.convert_to_tensor(boxes) - found) * ops.convert_to_tensor(shown)[..., None]
        offsets, sizes = ops.sum(away[..., :2], axis=(1, 2, 3)), ops.sum(away[..., 2:], axis=(1, 2, 3))
        loss = heat + self.offset_weight * offsets + self.size_weight * sizes
        return loss / ops.maximum(ops.sum(middle, axis=(1, 2, 3)), 1)

    def perfect(self, encoded: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Sure peaks and true boxes."""
        return {"heatmaps": np.where(encoded["heatmaps"] >= 1, SURE, -SURE), "boxes": encoded["boxes"]}

    def candidates(self, outputs: Mapping[str, Any], size: Size) -> tuple[Any, Any]:
        """The box of each place, with its probability as score where it is a peak of its class, else 0."""
        ops = keras.ops
        heat, numbers = ops.sigmoid(outputs["heatmaps"]), outputs["boxes"]
        highest = keras.layers.MaxPooling2D(3, 1, "same", dtype="float32")(heat)
        peaks = heat * ops.cast(ops.equal(heat, highest), "float32")
        middle = cell_corners(ops.ones_like(numbers[..., :1])) + numbers[..., :2]
        corners = around(middle, ops.relu(numbers[..., 2:]) / 2) * self.stride
        rows, columns = self._grid(size)
        flat = -1, rows * columns
        return ops.reshape(corners, (*flat, 4)), ops.reshape(peaks, (*flat, len(self.names)))

    def _grid(self, size: Size) -> tuple[int, int]:
        return -(-size[0] // self.stride), -(-size[1] // self.stride)


def centernet(
    classes: Sequence[str],
    *,
    stride: int = 4,
    width: int = 64,
    size_weight: float = 0.1,
    offset_weight: float = 1.0,
    iou: float = 1.0,
    most: int = 100,
    class_agnostic: bool = False,
    seed: int = 0,
) -> CenterNet:
    """Objects as peaks of heatmaps, without anchors and without suppression (Zhou et al. 2019, arXiv:1904.07850).

    Two boxes of one class with their middle in one cell are one to it; so are those of two classes as to their size.

    Args:
        classes: Names in the order of the labels.
        stride: Of the heatmaps; 8 takes a fourth of the time.
        width: Channels of the pyramid and of the layers on it; 64 in the paper.
        size_weight: λ_size of equation 4.
        offset_weight: λ_off of equation 4.
        iou: Of two boxes of one class that overlap by more, the better one stays; 1 keeps both, as the paper does.
        most: Boxes per picture.
        class_agnostic: Whether it stays whatever the classes of the two are: one class for each place.
        seed: Of the initial weights.

    Raises:
        InputError: A setting out of its range.

    >>> centernet(["person", "car"]).taps
    ('P2', 'P3', 'P4', 'P5')
    """
    return CenterNet(
        class_names(classes),
        iou=iou,
        most=most,
        class_agnostic=class_agnostic,
        seed=seed,
        stride=stride,
        width=width,
        size_weight=size_weight,
        offset_weight=offset_weight,
    )


def gaussian_radius(sides: NDArray[np.float64]) -> NDArray[np.float64]:
    """(m, 2) widths and heights → (m,) the largest r at which both corners may move by r along both axes.

    The IoU with the box itself is then still at least .7, whichever way they move (Law and Deng, "CornerNet", ECCV
    2018, arXiv:1808.01244, section 3.2): both the same way, both inwards or both outwards.
    """
    width, height = sides.T
    total, area, t = width + height, width * height, LEAST_IOU
    shifted = (total - np.sqrt(total**2 - 4 * area * (1 - t) / (1 + t))) / 2  # (w − r)(h − r) = 2 t / (1 + t) · w h
    inwards = (total - np.sqrt(total**2 - 4 * area * (1 - t))) / 4  # (w − 2r)(h − 2r) = t w h
    outwards = (np.sqrt(total**2 + 4 * area * (1 / t - 1)) - total) / 4  # (w + 2r)(h + 2r) = w h / t
    return np.asarray(np.minimum(np.minimum(shifted, inwards), outwards), np.float64)


def draw_gaussian(heatmap: NDArray[np.float32], place: tuple[int, int], radius: int) -> None:
    """Raises a heatmap (h, w), in place, to a Gaussian around (row, column); what is higher, or −1, stays."""
    sigma = (2 * radius + 1) / (2 * DEVIATIONS)
    (row, column), (height, width) = place, heatmap.shape
    rows = np.arange(max(row - radius, 0), min(row + radius + 1, height))
    columns = np.arange(max(column - radius, 0), min(column + radius + 1, width))
    distance = (rows[:, None] - row) ** 2 + (columns[None] - column) ** 2
    window = heatmap[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    window[:] = np.where(window < 0, window, np.maximum(window, np.exp(-distance / (2 * sigma**2))))
    heatmap[place] = 1
