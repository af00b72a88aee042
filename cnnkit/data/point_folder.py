"""A folder of photographs with COCO's keypoints, as a dataset of points: one thing per photograph."""

from __future__ import annotations

from pathlib import Path

from cnnkit.data.arguments import path_of
from cnnkit.data.coco_images import coco
from cnnkit.data.dataset import Dataset
from cnnkit.errors import DataError

# A folder of this name holds the photographs, where there are several.
PICTURES = "images"


def point_folder(folder: str | Path, *, seed: int = 0) -> Dataset:
    """Photographs with the points of their largest person, or of another thing.

    Args:
        folder: With one file `*keypoints*.json` in COCO's format, in it or in its folder `annotations`, and the
            photographs in the one other folder, or in `images`.
        seed: Another seed, another split.

    Returns:
        `ck.data.coco(images, annotations, target="points")` of these.

    Raises:
        DataError: No such file or folder, or several; and as of `ck.data.coco`.
    """
    root = path_of(folder, "a folder of photographs with keypoints")
    files = [*root.glob("*keypoints*.json"), *(root / "annotations").glob("*keypoints*.json")]
    places = [place for place in root.iterdir() if place.is_dir() and place.name != "annotations"] if files else []
    places = [place for place in places if place.name == PICTURES] or places
    if len(files) != 1 or len(places) != 1:
        raise DataError(
            f"one file *keypoints*.json and one folder of photographs in {root}",
            f"{len(files)} such files" if len(files) != 1 else f"{len(places)} folders",
            "ck.data.coco(images, annotations, target='points') takes both by name.",
        )
    return coco(places[0], files[0], target="points", seed=seed)
