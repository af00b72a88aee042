"""Single Shot MultiBox Detector: default boxes of set scales and ratios on maps of several strides.

Liu et al., "SSD: Single Shot MultiBox Detector", ECCV 2016 (arXiv:1512.02325). With N matched default boxes the loss of
a picture is (L_conf + α L_loc) / N, and 0 without any (equation 1): L_conf is the cross-entropy of a softmax over the
classes and the background, of matched boxes and of the 3 N others that are most mistaken for a class (section 2.2,
"hard negative mining"); L_loc is smooth L1. The scales of equation 4 go from .2 to .9 of the input, and the finest map
has .1 (section 3.1); ratios are 1, 2 and 1/2, on the maps between also 3 and 1/3, and one more box of ratio 1 has the
mean scale √(s_k s_k+1). As there, the finest map is brought to one length per place, scaled by a number per channel
that begins at 20.
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
from cnnkit.heads.anchors import Matching, anchor_maps, encoded_anchors, per_box, ratio_shapes
from cnnkit.heads.cells import BACKGROUND
from cnnkit.heads.classifier_arguments import class_names
from cnnkit.heads.detection import require_boxes
from cnnkit.heads.detector import SingleStageDetector, counts, factors, sure_logits
from cnnkit.heads.graph_decoding import boxes_on_anchors
from cnnkit.heads.head import Size
from cnnkit.heads.levels_layers import deeper, joined, prediction
from cnnkit.heads.pyramid_levels import LEVELS, of_backbone, pyramid_levels
from cnnkit.losses.boxes import smooth_l1
from cnnkit.necks.levels import Levels

MATCHING = Matching(positive=0.5, negative=0.5)
FINEST, SMALLEST, LARGEST = 0.1, 0.2, 0.9
# What offsets are divided by (the code of its authors: "variances").
SCALES = (0.1, 0.1, 0.2, 0.2)
NEGATIVES = 3
LENGTH = 20.0


@dataclass(frozen=True)
class SSD(SingleStageDetector):
    """A detector made by `ssd`, which documents the fields.

    Its outputs are `"classes"`, (anchors, classes + 1) logits, the last one of the background, and `"offsets"`,
    (anchors, 4) from each default box, divided by .1 of places and .2 of sides. They come level by level, row by row.
    """

    kind: ClassVar[str] = "ssd"
    arguments: ClassVar[tuple[Argument, ...]] = (*counts("width"), *factors("box_weight"), pyramid_levels("levels"))

    iou: float = 0.45
    levels: tuple[str, ...] = LEVELS
    width: int = 128
    box_weight: float = 1.0

    @property
    def taps(self) -> tuple[str, ...]:
        """The levels that a backbone has."""
        return of_backbone(self.levels)

    def build(self, features: Levels) -> dict[str, keras.KerasTensor]:
        """Coarser levels behind the backbone, then two 3×3 convolutions of its own on each level."""
        maps = dict(features) | deeper(features, self.levels, self.width, seed=self.seed)
        finest = keras.layers.UnitNormalization(axis=-1, name="ssd_length")(maps[self.levels[0]])
        lengths = keras.initializers.Constant(LENGTH)
        maps[self.levels[0]] = keras.layers.DepthwiseConv2D(
            1, use_bias=False, depthwise_initializer=lengths, name="ssd_scale"
        )(finest)
        outputs = {}
        for name, numbers in (("classes", len(self.names) + 1), ("offsets", 4)):
            made = {
                level: prediction(f"ssd_{level}_{name}", numbers * len(shapes), seed=self.seed)(maps[level])
                for level, shapes in zip(self.levels, default_shapes(len(self.levels)), strict=True)
            }
            outputs[name] = joined(made, numbers, name=name)
        return outputs

    def encode(self, truth: Boxes, size: Size) -> dict[str, NDArray[Any]]:
        """`labels` (n, anchors), −1 of background and −2 of those that do not count, and `offsets` (…, 4).

        Raises:
            DataError: The truth is of another kind, or has other classes.
        """
        return encoded_anchors(require_boxes(truth, self.names), self._anchors(size), MATCHING, SCALES)

    def loss(self, encoded: Any, outputs: Any) -> Any:
        """(n,) equation 1: 0 of a picture without boxes."""
        ops = keras.ops
        labels = ops.convert_to_tensor(encoded["labels"])
        shown, nothing = ops.cast(labels >= 0, "float32"), ops.cast(ops.equal(labels, BACKGROUND), "float32")
        classes = ops.where(labels >= 0, labels, len(self.names))
        confidence = ops.sparse_categorical_crossentropy(classes, outputs["classes"], from_logits=True)
        mistaken = ops.stop_gradient(ops.where(nothing > 0, confidence, -1.0))
        rank = ops.argsort(ops.argsort(-mistaken, axis=1), axis=1)
        hard = nothing * ops.cast(
            rank < NEGATIVES * ops.sum(ops.cast(labels >= 0, "int32"), axis=1, keepdims=True), "float32"
        )
        boxes = smooth_l1(encoded["offsets"], outputs["offsets"])
        return per_box((shown + hard) * confidence + self.box_weight * shown * boxes, shown)

    def perfect(self, encoded: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Sure classes, of the background too, and true offsets."""
        classes = np.where(encoded["labels"] >= 0, encoded["labels"], len(self.names))
        return {"classes": sure_logits(classes, len(self.names) + 1), "offsets": encoded["offsets"]}

    def candidates(self, outputs: Mapping[str, Any], size: Size) -> tuple[Any, Any]:
        """The box of each default box, with the probability of each class as score."""
        boxes = boxes_on_anchors(outputs["offsets"], self.levels, self._shapes(size), size, scales=SCALES)
        return boxes, keras.ops.softmax(outputs["classes"], axis=-1)[..., :-1]

    def anchor_maps(self, size: Size) -> dict[str, NDArray[np.float64]]:
        """Level → (rows, columns, anchors, 4) in pixels of an input of `size`."""
        return anchor_maps(self.levels, self._shapes(size), size)

    def _anchors(self, size: Size) -> NDArray[np.float64]:
        return np.concatenate([anchors.reshape(-1, 4) for anchors in self.anchor_maps(size).values()])

    def _shapes(self, size: Size) -> list[list[list[float]]]:
        """Of each level the (width, height) of its default boxes in pixels."""
        height, width = size
        return [[[width * w, height * h] for w, h in sides] for sides in default_shapes(len(self.levels))]


def default_shapes(levels: int) -> list[list[list[float]]]:
    """Of each of so many levels the (width, height) of its default boxes, as shares of the input."""
    scales = [FINEST, *np.linspace(SMALLEST, LARGEST, max(levels - 1, 1)).tolist()]
    scales.append(scales[-1] + (scales[-1] - scales[-2]))
    shapes = []
    for level in range(levels):
        ratios = [1.0, 2.0, 1 / 2] + ([3.0, 1 / 3] if 0 < level < levels - 2 else [])
        scale, following = scales[level : level + 2]
        between = float((scale * following) ** 0.5)
        shapes.append([*ratio_shapes(scale, ratios), [between, between]])
    return shapes


def ssd(
    classes: Sequence[str],
    *,
    levels: Sequence[str] = LEVELS,
    width: int = 128,
    box_weight: float = 1.0,
    iou: float = 0.45,
    most: int = 100,
    class_agnostic: bool = False,
    seed: int = 0,
) -> SSD:
    """Default boxes on maps of several strides, each with a classifier of its own (Liu et al. 2016, arXiv:1512.02325).

    A picture without boxes teaches it nothing, as in the paper: its negatives are three for each matched box.

    Args:
        classes: Names in the order of the labels.
        levels: Maps, fine to coarse, without a gap; those behind P5 are made. With those of the default the scales are
            .1, .2, .43, .67 and .9 of the input.
        width: Channels of the maps that are made.
        box_weight: α of equation 1.
        iou: Of two boxes of one class that overlap by more, the better one stays.
        most: Boxes per picture.
        class_agnostic: Whether it stays whatever the classes of the two are: one class for each place.
        seed: Of the initial weights.

    Raises:
        InputError: A setting out of its range.

    >>> ssd(["person", "car"]).taps
    ('P3', 'P4', 'P5')
    """
    return SSD(
        class_names(classes),
        levels=tuple(levels),
        iou=iou,
        most=most,
        class_agnostic=class_agnostic,
        seed=seed,
        width=width,
        box_weight=box_weight,
    )
