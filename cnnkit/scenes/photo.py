"""What a camera does to a picture: blur, exposure, colour cast, grain, JPEG. Whole numbers only.

OpenCV's filters may choose another rounding with another processor; sums and shifts of integers cannot.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]


def blurred(image: Image, passes: int) -> Image:
    """The binomial blur [1 2 1]/4 in both directions, `passes` times; its variance grows by 0.5 pixel² a pass."""
    for _ in range(passes):
        wide = image.astype(np.uint16)
        rows = wide * 2
        rows[1:] += wide[:-1]
        rows[:1] += wide[:1]
        rows[:-1] += wide[1:]
        rows[-1:] += wide[-1:]
        both = rows * 2
        both[:, 1:] += rows[:, :-1]
        both[:, :1] += rows[:, :1]
        both[:, :-1] += rows[:, 1:]
        both[:, -1:] += rows[:, -1:]
        image = ((both + 8) >> 4).astype(np.uint8)
    return image


def exposed(image: Image, gains: tuple[float, float, float], contrast: float) -> Image:
    """Each channel times its gain, then pulled to (contrast < 1) or pushed from (> 1) the middle grey 118."""
    values = np.arange(256, dtype=np.int32)
    tables = np.empty((256, 3), np.uint8)
    slope = int(contrast * 1024)
    for channel, gain in enumerate(gains):
        lit = (values * int(gain * 1024)) >> 10
        tables[:, channel] = np.clip((((lit - 118) * slope) >> 10) + 118, 0, 255)
    return np.stack([tables[image[:, :, channel], channel] for channel in range(3)], axis=-1)


def grained(image: Image, grain: npt.NDArray[np.int16], strength: int) -> Image:
    """The picture plus grain (size, size, 3) · strength / 256."""
    if strength <= 0:
        return image
    return np.clip(image + ((grain * strength) >> 8), 0, 255).astype(np.uint8)


def recompressed(image: Image, quality: int) -> Image:
    """The picture after one trip through a JPEG file of the given quality (1…100)."""
    _, data = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(decoded[:, :, ::-1])
