"""Filters: the kernels of a layer as small pictures, as in lecture 004."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cnnkit.backbones.graph import Node, nodes
from cnnkit.errors import InputError
from cnnkit.visualize import style
from cnnkit.visualize.figure_arguments import check_figure
from cnnkit.visualize.tapping import AnyNetwork, call_of, graph_of

Kernel = NDArray[np.float32]

MOST_ROWS, MOST_COLUMNS = 10, 16
"""Filters and channels at most where each has a tile of its own: what a slide has room for."""
TILE = 24
"""Pixels of a tile, about."""


def filter_pictures(kernel: Kernel) -> NDArray[np.float32]:
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


def filters(network: AnyNetwork, layer: str | None = None, *, count: int = 64) -> Figure:
    """The filters of a layer, by default of the first convolution.

    Where they have three channels each is a picture in colour: of the first layer in the colours that it looks for,
    because cnnkit's backbones take RGB. Other filters are a row of grey tiles, one a channel.

    Args:
        network: A cnnkit network or backbone, or any functional Keras model.
        layer: A convolution of any kind and dimension (of a separable one the depthwise part), or a dense layer on
            flattened maps, whose units are filters of the maps' size. The steps of a Conv1D go down; the slices of a
            Conv3D are taken for channels.
        count: How many filters at most; in rows of tiles at most 10, of the 16 channels with the largest weights.

    Returns:
        A figure 11 inches wide.

    Raises:
        UnknownNameError: No such layer.
        InputError: The layer has no filters.
    """
    check_figure({"count": count, "layer": layer})
    name, kernel = layer_kernel(network, layer)
    height, width, channels, total = kernel.shape
    alone = channels in (1, 3)
    kernels = filter_pictures(kernel)[: count if alone else min(count, MOST_ROWS)]
    quantity = f"{total} filters" if total == len(kernels) else f"{len(kernels)} of {total} filters"
    heading = f"{style.plain(name)}: {quantity} of {height} × {width} × {channels}"
    if alone:
        return _sheet(kernels, heading)
    strength = np.square(kernel[..., : len(kernels)]).sum(axis=(0, 1, 3))  # (channels,)
    strongest = np.sort(np.argsort(-strength, kind="stable")[:MOST_COLUMNS])
    part = "" if len(strongest) == channels else f", the {len(strongest)} strongest channels"
    return _tiles(kernels[..., strongest], strongest, heading + part)


def layer_kernel(network: AnyNetwork, layer: str | None = None) -> tuple[str, Kernel]:
    """Name and kernel, (h, w, channels, filters), of a layer as `filters` draws it.

    Raises:
        UnknownNameError: No such layer.
        InputError: The layer has no filters.
    """
    model = graph_of(network)
    calls = nodes(model)
    for call in calls if layer is None else [call_of(model, layer)]:
        read = next((read for kind, read in KERNELS.items() if isinstance(call.layer, kind)), None)
        if read is not None:
            return call.name, read(call.layer)
        if isinstance(call.layer, keras.layers.Dense) and _flattens_maps(calls[call.parents[0]]):
            return call.name, _dense(call.layer, calls[call.parents[0]])
    raise InputError(
        "a convolution, or a dense layer on flattened maps",
        f"{model.name!r} without any" if layer is None else repr(layer),
        "ck.backbones.count(model) lists every layer and its kind.",
    )


def _array(variable: Any) -> Kernel:
    kernel: Kernel = keras.ops.convert_to_numpy(variable)
    return kernel


def _depthwise(kernel: Kernel) -> Kernel:
    """(h, w, channels, multiplier) as filters of one channel each."""
    return kernel.reshape(*kernel.shape[:2], 1, -1)


def _flattens_maps(call: Node) -> bool:
    return isinstance(call.layer, keras.layers.Flatten) and len(call.inputs[0].shape) == 4


def _dense(layer: Any, flatten: Node) -> Kernel:
    """(h·w·channels, units) in the order of Flatten, as (h, w, channels, units)."""
    return _array(layer.kernel).reshape(*flatten.inputs[0].shape[1:], layer.units)


# Layer class → its kernel as (h, w, channels, filters).
KERNELS: dict[type, Callable[[Any], Kernel]] = {
    keras.layers.Conv2D: lambda layer: _array(layer.kernel),
    keras.layers.Conv2DTranspose: lambda layer: _array(layer.kernel).swapaxes(2, 3),
    keras.layers.DepthwiseConv2D: lambda layer: _depthwise(_array(layer.kernel)),
    keras.layers.SeparableConv2D: lambda layer: _depthwise(_array(layer.depthwise_kernel)),
    keras.layers.Conv1D: lambda layer: _array(layer.kernel)[:, :, None],
    keras.layers.Conv3D: lambda layer: np.concatenate(_array(layer.kernel), axis=2),
}


def _sheet(kernels: NDArray[np.float32], heading: str) -> Figure:
    """Filters (n, h, w, 1 or 3), each as a picture."""
    columns = min(16, len(kernels)) if len(kernels) > 8 else len(kernels)
    rows = -(-len(kernels) // columns)
    figure = style.figure(11, rows * 11 / max(columns, 4) + 0.5)
    with style.styled():
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes in grid:
            style.bare(axes)
        for axes, picture in zip(grid, kernels, strict=False):
            axes.imshow(picture, cmap="gray", vmin=0, vmax=1)
            for spine in axes.spines.values():  # a bright filter has an edge on white paper
                spine.set_visible(True)
        for axes in grid[len(kernels) :]:
            axes.set_visible(False)
        figure.suptitle(heading, x=0.01, ha="left", fontsize=12)
    return figure


def _tiles(kernels: NDArray[np.float32], channels: NDArray[np.int64], heading: str) -> Figure:
    """Filters (n, h, w, channels), one row per filter and one grey tile per channel."""
    count, height, width, across = kernels.shape
    enlarged = max(1, TILE // max(height, width))
    tiles = kernels.transpose(0, 3, 1, 2).repeat(enlarged, axis=2).repeat(enlarged, axis=3)  # (n, channels, h, w)
    gaps = [(0, 0), (0, 0), (1, 1), (1, 1)]
    down, right = tiles.shape[2] + 2, tiles.shape[3] + 2
    mosaic = np.pad(tiles, gaps, constant_values=np.nan).transpose(0, 2, 1, 3).reshape(count * down, across * right)
    inches = 10 / max(across, 8)
    figure = style.figure(11, count * inches * down / right + 1)
    with style.styled():
        axes = figure.subplots()
        axes.imshow(mosaic, cmap="gray", vmin=0, vmax=1)  # what is not a number is paper
        style.bare(axes)
        axes.set_xticks((np.arange(across) + 0.5) * right - 0.5, [str(channel) for channel in channels])
        axes.set_yticks((np.arange(count) + 0.5) * down - 0.5, [str(number) for number in range(count)])
        axes.tick_params(length=0, labelsize=9)
        axes.set_xlabel("channel")
        axes.set_ylabel("filter")
        figure.suptitle(heading, x=0.01, ha="left", fontsize=12)
    return figure
