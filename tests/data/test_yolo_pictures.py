"""YOLO's folders: boxes, parts, names of classes, and faults, each named by its file and line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cnnkit as ck
from cnnkit.errors import DataError, ImageFileError, InputError

SIZE = (30, 40)  # height, width


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", SIZE[::-1]).save(path)


def example(root: Path, name: str, lines: str | None, *, images: str = "images", labels: str = "labels") -> None:
    picture(root / images / f"{name}.jpg")
    (root / labels).mkdir(parents=True, exist_ok=True)
    if lines is not None:
        (root / labels / f"{name}.txt").write_text(lines, encoding="utf-8")


def plain(root: Path, lines: str = "1 0.5 0.5 1 1\n") -> Path:
    example(root, "a", lines)
    (root / "classes.txt").write_text("cat\ndog\n")
    return root


def test_boxes_are_parts_of_the_picture(tmp_path: Path) -> None:
    example(tmp_path, "b", "0 .25 .5 .1 .2\n\n  1 0.5 0.5 1.0 1.0  \n")
    example(tmp_path, "c", "")
    example(tmp_path, "d", None)
    photos = ck.data.yolo(plain(tmp_path), split=(1, 0, 0))
    truth = photos.train.targets
    assert photos.train.ids == ("images/a.jpg", "images/b.jpg", "images/c.jpg", "images/d.jpg")
    assert truth.names == ("cat", "dog")
    np.testing.assert_allclose(truth.boxes, [[0, 0, 40, 30], [8, 12, 12, 18], [0, 0, 40, 30]], atol=1e-12)
    assert truth.labels.tolist() == [1, 0, 1]
    assert truth.starts.tolist() == [0, 1, 3, 3, 3]
    assert (truth.crowd, truth.difficult) == (None, None)
    assert photos.train.image(1).shape == (*SIZE, 3)
    assert ck.data.yolo(tmp_path, classes=["x", "y"], split=(1, 0, 0)).classes == ("x", "y")


@pytest.mark.parametrize(
    ("images", "labels"), [("images/{}", "labels/{}"), ("{}/images", "{}/labels")], ids=["below", "above"]
)
def test_folders_are_the_parts(tmp_path: Path, images: str, labels: str) -> None:
    for part in ("train2017", "valid", "test"):
        example(tmp_path, part[0], "0 .5 .5 .5 .5", images=images.format(part), labels=labels.format(part))
    (tmp_path / "data.yaml").write_text("path: ../elsewhere\ntrain: nowhere\nnc: 1\nnames: [cat]\n")
    photos = ck.data.yolo(tmp_path)
    ids = [part.ids[0] for part in photos.parts().values()]
    assert ids == [f"{images.format(part)}/{part[0]}.jpg" for part in ("train2017", "valid", "test")]
    assert [part.targets.boxes.tolist() for part in photos.parts().values()] == [[[10, 7.5, 30, 22.5]]] * 3
    picture(tmp_path / "images" / "loose.jpg")
    if "images/{}" in images:
        with pytest.raises(DataError, match=r"in one of the parts.*images/loose\.jpg"):
            ck.data.yolo(tmp_path)


@pytest.mark.parametrize(
    ("file", "text", "names"),
    [
        ("data.yaml", "names:\n  0: person\n  1: traffic light  # two words\n", ("person", "traffic light")),
        ("data.yaml", "names: ['person', \"it's\",\n  no, 3]\n", ("person", "it's", "no", "3")),
        ("dataset.yaml", "nc: 2\nnames:\n- person\n- car\nroboflow:\n  license: CC\n", ("person", "car")),
        ("data.yaml", "names: !!python/object/apply:os.system [ls]", ("ls",)),  # a text, and nothing is called
        ("classes.txt", "person\r\ntraffic light \n\n", ("person", "traffic light")),
        ("labels/classes.txt", "\ufeffperson\nzebra crossing", ("person", "zebra crossing")),
    ],
)
def test_names(tmp_path: Path, file: str, text: str, names: tuple[str, ...]) -> None:
    example(tmp_path, "a", "0 .5 .5 .5 .5")
    (tmp_path / file).write_text(text, encoding="utf-8")
    assert ck.data.yolo(tmp_path, split=(1, 0, 0)).classes == names


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\n" + "".join(
    f"{chr(99 + step)}: &{chr(99 + step)} [*{chr(98 + step)}, *{chr(98 + step)}]\n" for step in range(20)
)


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("data.yaml", "names: {1: a, 2: b}", "not 0, 1, 2"),
        ("data.yaml", "names: person", "no list of texts"),
        ("data.yaml", "names: []", "no list of texts"),
        ("data.yaml", "- person", "no list of texts"),
        ("data.yaml", "names: [a, [b]]", "no list of texts"),
        ("data.yaml", f"{BOMB}names: *v", "no list of texts"),
        ("data.yaml", "names: [a", "expected"),
        ("data.yaml", "names: [a, b, a]", "'a' more than once"),
        ("classes.txt", "a\nb\na\n", "'a' more than once"),
        ("classes.txt", "a\n\nb\n", "a line without a name"),
        ("classes.txt", "", "no line"),
        ("other.txt", "a", r"the names of the classes.*none of data\.yaml"),
    ],
)
def test_names_that_are_none(tmp_path: Path, file: str, text: str, words: str) -> None:
    example(tmp_path, "a", "0 .5 .5 .5 .5")
    (tmp_path / file).write_text(text)
    with pytest.raises(DataError, match=f"(?s){words}") as caught:
        ck.data.yolo(tmp_path)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 .5 .5 .5", "five finite numbers, class, centre x"),
        ("0 .5 .5 .5 .5 .9", "five finite numbers"),
        ("0 .5 .5 .5 half", "five finite numbers"),
        ("0,.5,.5,.5,.5", "five finite numbers"),
        ("0 nan .5 .5 .5", "five finite numbers"),
        ("0 .1 .1 .9 .1 .5 .9", "a polygon"),
        ("-1 .5 .5 .5 .5", "a class as a whole number"),
        ("0.5 .5 .5 .5 .5", "a class as a whole number"),
        ("2 .5 .5 .5 .5", "a class below 2.*class 2.*0 cat, 1 dog"),
        ("1 .5 .5 -.5 .5", "no side below 0"),
        ("1 320 240 100 80", "parts of the picture, 0 … 1"),
    ],
)
def test_lines_that_are_none(tmp_path: Path, line: str, words: str) -> None:
    plain(tmp_path, f"1 .5 .5 .5 .5\n{line}\n")
    with pytest.raises(DataError, match=rf"{words}") as caught:
        ck.data.yolo(tmp_path)
    assert f"in line 2 of {tmp_path / 'labels' / 'a.txt'}" in str(caught.value)


def test_arrangements_that_are_none(tmp_path: Path) -> None:
    picture(tmp_path / "photos" / "a.jpg")
    with pytest.raises(DataError, match=r"pictures in .*images.*photos/a\.jpg.*labels/train"):
        ck.data.yolo(tmp_path)
    picture(tmp_path / "images" / "a.jpg")
    (tmp_path / "classes.txt").write_text("cat\n")
    with pytest.raises(DataError, match="files of boxes"):
        ck.data.yolo(tmp_path)
    plain(tmp_path)
    (tmp_path / "labels" / "b.txt").write_text("")
    with pytest.raises(DataError, match=r"a picture for each file.*b\.txt"):
        ck.data.yolo(tmp_path)
    picture(tmp_path / "images" / "b.jpg")
    picture(tmp_path / "images" / "b.png")
    with pytest.raises(DataError, match=r"one picture for .*b\.txt.*b\.jpg and images/b\.png"):
        ck.data.yolo(tmp_path)
    (tmp_path / "images" / "b.png").unlink()
    (tmp_path / "images" / "b.jpg").write_text("no picture")
    with pytest.raises(ImageFileError, match=r"b\.jpg"):
        ck.data.yolo(tmp_path)
    with pytest.raises(InputError, match="classes"):
        ck.data.yolo(tmp_path, classes="cat")


def test_a_part_without_pictures_to_train_on(tmp_path: Path) -> None:
    example(tmp_path, "a", "0 .5 .5 .5 .5", images="images/val", labels="labels/val")
    with pytest.raises(DataError, match=r"to train on.*only those of validation"):
        ck.data.yolo(tmp_path, classes=["cat"])
