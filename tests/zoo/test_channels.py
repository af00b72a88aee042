"""Channel shuffle and slice out of stock layers, against NumPy."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from cnnkit.backbones.model_costs import count
from cnnkit.primitives import channel_shuffle
from cnnkit.zoo.channels import shuffled, some

MAPS = np.random.default_rng(0).normal(size=(2, 3, 5, 12)).astype("float32")


@pytest.mark.parametrize("groups", [1, 2, 3, 4])
def test_the_shuffle_is_that_of_the_primitives(groups: int) -> None:
    received = np.asarray(shuffled(MAPS, groups, name="shuffle"))
    for maps, expected in zip(received, MAPS, strict=True):
        np.testing.assert_array_equal(maps, channel_shuffle(expected, groups))


def test_deck_003_each_output_reads_from_every_group() -> None:
    """Figure 1(c) of ShuffleNet: six channels of three groups."""
    channels = np.arange(6, dtype="float32").reshape(1, 1, 1, 6)
    assert np.asarray(shuffled(channels, 3, name="shuffle")).ravel().tolist() == [0, 2, 4, 1, 3, 5]


@pytest.mark.parametrize(("start", "stop"), [(0, 6), (6, 12), (4, 5)])
def test_some_channels(start: int, stop: int) -> None:
    np.testing.assert_array_equal(some(MAPS, start, stop, name="some"), MAPS[..., start:stop])


def test_places_see_after_a_shuffle_what_they_saw_before() -> None:
    image = keras.Input((8, 8, 4))
    x = keras.layers.Conv2D(6, 3, name="conv")(image)
    model = keras.Model(image, some(shuffled(x, 2, name="shuffle"), 1, 3, name="some"))
    fields = count(model).set_index("name")["receptive_field"]
    assert fields[["conv", "shuffle_groups", "shuffle_transposed", "shuffle", "some_cropped", "some"]].eq(3).all()


def test_nobody_knows_what_they_see_once_sides_change_places() -> None:
    image = keras.Input((8, 8, 4))
    turned = keras.layers.Permute((3, 1, 2), name="turned")(image)
    folded = keras.layers.Reshape((4, 16, 4), name="folded")(image)
    model = keras.Model(image, [turned, folded])
    assert count(model).set_index("name")["receptive_field"][["turned", "folded"]].isna().all()
