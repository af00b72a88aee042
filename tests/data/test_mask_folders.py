"""Photographs and masks in two folders: how they are matched, what is refused, and CamVid."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cnnkit as ck
from cnnkit.data.decode import decode_file
from cnnkit.errors import DataError, ImageFileError, InputError

NAMES = ["ground", "cat"]
SIZE = (6, 8)


def drawn(root: Path, names: Iterable[str], *, suffix: str = ".png", value: int = 1) -> Path:
    """Masks whose left column is void and whose lower half shows a value."""
    mask = np.zeros(SIZE, np.uint8)
    mask[3:] = value
    mask[:, 0] = 255
    return written(root, names, mask, suffix)


def pictures(root: Path, names: Iterable[str], suffix: str = ".jpg") -> Path:
    return written(root, names, np.full((*SIZE, 3), 90, np.uint8), suffix)


def written(root: Path, names: Iterable[str], array: np.ndarray, suffix: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(array).save(root / f"{name}{suffix}")
    return root


def test_names_match_below_two_folders(tmp_path: Path) -> None:
    names = [f"{street}/{number}.a" for street in ("high street", "lane") for number in range(5)]
    photos = ck.data.masks(pictures(tmp_path / "i", names), drawn(tmp_path / "m", names), NAMES, split=(0.6, 0.2, 0.2))
    assert photos.kind == "masks"
    assert photos.classes == tuple(NAMES)
    assert [len(part) for part in photos.parts().values()] == [6, 2, 2]
    assert {name for part in photos.parts().values() for name in part.ids} == {f"{name}.jpg" for name in names}
    mask = photos.train.targets.mask(0)
    assert (mask.shape, mask[:, 0].tolist(), mask[:, 1].tolist()) == (SIZE, [255] * 6, [0, 0, 0, 1, 1, 1])
    assert photos.train.image(0).shape == (*SIZE, 3)
    assert photos.fingerprint == ck.data.masks(tmp_path / "i", tmp_path / "m", NAMES, split=(0.6, 0.2, 0.2)).fingerprint


def test_a_split_divides_classes_in_proportion(tmp_path: Path) -> None:
    names = [f"{number:02}" for number in range(40)]
    pictures(tmp_path / "i", names), drawn(tmp_path / "m", names[:20]), drawn(tmp_path / "m", names[20:], value=0)
    photos = ck.data.masks(tmp_path / "i", tmp_path / "m", NAMES, split=(0.5, 0.25, 0.25))
    assert photos.counts().loc["cat"].tolist() == [10, 5, 5]


@pytest.mark.parametrize(
    ("folders", "mask_folders"),
    [
        (("train", "val", "test"), ("train", "validation", "testing")),
        (("Training", "val2017", "test_set"), ("train_labels", "valannot", "masks_test")),
    ],
)
def test_folders_of_parts(tmp_path: Path, folders: tuple[str, ...], mask_folders: tuple[str, ...]) -> None:
    for number, (folder, mask_folder) in enumerate(zip(folders, mask_folders, strict=True)):
        names = [f"{index}/{index}" for index in range(number + 1)]
        pictures(tmp_path / "i" / folder, names)
        drawn(tmp_path / "m" / mask_folder, names)
    photos = ck.data.masks(tmp_path / "i", tmp_path / "m", NAMES)
    assert [len(part) for part in photos.parts().values()] == [1, 2, 3]
    assert photos.test.ids[2] == f"{folders[2]}/2/2.jpg"
    parts = ("train", "val", "test")
    images, masks = (
        {part: tmp_path / root / folder for part, folder in zip(parts, names, strict=True)}
        for root, names in (("i", folders), ("m", mask_folders))
    )
    again = ck.data.masks(images, masks, NAMES)
    assert again.validation.ids == ("validation/0/0.jpg", "validation/1/1.jpg")
    assert [len(part) for part in again.parts().values()] == [1, 2, 3]


def test_train_and_test_alone(tmp_path: Path) -> None:
    names = [f"train/{number}" for number in range(8)] + ["test/0", "test/1"]
    photos = ck.data.masks(pictures(tmp_path / "i", names), drawn(tmp_path / "m", names), NAMES, split=(0.75, 0.25, 0))
    assert [len(part) for part in photos.parts().values()] == [6, 2, 2]


def test_endings_in_one_folder(tmp_path: Path) -> None:
    names = [f"car {number}" for number in range(4)]
    pictures(tmp_path, names), drawn(tmp_path, [f"{name}_mask" for name in names])
    photos = ck.data.masks(tmp_path, tmp_path, NAMES, endings=("", "_mask"), split=(0.5, 0.5, 0))
    assert sorted(photos.train.ids + photos.validation.ids) == [f"{name}.jpg" for name in names]
    with pytest.raises(DataError, match="whose names end in '_label'"):
        ck.data.masks(tmp_path, tmp_path, NAMES, endings=("", "_label"))


def test_classes_found(tmp_path: Path) -> None:
    names = [str(number) for number in range(4)]
    (
        pictures(tmp_path / "i", names),
        drawn(tmp_path / "m", names[:2], value=9),
        drawn(tmp_path / "m", names[2:], value=4),
    )
    photos = ck.data.masks(tmp_path / "i", tmp_path / "m", None)
    assert photos.classes == ("0", "4", "9")
    pictures(tmp_path / "m", names[:1], ".png")  # one in colours: all is
    Image.fromarray(np.full((*SIZE, 3), (1, 2, 255), np.uint8)).save(tmp_path / "m" / "0.png")
    photos = ck.data.masks(tmp_path / "i", tmp_path / "m", None)
    assert photos.classes == ("#000000", "#0102ff", "#040404", "#090909")


def all_masks(root: Path) -> list[np.ndarray]:
    train = ck.data.masks({"train": root / "i"}, {"train": root / "m"}, NAMES, split=(1, 0, 0)).train
    return [train.targets.mask(index) for index in range(len(train))]


def wrong(tmp_path: Path, words: str, error: type[Exception] = DataError) -> None:
    with pytest.raises(error, match=words):
        all_masks(tmp_path)


def test_each_fault_names_its_file(tmp_path: Path) -> None:
    names = ["a", "b/c"]
    pictures(tmp_path / "i", names), drawn(tmp_path / "m", names)
    wrong_size = np.zeros((8, 6), np.uint8)
    Image.fromarray(wrong_size).save(tmp_path / "m" / "b" / "c.png")
    wrong(tmp_path, r"height 6 and width 8, as its picture .*c\.jpg, in .*c\.png. Received: height 8, width 6")
    drawn(tmp_path / "m", ["b/c"], value=2)
    wrong(tmp_path, r"mask .*c\.png. Received: 2 at column 1, row 3, 21 such pixels")
    (tmp_path / "m" / "b" / "c.png").unlink()
    wrong(tmp_path, r"a mask .* for every picture .* none for 1 of 2, the first '.*i/b/c\.jpg'")
    drawn(tmp_path / "m", ["b/c", "b/d"])
    wrong(tmp_path, r"a picture .* for every mask .* none for 1 of 3, the first '.*m/b/d\.png'")
    (tmp_path / "m" / "b" / "d.png").unlink()
    drawn(tmp_path / "m", ["a"], suffix=".bmp")
    wrong(tmp_path, r"one file called a in .*'a\.bmp' and 'a\.png'")
    (tmp_path / "m" / "a.png").unlink()
    (tmp_path / "m" / "a.bmp").unlink()
    drawn(tmp_path / "m", ["a"], suffix=".jpg")
    wrong(tmp_path, r"a\.jpg.*JPEG does not keep", ImageFileError)
    (tmp_path / "m" / "a.jpg").unlink()
    Image.fromarray(np.zeros(SIZE, np.uint16)).save(tmp_path / "m" / "a.png")
    wrong(tmp_path, r"a\.png. Received: a PNG of 16 bits", ImageFileError)
    drawn(tmp_path / "m", ["a"])
    (tmp_path / "i" / "a.jpg").write_text("no picture")
    wrong(tmp_path, r"i/a\.jpg", ImageFileError)


def test_folders_that_do_not_belong_together(tmp_path: Path) -> None:
    pictures(tmp_path / "i", "ab"), drawn(tmp_path / "m", "ab")
    with pytest.raises(InputError, match="one folder per part"):
        ck.data.masks({"train": tmp_path / "i"}, tmp_path / "m", NAMES)
    for folders in (
        {"train": tmp_path, "training": tmp_path},
        {"validation": tmp_path},
        {"cats": tmp_path},
        {1: "a"},
        {},
    ):
        with pytest.raises(InputError, match="one each for train, validation and test"):
            ck.data.masks(folders, folders, NAMES)
    with pytest.raises(InputError, match="endings"):
        ck.data.masks(tmp_path / "i", tmp_path / "m", NAMES, endings="_mask")
    with pytest.raises(DataError, match="nothing there"):
        ck.data.masks(tmp_path / "i", tmp_path / "nowhere", NAMES)


def test_masks_are_read_when_they_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{part}/{number}" for part in ("train", "val") for number in range(3)]
    pictures(tmp_path / "i", names), drawn(tmp_path / "m", names)
    reads = []
    monkeypatch.setattr("cnnkit.data.mask_files.raw_mask", reads.append)
    photos = ck.data.masks(tmp_path / "i", tmp_path / "m", NAMES)
    assert (len(photos.train), reads) == (3, [])


def test_camvid(shared: Path) -> None:
    root = shared / "data" / "camvid"
    names = ["sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist"]
    parts = {"train": "train", "validation": "val", "test": "test"}
    photos = ck.data.masks(
        {part: root / name for part, name in parts.items()},
        {part: root / f"{name}annot" for part, name in parts.items()},
        names,
        void=11,
    )
    assert [len(part) for part in photos.parts().values()] == [62, 17, 39]
    source = photos.validation
    file = root / "valannot" / Path(source.ids[3]).name
    raw = decode_file(file)[..., 0]
    np.testing.assert_array_equal(source.targets.mask(3), np.where(raw == 11, 255, raw))
    assert source.image(3).shape[:2] == source.targets.mask(3).shape == (360, 480)
    # DENSE.md, counted by another program: bicyclists have .32 % of the known pixels to train on.
    shares = photos.train.targets.pixels() / photos.train.targets.pixels().sum()
    assert shares[names.index("bicyclist")] == pytest.approx(0.0032, abs=2e-4)
