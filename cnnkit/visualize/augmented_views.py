"""A photograph and augmented views of it, with a frame that shows how each view is moved."""

from __future__ import annotations

import cv2
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cnnkit.data.any_pictures import Pictures, as_source
from cnnkit.data.random_streams import picture_bits
from cnnkit.data.views.view import Augmenter
from cnnkit.errors import InputError
from cnnkit.visualize import style
from cnnkit.visualize.contact_sheet import draw_pictures, fitting_columns
from cnnkit.visualize.figure_arguments import check_figure
from cnnkit.visualize.given_pictures import levels

INSET, LINE, MARK = 0.05, 0.012, 0.09
"""Of the shorter side: from the edge to the frame, its line's width, and the side of the square in its corner."""


def augmentations(images: Pictures, augment: Augmenter, *, views: int = 8, seed: int = 0, frame: bool = True) -> Figure:
    """A picture and views of it, as training with this augmentation sees them.

        ck.visualize.augmentations(photos.train, ck.data.Augmentation.gentle())

    A frame is drawn on the picture before it is augmented, with a square in its top left corner: where it lies in a
    view is what was turned, moved, zoomed and mirrored.

    Args:
        images: A picture, a source or a folder, of which the first picture is drawn.
        augment: From `ck.data`: `Augmentation`, `RandAugment`, `RandomErasing` or a `Chain` of them.
        views: How many.
        seed: Another seed, other views.
        frame: Whether the frame is drawn.

    Returns:
        A figure up to 11 inches wide.

    Raises:
        InputError: No augmentation, no views, or no picture.
        DataError: No file at a path, or values that are not 0…255.
    """
    if not callable(getattr(augment, "apply", None)) or isinstance(augment, type):
        raise InputError(
            "an augmentation", f"{augment!r}"[:80], "ck.data.Augmentation.gentle() is one, ck.data.Chain joins several."
        )
    check_figure({"views": views, "seed": seed})
    picture = as_source(images).image(0)
    outline = _frame(picture.shape[0], picture.shape[1])
    panels = [_framed(picture, outline) if frame else picture]
    for view in range(views):
        # The same chance for picture and frame; an epoch of a training draws in the same way.
        chances = [np.random.Generator(picture_bits(seed, view, 0)) for _ in range(2)]
        pixels = levels(augment.apply(picture, chances[0]))
        panels.append(_framed(pixels, levels(augment.apply(outline, chances[1]))) if frame else pixels)
    columns = fitting_columns(len(panels)) if len(panels) != 9 else 5
    figure = style.figure(11, -(-len(panels) // columns) * (11 / columns + 0.25))
    draw_pictures(figure, panels, ["the picture", *(f"view {view + 1}" for view in range(views))], columns=columns)
    return figure


def _frame(height: int, width: int) -> NDArray[np.uint8]:
    """White lines on black, a little inside, so that what fills the outside of a view does not repeat them."""
    shorter = min(height, width)
    edge, line, mark = (max(1, round(share * shorter)) for share in (INSET, LINE, MARK))
    canvas = np.zeros((height, width, 3), np.uint8)
    cv2.rectangle(canvas, (edge, edge), (width - 1 - edge, height - 1 - edge), (255, 255, 255), line)
    cv2.rectangle(canvas, (edge, edge), (edge + mark, edge + mark), (255, 255, 255), -1)
    return canvas


def _framed(picture: NDArray[np.uint8], frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture with the frame over it in orange, as opaque as its lines are bright."""
    colour = np.array([int(style.ORANGE[place : place + 2], 16) for place in (1, 3, 5)], np.float32)
    lines = frame.astype(np.float32).mean(axis=2, keepdims=True)
    opacity = (lines - lines.min()) / max(float(np.ptp(lines)), 1.0)
    return levels((1 - opacity) * picture + opacity * colour)
