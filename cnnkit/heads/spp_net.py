"""SPP-net: one pass over the picture, spatial pyramid pooling of each region, and a linear machine for each class.

He et al., "Spatial Pyramid Pooling in Deep Convolutional Networks", ECCV 2014 (arXiv:1406.4729), section 4, which
spares R-CNN a pass for each region. A linear support vector machine is a linear layer under the hinge loss and weight
decay, here the squared one of `sklearn.svm.LinearSVC`, so that it is trained by the same steps as any other head.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.backbones.graph import named
from cnnkit.data.targets.boxes import Boxes
from cnnkit.heads.cells import BACKGROUND, IGNORED
from cnnkit.heads.detector import sure_logits
from cnnkit.heads.head import Size
from cnnkit.heads.machines import machine_boxes, machine_layers
from cnnkit.heads.region_detector import REGIONS, RegionDetector
from cnnkit.heads.region_targets import SCALES, matched, of_owners, offsets_to
from cnnkit.heads.staged import MAPS
from cnnkit.losses.boxes import smooth_l1
from cnnkit.necks.levels import Levels
from cnnkit.necks.regions import spatial_pyramid

STRIDE, BINS = 16, 1 + 4 + 9 + 36


@dataclass(frozen=True)
class SPPNet(RegionDetector):
    """The head of `ck.tasks.spp_net`, which documents the fields.

    Its outputs are `"regions"`, (k, 4); `"classes"`, (k, classes) how far each is on the right side of each machine;
    `"offsets"`, (k, classes, 4); and `"maps"`, which regions are cut from.
    """

    kind: ClassVar[str] = "spp_net"

    @property
    def taps(self) -> tuple[str, ...]:
        """Stride 16, as the last maps of the paper's networks."""
        return ("P4",)

    def build(self, features: Levels) -> dict[str, keras.KerasTensor]:
        """50 maxima of each region and channel, brought to one length, and two linear layers."""
        maps = keras.layers.Identity(name=MAPS)(features["P4"])
        bins = named(spatial_pyramid(maps, features[REGIONS], stride=STRIDE), "region_pyramid")
        x = keras.layers.Reshape((-1, BINS * maps.shape[-1]), name="region_features")(bins)
        machines = machine_layers(x, len(self.names), seed=self.seed)
        return {
            MAPS: maps,
            REGIONS: keras.layers.Identity(name="regions_given", dtype="float32")(features[REGIONS]),
            **machines,
        }

    def losses(self, encoded: Any, outputs: Any) -> dict[str, Any]:
        """Squared hinge of each machine, and smooth L1 of the offsets of the own class, per region that counts."""
        ops = keras.ops
        regions = ops.stop_gradient(outputs[REGIONS])
        owners, labels = matched(encoded, regions)
        shown, counted = (ops.cast(labels > less, "float32") for less in (BACKGROUND, IGNORED))
        own = ops.one_hot(labels, len(self.names), dtype="float32")  # nothing of −1 and −2
        hinge = ops.sum(ops.square(ops.relu(1.0 - (2.0 * own - 1.0) * outputs["classes"])), axis=-1)
        true = offsets_to(regions, of_owners(encoded["true_boxes"], owners), SCALES)
        boxes = smooth_l1(true, ops.einsum("nkc,nkcd->nkd", own, outputs["offsets"]))
        number = ops.maximum(ops.sum(counted, axis=1), 1.0)
        return {
            "classes": ops.sum(counted * hinge, axis=1) / number,
            "offsets": ops.sum(shown * boxes, axis=1) / number,
        }

    def perfect(self, encoded: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The true boxes as regions, of whose classes the machines are sure."""
        regions = super().perfect(encoded)[REGIONS]
        classes = sure_logits(encoded["true_labels"], len(self.names)).astype(np.float32)
        return {REGIONS: regions, "classes": classes, "offsets": np.zeros((*classes.shape, 4), np.float32)}

    def decode(self, outputs: Mapping[str, NDArray[np.float32]], size: Size) -> Boxes:
        """The best boxes of each picture, suppressed class by class; a score is the sigmoid of the machine's margin."""
        return self.best_of(*machine_boxes(outputs[REGIONS], outputs), size)
