"""What lies below a folder of photographs: its pictures, its class folders, and which folders are splits."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cnnkit.data.decode import EXTENSIONS, check_name
from cnnkit.data.split import split_of
from cnnkit.errors import DataError

# Endings of pictures, as telephones and scanners write them, that nothing here reads.
UNREADABLE = frozenset({".avif", ".jxl", ".jp2", ".dng", ".cr2", ".nef", ".arw"})
ARRANGEMENT = (
    "Arrange the pictures as <folder>/<class>/<picture>, or as <folder>/train/<class>/<picture> with "
    "validation and test beside train."
)


@dataclass(frozen=True)
class Listing:
    """What is below a folder, as sorted paths relative to it."""

    root: Path
    pictures: tuple[str, ...]
    folders: tuple[str, ...]
    ignored: Counter[str]  # by the ending of the name

    def below(self, folder: str) -> list[str]:
        """The pictures in a folder, at any depth."""
        return [file for file in self.pictures if file.startswith(f"{folder}/")]


def listed(root: Path) -> Listing:
    """What is below a folder: hidden names are passed over, links to folders are followed, each folder once.

    Raises:
        DataError: No folder, no pictures, or a folder that may not be read.
        ImageFileError: A name that is no UTF-8.
    """
    if not root.is_dir():
        raise DataError(f"a folder of pictures at {root}", "a file" if root.exists() else "nothing there", ARRANGEMENT)
    files: list[str] = []
    folders: list[str] = []
    ignored: Counter[str] = Counter()
    for directory, names, entries in _visible(root):
        below = PurePosixPath(Path(directory).relative_to(root).as_posix())
        folders += [str(below / name) for name in names]
        for entry in (*names, *entries):
            check_name(str(below / entry))
        for entry in entries:
            ending = Path(entry).suffix.lower()
            if ending in EXTENSIONS:
                files.append(str(below / entry))
            else:
                ignored[ending or "no ending"] += 1
    if not files:
        others = ", ".join(f"{count} of {ending}" for ending, count in ignored.most_common(5))
        raise DataError(
            f"pictures below {root}",
            f"none, but other files: {others}" if others else "none",
            f"Pictures end in {', '.join(sorted(EXTENSIONS))}. Convert others.",
        )
    _warn_of_unreadable(root, ignored)
    return Listing(root, tuple(sorted(files)), tuple(sorted(folders)), ignored)


def _warn_of_unreadable(root: Path, ignored: Counter[str]) -> None:
    passed = [f"{count} of {ending}" for ending, count in sorted(ignored.items()) if ending in UNREADABLE]
    if passed:
        text = (
            f"pictures below {root} that cnnkit cannot read are passed over: {', '.join(passed)}. Convert them to JPEG."
        )
        warnings.warn(text, stacklevel=2)


def _visible(root: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """`os.walk` without hidden names; links to folders are followed, each folder once."""
    seen = set()
    for directory, names, entries in os.walk(root, followlinks=True, onerror=_closed):
        state = Path(directory).stat()
        if (state.st_dev, state.st_ino) in seen:
            names.clear()
            continue
        seen.add((state.st_dev, state.st_ino))
        names[:] = [name for name in names if not name.startswith((".", "__MACOSX"))]
        yield directory, names, [entry for entry in entries if not entry.startswith(".")]


def _closed(error: OSError) -> None:
    raise DataError(
        f"to read the folder {error.filename}",
        error.strerror or str(error),
        "Give yourself permission to read it, or move it away: its pictures would be missing.",
    ) from error


def split_folders(listing: Listing, classes: Sequence[str] | None = None) -> dict[str, str]:
    """Split → the folder that holds its class folders; empty where the folder holds class folders itself.

    A folder is a split by its name (`split_of`) and by what it holds: a class of pictures may be called "train", beside
    "bus" and "car". What `classes` names is a class.

    Raises:
        DataError: Two folders for one split, no train, or pictures beside the splits.
    """
    top = sorted({file.split("/")[0] for file in listing.pictures if "/" in file})
    named = [name for name in top if split_of(name)]
    others = [name for name in top if name not in named]
    given = classes is not None and sorted(classes) == top
    if not named or given or (others and _are_classes(listing, named)):
        return {}
    splits = _splits_of(listing.root, named)
    if others:
        raise DataError(
            f"nothing beside {' and '.join(splits.values())} in {listing.root}",
            f"pictures in {others[0]!r}",
            "Move them away, or into a class folder of one of the splits. If all of these folders are classes, say so: "
            f"classes={top!r}.",
        )
    if "train" not in splits:
        raise DataError(f"a folder 'train' in {listing.root}", f"only {' and '.join(top)}", ARRANGEMENT)
    train = _looked_through(listing, splits["train"], ())
    known = _inside(listing, train)
    others_of = {split: _looked_through(listing, name, known) for split, name in splits.items()}
    found = {**others_of, "train": train}
    return {split: found[split] for split in ("train", "validation", "test") if split in found}


def _splits_of(root: Path, named: Sequence[str]) -> dict[str, str]:
    """Split → its folder; beside a folder for validation, and without one for test, `eval` is the test."""
    splits: dict[str, str] = {}
    without_test = not any(split_of(name) == "test" for name in named)
    for name in sorted(named, key=lambda name: ("eval" in name.lower(), name)):
        split = split_of(name)
        if split in splits and without_test and "eval" in name.lower():
            split = "test"
        if split in splits:
            raise DataError(f"one folder for {split} in {root}", f"{splits[split]!r} and {name!r}", "Keep one.")
        splits[split] = name
    return splits


def _are_classes(listing: Listing, named: Sequence[str]) -> bool:
    """Whether folders named like splits, beside others, are classes: none for train holds folders and nothing else."""
    trains = [name for name in named if split_of(name) == "train"]
    return not any(_inside(listing, name) and not (len(named) == 1 and _loose(listing, name)) for name in trains)


def _inside(listing: Listing, parent: str) -> set[str]:
    """The folders directly in `parent` that hold pictures."""
    depth = parent.count("/") + 1
    return {file.split("/")[depth] for file in listing.below(parent) if file.count("/") > depth}


def _looked_through(listing: Listing, split: str, known: Collection[str]) -> str:
    """The folder of class folders of a split: `seg_train/seg_train` where that is all that `seg_train` holds.

    Args:
        listing: Of the whole folder.
        split: The folder of the split.
        known: Classes of train: a split may hold one class only.
    """
    inside = _inside(listing, split)
    inner = f"{split}/{min(inside, default='')}"
    if len(inside) != 1 or inside <= set(known) or _loose(listing, split) or _loose(listing, inner):
        return split
    return inner


def _loose(listing: Listing, parent: str) -> bool:
    """Whether pictures lie directly in a folder."""
    return any(file.count("/") == parent.count("/") + 1 for file in listing.below(parent))


def refuse_hidden_splits(listing: Listing, parent: str, classes: Sequence[str] | None) -> None:
    """Refuses class folders that all hold the same folders: they are parts of a set, most often, and those the classes.

    Raises:
        DataError: They do, and `classes` does not say that they are classes.
    """
    names = sorted(_inside(listing, parent)) if parent else sorted({file.split("/")[0] for file in listing.pictures})
    prefix = f"{parent}/" if parent else ""
    inside = [_inside(listing, f"{prefix}{name}") for name in names]
    if classes is None and len(names) > 1 and len(inside[0]) > 1 and all(each == inside[0] for each in inside):
        raise DataError(
            f"class folders in {listing.root / parent}",
            f"{', '.join(names[:5])}, which all hold the same folders: {', '.join(sorted(inside[0])[:5])}",
            "Are they parts of the set? Rename them to train, validation and test; the folders inside are the classes. "
            f"If they are classes, say so: classes={names!r}.",
        )


def class_folders(listing: Listing, parent: str) -> dict[str, list[str]]:
    """Class → its pictures, for the class folders directly in `parent` (`""` is the root)."""
    prefix = f"{parent}/" if parent else ""
    inside = [file for file in listing.pictures if file.startswith(prefix)]
    loose = [file for file in inside if "/" not in file[len(prefix) :]]
    if loose:
        raise DataError(
            f"class folders in {listing.root / parent}",
            f"{len(loose)} pictures directly in it, the first {loose[0]!r}",
            ARRANGEMENT,
        )
    folders = [name[len(prefix) :] for name in listing.folders if name.startswith(prefix)]
    found: dict[str, list[str]] = {name: [] for name in folders if "/" not in name}
    for file in inside:
        found[file[len(prefix) :].split("/")[0]].append(file)
    return found
