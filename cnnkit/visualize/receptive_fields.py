"""The receptive field on a picture: the pixels that one cell of a layer can see, and those that count.

Luo, Li, Urtasun and Zemel, "Understanding the Effective Receptive Field in Deep Convolutional Neural Networks",
NeurIPS 2016: the pixels in the middle reach a cell on many paths, those at the edge on few.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import cv2
import keras
import numpy as np
import tensorflow as tf
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from cnnkit.backbones.graph import nodes
from cnnkit.backbones.keras_layers import calls
from cnnkit.errors import InputError
from cnnkit.primitives.architecture import walk
from cnnkit.primitives.layers import View
from cnnkit.primitives.receptive_field import Field
from cnnkit.visualize import style
from cnnkit.visualize.class_activation import heat, overlay
from cnnkit.visualize.contact_sheet import draw_pictures
from cnnkit.visualize.figure_arguments import check_figure
from cnnkit.visualize.given_pictures import Image
from cnnkit.visualize.tapping import AnyNetwork, framed, maps_node, model_of

COLOURS = (style.BLUE, style.ORANGE, style.GREEN, style.SKY)
MOST = 0.9
"""Share of the effect inside the square whose side the title gives."""


@dataclass(frozen=True)
class Window:
    """The pixels that one cell can see: its receptive field, which may reach beyond the picture.

    Attributes:
        rows: First and last.
        columns: First and last.
    """

    rows: tuple[float, float]
    columns: tuple[float, float]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return round(self.rows[1] - self.rows[0]) + 1, round(self.columns[1] - self.columns[0]) + 1


def receptive_field(
    network: AnyNetwork, layers: str | Sequence[str], image: Image, position: tuple[int, int] | None = None
) -> Figure:
    """The pixels that one cell of a layer sees, as a rectangle, and their effect on it, as heat.

    The rectangle is the receptive field, cut off where the picture ends; the point is its middle. The heat is the
    *effective* receptive field: how much each pixel changes what the cell says about this picture.

    Args:
        network: A cnnkit network or backbone, or a functional Keras model, with a fixed input size.
        layers: One with maps, or several.
        image: RGB 0…255 of any size: it is framed as in prediction; for a Keras model also float32 of the input's size.
        position: Row and column of a pixel of the framed picture: of each layer the cell is taken that looks at it.
            None is the middle.

    Returns:
        A figure 11 inches wide.

    Raises:
        UnknownNameError: No such layer.
        InputError: A layer gives no maps, sees nobody knows what, no picture, or the pixel is not in it.
        DataError: A picture that `ck.predict` refuses: floats in 0…1, most often.
    """
    check_figure({"layers": layers, "position": position})
    names = [layers] if isinstance(layers, str) else list(layers)
    photo = framed(network, image)
    height, width = photo.shape[:2]
    pixel = position or (height // 2, width // 2)
    if not names or not (0 <= pixel[0] < height and 0 <= pixel[1] < width):
        raise InputError(
            f"a layer, and a pixel of the {height} × {width} picture",
            f"{names} and {pixel}",
            "Count rows and columns from 0.",
        )
    views, titles, panels = [], [f"the picture, {height} × {width}\n"], [photo]
    for name in names:
        cell = nearest_cell(network, name, pixel)
        view, effect = window(network, name, cell), effective_field(network, name, photo, cell)
        (high, wide), side = view.size, side_of_most(effect, view)
        views.append(view)
        seen_most = f"{style.percent(MOST)} of the effect: {side} × {side}" if effect.any() else "silent at this place"
        titles.append(f"{name}: {high} × {wide}\n{seen_most}")
        panels.append(overlay(photo, _glow(effect, side)))
    colours = [COLOURS[index % len(COLOURS)] for index in range(len(names))]
    columns = min(4, len(panels))
    figure = style.figure(11, -(-len(panels) // columns) * (11 / columns + 0.5))
    first, *others = draw_pictures(figure, panels, titles, columns=columns, colours=[style.INK, *colours])
    for axes, view, colour in zip(others, views, colours, strict=True):
        for panel in (first, axes):
            _outline(panel, view, (height, width), colour)
    return figure


def window(network: AnyNetwork, layer: str, cell: tuple[int, int]) -> Window:
    """The receptive field of a cell of a layer, from the arithmetic of `ck.backbones.count`.

    Args:
        network: As in `receptive_field`.
        layer: A layer with maps.
        cell: Row and column in the maps.

    Raises:
        UnknownNameError: No such layer.
        InputError: The layer gives no maps, or sees nobody knows what.
    """
    picture = model_of(network).inputs[0].shape[1:3]
    rows, columns = (
        (0.0, side - 1.0)
        if math.isinf(field.size)
        else (float(_middle(field, place)) - (field.size - 1) / 2, float(_middle(field, place)) + (field.size - 1) / 2)
        for field, place, side in zip(_view(network, layer), cell, picture, strict=True)
    )
    return Window(rows, columns)


def nearest_cell(network: AnyNetwork, layer: str, pixel: tuple[int, int]) -> tuple[int, int]:
    """Row and column of the cell whose receptive field is centred nearest to a pixel; the first of two equals."""
    sides = maps_node(model_of(network), layer).outputs[0].shape[1:3]
    row, column = (
        min(max(math.ceil((at - field.centre) / field.stride - Fraction(1, 2)), 0), side - 1)
        for field, at, side in zip(_view(network, layer), pixel, sides, strict=True)
    )
    return row, column


def effective_field(network: AnyNetwork, layer: str, image: Image, cell: tuple[int, int]) -> NDArray[np.float32]:
    """How much each pixel changes the sum of a cell's channels: the gradient's absolute value, over the colours.

    Args:
        network: As in `receptive_field`.
        layer: A layer with maps.
        image: (h, w, channels) of the input.
        cell: Row and column in the maps.

    Returns:
        (h, w) ≥ 0, unscaled.
    """
    model = model_of(network)
    tap = keras.Model(model.inputs[0], maps_node(model, layer).outputs[0], name="effect")
    pixels = tf.convert_to_tensor(np.asarray(image)[None], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        answer = tf.reduce_sum(tap(pixels, training=False)[0, cell[0], cell[1]])
    gradient = tape.gradient(answer, pixels, unconnected_gradients="zero")
    effect: NDArray[np.float32] = tf.reduce_sum(tf.abs(gradient[0]), axis=2).numpy()
    return effect


def side_of_most(effect: NDArray[np.float32], view: Window) -> int:
    """Side of the smallest square around the middle of a window that holds `MOST` of the effect.

    >>> effect = np.zeros((9, 9), np.float32)
    >>> effect[3:6, 3:6] = 1
    >>> side_of_most(effect, Window((0, 8), (0, 8)))
    3
    """
    middle = sum(view.rows) / 2, sum(view.columns) / 2
    rows, columns = np.indices(effect.shape)
    distance = np.maximum(abs(rows - middle[0]), abs(columns - middle[1]))  # of each pixel, in rings that are squares
    order = np.argsort(distance, axis=None)
    inside = np.cumsum(effect.ravel()[order])
    last = int(np.searchsorted(inside, MOST * inside[-1]))
    return int(2 * distance.ravel()[order][last]) + 1


def _view(network: AnyNetwork, layer: str) -> View:
    """The receptive field of a layer's first cell, down and across."""
    model = model_of(network)
    sides = maps_node(model, layer).outputs[0].shape[1:3]
    if None in sides:
        raise InputError(
            "a network with a fixed input size",
            f"input shape {tuple(model.inputs[0].shape)}",
            "Build it with input_shape=(height, width, 3).",
        )
    last = max(index for index, call in enumerate(nodes(model)) if call.name == layer)
    view = walk(calls(model), tuple(model.inputs[0].shape[1:]))[last].view
    if len(view) != 2 or any(math.isnan(field.size) for field in view):
        raise InputError(
            "a layer whose receptive field is known",
            f"{layer!r}, behind one that cnnkit cannot count",
            "ck.backbones.count(model) shows up to which layer it is.",
        )
    return view


def _middle(field: Field, place: int) -> Fraction:
    """The middle of a cell's receptive field, in pixels."""
    return field.centre + place * field.stride


def _glow(effect: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """The effect in [0, 1], blurred: single pixels of a gradient cannot be seen on a slide."""
    blurred = cv2.GaussianBlur(effect, (0, 0), sigmaX=max(1.0, side / 12))
    return heat(np.asarray(blurred, np.float32), effect.shape)


def _outline(axes: Axes, view: Window, picture: tuple[int, int], colour: str) -> None:
    """The rectangle of a window, as much of it as is in the picture, and its middle."""
    (top, bottom), (left, right) = (
        (max(first, 0) - 0.5, min(last, side - 1) + 0.5)
        for (first, last), side in zip((view.rows, view.columns), picture, strict=True)
    )
    frame = Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=colour, linewidth=2.2)
    axes.add_patch(frame)
    axes.plot(sum(view.columns) / 2, sum(view.rows) / 2, "o", color=colour, markersize=4, markeredgecolor=style.PAPER)
