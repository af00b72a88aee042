"""Activation maximization and DeepDream: the picture that a channel answers to most, found by gradient ascent.

Lecture 004, "Optimizing Image for Deep Activation"; Mordvintsev, Olah and Tyka, "Inceptionism: Going Deeper into
Neural Networks", 2015. From noise it shows what a channel looks for; a photograph is turned into that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cnnkit.data.views.framing import Framing
from cnnkit.errors import InputError
from cnnkit.transfer.progress import clock, line
from cnnkit.visualize import style
from cnnkit.visualize.contact_sheet import LARGEST, draw_pictures, fitting_columns
from cnnkit.visualize.figure_arguments import check_figure
from cnnkit.visualize.tapping import AnyNetwork, call_of, framed, model_of, readable

Pixels = NDArray[np.float32]
Watch = Callable[[NDArray[np.uint8]], object]

GREY, CONTRAST = 117.0, 10.0
"""Mean and standard deviation of the noise, in levels of 255."""
SIDE = 224
"""Of the noise, where the network takes any size."""
LEAST_SIDE = 8
"""Pixels of a gradient that is not halved any more."""


@dataclass(frozen=True)
class Ascent:
    """How the picture is changed; the arguments of `dream`, checked."""

    steps: int
    rate: float
    octaves: int
    octave_scale: float
    jitter: int
    total_variation: float
    bands: int
    limits: tuple[float, float]
    seed: int

    def __post_init__(self) -> None:
        least = {"steps": 1, "rate": 0, "octaves": 1, "octave_scale": 1, "jitter": 0, "total_variation": 0, "bands": 0}
        for name, smallest in least.items():
            if not getattr(self, name) >= smallest:
                raise InputError(
                    f"{name} of at least {smallest}", repr(getattr(self, name)), "The defaults are a good start."
                )

    def sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        """Of the octaves, from the smallest to the picture's own."""
        scales = [self.octave_scale**octave for octave in reversed(range(self.octaves))]
        return [(max(1, round(height / scale)), max(1, round(width / scale))) for scale in scales]


def dream(
    network: AnyNetwork,
    layer: str,
    image: NDArray[np.uint8] | None = None,
    *,
    channel: int | None = None,
    size: int | None = None,
    steps: int = 50,
    rate: float = 1.5,
    octaves: int = 4,
    octave_scale: float = 1.4,
    jitter: int = 16,
    total_variation: float = 0.1,
    bands: int = 5,
    limits: tuple[float, float] = (0.0, 255.0),
    seed: int = 0,
    progress: bool = True,
    watch: Watch | None = None,
) -> NDArray[np.uint8]:
    """A picture that a channel answers to: of noise what it looks for, of a photograph the same seen into it.

    The lecture's picture is `dream(vgg16, "block5_conv2", rover, channel=42)`. Its plain algorithm, in full::

        for _ in range(steps):
            with tf.GradientTape() as tape:
                answer = tf.reduce_mean(tap(pixels)[..., channel])  # over height and width
            pixels = tf.clip_by_value(pixels + rate * tape.gradient(answer, pixels), 0, 255)

    is `octaves=1, jitter=0, total_variation=0, bands=0`, with a rate that suits the layer. The defaults add what
    makes the picture rich instead of noisy.

    Args:
        network: A cnnkit network or backbone, or any functional Keras model.
        layer: Whose answer is raised. Behind a ReLU that is 0 everywhere there is no gradient: name the layer before.
        image: (h, w, 3), RGB 0…255, of a Keras model uint8; None is grey noise.
        channel: One channel of the layer, whose mean over height and width is raised; None is all of them, by their
            mean square: whatever the layer sees there already grows.
        size: Longer side of the result in pixels; None is the network's input, with the picture framed for it.
            Layers before any flattening take any size.
        steps: At each octave.
        rate: Levels of 255 by which a step changes a value on average; of the gradient itself where `bands=0`.
        octaves: Sizes at which it dreams, each enlarged for the next with the picture's own detail put back.
        octave_scale: From one size to the next.
        jitter: Pixels by which the picture is shifted at most before each step, at random: no seam stays in one place.
        total_variation: Weight of smoothness, the gradient of Σ|x − neighbour|, against the normalized gradient.
        bands: Frequencies of the gradient, each an octave apart, that get the same strength (its Laplacian pyramid):
            without it the finest one wins. 1 divides the gradient by its mean, 0 leaves it as it is.
        limits: What the model takes for black and white. A backbone takes 0…255.
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
    check_figure({"channel": channel, "size": size})
    ascent = Ascent(steps, rate, octaves, octave_scale, jitter, total_variation, bands, limits, seed)
    start = _start(network, image, size, seed)
    made, heard = _dreamt(
        _tap(network, layer), start[None], _channels(network, layer, channel), ascent, progress, watch
    )
    if not heard[0]:
        raise InputError(
            "a channel that answers to the picture it starts from",
            f"{'all channels' if channel is None else f'channel {channel}'} of {layer!r}: 0 everywhere, no gradient",
            "Start from a photograph or another seed, or name the layer before the activation.",
        )
    picture: NDArray[np.uint8] = made[0]
    return picture


def dreams(
    network: AnyNetwork,
    layer: str,
    image: NDArray[np.uint8] | None = None,
    *,
    channels: Iterable[int] = range(9),
    size: int | None = None,
    steps: int = 50,
    rate: float = 1.5,
    octaves: int = 4,
    octave_scale: float = 1.4,
    jitter: int = 16,
    total_variation: float = 0.1,
    bands: int = 5,
    limits: tuple[float, float] = (0.0, 255.0),
    seed: int = 0,
    progress: bool = True,
) -> Figure:
    """What several channels of a layer look for, side by side; each picture is that of `dream`.

    Args:
        network: As in `dream`.
        layer: As in `dream`.
        image: As in `dream`.
        channels: Their numbers.
        size: As in `dream`, as is all that follows.
        steps: At each octave.
        rate: Levels of 255 a step.
        octaves: Sizes.
        octave_scale: From one size to the next.
        jitter: Pixels.
        total_variation: Weight of smoothness.
        bands: Frequencies of the gradient.
        limits: What the model takes for black and white.
        seed: Of noise and jitter.
        progress: A moving line of progress.

    Returns:
        A figure up to 11 inches wide; a channel that answers nothing is titled `silent`.

    Raises:
        UnknownNameError: No such layer.
        InputError: As in `dream`, or no channels.
    """
    ascent = Ascent(steps, rate, octaves, octave_scale, jitter, total_variation, bands, limits, seed)
    chosen = list(channels) if isinstance(channels, Iterable) else []
    if not chosen:
        raise InputError("at least one channel", f"{channels!r}"[:80], "Pass their numbers: channels=range(9).")
    for number in chosen:
        check_figure({"channel": number})
    check_figure({"size": size})
    start = np.repeat(_start(network, image, size, seed)[None], len(chosen), axis=0)
    indices = np.concatenate([_channels(network, layer, channel) for channel in chosen])
    made, heard = _dreamt(_tap(network, layer), start, indices, ascent, progress, None)
    titles = [f"{channel}" if answers else f"{channel}, silent" for channel, answers in zip(chosen, heard, strict=True)]
    columns = fitting_columns(len(chosen))
    rows, side = -(-len(chosen) // columns), min(11 / columns, LARGEST)
    sheet = style.figure(max(columns * side, LARGEST), rows * (side + 0.3) + 0.5)
    draw_pictures(sheet, list(made), titles, columns=columns)
    total = call_of(model_of(network), layer).outputs[0].shape[-1]
    what = "look for" if image is None else "see in the picture"
    with style.styled():
        sheet.suptitle(
            f"{style.plain(layer)}: what {len(chosen)} of {total} channels {what}", x=0.01, ha="left", fontsize=13
        )
    return sheet


def normalized(gradient: Any, bands: int) -> Any:
    """A gradient (n, h, w, channels) whose mean absolute value is 1 in each picture, in equal parts from each band.

    Args:
        gradient: A tensor.
        bands: 1 only scales it. More split it first: what is lost by halving its size, again and again, are bands of
            an octave each, the levels of a Laplacian pyramid (Burt and Adelson, 1983). 0 leaves it as it is.
    """
    if bands == 0:
        return gradient
    parts: list[Any] = []
    while len(parts) < bands - 1 and min(gradient.shape[1:3]) >= LEAST_SIDE:
        height, width = gradient.shape[1:3]
        coarse = _resized(gradient, (height // 2, width // 2))
        parts.append(gradient - _resized(coarse, (height, width)))
        gradient = coarse
    joint = _scaled(gradient)
    for part in reversed(parts):
        joint = _resized(joint, part.shape[1:3]) + _scaled(part)
    return _scaled(joint)


def _scaled(gradient: Any) -> Any:
    """Mean absolute value 1; zeros stay zeros."""
    return gradient / (tf.reduce_mean(tf.abs(gradient), axis=(1, 2, 3), keepdims=True) + 1e-20)


def _resized(pictures: Any, size: tuple[int, int]) -> Any:
    """(n, h, w, channels) at another size; of the same size unchanged."""
    return tf.image.resize(pictures, size, antialias=True)


def _tap(network: AnyNetwork, layer: str) -> keras.Model:
    """The network up to a layer."""
    model = model_of(network)
    return keras.Model(model.inputs[0], call_of(model, layer).outputs[0], name=layer)


def _channels(network: AnyNetwork, layer: str, channel: int | None) -> NDArray[np.int32]:
    """The channel as an array of one; of none for all channels."""
    if channel is None:
        return np.empty(0, np.int32)
    count = call_of(model_of(network), layer).outputs[0].shape[-1]
    if not 0 <= channel < count:
        raise InputError(f"a channel of {layer!r}, 0 to {count - 1}", repr(channel), "Count from 0.")
    return np.array([channel], np.int32)


def _start(network: AnyNetwork, image: NDArray[np.uint8] | None, size: int | None, seed: int) -> Pixels:
    """(h, w, channels) in 0…255: noise, or the picture at the size that is wanted."""
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
    ascent: Ascent,
    progress: bool,
    watch: Watch | None,
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The last pictures of the ascent, and which of them ever had a gradient."""
    size = start.shape[1:3]
    total = ascent.steps * ascent.octaves
    heard = np.zeros(len(start), bool)
    shown = line(progress)
    began = time.perf_counter()
    try:
        for done, (pixels, moved) in enumerate(_ascend(tap, start, channels, ascent), start=1):
            heard |= moved.numpy()
            if watch is not None:
                watch(_picture(_resized(pixels, size))[0])
            left = (time.perf_counter() - began) / done * (total - done)
            shown.show(f"dreaming of {tap.name}: step {done} of {total}, {clock(left)} left")
    finally:
        shown.close()
    return _picture(pixels), heard


def _picture(pixels: Any) -> NDArray[np.uint8]:
    picture: NDArray[np.uint8] = np.rint(pixels.numpy()).astype(np.uint8)
    return picture


def _ascend(tap: keras.Model, start: Pixels, channels: NDArray[np.int32], ascent: Ascent) -> Iterator[tuple[Any, Any]]:
    """Pictures (n, h, w, channels) after each step, from the smallest octave to the largest, and whether each moved."""
    step = _stepper(tap, channels, ascent)
    random = np.random.default_rng(ascent.seed)
    dreamt = tf.zeros_like(start)
    for size in ascent.sizes(*start.shape[1:3]):
        own = _resized(start, size)  # with the detail that enlarging cannot give
        pixels = tf.clip_by_value(own + _resized(dreamt, size), 0, 255)
        for _ in range(ascent.steps):
            shift = random.integers(-ascent.jitter, ascent.jitter, size=2, endpoint=True)
            try:
                pixels, moved = step(pixels, tf.constant(shift, tf.int32))
            except (ValueError, tf.errors.InvalidArgumentError) as error:
                raise InputError(
                    f"pictures of a size that the network takes as far as {tap.name!r}",
                    f"{size[0]} × {size[1]}: {str(error).strip().splitlines()[0]}",
                    "Use fewer octaves. A network that flattens its maps takes its own size only: octaves=1.",
                ) from error
            yield pixels, moved
        dreamt = pixels - own


def _stepper(tap: keras.Model, channels: NDArray[np.int32], ascent: Ascent) -> Callable[[Any, Any], tuple[Any, Any]]:
    """One step of gradient ascent, traced once for each size."""
    low, high = ascent.limits

    def step(pixels: Any, shift: Any) -> tuple[Any, Any]:
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(pixels)
            seen = low + (high - low) / 255 * tf.roll(pixels, shift, axis=(1, 2))
            # `call`, unlike calling, does not insist on the size that the input was declared with.
            answers = _answers(tap.call(seen, training=False), channels)
            roughness = tf.image.total_variation(pixels)
        gradient = tape.gradient(answers, pixels, unconnected_gradients="zero")  # pictures do not influence each other
        uphill = normalized(gradient, ascent.bands)
        if ascent.total_variation:
            uphill -= ascent.total_variation * tape.gradient(roughness, pixels)
        moved = tf.reduce_any(gradient != 0, axis=(1, 2, 3))
        return tf.clip_by_value(pixels + ascent.rate * uphill, 0, 255), moved

    traced: Callable[[Any, Any], tuple[Any, Any]] = tf.function(step)
    return traced


def _answers(maps: Any, channels: NDArray[np.int32]) -> Any:
    """(n,) what is raised: each picture's own channel, or all channels alike."""
    maps = tf.cast(maps, tf.float32)  # (n, ..., channels)
    places = list(range(1, len(maps.shape) - 1))
    if not len(channels):
        return tf.reduce_mean(tf.square(maps), axis=[*places, -1])
    return tf.gather(tf.reduce_mean(maps, axis=places), channels, axis=1, batch_dims=1)
