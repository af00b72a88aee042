"""A convolution or a pooling drawn step by step, as a picture and as an animation.

The picture of Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016: the window over the
picture, the kernel's numbers small inside its cells, the sum written out, and the output as far as it is filled.
"""

from __future__ import annotations

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from cnnkit.diagrams.sliding_sheet import arranged, draw_step, panels, sheet_of
from cnnkit.diagrams.sliding_window import (
    Slide,
    convolution_slide,
    pooling_slide,
    transposed_convolution_slide,
)
from cnnkit.primitives.arrays import Sides
from cnnkit.primitives.counting import Padding as Cropping
from cnnkit.primitives.padding import Border, Padding
from cnnkit.visualize import style
from cnnkit.visualize.figure_arguments import check_figure
from cnnkit.visualize.film import Film


def convolution(
    image: ArrayLike,
    kernel: ArrayLike,
    *,
    stride: Sides = 1,
    padding: Padding = 0,
    border: Border = "zero",
    dilation: Sides = 1,
    step: int | None = None,
    decimals: int = 1,
) -> Figure:
    """A convolution drawn step by step: the window, the kernel's numbers in it, the sum, the output so far.

    Args:
        image: (h, w), a picture of one channel, small: each number is drawn.
        kernel: (f, f).
        stride: As for `ck.primitives.conv2d`.
        padding: As for `ck.primitives.conv2d`; the border has another tint.
        border: What the padding shows, `"zero"` or `"mirror"`.
        dilation: As for `ck.primitives.conv2d`.
        step: The one to draw, from 1, row by row. None draws all, arranged as the output is; where that is too much
            for a slide, as many as can be read: the first, the next, the first of the second row, the last.
        decimals: Of numbers that are not whole.

    Returns:
        A figure of at most 12.6 × 7.7 inches.

    Raises:
        InputError: Picture and kernel do not fit, no such step, or a picture of too many numbers for a slide.

    >>> _ = convolution([[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[10, 20], [30, 40]], step=1)  # 370
    """
    slide = convolution_slide(image, kernel, stride=stride, padding=padding, border=border, dilation=dilation)
    return _figure(slide, step, decimals)


def convolution_animation(
    image: ArrayLike,
    kernel: ArrayLike,
    *,
    stride: Sides = 1,
    padding: Padding = 0,
    border: Border = "zero",
    dilation: Sides = 1,
    seconds: float = 1.0,
    decimals: int = 1,
) -> Film:
    """`convolution` as a film: arguments as there, and `seconds` from step to step.

    A notebook shows it with buttons; `ck.visualize.save_animation(film, "convolution.gif")` writes it.
    """
    slide = convolution_slide(image, kernel, stride=stride, padding=padding, border=border, dilation=dilation)
    return _film(slide, seconds, decimals)


def transposed_convolution(
    image: ArrayLike,
    kernel: ArrayLike,
    *,
    stride: Sides = 1,
    padding: Cropping = "valid",
    dilation: Sides = 1,
    step: int | None = None,
    decimals: int = 1,
) -> Figure:
    """A transposed convolution: the flipped kernel slides over the picture with zeros between and around its pixels.

    Args:
        image: (h, w).
        kernel: (f, f), as for `ck.primitives.transposed_conv2d`; drawn flipped.
        stride: How many times larger: stride − 1 zeros are inserted.
        padding: Of the convolution run backwards.
        dilation: From tap to tap.
        step: As for `convolution`.
        decimals: As for `convolution`.

    Raises:
        InputError: As for `convolution`.

    >>> _ = transposed_convolution([[1, 2], [3, 4]], [[1, 2], [3, 4]], stride=2, step=1)
    """
    slide = transposed_convolution_slide(image, kernel, stride=stride, padding=padding, dilation=dilation)
    return _figure(slide, step, decimals)


def transposed_convolution_animation(
    image: ArrayLike,
    kernel: ArrayLike,
    *,
    stride: Sides = 1,
    padding: Cropping = "valid",
    dilation: Sides = 1,
    seconds: float = 1.0,
    decimals: int = 1,
) -> Film:
    """`transposed_convolution` as a film, see `convolution_animation`."""
    slide = transposed_convolution_slide(image, kernel, stride=stride, padding=padding, dilation=dilation)
    return _film(slide, seconds, decimals)


def pooling(
    image: ArrayLike,
    size: Sides = 2,
    *,
    kind: str = "max",
    stride: Sides | None = None,
    padding: Padding = 0,
    step: int | None = None,
    decimals: int = 1,
) -> Figure:
    """A pooling drawn step by step; its border holds no numbers, as it does not count.

    Args:
        image: (h, w).
        size: The window's side, or (down, across).
        kind: `"max"` or `"average"`.
        stride: None: the size, windows side by side.
        padding: As for `ck.primitives.max_pool2d`.
        step: As for `convolution`.
        decimals: As for `convolution`.

    Raises:
        UnknownNameError: Another kind.
        InputError: As for `convolution`.

    >>> _ = pooling([[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]], 2)
    """
    return _figure(pooling_slide(image, size, kind=kind, stride=stride, padding=padding), step, decimals)


def pooling_animation(
    image: ArrayLike,
    size: Sides = 2,
    *,
    kind: str = "max",
    stride: Sides | None = None,
    padding: Padding = 0,
    seconds: float = 1.0,
    decimals: int = 1,
) -> Film:
    """`pooling` as a film, see `convolution_animation`."""
    return _film(pooling_slide(image, size, kind=kind, stride=stride, padding=padding), seconds, decimals)


def _film(slide: Slide, seconds: float, decimals: int) -> Film:
    """A frame for each step."""
    check_figure({"seconds": seconds, "decimals": decimals})
    sheet = sheet_of(slide, range(1, slide.steps + 1), (1, 1), decimals)
    figure, (axes,) = panels(sheet, slide.title)

    def draw(frame: int) -> list[Artist]:
        axes.clear()
        with style.styled():
            draw_step(axes, slide, frame + 1, sheet, decimals=decimals)
        return []

    return Film(figure, draw, slide.steps, seconds)


def _figure(slide: Slide, step: int | None, decimals: int) -> Figure:
    """One step, or as many as a slide has room for."""
    check_figure({"step": step, "decimals": decimals})
    steps, sheet = arranged(slide, decimals) if step is None else ([step], sheet_of(slide, [step], (1, 1), decimals))
    part = "" if len(steps) == slide.steps or step is not None else f": {len(steps)} of {slide.steps} steps"
    figure, places = panels(sheet, slide.title + part)
    with style.styled():
        for axes, number in zip(places, steps, strict=False):
            draw_step(axes, slide, number, sheet, decimals=decimals)
        for axes in places[len(steps) :]:
            axes.remove()
    return figure
