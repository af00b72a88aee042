"""Photographs in folders: one folder a class, or train, validation and test folders that hold class folders."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from natsort import natsorted, ns
from numpy.typing import NDArray

from cnnkit.data.arguments import names_of, one_of, path_of
from cnnkit.data.dataset import Dataset, SkippedFile
from cnnkit.data.decode import check_header, decode_file, refused
from cnnkit.data.folder_layout import ARRANGEMENT, class_folders, listed, refuse_hidden_splits, split_folders
from cnnkit.data.picture_header import file_reduction, file_shape
from cnnkit.data.source import Source
from cnnkit.data.split import DEFAULT_SPLIT, arranged, as_dataset, from_file
from cnnkit.errors import DataError, ImageFileError, InputError, MissingExtraError, unknown_name

T = TypeVar("T")
Decode = Literal["exact", "scaled"]


@dataclass(frozen=True)
class FileReader:
    """Pictures in files below a folder; a position is an index in `paths`."""

    root: Path
    paths: tuple[str, ...]

    def read(self, position: int) -> NDArray[np.uint8]:
        """The picture, decoded."""
        return decode_file(self.root / self.paths[position])

    def digest(self, position: int) -> str:
        """The sha256 of the file."""
        path = self.root / self.paths[position]
        try:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise refused(str(path), error.strerror or str(error)) from error

    def content(self, position: int) -> bytes:
        """The bytes of the file."""
        path = self.root / self.paths[position]
        try:
            return path.read_bytes()
        except OSError as error:
            raise refused(str(path), error.strerror or str(error)) from error

    def shape(self, position: int) -> tuple[int, int]:
        """Height and width of the picture, upright."""
        return file_shape(self.root / self.paths[position])

    def file_size(self, position: int) -> int:
        """Bytes of the file."""
        return (self.root / self.paths[position]).stat().st_size


class ScalingFileReader(FileReader):
    """Pictures in files, JPEGs decoded at 1/2, 1/4 or 1/8 of their size where that is enough."""

    def read_scaled(self, position: int, least: int) -> NDArray[np.uint8]:
        """The picture, its short side of `least` pixels or more where it had as many."""
        return decode_file(self.root / self.paths[position], least=least)

    def reduction(self, position: int, least: int) -> int:
        """What `read_scaled` divides both sides by, rounded up."""
        return file_reduction(self.root / self.paths[position], least)

    def digest(self, position: int) -> str:
        """The sha256 of the file and of how it is read: other pixels are another picture."""
        return hashlib.sha256(f"scaled {super().digest(position)}".encode()).hexdigest()


DECODES: dict[str, type[FileReader]] = {"exact": FileReader, "scaled": ScalingFileReader}


def folder(
    path: str | Path,
    *,
    split: Sequence[float] = DEFAULT_SPLIT,
    seed: int = 0,
    split_file: str | Path | None = None,
    on_error: Literal["raise", "skip"] = "raise",
    classes: Sequence[str] | None = None,
    decode: Decode = "exact",
) -> Dataset:
    """Photographs arranged in folders, as a dataset.

    Two arrangements: `path/<class>/…`, split by `seed` or by `split_file`; or `path/train/<class>/…` with `validation`
    (or `val`, `valid`, `dev`, `eval`) and `test` beside it, in any case and with the usual affixes: `Training`,
    `test_set`, `seg_train/seg_train`, `val2017`. Train and validation alone leave test empty; train alone is split in
    three; of train and test, validation is taken from train.

    Ids are paths relative to `path`, with "/". Classes are in natural order: `2` before `10`. Hidden files are
    passed over; so are files whose names do not end like a picture's, and `dataset.ignored` counts them.

    Args:
        path: The folder.
        split: The shares of train, validation and test, each class in proportion.
        seed: Another seed, another split.
        split_file: A CSV file with the columns id and split, for a folder of class folders.
        on_error: `"raise"` looks at the beginning of every file at once, and a picture that turns out damaged
            raises when it is read. `"skip"` decodes every picture once, in threads, and lists what it leaves
            out in `dataset.skipped`.
        classes: The names of all class folders, in the order that the labels shall have. What is named here is a class,
            also where it is called like a split.
        decode: `"scaled"` decodes large JPEGs at 1/2, 1/4 or 1/8 of their size where the framing still has nothing to
            enlarge: faster, with pixels that differ by 2 to 5 of 255 on average.

    Raises:
        UnknownNameError: Another way to decode, or in `classes` a class without a folder.
        DataError: No folder, no class folders, no pictures, one class only, an empty class folder, a class
            that train does not have, or too few pictures of a class to split.
        ImageFileError: A file that ends like a picture and is none.
        MissingExtraError: A HEIC picture, and `cnnkit[heif]` is not installed; with `"skip"` it is in `skipped`.
    """
    read = reader_of(decode)
    root = path_of(path, "a folder of pictures")
    classes = None if classes is None else names_of(classes, "classes")
    listing = listed(root)
    splits = split_folders(listing, classes)
    if splits and split_file is not None:
        raise InputError(
            "a split file only for a folder of class folders",
            f"one beside the folders {' and '.join(splits.values())}",
            "Leave split_file out.",
        )
    below = {split: class_folders(listing, name) for split, name in (splits or {"train": ""}).items()}
    refuse_hidden_splits(listing, splits.get("train", ""), classes)
    names = _class_names(root, below, classes)
    reader = read(root, tuple(sorted(file for each in below.values() for files in each.values() for file in files)))
    skipped = unreadable(reader, on_error)
    parts = _sources(reader, below, names, {file.path for file in skipped})
    parts = from_file(parts["train"], split_file) if split_file is not None else arranged(parts, split=split, seed=seed)
    return replace(as_dataset(parts), skipped=skipped, ignored=listing.ignored.total())


def pictures(
    path: str | Path | Iterable[str | Path],
    *,
    on_error: Literal["raise", "skip"] = "raise",
    decode: Decode = "exact",
) -> tuple[Source, tuple[SkippedFile, ...]]:
    """All pictures below a folder, or those in files, without labels: what a network is to predict.

    Args:
        path: A folder, searched to any depth; a file; or several files.
        on_error: As for `folder`.
        decode: As for `folder`.

    Returns:
        The source and the files that were skipped. A folder's pictures come in natural order (2.jpg before 10.jpg),
        their ids are the paths below it; several files come as they were given, their ids are the paths given.

    Raises:
        UnknownNameError: Another way to decode.
        InputError: Something that is no path among several files.
        DataError: Nothing there, or no pictures.
        ImageFileError: A file that ends like a picture, or was named, and is none.
    """
    read = reader_of(decode)
    if isinstance(path, str | os.PathLike):
        root = path_of(path, "a folder or a file")
        reader = read(root.parent, (root.name,)) if root.is_file() else read(root, _naturally(listed(root).pictures))
    else:
        reader = read(Path(), tuple(_named(path)))
    skipped = unreadable(reader, on_error)
    left_out = {file.path for file in skipped}
    positions = [index for index, file in enumerate(reader.paths) if file not in left_out]
    ids = tuple(reader.paths[index] for index in positions)
    return Source(ids, None, reader, np.array(positions, np.int64)), skipped


def _named(files: Iterable[str | Path]) -> Iterator[str]:
    if not isinstance(files, Iterable) or getattr(files, "ndim", 1) == 0:
        raise InputError("a folder, or files", f"{type(files).__name__}", "One picture is np.asarray(picture)[None].")
    for file in files:
        if not isinstance(file, str | os.PathLike):
            received = f"{type(file).__name__} among them"
            raise InputError("paths of files", received, "Arrays of one size become one by np.stack.")
        yield str(path_of(file, "a picture"))


def _naturally(files: Sequence[str]) -> tuple[str, ...]:
    return tuple(natsorted(files, key=lambda file: file.split("/"), alg=ns.IGNORECASE))


def reader_of(decode: str) -> type[FileReader]:
    """The reader of files that decodes in this way.

    Raises:
        UnknownNameError: No such way.
    """
    one_of(decode, "a way to decode", DECODES)
    return DECODES[decode]


def _class_names(
    root: Path, below: Mapping[str, Mapping[str, Sequence[str]]], classes: Sequence[str] | None
) -> tuple[str, ...]:
    train = below["train"]
    for split, found in below.items():
        for name, files in found.items():
            if name not in train:
                raise DataError(
                    f"only classes of train in {split}: {', '.join(train)}",
                    repr(name),
                    "Add the class to train, or move its folder away.",
                )
            if not files:
                raise DataError(
                    f"pictures in the class folder {name!r} of {split}, below {root}",
                    "none",
                    "Add pictures or remove the folder.",
                )
    if len(train) < 2:
        deeper = " If it holds the class folders, give that folder." if len(train) == 1 else ""
        raise DataError(f"at least two class folders in {root}", f"only {', '.join(train)}", ARRANGEMENT + deeper)
    if classes is None:
        return tuple(natsorted(sorted(train), alg=ns.IGNORECASE))
    for name in classes:
        if name not in train:
            raise unknown_name("a class folder", name, train)
    if sorted(classes) != sorted(train):
        raise InputError(
            f"each of the class folders once in `classes`: {', '.join(train)}",
            ", ".join(classes),
            "Name all of them, or move the others away.",
        )
    return tuple(classes)


def _sources(
    reader: FileReader,
    below: Mapping[str, Mapping[str, Sequence[str]]],
    names: tuple[str, ...],
    left_out: set[str],
) -> dict[str, Source]:
    position_of = {file: position for position, file in enumerate(reader.paths)}
    parts = {}
    for split, found in below.items():
        examples = sorted(
            (file, names.index(name)) for name, files in found.items() for file in files if file not in left_out
        )
        ids = tuple(file for file, _ in examples)
        labels = np.array([label for _, label in examples], np.int64)
        positions = np.array([position_of[file] for file in ids], np.int64)
        parts[split] = Source.labelled(ids, names, labels, reader, positions)
    for name, count in zip(names, parts["train"].counts(), strict=True):
        if not count:
            raise DataError(
                f"a readable picture of the class {name!r} to train on",
                "none: all of them were skipped",
                "Replace the files or remove the folder.",
            )
    return parts


def unreadable(reader: FileReader, on_error: str) -> tuple[SkippedFile, ...]:
    """The files that cannot be decoded; with `"raise"`, the first whose beginning is wrong is raised."""
    one_of(on_error, "a way to meet broken files", ("raise", "skip"))
    if on_error == "raise":
        pages = list(_in_threads(lambda file: check_header(reader.root / file), reader.paths))
        _note_pages(reader, pages)
        return ()

    def looked_at(file: str) -> tuple[int, str]:
        try:
            pages = check_header(reader.root / file)
            decode_file(reader.root / file)
        except ImageFileError as error:
            return 1, error.received
        except MissingExtraError as error:
            return 1, str(error)
        return pages, ""

    results = list(_in_threads(looked_at, reader.paths))
    _note_pages(reader, [pages for pages, _ in results])
    return tuple(SkippedFile(file, why) for file, (_, why) in zip(reader.paths, results, strict=True) if why)


def _note_pages(reader: FileReader, pages: Sequence[int]) -> None:
    several = [(file, count) for file, count in zip(reader.paths, pages, strict=True) if count > 1]
    if several:
        (file, count), *_ = several
        text = f"of TIFFs with several pages the first is read: {len(several)} files, {file} with {count} pages for one"
        warnings.warn(f"{text}. Save the others as files of their own.", stacklevel=2)


def _in_threads(function: Callable[[str], T], files: Sequence[str]) -> Iterator[T]:
    """The results in order; a thousand files at a time, so that a million need no million waiting tasks."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for start in range(0, len(files), 1024):
            yield from pool.map(function, files[start : start + 1024])
