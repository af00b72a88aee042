"""What a command reads from its folder: photographs with a class each or per pixel, with boxes, or with points."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnkit.data.any_folder import FolderKind
    from cnnkit.data.dataset import Dataset
    from cnnkit.data.image_folder import Decode
    from cnnkit.transfer.network import Network

HEADLINES: dict[str, str] = {
    "labels": "accuracy",
    "tags": "accuracy",
    "masks": "mean_iou",
    "boxes": "AP50",
    "points": "oks",
}
"""Kind of truth → the score that is told first."""


def task_of(folder: Path, said: FolderKind | None) -> FolderKind:
    """What there is to learn of a folder: what the user says, else what the names of its folders say."""
    from cnnkit.data.any_folder import kind_of

    return kind_of(folder) if said is None else said


def read_for(network: Network, folder: Path, *, void: int, seed: int, decode: Decode = "exact") -> Dataset:
    """The dataset of a folder with the classes of a network, split by a seed as in its training."""
    import cnnkit as ck
    from cnnkit.data.mask_layouts import mask_layout
    from cnnkit.data.yolo_pictures import is_yolo

    kind = network.head.target.kind
    if kind == "points":
        return ck.data.point_folder(folder, seed=seed)
    if kind == "boxes":  # where a file names the classes its names are compared with the network's
        return ck.data.yolo(folder, classes=None if is_yolo(folder) else network.classes, seed=seed)
    if kind != "masks":
        return ck.data.folder(folder, seed=seed, classes=network.classes, decode=decode)
    layout = mask_layout(folder)
    named = layout is not None and layout.name in ("voc", "coco")  # which name their classes themselves
    return ck.data.mask_folder(folder, classes=None if named else values_of(network.classes), void=void, seed=seed)


def values_of(names: tuple[str, ...]) -> Any:
    """What stands in masks for the classes of a network: numbers and colours that gave a class its name, else places.

    >>> values_of(("3", "7")), values_of(("#ff0000",)), values_of(("sky", "road"))
    ({'3': 3, '7': 7}, {'#ff0000': (255, 0, 0)}, ['sky', 'road'])
    """
    if all(name.isdigit() for name in names):
        return {name: int(name) for name in names}
    if all(len(name) == 7 and name[0] == "#" for name in names):
        return {name: tuple(bytes.fromhex(name[1:])) for name in names}
    return list(names)
