"""What a caller may call pictures: every kind gives the same pixels, everything else is refused in words."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import cnnkit as ck
from cnnkit.data.any_pictures import as_source
from cnnkit.errors import DataError, ImageFileError, InputError

RNG = np.random.default_rng(0)
PHOTOS = RNG.integers(0, 256, (6, 8, 9, 3), dtype=np.uint8)
PHOTO = PHOTOS[0]
GREY = PHOTO[..., 0]
ALPHA = np.concatenate([PHOTO, RNG.integers(0, 256, (8, 9, 1), dtype=np.uint8)], axis=2)
DATASET = ck.data.arrays(PHOTOS, [0, 1] * 3)


def three(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[..., None], 3, axis=2)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    for name, photo in zip(("a.png", "b10.png", "b9.png"), PHOTOS, strict=False):
        Image.fromarray(photo).save(tmp_path / name)
    return [tmp_path / name for name in ("a.png", "b10.png", "b9.png")]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (PHOTO, [PHOTO]),
        (PHOTO.astype(np.float64), [PHOTO]),
        (PHOTO.astype(np.int64), [PHOTO]),
        (GREY, [three(GREY)]),
        (GREY[..., None], [three(GREY)]),
        (PHOTOS, PHOTOS),
        (PHOTOS[..., 0], [three(photo[..., 0]) for photo in PHOTOS]),
        (list(PHOTOS), PHOTOS),
        (iter(PHOTOS), PHOTOS),
        ((PHOTO, PHOTO[:4], GREY), [PHOTO, PHOTO[:4], three(GREY)]),
        (Image.fromarray(PHOTO), [PHOTO]),
        (Image.fromarray(GREY), [three(GREY)]),
        ([Image.fromarray(PHOTO), PHOTO[:3]], [PHOTO, PHOTO[:3]]),
        (Image.fromarray(PHOTO).quantize(256), [np.asarray(Image.fromarray(PHOTO).quantize(256).convert("RGB"))]),
        (Image.fromarray(GREY > 100), [three(255 * (GREY > 100))]),
        (DATASET.train, [DATASET.train.image(index) for index in range(len(DATASET.train))]),
    ],
)
def test_every_kind_of_picture(given: Any, expected: Any) -> None:
    source = as_source(given)
    assert len(source) == len(expected)
    for index, picture in enumerate(expected):
        np.testing.assert_array_equal(source.image(index), picture)
        assert source.image(index).dtype == np.uint8


@pytest.mark.parametrize(
    "given", [ALPHA, ALPHA[None], ALPHA.astype(np.float32), [ALPHA, PHOTO], Image.fromarray(ALPHA)]
)
def test_what_is_transparent_lies_over_white(given: Any) -> None:
    share = ALPHA[..., 3:].astype(float) / 255
    np.testing.assert_allclose(as_source(given).image(0), share * PHOTO + (1 - share) * 255, atol=1)


def test_paths_in_every_form(files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = as_source(tmp_path)
    assert folder.ids == ("a.png", "b9.png", "b10.png")  # natural order
    for several in (
        files,
        [str(file) for file in files],
        tuple(files),
        iter(files),
        pd.Series([str(f) for f in files]),
    ):
        source = as_source(several)
        assert source.ids == tuple(str(file) for file in files)
        assert all((source.image(index) == PHOTOS[index]).all() for index in range(3))
    np.testing.assert_array_equal(as_source(str(files[1])).image(0), PHOTOS[1])
    mixed = as_source([files[1], PHOTO, Image.open(files[2])])
    assert mixed.ids == (str(files[1]), "1", "2")
    assert all((mixed.image(index) == PHOTOS[number]).all() for index, number in enumerate((1, 0, 2)))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert as_source(["~/a.png", PHOTO]).image(0).shape == PHOTO.shape


def test_a_pillow_image_is_read_as_its_file_is(tmp_path: Path) -> None:
    """Upright, 16 bits scaled and not clipped."""
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(PHOTO).save(tmp_path / "turned.png", exif=turned)
    Image.fromarray(GREY.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    for name, expected in (("turned.png", np.rot90(PHOTO, -1)), ("deep.png", three(GREY))):
        np.testing.assert_array_equal(as_source(Image.open(tmp_path / name)).image(0), expected)
        np.testing.assert_array_equal(as_source(tmp_path / name).image(0), expected)


def test_equal_pictures_have_equal_digests() -> None:
    digests = [as_source(given).digests()[0] for given in (PHOTO, [PHOTO, GREY], Image.fromarray(PHOTO))]
    assert len(set(digests)) == 1


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (None, InputError, "a path or paths"),
        (7, InputError, "a path or paths"),
        (2.5, InputError, "a path or paths"),
        (np.float32(7), InputError, "a path or paths"),
        (b"\xff\xd8", InputError, "a path or paths"),
        ({"a": PHOTO}, InputError, "a path or paths"),
        ([PHOTO, None], InputError, "number 1 of the list"),
        ([PHOTOS, PHOTOS], InputError, "concatenate"),
        ([[1, 2], [3, 4]], InputError, "number 0 of the list"),
        ([], DataError, "Received: none"),
        (DATASET.train.take([]), DataError, "Received: none"),
        (np.zeros((0, 8, 9, 3), np.uint8), DataError, "at least one"),
        (DATASET, InputError, r"one part of a dataset.*\.test \("),
        (PHOTO / 255, DataError, "multiply by 255"),
        ([PHOTO / 255, PHOTO[:3] / 255], DataError, "multiply by 255"),
        (PHOTO > 100, DataError, r"x \* 255"),
        ([PHOTO > 100, PHOTO[:3]], DataError, r"x \* 255"),
        (np.moveaxis(PHOTOS, -1, 1), DataError, "moveaxis"),
        ("nowhere/", DataError, "nothing there"),
        (["nowhere.jpg", PHOTO], ImageFileError, "No such file"),
    ],
)
def test_what_is_no_picture(given: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        as_source(given)


def test_a_pillow_image_of_a_truncated_file() -> None:
    whole = io.BytesIO()
    Image.fromarray(PHOTOS.reshape(48, 9, 3)).resize((200, 200)).save(whole, "jpeg")
    image = Image.open(io.BytesIO(whole.getvalue()[:2000]))
    with pytest.raises(ImageFileError, match="truncated"):
        as_source(image).image(0)
