"""One affine warp: Keras's matrix, and a picture resampled by it once.

The result is that of `scipy.ndimage.affine_transform`, on which Keras's generator is built, at a twentieth of its cost.
OpenCV ≥ 5 interpolates float32 exactly: white noise of 40 × 52 differs by up to 0.003 of 255, of 224 × 224 by up to
0.012, photographs by less. OpenCV 4 rounded positions to 1/32 of a pixel and was off by 4.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from cnnkit.data.views.view import HALF

# SciPy's names for what lies outside a picture a b c d, and the border of OpenCV that means the same.
FILLS = {
    "nearest": cv2.BORDER_REPLICATE,  # aaaa|abcd|dddd
    "reflect": cv2.BORDER_REFLECT,  # dcba|abcd|dcba
    "grid-mirror": cv2.BORDER_REFLECT,  # its other name
    "mirror": cv2.BORDER_REFLECT_101,  # dcb|abcd|cba
    "grid-wrap": cv2.BORDER_WRAP,  # abcd|abcd|abcd
    "grid-constant": cv2.BORDER_CONSTANT,  # kkkk|abcd|kkkk, interpolated from a to k
    "constant": cv2.BORDER_REPLICATE,  # kkkk|abcd|kkkk, k from the edge on: painted over
    "wrap": cv2.BORDER_REPLICATE,  # of period n − 1, the last pixel on top of the first: positions are folded
}
# What `matrix` takes for a picture that stays as it is.
IN_PLACE = {"theta": 0.0, "tx": 0.0, "ty": 0.0, "shear": 0.0, "zx": 1.0, "zy": 1.0}
# With other numbers of channels OpenCV falls back to rounded positions.
EXACT_CHANNELS = (1, 3, 4)


def matrix(
    *,
    middle: tuple[float, float],
    theta: float = 0.0,
    tx: float = 0.0,
    ty: float = 0.0,
    shear: float = 0.0,
    zx: float = 1.0,
    zy: float = 1.0,
) -> NDArray[np.float64]:
    """Rotation · shift · shear · zoom around the middle, multiplied out: that of Keras's `apply_affine_transform`.

    Args:
        middle: (x, y) of the point that rotation, shear and zoom leave where it is.
        theta: Rotation in degrees.
        tx: Shift in pixels along x.
        ty: Shift in pixels along y.
        shear: In degrees.
        zx: Factor along x; below 1 enlarges.
        zy: Factor along y.

    Returns:
        (3, 3), from (x, y, 1) of a result's pixel to that of the picture; x counts columns, y rows.

    >>> matrix(middle=(2, 2), theta=90).round(9).tolist()  # what the result shows at (0, 0) was at (4, 0)
    [[0.0, -1.0, 4.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    x, y = middle
    angle, slanted = math.radians(theta), math.radians(theta) + math.radians(shear)
    cos, sin = math.cos(angle), math.sin(angle)
    # rotation · shear = [[cos θ, −sin(θ + φ)], [sin θ, cos(θ + φ)]], and zoom is a factor on its columns
    xx, xy = cos * zx, -math.sin(slanted) * zy
    yx, yy = sin * zx, math.cos(slanted) * zy
    across, down = cos * tx - sin * ty, sin * tx + cos * ty
    return np.array([[xx, xy, across + x - (xx * x + xy * y)], [yx, yy, down + y - (yx * x + yy * y)], [0.0, 0.0, 1.0]])


def mirror(size: tuple[int, int], *, horizontal: bool, vertical: bool) -> NDArray[np.float64]:
    """The matrix that mirrors a result of (height, width): a factor on the right of any other."""
    across, down = (-1.0 if horizontal else 1.0), (-1.0 if vertical else 1.0)
    return np.array([[across, 0, (size[1] - 1) * horizontal], [0, down, (size[0] - 1) * vertical], [0, 0, 1]])


def resizing(box: tuple[float, float, float, float], size: tuple[int, int]) -> NDArray[np.float64]:
    """The matrix that brings a part of a picture to another size.

    Args:
        box: Left, top, right and bottom of the part, in pixels from the picture's upper left corner.
        size: (height, width) of the result.

    Returns:
        (3, 3), as of `matrix`: `resizing(...) @ matrix(...)` does both at once.
    """
    left, top, right, bottom = box
    across, down = (right - left) / size[1], (bottom - top) / size[0]
    # The centre of a pixel is at its number and a half.
    return np.array([[across, 0, left + across / 2 - 0.5], [0, down, top + down / 2 - 0.5], [0, 0, 1]])


def forward(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a warp by a matrix does to points: where the picture's point (x, y, 1) lies in the result.

    Args:
        matrix: (3, 3), as of `matrix`: from a result's pixel to that of the picture, both counted at their centres.

    Returns:
        (3, 3), in continuous pixels: (0, 0) is the outer corner of the top left pixel.

    >>> (forward(matrix(middle=(2, 2), tx=3)) @ [5, 1, 1]).tolist()  # what was at x is at x − 3
    [2.0, 1.0, 1.0]
    """
    (xx, xy, x), (yx, yy, y) = matrix[:2].tolist()
    # T(½) · matrix · T(−½) counts from the corner; its inverse is multiplied out, a fifth of the time of `inv`.
    across, down = x + HALF - HALF * (xx + xy), y + HALF - HALF * (yx + yy)
    size = xx * yy - xy * yx
    return np.array(
        [
            [yy / size, -xy / size, (xy * down - yy * across) / size],
            [-yx / size, xx / size, (yx * across - xx * down) / size],
            [0.0, 0.0, 1.0],
        ]
    )


def warp(
    image: NDArray[np.uint8] | NDArray[np.float32],
    positions: NDArray[np.float64],
    size: tuple[int, int],
    *,
    fill: str = "nearest",
    outside: float = 0.0,
    order: int = 1,
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """The picture resampled.

    Args:
        image: (h, w, c), bytes or floats.
        positions: (3, 3), from (x, y, 1) of a result's pixel to that of the picture.
        size: (height, width) of the result.
        fill: What is outside the picture, one of `FILLS`.
        outside: The value there with `"constant"`.
        order: Of the interpolating spline: 1 is linear; SciPy computes the others, from 0 to 5, slowly.
        out: Where the result is written, (height, width, c), contiguous; a new array by default.

    Returns:
        (height, width, c), float32.
    """
    view = np.empty((*size, image.shape[2]), np.float32) if out is None else out
    if order != 1:
        view[...] = _splines(image.astype(np.float32, copy=False), positions, size, fill, outside, order)
        return view
    if image.shape[2] not in EXACT_CHANNELS:
        for channel in range(image.shape[2]):
            view[..., [channel]] = warp(image[..., [channel]], positions, size, fill=fill, outside=outside)
        return view
    if fill == "wrap":
        y, x = _places(positions, size)
        across, down = _folded(x, image.shape[1]), _folded(y, image.shape[0])
        floats = image.astype(np.float32, copy=False)
        cv2.remap(floats, across, down, cv2.INTER_LINEAR, dst=view, borderMode=FILLS[fill])
    else:
        warp_affine(image, positions[:2], size, border=FILLS[fill], colour=(outside,) * 4, out=view)
    if fill == "constant":
        y, x = _places(positions, size)
        view[(y < 0) | (y > image.shape[0] - 1) | (x < 0) | (x > image.shape[1] - 1)] = outside
    return view


def warp_affine(
    image: NDArray[np.uint8] | NDArray[np.float32],
    origins: NDArray[np.float64],
    size: tuple[int, int],
    *,
    border: int,
    colour: tuple[float, ...],
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """OpenCV's warp of a picture in float32; of three channels by way of four, which gives the same bits.

    OpenCV 5.0 warps four channels in half the time of three, 142 against 292 µs for a view of 224 × 224, and the way
    there and back takes 38.

    Args:
        image: (h, w, c).
        origins: (2, 3), from (x, y, 1) of a result's pixel to that of the picture, both counted at their centres.
        size: (height, width) of the result.
        border: OpenCV's number of what is outside the picture.
        colour: That of a constant border, a number for each channel.
        out: As of `warp`.
    """
    three = image.shape[2] == 3
    part = cv2.cvtColor(image, cv2.COLOR_RGB2RGBA) if three else image
    view = cv2.warpAffine(
        part.astype(np.float32, copy=False),
        origins,
        (size[1], size[0]),
        dst=None if three else out,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=border,
        borderValue=colour,
    )
    return np.asarray(cv2.cvtColor(view, cv2.COLOR_RGBA2RGB, dst=out) if three else view, np.float32)


def _places(positions: NDArray[np.float64], size: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Row and column (height, width) in the picture of each pixel of the result, to the bit of SciPy."""
    rows, columns = np.arange(size[0])[:, None], np.arange(size[1])
    (xx, xy, x0), (yx, yy, y0) = positions[:2]
    return yy * rows + yx * columns + y0, xy * rows + xx * columns + x0


def _folded(places: NDArray[np.float64], length: int) -> NDArray[np.float32]:
    """Places on one axis folded into 0 … length − 1 by SciPy's rule for "wrap"."""
    period = max(length - 1, 1)
    low = places + period * (np.floor(-places / period) + 1)
    high = places - period * np.floor(places / period)
    return np.where(places < 0, low, np.where(places > period, high, places)).astype(np.float32)


def _splines(
    image: NDArray[np.float32],
    positions: NDArray[np.float64],
    size: tuple[int, int],
    fill: str,
    outside: float,
    order: int,
) -> NDArray[np.float32]:
    from scipy import ndimage  # seldom needed, and slow to import

    by_rows = positions[:2, :2][::-1, ::-1]  # SciPy counts (row, column)
    channels = [
        ndimage.affine_transform(
            channel, by_rows, positions[1::-1, 2], output_shape=size, order=order, mode=fill, cval=outside
        )
        for channel in np.moveaxis(image, 2, 0)
    ]
    return np.stack(channels, axis=2).astype(np.float32)
