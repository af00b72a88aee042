"""Arrays that a reader fetches on demand, one per example, and the moves that follow."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnkit.data.arguments import said
from cnnkit.data.targets.bends import Bends
from cnnkit.data.targets.column import content_digest, example_indices, read_only
from cnnkit.data.targets.moves import Move
from cnnkit.errors import DataError, InputError

T = TypeVar("T")


class StoredReader(Protocol):
    """Random access to arrays of uint8. Both methods are called from several threads at once."""

    def read(self, position: int) -> NDArray[np.uint8]:
        """The array at `position`: (h, w) of a mask, (h, w, 3) of a picture."""

    def digest(self, position: int) -> str:
        """A hex hash of the content of the array at `position`."""


@dataclass(frozen=True, eq=False)
class Stored:
    """Where the arrays of n examples are, and how they are moved after they are read. Nothing is read before.

    Attributes:
        reader: Fetches one array at a time.
        positions: (n,) the position in `reader` of each example.
        moves: What happens to an array after it is read, in order.

    Raises:
        InputError: No reader, or positions that are no whole numbers of shape (n,).
    """

    reader: StoredReader
    positions: NDArray[np.int64]
    moves: tuple[Move, ...] = ()

    def __post_init__(self) -> None:
        if not callable(getattr(self.reader, "read", None)) or not callable(getattr(self.reader, "digest", None)):
            raise InputError("a reader, with read and digest", said(self.reader), "Arrays are taken by of_arrays.")
        positions = np.asarray(self.positions)
        if positions.ndim != 1 or (positions.size and positions.dtype.kind not in "iu"):
            raise InputError("positions as whole numbers of shape (n,)", said(self.positions), "For example range(10).")
        object.__setattr__(self, "positions", read_only(positions.astype(np.int64)))

    def __len__(self) -> int:
        return len(self.positions)

    def place(self, index: int) -> int:
        """The position in the reader of example `index`.

        Raises:
            InputError: There is no such example.
        """
        try:
            return int(self.positions[index])
        except (IndexError, TypeError, ValueError) as error:
            expected = f"the index of an example, from 0 to {len(self) - 1}"
            raise InputError(expected, said(index), "len() says how many there are.") from error

    def take(self, indices: ArrayLike) -> Stored:
        """The examples at `indices`, in that order."""
        rows = example_indices(indices, len(self))
        return Stored(self.reader, self.positions[rows], tuple(move.take(rows) for move in self.moves))

    def moved(self, positions: ArrayLike, sizes: ArrayLike, bends: Sequence[Bends] | None = None) -> Stored:
        """The same arrays, with one more move to follow."""
        return Stored(self.reader, self.positions, (*self.moves, Move.of(positions, sizes, len(self), bends)))

    def digest(self, index: int) -> str:
        """A hash of the array of one example and of its moves."""
        content = self.reader.digest(self.place(index))
        if not self.moves:
            return content
        arrays = [array for move in self.moves for array in (move.positions[index], move.sizes[index])]
        bends = (bend for move in self.moves for bend in move.bends_of(index))
        arrays += [array for bend in bends for array in (bend.nodes, np.array(bend.size), bend.frame)]
        return content_digest("moved", (), (content, *arrays))

    def digests(self) -> list[str]:
        """The hash of every example, read by several threads."""
        return in_threads(self.digest, len(self))


def joined_stored(columns: Sequence[tuple[Stored, Callable[[int], NDArray[np.uint8]]]]) -> Stored:
    """The examples of several columns, one after the other, as those of one reader.

    Args:
        columns: What is stored, and how one array of it is read and moved.
    """
    reader = _Joined(
        [
            (partial(read, index), partial(stored.digest, index))
            for stored, read in columns
            for index in range(len(stored))
        ]
    )
    return Stored(reader, np.arange(len(reader.examples)))


class _Joined:
    """Reads from other columns: each example is a function that gives its array and one that gives its hash."""

    def __init__(self, examples: list[tuple[Callable[[], NDArray[np.uint8]], Callable[[], str]]]) -> None:
        self.examples = examples

    def read(self, position: int) -> NDArray[np.uint8]:
        return self.examples[position][0]()

    def digest(self, position: int) -> str:
        return self.examples[position][1]()


class ArrayReader:
    """Reads from arrays in memory.

    Args:
        arrays: One per example, of whole numbers from 0 to 255.
        name: What an error calls one of them, e.g. `"a mask"`.
        shape: Of one array, None where any length will do: (None, None) of masks.

    Raises:
        DataError: No list of arrays, another shape, or other numbers.
    """

    def __init__(self, arrays: Sequence[ArrayLike] | NDArray[Any], name: str, shape: tuple[int | None, ...]) -> None:
        if not isinstance(arrays, list | tuple | np.ndarray):
            raise DataError(f"a list of arrays, each {name}", said(arrays), "Give one array per example.")
        self.arrays = [read_only(_bytes(array, name, shape)) for array in arrays]

    def read(self, position: int) -> NDArray[np.uint8]:
        """The array at `position`, which cannot be written to."""
        return self.arrays[position]

    def digest(self, position: int) -> str:
        """A sha256 over shape and values."""
        array = self.arrays[position]
        return hashlib.sha256(f"{array.shape}\0".encode() + np.ascontiguousarray(array).tobytes()).hexdigest()


class PngReader:
    """Reads from PNG files in memory, as tables of predictions hold them.

    Args:
        files: The bytes of one file per example.
    """

    def __init__(self, files: Sequence[bytes]) -> None:
        self._files = list(files)

    def read(self, position: int) -> NDArray[np.uint8]:
        """The array at `position`: (h, w), or (h, w, 3) of RGB.

        Raises:
            DataError: The bytes are no PNG of 8 bits.
        """
        file = self._files[position]
        pixels = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_UNCHANGED) if isinstance(file, bytes) else None
        if pixels is None or pixels.dtype != np.uint8:
            raise DataError("the bytes of a PNG with 8 bits", said(file), "ck.predict and cnnkit predict write them.")
        return np.asarray(pixels if pixels.ndim == 2 else pixels[..., ::-1], np.uint8)  # OpenCV's order is BGR

    def digest(self, position: int) -> str:
        """A sha256 over the file."""
        return hashlib.sha256(self._files[position]).hexdigest()


def in_threads(call: Callable[[int], T], count: int) -> list[T]:
    """The results for 0 … count - 1, in order, computed by several threads."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(call, range(count)))


def _bytes(value: ArrayLike, name: str, shape: tuple[int | None, ...]) -> NDArray[np.uint8]:
    try:
        array = np.asarray(value)
    except ValueError:  # rows of unequal lengths
        array = np.empty((), np.object_)
    fits = array.ndim == len(shape) and all(
        length == expected or (expected is None and length) for length, expected in zip(array.shape, shape, strict=True)
    )
    if not fits or array.dtype.kind not in "biu" or not (array.min() >= 0 and array.max() <= 255):
        lengths = ", ".join(
            letter if length is None else str(length) for letter, length in zip("hwc", shape, strict=False)
        )
        raise DataError(
            f"{name} of shape ({lengths}), whole numbers from 0 to 255", said(value), "Give one per example."
        )
    return array.astype(np.uint8)
