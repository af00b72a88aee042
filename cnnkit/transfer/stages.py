"""A network of several stages: what is computed of a picture, then of regions, which NumPy chooses in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from cnnkit.engines.forward import Forward
from cnnkit.engines.forward_cache import ForwardCache
from cnnkit.engines.runtimes import Engine, Runtime
from cnnkit.heads.head import Size
from cnnkit.heads.staged import MAPS, StagedHead
from cnnkit.transfer.traced_once import TracedOnce


@dataclass(frozen=True, eq=False)
class Stages:
    """The parts of a flat model; they share its layers.

    Attributes:
        head: Decides on the regions.
        size: Of the pictures.
        first: Pictures, or the tensors of a freeze boundary → the outputs of a picture alone.
        later: Stage → model of maps and regions.
    """

    head: StagedHead
    size: Size
    first: keras.Model
    later: Mapping[str, keras.Model]

    @classmethod
    def of(cls, model: keras.Model, head: StagedHead, size: Size) -> Stages:
        """Those of a model whose last inputs are the regions of the stages, in order."""
        number, outputs = len(head.stages), model.output
        given, regions = model.inputs[:-number], model.inputs[-number:]
        later = {name for names in head.stages.values() for name in names}
        first = {name: tensor for name, tensor in outputs.items() if name not in later}
        return cls(
            head=head,
            size=size,
            first=keras.Model(given if len(given) > 1 else given[0], first, name="first_stage"),
            later={
                stage: keras.Model(
                    [outputs[MAPS], tensor], {name: outputs[name] for name in names}, name=f"{stage}_stage"
                )
                for (stage, names), tensor in zip(head.stages.items(), regions, strict=True)
            },
        )

    def outputs(self, inputs: Any, encoded: Mapping[str, Any] | None, *, training: bool) -> dict[str, Any]:
        """All outputs, as a part of a graph. No gradient flows through the choice of regions.

        Args:
            inputs: Of the model but for the regions.
            encoded: The truth that regions are sampled for, as the head encodes it; None for those of use.
            training: As of every model.
        """
        outputs = dict(self.first(inputs if len(inputs) > 1 else inputs[0], training=training))
        for stage, model in self.later.items():
            regions = self._regions(stage, outputs, encoded)
            outputs |= model([outputs[MAPS], regions], training=training)
        return outputs

    def _regions(self, stage: str, outputs: Mapping[str, Any], encoded: Mapping[str, Any] | None) -> Any:
        """What the head decides on, whenever the graph runs."""
        # Of the maps only how many there are: a copy of them would take as long as a layer.
        small = {**outputs, MAPS: outputs[MAPS][..., :0]}

        def decided(*arrays: NDArray[Any]) -> NDArray[np.float32]:
            told = dict(zip(small, arrays[: len(small)], strict=True))
            if encoded is None:
                return self.head.proposed(stage, told, self.size)
            truth = dict(zip(encoded, arrays[len(small) :], strict=True))
            return self.head.sampled(stage, told, truth, self.size)

        tensors = [*small.values(), *(encoded or {}).values()]
        return tf.ensure_shape(tf.numpy_function(decided, tensors, tf.float32), (None, None, 4))


@dataclass(frozen=True, eq=False)
class StagedForward:
    """What a `Forward` is to a model of one stage; the later stages are always TensorFlow's.

    Attributes:
        first: Runs the first stage.
        stages: Of the model.
        later: Stage → its graph.
        names: Of the outputs, as the model gives them.
    """

    first: Forward
    stages: Stages
    later: Mapping[str, Callable[[Any], Any]]
    names: tuple[str, ...]

    @property
    def engine(self) -> Engine:
        """Of the first stage."""
        return self.first.engine

    @property
    def numbers(self) -> str:
        """What the numbers of the first stage depend on."""
        return self.first.numbers

    def __call__(self, images: Any) -> list[NDArray[Any]]:
        """One array for each output of the model."""
        outputs = dict(keras.tree.pack_sequence_as(self.stages.first.output, self.first(images)))
        for stage, run in self.later.items():
            regions = self.stages.head.proposed(stage, outputs, self.stages.size)
            outputs |= {name: tensor.numpy() for name, tensor in run([outputs[MAPS], regions]).items()}
        return list(keras.tree.flatten({name: outputs[name] for name in self.names}))


class StagedForwards:
    """What a `ForwardCache` is to a model of one stage.

    Args:
        model: Of the whole network.
        head: Of it.
        size: Of its input.
    """

    def __init__(self, model: keras.Model, head: StagedHead, size: Size) -> None:
        self._names = tuple(model.output)
        self._stages = Stages.of(model, head, size)
        self._first = ForwardCache(self._stages.first)
        # These graphs read the weights from the variables: nothing can be out of date.
        self._later = {stage: TracedOnce(partial(of, training=False)) for stage, of in self._stages.later.items()}

    def find(self, runtime: Runtime, *, pictures: int, say: Callable[[str], None]) -> StagedForward:
        """As of a `ForwardCache`."""
        first = self._first.find(runtime, pictures=pictures, say=say)
        return StagedForward(first, self._stages, self._later, self._names)
