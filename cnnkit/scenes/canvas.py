"""The picture while it is painted, with a map that remembers which part every pixel shows.

From the map of parts follow, without a second drawing: instance masks, the semantic map, the visibility of
keypoints, how far away each pixel is, the texture of each material and the line drawing (a line lies where two parts
meet).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from cnnkit.scenes.palette import Colour, mixed
from cnnkit.scenes.semantics import STANDABLE, semantic_id
from cnnkit.scenes.sketch import DECORATION, Sketch

NOBODY = -1
_SHIFT = 4
_ONE = 1 << _SHIFT
Metres = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Placement:
    """Where a sketch stands.

    Args:
        x: Of its origin, in pixels from the left border of the picture.
        y: Of its origin, in pixels from the top border.
        scale: Pixels a metre.
        haze: Share of the haze colour, 0 near … 1 lost in it.
    """

    x: float
    y: float
    scale: float
    haze: float = 0.0


class Canvas:
    """An RGB picture and its map of parts.

    Args:
        size: Side in pixels.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.image = np.zeros((size, size, 3), np.uint8)
        self.parts = np.zeros((size, size), np.uint16)
        self._owners: list[int] = []
        self._semantics: list[int] = []
        self._roughness: list[int] = []
        self._metres: list[float] = []
        self._planes: list[tuple[range, Metres]] = []
        self.region("sky", 0)

    def region(self, semantic: str, rough: int, owner: int = NOBODY, *, metres: float = np.inf) -> int:
        """A new part, its number; `parts` may be written with it."""
        self._metres.append(metres)
        self._owners.append(owner)
        self._semantics.append(semantic_id(semantic))
        self._roughness.append(rough)
        return len(self._owners) - 1

    def plane(self, parts: range, metres: Metres) -> None:
        """Says how far the pixels of some parts are that are not all equally far.

        Args:
            parts: Their numbers.
            metres: Of every pixel of the picture, (size, 1) or (1, size) if a row or a column is equally far.
        """
        self._planes.append((parts, metres))

    def draw(
        self,
        sketch: Sketch,
        place: Placement,
        semantic: str,
        haze_colour: Colour,
        owner: int = NOBODY,
        *,
        metres: float = np.inf,
    ) -> int:
        """Paints the sketch, so far away; returns the number of its first part (the others follow in order)."""
        first = len(self._owners)
        meaning = semantic_id(semantic)
        count = len(sketch.roughness)
        self._metres += [metres] * count
        self._owners += [owner] * count
        self._semantics += [meaning] * count
        self._roughness += sketch.roughness
        points, ranges = sketch.outlines()
        fixed = self._fixed(points, sketch, place, 0.0, -1.0)
        image, parts = self.image, self.parts
        for shape, (start, end) in zip(sketch.shapes, ranges, strict=True):
            outline = fixed[start:end]
            colour = shape.colour if place.haze <= 0 else mixed(shape.colour, haze_colour, place.haze)
            if shape.kind == 2:
                cv2.fillPoly(image, [outline], colour, cv2.LINE_AA, _SHIFT)
                if shape.part != DECORATION:
                    cv2.fillPoly(parts, [outline], (first + shape.part,), cv2.LINE_8, _SHIFT)
            else:
                cv2.fillConvexPoly(image, outline, colour, cv2.LINE_AA, _SHIFT)
                if shape.part != DECORATION:
                    cv2.fillConvexPoly(parts, outline, (first + shape.part,), cv2.LINE_8, _SHIFT)
        return first

    def cast(self, shadow: npt.NDArray[np.uint8], sketch: Sketch, place: Placement, shear: tuple[float, float]) -> None:
        """Adds the shadow of a standing sketch to a map of shadows."""
        points, ranges = sketch.outlines()
        fixed = self._fixed(points, sketch, place, *shear)
        for shape, (start, end) in zip(sketch.shapes, ranges, strict=True):
            if shape.part == DECORATION:
                continue
            if shape.kind == 2:
                cv2.fillPoly(shadow, [fixed[start:end]], (255,), cv2.LINE_8, _SHIFT)
            else:
                cv2.fillConvexPoly(shadow, fixed[start:end], (255,), cv2.LINE_8, _SHIFT)

    def _fixed(
        self, points: npt.NDArray[np.float64], sketch: Sketch, place: Placement, right: float, up: float
    ) -> npt.NDArray[np.int32]:
        # Sixteenths of a pixel; OpenCV's whole numbers are pixel centres, ours are borders.
        x = points[:, 0] * (-place.scale if sketch.mirrored else place.scale)
        if right:
            x = x + points[:, 1] * (right * place.scale)
        fixed = np.empty(points.shape, np.float64)
        fixed[:, 0] = x + (place.x - 0.5)
        fixed[:, 1] = points[:, 1] * (up * place.scale) + (place.y - 0.5)
        # Far outside is as good as a little outside, and keeps 16 × the number in 32 bits.
        np.clip(fixed, -8.0 * self.size, 9.0 * self.size, out=fixed)
        return np.rint(fixed * _ONE).astype(np.int32)

    def darken(self, shadow: npt.NDArray[np.uint8], darkness: float) -> None:
        """Applies a map of shadows (0…255) where something can stand."""
        standable = np.isin(self.semantic(), [semantic_id(name) for name in STANDABLE])
        loss = shadow.astype(np.uint16) * int(darkness * 256)  # ≤ 255 · 256
        loss[~standable] = 0
        keep = 256 - (loss >> 8)
        self.image = ((self.image.astype(np.uint16) * keep[:, :, None]) >> 8).astype(np.uint8)

    def texture(self, noise: npt.NDArray[np.int16]) -> None:
        """Lays noise (size, size), −128…127, over every part, as strongly as the part is rough."""
        strength = np.array(self._roughness, np.int16)[self.parts]
        change = (noise * strength) >> 9
        self.image = np.clip(self.image + change[:, :, None], 0, 255).astype(np.uint8)

    def owners(self) -> npt.NDArray[np.int16]:
        """Number of the thing that each pixel shows, or `NOBODY`."""
        return np.array(self._owners, np.int16)[self.parts]

    def semantic(self) -> npt.NDArray[np.uint8]:
        """The semantic class of each pixel."""
        return np.array(self._semantics, np.uint8)[self.parts]

    def depth(self) -> npt.NDArray[np.float32]:
        """Metres to what each pixel shows, straight ahead; infinite for the sky."""
        metres = np.array(self._metres, np.float32)[self.parts]
        for parts, plane in self._planes:
            np.copyto(metres, plane, where=(self.parts >= parts.start) & (self.parts < parts.stop), casting="same_kind")
        return metres

    def edges(self) -> npt.NDArray[np.uint8]:
        """A line drawing: 0 where two parts meet, 255 elsewhere."""
        parts = self.parts
        lines = np.zeros(parts.shape, np.bool_)
        lines[:, :-1] |= parts[:, 1:] != parts[:, :-1]
        lines[:-1, :] |= parts[1:, :] != parts[:-1, :]
        return np.where(lines, 0, 255).astype(np.uint8)
