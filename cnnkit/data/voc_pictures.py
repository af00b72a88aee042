"""Photographs in the folders of Pascal VOC: boxes or semantic maps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from cnnkit.data.arguments import names_of, one_of, path_of
from cnnkit.data.box_faults import clipped, usable
from cnnkit.data.dataset import SPLITS, Dataset
from cnnkit.data.decode import EXTENSIONS
from cnnkit.data.image_folder import FileReader
from cnnkit.data.mask_files import MaskReader
from cnnkit.data.mask_folders import require_masks_of_their_size
from cnnkit.data.matched_files import Pair
from cnnkit.data.palettes import Palette
from cnnkit.data.picture_header import file_shape
from cnnkit.data.source import Source
from cnnkit.data.split import DEFAULT_SPLIT, arranged, as_dataset
from cnnkit.data.targets.boxes import Boxes
from cnnkit.data.targets.masks import Masks
from cnnkit.data.targets.stored import Stored, in_threads
from cnnkit.data.targets.targets import Targets
from cnnkit.data.voc_file import VocFile, read_voc
from cnnkit.errors import DataError, unknown_name
from cnnkit.metrics.label_maps import VOID

# Everingham et al. 2010, "The Pascal Visual Object Classes (VOC) Challenge", table 1, in the order of the labels.
CLASSES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
    "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
BACKGROUND = "background"
Target = Literal["boxes", "masks"]
# Target → the folder of its annotations, their ending, and the folder of its lists.
FOLDERS = {
    "boxes": ("Annotations", ".xml", "Main"),
    "masks": ("SegmentationClass", ".png", "Segmentation"),
}
PICTURES, LISTS = "JPEGImages", "ImageSets"
# Part → names of its list.
PART_LISTS = {"train": "train", "validation": "val", "test": "test"}


def voc(
    folder: str | Path,
    *,
    target: Target = "boxes",
    classes: Sequence[str] | None = None,
    split: Sequence[float] = DEFAULT_SPLIT,
    seed: int = 0,
) -> Dataset:
    """Photographs in the folders of Pascal VOC: `JPEGImages`, `Annotations`, `SegmentationClass`, `ImageSets`.

    The lists `train.txt`, `val.txt` and `test.txt` of `ImageSets/Main` (boxes) or `ImageSets/Segmentation` (masks) are
    the parts of the dataset; as ever, `split` completes what they lack. Without lists every annotated picture is
    divided. Pixels are counted from 1 in the files: a box goes from xmin - 1 to xmax in continuous pixels.

    Boxes are cut off at the border of their picture. Left out, with a warning that names them: boxes outside their
    picture, and the second of two equal ones. Difficult objects are kept and marked.

    Args:
        folder: The folder that holds these, such as `VOCdevkit/VOC2012`.
        target: "boxes", or "masks": numbers 0 for the background, 1 … for the classes, 255 for void, as of the palette.
        classes: The names in the order of their labels; by default VOC's twenty.
        split: The shares of train, validation and test, where there are no lists of them.
        seed: Another seed, another split.

    Returns:
        The dataset; ids are names of pictures without suffix, as in the lists.

    Raises:
        UnknownNameError: An object of no class, or another target.
        DataError: A folder or a file that is missing, a name twice in the lists, an XML file with a document type or a
            box that is none, a mask or a picture of another size. The message names the file.
        ImageFileError: A picture or a mask that is none, or a mask that cannot hold classes.
    """
    one_of(target, "a target of VOC", FOLDERS)
    root = path_of(folder, "the folder of Pascal VOC")
    names = CLASSES if classes is None else names_of(classes, "classes")
    annotations, ending, lists = FOLDERS[target]
    for needed in (PICTURES, annotations):
        if not (root / needed).is_dir():
            remedy = f"Give the folder that holds {PICTURES} and {annotations}, such as VOCdevkit/VOC2012."
            raise DataError(f"a folder {needed} in {root}", "none", remedy)
    parts = _listed_parts(root, lists)
    if not parts:
        parts = {"train": sorted(file.stem for file in (root / annotations).glob(f"*{ending}"))}
    ids = [name for part in parts.values() for name in part]
    if not ids:
        raise DataError(f"files *{ending} in {root / annotations}", "none", "Give the folder of the annotations.")
    pictures = _pictures(root, ids)
    files = [root / annotations / f"{name}{ending}" for name in ids]
    truth: Targets = _boxes(root, pictures, files, names) if target == "boxes" else _masks(root, pictures, files, names)
    whole = Source(tuple(ids), truth, FileReader(root, tuple(pictures)), np.arange(len(ids)))
    stops = np.cumsum([0, *map(len, parts.values())]).tolist()
    sources = {
        part: whole.take(np.arange(first, stop)) for part, first, stop in zip(parts, stops[:-1], stops[1:], strict=True)
    }
    return as_dataset(arranged(sources, split=split, seed=seed))


def _listed_parts(root: Path, lists: str) -> dict[str, list[str]]:
    """The names in each list that exists; the first word of a line."""
    parts: dict[str, list[str]] = {}
    part_of: dict[str, str] = {}
    for part, name in PART_LISTS.items():
        file = root / LISTS / lists / f"{name}.txt"
        if not file.is_file():
            continue
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise DataError(f"a list of names in {file}", str(error), "One name per line.") from error
        parts[part] = [line.split()[0] for line in lines if line.split()]
        for each in parts[part]:
            if each in part_of:
                received = f"{each!r} in {part_of[each]} and in {part}"
                raise DataError(f"every name once in the lists of {root / LISTS / lists}", received, "Remove one.")
            part_of[each] = part
    parts = {part: names for part, names in parts.items() if names}
    if parts and "train" not in parts:
        raise DataError(f"names in {root / LISTS / lists / 'train.txt'}", "none", "Add the list, or remove the others.")
    return {part: parts[part] for part in SPLITS if part in parts}


def _pictures(root: Path, ids: Sequence[str]) -> list[str]:
    """The path of each picture below the root."""
    by_name: dict[str, str] = {}
    for file in sorted((root / PICTURES).iterdir()):
        if file.suffix.lower() in EXTENSIONS:
            by_name.setdefault(file.stem, f"{PICTURES}/{file.name}")
    if missing := [name for name in ids if name not in by_name]:
        received = f"none for {len(missing)} of {len(ids)}, the first {missing[0]!r}"
        raise DataError(f"a picture for every name in {root / PICTURES}", received, "Add it, or take it from the list.")
    return [by_name[name] for name in ids]


def _masks(root: Path, pictures: Sequence[str], files: Sequence[Path], names: Sequence[str]) -> Masks:
    require_masks_of_their_size(
        [Pair(file.stem, str(root / picture), str(file)) for picture, file in zip(pictures, files, strict=True)]
    )
    numbered = (BACKGROUND, *(name for name in names if name != BACKGROUND))
    palette = Palette(numbered, tuple(range(len(numbered))), (VOID,))
    return Masks(numbered, Stored(MaskReader(Path(), tuple(map(str, files)), palette), np.arange(len(files))))


def _boxes(root: Path, pictures: Sequence[str], files: Sequence[Path], names: Sequence[str]) -> Boxes:
    def both(index: int) -> tuple[VocFile, tuple[int, int]]:
        return read_voc(files[index]), file_shape(root / pictures[index])

    pairs = in_threads(both, len(files))
    label_of = {name: label for label, name in enumerate(names)}
    for file, picture, (content, shape) in zip(files, pictures, pairs, strict=True):
        if all(content.shape) and content.shape != shape:
            received = f"height {shape[0]}, width {shape[1]}, upright"
            expected = f"height {content.shape[0]} and width {content.shape[1]} of {root / picture}, as in {file}"
            raise DataError(expected, received, "Give the picture that was annotated, or correct the size.")
        for thing in content.things:
            if thing.name not in label_of:
                raise unknown_name(f"a class in {file}", thing.name, names, "the argument classes")
    things = [thing for content, _ in pairs for thing in content.things]
    owners = np.repeat(np.arange(len(files)), [len(content.things) for content, _ in pairs])
    boxes = np.array([thing.box for thing in things], np.float64).reshape(-1, 4)
    labels = np.array([label_of[thing.name] for thing in things], np.int64)
    shapes = np.array([shape for _, shape in pairs], np.int64).reshape(-1, 2)[owners]

    def called(place: int) -> str:
        return f"{things[place].name} of {files[owners[place]].name}"

    nobody = np.zeros(len(things), np.bool_)
    places = usable(boxes, labels, owners, shapes, crowd=nobody, name=called, where=str(root))
    difficult = np.array([things[place].difficult for place in places.tolist()], np.bool_)
    return Boxes(
        names=tuple(names),
        boxes=clipped(boxes[places], shapes[places]),
        labels=labels[places],
        starts=np.cumsum([0, *np.bincount(owners[places], minlength=len(files)).tolist()]),
        difficult=difficult if difficult.any() else None,
    )
