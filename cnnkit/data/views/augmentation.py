"""Augmentation: random views of a picture, drawn with Keras's meanings and made by one warp.

Rotation, shear, zoom, shifts and flips multiply into one matrix, so a picture is resampled once, whatever is
asked for. `ImageDataGenerator` draws with the arguments of Keras, and shares matrix and warp.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.arguments import flag, number, one_of, pair_of
from cnnkit.data.views.affine import IN_PLACE, forward, matrix, warp
from cnnkit.data.views.colour import shift_channels
from cnnkit.data.views.view import Matrix, Picture, View, ViewAugmenter, as_floats
from cnnkit.errors import InputError

# In SciPy's words; its "wrap" and "constant" are those of `ImageDataGenerator`.
FILLS = {"nearest": "nearest", "reflect": "reflect", "wrap": "grid-wrap", "constant": "grid-constant"}


@dataclass(frozen=True)
class Augmentation(ViewAugmenter):
    """How much the views of a picture may differ. Everything is drawn uniformly; 0 leaves it alone.

    Two meanings of Keras surprise and are kept: `shear` is in degrees (0.2 is nothing to see), and a channel
    shift is clipped to the picture's own darkest and brightest value. One is not: in Keras 3
    `width_shift_range` moves a picture up and down; here `width_shift` moves it sideways.

    Boxes, masks and points move by the matrix of rotation, shifts, shear, zoom and flips; colours leave them alone.
    What `fill` puts outside the picture has no truth, also where it repeats the picture: masks are void there, and a
    thing that `"reflect"` or `"wrap"` shows twice has one box.

    Args:
        rotation: Up to this many degrees either way.
        width_shift: Up to this part of the width to either side, 0 ≤ shift < 1.
        height_shift: Up to this part of the height up or down, 0 ≤ shift < 1.
        shear: Up to this many degrees either way.
        zoom: z draws a factor in [1 − z, 1 + z] for each of the two axes, 0 ≤ z < 1; below 1 enlarges.
        horizontal_flip: Mirrors a view with probability 1/2, each by its own coin.
        vertical_flip: Turns a view upside down with probability 1/2, each by its own coin.
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
            expected, remedy = f"{name} from 0 to {limit:g}", "Give the largest value."
            if not 0 <= number(getattr(self, name), name, expected, remedy) <= limit:
                raise InputError(expected, repr(getattr(self, name)), remedy)
        for name in ("width_shift", "height_shift", "zoom"):
            expected, remedy = f"{name} from 0 up to but not 1", "Give a part: 0.2 is a fifth."
            if not 0 <= number(getattr(self, name), name, expected, remedy) < 1:
                raise InputError(expected, repr(getattr(self, name)), remedy)
        for name in ("horizontal_flip", "vertical_flip"):
            flag(getattr(self, name), name)
        if self.brightness is not None:
            expected, remedy = "brightness as (lowest, highest) factor", "For example (0.8, 1.2)."
            low, high = pair_of(self.brightness, "brightness", expected, remedy)
            if not 0 <= low <= high:
                raise InputError(expected, repr(self.brightness), remedy)
        one_of(self.fill, "a fill", FILLS)

    @classmethod
    def gentle(cls) -> Augmentation:
        """Mirrored, and moved, turned and zoomed by little: for layers that train on many epochs."""
        return cls(rotation=15, width_shift=0.1, height_shift=0.1, zoom=0.2, horizontal_flip=True)

    @classmethod
    def slight(cls) -> Augmentation:
        """Less than half of `gentle`, for the few epochs that `ck.finetune` trains deep layers for labels."""
        return cls(rotation=5, width_shift=0.04, height_shift=0.04, zoom=0.08, horizontal_flip=True)

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

    def view(self, size: tuple[int, int], chance: np.random.Generator) -> View:
        """One view of pictures of a size.

        Args:
            size: (height, width) of the picture.
            chance: Every view draws ten numbers, whatever is switched on, so that switching a flip on does not change
                the rotations.
        """
        draws = chance.random(10)
        moves = self._moves(draws, *size)
        moved = moves != IN_PLACE
        origins = matrix(middle=((size[1] - 1) / 2, (size[0] - 1) / 2), **moves) if moved else np.eye(3)
        return View(
            positions=forward(origins) if moved else origins,
            pixels=lambda picture: self._pixels(picture, origins if moved else None, draws),
        )

    def _pixels(self, picture: Picture, origins: Matrix | None, draws: NDArray[np.float64]) -> NDArray[np.float32]:
        """The view of a picture by the matrix from its pixels to the picture's, None where nothing is moved."""
        if origins is not None:
            view = warp(picture, origins, (picture.shape[0], picture.shape[1]), fill=FILLS[self.fill])
        elif self.channel_shift or self.brightness is None:
            view = as_floats(picture)
        else:
            view = picture.astype(np.float32, copy=False)
        if self.channel_shift:
            view = shift_channels(view, _between(-self.channel_shift, self.channel_shift, draws[8]))
        if self.brightness is not None:
            view = view * np.float32(_between(*self.brightness, draws[9]))
            np.clip(view, 0, 255, out=view)
        return view

    def _moves(self, draws: NDArray[np.float64], height: int, width: int) -> dict[str, float]:
        """What the matrix is made of."""
        # The flip comes last in Keras; mirrored about the middle, it is a factor of −1 on the result's side.
        flip_x = -1.0 if self.horizontal_flip and draws[6] < 0.5 else 1.0
        flip_y = -1.0 if self.vertical_flip and draws[7] < 0.5 else 1.0
        return {
            "theta": _between(-self.rotation, self.rotation, draws[0]),
            "tx": _between(-self.width_shift, self.width_shift, draws[1]) * width,
            "ty": _between(-self.height_shift, self.height_shift, draws[2]) * height,
            "shear": _between(-self.shear, self.shear, draws[3]),
            "zx": _between(1 - self.zoom, 1 + self.zoom, draws[4]) * flip_x,
            "zy": _between(1 - self.zoom, 1 + self.zoom, draws[5]) * flip_y,
        }


def _between(low: float, high: float, draw: float) -> float:
    """The number that a draw from [0, 1) means in [low, high)."""
    return low + (high - low) * float(draw)
