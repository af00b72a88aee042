"""Smooth displacements of the points of a picture, drawn at a few nodes: what no matrix says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from cnnkit.data.arguments import said, size_of
from cnnkit.data.targets.column import numbers_of
from cnnkit.data.targets.matrices import Floats, inverse
from cnnkit.errors import InputError

# The most that a displacement may change over one pixel, so that no two points come to lie on each other.
STEEPEST = 0.8
# Points are looked for until they lie this near, in pixels; a step leaves STEEPEST of the distance.
NEAR, STEPS = 1e-5, 100
# Places between two nodes where the steepness is measured.
SAMPLES = 16


@dataclass(frozen=True, eq=False)
class Bend:
    """A displacement u, smooth between nodes that are spread evenly from border to border of a picture.

    The point p of the result shows what was at p + u(p), by cubic convolution between the nodes (Keys, 1981).

    Attributes:
        nodes: (rows, columns, 2) of u at the nodes, x and y in pixels; two of each or more.
        size: (height, width) of the picture that the nodes are spread over.
        frame: (3, 3), from the points of that picture to those that are bent, where a view of the bent picture follows.

    Raises:
        InputError: Nodes of another shape, no size, or a displacement that lays points of a picture on each other.
    """

    nodes: Floats
    size: tuple[int, int]
    frame: Floats = field(default_factory=lambda: np.eye(3))

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", numbers_of(self.nodes, "nodes", (None, None, 2), np.float64))
        object.__setattr__(self, "size", size_of(self.size))
        if min(self.nodes.shape[:2]) < 2 or self.steepness > STEEPEST * (1 + 1e-6):
            expected = f"2 × 2 nodes or more, whose displacements change by {STEEPEST} pixels per pixel or less"
            raise InputError(expected, said(self.nodes), "Smaller displacements, or a larger picture.")

    @property
    def steepness(self) -> float:
        """The most by which the displacement changes from one pixel to the next."""
        return steepness(self.nodes, self.size)

    def framed(self, positions: Floats) -> Bend:
        """The same bend, of points that a matrix has moved."""
        return replace(self, frame=positions @ self.frame)

    def origins(self, points: Floats) -> Floats:
        """Where points (..., 2) of the result were."""
        own = _moved(inverse(self.frame), points)
        return _moved(self.frame, own + displacements(self.nodes, self.size, own[..., 0], own[..., 1]))

    def moved(self, points: Floats) -> Floats:
        """Where points (..., 2) come to lie: the way back of `origins`, by fixed-point steps."""
        own = _moved(inverse(self.frame), points)
        found = own
        for _ in range(STEPS):
            last, found = found, own - displacements(self.nodes, self.size, found[..., 0], found[..., 1])
            if np.abs(found - last).max(initial=0) < NEAR:
                break
        return _moved(self.frame, found)


Bends = tuple[Bend, ...]


def displacements(nodes: Floats, size: tuple[int, int], x: Floats, y: Floats) -> Floats:
    """The displacement at points.

    Args:
        nodes: As of `Bend`.
        size: As of `Bend`.
        x: Of the points; beyond the picture the displacement is that of its border.
        y: Of the points; may broadcast with x, such as (1, w) and (h, 1) of a grid.

    Returns:
        (..., 2), x and y.
    """
    rows, columns = (
        _weights(np.clip(place / side, 0, 1) * (count - 1), count)
        for place, side, count in zip((y, x), size, nodes.shape[:2], strict=True)
    )
    return np.asarray(np.einsum("...jc,...j->...c", np.tensordot(rows, nodes, 1), columns))


def steepness(nodes: Floats, size: tuple[int, int]) -> float:
    """The most by which a displacement changes from one point to another, per pixel between them."""
    height, width = ((count - 1) * SAMPLES + 1 for count in nodes.shape[:2])
    x, y = np.linspace(0, size[1], width), np.linspace(0, size[0], height)
    values = displacements(nodes, size, x[None], y[:, None])  # (height, width, 2)
    across, down = np.diff(values, axis=1)[:-1] / (x[1] - x[0]), np.diff(values, axis=0)[:, :-1] / (y[1] - y[0])
    return float(np.linalg.norm(np.stack([across, down], axis=-1), 2, axis=(-2, -1)).max())


def bent_origins(positions_back: Floats, bends: Sequence[Bend], points: Floats) -> Floats:
    """Where points (..., 2) of a view were in its picture.

    Args:
        positions_back: (3, 3), the way back of the view's matrix.
        bends: What follows the matrix, in order.
        points: Of the view.
    """
    for bend in reversed(bends):
        points = bend.origins(points)
    return _moved(positions_back, points)


def bent_points(bends: Sequence[Bend], points: Floats) -> Floats:
    """Where points (..., 2) come to lie by bends that follow each other."""
    for bend in bends:
        points = bend.moved(points)
    return points


def centres(size: tuple[int, int]) -> Floats:
    """(height, width, 2) x and y of the centre of each pixel."""
    x, y = np.meshgrid(np.arange(size[1]) + 0.5, np.arange(size[0]) + 0.5)
    return np.stack([x, y], axis=-1)


def _moved(matrix: Floats, points: Floats) -> Floats:
    return np.asarray(points @ matrix[:2, :2].T + matrix[:2, 2])


def _weights(places: Floats, count: int) -> Floats:
    """(..., count) how much each node counts at places from 0 to count − 1; a node beyond the border is the last one.

    Keys, "Cubic convolution interpolation for digital image processing", 1981, equation 15: a = −1/2.
    """
    before = np.minimum(np.floor(places), count - 2)
    t = places - before
    four = (-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3)
    weights = np.zeros((*places.shape, count))
    for offset, weight in zip(range(-1, 3), four, strict=True):
        nodes = np.clip(before + offset, 0, count - 1)
        weights += (nodes[..., None] == np.arange(count)) * (weight / 2)[..., None]
    return weights
