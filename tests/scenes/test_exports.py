"""COCO files, class folders and tf.data from drawn scenes."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from cnnkit.errors import InputError, UnknownNameError
from cnnkit.scenes import as_tf_data, render_scene, shows_person, write_coco, write_folders
from cnnkit.scenes.coco_export import run_lengths


def test_run_lengths_give_the_mask_back() -> None:
    for mask in render_scene(0, 5, 64).masks:
        coded = run_lengths(mask)
        values = np.arange(len(coded["counts"])) % 2
        flat = np.repeat(values, coded["counts"])
        np.testing.assert_array_equal(flat.reshape(coded["size"][::-1]).T, mask)


def test_run_lengths_begin_with_zeros() -> None:
    assert run_lengths(np.array([[True, False]]))["counts"] == [0, 1, 1]


def test_coco_files_hold_what_the_scenes_hold(tmp_path: Path) -> None:
    root = write_coco(tmp_path / "set", 6, 2, size=96, suffix="png")
    instances = json.loads((root / "instances.json").read_text())
    keypoints = json.loads((root / "person_keypoints.json").read_text())
    scenes = [render_scene(2, index, 96) for index in range(6)]
    assert len(instances["annotations"]) == sum(len(scene.categories) for scene in scenes)
    assert [entry["id"] for entry in instances["annotations"]] == list(range(1, len(instances["annotations"]) + 1))
    names = {entry["id"]: entry["name"] for entry in instances["categories"]}
    for entry, scene in zip(instances["images"], scenes, strict=True):
        stored = cv2.imread(str(root / "images" / entry["file_name"]))
        np.testing.assert_array_equal(stored[:, :, ::-1], scene.image)
        mine = [a for a in instances["annotations"] if a["image_id"] == entry["id"]]
        assert tuple(names[a["category_id"]] for a in mine) == scene.categories
        np.testing.assert_array_equal([a["bbox"] for a in mine], scene.boxes)
        assert [a["area"] for a in mine] == scene.masks.sum(axis=(1, 2)).tolist()
        people = [a for a in keypoints["annotations"] if a["image_id"] == entry["id"]]
        wanted = [k for k, name in zip(scene.keypoints, scene.categories, strict=True) if name == "person"]
        assert [a["keypoints"] for a in people] == [k.ravel().tolist() for k in wanted]
    assert len(keypoints["categories"][0]["keypoints"]) == 17


def test_pycocotools_reads_it(tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    root = write_coco(tmp_path, 3, size=96)
    loaded = coco.COCO(str(root / "instances.json"))
    for entry in loaded.anns.values():
        assert loaded.annToMask(entry).sum() == entry["area"]


def test_folders_hold_every_picture_once(tmp_path: Path) -> None:
    root = write_folders(tmp_path / "set", 20, size=64)
    files = {path.stem: path.parent for path in root.rglob("*.jpg")}
    assert len(files) == 20
    for index in range(20):
        folder = files[f"scene-0-{index:06d}"]
        assert folder.name == ("person" if shows_person(0, index) else "no_person")
        assert folder.parent.name == ("train" if index < 14 else "validation" if index < 17 else "test")


@pytest.mark.parametrize("write", [write_coco, write_folders])
def test_wrong_wishes_are_refused(write: object, tmp_path: Path) -> None:
    assert callable(write)
    with pytest.raises(InputError, match="at least one"):
        write(tmp_path, 0)
    with pytest.raises(UnknownNameError, match="jpg"):
        write(tmp_path, 1, suffix="jpgg")


@pytest.mark.slow
def test_tf_data_gives_pictures_and_labels() -> None:
    pairs = list(as_tf_data(3, size=64).as_numpy_iterator())
    for index, (image, label) in enumerate(pairs):
        np.testing.assert_array_equal(image, render_scene(0, index, 64).image)
        assert label == shows_person(0, index)
