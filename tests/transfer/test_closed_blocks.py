"""Inner models whose layers share their names stay closed: nothing may take one for the other."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import cnnkit as ck
from tests.transfer.worlds import SIZE, pictures

BLOCKS = ("near", "middle", "deep")


def network() -> ck.Network:
    """Three blocks with the same layers, all of one shape: `conv`, `bn`, `drop` and `drop_again`."""
    keras.utils.set_random_seed(4)
    image = keras.Input((SIZE, SIZE, 3), name="image")
    x = keras.layers.Rescaling(1 / 255, name="scale")(image)
    for name in BLOCKS:
        entry = keras.Input((None, None, 3))
        y = keras.layers.Conv2D(3, 3, strides=2, padding="same", name="conv")(entry)
        y = keras.layers.Dropout(0.5, name="drop")(keras.layers.BatchNormalization(name="bn")(y))
        x = keras.Model(entry, keras.layers.Dropout(0.5, name="drop_again")(y), name=name)(x)
    return ck.attach(ck.backbone(keras.Model(image, x, name="blocks")), ck.heads.classifier(["grey", "red"]))


def inner(net: ck.Network, block: str, layer: str) -> keras.Layer:
    return net.model.get_layer(block).get_layer(layer)


PLAN = ck.Plan([ck.Phase("p", train="all", epochs=2, rate=0.01, rate_decay=0.5)])


def test_a_bundle_gives_each_block_its_own_weights(tmp_path: Path) -> None:
    net = network()
    for value, block in enumerate(BLOCKS, start=1):
        inner(net, block, "conv").bias.assign(np.full(3, value / 10, np.float32))
    ck.save(net, tmp_path / "net")
    again = ck.load(tmp_path / "net")
    for one, other in zip(net.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert [round(float(inner(again, block, "conv").bias.numpy()[0]), 3) for block in BLOCKS] == [0.1, 0.2, 0.3]


def test_a_resumed_training_is_the_uninterrupted_one(colours, tmp_path: Path) -> None:
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyboardInterrupt

    whole, halved = network(), network()
    ck.fit(whole, colours, PLAN, progress=False)
    with pytest.raises(KeyboardInterrupt):
        ck.fit(halved, colours, PLAN, progress=False, resume=tmp_path / "checkpoints", callbacks=[Stop()])
    again = network()
    ck.fit(again, colours, PLAN, progress=False, resume=tmp_path / "checkpoints")
    for one, other in zip(whole.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_every_dropout_has_a_state_of_its_own(colours) -> None:
    net = network()
    ck.fit(net, colours, ck.Plan([ck.Phase("p", train="head", epochs=1)]), progress=False, seed=3)
    layers = [inner(net, block, name) for block in BLOCKS for name in ("drop", "drop_again")]
    assert len({tuple(layer.variables[0].numpy().tolist()) for layer in layers}) == 6


def test_frozen_blocks_stay_and_a_trained_one_moves(colours) -> None:
    net = network()
    before = [inner(net, block, "conv").kernel.numpy() for block in BLOCKS]
    ck.fit(net, colours, ck.Plan([ck.Phase("p", train="deep", epochs=1)]), progress=False)
    moved = [
        np.abs(inner(net, block, "conv").kernel.numpy() - old).max() for block, old in zip(BLOCKS, before, strict=True)
    ]
    assert moved[:2] == [0, 0]
    assert moved[2] > 0
    assert len(ck.predict(net, pictures(4, 1)[0])) == 4
