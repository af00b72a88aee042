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
from cnnkit.data.targets.bends import Bends, bent_origins, centres
from cnnkit.data.targets.column import content_digest, one_id_each, require_alike, rows_of_ids
from cnnkit.data.targets.masks import image_table
from cnnkit.data.targets.matrices import Floats, inverse
from cnnkit.data.targets.stored import ArrayReader, PngReader, Stored, joined_stored
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

    @classmethod
    def from_table(cls, names: Sequence[str], table: pd.DataFrame, ids: Sequence[str]) -> Self:
        """Pictures read from their table, each decoded when it is asked for; they have no `names`.

        Raises:
            InputError: No such table.
            DataError: An id has no row.
        """
        files = rows_of_ids(table, ids, ("picture",))["picture"].tolist()
        return cls(Stored(PngReader(files), np.arange(len(files))))

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
            back, bends = inverse(move.positions[index]), move.bends_of(index)
            size = height, width
            picture = _bent(picture, back, bends, size) if bends else linear_warp(picture, back, size)
        return picture

    def take(self, indices: ArrayLike) -> Self:
        """The examples at `indices`, in that order."""
        return type(self)(self.stored.take(indices))

    def moved(self, positions: ArrayLike, sizes: ArrayLike, bends: Sequence[Bends] | None = None) -> Self:
        """The same pictures moved, still read on demand."""
        return type(self)(self.stored.moved(positions, sizes, bends))

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
    """A picture resampled, antialiased where it becomes smaller; beyond it the colour of its border goes on.

    Args:
        picture: (h, w, 3).
        back: (3, 3), from (x, y, 1) of the result to the picture, in continuous pixels.
        size: (height, width) of the result.

    Returns:
        (height, width, 3). The whole or an upright part of a picture, in whole pixels of the result, has the bytes that
        `Framing` gives by default, so that a target is framed like its input.
    """
    upright = abs(back[0, 1]) * size[0] < SAME_PART and abs(back[1, 0]) * size[1] < SAME_PART
    if upright and back[0, 0] > 0 and back[1, 1] > 0:
        step, offset = np.array([back[0, 0], back[1, 1]]), back[:2, 2]
        limits, ends = np.array([picture.shape[1], picture.shape[0]]), np.array([size[1], size[0]])
        # Where the picture begins and ends in the result, x and y.
        low, high = (np.clip((edge - offset) / step, 0, ends) for edge in (0, limits))
        whole_low, whole_high = np.rint(low), np.rint(high)
        on_pixels = (np.abs(low - whole_low) < SAME_PART).all() and (np.abs(high - whole_high) < SAME_PART).all()
        if on_pixels and (whole_high > whole_low).all():
            box = np.clip(offset + step * np.array([whole_low, whole_high]), 0, limits)
            box = np.where(np.abs(box - np.rint(box)) < SAME_PART, np.rint(box), box)
            left, top, right, bottom = np.concatenate([whole_low, ends - whole_high]).astype(int).tolist()
            part = _resized(picture, box.ravel().tolist(), (size[0] - top - bottom, size[1] - left - right))
            return np.asarray(cv2.copyMakeBorder(part, top, bottom, left, right, cv2.BORDER_REPLICATE), np.uint8)
    return _warped(picture, back, size)


def _warped(picture: NDArray[np.uint8], back: Floats, size: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture shrunk as far as a move shrinks it, so that every pixel counts, and warped by what is left."""
    high, wide = (
        max(1, min(length, math.ceil(length / math.hypot(*step) - SAME_PART)))
        for length, step in zip(picture.shape[:2], (back[1, :2], back[0, :2]), strict=True)
    )
    smaller = _resized(picture, [0, 0, picture.shape[1], picture.shape[0]], (high, wide))
    scale = np.diag([wide / picture.shape[1], high / picture.shape[0], 1.0])
    centre = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])  # OpenCV counts from the centres of pixels
    warped = cv2.warpAffine(
        smaller.astype(np.float32),
        (inverse(centre) @ scale @ back @ centre)[:2],
        (size[1], size[0]),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.rint(warped).astype(np.uint8)


def _bent(picture: NDArray[np.uint8], back: Floats, bends: Bends, size: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture after a matrix and bends, interpolated; beyond it the colour of its border goes on."""
    origins = (bent_origins(back, bends, centres(size)) - 0.5).astype(np.float32)  # as OpenCV counts
    across, down = np.ascontiguousarray(origins[..., 0]), np.ascontiguousarray(origins[..., 1])
    warped = cv2.remap(picture.astype(np.float32), across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.rint(warped).astype(np.uint8)


def _resized(picture: NDArray[np.uint8], box: Sequence[float], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The part of a picture in a box of left, top, right and bottom, antialiased, at a size."""
    if tuple(box) == (0, 0, size[1], size[0]) and picture.shape[:2] == size:
        return picture
    left, top, right, bottom = box
    resized = Image.fromarray(picture).resize(
        (size[1], size[0]), Image.Resampling.BILINEAR, box=(left, top, right, bottom)
    )
    return np.array(resized)
