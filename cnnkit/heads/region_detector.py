"""What detectors of two stages share: the layers on each region, their loss, and the way from regions to boxes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from cnnkit.arguments import Argument
from cnnkit.backbones.graph import named
from cnnkit.data.targets.boxes import Boxes
from cnnkit.heads.anchors import anchor_grid, boxes_of, ratio_shapes
from cnnkit.heads.cells import cells_of
from cnnkit.heads.detection import require_boxes
from cnnkit.heads.detector import SPREAD, SURE, Detector, counts
from cnnkit.heads.head import Size
from cnnkit.heads.region_targets import SCALES, padded, region_losses, sample
from cnnkit.heads.staged import MAPS, Regions
from cnnkit.metrics.given_arrays import real
from cnnkit.necks.regions import roi_align

REGIONS = "regions"
# Windows lie around the cells of these levels, two strides wide: 32, 64 and 128 pixels; width / height.
WINDOWS, SIDE, RATIOS = ("P4", "P5", "P6"), 2.0, (0.5, 1.0, 2.0)


@dataclass(frozen=True)
class RegionDetector(Detector):
    """A head of two stages: proposals of a picture, then the class and the box of each.

    Its outputs of the second stage are `"regions"`, (k, 4) the regions that it was given, in pixels; `"classes"`,
    (k, classes + 1) logits, the last one of the background; and `"offsets"`, (k, 4) from each region, divided by .1 of
    places and .2 of sides. One box per region is for all classes, as in R-FCN (Dai et al. 2016, arXiv:1605.06409,
    section 2): a quarter of 1 % of the boxes of a small set is of one class.

    Attributes:
        width: Channels of the maps that regions are cut from.
        bins: Along each side of a region.
        units: Of the two dense layers on it.
        sample: Regions per picture in training.
        positive: The largest part of them that shows a box.
    """

    per_box: ClassVar[bool] = False

    iou: float = 0.5
    width: int = 64
    bins: int = 7
    units: int = 256
    sample: int = 32
    positive: float = 0.5

    arguments: ClassVar[tuple[Argument, ...]] = (
        *counts("width", "bins", "units", "sample"),
        Argument(
            "positive", lambda value: real(value, 0, 1) and value > 0, "positive above 0, up to 1", "0.5 suits most."
        ),
    )

    @property
    def stages(self) -> Mapping[str, tuple[str, ...]]:
        """One: the regions."""
        return {REGIONS: (REGIONS, "classes", "offsets")}

    def region_layers(
        self, maps: keras.KerasTensor, regions: keras.KerasTensor, stride: int
    ) -> dict[str, keras.KerasTensor]:
        """RoIAlign and two dense layers, then class and box of each region."""
        cut = roi_align(maps, regions, size=self.bins, stride=stride)
        x = keras.layers.Reshape((-1, self.bins**2 * maps.shape[-1]), name="region_features")(named(cut, "roi_align"))
        for place in (1, 2):
            initial = keras.initializers.HeNormal(seed=self.seed + place)
            x = keras.layers.Dense(
                self.units, activation="relu", kernel_initializer=initial, name=f"region_dense{place}"
            )(x)
        outputs = {REGIONS: keras.layers.Identity(name="regions_given", dtype="float32")(regions)}
        for name, numbers in (("classes", len(self.names) + 1), ("offsets", 4)):
            initial = keras.initializers.RandomNormal(stddev=SPREAD, seed=self.seed)
            last = keras.layers.Dense(numbers, kernel_initializer=initial, name=f"region_{name}", dtype="float32")
            outputs[name] = last(x)
        return outputs

    def encode(self, truth: Boxes, size: Size) -> dict[str, NDArray[Any]]:
        """`true_boxes` and `true_labels` of each picture, with which regions are matched.

        Raises:
            DataError: The truth is of another kind, or has other classes.
        """
        return padded(require_boxes(truth, self.names))

    def losses(self, encoded: Any, outputs: Any) -> dict[str, Any]:
        """Cross-entropy of the classes and smooth L1 of the offsets, per region."""
        return region_losses(encoded, outputs)

    def loss(self, encoded: Any, outputs: Any) -> Any:
        """(n,) the sum of `losses`."""
        return sum(self.losses(encoded, outputs).values())

    def sampled(
        self, stage: str, outputs: Mapping[str, NDArray[Any]], encoded: Mapping[str, NDArray[Any]], size: Size
    ) -> Regions:
        """Proposals and true boxes, by chance."""
        return sample(self.proposed(stage, outputs, size), encoded, count=self.sample, positive=self.positive)

    def proposed(self, stage: str, outputs: Mapping[str, NDArray[Any]], size: Size) -> Regions:
        """The same windows in each picture."""
        return np.tile(windows_of(size), (len(outputs[MAPS]), 1, 1))

    def perfect(self, encoded: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The true boxes as regions, whose classes are sure; nothing that does not count."""
        labels, numbers = encoded["true_labels"], np.arange(len(self.names) + 1)
        sure = np.where(labels[..., None] == numbers, SURE, -SURE).astype(np.float32)
        regions = np.where(labels[..., None] >= 0, encoded["true_boxes"], 0)
        return {REGIONS: regions, "classes": sure, "offsets": np.zeros(regions.shape, np.float32)}

    def decode(self, outputs: Mapping[str, NDArray[np.float32]], size: Size) -> Boxes:
        """The best boxes of each picture, suppressed class by class, with the probability of the class as score."""
        regions = np.asarray(outputs[REGIONS], np.float64)
        given = np.all(regions[..., 2:] > regions[..., :2], axis=-1, keepdims=True)
        scores = np.asarray(softmax(outputs["classes"], axis=-1)[..., :-1] * given, np.float32)
        corners = boxes_of(regions, outputs["offsets"], SCALES)
        return self.best_of(corners, scores, size)


def windows_of(size: Size) -> NDArray[np.float32]:
    """(k, 4) windows of three sizes and shapes on a grid, clipped to a picture of a size."""
    shapes = [ratio_shapes(SIDE * 2 ** int(level[1:]), RATIOS) for level in WINDOWS]
    return np.clip(anchor_grid(cells_of(WINDOWS, size), shapes), 0, np.tile(size[::-1], 2)).astype(np.float32)


def as_regions(boxes: Boxes, count: int) -> Regions:
    """(n, count, 4) the first boxes of each picture; where there are fewer, the rest has no area."""
    found = np.zeros((len(boxes), count, 4), np.float32)
    for index in range(len(boxes)):
        own = boxes.boxes[boxes.span(index)][:count]
        found[index, : len(own)] = own
    return found
