"""Faster R-CNN: a network that proposes regions, and one that says what each of them shows, on the same maps.

Ren et al., "Faster R-CNN: Towards Real-Time Object Detection with Region Proposal Networks", NIPS 2015
(arXiv:1506.01497), trained jointly (section 3.2, "approximate joint training": proposals are constants to the second
stage), with RoIAlign for RoIPool. Proposals come from all levels of a feature pyramid; regions are cut from its finest
map, which has seen what the deeper ones have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import keras
from numpy.typing import NDArray

from cnnkit.arguments import Argument
from cnnkit.data.targets.boxes import Boxes
from cnnkit.heads.detector import counts
from cnnkit.heads.head import Size
from cnnkit.heads.levels_layers import normalized_levels
from cnnkit.heads.region_detector import REGIONS, RegionDetector, as_regions, stride_of
from cnnkit.heads.region_proposals import RegionProposals
from cnnkit.heads.staged import MAPS, Regions
from cnnkit.necks.feature_pyramid import fpn
from cnnkit.necks.levels import Levels

LEVELS = ("P3", "P4", "P5")


@dataclass(frozen=True)
class FasterRCNN(RegionDetector):
    """The head of `ck.tasks.faster_rcnn`, which documents the fields.

    Beside the outputs of every `RegionDetector` it has `"objectness"`, (anchors, 1) logits, `"shifts"`, (anchors, 4)
    from each anchor, and `"maps"`, which regions are cut from.
    """

    kind: ClassVar[str] = "faster_rcnn"
    arguments: ClassVar[tuple[Argument, ...]] = (
        *RegionDetector.arguments,
        *counts("sizes", "proposals"),
    )

    sizes: int = 2
    proposals: int = 60

    @property
    def taps(self) -> tuple[str, ...]:
        """Strides 8, 16 and 32."""
        return LEVELS

    def build(self, features: Levels) -> dict[str, keras.KerasTensor]:
        """A feature pyramid, proposals on all of it, and what each region of its finest map shows."""
        maps = normalized_levels(fpn({tap: features[tap] for tap in self.taps}, width=self.width, seed=self.seed))
        outputs = self._proposing.build(maps, self.width)
        outputs[MAPS] = keras.layers.Identity(name=MAPS)(maps[LEVELS[0]])
        return outputs | self.region_outputs(outputs[MAPS], features, stride_of(LEVELS[0]))

    def region_outputs(self, maps: keras.KerasTensor, features: Levels, stride: int) -> dict[str, keras.KerasTensor]:
        """Of the stages."""
        return self.region_layers(maps, features[REGIONS], stride)

    def encode(self, truth: Boxes, size: Size) -> dict[str, NDArray[Any]]:
        """What anchors show, and the boxes that regions are matched with.

        Raises:
            DataError: The truth is of another kind, or has other classes.
        """
        return super().encode(truth, size) | self._proposing.encode(truth, size)

    def losses(self, encoded: Any, outputs: Any) -> dict[str, Any]:
        """The four of the paper: of anchors, and of regions."""
        return self._proposing.losses(encoded, outputs) | super().losses(encoded, outputs)

    def proposed(self, stage: str, outputs: Mapping[str, NDArray[Any]], size: Size) -> Regions:
        """The surest proposals."""
        return as_regions(self._proposing.decode(outputs, size, most=self.proposals), self.proposals)

    @cached_property
    def _proposing(self) -> RegionProposals:
        return RegionProposals(LEVELS, self.sizes, self.seed)
