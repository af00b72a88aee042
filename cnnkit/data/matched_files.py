"""Files of two folders matched by their names: a picture and what belongs to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.arguments import listed as parts_of
from cnnkit.data.arguments import path_of, said
from cnnkit.data.dataset import SPLITS, Dataset
from cnnkit.data.folder_layout import listed
from cnnkit.data.picture_header import file_shape
from cnnkit.data.source import Reader, Source
from cnnkit.data.split import arranged, as_dataset, split_of
from cnnkit.data.targets.stored import in_threads
from cnnkit.data.targets.targets import Targets
from cnnkit.errors import DataError, InputError

# What else the folder of a split's masks is called than its split: trainannot, val_labels.
MASK_WORDS = ("annotations", "annotation", "annot", "masks", "mask", "labels", "label", "gt")
Folder = str | Path
Folders = Folder | Mapping[str, Folder]
Shape = Callable[[str], tuple[int, int]]
"""The path of a file → height and width of what it shows."""


@dataclass(frozen=True)
class Pair:
    """The files of a picture and of its partner, its mask say, and the id of the example."""

    id: str
    picture: str
    partner: str


def _folders(value: object, what: str) -> dict[str, Path]:
    """Part → its folder; "" is a folder that may hold those of the parts."""
    if not isinstance(value, Mapping):
        return {"": path_of(value, f"a folder of {what}")}
    folders = {split_of(name) if isinstance(name, str) else "": folder for name, folder in value.items()}
    if "" in folders or len(folders) != len(value) or "train" not in folders:
        expected = f"a folder of {what}, or one each for train, validation and test"
        raise InputError(expected, said(dict(value)), 'For example {"train": "a", "validation": "b"}.')
    return {part: path_of(folders[part], f"a folder of {what}") for part in SPLITS if part in folders}


def _endings(value: object, noun: str) -> tuple[str, str]:
    two = parts_of(value)
    if two is None or len(two) != 2 or not all(isinstance(ending, str) for ending in two):
        raise InputError(
            f"endings as two texts, of pictures and of {noun}s", said(value), f'For example ("", "_{noun}").'
        )
    return two[0], two[1]


def matched(
    pictures: Folders, partners: Folders, noun: str, endings: tuple[str, str] | None = None
) -> tuple[dict[str, list[Pair]], int]:
    """Pairs of files with the same path but for the suffix, below two folders.

    Args:
        pictures: The folder of the pictures, or one per part.
        partners: The same of what belongs to them.
        noun: What an error calls a partner, "mask" for example.
        endings: What stands between a name and its suffix, of pictures and of partners; other files are passed over.
            None where nothing does.

    Returns:
        The pairs of each part in order, and how many other files there are.

    Raises:
        InputError: Arguments of another kind.
        DataError: No files, two of one name, or one without its partner.
    """
    roots = _folders(pictures, "pictures"), _folders(partners, f"{noun}s")
    if endings is None:
        return _pairs(*roots, noun, ("", ""), "the suffix")
    return _pairs(*roots, noun, _endings(endings, noun), "the suffix and `endings`")


def _pairs(
    images: Mapping[str, Path], masks: Mapping[str, Path], noun: str, endings: tuple[str, str], but: str
) -> tuple[dict[str, list[Pair]], int]:
    if set(images) != set(masks):
        expected = f"pictures and {noun}s in one folder each, or both in one folder per part"
        received = " and ".join(str([part or "one folder" for part in folders]) for folders in (images, masks))
        raise InputError(expected, received, 'For example {"train": "a", "validation": "b"} for both.')
    pairs: dict[str, list[Pair]] = {}
    ignored = 0
    for part, root in images.items():
        same = root.resolve() == masks[part].resolve()
        pictures, passed = files_by_name(root, endings[0], endings[1] if same else "")
        files, others = files_by_name(masks[part], endings[1], "")
        ignored += passed + (0 if same else others)
        splits = None if part else split_names(pictures)
        pictures, files = by_split(pictures, splits), by_split(files, splits and split_names(files))
        _require_partners(root, masks[part], noun, pictures, files, but)
        for name in sorted(pictures):
            pair = Pair(f"{part}/{pictures[name]}" if part else pictures[name],
                        str(root / pictures[name]), str(masks[part] / files[name]))  # fmt: skip
            pairs.setdefault(part or (name.split("/")[0] if splits else "train"), []).append(pair)
    return {part: pairs[part] for part in SPLITS if part in pairs}, ignored


def files_by_name(root: Path, ending: str, other: str) -> tuple[dict[str, str], int]:
    """The files below a folder by their names without ending and suffix, and how many are passed over.

    Args:
        root: The folder.
        ending: Of the names.
        other: Another ending, of names that are passed over; "" for none.
    """
    listing = listed(root)
    files: dict[str, str] = {}
    for file in listing.pictures:
        stem = str(PurePosixPath(file).with_suffix(""))
        if not stem.endswith(ending) or (other and stem.endswith(other)):
            continue
        name = stem.removesuffix(ending)
        if name in files:
            raise DataError(f"one file called {name} in {root}", f"{files[name]!r} and {file!r}", "Move one away.")
        files[name] = file
    if not files:
        expected = f"files in {root} whose names end in {ending!r}, before the suffix"
        remedy = "`endings` says what stands before the suffix."
        raise DataError(expected, f"{len(listing.pictures)} others, {listing.pictures[0]!r} for one", remedy)
    return files, listing.ignored.total() + len(listing.pictures) - len(files)


def split_names(files: Mapping[str, str]) -> dict[str, str] | None:
    """The split of each folder directly below, where all files are in folders of different splits and one is train."""
    folders = sorted({name.split("/")[0] if "/" in name else "" for name in files})
    splits = {folder: split_of(folder) or split_of(without_mask_words(folder)) for folder in folders}
    values = list(splits.values())
    return splits if "" not in values and "train" in values and len(set(values)) == len(values) else None


def without_mask_words(name: str) -> str:
    """The name of a folder of masks without the word that says what they are.

    >>> [without_mask_words(name) for name in ("trainannot", "Val_labels", "test")]
    ['train', 'val_', 'test']
    """
    lowered = name.lower()
    word = next((word for word in MASK_WORDS if lowered.endswith(word) or lowered.startswith(word)), "")
    return lowered.removesuffix(word).removeprefix(word)


def by_split(files: dict[str, str], splits: Mapping[str, str] | None) -> dict[str, str]:
    """The files by names that begin with their split."""
    if splits is None:
        return files
    cut = ((*name.split("/", 1), file) for name, file in files.items())
    return {f"{splits[folder]}/{rest}": file for folder, rest, file in cut}


def _require_partners(
    root: Path, partner_root: Path, noun: str, pictures: Mapping[str, str], files: Mapping[str, str], but: str
) -> None:
    """Refuses pictures without partners and partners without pictures, whose paths are the same but for something."""
    for one, others, what, where in (
        (pictures, files, f"a {noun} in {partner_root} for every picture in {root}", root),
        (files, pictures, f"a picture in {root} for every {noun} in {partner_root}", partner_root),
    ):
        if alone := sorted(set(one) - set(others)):
            raise DataError(
                what,
                f"none for {len(alone)} of {len(one)}, the first {str(where / one[alone[0]])!r}",
                f"A picture and its {noun} have the same path but for {but}. Move others away.",
            )


def require_equal_sizes(pairs: Sequence[Pair], noun: str, shape_of: Shape, remedy: str) -> None:
    """Refuses a partner that has not the size of its picture; reads headers alone, in threads.

    Args:
        pairs: The files.
        noun: What an error calls a partner.
        shape_of: Reads the size of a partner.
        remedy: What to do about another size.

    Raises:
        DataError: Of the first pair that differs.
    """

    def both(index: int) -> tuple[tuple[int, int], tuple[int, int]]:
        return file_shape(pairs[index].picture), shape_of(pairs[index].partner)

    for pair, (shape, size) in zip(pairs, in_threads(both, len(pairs)), strict=True):
        if shape != size:
            raise DataError(
                f"a {noun} of height {shape[0]} and width {shape[1]}, as its picture {pair.picture}, in {pair.partner}",
                f"height {size[0]}, width {size[1]}",
                remedy,
            )


def dataset_of_pairs(
    pairs: Mapping[str, Sequence[Pair]],
    reader: Reader,
    truth: Callable[[NDArray[np.int64]], Targets],
    *,
    split: Sequence[float],
    seed: int,
) -> Dataset:
    """The dataset of matched files.

    Args:
        pairs: Of each part, in the order of the reader's positions.
        reader: Of the pictures.
        truth: Positions → the truth of the examples there.
        split: As of `ck.data.folder`.
        seed: As there.
    """
    sources, first = {}, 0
    for part, members in pairs.items():
        positions = np.arange(first, first + len(members))
        sources[part] = Source(tuple(pair.id for pair in members), truth(positions), reader, positions)
        first += len(members)
    return as_dataset(arranged(sources, split=split, seed=seed))
