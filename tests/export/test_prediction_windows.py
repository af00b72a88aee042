"""Masks in Parquet: in row groups of bounded size, window by window too."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cnnkit as ck
from cnnkit.export import predict_to_folder, predict_to_parquet, prediction_table, read_predictions
from tests.transfer.test_passes import network, picture


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three photographs of three sizes, one in a folder of its own."""
    for number, name in enumerate(("1.png", "2.jpg", "more/3.png")):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(40 + number, 60, number)).save(path)
    return tmp_path / "photos"


def masks_of(pngs: list[bytes]) -> list[np.ndarray]:
    return [np.asarray(Image.open(io.BytesIO(png))) for png in pngs]


def test_masks_in_parquet_are_written_in_groups_of_bounded_size(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction_table, "GROUP_BYTES", 100)
    path = tmp_path / "p.parquet"
    assert predict_to_parquet(network(), photos, path, batch_size=1, part_rows=2, window=True).rows == 3
    expected = ck.predict(network(), photos, window=True)
    found = read_predictions(path).table
    assert found["id"].tolist() == expected["id"].tolist()
    for one, other in zip(masks_of(found["mask"]), masks_of(expected["mask"]), strict=True):
        assert (one == other).all()


def test_files_of_windows_hold_what_predict_says(photos: Path, tmp_path: Path) -> None:
    predict_to_folder(network(), photos, tmp_path / "out", window=True, flip=True)
    expected = masks_of(ck.predict(network(), photos, window=True, flip=True)["mask"])
    for name, mask in zip(("1.png", "2.png", "more/3.png"), expected, strict=True):
        assert (np.asarray(Image.open(tmp_path / "out" / name)) == mask).all()
