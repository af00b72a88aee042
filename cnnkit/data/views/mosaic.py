"""Mosaic: four pictures of a batch as the quarters of one, their boxes with them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.arguments import number
from cnnkit.data.targets.boxes import Boxes
from cnnkit.data.views.random_crop import part_of
from cnnkit.errors import InputError


@dataclass(frozen=True)
class Tile:
    """A part of a mosaic.

    Attributes:
        source: The picture of the batch that it shows.
        positions: (3, 3), from a point of that picture to that of the tile.
        corner: (top, left) of the tile in the mosaic.
        size: (height, width) of the tile.
    """

    source: int
    positions: NDArray[np.float64]
    corner: tuple[int, int]
    size: tuple[int, int]

    @property
    def shift(self) -> NDArray[np.float64]:
        """(3, 3), from a point of the tile to that of the mosaic."""
        return np.array([[1.0, 0, self.corner[1]], [0, 1, self.corner[0]], [0, 0, 1]])


@dataclass(frozen=True)
class Mosaic:
    """Four pictures in one, for detectors: things among other things, and smaller than they were.

    After Bochkovskiy et al. 2020, "YOLOv4" (arXiv:2004.10934, section 3.4): a point divides the picture in four. Each
    part shows a part of a picture of the batch, the first one in a part that is drawn, and three that are drawn, at a
    scale between that at which the whole picture is just covered and its own. Boxes are cut off at the part; one of
    which less than a quarter is seen is dropped, as in every view.

    Args:
        probability: Of a mosaic, 0…1; the other pictures stay as they are.
        least: How near the point may be to a side, as a part of it, above 0 and up to 0.5.

    Raises:
        InputError: A number out of its range.
    """

    probability: float = 0.5
    least: float = 0.25
    kinds: ClassVar[tuple[str, ...]] = ("boxes",)
    of_truth: ClassVar[bool] = True

    def __post_init__(self) -> None:
        expected, remedy = "probability from 0 to 1", "1 makes every picture a mosaic."
        if not 0 <= number(self.probability, "probability", expected, remedy) <= 1:
            raise InputError(expected, repr(self.probability), remedy)
        expected, remedy = "least above 0 and up to 0.5", "0.5 makes four parts of one size."
        if not 0 < number(self.least, "least", expected, remedy) <= 0.5:
            raise InputError(expected, repr(self.least), remedy)

    def apply(
        self, images: NDArray[Any], targets: Boxes, generator: np.random.Generator
    ) -> tuple[NDArray[np.float32], Boxes]:
        """The mosaics of a batch.

        Args:
            images: (n, h, w, 3), 0…255.
            targets: The boxes of each, in its pixels.
            generator: Where chance comes from.

        Returns:
            (n, h, w, 3) float32, and their boxes.
        """
        size = images.shape[1], images.shape[2]
        mosaics = [self._tiles(place, len(images), size, generator) for place in range(len(images))]
        pixels = np.empty(images.shape, np.float32)
        for whole, tiles in zip(pixels, mosaics, strict=True):
            for tile in tiles:
                (top, left), (height, width) = tile.corner, tile.size
                shown = part_of(images[tile.source], tile.positions, tile.size, "nearest")
                whole[top : top + height, left : left + width] = shown
        flat = [tile for tiles in mosaics for tile in tiles]
        parts = targets.take([tile.source for tile in flat])
        parts = parts.moved(np.array([tile.positions for tile in flat]), np.array([tile.size for tile in flat]))
        parts = parts.moved(np.array([tile.shift for tile in flat]), size)
        # The tiles of a mosaic follow each other, and so do their boxes.
        return pixels, replace(parts, starts=parts.starts[np.cumsum([0, *map(len, mosaics)])])

    def _tiles(self, place: int, count: int, size: tuple[int, int], chance: np.random.Generator) -> list[Tile]:
        """The four tiles of one mosaic, or one that is the picture itself."""
        draws, others = chance.random(4), chance.integers(count, size=3).tolist()
        scales, offsets = chance.random(4), chance.random((4, 2))
        if draws[0] >= self.probability:
            return [Tile(place, np.eye(3), (0, 0), size)]
        sources = [*others]
        sources.insert(int(draws[1] * 4), place)
        middle = [
            min(max(round((self.least + (1 - 2 * self.least) * draw) * side), 1), max(side - 1, 1))
            for side, draw in zip(size, draws[2:], strict=True)
        ]
        rows, columns = (((0, cut), (cut, side - cut)) for cut, side in zip(middle, size, strict=True))
        areas = [((top, left), (height, width)) for top, height in rows for left, width in columns]
        tiles = []
        for source, (corner, area), scale, offset in zip(sources, areas, scales, offsets, strict=True):
            least = max(part / side for part, side in zip(area, size, strict=True))
            factor = least + (1 - least) * scale
            top, left = (-draw * (factor * side - part) for draw, side, part in zip(offset, size, area, strict=True))
            tiles.append(Tile(source, np.array([[factor, 0, left], [0, factor, top], [0, 0, 1]]), corner, area))
        return tiles
