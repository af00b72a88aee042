"""Fast R-CNN: one pass over the picture, then class and box of any regions of its map, as one network.

Girshick, "Fast R-CNN", ICCV 2015 (arXiv:1504.08083). Where regions come from is left to others: by default they are
windows of three sizes and shapes on a grid, the sliding window that came before proposals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import keras

from cnnkit.heads.levels_layers import normalized_levels
from cnnkit.heads.region_detector import REGIONS, RegionDetector
from cnnkit.heads.staged import MAPS
from cnnkit.necks.feature_pyramid import fpn
from cnnkit.necks.levels import Levels

LEVELS = ("P3", "P4", "P5")
# Pixels per cell of the map that regions are cut from: the finest, which has seen what the deeper ones have.
STRIDE = 8


@dataclass(frozen=True)
class FastRCNN(RegionDetector):
    """The head of `ck.tasks.fast_rcnn`, which documents the fields.

    Beside the outputs of every `RegionDetector` it has `"maps"`, which regions are cut from.
    """

    kind: ClassVar[str] = "fast_rcnn"

    @property
    def taps(self) -> tuple[str, ...]:
        """Strides 8, 16 and 32."""
        return LEVELS

    def build(self, features: Levels) -> dict[str, keras.KerasTensor]:
        """A feature pyramid, and what each region of its finest map shows."""
        maps = normalized_levels(fpn({tap: features[tap] for tap in self.taps}, width=self.width, seed=self.seed))
        finest = keras.layers.Identity(name=MAPS)(maps[LEVELS[0]])
        return self.picture_outputs(maps) | {MAPS: finest} | self.region_outputs(finest, features)

    def picture_outputs(self, maps: Mapping[str, keras.KerasTensor]) -> dict[str, keras.KerasTensor]:
        """Of the picture alone."""
        return {}

    def region_outputs(self, maps: keras.KerasTensor, features: Levels) -> dict[str, keras.KerasTensor]:
        """Of the stages."""
        return self.region_layers(maps, features[REGIONS], STRIDE)
