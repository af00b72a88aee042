"""Which kind of truth a folder of photographs holds, told by the names of its folders and files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from cnnkit.data.dataset import Dataset
from cnnkit.data.image_folder import folder
from cnnkit.data.mask_layouts import mask_folder, mask_layout
from cnnkit.data.point_folder import point_folder
from cnnkit.data.yolo_pictures import is_yolo, yolo
from cnnkit.errors import InputError

FolderKind = Literal["labels", "masks", "boxes", "points"]
READERS: dict[FolderKind, Callable[[Path, int], Dataset]] = {
    "labels": lambda path, seed: folder(path, seed=seed),
    "masks": lambda path, seed: mask_folder(path, seed=seed),
    "boxes": lambda path, seed: yolo(path, seed=seed),
    "points": lambda path, seed: point_folder(path, seed=seed),
}
"""Kind → what reads such a folder, with a seed of the split."""


def kind_of(path: Path) -> FolderKind:
    """Boxes in YOLO's text files, else masks in one of their layouts, else one folder per class.

    A folder of points looks like one of COCO's masks: it is asked for by name.
    """
    if is_yolo(path):
        return "boxes"
    return "labels" if mask_layout(path) is None else "masks"


def dataset_of(photos: Dataset | str | Path, *, seed: int) -> Dataset:
    """A dataset as it is; of a folder what `ck.data.folder`, `mask_folder` or `yolo` reads, as the folder looks.

    Raises:
        InputError: Something else.
        DataError: As of these.
    """
    if isinstance(photos, Dataset):
        return photos
    if not isinstance(photos, str | Path):
        raise InputError(
            "a dataset or the path of a folder",
            f"{type(photos).__name__}: {photos!r}"[:200],
            "ck.data.folder(path), ck.data.arrays(…) and others make a dataset; a part of one, photos.train, is none.",
        )
    path = Path(photos).expanduser()
    return READERS[kind_of(path)](path, seed)
