"""The feature maps of a network by scale: P3 is 2³ = 8 times smaller than the input (Lin et al. 2017, section 3)."""

from __future__ import annotations

import keras
import pandas as pd

from cnnkit.backbones.cuts import cut_table
from cnnkit.backbones.graph import functional, nodes
from cnnkit.backbones.model_costs import count

# A layer with so many times the channels of the one before only expands them for the next block (inverted bottlenecks:
# 4 to 6 times, the last convolution of MobileNetV2 4 times): the narrow tensor before it says as much.
EXPANSION = 3


def pyramid_layers(model: keras.Model) -> dict[str, str]:
    """Level → layer, shallow to deep: for each power of two the deepest map of that stride that is no mere expansion.

    Legal cuts are preferred; a scale without any (inside a NASNet) has its last layer with one output.

    Args:
        model: Any functional or built Sequential model.
    """
    model = functional(model)
    every = count(model).assign(name=[call.name for call in nodes(model)])
    levels: dict[str, str] = {}
    level = 1
    legal, anywhere = _maps(cut_table(model)), _maps(every)
    while (anywhere["stride"] >= 2**level).any():
        for table in (legal, anywhere):
            of_level = table[table["stride"] == 2**level]
            if len(of_level):
                levels[f"P{level}"] = _narrow(of_level)
                break
        level += 1
    return levels


def _maps(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of feature maps that a convolution or a pooling has made."""
    are_maps = table["shape"].map(len) == 3
    return table[are_maps & table["stride"].notna() & (table["receptive_field"].fillna(2) > 1)]


def _narrow(table: pd.DataFrame) -> str:
    """The last row of one stride, or the last before its expansion; padding, which enlarges a map, is passed over."""
    shapes = table["shape"].tolist()
    least = min(shape[0] for shape in shapes)
    rows = [(name, shape[2]) for name, shape in zip(table["name"], shapes, strict=True) if shape[0] == least]
    name, channels = rows[-1]
    before = [row for row in rows if row[1] != channels]
    return str(before[-1][0] if before and channels >= EXPANSION * before[-1][1] else name)
