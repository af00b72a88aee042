"""HEIC pictures: read where pillow-heif is installed, named with their install line where it is not."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cnnkit as ck
from cnnkit.data.decode import check_header, decode_file
from cnnkit.errors import ImageFileError, MissingExtraError

pillow_heif = pytest.importorskip("pillow_heif", reason="pip install '.[heif]'")
ROWS, COLUMNS = np.mgrid[0:64, 0:96]
PICTURE = np.stack([ROWS * 3, COLUMNS * 2, 255 - ROWS - COLUMNS], axis=-1).astype(np.uint8)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    file = tmp_path / "IMG_1.HEIC"
    pillow_heif.from_pillow(Image.fromarray(PICTURE)).save(file, quality=95)
    return file


def test_a_photograph_of_a_telephone(photo: Path) -> None:
    assert np.abs(decode_file(photo).astype(int) - PICTURE).mean() < 4
    assert check_header(photo) == 1
    assert ck.data.pictures(photo.parent)[0].ids == ("IMG_1.HEIC",)
    photo.write_bytes(photo.read_bytes()[:300])
    with pytest.raises(ImageFileError, match=r"IMG_1\.HEIC"):
        decode_file(photo)


def test_without_the_package(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    for read in (decode_file, check_header, ck.data.pictures, ck.data.as_source):
        with pytest.raises(MissingExtraError, match=r"pip install '\.\[heif\]'"):
            read(photo)
    Image.fromarray(PICTURE).save(photo.parent / "a.png")
    source, skipped = ck.data.pictures(photo.parent, on_error="skip")
    assert source.ids == ("a.png",)
    assert "[heif]" in skipped[0].reason
