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
from cnnkit.heads.fast_rcnn import LEVELS, FastRCNN
from cnnkit.heads.head import Size
from cnnkit.heads.region_detector import as_regions
from cnnkit.heads.region_proposals import RegionProposals
from cnnkit.heads.staged import Regions


@dataclass(frozen=True)
class FasterRCNN(FastRCNN):
    """The head of `ck.tasks.faster_rcnn`, which documents the fields.

    Beside the outputs of `FastRCNN` it has `"objectness"`, (anchors, 1) logits, and `"shifts"`, (anchors, 4) from each
    anchor.
    """

    kind: ClassVar[str] = "faster_rcnn"
    arguments: ClassVar[tuple[Argument, ...]] = (
        *FastRCNN.arguments,
        *counts("sizes", "proposals"),
    )

    sizes: int = 2
    proposals: int = 60

    def picture_outputs(self, maps: Mapping[str, keras.KerasTensor]) -> dict[str, keras.KerasTensor]:
        """Proposals on all levels."""
        return self._proposing.build(maps, self.width)

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
