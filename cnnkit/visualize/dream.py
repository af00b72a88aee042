"""Activation maximization and DeepDream: the picture that a channel answers to most, found by gradient ascent.

Lecture 004, "Optimizing Image for Deep Activation"; Mordvintsev, Olah and Tyka, "Inceptionism: Going Deeper into
Neural Networks", 2015. From noise it shows what a channel looks for; a photograph is turned into that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cnnkit.data.views.framing import Framing
from cnnkit.errors import InputError
from cnnkit.transfer.progress import clock, line
from cnnkit.visualize import style
from cnnkit.visualize.contact_sheet import LARGEST, draw_pictures, fitting_columns
from cnnkit.visualize.dream_settings import DreamSettings
from cnnkit.visualize.figure_arguments import check_figure
from cnnkit.visualize.gradient_ascent import Pixels, ascend, resized
from cnnkit.visualize.tapping import AnyNetwork, call_of, framed, model_of, readable

Watch = Callable[[NDArray[np.uint8]], object]

GREY, CONTRAST = 117.0, 10.0
"""Mean and standard deviation of the noise, in levels of 255."""
SIDE = 224
"""Of the noise, where the network takes any size."""


def dream(
    network: AnyNetwork,
    layer: str,
    image: NDArray[np.uint8] | None = None,
    *,
    channel: int | None = None,
    size: int | None = None,
    settings: DreamSettings | None = None,
    seed: int = 0,
    progress: bool = True,
    watch: Watch | None = None,
) -> NDArray[np.uint8]:
    """A picture that raises the answer of a channel: from noise what it looks for, from a photograph a dream of it.

    The lecture's picture is `dream(vgg16, "block5_conv2", rover, channel=42)`. Its algorithm, in full::

        for _ in range(steps):
            with tf.GradientTape() as tape:
                answer = tf.reduce_mean(tap(pixels)[..., channel])  # over height and width
            pixels = tf.clip_by_value(pixels + rate * tape.gradient(answer, pixels), 0, 255)

    is `settings=DreamSettings.plain()` with a rate that suits the layer. The defaults add what makes the picture rich
    instead of noisy.

    Args:
        network: A cnnkit network or backbone, or any functional Keras model.
        layer: Whose answer is raised. Behind a ReLU that is 0 everywhere there is no gradient: name the layer before.
        image: (h, w, 3), RGB 0…255, of a Keras model uint8; None is grey noise.
        channel: One channel of the layer, whose mean over height and width is raised; None is all of them, by their
            mean square: whatever the layer sees there already grows.
        size: Longer side of the result in pixels; None is the network's input, with the picture framed for it.
            Layers before any flattening take any size.
        settings: Steps, rate, octaves and what keeps the picture smooth: `ck.visualize.DreamSettings(steps=20)`. None
            is `DreamSettings()`.
        seed: Of noise and jitter: the same picture every time.
        progress: A moving line of progress.
        watch: Is called with the picture after every step, at its final size: `frames.append`, for `animation`.

    Returns:
        (h, w, 3), RGB, uint8.

    Raises:
        UnknownNameError: No such layer; the nearest names are given.
        InputError: No such channel, no picture, a size that the network cannot take, or a channel that answers
            nothing.
        DataError: A picture that `ck.predict` refuses: floats in 0…1, most often.
    """
    check_figure({"channel": channel, "size": size, "settings": settings, "seed": seed})
    start = _start(network, image, size, seed)[None]
    pictures, answering = _dreamt(
        _tap(network, layer), start, _channels(network, layer, channel), settings, seed, progress, watch
    )
    if not answering[0]:
        raise InputError(
            "a channel that answers to the picture it starts from",
            f"{'all channels' if channel is None else f'channel {channel}'} of {layer!r}: 0 everywhere, no gradient",
            "Start from a photograph or another seed, or name the layer before the activation.",
        )
    picture: NDArray[np.uint8] = pictures[0]
    return picture


def dreams(
    network: AnyNetwork,
    layer: str,
    image: NDArray[np.uint8] | None = None,
    *,
    channels: Iterable[int] = range(9),
    size: int | None = None,
    settings: DreamSettings | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Figure:
    """What several channels of a layer look for, side by side; each picture is that of `dream`.

    Args:
        network: As in `dream`.
        layer: As in `dream`.
        image: As in `dream`.
        channels: Their numbers.
        size: As in `dream`.
        settings: As in `dream`.
        seed: As in `dream`.
        progress: A moving line of progress.

    Returns:
        A figure up to 11 inches wide; a channel that answers nothing is titled `silent`.

    Raises:
        UnknownNameError: No such layer.
        InputError: As in `dream`, or no channels.
    """
    numbers = list(channels) if isinstance(channels, Iterable) else []
    if not numbers:
        raise InputError("at least one channel", f"{channels!r}"[:80], "Pass their numbers: channels=range(9).")
    for number in numbers:
        check_figure({"channel": number})
    check_figure({"size": size, "settings": settings, "seed": seed})
    start = np.repeat(_start(network, image, size, seed)[None], len(numbers), axis=0)
    indices = np.concatenate([_channels(network, layer, number) for number in numbers])
    pictures, answering = _dreamt(_tap(network, layer), start, indices, settings, seed, progress, None)
    titles = [
        str(number) if answers else f"{number}, silent" for number, answers in zip(numbers, answering, strict=True)
    ]
    columns = fitting_columns(len(numbers))
    rows, side = -(-len(numbers) // columns), min(11 / columns, LARGEST)
    sheet = style.figure(max(columns * side, LARGEST), rows * (side + 0.3) + 0.5)
    draw_pictures(sheet, list(pictures), titles, columns=columns)
    total = call_of(model_of(network), layer).outputs[0].shape[-1]
    what = "look for" if image is None else "see in the picture"
    with style.styled():
        sheet.suptitle(
            f"{style.plain(layer)}: what {len(numbers)} of {total} channels {what}", x=0.01, ha="left", fontsize=13
        )
    return sheet


def _tap(network: AnyNetwork, layer: str) -> keras.Model:
    """The model up to a layer."""
    model = model_of(network)
    return keras.Model(model.inputs[0], call_of(model, layer).outputs[0], name=layer)


def _channels(network: AnyNetwork, layer: str, channel: int | None) -> NDArray[np.int32]:
    """(1,) the channel, or (0,) for all channels."""
    if channel is None:
        return np.empty(0, np.int32)
    count = call_of(model_of(network), layer).outputs[0].shape[-1]
    if not 0 <= channel < count:
        raise InputError(f"a channel of {layer!r}, 0 to {count - 1}", repr(channel), "Count from 0.")
    return np.array([channel], np.int32)


def _start(network: AnyNetwork, image: NDArray[np.uint8] | None, size: int | None, seed: int) -> Pixels:
    """(h, w, channels) in 0…255: noise, or the picture at its size in the result."""
    height, width, channels = model_of(network).inputs[0].shape[1:]
    if size is not None and size < 1:
        raise InputError("a size of at least 1", repr(size), "It is the longer side in pixels.")
    if image is None:
        shape = (size or height or SIDE, size or width or SIDE, channels)
        return (GREY + CONTRAST * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)
    pixels = readable(network, image)
    if pixels.dtype != np.uint8:
        raise InputError(
            "a picture (h, w, 3), RGB, uint8",
            f"{pixels.dtype} of shape {pixels.shape}",
            "Bring it to 0…255, then round and cast it: np.rint(image).astype(np.uint8).",
        )
    if size is None:
        return framed(network, pixels).astype(np.float32)
    scale = size / max(pixels.shape[:2])
    sides = max(1, round(scale * pixels.shape[0])), max(1, round(scale * pixels.shape[1]))
    return Framing("squash").apply(pixels, sides).astype(np.float32)  # type: ignore[arg-type]  # it is uint8


def _dreamt(
    tap: keras.Model,
    start: Pixels,
    channels: NDArray[np.int32],
    settings: DreamSettings | None,
    seed: int,
    progress: bool,
    watch: Watch | None,
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The last pictures of the ascent, and which of them ever had a gradient."""
    settings = settings or DreamSettings()
    size = start.shape[1:3]
    total = settings.steps * settings.octaves
    answering = np.zeros(len(start), bool)
    shown = line(progress)
    began = time.perf_counter()
    try:
        for done, (pixels, moved) in enumerate(ascend(tap, start, channels, settings, seed), start=1):
            answering |= moved.numpy()
            if watch is not None:
                watch(_picture(resized(pixels, size))[0])
            left = (time.perf_counter() - began) / done * (total - done)
            shown.show(f"dreaming of {tap.name}: step {done} of {total}, {clock(left)} left")
    finally:
        shown.close()
    return _picture(pixels), answering


def _picture(pixels: Any) -> NDArray[np.uint8]:
    picture: NDArray[np.uint8] = np.rint(pixels.numpy()).astype(np.uint8)
    return picture
