"""Photographs for benchmarks: made, so that every machine has them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np


def make(folder: Path, count: int, *, height: int = 375, width: int = 500) -> None:
    """Blurred noise, redder in one of two class folders, as JPEG of about the size of a photograph's."""
    random = np.random.default_rng(0)
    for name, red in (("grey", 0), ("red", 60)):
        (folder / name).mkdir(parents=True)
        for index in range(count // 2):
            noise = random.integers(0, 190, (height, width, 3), dtype=np.uint8)
            picture = cv2.GaussianBlur(noise, (0, 0), 2)
            picture[..., 2] += np.uint8(red)
            cv2.imwrite(str(folder / name / f"{index:05d}.jpg"), picture)
