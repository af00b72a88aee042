"""One target picture per example: what a translation shall make of the input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import cv2
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from cnnkit.data.arguments import said
from cnnkit.data.targets.column import content_digest, one_id_each, require_alike
from cnnkit.data.targets.masks import image_table
from cnnkit.data.targets.moves import Floats, inverse
from cnnkit.data.targets.stored import ArrayReader, Stored, joined_stored
from cnnkit.errors import DataError, InputError

# Matrices whose numbers differ by less, in pixels, take the same part of a picture.
SAME_PART = 1e-6


@dataclass(frozen=True, eq=False)
class Pictures:
    """One target picture per example, read on demand.

    Attributes:
        stored: Where the pictures are: each RGB, uint8, (h, w, 3). A `Reader` of a source is a reader of them.

    Raises:
        InputError: No `Stored`.
    """

    kind: ClassVar[str] = "pictures"
    placed: ClassVar[bool] = True

    stored: Stored

    def __post_init__(self) -> None:
        if not isinstance(self.stored, Stored):
            raise InputError("a Stored", said(self.stored), "Pictures.of_arrays(arrays) makes one of arrays.")

    @classmethod
    def of_arrays(cls, arrays: Sequence[ArrayLike] | NDArray[Any]) -> Self:
        """Pictures in memory.

        Args:
            arrays: One per example, (h, w, 3) of RGB 0…255.

        Raises:
            DataError: Another shape, or other numbers.
        """
        reader = ArrayReader(arrays, "a picture", (None, None, 3))
        return cls(Stored(reader, np.arange(len(reader.arrays))))

    @property
    def names(self) -> tuple[str, ...]:
        """(): nothing in a picture has a name."""
        return ()

    def __len__(self) -> int:
        return len(self.stored)

    def picture(self, index: int) -> NDArray[np.uint8]:
        """The target of one example: RGB, uint8, (height, width, 3).

        Where a move reaches beyond a picture, the colour of its border goes on.

        Raises:
            DataError: What the reader gives is no such picture.
        """
        place = self.stored.place(index)
        picture = self.stored.reader.read(place)
        fine = isinstance(picture, np.ndarray) and picture.ndim == 3 and picture.shape[2] == 3
        if not fine or picture.dtype != np.uint8 or not picture.size:
            raise DataError("a picture of shape (h, w, 3), uint8", said(picture), "Pictures are RGB, 0…255.")
        for move in self.stored.moves:
            height, width = move.sizes[index].tolist()
            picture = linear_warp(picture, inverse(move.positions[index]), (height, width))
        return picture

    def take(self, indices: ArrayLike) -> Self:
        """The examples at `indices`, in that order."""
        return type(self)(self.stored.take(indices))

    def moved(self, positions: ArrayLike, sizes: ArrayLike) -> Self:
        """The same pictures moved, still read on demand."""
        return type(self)(self.stored.moved(positions, sizes))

    def strata(self) -> NDArray[np.int64]:
        """(n,) zeros: all examples are of one stratum."""
        return np.zeros(len(self), np.int64)

    def counts(self) -> NDArray[np.int64]:
        """(0,): nothing has a name."""
        return np.zeros(0, np.int64)

    def digest(self) -> str:
        """A sha256 over pictures and their moves."""
        return content_digest(self.kind, (), self.stored.digests())

    def table(self, ids: Sequence[str]) -> pd.DataFrame:
        """Columns `id`, `height`, `width`, and `picture`: a PNG as bytes."""
        return image_table(one_id_each(ids, len(self)), "picture", self.picture)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The examples of several columns, one after the other."""
        require_alike(parts, cls)
        return cls(joined_stored([(part.stored, part.picture) for part in parts]))


def linear_warp(picture: NDArray[np.uint8], back: Floats, size: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture resampled, antialiased where it becomes smaller.

    An upright part of it is resized as `Framing` does by default, so that a target is framed like its input.

    Args:
        picture: (h, w, 3).
        back: (3, 3), from (x, y, 1) of the result to the picture, in continuous pixels.
        size: (height, width) of the result.

    Returns:
        (height, width, 3).
    """
    height, width = size
    (xx, xy, x), (yx, yy, y) = back[:2].tolist()
    upright = max(abs(xy) * height, abs(yx) * width) < SAME_PART and xx > 0 and yy > 0
    ends = np.array([x, y, x + xx * width, y + yy * height])
    limits = np.array([picture.shape[1], picture.shape[0]] * 2)
    if upright and (ends > -SAME_PART).all() and (ends < limits + SAME_PART).all():
        left, top, right, bottom = np.clip(ends, 0, limits).tolist()
        return _resized(picture, (left, top, right, bottom), size)
    # Shrunk first as far as the warp will, so that every pixel counts; what is left is about one pixel per pixel.
    shrunk = [
        max(1, min(length, math.ceil(length / math.hypot(*step) - SAME_PART)))
        for length, step in zip(picture.shape[:2], ((yx, yy), (xx, xy)), strict=True)
    ]
    whole = (0.0, 0.0, float(picture.shape[1]), float(picture.shape[0]))
    smaller = _resized(picture, whole, (shrunk[0], shrunk[1]))
    scale = np.diag([shrunk[1] / picture.shape[1], shrunk[0] / picture.shape[0], 1.0])
    centre = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])  # OpenCV counts from the centres of pixels
    matrix = (np.linalg.inv(centre) @ scale @ back @ centre)[:2]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(
        smaller.astype(np.float32), matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return np.rint(warped).astype(np.uint8)


def _resized(
    picture: NDArray[np.uint8], box: tuple[float, float, float, float], size: tuple[int, int]
) -> NDArray[np.uint8]:
    height, width = size
    if box == (0, 0, width, height) and picture.shape[:2] == size:
        return picture
    return np.array(Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR, box=box))
