"""Linear machines on features of regions: R-CNN's and SPP-net's, one per class, with a box of each class.

A linear support vector machine is a linear layer; how far a region is on the right side of it is its margin. Box
regression is class-wise (Girshick et al., "Rich feature hierarchies for accurate object detection and semantic
segmentation", CVPR 2014, arXiv:1311.2524, appendix C).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.heads.anchors import boxes_of
from cnnkit.heads.detection import probabilities
from cnnkit.heads.detector import SPREAD
from cnnkit.heads.region_targets import SCALES

# The mean length of features in R-CNN's code, for which its machines' weight decay is meant.
LENGTH = 20.0
CLASSES, OFFSETS = "region_classes", "region_offsets"
"""The names of the two linear layers."""


def machine_layers(features: keras.KerasTensor, classes: int, *, seed: int) -> dict[str, keras.KerasTensor]:
    """Features (…, d) brought to one length, and two linear layers.

    Returns:
        `"classes"`, (…, classes) margins, and `"offsets"`, (…, classes, 4).
    """
    x = keras.layers.UnitNormalization(name="region_unit")(features)
    x = keras.layers.Rescaling(LENGTH, name="region_length")(x)
    layers = {
        name: keras.layers.Dense(
            units,
            kernel_initializer=keras.initializers.RandomNormal(stddev=SPREAD, seed=seed),
            name=name,
            dtype="float32",
        )(x)
        for name, units in ((CLASSES, classes), (OFFSETS, 4 * classes))
    }
    places = [-1 if side is None else side for side in x.shape[1:-1]]
    by_class = keras.layers.Reshape((*places, classes, 4), name="region_offsets_by_class", dtype="float32")
    return {"classes": layers[CLASSES], "offsets": by_class(layers[OFFSETS])}


def machine_boxes(
    regions: NDArray[Any], outputs: Mapping[str, NDArray[np.float32]]
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """A box of each region and class, and its scores: the sigmoid of the margin for its class, 0 for all others.

    Args:
        regions: (n, k, 4) x1, y1, x2, y2; one without area has no score.
        outputs: `"classes"` (n, k, classes) and `"offsets"` (n, k, classes, 4).

    Returns:
        (n, k · classes, 4) and (n, k · classes, classes).
    """
    given = np.asarray(regions, np.float64)
    has_area = np.all(given[..., 2:] > given[..., :2], axis=-1, keepdims=True)
    scores = probabilities(outputs["classes"]) * has_area
    corners = boxes_of(given[..., None, :], outputs["offsets"], SCALES)
    pictures, count, classes = scores.shape
    each = scores[..., None] * np.eye(classes, dtype=np.float32)
    return corners.reshape(pictures, count * classes, 4), each.reshape(pictures, count * classes, classes)
