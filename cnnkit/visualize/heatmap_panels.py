"""What a network believes of each point: its heatmaps over the photograph, stage by stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from cnnkit.data.any_pictures import Pictures, as_source
from cnnkit.errors import InputError, unknown_name
from cnnkit.heads.pose import PoseHead
from cnnkit.transfer.network import Network, network_of
from cnnkit.visualize import style
from cnnkit.visualize.contact_sheet import show

MOST = 6
"""Points that are drawn where nobody names any."""
SIDE = 1.8
"""Inches of a panel."""


def heatmaps(network: Network, image: Pictures, points: Sequence[str] | None = None) -> Figure:
    """The heatmaps of a picture, a column per point and a row per stage, each as bright as its peak is high.

    Args:
        network: With a head of points: `ck.heads.heatmaps`, `hourglass` or `pose_machine`.
        image: A picture, or what `ck.data.as_source` takes: the first one counts.
        points: Their names; by default up to six, evenly.

    Returns:
        A figure of panels of 1.8 inches.

    Raises:
        InputError: A network with another head.
        UnknownNameError: No such point.
    """
    network = network_of(network)
    head = network.head
    if not isinstance(head, PoseHead):
        raise InputError("a network with a head of points", type(head).__name__, "ck.heads.heatmaps(points) is one.")
    names = [*head.names][:: -(-len(head.names) // MOST)] if points is None else list(points)
    for name in names:
        if name not in head.names:
            raise unknown_name("a point", name, head.names)
    picture = network.framing.apply(as_source(image).image(0), network.size)
    outputs = network.model.predict(picture[None].astype(np.float32), verbose=0)
    stages = outputs if isinstance(outputs, Mapping) else {"": outputs}
    figure = style.figure(SIDE * len(names), (SIDE + 0.15) * len(stages) * network.size[0] / network.size[1] + 0.3)
    with style.styled():
        grid = figure.subplots(len(stages), len(names), squeeze=False)
        for row, (stage, maps) in zip(grid, stages.items(), strict=True):
            weights = replace(head, answer=0).weights_of(maps)[0]
            for axes, name in zip(row, names, strict=True):
                style.bare(axes)
                show(axes, _over(picture, weights[..., head.names.index(name)]), square=False)
            row[0].set_ylabel(stage, fontsize=9, labelpad=3)
        for axes, name in zip(grid[0], names, strict=True):
            axes.set_title(style.plain(name.replace("_", " ")), fontsize=9, loc="center", pad=4)
    return figure


def _over(picture: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """A picture in grey, lit by a map of weights that is brought to its size."""
    height, width = picture.shape[:2]
    heat = cv2.resize((weights / max(float(weights.max()), 1e-9)).astype(np.float32), (width, height))[..., None]
    grey = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2) * 0.6
    lit = colormaps[style.HEAT](np.clip(heat[..., 0], 0, 1))[..., :3] * 255
    share = np.clip(heat, 0, 1) ** 0.5
    return np.asarray(grey * (1 - share) + lit * share, np.uint8)
