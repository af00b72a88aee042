from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import cnnkit as ck
from cnnkit.errors import DataError, InputError, UnknownNameError
from cnnkit.visualize import DreamSettings
from cnnkit.visualize.gradient_ascent import normalized
from tests.visualize.small_networks import network, randomized

PLAIN = {"octaves": 1, "jitter": 0, "total_variation": 0.0, "bands": 0, "progress": False}
QUICK = {"octaves": 2, "steps": 4, "jitter": 3, "progress": False}
SETTINGS = {field.name for field in fields(DreamSettings)}


def told(given: dict[str, Any]) -> dict[str, Any]:
    """Arguments of `dream`, those of its settings in a value of their own."""
    settings = DreamSettings(**{name: given[name] for name in SETTINGS & set(given)})
    return {"settings": settings} | {name: given[name] for name in set(given) - SETTINGS}


def dream(*given: Any, **named: Any) -> np.ndarray:
    return ck.visualize.dream(*given, **told(named))


def dreams(*given: Any, **named: Any) -> Any:
    return ck.visualize.dreams(*given, **told(named))


def photo(height: int = 16, width: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def pixelwise(side: int | None = 12) -> keras.Model:
    """The mean of a pixel's colours: the gradient of the layer's mean is the same for every value."""
    image = keras.Input((side, side, 3))
    x = keras.layers.Conv2D(1, 1, use_bias=False, kernel_initializer="ones", name="grey")(image)
    return keras.Model(image, x)


def answer(net: ck.Network | keras.Model, layer: str, channel: int, image: np.ndarray) -> float:
    model = net.model if isinstance(net, ck.Network) else net
    tap = keras.Model(model.inputs[0], model.get_layer(layer).output)
    return float(np.asarray(tap(image[None].astype(np.float32), training=False))[..., channel].mean())


# --- the lecture's algorithm


def test_lecture_004_gradient_ascent_on_the_mean_activation_for_50_steps() -> None:
    net, picture, channel, rate = network(["no", "yes"]), photo(), 5, 3e4
    tap = keras.Model(net.model.inputs[0], net.model.get_layer("conv2").output)
    pixels = tf.constant(picture[None], tf.float32)
    for _ in range(50):
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            mean = tf.reduce_mean(tap(pixels)[..., channel])
        pixels = tf.clip_by_value(pixels + rate * tape.gradient(mean, pixels), 0, 255)
    expected = np.rint(pixels.numpy()[0]).astype(np.uint8)
    assert np.abs(expected.astype(int) - picture).mean() > 10
    plain = ck.visualize.DreamSettings.plain(rate=rate)
    received = ck.visualize.dream(net, "conv2", picture, channel=channel, settings=plain, progress=False)
    np.testing.assert_array_equal(received, expected)


def test_the_lectures_setting_in_one_call() -> None:
    """Deck 004: VGG16, block5_conv2, channel 42, average over height and width, 50 steps; here with random weights."""
    body = ck.backbone("vgg16", weights=None, input_shape=(32, 32, 3))
    frames: list[np.ndarray] = []
    rover = photo(32, 32)
    plain = DreamSettings.plain(bands=1)
    made = ck.visualize.dream(
        body, "block5_conv2", rover, channel=42, settings=plain, watch=frames.append, progress=False
    )
    assert len(frames) == 50
    assert answer(body.model, "block5_conv2", 42, made) > answer(body.model, "block5_conv2", 42, rover)


def test_without_a_channel_the_mean_square_of_the_layer_is_raised() -> None:
    picture = photo(12, 12)
    pixels = picture.astype(np.float64)
    for _ in range(3):  # d/dx of the mean over 144 pixels of (r + g + b)²
        pixels = np.clip(pixels + 0.1 * 2 * pixels.sum(axis=2, keepdims=True) / 144, 0, 255)
    made = dream(pixelwise(), "grey", picture, steps=3, rate=0.1, **PLAIN)
    np.testing.assert_allclose(made, pixels, atol=0.51)


# --- what makes it rich


def test_what_enlarging_loses_is_put_back_at_every_octave() -> None:
    picture = photo(16, 16)
    kept = dream(network(["no", "yes"]), "conv2", picture, channel=0, rate=0, octaves=4, steps=1, progress=False)
    np.testing.assert_array_equal(kept, picture)


def test_octaves_are_dreamt_from_the_smallest_to_the_pictures_own() -> None:
    sides: list[int] = []

    class Spy(keras.layers.Layer):
        def call(self, x: tf.Tensor) -> tf.Tensor:
            sides.append(x.shape[1])
            return x

    image = keras.Input((28, 28, 3))
    model = keras.Model(image, Spy(name="spy")(image))
    sides.clear()
    dream(model, "spy", channel=0, octaves=4, steps=3, octave_scale=1.4, progress=False)
    assert sides == [10, 14, 20, 28]  # 28 / 1.4³, 28 / 1.4², 28 / 1.4: traced once each


def test_a_shift_before_each_step_is_undone_after_it() -> None:
    picture = photo(12, 12)
    settings = {**PLAIN, "bands": 1, "steps": 5}
    still, shifted = (dream(pixelwise(), "grey", picture, **{**settings, "jitter": jitter}) for jitter in (0, 5))
    np.testing.assert_array_equal(still, shifted)


def test_total_variation_pulls_a_value_to_its_neighbours() -> None:
    picture = photo(12, 12)
    x = picture.astype(np.float64)
    roughness = np.zeros_like(x)  # d/dx of Σ|x − neighbour|: the sign of the difference, once for each neighbour
    for axis in (0, 1):
        sign = np.sign(np.diff(x, axis=axis))
        pad = [(0, 0)] * 3
        pad[axis] = (1, 0)
        roughness += np.pad(sign, pad)
        pad[axis] = (0, 1)
        roughness -= np.pad(sign, pad)
    expected = np.clip(x + 4.0 * (1 - 0.25 * roughness), 0, 255)  # the gradient of the answer is 1 for every value
    settings = {**PLAIN, "bands": 1, "total_variation": 0.25}
    np.testing.assert_array_equal(
        dream(pixelwise(), "grey", picture, channel=0, steps=1, rate=4.0, **settings), expected
    )


def test_the_bands_of_a_gradient_get_the_same_strength() -> None:
    checks = 100 * (-1.0) ** np.add.outer(np.arange(32), np.arange(32))  # all of it in the finest band
    gradient = tf.constant(np.broadcast_to(checks[None, :, :, None] + 1, (1, 32, 32, 3)), tf.float32)
    whole = normalized(gradient, 1).numpy()
    np.testing.assert_allclose(whole, gradient / np.abs(gradient).mean(), rtol=1e-5)
    split = normalized(gradient, 2).numpy()[0, 4:-4, 4:-4, 0]
    np.testing.assert_allclose(split, np.where(checks[4:-4, 4:-4] > 0, 2, 0), atol=0.05)  # ±1 and 1
    np.testing.assert_array_equal(normalized(gradient, 0), gradient)
    assert not normalized(tf.zeros((1, 16, 16, 3)), 4).numpy().any()


# --- what it can be asked


def test_the_same_seed_gives_the_same_picture() -> None:
    net = network(["no", "yes"])
    first, again, other = (dream(net, "conv2", channel=2, seed=seed, **QUICK) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert first.dtype == np.uint8
    assert first.shape == (16, 16, 3)


def test_the_network_stays_as_it_was() -> None:
    image = keras.Input((16, 16, 3))
    x = keras.layers.BatchNormalization(name="norm")(keras.layers.Conv2D(4, 3)(image))
    model = randomized(keras.Model(image, x))
    model.get_layer("norm").moving_variance.assign(np.ones(4))
    before = model.get_weights()
    dream(model, "norm", channel=1, **QUICK)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert model.input_shape == (None, 16, 16, 3)


def test_sizes_that_the_network_was_not_built_for() -> None:
    net = network(["no", "yes"])
    assert dream(net, "conv2", channel=0, size=24, **QUICK).shape == (24, 24, 3)
    assert dream(net, "conv2", photo(20, 30), channel=0, size=24, **QUICK).shape == (16, 24, 3)
    assert dream(net, "conv2", photo(20, 30), channel=0, **QUICK).shape == (16, 16, 3)  # framed as in prediction
    assert dream(pixelwise(None), "grey", photo(20, 30), **QUICK).shape == (20, 30, 3)
    assert dream(pixelwise(None), "grey", **QUICK).shape == (224, 224, 3)


def test_classes_behind_global_pooling_can_be_dreamt_too() -> None:
    net = network(["a", "b", "c"])
    made = dream(net, "head_pool", channel=3, size=20, **QUICK)
    assert made.shape == (20, 20, 3)
    np.testing.assert_array_equal(made, dream(net, "conv2", channel=3, size=20, **QUICK))  # the mean of the maps


def test_limits_say_what_the_model_takes_for_black_and_white() -> None:
    net = network(["no", "yes"])
    scaled = net.model.get_layer("scale").output  # takes 0…1 from here
    inner = keras.Model(scaled, net.model.get_layer("conv2").output)
    settings = {**QUICK, "channel": 4}
    expected = dream(net, "conv2", photo(), **settings).astype(int)
    received = dream(inner, "conv2", photo(), limits=(0, 1), **settings)
    assert np.abs(expected - received).max() <= 1


def test_frames_have_the_final_size_and_end_with_the_picture() -> None:
    frames: list[np.ndarray] = []
    made = dream(network(["no", "yes"]), "conv2", channel=0, watch=frames.append, **QUICK)
    assert [frame.shape for frame in frames] == [(16, 16, 3)] * 8
    np.testing.assert_array_equal(frames[-1], made)


def test_a_sheet_of_dreams_holds_what_dream_gives() -> None:
    net = network(["no", "yes"])
    made = dreams(net, "conv2", channels=[1, 5, 6], **QUICK)
    assert [axes.get_title(loc="center") for axes in made.axes[:3]] == ["1", "5", "6"]
    assert made.get_suptitle() == "conv2: what 3 of 8 channels look for"
    for axes, channel in zip(made.axes, [1, 5, 6], strict=False):
        alone = dream(net, "conv2", channel=channel, **QUICK).astype(int)
        assert np.abs(axes.get_images()[0].get_array() - alone).max() <= 1


def test_a_channel_that_answers_nothing_is_silent() -> None:
    image = keras.Input((12, 12, 3))
    x = keras.layers.Conv2D(2, 3, activation="relu", name="maps")(image)
    model = randomized(keras.Model(image, x))
    kernel, _ = model.get_layer("maps").get_weights()
    model.get_layer("maps").set_weights([kernel, np.array([-1e6, 1e6])])
    with pytest.raises(InputError, match="before the activation"):
        dream(model, "maps", channel=0, **QUICK)
    titles = [axes.get_title(loc="center") for axes in dreams(model, "maps", channels=[0, 1], **QUICK).axes]
    assert titles == ["0, silent", "1"]


def test_progress_is_told_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    dream(network(["no", "yes"]), "conv2", channel=0, **{**QUICK, "progress": True})
    assert capsys.readouterr().out == ""


# --- what cannot be dreamt


def test_arguments_that_make_no_sense() -> None:
    net = network(["no", "yes"])
    with pytest.raises(UnknownNameError, match="conv2"):
        dream(net, "conv3", channel=0)
    with pytest.raises(InputError, match="0 to 7"):
        dream(net, "conv2", channel=8)
    with pytest.raises(InputError, match="Count from 0"):
        dreams(net, "conv2", channels=[-1])
    with pytest.raises(InputError, match="at least one channel"):
        dreams(net, "conv2", channels=[])
    with pytest.raises(DataError, match="multiply by 255"):
        dream(net, "conv2", photo() / 255, channel=0)
    with pytest.raises(InputError, match="uint8"):
        dream(net.model, "conv2", photo() / 255, channel=0)
    with pytest.raises(InputError, match=r"image\[..., :3\]"):
        dream(net.model, "conv2", np.zeros((20, 20, 4), np.uint8), channel=0, size=20)
    with pytest.raises(InputError, match="a side in pixels"):
        dream(net, "conv2", channel=0, size=0)
    with pytest.raises(InputError, match="settings of a dream"):
        ck.visualize.dream(net, "conv2", channel=0, settings={"steps": 3})
    with pytest.raises(InputError, match="settings of a dream"):
        ck.visualize.dreams(net, "conv2", settings=50)


WRONG = [("steps", 0), ("steps", 2.5), ("steps", True), ("octaves", 0), ("octave_scale", 0.5), ("jitter", -1)]
WRONG += [("total_variation", -0.1), ("rate", float("nan")), ("rate", "fast"), ("bands", None), ("jitter", 1e30)]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_settings_that_make_no_sense(name: str, value: object) -> None:
    with pytest.raises(InputError, match=f"{name} of at least"):
        DreamSettings(**{name: value})


@pytest.mark.parametrize("limits", [(0,), 255, None, "01", (0, "1")])
def test_limits_that_make_no_sense(limits: object) -> None:
    with pytest.raises(InputError, match="limits as"):
        DreamSettings(limits=limits)


def test_sizes_that_the_network_cannot_take() -> None:
    image = keras.Input((12, 12, 3))
    x = keras.layers.Conv2D(2, 9, name="maps")(image)
    model = randomized(keras.Model(image, keras.layers.Dense(2, name="units")(keras.layers.Flatten()(x))))
    with pytest.raises(InputError, match="4 × 4"):
        dream(model, "maps", channel=0, octaves=2, octave_scale=3, progress=False)
    with pytest.raises(InputError, match="octaves=1"):
        dream(model, "units", channel=0, size=20, **QUICK)
    assert dream(model, "units", channel=0, octaves=1, steps=1, progress=False).shape == (12, 12, 3)


# --- real networks


@pytest.mark.parametrize(("name", "layer", "channel"), [("mobilenet", "conv_pw_6_relu", 42), ("nano", "top_bn", 7)])
def test_a_trained_channel_answers_far_more_to_its_dream(name: str, layer: str, channel: int, keras_home: Path) -> None:
    body = ck.backbone(name, alpha=0.75 if name == "mobilenet" else None, input_shape=(96, 96, 3))
    made = dream(body, layer, channel=channel, steps=10, octaves=2, progress=False)
    grey = np.full_like(made, 117)
    assert answer(body.model, layer, channel, made) > answer(body.model, layer, channel, grey) + 1
    assert ((made == 0) | (made == 255)).mean() < 0.1  # not saturated
