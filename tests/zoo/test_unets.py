"""U-Net: sizes and parameters of figure 1 of the paper, counted by hand; it learns, and plain Keras loads it."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.errors import InputError
from tests.weightless import weightless

PUBLISHED = 31_030_658  # one channel in, two classes, transposed convolutions of 2×2


def test_the_sides_and_parameters_of_figure_1() -> None:
    with weightless():
        model = ck.zoo.unet()
    assert model.count_params() == PUBLISHED
    sides = {name: model.get_layer(name).output.shape[1:] for name in ("conv1_2", "conv5_2", "up1", "conv9_2")}
    assert sides == {
        "conv1_2": (568, 568, 64),
        "conv5_2": (28, 28, 1024),
        "up1": (56, 56, 512),
        "conv9_2": (388, 388, 64),
    }
    assert model.output_shape == (None, 388, 388, 2)


def test_padded_convolutions_keep_the_size_and_the_parameters() -> None:
    with weightless():
        model = ck.zoo.unet(input_shape=(512, 384, 1), padding="same")
    assert model.count_params() == PUBLISHED
    assert model.output_shape == (None, 512, 384, 2)


def test_a_narrow_one_learns_and_plain_keras_loads_it() -> None:
    keras.utils.set_random_seed(0)
    model = ck.zoo.unet(input_shape=(32, 32, 1), classes=2, padding="same", width=4)
    random = np.random.default_rng(0)
    masks = (np.indices((8, 32, 32))[1] > random.integers(8, 24, (8, 1, 1))).astype(np.int32)
    images = (200 * masks + random.normal(20, 5, masks.shape))[..., None].astype(np.float32)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(3e-3), loss)
    losses = [float(model.train_on_batch(images, masks)) for _ in range(12)]
    assert losses[-1] < 0.7 * losses[0]
    again = keras.models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again(images), model(images))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_shape": (570, 572, 1)}, r"valid.*572"),
        ({"input_shape": (100, 96, 1), "padding": "same"}, r"multiple.*16"),
        ({"padding": "full"}, r"padding"),
        ({"width": 0}, r"width"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=f"(?s){message}"):
        ck.zoo.unet(**options)
