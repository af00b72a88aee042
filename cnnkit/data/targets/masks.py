"""One class per pixel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import cv2
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cnnkit.data.arguments import said
from cnnkit.data.targets.bends import Bends
from cnnkit.data.targets.column import (
    ID,
    content_digest,
    one_id_each,
    read_only,
    require_alike,
    rows_of_ids,
    text_names,
)
from cnnkit.data.targets.matrices import inverse
from cnnkit.data.targets.nearest_warp import bent_warp, nearest_warp
from cnnkit.data.targets.stored import ArrayReader, PngReader, Stored, in_threads, joined_stored
from cnnkit.data.targets.tags import combinations_of
from cnnkit.errors import DataError, InputError
from cnnkit.metrics.label_maps import VOID


@dataclass(frozen=True, eq=False)
class Masks:
    """One class per pixel, read on demand.

    Attributes:
        names: The class names; the index in this tuple is the value of a pixel.
        stored: Where the masks are: each (h, w) uint8 of class indices, `VOID` (255) where nothing is known.

    Raises:
        InputError: Names that are no different texts, more than 255 of them, or no `Stored`.

    >>> truth = Masks.of_arrays(("ground", "cat"), [[[0, 1], [1, 255]]])
    >>> truth.pixels().tolist()
    [1, 2]
    >>> truth.moved([[-1, 0, 2], [0, 1, 0], [0, 0, 1]], (2, 2)).mask(0).tolist()  # mirrored
    [[1, 0], [255, 1]]
    """

    kind: ClassVar[str] = "masks"
    placed: ClassVar[bool] = True

    names: tuple[str, ...]
    stored: Stored

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", text_names(self.names))
        if len(self.names) > VOID:
            raise InputError(f"up to {VOID} classes", f"{len(self.names)}", f"{VOID} is a pixel of no known class.")
        if not isinstance(self.stored, Stored):
            raise InputError("a Stored", said(self.stored), "Masks.of_arrays(names, arrays) makes one of arrays.")

    @classmethod
    def of_arrays(cls, names: Sequence[str], arrays: Sequence[ArrayLike] | NDArray[Any]) -> Self:
        """Masks in memory.

        Args:
            names: The class names.
            arrays: One per example, (h, w) of class indices or 255.

        Raises:
            DataError: Another shape, or a class that has no name.
        """
        reader = ArrayReader(arrays, "a mask", (None, None))
        column = cls(tuple(names), Stored(reader, np.arange(len(reader.arrays))))
        for index in range(len(column)):
            column.mask(index)
        return column

    @classmethod
    def from_table(cls, names: Sequence[str], table: pd.DataFrame, ids: Sequence[str]) -> Self:
        """Masks read from their table, each decoded when it is asked for.

        Raises:
            InputError: No such table.
            DataError: An id has no row.
        """
        files = rows_of_ids(table, ids, ("mask",))["mask"].tolist()
        return cls(tuple(names), Stored(PngReader(files), np.arange(len(files))))

    def __len__(self) -> int:
        return len(self.stored)

    def mask(self, index: int) -> NDArray[np.uint8]:
        """The mask of one example: (h, w) class indices, 255 where nothing is known.

        A pixel of a moved mask has the class of the pixel in which its centre was, as of one warp from the mask that
        is stored; it is void where any picture on the way did not show it.

        Raises:
            DataError: What the reader gives is no mask, or shows a class that has no name.
        """
        mask = self._read(self.stored.place(index))
        if not self.stored.moves:
            return mask
        moves = [(inverse(move.positions[index]), move.sizes[index].tolist()) for move in self.stored.moves]
        bends = [move.bends_of(index) for move in self.stored.moves]
        return bent_warp(mask, moves, bends) if any(bends) else nearest_warp(mask, moves)

    def take(self, indices: ArrayLike) -> Self:
        """The examples at `indices`, in that order."""
        return type(self)(self.names, self.stored.take(indices))

    def moved(self, positions: ArrayLike, sizes: ArrayLike, bends: Sequence[Bends] | None = None) -> Self:
        """The same masks in other pictures, still read on demand: nearest pixel, void outside."""
        return type(self)(self.names, self.stored.moved(positions, sizes, bends))

    def strata(self) -> NDArray[np.int64]:
        """(n,) the number of each example's combination of classes. Reads all masks once."""
        return combinations_of(self._pixels_of_each[:, :-1] > 0)

    def counts(self) -> NDArray[np.int64]:
        """(names,) the number of examples that show each class. Reads all masks once."""
        return np.asarray((self._pixels_of_each[:, :-1] > 0).sum(axis=0), np.int64)

    def pixels(self) -> NDArray[np.int64]:
        """(names,) the number of pixels of each class in all examples. Reads all masks once."""
        return np.asarray(self._pixels_of_each[:, :-1].sum(axis=0), np.int64)

    def measures(self) -> dict[str, NDArray[np.float64]]:
        """`pixels`: (names + 1,) the share of each class of the pixels that are not void, and their share of all.

        Reads all masks once.
        """
        counts = self._pixels_of_each.sum(axis=0).astype(np.float64)
        known, every = counts[:-1].sum(), counts.sum()
        shares = np.append(counts[:-1] / known if known else np.full(len(self.names), np.nan), known / max(every, 1))
        return {"pixels": shares}

    def digest(self) -> str:
        """A sha256 over names, masks and their moves."""
        return content_digest(self.kind, self.names, self.stored.digests())

    def table(self, ids: Sequence[str]) -> pd.DataFrame:
        """Columns `id`, `height`, `width`, and `mask`: a PNG of one channel as bytes."""
        return image_table(one_id_each(ids, len(self)), "mask", self.mask)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The examples of several columns with the same names, one after the other."""
        require_alike(parts, cls)
        return cls(parts[0].names, joined_stored([(part.stored, part.mask) for part in parts]))

    @cached_property
    def _pixels_of_each(self) -> NDArray[np.int64]:
        """(n, names + 1) the number of pixels of each class, and of void."""
        counts = in_threads(lambda index: np.bincount(self.mask(index).ravel(), minlength=VOID + 1), len(self))
        return read_only(np.array(counts, np.int64).reshape(-1, VOID + 1)[:, [*range(len(self.names)), VOID]])

    def _read(self, place: int) -> NDArray[np.uint8]:
        mask = self.stored.reader.read(place)
        if not isinstance(mask, np.ndarray) or mask.ndim != 2 or mask.dtype != np.uint8 or not mask.size:
            raise DataError("a mask of shape (h, w), uint8", said(mask), "One class index per pixel, 255 for void.")
        following = mask + np.uint8(1)  # 255 becomes 0: one pass of 10 µs instead of a look-up of 400
        if following.max() > len(self.names):
            raise DataError(
                f"classes from 0 to {len(self.names) - 1} and {VOID} in a mask",
                f"{mask[following > len(self.names)][0]} at position {place}",
                "Name all classes, or give pixels of no class the value 255.",
            )
        return mask


def image_table(ids: Sequence[str], name: str, image: Callable[[int], NDArray[np.uint8]]) -> pd.DataFrame:
    """Columns `id`, `height`, `width`, and PNG bytes under a name, made by several threads.

    Args:
        ids: One per image.
        name: The column of the bytes.
        image: Gives the image at an index, (h, w) or (h, w, 3) of RGB.
    """

    def encoded(index: int) -> tuple[int, int, bytes]:
        pixels = image(index)
        return pixels.shape[0], pixels.shape[1], png(pixels)

    columns = list(zip(*in_threads(encoded, len(ids)), strict=True)) or [(), (), ()]
    sizes = {side: np.array(column, np.int64) for side, column in zip(("height", "width"), columns, strict=False)}
    return pd.DataFrame({ID: list(ids)}, dtype="str").assign(**sizes, **{name: np.array(columns[2], np.object_)})


def png(image: NDArray[np.uint8]) -> bytes:
    """An array (h, w), or (h, w, 3) of RGB, as a PNG."""
    pixels = image if image.ndim == 2 else np.ascontiguousarray(image[..., ::-1])  # OpenCV's order is BGR
    return bytes(cv2.imencode(".png", pixels)[1])
