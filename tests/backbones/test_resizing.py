"""The same layers on another size: the numbers of a network that was built for it, or a refusal."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.backbones.resizing import at_size
from cnnkit.errors import InputError

CLASSES = ("ground", "disc")
HEADS = {
    "unet": lambda: ck.heads.unet(CLASSES, widths=(8, 8), seed=1),
    "fcn": lambda: ck.heads.fcn(CLASSES, seed=1),
    "deeplab": lambda: ck.heads.deeplab(CLASSES, width=8, seed=1),
    "classifier": lambda: ck.heads.classifier(CLASSES, seed=1),
    "fcos": lambda: ck.heads.fcos(CLASSES, width=8, seed=1),
}


def network(head: str, backbone: str, size: tuple[int, int]) -> ck.Network:
    return ck.attach(ck.backbone(backbone, weights=None, input_shape=(*size, 3)), HEADS[head]())


APPLICATIONS = [pytest.param("fcn", name, marks=pytest.mark.slow) for name in ("mobilenet_v2", "efficientnet_b0")]


@pytest.mark.parametrize(("head", "backbone"), [*((head, "nano") for head in HEADS), *APPLICATIONS])
def test_numbers_of_a_network_built_for_the_size(head: str, backbone: str) -> None:
    large, small = network(head, backbone, (96, 128)), network(head, backbone, (64, 96))
    small.model.set_weights(large.model.get_weights())
    images = np.random.default_rng(0).uniform(0, 255, (2, 64, 96, 3)).astype(np.float32)
    shared = at_size(large.model, (64, 96))
    expected, given = (keras.tree.flatten(model(images, training=False)) for model in (small.model, shared))
    for theirs, ours in zip(expected, given, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)  # float32 sums in another order
    assert {id(variable) for variable in shared.variables} == {id(variable) for variable in large.model.variables}
    assert at_size(large.model, (96, 128)) is large.model


def test_layers_that_know_their_size_are_refused() -> None:
    given = keras.Input((64, 64, 3))
    flat = keras.layers.Flatten()(keras.layers.Conv2D(2, 3, strides=2, padding="same")(given))
    dense = keras.Model(given, keras.layers.Dense(2)(flat))
    fixed = keras.Model(given, keras.layers.Resizing(32, 32)(keras.layers.Conv2D(2, 1)(given)))
    for model in (dense, fixed):
        with pytest.raises(InputError, match="64 × 64"):
            at_size(model, (96, 96))
    with pytest.raises(InputError, match=r"multiples of 32.*40 × 64"):
        at_size(dense, (40, 64))
