from __future__ import annotations

import keras
import numpy as np
import pytest

from cnnkit.errors import InputError, UnknownNameError
from cnnkit.visualize.layer_filters import filter_pictures, filters
from tests.visualize.small_networks import network, randomized


def test_lecture_004_standard_deviation_1_through_a_sigmoid() -> None:
    kernel = np.random.default_rng(0).normal(0, 0.02, (7, 7, 3, 64)).astype(np.float32)
    drawn = filter_pictures(kernel)
    assert drawn.shape == (64, 7, 7, 3)
    before = np.log(drawn / (1 - drawn))  # the sigmoid undone
    assert before.std() == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(before[5] * kernel.std(), kernel[..., 5], atol=1e-5)


def test_the_first_convolution_in_colour() -> None:
    net = network(["no", "yes"])
    made = filters(net)
    kernel = net.model.get_layer("conv1").get_weights()[0]
    shown = np.stack([axes.get_images()[0].get_array() for axes in made.axes])
    np.testing.assert_allclose(shown, filter_pictures(kernel), rtol=1e-6)
    assert made.get_suptitle() == "conv1: 6 filters of 3 × 3 × 3"


def test_a_deeper_convolution_shows_its_strongest_channel() -> None:
    net = network(["no", "yes"])
    kernel = net.model.get_layer("conv2").get_weights()[0]
    made = filters(net, "conv2", count=5)
    channel = max(range(6), key=lambda c: float((kernel[:, :, c, 4] ** 2).sum()))
    expected = filter_pictures(kernel)[4, :, :, channel]
    np.testing.assert_allclose(made.axes[4].get_images()[0].get_array(), expected, rtol=1e-6)
    assert made.get_suptitle() == "conv2: 5 of 8 filters of 3 × 3 × 6, the strongest channel of 6"


def test_a_depthwise_convolution() -> None:
    image = keras.Input((8, 8, 4))
    model = randomized(keras.Model(image, keras.layers.DepthwiseConv2D(3, name="depthwise")(image)))
    assert len(filters(model).axes) == 4


def test_layers_without_filters() -> None:
    with pytest.raises(UnknownNameError, match="conv2"):
        filters(network(["no", "yes"]), "conv3")
    image = keras.Input((4,))
    with pytest.raises(InputError, match="DepthwiseConv2D"):
        filters(keras.Model(image, keras.layers.Dense(2)(image)))
