"""Scenes in COCO's format: pictures, `instances.json`, `person_keypoints.json`.

The format is https://cocodataset.org/#format-data. Segmentations are uncompressed run lengths, column by column
from the top left, beginning with the length of the first run of zeros, so that no pixel of the mask is lost.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cnnkit.scenes.annotations import Scene
from cnnkit.scenes.parts import check_count
from cnnkit.scenes.picture_files import check_suffix, write_picture
from cnnkit.scenes.scene_drawing import render_scenes
from cnnkit.scenes.semantics import CATEGORIES
from cnnkit.scenes.skeleton import BONES, KEYPOINTS

Json = dict[str, Any]


def run_lengths(mask: npt.NDArray[np.bool_]) -> Json:
    """A mask (height, width) as COCO's uncompressed RLE.

    >>> run_lengths(np.array([[0, 1], [0, 1]], bool))
    {'size': [2, 2], 'counts': [2, 2]}
    """
    flat = mask.T.ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    counts = np.diff(np.concatenate(([0], changes, [flat.size]))).tolist()
    return {"size": list(mask.shape), "counts": ([0] if flat[0] else []) + counts}


def write_coco(folder: str | Path, n: int, seed: int = 0, *, size: int = 160, suffix: str = "jpg") -> Path:
    """Writes the first n scenes of a series with their annotations.

    Args:
        folder: Gets `images/scene-<seed>-<index>.<suffix>`, `instances.json` (all categories) and
            `person_keypoints.json` (people only). It is made if it is missing.
        n: How many scenes.
        seed: Which series.
        size: Side in pixels.
        suffix: "jpg" or "png".

    Returns:
        The folder.

    Raises:
        InputError: n below 1, or what `render_scene` refuses.
        UnknownNameError: Another suffix.
    """
    check_count(n)
    check_suffix(suffix)
    root = Path(folder)
    (root / "images").mkdir(parents=True, exist_ok=True)
    images: list[Json] = []
    instances: list[Json] = []
    people: list[Json] = []
    for index, scene in enumerate(render_scenes(n, seed, size=size)):
        name = f"scene-{seed}-{index:06d}.{suffix}"
        write_picture(root / "images" / name, scene.image)
        images.append({"id": index + 1, "file_name": name, "width": size, "height": size})
        for row in range(len(scene.categories)):
            entry = _instance(scene, row, len(instances) + 1, index + 1)
            instances.append(entry)
            if scene.categories[row] == "person":
                people.append(entry | _keypoints(scene.keypoints[row]))
    info = {"description": "cnnkit drawn scenes", "version": "1.0", "contributor": f"cnnkit, seed {seed}"}
    licence = {"id": 1, "name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"}
    head = {"info": info, "licenses": [licence], "images": images}
    names = [{"id": number, "name": name, "supercategory": "thing"} for name, number in CATEGORIES.items()]
    person = {"id": 1, "name": "person", "supercategory": "person", "keypoints": list(KEYPOINTS),
              "skeleton": [list(bone) for bone in BONES]}  # fmt: skip
    _write(root / "instances.json", head | {"annotations": instances, "categories": names})
    _write(root / "person_keypoints.json", head | {"annotations": people, "categories": [person]})
    return root


def _instance(scene: Scene, row: int, number: int, image: int) -> Json:
    return {
        "id": number,
        "image_id": image,
        "category_id": CATEGORIES[scene.categories[row]],
        "bbox": [float(value) for value in scene.boxes[row]],
        "area": float(scene.masks[row].sum()),
        "segmentation": run_lengths(scene.masks[row]),
        "iscrowd": 0,
    }


def _keypoints(table: npt.NDArray[np.float32]) -> Json:
    flat = [float(value) if column < 2 else int(value) for x in table for column, value in enumerate(x)]
    return {"keypoints": flat, "num_keypoints": int((table[:, 2] > 0).sum())}


def _write(path: Path, content: Json) -> None:
    path.write_text(json.dumps(content, separators=(",", ":")) + "\n", encoding="utf-8")
