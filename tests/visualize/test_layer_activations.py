from __future__ import annotations

import keras
import numpy as np
import pytest

from cnnkit.errors import InputError, UnknownNameError
from cnnkit.visualize.layer_activations import activation_maps, activations
from tests.visualize.small_networks import images, network, pooled


def test_maps_are_the_output_of_the_layer() -> None:
    model, picture = pooled(2, "softmax"), images(1)[0]
    kernel, bias = model.get_layer("maps").get_weights()
    padded = np.pad(picture, ((1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))  # (h, w, c, 3, 3)
    expected = np.maximum(np.einsum("hwcij,ijck->hwk", windows, kernel) + bias, 0)
    np.testing.assert_allclose(activation_maps(model, picture, "maps"), expected, rtol=1e-4, atol=1e-5)


def test_the_figure_shows_the_picture_and_the_strongest_channels() -> None:
    net = network(["no", "yes"])
    photo = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    maps = activation_maps(net, photo, "conv2")
    made = activations(net, photo, "conv2", count=3)
    assert maps.shape == (8, 8, 8)
    assert [axes.get_title(loc="center") for axes in made.axes] == [
        "picture",
        *np.argsort(-maps.mean(axis=(0, 1)), kind="stable")[:3].astype(str),
    ]
    assert "3 strongest of 8 channels, 8 × 8" in made.get_suptitle()


def test_layers_that_have_no_maps() -> None:
    net = network(["no", "yes"])
    with pytest.raises(UnknownNameError, match="conv2"):
        activation_maps(net, np.zeros((16, 16, 3), np.uint8), "conv3")
    with pytest.raises(InputError, match="before the pooling"):
        activation_maps(net, np.zeros((16, 16, 3), np.uint8), "head_pool")
    with pytest.raises(InputError, match="a layer by its name"):
        activation_maps(net, "conv2", np.zeros((16, 16, 3), np.uint8))


def test_a_model_inside_a_model_can_be_tapped_where_it_ends() -> None:
    inner = pooled(2, None)
    image = keras.Input((8, 8, 3))
    body = keras.Model(inner.input, inner.get_layer("maps").output, name="body")
    outer = keras.Model(image, keras.layers.GlobalMaxPooling2D()(body(image)))
    picture = images(1)[0]
    np.testing.assert_allclose(
        activation_maps(outer, picture, "body"), activation_maps(inner, picture, "maps"), rtol=1e-5
    )


def test_channels_that_end_at_the_same_value_are_ranked_by_their_mean() -> None:
    """ReLU6: channel 0 is 6 in one cell, channel 2 in half of them, channel 1 everywhere, channel 3 is 0."""
    image = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Conv2D(4, 1, name="conv")(image)
    model = keras.Model(image, keras.layers.ReLU(6.0, name="relu6")(x))
    kernel = np.zeros((1, 1, 3, 4), np.float32)
    kernel[0, 0, [0, 1, 2], [0, 1, 2]] = 1
    model.set_weights([kernel, np.zeros(4, np.float32)])
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[0, 0, 0] = picture[..., 1] = picture[:4, :, 2] = 200
    figure = activations(model, picture, "relu6", count=3)
    assert [axes.get_title() for axes in figure.axes[:4]] == ["picture", "1", "2", "0"]
