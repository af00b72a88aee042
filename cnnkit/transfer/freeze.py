"""Which layers train in a phase, and the proof that the others did not move."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np

from cnnkit.backbones.graph import ancestors
from cnnkit.errors import FrozenWeightsMovedError, InputError, unknown_name
from cnnkit.transfer.network import Network
from cnnkit.transfer.plan import Phase


def trained_layers(network: Network, train: str | int) -> tuple[str, ...]:
    """Names of the layers that train, from the input on.

    Args:
        network: Its groups are the stages and the head.
        train: As `Phase.train`.

    Raises:
        UnknownNameError: No layer and no stage has that name.
        InputError: The backbone has fewer stages.
    """
    names = [layer.name for layer in network.model.layers]
    stages = [group for group in network.groups if group != "head"]
    if train == "all":
        return tuple(names)
    if isinstance(train, int):
        if train > len(stages):
            raise InputError(f"at most {len(stages)} stages to train", str(train), 'train="all" trains all of them.')
        train = stages[-train] if train else "head"
    if train in network.groups:
        groups = list(network.groups)
        frozen = {name for group in groups[: groups.index(train)] for name in network.groups[group]}
    elif train in network.branches:
        frozen = set(names) - set(network.branches[train])
    elif train in names:
        frozen = set(ancestors(network.model, train)) - {train}
    else:
        known = ["head", "all", *stages, *network.branches, *names]
        raise unknown_name("a layer or stage to train from", train, known, "network.model.summary(), network.groups")
    return tuple(name for name in names if name not in frozen)


def set_flags(network: Network, phase: Phase) -> tuple[str, ...]:
    """Sets `trainable` of every layer for a phase and returns the names of those that train.

    Each layer is set on its own, since `model.trainable = True` does not wake what was frozen inside. A frozen
    BatchNormalization is one with `trainable=False`: only that keeps Keras from moving its statistics, whatever
    `training=` says (keras#20285). Keras reads the flags when it compiles: compile afterwards.
    """
    trained = set(trained_layers(network, phase.train))
    head = set(network.groups["head"])
    for layer in network.model.layers:
        frozen_norm = phase.batch_norm == "frozen" and layer.name not in head
        _set_trainable(layer, layer.name in trained, freeze_norm=frozen_norm)
    return tuple(layer.name for layer in network.model.layers if layer.trainable_weights)


def _set_trainable(layer: keras.layers.Layer, trainable: bool, *, freeze_norm: bool) -> None:
    inner = getattr(layer, "layers", None)
    if inner is None:
        is_norm = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = trainable and not (is_norm and freeze_norm)
        return
    # A nested model: its own flag first, since setting it sets all inner ones.
    layer.trainable = trainable
    for part in inner:
        _set_trainable(part, trainable, freeze_norm=freeze_norm)


@contextmanager
def flags_kept(model: keras.Model) -> Iterator[None]:
    """Puts every `trainable` flag back at its end."""
    before = [(layer, layer.trainable) for layer in _all_layers(model)]
    try:
        yield
    finally:
        for layer, trainable in before:  # a nested model before its layers: setting it sets all of them
            layer.trainable = trainable


def _all_layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    for layer in model.layers:
        yield layer
        yield from _all_layers(layer) if hasattr(layer, "layers") else ()


def frozen_variables(model: keras.Model) -> list[tuple[str, keras.Variable]]:
    """Weights and statistics that must stay as they are while the flags stand as they do, each with where it is.

    A variable's own path names the layer that holds it, not the inner models around that: two may hold a layer of the
    same name.
    """
    return [
        ("/".join((*chain, variable.path)), variable)
        for chain, leaf in leaves(model)
        if not leaf.trainable
        for variable in leaf.variables
    ]


def leaves(model: keras.Model, chain: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], keras.layers.Layer]]:
    """Layers that hold no layers in turn, each with the names of the inner models around it."""
    for part in model.layers:
        if getattr(part, "layers", None) is None:
            yield chain, part
        else:
            yield from leaves(part, (*chain, part.name))


class FrozenCheck:
    """Remembers the content of every frozen variable and compares it later.

    Args:
        model: With the flags of the phase set.
    """

    def __init__(self, model: keras.Model) -> None:
        self._before = [(path, variable, _digest(variable)) for path, variable in frozen_variables(model)]
        self._verified = False

    def verify_once(self) -> None:
        """`verify` at the first call; a training step costs less than looking at all arrays again."""
        if not self._verified:
            self.verify()
            self._verified = True

    def verify(self) -> int:
        """The number of frozen arrays, all unchanged.

        Raises:
            FrozenWeightsMovedError: One moved: the first is named.
        """
        for path, variable, before in self._before:
            if _digest(variable) != before:
                raise FrozenWeightsMovedError(
                    f"{path} unchanged, since the phase froze it",
                    "other values after a training step",
                    "A callback or a layer that updates itself moved it: unfreeze its layer or remove the callback.",
                )
        return len(self._before)


def _digest(variable: keras.Variable) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(variable.numpy()).tobytes(), digest_size=16).digest()
