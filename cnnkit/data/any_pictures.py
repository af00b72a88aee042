"""What a caller may call pictures, as a source: the one place that decides it.

ck.data.as_source("holiday/")                       # a folder, a file, or several files
ck.data.as_source(frame)                            # one array (h, w, 3), grey (h, w), or with alpha (h, w, 4)
ck.data.as_source([frame, other_size, "a.jpg"])     # arrays of several sizes, Pillow images, paths
ck.data.as_source(photos.test)                      # a source is one
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnnkit.data.array_images import check_shape, unlabelled
from cnnkit.data.dataset import Dataset
from cnnkit.data.decode import check_header, decode_file, picture_of
from cnnkit.data.image_folder import pictures as pictures_in_files
from cnnkit.data.per_process import PerProcess
from cnnkit.data.picture_header import file_shape
from cnnkit.data.pixel_arrays import are_pictures, is_one_picture, rgb
from cnnkit.data.source import Source
from cnnkit.data.value_range import check_values
from cnnkit.errors import DataError, InputError

Picture: TypeAlias = str | Path | Image.Image | NDArray[Any]
"""One picture: a path, a Pillow image, or an array (h, w), (h, w, 1), (h, w, 3) or (h, w, 4) of 0…255."""
Pictures: TypeAlias = Source | Picture | Iterable[Picture]
"""A source, a folder, one picture or several; of one size also an array (n, h, w, channels)."""

REMEDY = (
    "Give a path or paths, a Pillow image, an array (h, w, 3) or (n, h, w, 3) of 0…255, a list of these, or a source "
    "such as photos.test."
)


@dataclass(frozen=True, eq=False)
class ListedReader:
    """Pictures of several kinds and sizes: paths, Pillow images, arrays."""

    items: Sequence[Path | Image.Image | NDArray[Any]]
    # A Pillow image is decoded when it is asked for, which two threads may not do at once.
    _lock: PerProcess[threading.Lock] = field(default_factory=lambda: PerProcess(threading.Lock))

    def read(self, position: int) -> NDArray[np.uint8]:
        """The picture: RGB, uint8, upright, what is transparent over white."""
        item = self.items[position]
        if isinstance(item, Path):
            return decode_file(item)
        if isinstance(item, np.ndarray):
            return rgb(item)
        with self._lock():
            return picture_of(item)

    def shape(self, position: int) -> tuple[int, int]:
        """Height and width of the picture, upright."""
        item = self.items[position]
        if isinstance(item, Path):
            return file_shape(item)
        height, width = (item if isinstance(item, np.ndarray) else self.read(position)).shape[:2]
        return height, width

    def digest(self, position: int) -> str:
        """The sha256 of the pixels and their shape."""
        picture = self.read(position)
        return hashlib.sha256(f"{picture.shape}".encode() + picture.tobytes()).hexdigest()


def as_source(pictures: Pictures) -> Source:
    """Converts paths, Pillow images, arrays or a source into a `Source`.

    Args:
        pictures: A source; the path of a folder, whose pictures are taken in natural order, or of a file; a Pillow
            image; one array (h, w), (h, w, 1), (h, w, 3) or (h, w, 4), or several as (n, h, w) or (n, h, w, channels),
            of 0…255; or any number of these pictures, of any sizes, in a list. Grey is repeated in three channels, what
            is transparent lies over white.

    Returns:
        The source, in the order given. Ids: the path below the folder; of files the path given; otherwise "0", "1", ….

    Raises:
        DataError: No pictures, a path where there is none, or values that are not 0…255.
        ImageFileError: A file that is no picture.
        InputError: Something else, most often a whole dataset.

    >>> frame = np.full((4, 6, 3), 128, np.uint8)
    >>> len(as_source(frame)), len(as_source([frame, frame[:2]])), as_source(frame[..., 0]).image(0).shape
    (1, 2, (4, 6, 3))
    """
    source = _source(pictures)
    if not len(source):
        raise DataError("at least one picture", "none", "A part that a dataset does not have is empty: take another.")
    return source


def _source(given: Any) -> Source:
    if isinstance(given, Source):
        return given
    if isinstance(given, Dataset):
        sizes = ", ".join(f".{name} ({len(source)} pictures)" for name, source in given.parts().items())
        raise InputError("one part of a dataset", "all of it", f"Take one: {sizes}.")
    if isinstance(given, str | Path):
        return pictures_in_files(given)[0]
    if isinstance(given, Image.Image):
        return _listed([given])
    array = np.asarray(given) if hasattr(given, "__array__") else np.empty(0, object)
    if array.ndim and array.dtype.kind not in "OUT":
        return unlabelled(array[None] if is_one_picture(array.shape) else array)
    if isinstance(given, bytes | dict) or not isinstance(given, Iterable) or array.ndim == 0:
        raise InputError("pictures", _said(given), REMEDY)
    items = list(given)
    if all(isinstance(item, str | Path) for item in items):
        return pictures_in_files(items)[0]
    return _listed([_item(item, number) for number, item in enumerate(items)])


def _item(given: Any, number: int) -> Path | Image.Image | NDArray[Any]:
    if isinstance(given, Image.Image):
        return given
    if isinstance(given, str | Path):
        path = Path(given).expanduser()
        check_header(path)
        return path
    array = np.asarray(given) if hasattr(given, "__array__") else np.empty(0)
    if not is_one_picture(array.shape):
        several = " It is several: concatenate them, or give one array." if are_pictures(array.shape) else ""
        raise InputError(f"one picture as number {number} of the list", _said(given), REMEDY + several)
    check_shape(array[None], f"picture {number}")
    return array


def _listed(items: Sequence[Path | Image.Image | NDArray[Any]]) -> Source:
    if arrays := [item for item in items if isinstance(item, np.ndarray)]:
        check_values(arrays, "the pictures")
    ids = tuple(str(item) if isinstance(item, Path) else str(number) for number, item in enumerate(items))
    return Source(ids, None, ListedReader(tuple(items)), np.arange(len(items)))


def _said(given: object) -> str:
    shape = getattr(given, "shape", None)
    return f"{type(given).__name__}: {given!r}".splitlines()[0][:120] if shape is None else f"shape {tuple(shape)}"
