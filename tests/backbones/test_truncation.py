"""Cutting any functional model."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.errors import InputError, UnknownNameError


def residual() -> keras.Model:
    image = keras.Input((8, 8, 3), name="image")
    stem = keras.layers.Conv2D(4, 3, padding="same", name="stem")(image)
    branch = keras.layers.Conv2D(4, 3, padding="same", name="branch")(stem)
    added = keras.layers.Add(name="add")([stem, branch])
    return keras.Model(image, keras.layers.Conv2D(2, 1, name="top")(added), name="residual")


def test_layers_and_weights_are_shared() -> None:
    model = residual()
    part = ck.truncate(model, "add")
    assert part.get_layer("branch") is model.get_layer("branch")
    assert [layer.name for layer in part.layers] == ["image", "stem", "branch", "add"]
    images = np.ones((1, 8, 8, 3), "float32")
    top = model.get_layer("top")
    np.testing.assert_array_equal(top(part(images)).numpy(), model(images).numpy())


def test_a_layer_inside_a_branch_names_the_nearest_cuts_and_why() -> None:
    with pytest.raises(InputError, match=r"'branch', inside a branch.*Cut at 'stem' or 'add'"):
        ck.truncate(residual(), "branch")


def test_an_unknown_layer_names_the_nearest_and_where_all_are() -> None:
    with pytest.raises(UnknownNameError, match=r"'stem'.*cuts\(\)"):
        ck.truncate(residual(), "stm")


def test_a_layer_called_twice_says_so() -> None:
    image = keras.Input((4,), name="image")
    twice = keras.layers.Dense(4, name="twice")
    model = keras.Model(image, keras.layers.Dense(1, name="top")(twice(twice(image))))
    with pytest.raises(InputError, match="called 2 times"):
        ck.truncate(model, "twice")


def test_a_layer_with_two_outputs_says_so() -> None:
    image = keras.Input((4, 3), name="image")
    whole, state = keras.layers.SimpleRNN(3, return_sequences=True, return_state=True, name="rnn")(image)
    model = keras.Model(image, keras.layers.Add(name="top")([whole, keras.layers.RepeatVector(4)(state)]))
    with pytest.raises(InputError, match="gives 2 tensors"):
        ck.truncate(model, "rnn")


def test_a_layer_inside_a_nested_model_says_which() -> None:
    image = keras.Input((8, 8, 3), name="image")
    model = keras.Model(image, keras.layers.ReLU(name="top")(residual()(image)))
    with pytest.raises(InputError, match=r"get_layer\('residual'\), 'add'"):
        ck.truncate(model, "add")
    assert ck.truncate(model, "residual").output_shape == (None, 8, 8, 2)


def test_a_sequential_and_a_model_of_two_inputs() -> None:
    model = keras.Sequential(
        [keras.Input((4,), name="image"), keras.layers.Dense(3, name="a"), keras.layers.Dense(2, name="b")]
    )
    assert ck.truncate(model, "a").output_shape == (None, 3)
    left, right = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    both = keras.layers.Concatenate(name="both")([left, right])
    pair = keras.Model([left, right], keras.layers.Dense(1, name="top")(both))
    assert ck.truncate(pair, "both").output_shape == (None, 8)


def test_cutting_a_cut() -> None:
    part = ck.truncate(ck.truncate(residual(), "add"), "stem")
    assert part.output_shape == (None, 8, 8, 4)
    assert [layer.name for layer in ck.truncate(part, "image").layers] == ["image"]
