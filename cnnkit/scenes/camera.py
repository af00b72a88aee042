"""The camera: how large a thing is that stands at some row of the picture."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Camera:
    """A level camera over flat ground. A point on the ground lies `height · pixels a metre` below the horizon.

    Args:
        size: Side of the picture in pixels.
        horizon: Row of the horizon, as a share of the side.
        height: Of the camera above the ground, in metres.
        focal: Focal length, as a share of the side.
    """

    size: int
    horizon: float
    height: float
    focal: float

    def scale_at(self, row: float) -> float:
        """Pixels a metre of what stands at a row (in pixels, below the horizon)."""
        return max(0.0, row - self.horizon * self.size) / self.height

    def row_at(self, scale: float) -> float:
        """The row (in pixels) on which a thing of so many pixels a metre stands."""
        return self.horizon * self.size + scale * self.height

    def distance_at(self, row: float) -> float:
        """Metres to what stands at a row (in pixels, below the horizon)."""
        return self.distance(self.scale_at(row))

    def distance(self, scale: float) -> float:
        """Metres to a thing of so many pixels a metre."""
        return self.focal * self.size / max(scale, 1e-6)
