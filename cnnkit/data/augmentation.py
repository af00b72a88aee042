"""Augmentation: random views of a picture, drawn with Keras's meanings and made by one warp.

Rotation, shear, zoom, shifts and flips multiply into one matrix, so a picture is resampled once, whatever is
asked for. The matrix is the one of Keras (`apply_affine_transform`): from the coordinates of the result to those of
the picture, around the middle, rotation · shift · shear · zoom.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from cnnkit.errors import InputError, unknown_name

FILLS = {
    "nearest": cv2.BORDER_REPLICATE,  # aaaa|abcd|dddd
    "reflect": cv2.BORDER_REFLECT,  # dcba|abcd|dcba
    "wrap": cv2.BORDER_WRAP,  # abcd|abcd|abcd
    "constant": cv2.BORDER_CONSTANT,  # black
}


@dataclass(frozen=True)
class Augmentation:
    """How much the views of a picture may differ. Everything is drawn uniformly; 0 leaves it alone.

    Two meanings of Keras surprise and are kept: `shear` is in degrees (0.2 is nothing to see), and a channel
    shift is clipped to the picture's own darkest and brightest value. One is not: in Keras 3
    `width_shift_range` moves a picture up and down; here `width_shift` moves it sideways.

    Args:
        rotation: Up to this many degrees either way.
        width_shift: Up to this part of the width to either side, 0 ≤ shift < 1.
        height_shift: Up to this part of the height up or down, 0 ≤ shift < 1.
        shear: Up to this many degrees either way.
        zoom: z draws a factor in [1 − z, 1 + z] for each of the two axes, 0 ≤ z < 1; below 1 enlarges.
        horizontal_flip: Mirrors every other view.
        vertical_flip: Turns every other view upside down.
        channel_shift: Up to this much, of 255, is added to all three channels or taken away.
        brightness: (lowest, highest) factor on all values, clipped to 0…255; None leaves them alone.
        fill: What is outside the picture: `"nearest"` pixel, `"reflect"`, `"wrap"` or `"constant"` black.

    Raises:
        InputError: A range that is negative or too large.
        UnknownNameError: Another name of a fill.

    >>> picture = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    >>> Augmentation().apply(picture, np.random.default_rng(0))[0, 0].tolist()  # nothing asked, nothing done
    [0.0, 1.0, 2.0]
    """

    rotation: float = 0.0
    width_shift: float = 0.0
    height_shift: float = 0.0
    shear: float = 0.0
    zoom: float = 0.0
    horizontal_flip: bool = False
    vertical_flip: bool = False
    channel_shift: float = 0.0
    brightness: tuple[float, float] | None = None
    fill: Literal["nearest", "reflect", "wrap", "constant"] = "nearest"

    def __post_init__(self) -> None:
        limits = {"rotation": 180.0, "shear": 89.0, "channel_shift": 255.0}
        for name, limit in limits.items():
            if not 0 <= getattr(self, name) <= limit:
                raise InputError(f"{name} from 0 to {limit:g}", repr(getattr(self, name)), "Give the largest value.")
        for name in ("width_shift", "height_shift", "zoom"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(
                    f"{name} from 0 up to but not 1", repr(getattr(self, name)), "Give a part: 0.2 is a fifth."
                )
        if self.brightness is not None and not 0 <= self.brightness[0] <= self.brightness[1]:
            raise InputError("brightness as (lowest, highest) factor", repr(self.brightness), "For example (0.8, 1.2).")
        if self.fill not in FILLS:
            raise unknown_name("a fill", self.fill, FILLS)

    @classmethod
    def gentle(cls) -> Augmentation:
        """The default for fine-tuning: mirrored, and moved, turned and zoomed by little."""
        return cls(rotation=15, width_shift=0.1, height_shift=0.1, zoom=0.2, horizontal_flip=True)

    @classmethod
    def lecture(cls) -> Augmentation:
        """The setting of the lectures' data generator; its shear of 0.2 degrees is hardly one."""
        return cls(
            rotation=40,
            width_shift=0.2,
            height_shift=0.2,
            shear=0.2,
            zoom=0.2,
            horizontal_flip=True,
            channel_shift=9,
        )

    def apply(
        self, image: NDArray[np.uint8] | NDArray[np.float32], generator: np.random.Generator
    ) -> NDArray[np.float32]:
        """One view of the picture.

        Args:
            image: (h, w, 3), values 0…255.
            generator: Where chance comes from. Every call draws ten numbers, whatever is switched on, so that
                switching a flip on does not change the rotations.

        Returns:
            (h, w, 3), float32, 0…255.
        """
        draws = generator.random(10)
        view = image.astype(np.float32)
        matrix = self._matrix(draws, image.shape[0], image.shape[1])
        if not np.array_equal(matrix, np.eye(3)):
            warped = cv2.warpAffine(
                view,
                matrix[:2],
                (image.shape[1], image.shape[0]),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=FILLS[self.fill],
            )
            view = np.asarray(warped, np.float32)
        if self.channel_shift:
            low, high = float(view.min()), float(view.max())
            view = np.clip(view + np.float32(_between(-self.channel_shift, self.channel_shift, draws[8])), low, high)
        if self.brightness is not None:
            view = np.clip(view * np.float32(_between(*self.brightness, draws[9])), 0, 255)
        return view

    def _matrix(self, draws: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
        """(3, 3) from (x, y, 1) of a result's pixel to that of the picture; x counts columns, y rows."""
        angle = math.radians(_between(-self.rotation, self.rotation, draws[0]))
        across = _between(-self.width_shift, self.width_shift, draws[1]) * width
        down = _between(-self.height_shift, self.height_shift, draws[2]) * height
        slant = math.radians(_between(-self.shear, self.shear, draws[3]))
        zoom_x = _between(1 - self.zoom, 1 + self.zoom, draws[4])
        zoom_y = _between(1 - self.zoom, 1 + self.zoom, draws[5])
        flip_x = -1.0 if self.horizontal_flip and draws[6] < 0.5 else 1.0
        flip_y = -1.0 if self.vertical_flip and draws[7] < 0.5 else 1.0

        middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
        cos, sin = math.cos(angle), math.sin(angle)
        to_corner = np.array([[1, 0, middle_x], [0, 1, middle_y], [0, 0, 1]])
        rotation = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
        shift = np.array([[1, 0, across], [0, 1, down], [0, 0, 1]])
        shear = np.array([[1, -math.sin(slant), 0], [0, math.cos(slant), 0], [0, 0, 1]])
        # The flip comes last in Keras; mirrored about the middle, it is a factor of −1 on the result's side.
        zoom = np.diag([zoom_x * flip_x, zoom_y * flip_y, 1])
        to_middle = np.array([[1, 0, -middle_x], [0, 1, -middle_y], [0, 0, 1]])
        return np.asarray(to_corner @ rotation @ shift @ shear @ zoom @ to_middle)


def _between(low: float, high: float, draw: float) -> float:
    """The number that a draw from [0, 1) means in [low, high)."""
    return low + (high - low) * float(draw)
