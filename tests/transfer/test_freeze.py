"""What trains, what is frozen, and the traps of Keras around it.

`training=False` does not keep BatchNorm in inference mode in `fit` (keras#20285), `trainable` set after `compile` does
nothing, and an inner model frozen on its own does not wake with the outer one.
"""

from __future__ import annotations

import keras
import numpy as np
import pytest

from cnnkit.errors import FrozenWeightsMovedError, InputError, UnknownNameError
from cnnkit.transfer.freeze import FrozenCheck, set_flags, trained_layers
from cnnkit.transfer.plan import Phase


def test_from_a_layer_on_everything_that_it_does_not_depend_on_trains(make) -> None:
    network = make()
    trained = trained_layers(network, "block1_conv")
    assert "stem_conv" not in trained
    assert {"block1_conv", "block1_bn", "block1_add", "block2_conv", "probability"} <= set(trained)


def test_from_inside_a_branch_the_branch_beside_it_trains_too(make) -> None:
    trained = trained_layers(make("inception"), "left2_conv")
    assert {"left2_conv", "right1_conv", "right2_conv", "probability"} <= set(trained)
    assert not {"stem_conv", "left1_conv"} & set(trained)


def test_stages_by_name_and_by_number(make) -> None:
    network = make()
    assert list(network.groups)[-1] == "head"
    last = list(network.groups)[-2]
    assert trained_layers(network, 1) == trained_layers(network, last)
    assert trained_layers(network, 0) == trained_layers(network, "head") == network.groups["head"]
    assert trained_layers(network, "all") == tuple(layer.name for layer in network.model.layers)


def test_a_mistyped_layer_gets_the_nearest(make) -> None:
    with pytest.raises(UnknownNameError, match="block2_conv"):
        trained_layers(make(), "block2_cnv")
    with pytest.raises(InputError, match="stages"):
        trained_layers(make(), 9)


def test_batch_normalization_stays_frozen_in_trained_stages_unless_asked(make) -> None:
    network = make()
    assert "stem_bn" not in set_flags(network, Phase("p", train="all"))
    assert "stem_bn" in set_flags(network, Phase("p", train="all", batch_norm="train"))


@pytest.mark.parametrize("batch_norm", ["frozen", "train"])
def test_statistics_move_only_when_asked(make, batch_norm) -> None:
    network = make()
    set_flags(network, Phase("p", train="all", batch_norm=batch_norm))
    check = FrozenCheck(network.model)
    before = network.model.get_layer("stem_bn").moving_mean.numpy()
    network.model.compile("sgd", "binary_crossentropy")
    network.model.fit(np.full((8, 16, 16, 3), 200.0), np.zeros((8, 1)), verbose=0)
    moved = not np.array_equal(before, network.model.get_layer("stem_bn").moving_mean.numpy())
    assert moved is (batch_norm == "train")
    check.verify()


def test_training_false_does_not_keep_statistics_still() -> None:
    """Trap 1, the recipe of the official guide: this is why cnnkit freezes the layer itself."""
    image = keras.Input((4,))
    base = keras.Sequential([keras.Input((4,)), keras.layers.BatchNormalization(name="bn")])
    model = keras.Model(image, keras.layers.Dense(1)(base(image, training=False)))
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0)
    assert not np.array_equal(base.get_layer("bn").moving_mean.numpy(), np.zeros(4))


def test_a_nested_model_is_woken_layer_by_layer(make) -> None:
    """Trap 3: `outer.trainable = True` alone leaves an inner layer frozen that was frozen on its own."""
    from cnnkit.backbones.extractor import backbone
    from cnnkit.heads.classification import classifier
    from cnnkit.transfer.network import attach

    inner = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name="inner_conv")], name="inner")
    inner.get_layer("inner_conv").trainable = False
    image = keras.Input((8, 8, 3), name="image")
    twice = keras.Model(image, keras.layers.Add()([inner(image), inner(keras.layers.ReLU()(image))]), name="outer")
    network = attach(backbone(twice, preprocessing="inside"), classifier(["a", "b"]))
    assert inner in network.model.layers  # called twice, it cannot be opened
    set_flags(network, Phase("p", train="all"))
    assert inner.get_layer("inner_conv").trainable
    set_flags(network, Phase("p", train="head"))
    assert not inner.get_layer("inner_conv").trainable


def test_the_check_names_what_moved(make) -> None:
    network = make()
    set_flags(network, Phase("p", train="head"))
    check = FrozenCheck(network.model)
    assert check.verify() > 0
    kernel = network.model.get_layer("stem_conv").kernel
    kernel.assign(kernel + 1)
    with pytest.raises(FrozenWeightsMovedError, match="stem_conv/kernel"):
        check.verify()


def test_the_check_names_the_inner_model_too() -> None:
    blocks = []
    image = x = keras.Input((8, 8, 3), name="image")
    for name in ("near", "deep"):
        entry = keras.Input((None, None, 3))
        blocks.append(keras.Model(entry, keras.layers.Conv2D(3, 3, name="conv")(entry), name=name))
        x = blocks[-1](x)
    model = keras.Model(image, x)
    model.trainable = False
    check = FrozenCheck(model)
    kernel = blocks[1].get_layer("conv").kernel
    kernel.assign(kernel + 1)
    with pytest.raises(FrozenWeightsMovedError, match="deep/conv/kernel"):
        check.verify()
