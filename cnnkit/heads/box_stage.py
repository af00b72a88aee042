"""A third stage that looks at the boxes of the second: what masks and points of regions have in common.

He et al., "Mask R-CNN", ICCV 2017 (arXiv:1703.06870), section 3.1: in training it sees the sampled regions that show a
box; in use the boxes that remain after suppression, which is faster and better than all proposals.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.backbones.graph import named
from cnnkit.data.targets.boxes import Boxes
from cnnkit.heads.fast_rcnn import STRIDE
from cnnkit.heads.faster_rcnn import FasterRCNN
from cnnkit.heads.head import Size
from cnnkit.heads.region_detector import as_regions
from cnnkit.heads.staged import Regions
from cnnkit.necks.levels import Levels
from cnnkit.necks.regions import roi_align


@dataclass(frozen=True)
class BoxStageRCNN(FasterRCNN):
    """Faster R-CNN with a third stage, whose regions are `"NAME_regions"`; a subclass says what it tells of them."""

    stage: ClassVar[str]
    """Its name, before that of its layers."""
    told: ClassVar[str]
    """Its output beside the regions."""

    most: int = 50

    @property
    @abstractmethod
    def stage_sample(self) -> int:
        """Regions per picture that it learns from."""

    @abstractmethod
    def stage_layers(self, maps: keras.KerasTensor, regions: keras.KerasTensor) -> keras.KerasTensor:
        """(k, …) what it tells of each region of the map."""

    @property
    def stage_regions(self) -> str:
        """The name of its input, and of the output that gives it back."""
        return f"{self.stage}_regions"

    @property
    def stages(self) -> Mapping[str, tuple[str, ...]]:
        """Two: the regions, and the boxes of the third stage."""
        return {**super().stages, self.stage_regions: (self.stage_regions, self.told)}

    def region_outputs(self, maps: keras.KerasTensor, features: Levels) -> dict[str, keras.KerasTensor]:
        """Of both stages."""
        regions = features[self.stage_regions]
        given = keras.layers.Identity(name=f"{self.stage_regions}_given", dtype="float32")(regions)
        own = {self.stage_regions: given, self.told: self.stage_layers(maps, regions)}
        return super().region_outputs(maps, features) | own

    def sampled(
        self, stage: str, outputs: Mapping[str, NDArray[Any]], encoded: Mapping[str, NDArray[Any]], size: Size
    ) -> Regions:
        """Of the third stage the first of the sample, which show a box as far as there are such."""
        if stage == self.stage_regions:
            return np.ascontiguousarray(outputs["regions"][:, : self.stage_sample])
        return super().sampled(stage, outputs, encoded, size)

    def proposed(self, stage: str, outputs: Mapping[str, NDArray[Any]], size: Size) -> Regions:
        """Of the third stage the boxes that are decoded."""
        if stage == self.stage_regions:
            return as_regions(super().decode(outputs, size), self.most)
        return super().proposed(stage, outputs, size)


def region_tower(
    maps: keras.KerasTensor, regions: keras.KerasTensor, *, name: str, side: int, width: int, depth: int, seed: int
) -> keras.KerasTensor:
    """(k, side, side, width): RoIAlign and 3×3 convolutions, of three axes, the first of which, regions, they leave."""
    x = named(roi_align(maps, regions, size=side, stride=STRIDE), f"{name}_roi_align")
    for place in range(1, depth + 1):
        x = keras.layers.Conv3D(
            width,
            (1, 3, 3),
            padding="same",
            activation="relu",
            kernel_initializer=keras.initializers.HeNormal(seed=seed + place),
            name=f"{name}_conv{place}",
        )(x)
    return x


def with_regions_told(boxes: Boxes, count: int) -> tuple[Boxes, NDArray[np.int64], NDArray[np.int64]]:
    """The boxes that a third stage was asked about, with the picture of each and its place among those of it.

    Args:
        boxes: Of n pictures, in the order in which they were asked about.
        count: How many of each picture it was.
    """
    places = np.arange(len(boxes.boxes)) - np.repeat(boxes.starts[:-1], np.diff(boxes.starts))
    kept = places < count
    return boxes.where(kept), boxes.owners[kept], places[kept]
