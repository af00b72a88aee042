"""A network that answers at once, for pictures that come one at a time: frames of a camera, requests of a server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cnnkit.data.any_pictures import Picture, as_source
from cnnkit.data.placements import from_inputs
from cnnkit.data.targets.targets import Targets
from cnnkit.engines.forward_cache import FEW_PICTURES
from cnnkit.engines.runtimes import EngineName, Precision, Runtime
from cnnkit.errors import InputError
from cnnkit.transfer.finite import require_finite_outputs, require_finite_weights
from cnnkit.transfer.network import Network, network_of


class Predictor:
    """A network as it is when this is made: traced, folded and warm. It may be called from several threads at once.

    Weights that are written later change nothing: make another one. (Only the graph of a network with grouped
    convolutions cannot be folded, and reads its weights anew each time.)

    Attributes:
        network: Whose answers these are.
    """

    def __init__(self, network: Network, runtime: Runtime) -> None:
        self.network = network
        # As for so many pictures that the graph is folded. It keeps its weights: what changes them gets another one.
        self._forward = network.forward_cache.find(runtime, pictures=FEW_PICTURES + 1, say=lambda _: None)
        # Noise: the engine's numbers are compared with Keras's on it.
        noise = np.random.default_rng(0).integers(0, 256, (2, *network.size, 3), dtype=np.uint8)
        for count in (2, 1):
            self._forward(noise[:count])

    def __call__(self, picture: Picture) -> pd.DataFrame:
        """What `ck.predict` returns of one picture: of labels one row, of boxes one row per box.

        Args:
            picture: An array (h, w, 3) of RGB 0…255, a Pillow image, or the path of a file.

        Raises:
            DataError: Values that are not 0…255, or an output that is not finite.
            ImageFileError: A file that is no picture.
            InputError: Something else, or several pictures.
        """
        source = as_source(picture)
        if len(source) != 1:
            raise InputError("one picture", f"{len(source)}", "ck.predict takes several.")
        photograph = source.image(0)
        outputs = self.outputs(self.framed(photograph)[None])
        return self.decoded(outputs, [photograph.shape[:2]]).table(source.ids)

    def framed(self, photograph: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(h, w, 3) of any size → (height, width, 3) as the network takes it."""
        return self.network.framing.apply(photograph, self.network.size)

    def outputs(self, images: NDArray[Any]) -> Any:
        """What the model gives: one array, or several by name, whose first axis is the picture.

        Args:
            images: (n, height, width, 3), as of `framed`: the size of the network's input, RGB 0…255.

        Raises:
            DataError: An output is not finite.
        """
        arrays = self._forward(images)
        for array in arrays:
            require_finite_outputs(self.network.model, array, np.arange(len(images)))
        return keras.tree.pack_sequence_as(self.network.model.output, arrays)

    def decoded(self, outputs: Any, shapes: Sequence[tuple[int, ...]]) -> Targets:
        """What outputs say, in the pixels of the photographs.

        Args:
            outputs: Of `outputs`, of n pictures.
            shapes: (height, width) of each of the n photographs.
        """
        network = self.network
        return from_inputs(network.head.decode(outputs, network.size), shapes, network.framing, network.size)


def predictor(network: Network, *, engine: EngineName = "auto", precision: Precision = "float32") -> Predictor:
    """Makes a network ready for pictures that come one at a time, from any thread.

    For example::

        look = ck.predictor(net)
        for frame in camera:
            look(frame)["label"][0]

    Its start traces and folds the graph, which takes about as long as a hundred pictures; `ck.predict` does not fold it
    for so few. A picture then costs less than `net.model.predict_on_batch`.

    Args:
        network: Trained, or loaded with `ck.load`.
        engine: As in `ck.predict`.
        precision: As in `ck.predict`.

    Raises:
        InputError: No network, one whose weights are not finite, or an engine that does not compute in that precision.
        UnknownNameError: No such engine or precision.
        MissingExtraError: The engine is not installed.
    """
    network = network_of(network)
    runtime = Runtime(engine, precision)
    require_finite_weights(network.model)
    return Predictor(network, runtime)
