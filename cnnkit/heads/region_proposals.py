"""The region proposal network: where anything is, whatever it is.

Ren et al., "Faster R-CNN", NIPS 2015 (arXiv:1506.01497), section 3.1, on a feature pyramid as of Lin et al. 2017
(arXiv:1612.03144), section 4.1: layers that all levels share say how sure each anchor is of a thing, and where it is.
Instead of a sample of 256 anchors all of them count, in the focal loss, to which easy background is little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.data.targets.boxes import Boxes
from cnnkit.heads.anchors import Matching, anchor_grid, boxes_of, encoded_anchors, per_box, ratio_shapes
from cnnkit.heads.cells import IGNORED, cells_of
from cnnkit.heads.detection import CANDIDATES, best_boxes, probabilities
from cnnkit.heads.head import Size
from cnnkit.heads.levels_layers import PRIOR_LOGIT, joined, on_levels, prediction, tower
from cnnkit.losses.boxes import smooth_l1
from cnnkit.losses.focal import focal_of_logits

# An anchor shows a box from an IoU of .6 on, where the paper has .7 with more anchors; nothing below .3.
MATCHING = Matching(positive=0.6, negative=0.3)
# Width / height of anchors, and their side on a level in strides.
RATIOS, SIDE = (0.5, 1.0, 2.0), 4.0
# Offsets are not scaled; their loss turns from squared to absolute at 1 / 9 (the code of its authors).
SCALES, BETA = (1.0, 1.0, 1.0, 1.0), 1 / 9
# Of two proposals that overlap by more, the better one stays (section 3.3).
OVERLAP = 0.7
# How many candidates there are at least for each proposal, since most of them overlap.
CANDIDATES_EACH = 5


@dataclass(frozen=True)
class RegionProposals:
    """A part of a head; its outputs are `"objectness"`, (anchors, 1) logits, and `"shifts"`, (anchors, 4).

    Attributes:
        levels: Of the pyramid.
        sizes: Anchors of different size per octave, each in three shapes.
        seed: Of the initial weights.
    """

    levels: tuple[str, ...]
    sizes: int
    seed: int

    def build(self, maps: Mapping[str, keras.KerasTensor], width: int) -> dict[str, keras.KerasTensor]:
        """A 3×3 convolution and two 1×1 that all levels share."""
        shared = tower(maps, width, 1, name="proposal_tower", seed=self.seed)
        outputs = {}
        for name, numbers, bias in (("objectness", 1, PRIOR_LOGIT), ("shifts", 4, 0.0)):
            channels = self.sizes * len(RATIOS) * numbers
            last = prediction(f"{name}_of_anchors", channels, kernel=1, bias=bias, seed=self.seed)
            outputs[name] = joined(on_levels(shared, last), numbers, name=name)
        return outputs

    def encode(self, truth: Boxes, size: Size) -> dict[str, NDArray[Any]]:
        """`anchors` (n, anchors), 1 of those that show a thing, −1 and −2 as of every detector, and `shifts`."""
        encoded = encoded_anchors(truth, self._anchors(size), MATCHING, SCALES)
        return {"anchors": np.minimum(encoded["labels"], 0) + (encoded["labels"] >= 0), "shifts": encoded["offsets"]}

    def losses(self, encoded: Any, outputs: Any) -> dict[str, Any]:
        """`objectness` and `shifts`, (n,) each, per anchor that shows a thing."""
        ops = keras.ops
        labels = ops.convert_to_tensor(encoded["anchors"])
        shown, counted = ops.cast(labels > 0, "float32"), ops.cast(labels > IGNORED, "float32")
        focal = focal_of_logits(shown[..., None], outputs["objectness"])[..., 0]
        boxes = smooth_l1(encoded["shifts"], outputs["shifts"], beta=BETA)
        return {"objectness": per_box(counted * focal, shown), "shifts": per_box(shown * boxes, shown)}

    def decode(self, outputs: Mapping[str, NDArray[Any]], size: Size, *, most: int) -> Boxes:
        """The surest boxes of each picture, suppressed whatever they show."""
        corners = boxes_of(self._anchors(size), outputs["shifts"], SCALES)
        scores = probabilities(outputs["objectness"])
        candidates = max(CANDIDATES, CANDIDATES_EACH * most)
        return best_boxes(("thing",), corners, scores, size, iou=OVERLAP, most=most, candidates=candidates)

    def _anchors(self, size: Size) -> NDArray[np.float64]:
        octave = [2 ** (step / self.sizes) for step in range(self.sizes)]
        shapes: Sequence[Any] = [
            [shape for factor in octave for shape in ratio_shapes(SIDE * 2 ** int(level[1:]) * factor, RATIOS)]
            for level in self.levels
        ]
        return anchor_grid(cells_of(self.levels, size), shapes)
