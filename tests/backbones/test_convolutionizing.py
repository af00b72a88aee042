"""Classifiers that slide: at the training size they are the classifier, elsewhere it of each window, exactly."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.errors import InputError

SIDE = 32


def small_vgg(padding: str = "same") -> keras.Model:
    """Convolutions, poolings, Flatten and three dense layers, as VGG has them."""
    keras.utils.set_random_seed(4)
    x = image = keras.Input((SIDE, SIDE, 3), name="image")
    for block, filters in enumerate((4, 6, 8), start=1):
        x = keras.layers.Conv2D(filters, 3, padding=padding, activation="relu", name=f"conv{block}")(x)
        x = keras.layers.MaxPooling2D(2, name=f"pool{block}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(16, activation="relu", name="fc1")(x)
    x = keras.layers.Dropout(0.5, name="drop")(x)
    x = keras.layers.Dense(12, activation="relu", bias_initializer="normal", name="fc2")(x)
    return keras.Model(image, keras.layers.Dense(5, activation="softmax", name="predictions")(x), name="small_vgg")


def pictures(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(5).uniform(0, 1, (2, height, width, 3)).astype(np.float32)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_at_the_training_size_it_is_the_classifier(padding: str) -> None:
    model = small_vgg(padding)
    slides = ck.convolutionize(model)
    assert slides.input_shape == (None, None, None, 3)
    assert slides.count_params() == model.count_params()
    x = pictures(SIDE, SIDE)
    np.testing.assert_allclose(slides(x)[:, 0, 0], model(x), atol=1e-6)


def test_without_padding_each_place_is_the_classifier_on_that_crop() -> None:
    """Steps of 8 pixels, the product of the strides: where poolings do not cut places in two."""
    model = small_vgg("valid")
    x = pictures(SIDE + 3 * 8, SIDE + 5 * 8)
    places = ck.convolutionize(model)(x).numpy()
    assert places.shape == (2, 4, 6, 5)
    for row, column in np.ndindex(4, 6):
        crop = x[:, 8 * row : 8 * row + SIDE, 8 * column : 8 * column + SIDE]
        np.testing.assert_allclose(places[:, row, column], model(crop), atol=1e-6)


def test_with_padding_each_place_is_the_classifier_on_that_window_of_the_last_map() -> None:
    """A crop alone has zeros around it where the large picture has neighbours: its probabilities are others."""
    model = small_vgg("same")
    x = pictures(48, 64)
    slides = ck.convolutionize(model)
    places = slides(x).numpy()
    maps = keras.Model(slides.input, slides.get_layer("pool3").output)(x).numpy()
    top = keras.Model(model.get_layer("flatten").input, model.output)
    for row, column in np.ndindex(places.shape[1:3]):
        window = maps[:, row : row + 4, column : column + 4]
        np.testing.assert_allclose(places[:, row, column], top(window), atol=1e-6)
    assert np.abs(places[:, 1, 1] - model(x[:, 8 : 8 + SIDE, 8 : 8 + SIDE])).max() > 1e-5


@pytest.mark.parametrize("pooling", ["GlobalAveragePooling2D", "GlobalMaxPooling2D"])
@pytest.mark.parametrize("keepdims", [False, True])
def test_global_pooling_becomes_windows_of_the_training_size(pooling: str, keepdims: bool) -> None:
    image = keras.Input((16, 24, 3), name="image")
    x = keras.layers.Conv2D(6, 2, 2, name="conv")(image)
    x = getattr(keras.layers, pooling)(keepdims=keepdims, name="pool")(x)
    if keepdims:  # as MobileNet has it
        x = keras.layers.Conv2D(4, 1, name="dense")(x)
        x = keras.layers.Reshape((4,), name="reshape")(x)
    else:
        x = keras.layers.BatchNormalization(name="norm")(x)
        x = keras.layers.Dense(4, name="dense")(x)
    model = keras.Model(image, keras.layers.Softmax(name="softmax")(x))
    picture = pictures(20, 30)
    places = ck.convolutionize(model)(picture)
    assert places.shape == (2, 3, 4, 4)
    np.testing.assert_allclose(places[:, 2, 3], model(picture[:, 4:20, 6:30]), atol=1e-6)


def test_a_published_architecture_slides() -> None:
    body = ck.backbone("mobilenet", alpha=0.25, weights=None, input_shape=(64, 64, 3), top=True)
    slides = ck.convolutionize(body.model)
    x = 255 * pictures(64, 64)
    np.testing.assert_allclose(slides(x)[:, 0, 0], body.model(x), atol=1e-6)
    assert slides(255 * pictures(96, 128)).shape == (2, 2, 3, 1000)
    assert not any(layer is other for layer in slides.layers for other in body.model.layers)


@pytest.mark.slow  # 138 million parameters, twice
def test_vgg16_slides() -> None:
    model = ck.backbone("vgg16", weights=None, top=True).model
    slides = ck.convolutionize(model)
    x = 255 * pictures(224, 224)[:1]
    np.testing.assert_allclose(slides(x)[:, 0, 0], model(x), atol=1e-5)
    street = 255 * pictures(384, 512)[:1]
    places = slides(street).numpy()
    assert places.shape == (1, 6, 10, 1000)
    maps = keras.Model(slides.input, slides.get_layer("block5_pool").output)(street).numpy()
    top = keras.Model(model.get_layer("flatten").input, model.output)
    for row, column in np.ndindex(6, 10):
        window = maps[:, row : row + 7, column : column + 7]
        np.testing.assert_allclose(places[:, row, column], top(window), atol=1e-5)


def of_layers(*layers: keras.layers.Layer) -> keras.Model:
    return keras.Sequential([keras.Input((8, 8, 3)), *layers], name="given")


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((keras.layers.Conv2D(4, 3),), r"Flatten or a global pooling"),
        ((keras.layers.Flatten(), keras.layers.BatchNormalization(name="norm"), keras.layers.Dense(2)), r"'norm'"),
        ((keras.layers.Reshape((4, 16, 3), name="fixed"), keras.layers.Flatten(), keras.layers.Dense(2)), r"'fixed'"),
        ((keras.layers.Flatten(), keras.layers.Dense(6), keras.layers.Reshape((2, 3), name="two")), r"'two'"),
    ],
)
def test_what_does_not_slide_is_named(layers: tuple[keras.layers.Layer, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ck.convolutionize(of_layers(*layers))
