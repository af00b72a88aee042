"""Random parts of whole photographs at random scales, for networks that are trained on less than they predict."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from cnnkit.data.arguments import flag, number, one_of, pair_of, size_of
from cnnkit.data.views.affine import warp_affine
from cnnkit.data.views.framing import PADDING
from cnnkit.data.views.view import HALF, Matrix, Picture, View, ViewAugmenter
from cnnkit.errors import InputError

# What lies outside the photograph, and the border of OpenCV that means it.
FILLS = {"mean": cv2.BORDER_CONSTANT, "nearest": cv2.BORDER_REPLICATE, "reflect": cv2.BORDER_REFLECT}
# Pixels around the part that is warped: those that interpolation looks at, and one for rounding.
MARGIN = 2


@dataclass(frozen=True)
class RandomCrop(ViewAugmenter):
    """Random parts of a photograph at random scales: what segmentation is trained on.

    A view is taken from the photograph itself, not from one that was framed: in `fit` the framing is for validation and
    prediction alone. Boxes, masks and points move with it; where it reaches beyond the photograph masks are void.
    `Chain((RandomCrop((224, 288)), Augmentation(brightness=(0.7, 1.3))))` does more with each part.

    Args:
        size: (height, width) of the views, in training that of the network's input.
        scale: (lowest, highest) factor that the photograph is enlarged by before its part is cut out, above 0. Drawn
            evenly between the logarithms, so that twice as large is as likely as half as large.
        whole: The size in which factor 1 shows a whole photograph, for photographs of different sizes: factor 1 makes
            each as large as fits into it. By default factor 1 keeps the photograph's own pixels.
        rotation: Up to this many degrees either way, about the middle of the view.
        horizontal_flip: Mirrors a view with probability 1/2.
        fill: What is outside the photograph: the `"mean"` colour of ImageNet, as of `Framing("pad")`, its `"nearest"`
            pixel, or what it shows there mirrored, `"reflect"`.
        keep: The probability, 0…1, that a view is laid around one of the boxes of its photograph, drawn evenly, so that
            it shows all of it, or nothing but it where the view is smaller; crowds apart. Before the rotation, which
            may turn a corner out. Then views depend on the boxes, and what is kept of them is made anew when a box is
            corrected. In a `Chain` such a crop is the first step.

    Raises:
        InputError: A size or a range that is none.
        UnknownNameError: Another name of a fill.

    >>> view = RandomCrop((2, 3), scale=(1, 1)).view((40, 60), np.random.default_rng(0))
    >>> view.positions.astype(int).tolist(), view.size  # the pixel at (2, 10) has become the first
    ([[1, 0, -2], [0, 1, -10], [0, 0, 1]], (2, 3))
    """

    size: tuple[int, int]
    scale: tuple[float, float] = (0.5, 2.0)
    whole: tuple[int, int] | None = None
    rotation: float = 0.0
    horizontal_flip: bool = False
    fill: Literal["mean", "nearest", "reflect"] = "mean"
    keep: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", size_of(self.size))
        if self.whole is not None:
            object.__setattr__(self, "whole", size_of(self.whole, "whole"))
        expected, remedy = "scale as (lowest, highest) factor above 0", "For example (0.5, 2)."
        low, high = pair_of(self.scale, "scale", expected, remedy)
        if not 0 < low <= high:
            raise InputError(expected, repr(self.scale), remedy)
        object.__setattr__(self, "scale", (low, high))
        expected, remedy = "rotation from 0 to 180", "Give the largest value."
        if not 0 <= number(self.rotation, "rotation", expected, remedy) <= 180:
            raise InputError(expected, repr(self.rotation), remedy)
        expected, remedy = "keep as a probability from 0 to 1", "1 shows a box in every view."
        if not 0 <= number(self.keep, "keep", expected, remedy) <= 1:
            raise InputError(expected, repr(self.keep), remedy)
        flag(self.horizontal_flip, "horizontal_flip")
        one_of(self.fill, "a fill", FILLS)

    @property
    def crop_size(self) -> tuple[int, int]:
        """The size of the views."""
        return self.size

    @property
    def keeps_boxes(self) -> bool:
        """Whether views depend on the boxes of their photographs."""
        return self.keep > 0

    def around(self, boxes: NDArray[np.float64]) -> ViewAugmenter:
        """The crops of one photograph, given (k, 4) its boxes in continuous pixels."""
        return _CropAround(self, boxes)

    def view(self, size: tuple[int, int], chance: np.random.Generator) -> View:
        """One view of photographs of a size.

        Args:
            size: (height, width) of the photograph.
            chance: Every view draws five numbers, whatever is switched on.
        """
        return self._view(size, chance.random(5).tolist(), None)

    def _view(self, size: tuple[int, int], draws: list[float], box: NDArray[np.float64] | None) -> View:
        """The view of five draws; of a box (4,), if one is given, it shows as much as it can."""
        factor, down, across, mirrored, turned = draws
        low, high = self.scale
        scale = self._unit(size) * low * (high / low) ** factor
        # Whole pixels of the view, so that a part of the photograph's own scale is copied and not blurred.
        top, left = (
            _offset(scale * side, room, draw) for side, room, draw in zip(size, self.size, (down, across), strict=True)
        )
        if box is not None:
            top = _offset_around(scale * box[1::2], scale * size[0], self.size[0], down)
            left = _offset_around(scale * box[::2], scale * size[1], self.size[1], across)
        angle = math.radians(self.rotation * (2 * turned - 1))
        flip = -1.0 if self.horizontal_flip and mirrored < 0.5 else 1.0
        cos, sin = math.cos(angle), math.sin(angle)
        y, x = self.size[0] / 2, self.size[1] / 2
        # Scale and shift, then turn and mirror about the middle (x, y) of the view.
        xx, xy, yx, yy = flip * cos, -flip * sin, sin, cos
        moved_x, moved_y = -left - x, -top - y
        positions = np.array(
            [
                [scale * xx, scale * xy, x + xx * moved_x + xy * moved_y],
                [scale * yx, scale * yy, y + yx * moved_x + yy * moved_y],
                [0.0, 0.0, 1.0],
            ]
        )
        return View(positions, lambda picture: part_of(picture, positions, self.size, self.fill), self.size)

    def _unit(self, size: tuple[int, int]) -> float:
        """The factor that makes a photograph of a size as large as scale 1 shows it."""
        if self.whole is None:
            return 1.0
        return min(room / side for room, side in zip(self.whole, size, strict=True))


@dataclass(frozen=True, eq=False)
class _CropAround(ViewAugmenter):
    """A crop that knows (k, 4) the boxes of the photograph."""

    crop: RandomCrop
    boxes: NDArray[np.float64]

    @property
    def crop_size(self) -> tuple[int, int]:
        return self.crop.size

    def view(self, size: tuple[int, int], chance: np.random.Generator) -> View:
        """One view of the photograph; seven numbers are drawn, of which the first five mean what they mean without."""
        *draws, kept, which = chance.random(7).tolist()
        if kept >= self.crop.keep or not len(self.boxes):
            return self.crop._view(size, draws, None)
        return self.crop._view(size, draws, self.boxes[int(which * len(self.boxes))])


def part_of(picture: Picture, positions: Matrix, size: tuple[int, int], fill: str) -> NDArray[np.float32]:
    """What a view shows of a picture, by one warp of the part that it needs; antialiased where it is less than half.

    Args:
        picture: (h, w, 3).
        positions: (3, 3), from a point of the picture to that of the view.
        size: (height, width) of the view.
        fill: One of `FILLS`.

    Returns:
        (height, width, 3), float32.
    """
    (xx, xy, x), (yx, yy, y) = positions[:2].tolist()
    area = xx * yy - xy * yx
    # The way back, multiplied out: a fifth of the time of `inv`.
    ax, bx, ay, by = yy / area, -xy / area, -yx / area, xx / area
    cx, cy = -(ax * x + bx * y), -(ay * x + by * y)
    height, width = size
    if (abs(ax), by, bx, ay) == (1, 1, 0, 0) and cx == int(cx) and cy == int(cy):
        return _copied(picture, ax < 0, (int(cy), int(cx) - width * (ax < 0)), size, fill)
    left, right = _reach(ax * width, bx * height, cx, picture.shape[1], fill)
    top, bottom = _reach(ay * width, by * height, cy, picture.shape[0], fill)
    part: NDArray[Any] = picture[top:bottom, left:right]
    cx, cy = cx - left, cy - top
    shrunk = int(1 / math.sqrt(abs(area)) + 1e-6)  # whole factor that pixels are averaged by before
    if shrunk > 1:
        high, wide = (max(1, round(side / shrunk)) for side in part.shape[:2])
        across, down = wide / part.shape[1], high / part.shape[0]
        part = cv2.resize(part, (wide, high), interpolation=cv2.INTER_AREA)
        ax, bx, cx, ay, by, cy = ax * across, bx * across, cx * across, ay * down, by * down, cy * down
    # OpenCV counts from the centres of pixels.
    origins = np.array(
        [
            [ax, bx, cx + HALF * (ax + bx) - HALF],
            [ay, by, cy + HALF * (ay + by) - HALF],
        ]
    )
    return warp_affine(part, origins, size, border=FILLS[fill], colour=PADDING)


def _copied(
    picture: Picture, mirrored: bool, start: tuple[int, int], size: tuple[int, int], fill: str
) -> NDArray[np.float32]:
    """A view on whole pixels, which is copied: a sixth of the time of a warp.

    Args:
        picture: As of `part_of`.
        mirrored: Whether left and right are swapped.
        start: Row and column of the picture where the view begins, perhaps outside.
        size: As of `part_of`.
        fill: As of `part_of`.
    """
    (top, left), (height, width) = start, size
    high, wide = picture.shape[:2]
    part: NDArray[Any] = picture[max(top, 0) : top + height, max(left, 0) : left + width]
    if top < 0 or left < 0 or top + height > high or left + width > wide:
        if fill == "reflect":
            rows, columns = (
                [cv2.borderInterpolate(place, side, cv2.BORDER_REFLECT) for place in range(first, first + room)]
                for first, room, side in ((top, height, high), (left, width, wide))
            )
            part = picture[np.ix_(rows, columns)]
        else:
            edges = max(-top, 0), max(top + height - high, 0), max(-left, 0), max(left + width - wide, 0)
            part = cv2.copyMakeBorder(part, *edges, FILLS[fill], value=PADDING)
    return (cv2.flip(part, 1) if mirrored else part).astype(np.float32)


def _offset(side: float, room: int, draw: float) -> int:
    """Where a view of `room` pixels begins on an enlarged side of a photograph: evenly where one is in the other."""
    low, high = sorted((0, math.floor(side) - room))
    return low + int(draw * (high - low + 1))


def _offset_around(box: NDArray[np.float64], side: float, room: int, draw: float) -> int:
    """Where a view begins that shows the box, from and to on an enlarged side, or lies in it if it is smaller."""
    first, last = float(box[0]), float(box[1])
    low, high = sorted((math.ceil(last) - room, math.floor(first)))
    # As much of the photograph as without a box: a view that fits does not reach beyond it.
    least, most = sorted((0, math.floor(side) - room))
    low, high = min(max(low, least), most), max(min(high, most), least)
    return low + int(draw * (high - low + 1))


def _reach(across: float, down: float, start: float, side: int, fill: str) -> tuple[int, int]:
    """The pixels of one side of a picture that a view needs: from the first to behind the last, one at least."""
    if fill == "reflect":  # what is mirrored may lie anywhere
        return 0, side
    first = start + min(0.0, across) + min(0.0, down)
    last = start + max(0.0, across) + max(0.0, down)
    begin = min(max(0, math.floor(first) - MARGIN), side - 1)
    return begin, max(begin + 1, min(side, math.ceil(last) + MARGIN))
