from __future__ import annotations

import numpy as np
import pytest

from cnnkit.errors import InputError
from cnnkit.transfer.freeze import set_flags
from cnnkit.transfer.plan import Phase
from cnnkit.transfer.tail import halve

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("graph", "train", "shapes"),
    [
        ("residual", "head", [(None, 12)]),  # behind the pooling
        ("residual", "block2_conv", [(None, 8, 8, 8)]),
        ("residual", "block1_conv", [(None, 8, 8, 8)]),
        ("inception", "left2_conv", [(None, 8, 8, 8), (None, 8, 8, 6)]),  # one tensor of the stem, one of the branch
    ],
)
def test_prefix_then_tail_is_the_network(make, graph, train, shapes) -> None:
    network = make(graph)
    set_flags(network, Phase("p", train=train))
    halves = halve(network.model, network.head)
    assert sorted(tensor.shape for tensor in halves.tail.inputs) == sorted(shapes)
    features = halves.prefix(IMAGES, training=False)
    np.testing.assert_array_equal(halves.tail(features, training=False), network.model(IMAGES, training=False))


def test_training_the_tail_trains_the_network(make) -> None:
    network = make()
    set_flags(network, Phase("p", train="head"))
    tail = halve(network.model, network.head).tail
    assert {id(weight) for weight in tail.trainable_variables} == {
        id(weight) for weight in network.model.get_layer("probability").weights
    }


def test_without_a_frozen_layer_the_tail_is_a_model_of_its_own(make) -> None:
    network = make()
    set_flags(network, Phase("p", train="all", batch_norm="train"))
    halves = halve(network.model, network.head)
    assert halves.prefix is None  # preprocessing alone is not worth a cut
    assert halves.tail is not network.model


def test_all_frozen(make) -> None:
    network = make()
    network.model.trainable = False
    with pytest.raises(InputError, match="every layer is frozen"):
        halve(network.model, network.head)
