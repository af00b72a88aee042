"""Folders of photographs, arranged well and badly."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnkit.data.any_folder import dataset_of
from cnnkit.data.image_folder import folder, pictures
from cnnkit.errors import DataError, ImageFileError, InputError, UnknownNameError


def paint(file: Path, colour: int = 0) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (6, 4), (colour % 256, colour // 256, 7)).save(file)
    return file


def photos(root: Path, classes: Sequence[str] = ("ants", "bees"), count: int = 10, ending: str = "png") -> Path:
    for label, name in enumerate(classes):
        for index in range(count):
            paint(root / name / f"{index}.{ending}", 100 * label + index)
    return root


def sizes(root: Path) -> list[int]:
    return [len(source) for source in folder(root).parts().values()]


def test_one_folder_a_class(tmp_path: Path) -> None:
    data = folder(photos(tmp_path, count=20))
    assert data.classes == ("ants", "bees")
    assert data.counts().to_dict("list") == {"train": [14, 14], "validation": [3, 3], "test": [3, 3]}
    everything = sorted(name for source in data.parts().values() for name in source.ids)
    assert everything == sorted(f"{name}/{index}.png" for name in ("ants", "bees") for index in range(20))
    for source in data.parts().values():
        assert source.labels is not None
        for index, name in enumerate(source.ids):
            label, number = name.removesuffix(".png").split("/")
            assert data.classes[int(source.labels[index])] == label
            assert (source.image(index) == (100 * data.classes.index(label) + int(number), 0, 7)).all()


def test_the_split_does_not_depend_on_the_order_of_the_disk(tmp_path: Path) -> None:
    names = [f"{name}/{index}.png" for name in ("ants", "bees") for index in range(20)]
    ids = []
    for attempt, arranged in (("one", names), ("two", names[::-1])):
        for name in arranged:
            paint(tmp_path / attempt / name)
        ids.append([source.ids for source in folder(tmp_path / attempt, seed=5).parts().values()])
    assert ids[0] == ids[1]
    assert ids[0] != [source.ids for source in folder(tmp_path / "one", seed=6).parts().values()]


def test_pictures_to_predict_are_decoded_smaller_by_choice(tmp_path: Path) -> None:
    file = tmp_path / "large.jpg"
    Image.new("RGB", (640, 480), (9, 9, 9)).save(file)
    for place in (file, tmp_path):
        assert pictures(place)[0].image(0, least=100).shape == (480, 640, 3)
        assert pictures(place, decode="scaled")[0].image(0, least=100).shape == (120, 160, 3)
    with pytest.raises(UnknownNameError, match="scaled"):
        pictures(tmp_path, decode="scale")  # type: ignore[arg-type]  # what a person may write


def test_fingerprint_and_digest_come_from_the_files(tmp_path: Path) -> None:
    data = folder(photos(tmp_path / "here"))
    name = data.train.ids[0]
    expected = hashlib.sha256((tmp_path / "here" / name).read_bytes()).hexdigest()
    assert data.train.digests([0]) == [expected]
    assert folder(photos(tmp_path / "there")).fingerprint == data.fingerprint
    paint(tmp_path / "there" / name, 99)
    assert folder(tmp_path / "there").fingerprint != data.fingerprint


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("train", "val"), [20, 20, 0]),
        (("Training", "valid", "TEST"), [20, 20, 20]),
        (("train", "test"), [16, 4, 20]),
        (("train",), [14, 4, 2]),
        (("training_set", "test_set"), [16, 4, 20]),
        (("seg_train", "seg_test"), [16, 4, 20]),
        (("train_images", "val_images"), [20, 20, 0]),
        (("Training", "Testing"), [16, 4, 20]),
        (("TrainImages", "dev", "TestData"), [20, 20, 20]),
        (("train2017", "eval"), [20, 20, 0]),
        (("Training", "Validation", "Evaluation"), [20, 20, 20]),
        (("trainset", "VALIDATION SET", "test 1"), [20, 20, 20]),
    ],
)
def test_split_folders(tmp_path: Path, names: tuple[str, ...], expected: list[int]) -> None:
    for name in names:
        photos(tmp_path / name)
    data = folder(tmp_path)
    assert [len(source) for source in data.parts().values()] == expected
    assert all(name.startswith(f"{names[0]}/") for name in data.train.ids)


def test_classes_named_like_splits(tmp_path: Path) -> None:
    data = folder(photos(tmp_path / "a", ("bus", "train", "test")))
    assert data.classes == ("bus", "test", "train")
    assert folder(photos(tmp_path / "b", ("bus", "car", "train"))).classes == ("bus", "car", "train")
    paint(tmp_path / "b" / "train" / "steam" / "1.png")
    assert len(folder(tmp_path / "b").classes) == 3
    assert folder(photos(tmp_path / "c", ("train_station", "test_tube"))).classes == ("test_tube", "train_station")
    assert folder(photos(tmp_path / "d", ("valid", "invalid"))).classes == ("invalid", "valid")


def test_what_is_named_in_classes_is_a_class(tmp_path: Path) -> None:
    for name in ("train", "bus"):
        photos(tmp_path / name, ("red", "blue"))
    assert "classes=['bus', 'train']" in refused(tmp_path)
    data = folder(tmp_path, classes=["train", "bus"])
    assert (data.classes, sum(len(source) for source in data.parts().values())) == (("train", "bus"), 40)


def test_a_split_folder_that_holds_the_folder_of_class_folders(tmp_path: Path) -> None:
    for name in ("seg_train/seg_train", "seg_test/seg_test"):
        photos(tmp_path / name, ("buildings", "sea"))
    data = folder(tmp_path)
    assert (data.classes, sizes(tmp_path)) == (("buildings", "sea"), [16, 4, 20])
    assert data.test.ids[0] == "seg_test/seg_test/buildings/0.png"
    photos(tmp_path / "one" / "train")
    photos(tmp_path / "one" / "test" / "ants", ("small", "large"))  # one class, in folders by size
    assert folder(tmp_path / "one").test.counts().tolist() == [20, 0]


def test_class_folders_that_hold_the_same_folders_are_refused(tmp_path: Path) -> None:
    """Parts of a set under names that nobody knows would become classes."""
    for name in ("fold1", "fold2", "fold3"):
        photos(tmp_path / "a" / name)
    message = refused(tmp_path / "a")
    assert "fold1, fold2, fold3, which all hold the same folders: ants, bees" in message
    assert "classes=['fold1', 'fold2', 'fold3']" in message
    for name in ("n01", "n02"):
        photos(tmp_path / "b" / name, ("images",))  # Tiny ImageNet's way
    assert folder(tmp_path / "b").classes == ("n01", "n02")
    for name in ("left", "right"):
        photos(tmp_path / "c" / "train" / name)
    assert "which all hold the same folders" in refused(tmp_path / "c")


def test_classes_are_sorted_as_people_sort(tmp_path: Path) -> None:
    photos(tmp_path, ("class 10", "class 2", "Class 1", "zebra", "Ants"), count=3)
    assert folder(tmp_path).classes == ("Ants", "Class 1", "class 2", "class 10", "zebra")


def test_given_classes(tmp_path: Path) -> None:
    photos(tmp_path)
    data = folder(tmp_path, classes=["bees", "ants"])
    assert data.classes == ("bees", "ants")
    assert data.train.labels is not None
    assert {name.split("/")[0] for name in data.train.take(data.train.labels == 0).ids} == {"bees"}
    with pytest.raises(UnknownNameError, match="'bees'"):
        folder(tmp_path, classes=["ants", "beas"])
    with pytest.raises(InputError, match="each of the class folders once"):
        folder(tmp_path, classes=["ants"])
    with pytest.raises(InputError, match="list of different names"):
        folder(tmp_path, classes=["ants", "bees", "ants"])


@pytest.mark.parametrize("ending", ["jpg", "JPEG", "png", "bmp", "gif", "webp"])
def test_every_kind_of_picture(tmp_path: Path, ending: str) -> None:
    assert sizes(photos(tmp_path, ending=ending, count=4)) == [4, 2, 2]


def test_other_and_hidden_files(tmp_path: Path) -> None:
    photos(tmp_path)
    (tmp_path / "LICENSE").write_text("free")
    (tmp_path / "ants" / "notes.txt").write_text("six legs")
    paint(tmp_path / ".ipynb_checkpoints" / "x.png")
    paint(tmp_path / "__MACOSX" / "ants" / "x.png")
    paint(tmp_path / "ants" / ".hidden.png")
    data = folder(tmp_path)
    assert data.ignored == 2
    assert sum(len(source) for source in data.parts().values()) == 20


def test_folders_below_a_class_and_links(tmp_path: Path) -> None:
    photos(tmp_path / "elsewhere", ("bees",))
    photos(tmp_path / "here", ("ants",), count=2)
    paint(tmp_path / "here" / "ants" / "deeper" / "still" / "3.png")
    (tmp_path / "here" / "bees").symlink_to(tmp_path / "elsewhere" / "bees")
    (tmp_path / "here" / "ants" / "loop").symlink_to(tmp_path / "here")
    data = folder(tmp_path / "here")
    assert data.counts().sum(axis=1).tolist() == [3, 10]
    assert "ants/deeper/still/3.png" in {name for source in data.parts().values() for name in source.ids}


def test_a_split_file(tmp_path: Path) -> None:
    photos(tmp_path / "here", count=3)
    rows = [
        f"{name}/{index}.png,{split}"
        for name in ("ants", "bees")
        for index, split in enumerate(("train", "val", "test"))
    ]
    (tmp_path / "split.csv").write_text("\n".join(["id,split", *rows]))
    data = folder(tmp_path / "here", split_file=tmp_path / "split.csv")
    assert data.validation.ids == ("ants/1.png", "bees/1.png")
    photos(tmp_path / "there" / "train")
    with pytest.raises(InputError, match="Leave split_file out"):
        folder(tmp_path / "there", split_file=tmp_path / "split.csv")


def refused(root: Path) -> str:
    with pytest.raises(DataError) as caught:
        folder(root)
    assert caught.value.remedy
    return str(caught.value)


def test_a_folder_that_is_not_there_or_a_file(tmp_path: Path) -> None:
    assert "nothing there" in refused(tmp_path / "nowhere")
    assert "a file" in refused(paint(tmp_path / "one.png"))


def test_a_folder_without_pictures(tmp_path: Path) -> None:
    assert "Received: none" in refused(tmp_path)
    (tmp_path / "ants").mkdir()
    (tmp_path / "ants" / "1.jxl").touch()
    assert "1 of .jxl" in refused(tmp_path)


def test_pictures_without_class_folders(tmp_path: Path) -> None:
    paint(tmp_path / "1.png")
    message = refused(tmp_path)
    assert "directly in it, the first '1.png'" in message
    assert "<folder>/<class>/<picture>" in message
    photos(tmp_path / "split" / "train")
    paint(tmp_path / "split" / "test" / "1.png")
    assert "test/1.png" in refused(tmp_path / "split")


def test_one_class_only(tmp_path: Path) -> None:
    assert "at least two class folders" in refused(photos(tmp_path, ("ants",)))


def test_an_empty_class_folder(tmp_path: Path) -> None:
    (photos(tmp_path) / "wasps").mkdir()
    assert "class folder 'wasps' of train" in refused(tmp_path)


def test_a_class_that_train_does_not_have(tmp_path: Path) -> None:
    photos(tmp_path / "train")
    photos(tmp_path / "val", ("ants", "wasps"))
    assert "only classes of train in validation" in refused(tmp_path)


def test_folders_that_contradict_each_other(tmp_path: Path) -> None:
    photos(tmp_path / "two" / "train")
    photos(tmp_path / "two" / "val")
    photos(tmp_path / "two" / "validation")
    assert "'val' and 'validation'" in refused(tmp_path / "two")
    photos(tmp_path / "more" / "train")
    photos(tmp_path / "more" / "holiday")
    assert "'holiday'" in refused(tmp_path / "more")
    photos(tmp_path / "none" / "val")
    photos(tmp_path / "none" / "test")
    assert "a folder 'train'" in refused(tmp_path / "none")


def test_too_few_pictures_of_a_class(tmp_path: Path) -> None:
    assert "at least 3 examples of 'ants'" in refused(photos(tmp_path, count=2))


def spoiled(root: Path) -> Path:
    """Ten good pictures a class, and four that are none."""
    photos(root)
    (root / "ants" / "empty.jpg").touch()
    (root / "bees" / "text.png").write_text("hello")
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8))
    noise.save(root / "bees" / "cut.jpg")
    noise.save(root / "ants" / "cut.png")
    for file in (root / "bees" / "cut.jpg", root / "ants" / "cut.png"):
        file.write_bytes(file.read_bytes()[:-300])
    return root


def test_a_broken_file_raises_by_name(tmp_path: Path) -> None:
    spoiled(tmp_path)
    with pytest.raises(ImageFileError, match=r"ants/empty\.jpg.*on_error='skip'"):
        folder(tmp_path)
    (tmp_path / "ants" / "empty.jpg").unlink()
    with pytest.raises(ImageFileError, match=r"bees/text\.png"):
        folder(tmp_path)
    (tmp_path / "bees" / "text.png").unlink()
    data = folder(tmp_path)  # the beginnings of the others are right: they raise when they are read
    failures = []
    for source in data.parts().values():
        for index in range(len(source)):
            try:
                source.image(index)
            except ImageFileError as error:
                failures.append((source.ids[index], str(tmp_path / source.ids[index]) in str(error)))
    assert sorted(failures) == [("ants/cut.png", True), ("bees/cut.jpg", True)]


def test_broken_files_are_skipped_and_listed(tmp_path: Path) -> None:
    data = folder(spoiled(tmp_path), on_error="skip")
    assert [file.path for file in data.skipped] == ["ants/cut.png", "ants/empty.jpg", "bees/cut.jpg", "bees/text.png"]
    assert data.skipped[1].reason == "an empty file (0 bytes)"
    assert "hello" in data.skipped[3].reason
    assert sum(len(source) for source in data.parts().values()) == 20
    for source in data.parts().values():
        for index in range(len(source)):
            source.image(index)


def test_a_class_of_broken_files_only(tmp_path: Path) -> None:
    photos(tmp_path)
    (tmp_path / "wasps").mkdir()
    (tmp_path / "wasps" / "1.png").touch()
    with pytest.raises(DataError, match="all of them were skipped"):
        folder(tmp_path, on_error="skip")


def test_an_unknown_on_error(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="'skip'"):
        folder(photos(tmp_path), on_error="skipp")  # type: ignore[arg-type]  # the mistake under test


def test_duplicates_across_splits(tmp_path: Path) -> None:
    photos(tmp_path / "train")
    photos(tmp_path / "val")
    paint(tmp_path / "val" / "bees" / "new.png", 7777)
    paint(tmp_path / "train" / "bees" / "0.png", 8888)
    duplicates = folder(tmp_path).duplicates()
    assert len(duplicates) == 19
    assert {
        (a.removeprefix("train/"), b.removeprefix("val/"))
        for a, b in zip(duplicates["id"], duplicates["other_id"], strict=True)
    } == {
        (name, name) for name in (f"{c}/{i}.png" for c in ("ants", "bees") for i in range(10)) if name != "bees/0.png"
    }


def test_pictures_come_in_natural_order(tmp_path: Path) -> None:
    for name in ("10.png", "2.png", "b10.png", "B9.png"):
        paint(tmp_path / name)
    assert pictures(tmp_path)[0].ids == ("2.png", "10.png", "B9.png", "b10.png")


def test_pictures_to_predict(tmp_path: Path) -> None:
    photos(tmp_path, count=2)
    paint(tmp_path / "loose.png", 3)
    (tmp_path / "bad.png").touch()
    with pytest.raises(ImageFileError, match=r"bad\.png"):
        pictures(tmp_path)
    found, skipped = pictures(tmp_path, on_error="skip")
    assert found.ids == ("ants/0.png", "ants/1.png", "bees/0.png", "bees/1.png", "loose.png")
    assert found.labels is None
    assert (found.image(4) == (3, 0, 7)).all()
    assert [file.path for file in skipped] == ["bad.png"]
    one, _ = pictures(tmp_path / "loose.png")
    assert one.ids == ("loose.png",)
    assert (one.image(0) == (3, 0, 7)).all()
    with pytest.raises(DataError, match="nothing there"):
        pictures(tmp_path / "nowhere")


def test_real_photographs(shared: Path) -> None:
    data = folder(shared / "data" / "ants_bees_256")
    assert data.counts().to_dict("list") == {"train": [123, 121], "validation": [70, 83], "test": [0, 0]}
    assert data.train.image(0).shape[2] == 3
    assert min(data.train.image(0).shape[:2]) <= 256
    assert data.report().loc["all", "warning"] == ""


def test_what_is_no_dataset_and_no_path(tmp_path: Path) -> None:
    dataset = dataset_of(str(photos(tmp_path)), seed=5)
    assert dataset.train.ids == folder(tmp_path, seed=5).train.ids
    assert dataset_of(dataset, seed=0) is dataset
    with pytest.raises(InputError, match="a part of one"):
        dataset_of(dataset.train, seed=0)  # type: ignore[arg-type]


def test_pictures_that_nothing_here_reads_are_not_passed_over_in_silence(tmp_path: Path) -> None:
    for name in ("1.AVIF", "2.AVIF", "scan.jp2", "notes.txt"):
        (photos(tmp_path) / "ants" / name).touch()
    with pytest.warns(UserWarning, match=r"passed over: 2 of \.avif, 1 of \.jp2\. Convert"):
        folder(tmp_path)
    with pytest.warns(UserWarning, match=r"2 of \.avif"):
        pictures(tmp_path)


def test_tiffs_of_several_pages_are_noted(tmp_path: Path) -> None:
    page = Image.new("RGB", (8, 8), "red")
    page.save(photos(tmp_path) / "ants" / "scan.tif", save_all=True, append_images=[page, page])
    for on_error in ("raise", "skip"):
        with pytest.warns(UserWarning, match=r"1 files, ants/scan\.tif with 3 pages"):
            data = folder(tmp_path, on_error=on_error)  # type: ignore[arg-type]  # both are ways
    assert "ants/scan.tif" in {name for source in data.parts().values() for name in source.ids}


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    photos(tmp_path)
    try:
        Path(os.fsdecode(os.fsencode(tmp_path / "ants") + b"/caf\xe9.png")).touch()
    except OSError:
        pytest.skip("this file system takes names in UTF-8 only")
    with pytest.raises(ImageFileError, match="names in UTF-8"):
        pictures([os.fsdecode(os.fsencode(tmp_path / "ants") + b"/caf\xe9.png")])
    for read in (folder, pictures):
        with pytest.raises(ImageFileError, match=r"names in UTF-8.*caf\\udce9\.png.*Rename"):
            read(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read(tmp_path: Path) -> None:
    closed = photos(tmp_path) / "ants" / "2023"
    closed.mkdir(mode=0)
    with pytest.raises(DataError, match=r"to read the folder .*2023.*ermission"):
        pictures(tmp_path)


def test_several_files_are_any_iterable_of_paths(tmp_path: Path) -> None:
    paint(tmp_path / "b.png")
    paint(tmp_path / "a.png")
    files = [tmp_path / "b.png", tmp_path / "a.png"]
    assert pictures(iter(files))[0].ids == tuple(map(str, files))
    endless = itertools.repeat(np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(InputError, match="ndarray among them"):
        pictures(endless)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"a folder, or files.*Image"):
        pictures(Image.new("RGB", (4, 4)))  # type: ignore[arg-type]


def test_home_is_a_folder_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    photos(tmp_path / "photos")
    assert folder("~/photos").fingerprint == folder(tmp_path / "photos").fingerprint
    for given in ("~/photos/ants/1.png", ["~/photos/ants/1.png"], Path("~/photos/ants/1.png")):
        assert pictures(given)[0].image(0).shape == (4, 6, 3)


def test_links_that_lead_in_a_circle(tmp_path: Path) -> None:
    (photos(tmp_path) / "ants" / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "ants" / "self").symlink_to(tmp_path / "ants" / "self")
    assert sizes(tmp_path) == [14, 3, 3] or sum(sizes(tmp_path)) == 20
    (tmp_path / "ants" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(ImageFileError, match=r"gone\.png.*No such file"):
        folder(tmp_path)
    (tmp_path / "ants" / "gone.png").unlink()
    (tmp_path / "ants" / "loop.png").symlink_to(tmp_path / "ants" / "loop.png")
    with pytest.raises(ImageFileError, match=r"loop\.png"):
        folder(tmp_path)
