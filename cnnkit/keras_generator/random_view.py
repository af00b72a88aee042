"""One random view of a picture as Keras makes it: its parameters, drawn in Keras's order, and its pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from cnnkit.data.views.affine import IN_PLACE, matrix, mirror, warp
from cnnkit.data.views.colour import enhance_brightness, shift_channels

Parameters = Mapping[str, Any]


class Ranges(Protocol):
    """What is drawn, as arguments of `ImageDataGenerator`; each may be set later, as in Keras."""

    rotation_range: float
    width_shift_range: float | Sequence[float]
    height_shift_range: float | Sequence[float]
    brightness_range: Sequence[float] | None
    shear_range: float
    zoom_range: list[float]
    channel_shift_range: float
    horizontal_flip: bool
    vertical_flip: bool


@dataclass(frozen=True)
class Resampling:
    """How a warp finds values between pixels and outside of the picture.

    Attributes:
        fill: What is outside a picture, a fill mode.
        outside: The value there with `"constant"`.
        order: Of the spline.
    """

    fill: str
    outside: float
    order: int


def chance_of(seed: int | None) -> np.random.RandomState:
    """Keras's generator of that seed; without one NumPy's global generator, as in Keras."""
    return np.random.mtrand._rand if seed is None else np.random.RandomState(seed)


def random_parameters(ranges: Ranges, sides: tuple[int, int], chance: np.random.RandomState) -> dict[str, Any]:
    """The parameters of a random transformation, drawn in the order of Keras.

    Args:
        ranges: What is drawn.
        sides: Rows and columns of the picture.
        chance: Where they are drawn from.
    """
    drawn: dict[str, Any] = {}
    drawn["theta"] = chance.uniform(-ranges.rotation_range, ranges.rotation_range) if ranges.rotation_range else 0
    drawn["tx"] = _shift(ranges.height_shift_range, sides[0], chance)
    drawn["ty"] = _shift(ranges.width_shift_range, sides[1], chance)
    drawn["shear"] = chance.uniform(-ranges.shear_range, ranges.shear_range) if ranges.shear_range else 0
    low, high = ranges.zoom_range
    drawn["zx"], drawn["zy"] = (1, 1) if low == high == 1 else chance.uniform(low, high, 2)
    drawn["flip_horizontal"] = (chance.random_sample() < 0.5) * ranges.horizontal_flip
    drawn["flip_vertical"] = (chance.random_sample() < 0.5) * ranges.vertical_flip
    shift = ranges.channel_shift_range
    drawn["channel_shift_intensity"] = chance.uniform(-shift, shift) if shift != 0 else None
    lights = ranges.brightness_range
    drawn["brightness"] = None if lights is None else chance.uniform(lights[0], lights[1])
    return drawn


def view_of(
    picture: NDArray[Any],
    parameters: Parameters,
    frame: NDArray[np.float64] | None,
    size: tuple[int, int],
    resampling: Resampling,
    *,
    whole: bool = False,
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """A view (height, width, c) of a picture (h, w, c).

    Args:
        picture: The picture.
        parameters: As of `random_parameters`; what is missing is left out.
        frame: The matrix that brings it to the size; None where it has that size.
        size: Height and width.
        resampling: How it is warped.
        whole: Whether values are rounded after the warp, since they shall stay whole.
        out: Where the view is written if there was a warp and brightness made no other.
    """
    moves = {name: parameters.get(name, neutral) for name, neutral in IN_PLACE.items()}
    flips = {way: bool(parameters.get(f"flip_{way}")) for way in ("horizontal", "vertical")}
    if moves != IN_PLACE or frame is not None:
        height, width = size
        positions = matrix(middle=(height / 2 - 0.5, width / 2 - 0.5), **moves) @ mirror(size, **flips)
        view = warp(
            picture.astype(np.float32),
            positions if frame is None else frame @ positions,
            size,
            fill=resampling.fill,
            outside=resampling.outside,
            order=resampling.order,
            out=out,
        )
        if whole:
            view = np.rint(view)
    else:
        view = _flipped(picture.astype(np.float32), **flips)
    shift, brightness = parameters.get("channel_shift_intensity"), parameters.get("brightness")
    if shift is not None:
        view = shift_channels(view, shift)
    if brightness is not None:
        view = enhance_brightness(view, brightness)
    return view


def _shift(given: float | Sequence[float], extent: int, chance: np.random.RandomState) -> float:
    """A shift in pixels."""
    if not given:
        return 0
    if isinstance(given, float | np.floating):
        shift, largest = chance.uniform(-given, given), given
    else:  # some to choose from; of a whole number, those below it
        shift, largest = float(chance.choice(given) * chance.choice([-1, 1])), np.max(given)
    return shift * extent if largest < 1 else shift


def _flipped(view: NDArray[np.float32], horizontal: bool, vertical: bool) -> NDArray[np.float32]:
    if not horizontal and not vertical:
        return view
    code = -1 if horizontal and vertical else int(horizontal)
    return np.asarray(cv2.flip(view, code), np.float32).reshape(view.shape)
