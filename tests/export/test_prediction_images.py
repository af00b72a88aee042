"""Predicted masks in files: the numbers of `ck.predict`, read back by `ck.data.masks`, nothing else overwritten."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import cnnkit as ck
from cnnkit.errors import DataError, InputError
from cnnkit.export.prediction_images import predict_to_folder
from cnnkit.heads.generators import CycleGANPainter
from cnnkit.heads.translation import Translator
from tests.export.tiny_network import tiny_model

CLASSES = ("ground", "sky", "tree")


@pytest.fixture(scope="module")
def net() -> ck.Network:
    strided = [keras.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu") for _ in range(5)]
    body = ck.backbone(keras.Sequential([keras.Input((64, 64, 3)), *strided]), preprocessing="inside")
    return ck.attach(body, ck.heads.fcn(CLASSES, stride=32), framing=ck.data.Framing("pad"))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    generator = np.random.default_rng(0)
    for name, shape in (("a.png", (40, 60)), ("deep/b.bmp", (64, 64))):
        Image.fromarray(generator.integers(0, 256, (*shape, 3), np.uint8)).save(folder / name)
    return folder


def test_files_are_what_predict_says(net: ck.Network, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    pixels = predict_to_folder(net, photos, out)
    assert (out / "classes.txt").read_text().split() == list(CLASSES)
    assert sum(pixels.values()) == 40 * 60 + 64 * 64
    back = ck.data.masks(photos, out, CLASSES, split=(1, 0, 0)).train
    table = ck.predict(net, photos)
    assert back.ids == tuple(table["id"]) == ("a.png", "deep/b.bmp")
    said = ck.data.targets.Masks.from_table(CLASSES, table, back.ids)
    for index in range(2):
        assert (back.targets.mask(index) == said.mask(index)).all()
        assert list(back.targets.mask(index).shape) == table[["height", "width"]].iloc[index].tolist()
    predict_to_folder(net, photos, out)  # again, over its own files


def test_pictures_are_files_too(photos: Path, tmp_path: Path) -> None:
    image = keras.Input((64, 64, 3))
    body = keras.Model(image, keras.layers.Conv2D(4, 3, strides=2, padding="same")(image))
    painter = ck.attach(
        ck.backbone(body, preprocessing="inside"),
        Translator(CycleGANPainter((4,))),
        framing=ck.data.Framing("squash"),
    )
    assert predict_to_folder(painter, photos, tmp_path / "out") == {}
    back = ck.data.pairs(photos, tmp_path / "out", split=(1, 0, 0)).train
    said = ck.data.targets.Pictures.from_table((), ck.predict(painter, photos), back.ids)
    for index in range(2):
        np.testing.assert_array_equal(back.targets.picture(index), said.picture(index))


def test_what_others_wrote_stays(net: ck.Network, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds something else"):
        predict_to_folder(net, photos, photos)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="a folder for the predictions"):
        predict_to_folder(net, photos, tmp_path / "file", force=True)
    Image.open(photos / "a.png").save(photos / "a.bmp")
    with pytest.raises(DataError, match=r"more than the ending.*a\.bmp, a\.png"):
        predict_to_folder(net, photos, tmp_path / "new")


def test_labels_have_no_masks(photos: Path, tmp_path: Path) -> None:
    labels = ck.attach(ck.backbone(tiny_model()), ck.heads.classifier(["a", "b"]))
    with pytest.raises(InputError, match="a network of masks"):
        predict_to_folder(labels, photos, tmp_path / "out")


def test_nothing_is_written_beside_the_folder(net: ck.Network, photos: Path, tmp_path: Path, monkeypatch) -> None:
    """A picture that is given as `../photos/a.png` has that id: its mask lies below the folder all the same."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    before = (photos / "a.png").read_bytes()
    predict_to_folder(net, ["../photos/a.png"], "../out")
    assert (tmp_path / "out" / "photos" / "a.png").is_file()
    assert (photos / "a.png").read_bytes() == before


def test_no_picture_is_written_over(net: ck.Network, photos: Path) -> None:
    before = (photos / "a.png").read_bytes()
    for images in (photos, [photos / "a.png", np.zeros((4, 4, 3), np.uint8)]):
        folder = photos if images is photos else Path("/")
        with pytest.raises(InputError, match=r"a\.png, one of the pictures"):
            predict_to_folder(net, images, folder, force=True)
    assert (photos / "a.png").read_bytes() == before
    assert not (photos / "predictions.json").exists()
