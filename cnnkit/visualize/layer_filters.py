"""Filters: the kernels of a convolution as small pictures, as in lecture 004."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cnnkit.backbones.graph import functional, nodes
from cnnkit.errors import InputError, unknown_name
from cnnkit.transfer.network import Network
from cnnkit.visualize import style


def filter_pictures(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Kernels as pictures: rescaled to standard deviation 1 over the whole layer, then through a sigmoid (lecture 004).

    0.5, a middle grey, is the weight 0; brighter is positive.

    Args:
        kernel: (h, w, channels, filters).

    Returns:
        (filters, h, w, channels) in (0, 1).

    >>> filter_pictures(np.zeros((3, 3, 3, 2), np.float32)).mean().item()
    0.5
    """
    scaled = kernel / max(float(kernel.std()), 1e-12)
    pictures: NDArray[np.float32] = (1 / (1 + np.exp(-scaled))).transpose(3, 0, 1, 2).astype(np.float32)
    return pictures


def filters(network: Network | keras.Model, layer: str | None = None, *, count: int = 64) -> Figure:
    """The filters of a convolution; of the first by default, in colour where its input is RGB.

    Deeper filters have more channels than colours: of each, the channel with the largest weights is drawn in grey.

    Args:
        network: A cnnkit network or any functional Keras model.
        layer: A Conv2D or DepthwiseConv2D; None is the first in the network.
        count: How many filters at most.

    Returns:
        A figure 11 inches wide.

    Raises:
        UnknownNameError: No convolution of that name.
    """
    name, kernel = _kernel(network, layer)
    height, width, channels, total = kernel.shape
    drawn = filter_pictures(kernel)[:count]
    if channels != 3:
        strongest = np.square(kernel).sum(axis=(0, 1)).argmax(axis=0)[:count]  # (filters,)
        drawn = drawn[np.arange(len(drawn)), :, :, strongest]
    columns = min(16, len(drawn)) if len(drawn) > 8 else len(drawn)
    rows = -(-len(drawn) // columns)
    made = style.figure(11, rows * 11 / max(columns, 4) + 0.5)
    with style.styled():
        grid = made.subplots(rows, columns, squeeze=False).ravel()
        for axes in grid:
            style.bare(axes)
        for axes, picture in zip(grid, drawn, strict=False):
            axes.imshow(picture, cmap="gray", vmin=0, vmax=1)
            for spine in axes.spines.values():  # a bright filter has an edge on white paper
                spine.set_visible(True)
        for axes in grid[len(drawn) :]:
            axes.set_visible(False)
        shown = f"{total} filters" if total <= count else f"{count} of {total} filters"
        part = "" if channels in (1, 3) else f", the strongest channel of {channels}"
        made.suptitle(
            f"{style.plain(name)}: {shown} of {height} × {width} × {channels}{part}", x=0.01, ha="left", fontsize=12
        )
    return made


def _kernel(network: Network | keras.Model, layer: str | None) -> tuple[str, NDArray[np.float32]]:
    """Name and kernel (h, w, channels, filters) of a convolution."""
    model = functional(network.model if isinstance(network, Network) else network)
    found: dict[str, Any] = {
        call.name: call.layer
        for call in nodes(model)
        if isinstance(call.layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D)
    }
    if not found:
        raise InputError(
            "a network with a Conv2D or DepthwiseConv2D", f"{model.name!r} without any", "Nothing in it has filters."
        )
    name = next(iter(found)) if layer is None else layer
    if name not in found:
        raise unknown_name("a convolution", name, found, "model.summary()")
    kernel: NDArray[np.float32] = keras.ops.convert_to_numpy(found[name].kernel)
    if isinstance(found[name], keras.layers.DepthwiseConv2D):  # (h, w, channels, multiplier): one channel a filter
        kernel = kernel.reshape(*kernel.shape[:2], 1, -1)
    return name, kernel
