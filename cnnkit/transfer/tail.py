"""The two halves of a network in a phase: a prefix that only runs and a tail that trains.

Nothing flows back into a frozen prefix, so it runs in inference mode, and its output at the freeze boundary is
all that the tail needs. Both halves share the network's layers: training the tail trains the network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras

from cnnkit.backbones.graph import boundary, nodes
from cnnkit.errors import InputError


@dataclass(frozen=True, eq=False)
class Halves:
    """A network cut at its freeze boundary.

    Attributes:
        prefix: Pictures → the tensors of the boundary, one or several (inside an inception module, say). None
            where the first layer with weights trains already.
        tail: The tensors of the boundary, or pictures → output.
    """

    prefix: keras.Model | None
    tail: keras.Model


def halve(model: keras.Model) -> Halves:
    """Cuts a flat model at the boundary that its `trainable` flags draw.

    What all comes from the prefix and is passive, that is frozen or without weights and random state, belongs to
    the prefix: so the boundary of a frozen MobileNet at 224² lies behind its global pooling, 1,024 numbers a
    picture instead of 50,176.

    Raises:
        InputError: Every layer is passive: there is nothing to train.
    """
    tensors = boundary(model, {call.name for call in nodes(model) if _passive(call.layer)})
    if tensors == model.outputs:
        raise InputError(
            "a layer that trains", "every layer is frozen", 'Name one in Phase(train=...): "head" is the least.'
        )
    prefix = keras.Model(model.input, tensors, name="prefix")
    if not prefix.variables:  # preprocessing alone is not worth a cut
        prefix, tensors = None, model.inputs
    # The tail is a model of its own even where nothing is frozen: compiling it leaves `model` as it was.
    return Halves(prefix=prefix, tail=keras.Model(tensors, model.output, name="tail"))


def _passive(layer: Any) -> bool:
    """Whether a layer, or an operation without any state, gives the same in training as in inference."""
    return not (getattr(layer, "trainable", False) and getattr(layer, "variables", ()))
