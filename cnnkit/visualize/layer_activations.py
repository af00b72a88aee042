"""Activation maps: the answer of each channel of a layer to a picture."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cnnkit.arguments import whole
from cnnkit.errors import InputError
from cnnkit.visualize import style
from cnnkit.visualize.contact_sheet import show
from cnnkit.visualize.given_pictures import Image
from cnnkit.visualize.tapping import AnyNetwork, call_of, framed, maps_node, model_of


def activation_maps(network: AnyNetwork, image: Image, layer: str) -> NDArray[np.float32]:
    """The output of a layer for one picture, (h, w, channels), unscaled.

    Args:
        network: A cnnkit network or backbone, or any functional Keras model with one input.
        image: RGB 0…255 of any size; for a Keras model also float32 of the input's size, given to it as it is.
        layer: A layer with maps.

    Raises:
        UnknownNameError: No such layer.
        InputError: The layer gives no maps, or no picture.
        DataError: A picture that `ck.predict` refuses: floats in 0…1, most often.
    """
    model = model_of(network)
    tap = keras.Model(model.inputs, maps_node(model, call_of(model, layer).name).outputs[0], name="activations")
    picture = framed(network, image)
    pixels = tf.convert_to_tensor(picture[None], tf.float32)
    maps: NDArray[np.float32] = np.asarray(tap(pixels, training=False))[0]
    return maps


def activations(network: AnyNetwork, image: Image, layer: str, *, count: int = 23) -> Figure:
    """A picture and the maps of its most active channels, each with its channel number.

    All maps share one scale: black is the smallest answer of the layer, white the largest. The strongest channels are
    those of the largest mean over the picture: of the largest single answer many are equal, where ReLU6 ends at 6.

    Args:
        network: As in `activation_maps`.
        image: As in `activation_maps`.
        layer: A layer with maps.
        count: How many channels at most.

    Returns:
        A figure 11 inches wide.
    """
    if not whole(count, 1):
        raise InputError("a count of at least 1, a whole number", f"count={count!r}"[:200], "23 fill a figure.")
    maps = activation_maps(network, image, layer)
    strongest = np.argsort(-maps.mean(axis=(0, 1)), kind="stable")[:count]
    columns = min(8, len(strongest) + 1)
    rows = -(-(len(strongest) + 1) // columns)
    figure = style.figure(11, rows * (11 / columns + 0.22) + 0.45)
    with style.styled():
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes in grid:
            style.bare(axes)
            axes.set_box_aspect(1)
        show(grid[0], framed(network, image))
        grid[0].set_title("picture", fontsize=10, loc="center", pad=4)
        low, high = float(maps.min()), float(maps.max())
        for axes, channel in zip(grid[1:], strongest, strict=False):
            axes.imshow(maps[..., channel], cmap=style.HEAT, vmin=low, vmax=max(high, low + 1e-6), aspect="auto")
            axes.set_title(str(channel), fontsize=10, fontweight="normal", color=style.MUTED, loc="center", pad=4)
        for axes in grid[len(strongest) + 1 :]:
            axes.set_visible(False)
        height, width, channels = maps.shape
        figure.suptitle(
            f"{style.plain(layer)}: {len(strongest)} strongest of {channels} channels, {height} × {width} each, "
            f"from {low:.3g} (black) to {high:.3g}",
            x=0.01,
            ha="left",
            fontsize=12,
        )
    return figure
