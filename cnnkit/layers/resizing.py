"""Maps made larger or smaller without weights: borders added or cut off, upsampling, another height and width."""

from __future__ import annotations

from functools import partial

from cnnkit.layers import views
from cnnkit.layers.configuration import BORDER, CHANNELS_LAST, COUNT, FLAG, PLAIN, Kind, Settings, one_of, sides
from cnnkit.layers.cost import Cost, Inputs, misfit
from cnnkit.layers.elementwise import SEED
from cnnkit.layers.inputs import border_pairs, per_axis, sides_and_channels
from cnnkit.layers.row import Row


def border(rank: int, sign: int, argument: str, s: Settings, inputs: Inputs) -> Cost:
    """Zero padding adds to both ends of a side, cropping takes away."""
    sides, channels = sides_and_channels(inputs, rank)
    pairs = border_pairs(s[argument], rank)
    output = tuple(side + sign * sum(pair) for side, pair in zip(sides, pairs, strict=True))
    if min(output) < 1:
        raise misfit(f"a {argument} that leaves something of {sides}", output)
    return Cost((None, *output, channels))


def upsampling(rank: int, s: Settings, inputs: Inputs) -> Cost:
    """Each side times its factor."""
    sides, channels = sides_and_channels(inputs, rank)
    factors = per_axis(s["size"], rank)
    return Cost((None, *(side * factor for side, factor in zip(sides, factors, strict=True)), channels))


def resizing(s: Settings, inputs: Inputs) -> Cost:
    """Another height and width."""
    _, channels = sides_and_channels(inputs, 2)
    return Cost((None, s["height"], s["width"], channels))


_LAST: dict[str, Kind] = {"data_format": CHANNELS_LAST | None}
_SIZE: dict[str, Kind] = {"height": COUNT, "width": COUNT, **_LAST}
_UPSAMPLING: dict[str, Kind] = {
    "size": sides() | 2,
    "interpolation": one_of("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5") | "nearest",
    **_LAST,
}


def _border(rank: int, sign: int, argument: str, kind: Kind) -> Row:
    view = views.border(argument, rank, sign)
    return Row(partial(border, rank, sign, argument), view, {argument: kind, **_LAST})


ROWS: dict[str, Row] = {
    **{f"ZeroPadding{rank}D": _border(rank, 1, "padding", BORDER | 1) for rank in (1, 2, 3)},
    **{f"Cropping{rank}D": _border(rank, -1, "cropping", BORDER) for rank in (1, 2, 3)},
    **{f"UpSampling{rank}D": Row(partial(upsampling, rank), views.upsampling, _UPSAMPLING) for rank in (1, 2, 3)},
    "Resizing": Row(
        resizing,
        arguments=_SIZE,
        others={
            **dict.fromkeys(("interpolation", "fill_mode", "fill_value"), PLAIN | None),
            **dict.fromkeys(("crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias"), FLAG | False),
        },
    ),
    "CenterCrop": Row(resizing, arguments=_SIZE),
    "RandomCrop": Row(resizing, arguments=_SIZE, others=SEED),
}
