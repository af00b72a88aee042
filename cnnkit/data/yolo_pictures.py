"""Photographs with the text files of YOLO beside them: boxes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from cnnkit.data.arguments import names_of, path_of
from cnnkit.data.box_faults import clipped, usable
from cnnkit.data.dataset import SPLITS, Dataset
from cnnkit.data.folder_layout import listed
from cnnkit.data.image_folder import FileReader, unreadable
from cnnkit.data.source import Source
from cnnkit.data.split import DEFAULT_SPLIT, arranged, as_dataset, split_of
from cnnkit.data.targets.boxes import Boxes
from cnnkit.data.targets.stored import in_threads
from cnnkit.data.yolo_files import NAME_FILES, class_names, read_yolo
from cnnkit.errors import DataError

PICTURES, LABELS = "images", "labels"
ARRANGEMENT = (
    "Arrange them as images/train/ and labels/train/ with val/ and test/ beside train/, as images/ and labels/, or as "
    "train/images/ and train/labels/."
)


def yolo(
    folder: str | Path,
    *,
    classes: Sequence[str] | None = None,
    split: Sequence[float] = DEFAULT_SPLIT,
    seed: int = 0,
) -> Dataset:
    """Photographs with boxes in the text files of YOLO: `labels/a.txt` for `images/a.jpg`.

    Each line of a file is a box: the number of its class, then the centre x, the centre y, the width and the height, as
    parts of the picture's width and height (0…1). A picture without a file, or with an empty one, has no boxes.

    The parts of the dataset are folders below `images` and `labels` (`images/train2017`, `labels/train2017`), or the
    folders that hold these two (`train/images`, `train/labels`), under any name that `ck.data.folder` knows; paths in
    `data.yaml` are not looked at. Without parts all pictures are divided.

    Boxes are cut off at the border of their picture. Left out, with a warning that names file and line: boxes without
    area, boxes outside their picture, and the second of two equal ones. YOLO's files mark neither crowds nor difficult
    things.

    Args:
        folder: The folder that holds these.
        classes: The names in the order of their numbers; by default those of `data.yaml` or, one a line, of
            `classes.txt` in the folder.
        split: The shares of train, validation and test, where no folders are these.
        seed: Another seed, another split.

    Returns:
        The dataset; ids are paths of pictures below the folder.

    Raises:
        DataError: Another arrangement, no names, two classes of one name, no file of boxes at all, one without a
            picture, two pictures of one; a line that is no box, such as NaN, a negative side, pixels, a polygon or a
            class without a name. The message names the file and the line.
        ImageFileError: A file that is no picture.

    >>> photos = yolo("coco128/")  # doctest: +SKIP
    """
    root = path_of(folder, "the folder of YOLO's files")
    names = None if classes is None else names_of(classes, "classes")
    listing = listed(root)
    parts = _parts(root, listing.pictures)
    names = class_names(root) if names is None else names
    ids = [name for part in parts.values() for name in part]
    files = [root / _text_of(name) for name in ids]
    _require_pairs(root, ids, files)
    reader = FileReader(root, tuple(ids))
    unreadable(reader, "raise")
    whole = Source(tuple(ids), _boxes(reader, files, names), reader, np.arange(len(ids)))
    stops = np.cumsum([0, *map(len, parts.values())]).tolist()
    sources = {part: whole.take(np.arange(stops[place], stops[place + 1])) for place, part in enumerate(parts)}
    return as_dataset(arranged(sources, split=split, seed=seed))


def is_yolo(root: Path) -> bool:
    """Whether a folder holds text files of boxes in `labels`, and a file that names their classes; reads no file."""
    named = any((root / name).is_file() for name in NAME_FILES)
    return named and next(_text_files(root), None) is not None


def _parts(root: Path, pictures: Sequence[str]) -> dict[str, list[str]]:
    """Part → paths of its pictures, as the folders say it; "train" alone where no folders are parts."""
    found: dict[str, list[str]] = {part: [] for part in SPLITS}
    beside: list[str] = []
    for name in pictures:
        steps = PurePosixPath(name).parts[:-1]
        if PICTURES not in steps[:2]:
            continue
        others = [step for step in steps[:2] if step != PICTURES]
        part = split_of(others[0]) if others else ""
        if steps[0] != PICTURES and not part:
            continue
        (found[part] if part else beside).append(name)
    parts = {part: names for part, names in found.items() if names}
    if parts and beside:
        received = f"{beside[0]} beside them"
        raise DataError(f"every picture in one of the parts {', '.join(parts)} of {root}", received, "Move it there.")
    if (parts or beside) and "train" not in (parts or {"train": beside}):
        raise DataError(f"pictures to train on in {root}", f"only those of {', '.join(parts)}", ARRANGEMENT)
    if not parts and not beside:
        raise DataError(f"pictures in {root / PICTURES}", f"others, such as {pictures[0]}", ARRANGEMENT)
    return parts or {"train": beside}


def _text_of(picture: str) -> str:
    """The path of the file of boxes that belongs to a picture: the first `images` becomes `labels`."""
    steps = list(PurePosixPath(picture).parts)
    steps[steps.index(PICTURES)] = LABELS
    return str(PurePosixPath(*steps).with_suffix(".txt"))


def _text_files(root: Path) -> Iterator[Path]:
    """All files of boxes below a folder."""
    for place in (root / LABELS, *sorted(root.glob(f"*/{LABELS}"))):
        yield from (file for file in place.rglob("*.txt") if file.name != "classes.txt")


def _require_pairs(root: Path, ids: Sequence[str], files: Sequence[Path]) -> None:
    """Refuses two pictures of one file, files without a picture, and folders without any file."""
    owner: dict[Path, str] = {}
    for name, file in zip(ids, files, strict=True):
        if file in owner:
            raise DataError(f"one picture for {file}", f"{owner[file]} and {name}", "Remove one, or rename both.")
        owner[file] = name
    present = set(_text_files(root))
    if not present:
        raise DataError(f"files of boxes in {root}", f"no *.txt in a folder {LABELS}", ARRANGEMENT)
    if alone := sorted(present - set(owner)):
        received = f"none for {len(alone)}, the first {alone[0]}"
        raise DataError(f"a picture for each file of boxes in {root}", received, "Add it, or remove the file.")


def _boxes(reader: FileReader, files: Sequence[Path], names: tuple[str, ...]) -> Boxes:
    contents = in_threads(lambda index: read_yolo(files[index], names), len(files))
    sides = np.array(in_threads(reader.shape, len(files)), np.int64).reshape(-1, 2)
    owners = np.repeat(np.arange(len(files)), [len(content.labels) for content in contents])
    lines = np.concatenate([content.lines for content in contents])
    labels = np.concatenate([content.labels for content in contents])
    shapes = sides[owners]
    middle, size = np.split(
        np.concatenate([content.boxes for content in contents]) * shapes[:, [1, 0, 1, 0]], 2, axis=1
    )
    corners = np.concatenate([middle - size / 2, middle + size / 2], axis=1)

    def called(place: int) -> str:
        return f"line {lines[place]} of {files[owners[place]].relative_to(reader.root)}"

    nobody = np.zeros(len(labels), np.bool_)
    places = usable(corners, labels, owners, shapes, crowd=nobody, name=called, where=str(reader.root))
    return Boxes(
        names=names,
        boxes=clipped(corners[places], shapes[places]),
        labels=labels[places],
        starts=np.cumsum([0, *np.bincount(owners[places], minlength=len(files)).tolist()]),
    )
