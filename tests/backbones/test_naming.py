"""Automatic names are renumbered, given ones stay."""

from __future__ import annotations

import keras
import numpy as np

from cnnkit.backbones.naming import automatic_stem, canonical, canonical_names


def small() -> keras.Model:
    image = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Conv2D(3, 3, padding="same")(image)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Conv2D(3, 3, padding="same", name="given")(x)
    x = keras.layers.Add()([x, image]) + x  # a layer and an operation of the same kind
    x = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 1)])(x)
    return keras.Model(image, keras.layers.ReLU()(x), name="small")


def test_stems_are_those_of_keras() -> None:
    for layer in (keras.layers.Conv2D(1, 1), keras.layers.ReLU(), keras.layers.GlobalAveragePooling2D()):
        assert layer.name.startswith(automatic_stem(type(layer).__name__))


def test_order_is_that_of_creation() -> None:
    names = canonical_names({"add_10": "Add", "add_9": "Add", "image": "InputLayer"})
    assert names == {"add_10": "add_1", "add_9": "add", "image": "image"}


def test_a_given_name_is_never_taken() -> None:
    assert canonical_names({"conv2d_5": "Conv2D", "conv2d": "Dense"}) == {
        "conv2d_5": "conv2d_1",
        "conv2d": "conv2d",
    }


def test_canonical_is_the_same_for_every_build_and_stays() -> None:
    first, second = canonical(small()), canonical(small())
    assert first.to_json() == second.to_json()
    assert [weight.path for weight in first.weights] == [weight.path for weight in second.weights]
    assert canonical(first) is first
    names = [layer.name for layer in first.layers]
    assert names == ["image", "conv2d", "batch_normalization", "given", "add", "sequential", "re_lu"]
    assert [layer.name for layer in first.get_layer("sequential").layers] == ["conv2d"]


def test_weights_and_results_are_taken_over() -> None:
    model = small()
    images = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    expected = model(images, training=False).numpy()
    np.testing.assert_array_equal(canonical(model)(images, training=False).numpy(), expected)
