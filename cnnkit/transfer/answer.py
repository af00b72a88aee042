"""What a network says of some pictures: its outputs, and the way to the pixels of the photographs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.placements import in_photographs
from cnnkit.data.source import Source
from cnnkit.data.targets.boxes import Boxes
from cnnkit.data.targets.targets import Targets
from cnnkit.transfer.network import Network

Outputs = Any


@dataclass(frozen=True, eq=False)
class Answer:
    """What a network says of some pictures.

    Attributes:
        indices: (n,) their places in the source.
        outputs: Of the network, for `size`.
        size: (height, width) that the outputs cover: the input, or of masks seen window by window the photograph.
        framed: Whether they are of the framed pictures.
        boxes: What several looks at the photographs say together, where the head is one of boxes.
    """

    indices: NDArray[np.int64]
    outputs: Outputs
    size: tuple[int, int]
    framed: bool = True
    boxes: Boxes | None = None

    def decoded(self, network: Network, source: Source) -> Targets:
        """The same in the pixels of the photographs."""
        if self.boxes is not None:
            return self.boxes
        if self.framed:
            return decoded(network, source, self.indices, self.outputs)
        return network.head.decode(self.outputs, self.size)


def decoded(network: Network, source: Source, indices: NDArray[np.int64], outputs: Outputs) -> Targets:
    """What the network says of some framed pictures of a source, in the pixels of the photographs."""
    predictions = network.head.decode(outputs, network.size)
    return in_photographs(predictions, source, indices, network.framing, network.size)
