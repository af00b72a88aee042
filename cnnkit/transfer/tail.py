"""The two halves of a network in a phase: a prefix that only runs and a tail that trains.

Nothing flows back into a frozen prefix, so it runs in inference mode, and its output at the freeze boundary is
all that the tail needs. Both halves share the network's layers: training the tail trains the network.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from cnnkit.backbones.graph import Node, boundary, nodes
from cnnkit.errors import InputError
from cnnkit.heads.head import Head, MeasuredHead
from cnnkit.heads.staged import StagedHead
from cnnkit.transfer.stages import Stages
from cnnkit.transfer.traced_once import TracedOnce


@dataclass(frozen=True, eq=False)
class Halves:
    """A network cut at its freeze boundary.

    Attributes:
        prefix: Pictures → the tensors of the boundary, one or several (inside an inception module, say). None
            where the first layer with weights trains already.
        tail: The tensors of the boundary, or pictures → output, with the loss of the head.
    """

    prefix: keras.Model | None
    tail: Tail


class Tail(keras.Model):
    """What trains: a functional model whose loss is the mean of a head's over pictures, whatever its outputs are.

    Attributes:
        head: Whose loss it is.
    """

    head: Head
    train_function: Any  # Keras's names for what it calls with batches
    predict_function: Any

    def make_train_function(self, force: bool = False) -> None:
        """As Keras's, but traced once for batches of any size."""
        if self.train_function is None or force:
            step = TracedOnce(self.train_step)
            self.train_function = lambda batches: step(next(iter(batches)))

    def make_predict_function(self, force: bool = False) -> Any:
        """As Keras's, but traced once for batches of any size."""
        if self.predict_function is None or force:
            step = TracedOnce(self.predict_step)
            self.predict_function = lambda batches: step(batches[0])
        return self.predict_function

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Σ weight · loss / pictures, plus what layers add (regularization)."""
        # Where Keras has the loss, Keras's own reduction: TensorFlow orders sums by the names of operations, and with
        # other names the last bit of a gradient is another than that of `model.compile(loss=...)`.
        if isinstance(self.head, MeasuredHead):
            losses = [self.head.keras_loss()(y, y_pred, sample_weight)]
        else:
            losses = [mean_loss(self.head.loss(y, y_pred), sample_weight)]
        losses += [keras.ops.sum(loss) for loss in self.losses]
        return losses[0] if len(losses) == 1 else keras.ops.sum(losses)


class StagedTail(Tail):
    """A tail whose model takes regions, on which its head decides between the stages.

    Attributes:
        stages: Its parts.
    """

    stages: Stages

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step, for regions that are sampled for the truth; the mean of each loss beside their sum."""
        inputs, encoded, weights = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            outputs = self.stages.outputs(inputs, encoded, training=True)
            parts = self.stages.head.losses(encoded, outputs)
            means = {f"{name}_loss": mean_loss(values, weights) for name, values in parts.items()}
            loss = sum([*means.values(), *(keras.ops.sum(loss) for loss in self.losses)])
            scaled = self.optimizer.scale_loss(loss)
        variables = self.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(scaled, variables), variables, strict=True))
        return {"loss": loss, **means}

    def predict_step(self, data: Any) -> Any:
        """Outputs for the regions that are proposed."""
        return self.stages.outputs(keras.utils.unpack_x_y_sample_weight(data)[0], None, training=False)


def mean_loss(values: Any, weights: Any = None) -> Any:
    """Σ weight · value / n of (n,) losses: what Keras calls "sum_over_batch_size"."""
    if weights is not None:
        values = values * keras.ops.cast(weights, values.dtype)
    count = keras.ops.cast(keras.ops.shape(values)[0], values.dtype)
    return keras.ops.divide_no_nan(keras.ops.sum(values), count)


def halve(model: keras.Model, head: Head) -> Halves:
    """Cuts a flat model at the boundary that its `trainable` flags draw.

    What all comes from the prefix and is passive, that is frozen or without weights and random state, belongs to
    the prefix: so the boundary of a frozen MobileNet at 224² lies behind its global pooling, 1,024 numbers a
    picture instead of 50,176.

    Raises:
        InputError: Every layer is passive: there is nothing to train.
    """
    before, ends = _prefix_layers(model), _ends(model)
    if ends <= before:
        raise InputError(
            "a layer that trains", "every layer is frozen", 'Name one in Phase(train=...): "head" is the least.'
        )
    # The layer that gives an output stays in the tail, also where a frozen branch leads there: Keras refuses a model of
    # which an inner tensor is input and output at once.
    picture, *regions = model.inputs
    given = {id(tensor) for tensor in regions}
    tensors = [tensor for tensor in boundary(model, before - ends) if id(tensor) not in given]
    prefix = keras.Model(picture, tensors, name="prefix")
    if not prefix.variables:  # preprocessing alone is not worth a cut
        prefix, tensors = None, [picture]
    # The tail is a model of its own even where nothing is frozen: compiling it leaves `model` as it was.
    make = StagedTail if isinstance(head, StagedHead) else Tail
    tail = make([*tensors, *regions], model.output, name="tail")
    tail.head = head
    if isinstance(head, StagedHead):
        tail.stages = Stages.of(tail, head, tuple(picture.shape[1:3]))
    return Halves(prefix=prefix, tail=tail)


def _prefix_layers(model: keras.Model) -> set[str]:
    """Names of the layers that stand before the boundary.

    All that passive layers with weights need, and behind them what gives less than twice the numbers that it takes: a
    pooling, a sum, a border of padding; no enlargement, which gives four times as many.
    """
    calls = nodes(model)
    regions = {id(tensor) for tensor in model.inputs[1:]}
    passive: set[int] = set()  # what depends on the picture and passive layers alone
    for index, call in enumerate(calls):
        of_picture = regions.isdisjoint(map(id, call.outputs)) and passive.issuperset(call.parents)
        if _passive(call.layer) and of_picture:
            passive.add(index)
    prefix = {index for index in passive if getattr(calls[index].layer, "variables", ()) or not calls[index].parents}
    for index in sorted(prefix, reverse=True):
        prefix.update(_ancestors(calls, index))
    for index in sorted(passive - prefix):
        call = calls[index]
        if prefix.issuperset(call.parents) and _numbers(call.outputs) < 2 * _numbers(call.inputs):
            prefix.add(index)
    return {calls[index].name for index in prefix}


def _ends(model: keras.Model) -> set[str]:
    """Names of the layers that give the model's outputs."""
    given = {id(tensor) for tensor in model.outputs}
    return {call.name for call in nodes(model) if any(id(tensor) in given for tensor in call.outputs)}


def _ancestors(calls: list[Node], index: int) -> set[int]:
    """Places of all calls that one depends on."""
    found: set[int] = set()
    waiting = [index]
    while waiting:
        parents = set(calls[waiting.pop()].parents) - found
        found |= parents
        waiting += parents
    return found


def _numbers(tensors: Iterable[Any]) -> int:
    """Of one picture; a side that is not known counts as one."""
    return sum(math.prod(side or 1 for side in tensor.shape[1:]) for tensor in tensors)


def _passive(layer: Any) -> bool:
    """Whether a layer, or an operation without any state, gives the same in training as in inference."""
    return not (getattr(layer, "trainable", False) and getattr(layer, "variables", ()))
