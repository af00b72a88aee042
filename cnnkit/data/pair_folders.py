"""Pairs of pictures in files: side by side in one file, or in two folders under the same names."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.arguments import one_of, path_of, said
from cnnkit.data.dataset import SPLITS, Dataset
from cnnkit.data.image_folder import FileReader
from cnnkit.data.matched_files import (
    Folders,
    Pair,
    by_split,
    dataset_of_pairs,
    files_by_name,
    matched,
    require_equal_sizes,
    split_names,
)
from cnnkit.data.picture_header import file_shape
from cnnkit.data.source import Source
from cnnkit.data.split import DEFAULT_SPLIT
from cnnkit.data.targets.pictures import Pictures
from cnnkit.data.targets.stored import Stored, in_threads, joined_stored
from cnnkit.errors import DataError, InputError

Half = Literal["left", "right"]
NOUN = "target"


@dataclass(frozen=True)
class HalfReader(FileReader):
    """One half of each picture in files below a folder; a position is an index in `paths`."""

    half: Half

    def read(self, position: int) -> NDArray[np.uint8]:
        """The half, decoded."""
        whole = super().read(position)
        middle = whole.shape[1] // 2
        return np.ascontiguousarray(whole[:, :middle] if self.half == "left" else whole[:, middle:])

    def digest(self, position: int) -> str:
        """A sha256 of the file and of which half it is."""
        return hashlib.sha256(f"{self.half} {super().digest(position)}".encode()).hexdigest()

    def shape(self, position: int) -> tuple[int, int]:
        """Height and width of the half."""
        height, width = super().shape(position)
        return height, width // 2


def pairs(
    pictures: Folders,
    targets: Folders | None = None,
    *,
    source: Half = "left",
    split: Sequence[float] = DEFAULT_SPLIT,
    seed: int = 0,
) -> Dataset:
    """Pictures, and what a translation shall make of each.

    One folder: every file shows picture and target side by side, of equal width, as the Facades of Pix2Pix do. Two
    folders: a target has the path of its picture but for the suffix, and its size. Folders `train`, `validation` and
    `test` directly below (under any name that `ck.data.folder` knows) are the parts of the dataset. Files are decoded
    when they are asked for; their headers are read at once.

    Args:
        pictures: The folder, or one folder per part: `{"train": …, "validation": …, "test": …}`.
        targets: The folder of the targets, or one folder per part; None where each file shows both.
        source: Which half of a file is the picture; the other one is the target.
        split: The shares of train, validation and test, as for `ck.data.folder`.
        seed: Another seed, another split.

    Returns:
        The dataset, without classes; ids are paths below `pictures`. `ck.data.swapped` is the other direction.

    Raises:
        InputError: Other arguments.
        UnknownNameError: Another half.
        DataError: No pictures, a picture without its target, one of another size, or a file whose width is odd.
        ImageFileError: A file that ends like a picture and is none.

    >>> photos = pairs("facades", source="right")  # doctest: +SKIP
    """
    one_of(source, "a half", get_args(Half))
    if targets is None:
        found, ignored = _single_files(pictures)
        files = [pair.picture for part in found.values() for pair in part]
        reader: FileReader = HalfReader(Path(), tuple(files), source)
        target_reader: FileReader = HalfReader(Path(), tuple(files), "right" if source == "left" else "left")
        _require_even_widths(files)
    else:
        found, ignored = matched(pictures, targets, NOUN)
        both = [pair for part in found.values() for pair in part]
        require_equal_sizes(both, NOUN, file_shape, "Resize it: both are framed alike.")
        reader = FileReader(Path(), tuple(pair.picture for pair in both))
        target_reader = FileReader(Path(), tuple(pair.partner for pair in both))

    def truth(positions: NDArray[np.int64]) -> Pictures:
        return Pictures(Stored(target_reader, positions))

    return replace(dataset_of_pairs(found, reader, truth, split=split, seed=seed), ignored=ignored)


def swapped(photos: Dataset) -> Dataset:
    """The same pairs in the other direction: what was the target is the picture.

    Args:
        photos: Pairs, of `ck.data.pairs` or `ck.data.scenes(n, target="edges")`.

    Raises:
        InputError: No dataset, or one with truth of another kind.

    >>> import cnnkit as ck
    >>> drawings = ck.data.swapped(ck.data.scenes(20, size=32, target="edges"))
    >>> drawings.train.image(0).shape, drawings.kind
    ((32, 32, 3), 'pictures')
    """
    if not isinstance(photos, Dataset) or photos.kind != Pictures.kind:
        received = f"a dataset of {photos.kind or 'no truth'}" if isinstance(photos, Dataset) else said(photos)
        raise InputError("a dataset of pairs of pictures", received, "ck.data.pairs(folder) makes one.")
    train, validation, test = map(_swapped, photos.parts().values())
    return replace(photos, train=train, validation=validation, test=test)


def _swapped(source: Source) -> Source:
    truth = source.targets
    if not isinstance(truth, Pictures):  # no pictures at all
        return source
    # Targets that are moved are read through a reader that moves them.
    stored = joined_stored([(truth.stored, truth.picture)]) if truth.stored.moves else truth.stored
    return Source(source.ids, Pictures(Stored(source.reader, source.positions)), stored.reader, stored.positions)


def _single_files(folder: Folders) -> tuple[dict[str, list[Pair]], int]:
    """The files of each part in order, each its own partner, and how many other files there are."""
    if not isinstance(folder, str | Path):
        return matched(folder, folder, NOUN)
    root = path_of(folder, "a folder of pictures")
    files, ignored = files_by_name(root, "", "")
    splits = split_names(files)
    parts: dict[str, list[Pair]] = {}
    for name, file in sorted(by_split(files, splits).items()):
        path = str(root / file)
        parts.setdefault(name.split("/")[0] if splits else "train", []).append(Pair(file, path, path))
    return {part: parts[part] for part in SPLITS if part in parts}, ignored


def _require_even_widths(files: Sequence[str]) -> None:
    for file, (_, width) in zip(files, in_threads(lambda index: file_shape(files[index]), len(files)), strict=True):
        if width % 2:
            raise DataError(
                f"a picture and its target side by side, of equal width, in {file}",
                f"a width of {width}",
                "Give two folders where they are files of their own: ck.data.pairs(pictures, targets).",
            )
