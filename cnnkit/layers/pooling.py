"""Pooling: one value of each window, or of each channel."""

from __future__ import annotations

import math
from functools import partial

from cnnkit.layers import views
from cnnkit.layers.configuration import CHANNELS_LAST, FLAG, Kind, Settings, sides
from cnnkit.layers.convolution import WINDOW, window_sides
from cnnkit.layers.cost import Cost, Inputs
from cnnkit.layers.inputs import per_axis, sides_and_channels
from cnnkit.layers.row import Row


def pooling(rank: int, s: Settings, inputs: Inputs) -> Cost:
    """The largest value or the mean of each window."""
    sides, channels = sides_and_channels(inputs, rank)
    window = per_axis(s["pool_size"], rank)
    output = window_sides(s, sides, window)
    return Cost((None, *output, channels), operations=math.prod(window) * math.prod(output) * channels)


def global_pooling(rank: int, s: Settings, inputs: Inputs) -> Cost:
    """One value per channel."""
    sides, channels = sides_and_channels(inputs, rank)
    ones = (1,) * rank if s["keepdims"] else ()
    return Cost((None, *ones, channels), operations=math.prod(sides) * channels)


_POOLING: dict[str, Kind] = {**WINDOW, "pool_size": sides() | 2, "strides": sides() | None}
_GLOBAL: dict[str, Kind] = {"data_format": CHANNELS_LAST | None, "keepdims": FLAG | False}

ROWS: dict[str, Row] = {
    **{
        f"{kind}Pooling{rank}D": Row(partial(pooling, rank), views.pool, _POOLING)
        for kind in ("Max", "Average")
        for rank in (1, 2, 3)
    },
    **{
        f"Global{kind}Pooling{rank}D": Row(partial(global_pooling, rank), views.whole, _GLOBAL)
        for kind in ("Max", "Average")
        for rank in (1, 2, 3)
    },
}
