"""One colour per class, the same in every picture; people with any colour vision can tell the first eight apart."""

from __future__ import annotations

import colorsys

import numpy as np
from matplotlib.colors import to_hex, to_rgb
from numpy.typing import NDArray

from cnnkit.visualize import style

PALETTE = (
    *(style.SKY, style.AMBER, style.PINK, "#F0E442", style.BLUE, style.WINE, style.ORANGE, style.GREEN),
    *("#3C2D96", "#3CFFFF", "#8778F0", "#784B00", "#00D278", "#FFE1C3", "#965A78", "#C32D4B", "#4B4BC3", "#F05A69"),
    *("#781E00", "#A5E187", "#4B4B78", "#5A694B", "#87D2FF", "#690F78", "#3C96D2", "#87B496", "#A53C96", "#E1C32D"),
    *("#B4FF87", "#87874B"),
)
"""The first eight are those of Okabe and Ito (2008), which people with any colour vision can tell apart, with a wine
red for their black. Each that follows is the one furthest from those before it, and from the grey of void, in OKLab
(Ottosson 2020), as seen with usual colour vision and, weighed 1.6, without red or green cones (Machado et al. 2009)."""
GOLDEN = (5**0.5 - 1) / 2
"""Hues that are this far apart on the circle do not come close for long."""


def class_colours(count: int) -> list[str]:
    """Colours of classes 0 … count − 1 as `"#RRGGBB"`: 30 that can be told apart, then hues around the circle.

    >>> class_colours(2)
    ['#56B4E9', '#E69F00']
    """
    further = (_of_hue(number) for number in range(len(PALETTE), count))
    return [*PALETTE[:count], *further]


def painted(mask: NDArray[np.uint8], count: int) -> NDArray[np.float32]:
    """(h, w) class indices → (h, w, 3) of 0…1: the colour of each pixel's class; what is no class is white."""
    table = np.ones((256, 3), np.float32)
    table[:count] = [to_rgb(colour) for colour in class_colours(count)]
    return table[mask]


def _of_hue(number: int) -> str:
    value = (0.95, 0.7, 0.5)[number % 3]
    return to_hex(colorsys.hsv_to_rgb(GOLDEN * number % 1, 0.55, value)).upper()
