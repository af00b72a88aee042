"""Writing one picture: PNG keeps every byte, JPEG is what a phone gives."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from cnnkit.errors import unknown_name

SUFFIXES: dict[str, list[int]] = {
    "png": [cv2.IMWRITE_PNG_COMPRESSION, 3],
    "jpg": [cv2.IMWRITE_JPEG_QUALITY, 95],
}
"""File suffix → OpenCV's settings."""


def check_suffix(suffix: str) -> None:
    """Raises an UnknownNameError for a kind of file that is not in the table."""
    if suffix not in SUFFIXES:
        raise unknown_name("a picture format", suffix, SUFFIXES)


def write_picture(path: Path, image: npt.NDArray[np.uint8]) -> None:
    """Writes an RGB picture; the suffix of `path` decides the format."""
    _, data = cv2.imencode(path.suffix, image[:, :, ::-1], SUFFIXES[path.suffix[1:]])
    path.write_bytes(data.tobytes())
