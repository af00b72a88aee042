"""R-CNN: every proposal is a picture of its own, with linear machines on what the backbone says of it.

Girshick, Donahue, Darrell and Malik, "Rich feature hierarchies for accurate object detection and semantic
segmentation", CVPR 2014 (arXiv:1311.2524).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.arguments import Argument
from cnnkit.data.targets.boxes import Boxes
from cnnkit.heads.anchors import offsets_of
from cnnkit.heads.detection import not_counted, require_boxes
from cnnkit.heads.detector import SURE, Detector
from cnnkit.heads.head import Size
from cnnkit.heads.machines import CLASSES, OFFSETS, machine_boxes, machine_layers
from cnnkit.heads.region_targets import SCALES
from cnnkit.heads.support_vectors import machines, regressions
from cnnkit.losses.boxes import smooth_l1
from cnnkit.metrics.box_overlap import box_iou
from cnnkit.metrics.given_arrays import real

# From which IoU on a region shows a class where steps train (section 2.3), below which it shows nothing of it, and
# above which it says where the box is (appendix C).
SHOWS, NOTHING, NEAR = 0.5, 0.3, 0.6
# Where machines are fitted the true boxes alone show a class (appendix B).
ITSELF = 1 - 1e-6


@dataclass(frozen=True)
class RCNN(Detector):
    """The head of `ck.tasks.rcnn`, which documents the fields.

    It looks at one proposal, whose picture is warped to the input with some of what is around it. Its outputs are
    `"classes"`, (classes,) how far it is on the right side of each machine, and `"offsets"`, (classes, 4) of the box
    from the proposal.
    """

    kind: ClassVar[str] = "rcnn"
    per_box: ClassVar[bool] = False
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument(
            "context",
            lambda value: real(value, 0, 1) and value < 0.5,
            "context from 0, below 0.5, as a share of the crop's side",
            "0.07 is the paper's.",
        ),
    )

    iou: float = 0.3
    context: float = 0.07

    @property
    def taps(self) -> tuple[str, ...]:
        """The cut."""
        return ()

    def build(self, features: keras.KerasTensor) -> dict[str, keras.KerasTensor]:
        """All numbers of the last map, brought to one length, and two linear layers."""
        return machine_layers(keras.layers.Flatten(name="region_features")(features), len(self.names), seed=self.seed)

    def encode(self, truth: Boxes, size: Size) -> dict[str, NDArray[Any]]:
        """As `encoded_regions`, of the one proposal that each input shows.

        Raises:
            DataError: The truth is of another kind, or has other classes.
        """
        truth = require_boxes(truth, self.names)
        parts = [encoded_regions(self._proposal(size), truth, index) for index in range(len(truth))]
        count = len(self.names)
        nothing = {"overlaps": np.zeros((0, count), np.float32), "offsets": np.zeros((0, count, 4), np.float32)}
        return {name: np.concatenate([none, *(part[name] for part in parts)]) for name, none in nothing.items()}

    def loss(self, encoded: Any, outputs: Any) -> Any:
        """(n,) squared hinge of the machines, and smooth L1 of the offsets of the classes that are shown."""
        ops = keras.ops
        overlaps = ops.convert_to_tensor(encoded["overlaps"])
        shown, nothing = (ops.cast(flag, "float32") for flag in (overlaps >= SHOWS, overlaps < NOTHING))
        margins = outputs["classes"]
        hinge = shown * ops.square(ops.relu(1.0 - margins)) + nothing * ops.square(ops.relu(1.0 + margins))
        return ops.sum(hinge + shown * smooth_l1(encoded["offsets"], outputs["offsets"]), axis=-1)

    def closed_form(self, features: NDArray[np.float32], encoded: Any) -> Mapping[str, list[NDArray[Any]]]:
        """The machines and the regressions of the paper.

        Raises:
            MissingExtraError: scikit-learn is not installed.
        """
        overlaps = np.asarray(encoded["overlaps"])
        return {
            CLASSES: list(machines(features, overlaps >= ITSELF, overlaps < NOTHING, seed=self.seed)),
            OFFSETS: list(regressions(features, encoded["offsets"], overlaps > NEAR)),
        }

    def perfect(self, encoded: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Machines that are sure of what is shown, and its box."""
        sure = np.where(encoded["overlaps"] >= SHOWS, SURE, -SURE)
        return {"classes": sure.astype(np.float32), "offsets": encoded["offsets"]}

    def decode(self, outputs: Mapping[str, NDArray[np.float32]], size: Size) -> Boxes:
        """The boxes of the proposals, each in the pixels of its own input."""
        regions = np.tile(self._proposal(size), (len(outputs["classes"]), 1, 1))
        return self.best_of(*machine_boxes(regions, {name: array[:, None] for name, array in outputs.items()}), size)

    def in_picture(self, regions: NDArray[np.float64], outputs: Mapping[str, NDArray[np.float32]], size: Size) -> Boxes:
        """The best boxes of one picture.

        Args:
            regions: (k, 4) its proposals, in its pixels.
            outputs: Of the k crops.
            size: Of the picture.
        """
        return self.best_of(*machine_boxes(regions[None], {name: array[None] for name, array in outputs.items()}), size)

    def _proposal(self, size: Size) -> NDArray[np.float64]:
        """(1, 4) where an input shows its proposal."""
        (height, width), rest = size, 1 - self.context
        return np.array([[self.context * width, self.context * height, rest * width, rest * height]])


def encoded_regions(regions: NDArray[np.float64], truth: Boxes, index: int) -> dict[str, NDArray[np.float32]]:
    """What regions show of each class.

    Args:
        regions: (k, 4) of one picture.
        truth: Of it and others.
        index: Which of them it is.

    Returns:
        `overlaps` (k, classes): the IoU with the best box of a class, and between nothing and something where a region
        lies in a crowd or a difficult thing of it. `offsets` (k, classes, 4) to that box, 0 where there is none.
    """
    span = truth.span(index)
    boxes, labels, passed_over = truth.boxes[span], truth.labels[span], not_counted(truth)[span]
    overlaps = np.zeros((len(regions), len(truth.names)), np.float32)
    offsets = np.zeros((*overlaps.shape, 4), np.float32)
    for label in np.unique(labels):
        own, others = boxes[(labels == label) & ~passed_over], boxes[(labels == label) & passed_over]
        if len(own):
            iou = box_iou(regions, own)
            overlaps[:, label] = iou.max(axis=1)
            offsets[:, label] = offsets_of(regions, own[iou.argmax(axis=1)], SCALES)
        inside = box_iou(regions, others, crowd=np.ones(len(others), np.bool_)).max(axis=1, initial=0) >= NOTHING
        overlaps[inside & (overlaps[:, label] < NOTHING), label] = (NOTHING + SHOWS) / 2
    return {"overlaps": overlaps, "offsets": offsets}
