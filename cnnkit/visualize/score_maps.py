"""Where a detector believes in which class: the scores of all its boxes, before suppression, as heat over a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import keras
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cnnkit.errors import InputError, unknown_name
from cnnkit.heads.detector import SingleStageDetector
from cnnkit.transfer.network import Network, network_of
from cnnkit.visualize import style
from cnnkit.visualize.class_activation import overlay
from cnnkit.visualize.contact_sheet import draw_pictures
from cnnkit.visualize.figure_arguments import check_figure
from cnnkit.visualize.given_pictures import Image
from cnnkit.visualize.tapping import framed

# Side of the squares of pixels in which the middles of boxes are gathered: the finest cells of most detectors.
CELL = 8
# Panels of classes, where nobody names them.
SHOWN = 3


def score_maps(network: Network, image: Image, classes: Sequence[str] | None = None) -> Figure:
    """The picture, and for each class the highest score of the boxes whose middle lies in a place.

    Colours are those of the score itself: 0 has none, 1 the most, and the title says the highest one.

    Args:
        network: A detector of one stage.
        image: RGB 0…255 of any size; it is framed as in prediction.
        classes: Which ones; by default the three of which it is surest.

    Returns:
        A figure 11 inches wide.

    Raises:
        InputError: Another head, or no picture.
        UnknownNameError: No such class.
        DataError: A picture that `ck.predict` refuses: floats in 0…1, most often.
    """
    check_figure({} if classes is None else {"titles": classes})
    maps = score_map(network, image)
    names = network.head.names
    for name in classes or ():
        if name not in names:
            raise unknown_name("a class", name, names)
    surest = [names[label] for label in np.argsort(-maps.max(axis=(0, 1)), kind="stable")[:SHOWN]]
    photo = framed(network, image)
    panels, titles = [photo], ["the picture"]
    for name in classes or surest:
        heat = maps[:, :, names.index(name)]
        enlarged = cv2.resize(heat, photo.shape[1::-1], interpolation=cv2.INTER_NEAREST_EXACT)
        panels.append(overlay(photo, np.asarray(enlarged, np.float32)))
        titles.append(f"{name}: up to {style.percent(float(heat.max()))}")
    columns = min(4, len(panels))
    figure = style.figure(11, -(-len(panels) // columns) * (11 / columns + 0.5))
    draw_pictures(figure, panels, titles, columns=columns)
    return figure


def score_map(network: Network, image: Image) -> NDArray[np.float32]:
    """(rows, columns, classes) the highest score of the boxes whose middle lies in each square of 8 × 8 pixels."""
    head: object = network_of(network).head
    if not isinstance(head, SingleStageDetector):
        raise InputError("a detector of one stage", type(head).__name__, "ck.heads.fcos(classes) is one.")
    pixels = np.asarray(framed(network, image), np.float32)[None]
    outputs: Any = network.model(pixels, training=False)
    boxes, scores = (keras.ops.convert_to_numpy(part)[0] for part in head.candidates(outputs, network.size))
    rows, columns = (-(-side // CELL) for side in network.size)
    maps = np.zeros((rows, columns, scores.shape[1]), np.float32)
    places = np.floor((boxes[:, :2] + boxes[:, 2:]) / 2 / CELL).astype(np.int64)
    across, down = np.clip(places, 0, (columns - 1, rows - 1)).T
    np.maximum.at(maps, (down, across), scores)
    return maps
