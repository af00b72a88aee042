"""What a folder holds is told by its names: labels, masks or boxes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnkit.data.any_folder import dataset_of, kind_of


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.arange(768, dtype=np.uint8).reshape(16, 16, 3)).save(path)


def mask(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.eye(16, dtype=np.uint8)).save(path)


def boxes(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("0 0.5 0.5 0.25 0.5\n")


def yolo(root: Path) -> None:
    for index in range(10):
        picture(root / "images" / f"{index}.jpg")
        boxes(root / "labels" / f"{index}.txt")
    (root / "data.yaml").write_text("names: [cat, dog]\n")


def yolo_in_parts(root: Path) -> None:
    for part in ("train", "valid"):
        picture(root / part / "images" / "a.jpg")
        boxes(root / part / "labels" / "a.txt")
    (root / "data.yaml").write_text("names: {0: cat}\n")


def masks(root: Path) -> None:
    for index in range(10):
        picture(root / "images" / f"{index}.jpg")
        mask(root / "labels" / f"{index}.png")  # under the name that YOLO's boxes have
    (root / "classes.txt").write_text("background\ncat\n")


def labels(root: Path) -> None:
    for index in range(10):
        picture(root / ("cat", "dog")[index % 2] / f"{index}.jpg")


@pytest.mark.parametrize(
    ("make", "kind", "classes"),
    [
        (yolo, "boxes", ("cat", "dog")),
        (yolo_in_parts, "boxes", ("cat",)),
        (masks, "masks", ("background", "cat")),
        (labels, "labels", ("cat", "dog")),
    ],
)
def test_a_folder_is_read_as_it_looks(tmp_path: Path, make: object, kind: str, classes: tuple[str, ...]) -> None:
    make(tmp_path)
    assert kind_of(tmp_path) == kind
    photos = dataset_of(str(tmp_path), seed=0)
    assert (photos.kind, photos.classes) == (kind, classes)


def test_texts_without_names_of_classes_are_no_boxes(tmp_path: Path) -> None:
    labels(tmp_path)
    boxes(tmp_path / "labels" / "notes.txt")
    assert kind_of(tmp_path) == "labels"
    assert kind_of(tmp_path / "nowhere") == "labels"
