"""A thing as an ordered list of filled shapes, in metres: what every drawing function writes.

x points right, y up, and the origin is where the thing stands on the ground. Shapes are kept as rows of numbers
and become outlines all at once; the outlines use +, −, ×, ÷ and √ only, which IEEE 754 defines to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from cnnkit.scenes.light import Light
from cnnkit.scenes.palette import Colour, shaded

Point = tuple[float, float]
DECORATION = -1  # a shape that colours a part without being one: a highlight, a stripe, a button

_HALF = 7  # points of one rounded end
_ROUND = 22  # points of an ellipse


def _circle(count: int, start: float, end: float) -> npt.NDArray[np.float64]:
    # Rounded to 2⁻³⁰: the last bits of sine and cosine belong to the machine's mathematics library.
    angles = [start + (end - start) * i / (count - 1) for i in range(count)]
    rows = [(round(math.cos(a) * 2**30) / 2**30, round(math.sin(a) * 2**30) / 2**30) for a in angles]
    return np.array(rows, np.float64)


_END = _circle(_HALF, -math.pi / 2, math.pi / 2)  # (7, 2)
_RING = _circle(_ROUND + 1, 0.0, 2 * math.pi)[:-1]  # (22, 2)


@dataclass(frozen=True)
class Shape:
    """One filled outline of a sketch.

    Args:
        kind: 0 capsule, 1 ellipse, 2 polygon.
        row: Its row among the shapes of its kind.
        colour: RGB.
        part: Number of the part it belongs to, or `DECORATION`.
    """

    kind: int
    row: int
    colour: Colour
    part: int


class Sketch:
    """Collects shapes; `outlines` turns them into point lists.

    Args:
        light: Decides the lit and the dark side of rounded shapes.
        rough: Strength of the texture that is laid over the thing, 0…255.
        mirrored: Whether the picture will be mirrored, so that the light must come from the other side.
    """

    def __init__(self, light: Light, rough: int = 24, *, mirrored: bool = False) -> None:
        self.dark = light.dark
        self.lit = -light.side if mirrored else light.side
        self.mirrored = mirrored
        self.roughness: list[int] = []
        self.rough = rough
        self.shapes: list[Shape] = []
        self._capsules: list[tuple[float, ...]] = []
        self._ellipses: list[tuple[float, ...]] = []
        self._polygons: list[Sequence[Point]] = []
        self._outlines: tuple[npt.NDArray[np.float64], list[tuple[int, int]]] | None = None

    def _part(self, decoration: bool) -> int:
        if decoration:
            return DECORATION
        self.roughness.append(self.rough)
        return len(self.roughness) - 1

    def _add(self, kind: int, row: int, colour: Colour, part: int) -> None:
        self.shapes.append(Shape(kind, row, colour, part))

    def capsule(
        self, p: Point, q: Point, radius_p: float, radius_q: float, colour: Colour, *,
        flat: bool = False, decoration: bool = False,
    ) -> int:  # fmt: skip
        """A rounded bar from p to q; `flat` leaves out the lit side. Returns its part."""
        part = self._part(decoration)
        self._rod((p, q), (radius_p, radius_q), colour if flat else shaded(colour, self.dark), part)
        if not flat:
            self._lit_rod((p, q), (radius_p, radius_q), colour)
        return part

    def limb(self, joints: Sequence[Point], radii: Sequence[float], colour: Colour) -> int:
        """A bent limb through its joints: one part, lit as a whole so that no seam shows at a joint."""
        part = self._part(False)
        pieces = list(zip(pairwise(joints), pairwise(radii), strict=True))
        for ends, widths in pieces:
            self._rod(ends, widths, shaded(colour, self.dark), part)
        for ends, widths in pieces:
            self._lit_rod(ends, widths, colour)
        return part

    def _rod(self, ends: tuple[Point, Point], radii: tuple[float, float], colour: Colour, part: int) -> None:
        self._capsules.append((*ends[0], *ends[1], *radii))
        self._add(0, len(self._capsules) - 1, colour, part)

    def _lit_rod(self, ends: tuple[Point, Point], radii: tuple[float, float], colour: Colour) -> None:
        # The lit copy is narrower and moved across the bar, to the side that faces the light.
        (px, py), (qx, qy) = ends
        dx, dy = qx - px, qy - py
        length = math.sqrt(dx * dx + dy * dy) or 1.0
        nx, ny = -dy / length, dx / length
        shift = 0.27 if nx * self.lit + ny * 0.45 > 0 else -0.27
        moved = (
            (px + nx * radii[0] * shift, py + ny * radii[0] * shift),
            (qx + nx * radii[1] * shift, qy + ny * radii[1] * shift),
        )
        self._rod(moved, (radii[0] * 0.74, radii[1] * 0.74), colour, DECORATION)

    def ellipse(
        self, center: Point, radius_x: float, radius_y: float, colour: Colour, *,
        turn: float = 0.0, flat: bool = False, decoration: bool = False,
    ) -> int:  # fmt: skip
        """An ellipse, turned against the clock by `turn` radians. Returns its part."""
        part = self._part(decoration)
        rows = self._ellipses
        cos, sin = math.cos(turn), math.sin(turn)
        rows.append((*center, radius_x, radius_y, cos, sin))
        self._add(1, len(rows) - 1, colour if flat else shaded(colour, self.dark), part)
        if not flat:
            shift = 0.2 * min(radius_x, radius_y)
            moved = (center[0] + shift * self.lit, center[1] + shift * 0.6)
            rows.append((*moved, radius_x * 0.8, radius_y * 0.8, cos, sin))
            self._add(1, len(rows) - 1, colour, DECORATION)
        return part

    def polygon(self, points: Sequence[Point], colour: Colour, *, decoration: bool = False) -> int:
        """A filled polygon of one colour. Returns its part."""
        part = self._part(decoration)
        self._polygons.append(points)
        self._add(2, len(self._polygons) - 1, colour, part)
        return part

    def column(self, levels: Sequence[tuple[float, float, float]], colour: Colour, *, flat: bool = False) -> int:
        """A body of round cross-sections: levels of (middle x, y, half width), shaded across. Returns its part."""
        part = self.polygon(band(levels, -1.0, 1.0), colour if flat else shaded(colour, self.dark))
        if not flat:
            left, right = (-0.6, 0.92) if self.lit > 0 else (-0.92, 0.6)
            self.polygon(band(levels, left, right), colour, decoration=True)
        return part

    def box(
        self,
        left: float,
        bottom: float,
        right: float,
        top: float,
        colour: Colour,
        *,
        decoration: bool = False,
    ) -> int:
        """An upright rectangle. Returns its part."""
        return self.polygon(((left, bottom), (right, bottom), (right, top), (left, top)), colour, decoration=decoration)

    def block(self, left: float, bottom: float, right: float, top: float, colour: Colour, side: float = 0.22) -> int:
        """An upright rectangle whose part away from the light (a share `side` of its width) is dark."""
        part = self.box(left, bottom, right, top, colour)
        edge = (right - left) * side
        dark = shaded(colour, self.dark)
        if self.lit > 0:
            self.box(left, bottom, left + edge, top, dark, decoration=True)
        else:
            self.box(right - edge, bottom, right, top, dark, decoration=True)
        return part

    def bar(self, points: Sequence[Point], radius: float, colour: Colour) -> int:
        """A bent rod through the points. Returns the part of its last piece."""
        part = DECORATION
        for p, q in pairwise(points):
            part = self.capsule(p, q, radius, radius, colour, flat=True)
        return part

    def outlines(self) -> tuple[npt.NDArray[np.float64], list[tuple[int, int]]]:
        """All points (N, 2) in metres, and the range of rows of each shape, in drawing order.

        Computed once: a sketch is finished when it is first drawn, by the canvas or as a shadow.
        """
        if self._outlines is None:
            self._outlines = self._computed()
        return self._outlines

    def _computed(self) -> tuple[npt.NDArray[np.float64], list[tuple[int, int]]]:
        blocks: list[npt.NDArray[np.float64]] = []
        starts = [0, 0, 0]
        length = 0
        if self._capsules:
            blocks.append(_capsule_points(np.array(self._capsules, np.float64)))
            length += len(self._capsules) * 2 * _HALF
        starts[1] = length
        if self._ellipses:
            blocks.append(_ellipse_points(np.array(self._ellipses, np.float64)))
            length += len(self._ellipses) * _ROUND
        starts[2] = length
        ends = [length]
        flat: list[Point] = []
        for polygon in self._polygons:
            flat.extend(polygon)
            ends.append(length + len(flat))
        if flat:
            blocks.append(np.array(flat, np.float64))
        ranges = []
        for shape in self.shapes:
            if shape.kind == 2:
                ranges.append((ends[shape.row], ends[shape.row + 1]))
            else:
                size = 2 * _HALF if shape.kind == 0 else _ROUND
                first = starts[shape.kind] + shape.row * size
                ranges.append((first, first + size))
        return np.concatenate(blocks) if blocks else np.zeros((0, 2)), ranges


def band(levels: Sequence[tuple[float, float, float]], left: float, right: float) -> list[Point]:
    """The strip of a column between two shares of its half width, as a polygon."""
    down = [(x + half * left, y) for x, y, half in levels]
    up = [(x + half * right, y) for x, y, half in reversed(levels)]
    return down + up


def _capsule_points(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    p, q = rows[:, 0:2], rows[:, 2:4]  # (n, 2)
    along = q - p
    length = np.sqrt(along[:, 0] * along[:, 0] + along[:, 1] * along[:, 1])
    safe = np.where(length > 0, length, 1.0)
    ux = np.where(length > 0, along[:, 0] / safe, 1.0)[:, None]
    uy = (along[:, 1] / safe)[:, None]
    ax = _END[:, 0] * ux - _END[:, 1] * uy  # (n, 7): the half circle, turned to point along the bar
    ay = _END[:, 0] * uy + _END[:, 1] * ux
    rp, rq = rows[:, 4:5], rows[:, 5:6]
    xs = np.concatenate((q[:, 0:1] + rq * ax, p[:, 0:1] - rp * ax), axis=1)  # (n, 14)
    ys = np.concatenate((q[:, 1:2] + rq * ay, p[:, 1:2] - rp * ay), axis=1)
    return np.stack((xs, ys), axis=-1).reshape(-1, 2)


def _ellipse_points(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    x = rows[:, 2:3] * _RING[:, 0]  # (n, 22)
    y = rows[:, 3:4] * _RING[:, 1]
    cos, sin = rows[:, 4:5], rows[:, 5:6]
    xs = rows[:, 0:1] + cos * x - sin * y
    ys = rows[:, 1:2] + sin * x + cos * y
    return np.stack((xs, ys), axis=-1).reshape(-1, 2)
