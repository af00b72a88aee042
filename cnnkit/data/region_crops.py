"""Regions of a picture warped to one size, with some of what is around them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnkit.data.arguments import number, require_rgb, size_of
from cnnkit.data.views.framing import PADDING, Framing
from cnnkit.errors import InputError
from cnnkit.metrics.box_overlap import box_array

SQUASH = Framing("squash")


def region_crops(
    picture: NDArray[np.uint8], regions: ArrayLike, size: tuple[int, int], *, context: float = 0.0
) -> NDArray[np.uint8]:
    """Each region as a picture of its own, whatever its shape (Girshick et al. 2014, arXiv:1311.2524, appendix A).

    Args:
        picture: (h, w, 3).
        regions: (k, 4) x1, y1, x2, y2 in its pixels; cut out on whole pixels.
        size: (height, width) of the crops.
        context: So much of a crop's side, on each of its sides, shows what is around the region; what lies outside of
            the picture has the mean colour of ImageNet.

    Returns:
        (k, height, width, 3).

    Raises:
        DataError: No such regions.
        InputError: No such picture, size or context.
    """
    require_rgb(picture)
    boxes, size = box_array(regions), size_of(size)
    expected, remedy = "context from 0, below 0.5", "0.07 is that of R-CNN."
    if not 0 <= number(context, "context", expected, remedy) < 0.5:
        raise InputError(expected, repr(context), remedy)
    margin = np.tile((boxes[:, 2:] - boxes[:, :2]) * context / (1 - 2 * context), 2) * (-1, -1, 1, 1)
    found = np.empty((len(boxes), *size, 3), np.uint8)
    for place, corners in enumerate((boxes + margin).tolist()):
        left, top = (math.floor(side + 0.5) for side in corners[:2])
        right, bottom = (
            max(low + 1, math.floor(side + 0.5)) for low, side in zip((left, top), corners[2:], strict=True)
        )
        found[place] = SQUASH.apply(cut_out(picture, (left, top, right, bottom)), size)
    return found


def cut_out(picture: NDArray[np.uint8], corners: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """(bottom − top, right − left, 3) a part of a picture; what lies outside of it has the colour of padding.

    Args:
        picture: (h, w, 3).
        corners: Left, top, right and bottom, which may reach beyond it.
    """
    left, top, right, bottom = corners
    crop = np.full((bottom - top, right - left, 3), PADDING, np.uint8)
    seen = picture[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    row, column = max(-top, 0), max(-left, 0)
    crop[row : row + seen.shape[0], column : column + seen.shape[1]] = seen
    return crop
