"""What a head of several stages offers: its first outputs say which regions of a picture the later ones are of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cnnkit.heads.head import Size

MAPS = "maps"
"""The output that later stages look at: the model computes it once per picture."""
Outputs = Mapping[str, NDArray[Any]]
Regions = NDArray[np.float32]
"""(n, k, 4) x1, y1, x2, y2 in pixels of the input, as many for each picture; one without area is none."""


@runtime_checkable
class StagedHead(Protocol):
    """A head whose model takes regions beside the picture.

    `build` finds an input of regions among its features under the name of each stage, and gives `MAPS` among its
    outputs. Which regions they are is decided in NumPy, from the outputs of the stages before.
    """

    @property
    def stages(self) -> Mapping[str, tuple[str, ...]]:
        """Stage → its outputs, in order. All others are of the picture alone."""

    def proposed(self, stage: str, outputs: Outputs, size: Size) -> Regions:
        """What a stage looks at in use.

        Args:
            stage: Its name.
            outputs: Of the stages before; of `MAPS` perhaps only the first axis.
            size: Of the input.
        """

    def sampled(self, stage: str, outputs: Outputs, encoded: Outputs, size: Size) -> Regions:
        """What a stage learns from.

        Args:
            stage: Its name.
            outputs: Of the stages before.
            encoded: The truth, as `encode` gives it.
            size: Of the input.
        """

    def losses(self, encoded: Any, outputs: Any) -> dict[str, Any]:
        """Name → (n,); their sum is `loss`."""
