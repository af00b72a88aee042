"""RetinaNet: nine anchors around every cell of a feature pyramid, and a loss to which easy background counts little.

Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017 (arXiv:1708.02002), section 4. The focal loss of each
anchor and class is −α_t (1 − p_t)^γ log p_t with α = .25 and γ = 2 (equation 5); every class begins with a probability
of .01, so that the many anchors that show nothing do not swamp the first steps (section 3.3). A box without an anchor
of IoU .5 has its best one, where the paper leaves it out.
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
from cnnkit.heads.cells import IGNORED
from cnnkit.heads.classifier_arguments import class_names
from cnnkit.heads.detection import require_boxes
from cnnkit.heads.detector import SingleStageDetector, counts, factors, sure_logits
from cnnkit.heads.graph_decoding import boxes_on_anchors
from cnnkit.heads.head import Size
from cnnkit.heads.levels_layers import PRIOR_LOGIT, deeper, joined, normalized_levels, on_levels, prediction, tower
from cnnkit.heads.pyramid_levels import LEVELS, of_backbone, pyramid_levels
from cnnkit.losses.boxes import smooth_l1
from cnnkit.losses.focal import focal_of_logits
from cnnkit.necks.feature_pyramid import fpn
from cnnkit.necks.levels import Levels

MATCHING = Matching(positive=0.5, negative=0.4)
# Width / height of anchors, and their side on a level in strides: 32 pixels on P3.
RATIOS, SIDE = (0.5, 1.0, 2.0), 4.0
# Offsets are not scaled; their loss turns from squared to absolute at 1 / 9 (the code of its authors, Detectron).
SCALES, BETA = (1.0, 1.0, 1.0, 1.0), 1 / 9


@dataclass(frozen=True)
class RetinaNet(SingleStageDetector):
    """A detector made by `retinanet`, which documents the fields.

    Its outputs are `"classes"`, (anchors, classes) logits, and `"offsets"`, (anchors, 4) from each anchor. Anchors come
    level by level, row by row, and in a cell by size, then by ratio.
    """

    kind: ClassVar[str] = "retinanet"
    arguments: ClassVar[tuple[Argument, ...]] = (
        *counts("width", "depth", "sizes"),
        *factors("box_weight"),
        pyramid_levels("levels"),
    )

    iou: float = 0.5
    levels: tuple[str, ...] = LEVELS
    sizes: int = 3
    width: int = 64
    depth: int = 1
    box_weight: float = 1.0

    @property
    def taps(self) -> tuple[str, ...]:
        """The levels that a backbone has."""
        return of_backbone(self.levels)

    def build(self, features: Levels) -> dict[str, keras.KerasTensor]:
        """A feature pyramid with coarser levels behind it, then two towers that all levels share."""
        coarser = deeper(features, self.levels, self.width, seed=self.seed)
        maps = fpn(features, width=self.width, seed=self.seed) | coarser
        maps = normalized_levels(maps)
        number = self.sizes * len(RATIOS)
        outputs = {}
        for name, numbers, bias in (("classes", len(self.names), PRIOR_LOGIT), ("offsets", 4, 0.0)):
            towers = tower(maps, self.width, self.depth, name=f"{name}_tower", seed=self.seed)
            last = prediction(f"{name}_of_anchors", number * numbers, bias=bias, seed=self.seed)
            outputs[name] = joined(on_levels(towers, last), numbers, name=name)
        return outputs

    def encode(self, truth: Boxes, size: Size) -> dict[str, NDArray[Any]]:
        """`labels` (n, anchors), −1 of those below IoU .4 and −2 of those that do not count, and `offsets` (…, 4).

        Raises:
            DataError: The truth is of another kind, or has other classes.
        """
        return encoded_anchors(require_boxes(truth, self.names), self._anchors(size), MATCHING, SCALES)

    def loss(self, encoded: Any, outputs: Any) -> Any:
        """(n,) focal loss of all anchors + `box_weight` · smooth L1 of those with a box, per anchor with a box."""
        ops = keras.ops
        labels = ops.convert_to_tensor(encoded["labels"])
        shown, counted = ops.cast(labels >= 0, "float32"), ops.cast(labels > IGNORED, "float32")
        targets = ops.one_hot(labels, len(self.names), dtype="float32")  # nothing of −1 and −2
        focal = ops.sum(focal_of_logits(targets, outputs["classes"]), axis=-1)
        boxes = smooth_l1(encoded["offsets"], outputs["offsets"], beta=BETA)
        return per_box(counted * focal + self.box_weight * shown * boxes, shown)

    def perfect(self, encoded: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Sure classes and true offsets."""
        return {"classes": sure_logits(encoded["labels"], len(self.names)), "offsets": encoded["offsets"]}

    def candidates(self, outputs: Mapping[str, Any], size: Size) -> tuple[Any, Any]:
        """The box of each anchor, with the probability of each class as score."""
        boxes = boxes_on_anchors(outputs["offsets"], self.levels, self._shapes(), size, scales=SCALES)
        return boxes, keras.ops.sigmoid(outputs["classes"])

    def anchor_maps(self, size: Size) -> dict[str, NDArray[np.float64]]:
        """Level → (rows, columns, anchors, 4) in pixels of an input of `size`."""
        return anchor_maps(self.levels, self._shapes(), size)

    def _anchors(self, size: Size) -> NDArray[np.float64]:
        return np.concatenate([anchors.reshape(-1, 4) for anchors in self.anchor_maps(size).values()])

    def _shapes(self) -> list[list[list[float]]]:
        """Of each level the (width, height) of its anchors in pixels."""
        sides = [SIDE * 2 ** int(level[1:]) for level in self.levels]
        octave = [2 ** (step / self.sizes) for step in range(self.sizes)]
        return [[shape for factor in octave for shape in ratio_shapes(side * factor, RATIOS)] for side in sides]


def retinanet(
    classes: Sequence[str],
    *,
    levels: Sequence[str] = LEVELS,
    sizes: int = 3,
    width: int = 64,
    depth: int = 1,
    box_weight: float = 1.0,
    iou: float = 0.5,
    most: int = 100,
    class_agnostic: bool = False,
    seed: int = 0,
) -> RetinaNet:
    """Anchors on a feature pyramid and the focal loss (Lin et al. 2017, arXiv:1708.02002).

    An anchor of 4 strides times 2^(k / 3), k = 0, 1, 2, is 32 to 51 pixels large on P3 and 512 to 813 on P7; each comes
    in three shapes. It owns a box from an IoU of .5 on, and shows nothing below .4.

    Args:
        classes: Names in the order of the labels.
        levels: Of the pyramid, fine to coarse, without a gap; P6 and P7 are made of the backbone's P5.
        sizes: Anchors of different size per octave, each in three shapes.
        width: Channels of the pyramid and of the layers on it; 256 in the paper.
        depth: 3×3 convolutions before the predictions, for classes and offsets each; 4 in the paper.
        box_weight: Of the loss of boxes beside that of classes.
        iou: Of two boxes of one class that overlap by more, the better one stays.
        most: Boxes per picture.
        class_agnostic: Whether it stays whatever the classes of the two are: one class for each place.
        seed: Of the initial weights.

    Raises:
        InputError: A setting out of its range.

    >>> retinanet(["person", "car"]).taps
    ('P3', 'P4', 'P5')
    """
    return RetinaNet(
        class_names(classes),
        iou=iou,
        most=most,
        class_agnostic=class_agnostic,
        seed=seed,
        levels=tuple(levels),
        sizes=sizes,
        width=width,
        depth=depth,
        box_weight=box_weight,
    )
