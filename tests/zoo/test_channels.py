"""Channel shuffle and slice out of stock layers, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

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
