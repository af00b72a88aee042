"""A class called "id" or "label", columns of every table of predictions, is refused where it is made, on every road."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import cnnkit as ck
from cnnkit.data.source import NoPictures, Source
from cnnkit.data.targets import Boxes, Labels, Tags
from cnnkit.errors import InputError
from tests.data.test_tfds_sets import library, prepared  # noqa: F401  (a fixture)

TAKEN = ("id", "label")
PIXELS = np.zeros((6, 8, 8, 3), np.uint8)
NOWHERE = np.zeros(0, np.int64)


def write(path: Path, name: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8, 3), len(name), np.uint8)).save(path)


def of_folder(place: Path, name: str) -> object:
    for one in (name, "other"):
        for number in range(3):
            write(place / one / f"{number}.png", one)
    return ck.data.folder(place)


def frame(place: Path) -> pd.DataFrame:
    for number in range(6):
        write(place / f"{number}.png", f"{number}")
    return pd.DataFrame({"file": [f"{number}.png" for number in range(6)]})


def of_table(place: Path, name: str) -> object:
    return ck.data.table(frame(place).assign(kind=["other", name] * 3), x="file", y="kind", folder=place)


def of_texts(place: Path, name: str) -> object:
    rows = frame(place).assign(kind=["other", f"other {name}"] * 3)
    return ck.data.table(rows, x="file", y="kind", separator=" ", folder=place)


def of_columns(place: Path, name: str) -> object:
    rows = frame(place).assign(**{"other": [0, 1, 1] * 2, name: [1, 1, 0] * 2})
    return ck.data.table(rows, x="file", y=["other", name], folder=place)


def of_coco(place: Path, name: str) -> object:
    names = [f"{number}.png" for number in range(6)]
    frame(place)
    images = [{"id": number, "file_name": file, "width": 8, "height": 8} for number, file in enumerate(names)]
    things = [{"image_id": number, "category_id": 1, "bbox": [0, 0, 8, 8]} for number in range(3)]
    described = {"images": images, "annotations": things, "categories": [{"id": 1, "name": name}]}
    (place / "instances.json").write_text(json.dumps(described))
    return ck.data.coco(place, place / "instances.json", label=name)


def of_network(place: Path, name: str) -> object:
    image = keras.Input((8, 8, 3))
    body = ck.backbone(keras.Model(image, keras.layers.Rescaling(1 / 255)(image)))
    return ck.add_classes(ck.attach(body, ck.heads.classifier(["cat", "dog"])), [name])


class OwnHead:
    """A head of the user's own, of one kind of truth."""

    taps = ()

    def __init__(self, target: type, name: str) -> None:
        self.target, self.names = target, ("other", name)

    def build(self, features: Any) -> Any:
        return keras.layers.Dense(2, name="out")(keras.layers.Flatten(name="flat")(features))

    encode = loss = weights = decode = score = settings = lambda self, *_: None


def of_own_head(target: type, name: str) -> object:
    image = keras.Input((8, 8, 3))
    return ck.attach(keras.Model(image, keras.layers.Rescaling(1 / 255)(image)), OwnHead(target, name))


ROADS: dict[str, Callable[[Path, str], object]] = {
    "folder": of_folder,
    "table": of_table,
    "table, texts of several": of_texts,
    "table, columns": of_columns,
    "arrays": lambda _, name: ck.data.arrays(PIXELS, [0, 1] * 3, classes=["other", name]),
    "arrays, several labels": lambda _, name: ck.data.arrays(PIXELS, [[1, 1], [0, 1]] * 3, classes=["other", name]),
    "coco": of_coco,
    "source": lambda _, name: Source.labelled((), ("other", name), NOWHERE, NoPictures(), NOWHERE),
    "labels": lambda _, name: Labels(("other", name), [0, 1]),
    "tags": lambda _, name: Tags(("other", name), np.eye(2)),
    "classifier": lambda _, name: ck.heads.classifier(["other", name]),
    "several labels": lambda _, name: ck.heads.classifier(["other", name], multi_label=True),
    "a head of one's own": lambda _, name: of_own_head(Labels, name),
    "a head of one's own, several labels": lambda _, name: of_own_head(Tags, name),
    "add_classes": of_network,
}


@pytest.mark.parametrize("name", TAKEN)
@pytest.mark.parametrize("road", ROADS)
def test_every_road_refuses_it(road: str, name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"columns of every prediction table.*{name}.*Rename the class"):
        ROADS[road](tmp_path / "here", name)


@pytest.mark.parametrize("name", TAKEN)
def test_tfds_too(library: Any, name: str, tmp_path: Path) -> None:  # noqa: F811  (the fixture)
    kinds = library.features
    features = {"kind": kinds.ClassLabel(names=["other", name]), "picture": kinds.Image(), "name": kinds.Text()}
    prepared(library, tmp_path, "pets", {"train": 6}, features=features)
    with pytest.raises(InputError, match="columns of every prediction table"):
        ck.data.tfds("pets", data_dir=tmp_path)


@pytest.mark.parametrize("road", [road for road in ROADS if road != "add_classes"])
def test_it_is_the_name_that_is_refused(road: str, tmp_path: Path) -> None:
    assert ROADS[road](tmp_path / "here", "label_") is not None


def test_a_thing_in_a_box_may_be_called_so() -> None:
    """A row of boxes holds the class in the column `label`: it has no column per class."""
    boxes = Boxes.of_lists(("id", "label"), [[[0, 0, 4, 4]]], [[1]])
    assert boxes.table(["a.jpg"])["label"].tolist() == ["label"]
    assert of_own_head(Boxes, "label") is not None
