"""Photographs with masks below one folder, in any of the layouts that are handed around, told by the folders' names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cnnkit.data.arguments import path_of
from cnnkit.data.coco_images import coco
from cnnkit.data.dataset import Dataset
from cnnkit.data.mask_folders import Classes, Void, masks
from cnnkit.data.matched_files import without_mask_words
from cnnkit.data.split import DEFAULT_SPLIT, split_of
from cnnkit.data.voc_pictures import voc
from cnnkit.errors import DataError, InputError
from cnnkit.metrics.label_maps import VOID

# What the folders of pictures and of their masks are called, in lower case.
PICTURES = ("images", "image", "imgs", "img", "pictures", "photos", "jpegimages")
MASKS = ("masks", "mask", "annotations", "annots", "labels", "groundtruth", "gt", "segmentations", "segmentationclass")
CLASS_FILES = ("classes.txt", "codes.txt", "labels.txt")
ARRANGEMENT = (
    "Arrange them as images/ and masks/, or as train/ and trainannot/ with val/ and valannot/ beside; "
    "ck.data.masks takes any two folders."
)


@dataclass(frozen=True)
class Found:
    """A layout that a folder has.

    Attributes:
        name: What it is called.
        read: Makes the dataset of (classes, void, split, seed).
    """

    name: str
    read: Callable[[Classes, Void, Sequence[float], int], Dataset]


def mask_folder(
    folder: str | Path,
    *,
    classes: Classes = None,
    void: Void = VOID,
    split: Sequence[float] = DEFAULT_SPLIT,
    seed: int = 0,
) -> Dataset:
    """Photographs with one class per pixel, below one folder.

    The first of these layouts that the folder has:

    * Pascal VOC: `JPEGImages/`, `SegmentationClass/` and, if there are any, the lists of `ImageSets/`;
    * COCO: one JSON file in the folder or in `annotations/`, and a folder of pictures;
    * `images/` and `masks/`, under these or similar names, both with `train/`, `val/` … below or without;
    * `train/` and `trainannot/`, `val/` and `valannot/`, … as CamVid has them;
    * `train/images/` and `train/masks/`, `val/images/` …

    Args:
        folder: The folder.
        classes: As of `ck.data.masks`; by default one a line of `classes.txt` or `codes.txt` in the folder, else what
            the masks show. VOC and COCO name their own.
        void: As of `ck.data.masks`.
        split: The shares of train, validation and test, where no folders say them.
        seed: Another seed, another split.

    Raises:
        DataError: No such layout; or as of `ck.data.masks`, `ck.data.voc` and `ck.data.coco`.
        ImageFileError: As of `ck.data.masks`.
    """
    root = path_of(folder, "a folder of photographs and masks")
    found = mask_layout(root)
    if found is None:
        below = sorted(place.name for place in root.iterdir())[:8] if root.is_dir() else []
        raise DataError(f"photographs and masks below {root}", ", ".join(below) or "nothing there", ARRANGEMENT)
    return found.read(classes, void, split, seed)


def mask_layout(root: Path) -> Found | None:
    """The layout of masks that a folder has, if any; looks at names alone."""
    if not root.is_dir():
        return None
    return next((found for layout in LAYOUTS if (found := layout(root)) is not None), None)


# ---- Layouts ----


def _voc(root: Path) -> Found | None:
    if not (root / "JPEGImages").is_dir() or not (root / "SegmentationClass").is_dir():
        return None

    def read(classes: Classes, void: Void, split: Sequence[float], seed: int) -> Dataset:
        return voc(root, target="masks", classes=_names(classes), split=split, seed=seed)

    return Found("voc", read)


def _coco(root: Path) -> Found | None:
    files = [*root.glob("*.json"), *(root / "annotations").glob("*.json")]
    pictures = [place for place in _folders(root) if place.name != "annotations"]
    named = [place for place in pictures if place.name.lower() in PICTURES] or pictures
    if len(files) != 1 or len(named) != 1:
        return None

    def read(classes: Classes, void: Void, split: Sequence[float], seed: int) -> Dataset:
        return coco(named[0], files[0], target="masks", classes=_names(classes), split=split, seed=seed)

    return Found("coco", read)


def _two_folders(root: Path) -> Found | None:
    two = _pictures_and_masks(root)
    return None if two is None else _of_masks(root, "images and masks", *two)


def _parts(root: Path) -> Found | None:
    """`train` beside `trainannot`, or each part with two folders of its own."""
    pictures: dict[str, Path] = {}
    files: dict[str, Path] = {}
    for place in _folders(root):
        part, of_masks = split_of(place.name), split_of(without_mask_words(place.name))
        two = _pictures_and_masks(place) if part else None
        if two is not None:
            pictures[part], files[part] = two
        elif part:
            pictures.setdefault(part, place)
        elif of_masks:
            files[of_masks] = place
    if "train" not in files or set(pictures) != set(files):
        return None
    return _of_masks(root, "parts", pictures, files)


LAYOUTS: tuple[Callable[[Path], Found | None], ...] = (_voc, _coco, _two_folders, _parts)
"""In the order in which they are tried."""


def _of_masks(root: Path, name: str, pictures: Path | dict[str, Path], files: Path | dict[str, Path]) -> Found:
    def read(classes: Classes, void: Void, split: Sequence[float], seed: int) -> Dataset:
        chosen = _listed_classes(root) if classes is None else classes
        return masks(pictures, files, chosen, void=void, split=split, seed=seed)

    return Found(name, read)


def _pictures_and_masks(root: Path) -> tuple[Path, Path] | None:
    """The one folder of pictures and the one of masks, if there are such."""
    folders = {place.name.lower(): place for place in _folders(root)}
    pictures = [folders[name] for name in PICTURES if name in folders]
    files = [folders[name] for name in MASKS if name in folders]
    return (pictures[0], files[0]) if len(pictures) == len(files) == 1 else None


def _folders(root: Path) -> list[Path]:
    return sorted(place for place in root.iterdir() if place.is_dir() and not place.name.startswith("."))


def _listed_classes(root: Path) -> list[str] | None:
    """The lines of a file of class names, if there is one."""
    for name in CLASS_FILES:
        if (root / name).is_file():
            lines = (root / name).read_text(encoding="utf-8").splitlines()
            return [line.strip() for line in lines if line.strip()]
    return None


def _names(classes: Classes) -> Sequence[str] | None:
    """Names alone, as VOC and COCO take them.

    Raises:
        InputError: Names with numbers or colours.
    """
    if classes is None or isinstance(classes, list | tuple):
        return classes
    raise InputError("classes as a list of names", repr(classes)[:100], "VOC and COCO have numbers of their own.")
