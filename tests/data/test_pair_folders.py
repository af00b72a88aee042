"""Pairs of pictures: two halves of a file, or two folders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cnnkit as ck
from cnnkit.errors import DataError, InputError, UnknownNameError

LEFT, RIGHT = np.full((6, 8, 3), 30, np.uint8), np.full((6, 8, 3), 200, np.uint8)


def written(root: Path, names: Iterable[str], picture: np.ndarray) -> Path:
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture + np.uint8(number)).save(root / f"{name}.png")
    return root


def values(source: ck.data.Source) -> list[tuple[int, int]]:
    """The value of each picture and of its target."""
    truth = source.targets
    assert isinstance(truth, ck.data.targets.Pictures)
    return [(int(source.image(index)[0, 0, 0]), int(truth.picture(index)[0, 0, 0])) for index in range(len(source))]


def test_both_halves_of_a_file(tmp_path: Path) -> None:
    names = ["train/a", "train/b", "val/c", "test/d"]
    root = written(tmp_path, names, np.concatenate([LEFT, RIGHT], axis=1))
    photos = ck.data.pairs(root)
    assert (photos.kind, photos.classes) == ("pictures", ())
    assert photos.train.ids == ("train/a.png", "train/b.png")
    assert photos.train.shape(0) == photos.train.image(0).shape[:2] == (6, 8)
    assert values(photos.train) == [(30, 200), (31, 201)]
    assert [len(part) for part in photos.parts().values()] == [2, 1, 1]
    assert "2 train" in repr(photos)
    turned = ck.data.pairs(root, source="right")
    assert values(turned.train) == [(200, 30), (201, 31)]
    assert turned.fingerprint != photos.fingerprint


def test_two_folders(tmp_path: Path) -> None:
    names = [f"{number}" for number in range(4)]
    photos = ck.data.pairs(written(tmp_path / "a", names, LEFT), written(tmp_path / "b", names, RIGHT), split=(1, 0, 0))
    assert values(photos.train) == [(30 + number, 200 + number) for number in range(4)]


def test_the_other_direction(tmp_path: Path) -> None:
    photos = ck.data.pairs(written(tmp_path, ["train/a", "test/b"], np.concatenate([LEFT, RIGHT], axis=1)))
    turned = ck.data.swapped(photos)
    assert values(turned.test) == [(201, 31)]
    assert values(ck.data.swapped(turned).test) == [(31, 201)]
    # Targets that are moved are moved as pictures too.
    half = np.diag([0.5, 0.5, 1])
    smaller = replace(photos, test=replace(photos.test, targets=photos.test.targets.moved(half, (3, 4))))
    assert ck.data.swapped(smaller).test.image(0).shape == (3, 4, 3)


def test_what_is_no_pair_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a width of 7"):
        ck.data.pairs(written(tmp_path / "odd", ["a"], LEFT[:, :7]))
    pictures = written(tmp_path / "i", ["a", "b"], LEFT)
    with pytest.raises(DataError, match=r"a target in .* for every picture"):
        ck.data.pairs(pictures, written(tmp_path / "t", ["a"], RIGHT))
    with pytest.raises(DataError, match="height 3, width 8"):
        ck.data.pairs(pictures, written(tmp_path / "s", ["a", "b"], RIGHT[:3]))
    with pytest.raises(UnknownNameError, match="left"):
        ck.data.pairs(pictures, source="above")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="pairs of pictures"):
        ck.data.swapped(ck.data.scenes(4))


def test_facades(shared: Path) -> None:
    """Its README: 100, 25 and 25 pairs of 512 × 256 pixels. The left half is the photograph, the right one the plan."""
    photos = ck.data.pairs(shared / "data" / "facades", source="right")
    assert [len(part) for part in photos.parts().values()] == [100, 25, 25]
    assert photos.train.shape(0) == (256, 256)
    saturations = [np.ptp(picture, axis=2).mean() for picture in (
        photos.train.image(0), photos.train.targets.picture(0))]  # fmt: skip
    assert saturations[0] > 100 > saturations[1]
