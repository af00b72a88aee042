"""Photographs and their masks in two folders, matched by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from cnnkit.data.arguments import listed as parts_of
from cnnkit.data.arguments import path_of, said
from cnnkit.data.dataset import SPLITS, Dataset
from cnnkit.data.folder_layout import listed
from cnnkit.data.image_folder import FileReader
from cnnkit.data.mask_files import MaskReader, mask_shape, raw_mask
from cnnkit.data.palettes import Colour, Palette, Value, colour_of, palette_of
from cnnkit.data.picture_header import file_shape
from cnnkit.data.source import Source
from cnnkit.data.split import DEFAULT_SPLIT, arranged, as_dataset, split_of
from cnnkit.data.targets.masks import Masks
from cnnkit.data.targets.stored import Stored, in_threads
from cnnkit.errors import DataError, InputError
from cnnkit.metrics.label_maps import VOID

# What else the folder of a split's masks is called than its split: trainannot, val_labels.
MASK_WORDS = ("annotations", "annotation", "annot", "masks", "mask", "labels", "label", "gt")
Folder = str | Path
Folders = Folder | Mapping[str, Folder]
Classes = Sequence[str] | Mapping[str, int] | Mapping[str, Colour] | None
Void = int | Colour | list[int | Colour] | None


def masks(
    images: Folders,
    masks: Folders,
    classes: Classes,
    *,
    void: Void = VOID,
    endings: tuple[str, str] = ("", ""),
    split: Sequence[float] = DEFAULT_SPLIT,
    seed: int = 0,
) -> Dataset:
    """Photographs with one class per pixel, of two folders.

    A mask has the path of its picture, below the other folder, but for the ending of the file: `street/1.jpg` and
    `street/1.png`. Folders `train`, `validation` and `test` directly below (under any name that `ck.data.folder`
    knows; those of masks may be called `trainannot`, `val_labels` and the like too) are the parts of the dataset.
    Otherwise `split` and `seed` divide the pictures, in proportion of the classes that their masks show.

    Masks are decoded when they are asked for, and to divide the pictures. Their headers are read at once: every mask
    is there, has the size of its picture (upright), and is a file that can hold classes.

    Args:
        images: The folder of the pictures; or one folder per part: `{"train": …, "validation": …, "test": …}`.
        masks: The folder of the masks; or one folder per part. Grey, indexed or RGB files that keep every value: PNG,
            BMP, TIFF, of 8 bits or fewer.
        classes: The names, whose places are the numbers in the masks; or name → number in the masks, 0…255; or name →
            (red, green, blue), which the masks or their palettes show. None: a class for each number or colour that
            occurs, named like it; reads all masks.
        void: What stands for pixels of which nothing is known: a number, a tuple (red, green, blue), a list of several,
            or None. The default 255 may be a class all the same.
        endings: What stands between a name and the suffix of the file, of pictures and of masks: `("", "_L")` for
            `a.png` and `a_L.png`. Files that end otherwise are passed over; the two folders may then be one.
        split: The shares of train, validation and test, as for `ck.data.folder`.
        seed: Another seed, another split.

    Returns:
        The dataset; ids are paths of pictures below `images`, of one folder per part with its name before them.

    Raises:
        InputError: Classes or void that are neither of these, or that mean the same value.
        DataError: No pictures; a picture without a mask, a mask without a picture, two of one name, one of another
            size; and when masks are read, a number or colour that is neither a class nor void.
        ImageFileError: A mask in a JPEG, of 16 bits, transparent, or damaged; a picture that is none.

    >>> photos = masks("camvid/images", "camvid/masks", ["sky", "road"], void=11)  # doctest: +SKIP
    """
    palette = None if classes is None else palette_of(classes, void)
    pairs, ignored = _pairs(_folders(images, "pictures"), _folders(masks, "masks"), _endings(endings))
    files = [pair for part in pairs.values() for pair in part]
    if palette is None:
        palette = _palette_of_files([pair.mask for pair in files], palette_of(["any"], void).void)
    require_equal_sizes(files)
    reader = FileReader(Path(), tuple(pair.picture for pair in files))
    mask_reader = MaskReader(Path(), tuple(pair.mask for pair in files), palette)
    sources, first = {}, 0
    for part, members in pairs.items():
        positions = np.arange(first, first + len(members))
        truth = Masks(palette.names, Stored(mask_reader, positions))
        sources[part] = Source(tuple(pair.id for pair in members), truth, reader, positions)
        first += len(members)
    return replace(as_dataset(arranged(sources, split=split, seed=seed)), ignored=ignored)


@dataclass(frozen=True)
class Pair:
    """The files of a picture and of its mask, and the id of the example."""

    id: str
    picture: str
    mask: str


def _folders(value: object, what: str) -> dict[str, Path]:
    """Part → its folder; "" is a folder that may hold those of the parts."""
    if not isinstance(value, Mapping):
        return {"": path_of(value, f"a folder of {what}")}
    folders = {split_of(name) if isinstance(name, str) else "": folder for name, folder in value.items()}
    if "" in folders or len(folders) != len(value) or "train" not in folders:
        expected = f"a folder of {what}, or one each for train, validation and test"
        raise InputError(expected, said(dict(value)), 'For example {"train": "a", "validation": "b"}.')
    return {part: path_of(folders[part], f"a folder of {what}") for part in SPLITS if part in folders}


def _endings(value: object) -> tuple[str, str]:
    two = parts_of(value)
    if two is None or len(two) != 2 or not all(isinstance(ending, str) for ending in two):
        raise InputError("endings as two texts, of pictures and of masks", said(value), 'For example ("", "_mask").')
    return two[0], two[1]


def _pairs(
    images: Mapping[str, Path], masks: Mapping[str, Path], endings: tuple[str, str]
) -> tuple[dict[str, list[Pair]], int]:
    """The pairs of each part in order, and how many other files there are."""
    if set(images) != set(masks):
        expected = "pictures and masks in one folder each, or both in one folder per part"
        received = " and ".join(str([part or "one folder" for part in folders]) for folders in (images, masks))
        raise InputError(expected, received, 'For example images={"train": …}, masks={"train": …}.')
    pairs: dict[str, list[Pair]] = {}
    ignored = 0
    for part, root in images.items():
        same = root.resolve() == masks[part].resolve()
        pictures, passed = _files(root, endings[0], endings[1] if same else "")
        files, others = _files(masks[part], endings[1], "")
        ignored += passed + (0 if same else others)
        splits = None if part else _split_names(pictures)
        pictures, files = _by_split(pictures, splits), _by_split(files, splits and _split_names(files))
        _require_partners(root, masks[part], pictures, files)
        for name in sorted(pictures):
            pair = Pair(f"{part}/{pictures[name]}" if part else pictures[name],
                        str(root / pictures[name]), str(masks[part] / files[name]))  # fmt: skip
            pairs.setdefault(part or (name.split("/")[0] if splits else "train"), []).append(pair)
    return {part: pairs[part] for part in SPLITS if part in pairs}, ignored


def _files(root: Path, ending: str, other: str) -> tuple[dict[str, str], int]:
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
        raise DataError(expected, f"{len(listing.pictures)} others, {listing.pictures[0]!r} for one", "See `endings`.")
    return files, listing.ignored.total() + len(listing.pictures) - len(files)


def _split_names(files: Mapping[str, str]) -> dict[str, str] | None:
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


def _by_split(files: dict[str, str], splits: Mapping[str, str] | None) -> dict[str, str]:
    """The files by names that begin with their split."""
    if splits is None:
        return files
    cut = ((*name.split("/", 1), file) for name, file in files.items())
    return {f"{splits[folder]}/{rest}": file for folder, rest, file in cut}


def _require_partners(root: Path, mask_root: Path, pictures: Mapping[str, str], files: Mapping[str, str]) -> None:
    """Refuses pictures without masks and masks without pictures."""
    for one, others, what, where in (
        (pictures, files, "a mask in {mask_root} for every picture in {root}", root),
        (files, pictures, "a picture in {root} for every mask in {mask_root}", mask_root),
    ):
        if alone := sorted(set(one) - set(others)):
            raise DataError(
                what.format(root=root, mask_root=mask_root),
                f"none for {len(alone)} of {len(one)}, the first {str(where / one[alone[0]])!r}",
                "A picture and its mask have the same path but for the suffix; see `endings`. Move others away.",
            )


def require_equal_sizes(pairs: Sequence[Pair]) -> None:
    """Refuses a mask that has not the size of its picture; reads headers alone, in threads."""

    def both(index: int) -> tuple[tuple[int, int], tuple[int, int]]:
        return file_shape(pairs[index].picture), mask_shape(Path(pairs[index].mask))

    for pair, (shape, size) in zip(pairs, in_threads(both, len(pairs)), strict=True):
        if shape != size:
            raise DataError(
                f"a mask of height {shape[0]} and width {shape[1]}, as its picture {pair.picture}, in {pair.mask}",
                f"height {size[0]}, width {size[1]}",
                "Resize it with nearest neighbours. Pictures are turned as their EXIF data says; masks never are.",
            )


def _palette_of_files(paths: Sequence[str], void: tuple[Value, ...]) -> Palette:
    """One class for each number that occurs; for each colour, where any file holds colours."""

    def of_file(index: int) -> tuple[list[int], list[int]]:
        raw = raw_mask(Path(paths[index]))
        if raw.numbers is None:
            return [], np.unique(raw.codes).tolist()
        numbers = np.unique(raw.numbers)
        return numbers.tolist(), raw.codes[numbers[numbers < len(raw.codes)]].tolist()

    each = in_threads(of_file, len(paths))
    if all(numbers for numbers, _ in each):
        values: list[Value] = sorted({number for numbers, _ in each for number in numbers} - set(void))
        return Palette(tuple(map(str, values)), tuple(values), void)
    unknown = {(value,) * 3 if isinstance(value, int) else value for value in void}
    colours = sorted({colour_of(code) for _, codes in each for code in codes} - unknown)
    return Palette(tuple("#{:02x}{:02x}{:02x}".format(*colour) for colour in colours), tuple(colours), void)
