"""Presence labels from COCO instances."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cnnkit.data.coco_images import coco
from cnnkit.errors import DataError, ImageFileError, InputError, UnknownNameError

# 20 × 10 pixels; half a per cent is one pixel.
BOXES = {
    "large person": [("person", [0, 0, 5, 5])],
    "exactly at the limit": [("person", [0, 0, 1, 1])],
    "just above": [("person", [0, 0, 1, 1.01])],
    "dog": [("dog", [0, 0, 20, 10])],
    "small person and dog": [("person", [0, 0, 0.5, 1]), ("dog", [0, 0, 20, 10])],
    "nothing": [],
}


def described(tmp_path: Path, boxes: dict[str, list[tuple[str, list[float]]]] = BOXES) -> tuple[Path, Path]:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    categories = [{"id": 18, "name": "dog"}, {"id": 1, "name": "person"}]
    number = {category["name"]: category["id"] for category in categories}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for index, (name, things) in enumerate(boxes.items()):
        Image.new("RGB", (20, 10), (index, 0, 0)).save(pictures / f"{name}.png")
        images.append({"id": 100 + index, "file_name": f"{name}.png", "width": 20, "height": 10})
        annotations += [{"image_id": 100 + index, "category_id": number[kind], "bbox": box} for kind, box in things]
    file = tmp_path / "instances.json"
    file.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return pictures, file


def test_a_person_is_a_box_above_the_limit(tmp_path: Path) -> None:
    data = coco(*described(tmp_path), split=(0.5, 0.5, 0))
    assert data.classes == ("no_person", "person")
    shown = {
        name: data.classes[int(label)]
        for source in data.parts().values()
        for name, label in zip(source.ids, source.labels, strict=True)  # type: ignore[arg-type]
    }
    positive = {name for name, label in shown.items() if label == "person"}
    assert positive == {"large person.png", "just above.png"}
    assert len(shown) == 6


def test_any_category_and_area(tmp_path: Path) -> None:
    data = coco(*described(tmp_path), label="dog", minimum_area=0.5, split=(1, 0, 0))
    assert data.classes == ("no_dog", "dog")
    assert data.train.take(data.train.labels == 1).ids == ("dog.png", "small person and dog.png")


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    pictures, file = described(tmp_path)
    with pytest.raises(UnknownNameError, match="'person'"):
        coco(pictures, file, label="persn")
    with pytest.raises(InputError, match="minimum_area"):
        coco(pictures, file, minimum_area=1)
    with pytest.raises(DataError, match="another minimum_area"):
        coco(pictures, file, minimum_area=0.9)
    with pytest.raises(DataError, match="instances_"):
        coco(pictures, tmp_path / "nowhere.json")
    (tmp_path / "other.json").write_text("[1]")
    with pytest.raises(DataError, match="no annotations and no categories and no images"):
        coco(pictures, tmp_path / "other.json")
    (pictures / "dog.png").write_text("woof")
    with pytest.raises(ImageFileError, match=r"dog\.png"):
        coco(pictures, file)
    (pictures / "dog.png").unlink()
    with pytest.raises(DataError, match=r"1 are missing, the first 'dog\.png'"):
        coco(pictures, file)


def test_coco128_shows_persons_in_42_per_cent(shared: Path) -> None:
    here = shared / "data" / "coco128"
    data = coco(here / "val2017", here / "annotations" / "instances_val2017.json")
    counts = data.counts().sum(axis=1)
    assert counts.sum() == 128
    assert counts["person"] / 128 == pytest.approx(0.42, abs=0.005)
