"""Photographs with masks below one folder: every layout is found by its names, and read as the same dataset."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data.mask_layouts import mask_layout
from cnnkit.errors import DataError, InputError


def pair(pictures: Path, masks: Path, name: str = "a", value: int = 1) -> None:
    """A picture and a mask whose left half is class 0."""
    for folder in (pictures, masks):
        folder.mkdir(parents=True, exist_ok=True)
    mask = np.zeros((4, 6), np.uint8)
    mask[:, 3:] = value
    cv2.imwrite(str(pictures / f"{name}.png"), np.full((4, 6, 3), 90, np.uint8))
    cv2.imwrite(str(masks / f"{name}.png"), mask)


def two_folders(root: Path) -> None:
    for name in "abcdef":
        pair(root / "Images", root / "labels", name)


def parts(root: Path) -> None:
    pair(root / "train", root / "trainannot")
    pair(root / "val", root / "valannot")


def parts_of_two_folders(root: Path) -> None:
    pair(root / "training" / "images", root / "training" / "masks")
    pair(root / "validation" / "images", root / "validation" / "masks")


def voc(root: Path) -> None:
    for name in "abcdef":
        pair(root / "JPEGImages", root / "SegmentationClass", name)
        (root / "JPEGImages" / f"{name}.png").rename(root / "JPEGImages" / f"{name}.jpg")


def coco(root: Path) -> None:
    content = {
        "images": [
            {"id": index, "file_name": f"{name}.png", "height": 4, "width": 6} for index, name in enumerate("abcdef")
        ],
        "annotations": [
            {"id": index, "image_id": index, "category_id": 7, "bbox": [3, 0, 3, 4], "area": 12, "iscrowd": 0,
             "segmentation": [[3, 0, 6, 0, 6, 4, 3, 4]]}
            for index in range(6)
        ],
        "categories": [{"id": 7, "name": "right"}],
    }  # fmt: skip
    for name in "abcdef":
        pair(root / "images", root / "away", name)
    for file in (root / "away").iterdir():
        file.unlink()
    (root / "away").rmdir()
    (root / "annotations").mkdir()
    (root / "annotations" / "instances.json").write_text(json.dumps(content))


LAYOUTS = {
    two_folders: ("images and masks", ("0", "1")),
    parts: ("parts", ("0", "1")),
    parts_of_two_folders: ("parts", ("0", "1")),
    voc: ("voc", ("background", "aeroplane")),
    coco: ("coco", ("background", "right")),
}


@pytest.mark.parametrize("make", LAYOUTS, ids=lambda make: make.__name__)
def test_a_layout_is_found_and_read(make, tmp_path: Path) -> None:
    make(tmp_path)
    name, classes = LAYOUTS[make]
    found = mask_layout(tmp_path)
    assert found is not None
    assert found.name == name
    photos = ck.data.mask_folder(tmp_path)
    assert photos.classes[:2] == classes
    assert photos.train.targets.mask(0).tolist() == [[0, 0, 0, 1, 1, 1]] * 4
    assert len(photos.validation)


def test_a_file_names_the_classes(tmp_path: Path) -> None:
    parts(tmp_path)
    (tmp_path / "classes.txt").write_text("left\nright\n\n")
    assert ck.data.mask_folder(tmp_path).classes == ("left", "right")
    assert ck.data.mask_folder(tmp_path, classes=["l", "r"]).classes == ("l", "r")


def test_void_is_what_the_user_says(tmp_path: Path) -> None:
    parts(tmp_path)
    photos = ck.data.mask_folder(tmp_path, void=1)
    assert photos.classes == ("0",)
    assert photos.train.targets.mask(0)[0].tolist() == [0, 0, 0, 255, 255, 255]


@pytest.mark.parametrize("names", [("cats", "dogs"), ("train", "test"), ("images",), ()])
def test_other_folders_are_no_masks(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (tmp_path / name).mkdir()
    with pytest.raises(DataError, match=r"photographs and masks below .*images/ and masks/"):
        ck.data.mask_folder(tmp_path)


def test_voc_has_numbers_of_its_own(tmp_path: Path) -> None:
    voc(tmp_path)
    with pytest.raises(InputError, match="a list of names"):
        ck.data.mask_folder(tmp_path, classes={"a": 3})
