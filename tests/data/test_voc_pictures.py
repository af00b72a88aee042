"""Pascal VOC's folders: boxes, masks, lists; hostile XML and other faults, each named by its file."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cnnkit as ck
from cnnkit.errors import DataError, ImageFileError, UnknownNameError

SIZE = (30, 40)  # height, width
HEAD = "<annotation><size><width>40</width><height>30</height><depth>3</depth></size>"


def thing(name: str, left: object, top: object, right: object, bottom: object, more: str = "") -> str:
    box = f"<xmin>{left}</xmin><ymin>{top}</ymin><xmax>{right}</xmax><ymax>{bottom}</ymax>"
    # A part of a person has a name and a box of its own.
    part = "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part>"
    return f"<object><name>{name}</name>{more}<bndbox>{box}</bndbox>{part}</object>"


def devkit(root: Path, objects: dict[str, str]) -> Path:
    for name in ("JPEGImages", "Annotations", "SegmentationClass"):
        (root / name).mkdir(exist_ok=True)
    for name, content in objects.items():
        Image.new("RGB", SIZE[::-1]).save(root / "JPEGImages" / f"{name}.jpg")
        (root / "Annotations" / f"{name}.xml").write_text(f"{HEAD}{content}</annotation>", encoding="utf-8")
    return root


def lists(root: Path, folder: str, **parts: str) -> None:
    (root / "ImageSets" / folder).mkdir(parents=True, exist_ok=True)
    for part, names in parts.items():
        (root / "ImageSets" / folder / f"{part}.txt").write_text("\n".join(names.split()) + "\n")


TWO = {
    "2007_a": thing("dog", 1, 1, 40, 30) + thing("person", 11, 6, 20, 25, "<difficult>1</difficult>"),
    "2007_b": thing("car", 3, 4, 3, 4),
    "2007_c": "",
}


def test_boxes(tmp_path: Path) -> None:
    photos = ck.data.voc(devkit(tmp_path, TWO), split=(1, 0, 0))
    truth = photos.train.targets
    assert photos.train.ids == ("2007_a", "2007_b", "2007_c")
    assert (len(truth.names), truth.names[0], truth.names[-1]) == (20, "aeroplane", "tvmonitor")
    assert [truth.names[label] for label in truth.labels] == ["dog", "person", "car"]
    assert truth.boxes.tolist() == [[0, 0, 40, 30], [10, 5, 20, 25], [2, 3, 3, 4]]  # the last is one pixel
    assert truth.starts.tolist() == [0, 2, 3, 3]
    assert truth.difficult.tolist() == [False, True, False]
    assert photos.train.image(0).shape == (*SIZE, 3)


def test_lists_are_the_parts(tmp_path: Path) -> None:
    root = devkit(tmp_path, TWO)
    lists(root, "Main", train="2007_b", val="2007_a")
    photos = ck.data.voc(root)
    assert [part.ids for part in photos.parts().values()] == [("2007_b",), ("2007_a",), ()]
    lists(root, "Main", test="2007_c")
    assert ck.data.voc(root).test.ids == ("2007_c",)
    lists(root, "Main", test="2007_a")
    with pytest.raises(DataError, match="'2007_a' in validation and in test"):
        ck.data.voc(root)
    lists(root, "Main", train="", test="2007_c")
    with pytest.raises(DataError, match=r"train\.txt"):
        ck.data.voc(root)
    lists(root, "Main", train="2007_z")
    with pytest.raises(DataError, match=r"JPEGImages.*the first '2007_z'"):
        ck.data.voc(root)


def masked(root: Path) -> np.ndarray:
    """Masks as VOC writes them: indices of a palette."""
    mask = np.zeros(SIZE, np.uint8)
    mask[5:15, 5:15] = 12
    mask[20:] = 255
    image = Image.fromarray(mask)
    image.putpalette(np.random.default_rng(0).integers(0, 256, 768).tolist())
    for name in ("2007_a", "2007_c"):
        image.save(root / "SegmentationClass" / f"{name}.png")
    return mask


def test_masks(tmp_path: Path) -> None:
    root = devkit(tmp_path, TWO)
    mask = masked(root)
    photos = ck.data.voc(root, target="masks", split=(1, 0, 0))
    assert photos.train.ids == ("2007_a", "2007_c")
    assert (photos.classes[0], photos.classes[12]) == ("background", "dog")
    np.testing.assert_array_equal(photos.train.targets.mask(1), mask)
    lists(root, "Segmentation", train="2007_c", val="2007_a")
    assert ck.data.voc(root, target="masks").validation.ids == ("2007_a",)
    few = ck.data.voc(root, target="masks", classes=["cat", "dog"])
    with pytest.raises(DataError, match=r"2007_c\.png.*12 at column 5, row 5"):
        few.train.targets.mask(0)
    Image.fromarray(mask.T).save(root / "SegmentationClass" / "2007_c.png")
    with pytest.raises(DataError, match=r"height 30 and width 40.*2007_c\.jpg.*2007_c\.png"):
        ck.data.voc(root, target="masks")
    (root / "SegmentationClass" / "2007_c.png").unlink()
    with pytest.raises(ImageFileError, match=r"2007_c\.png"):
        ck.data.voc(root, target="masks")


def test_classes_of_ones_own(tmp_path: Path) -> None:
    root = devkit(tmp_path, {"a": thing("wheel", 1, 1, 2, 2)})
    assert ck.data.voc(root, classes=["door", "wheel"], split=(1, 0, 0)).train.targets.labels.tolist() == [1]
    with pytest.raises(UnknownNameError, match=r"a class in .*a\.xml.*'wheel'.*classes"):
        ck.data.voc(root)


def test_boxes_that_cannot_be_learned_from_are_named(tmp_path: Path) -> None:
    same = thing("cow", 5, 5, 9, 9)
    root = devkit(tmp_path, {"a": same + same + thing("car", 50, 1, 60, 9) + thing("dog", -5, 2, 90, 9)})
    words = "1 outside their picture (car of a.xml), 1 twice in one picture (cow of a.xml)"
    with pytest.warns(UserWarning, match=re.escape(words)):
        truth = ck.data.voc(root, split=(1, 0, 0)).train.targets
    assert truth.boxes.tolist() == [[4, 4, 9, 9], [0, 1, 40, 9]]
    assert truth.difficult is None


@pytest.mark.parametrize(
    "box", [(5, 1, 4, 9), (1, 9, 4, 5), ("nan", 1, 4, 9), ("", 1, 4, 9), ("1 2", 1, 4, 9), (1, 1, "inf", 9)]
)
def test_boxes_that_are_none(tmp_path: Path, box: tuple[object, ...]) -> None:
    root = devkit(tmp_path, {"a": thing("dog", 1, 1, 2, 2) + thing("cat", *box)})
    with pytest.raises(DataError, match=r"bndbox of xmin.*object 2 \(cat\) of .*a\.xml"):
        ck.data.voc(root)


LAUGHS = '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><annotation>&b;</annotation>'
OUTSIDE = (
    '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><annotation><object><name>&b;</name></object></annotation>'
)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (LAUGHS.encode(), "DOCTYPE lolz"),
        (LAUGHS.encode("utf-16"), "DOCTYPE lolz"),
        (OUTSIDE.encode(), "DOCTYPE a"),
        (b'<!DOCTYPE annotation SYSTEM "http://example.org/voc.dtd"><annotation/>', "DOCTYPE annotation"),
        (b"<annotation><object></annotation>", "mismatched tag"),
        (b"", "no element"),
        (b"\xff\xfe\x00", "a.xml"),
        (b"<annotation><object><name> </name></object></annotation>", "the name of object 1"),
        (b"<annotation>&unknown;</annotation>", "undefined entity"),
        (
            b"<annotation><size><height>9</height><width>9</width></size></annotation>",
            r"height 9 and width 9 of .*a\.jpg",
        ),
    ],
)
def test_hostile_xml(tmp_path: Path, content: bytes, words: str) -> None:
    root = devkit(tmp_path, {"a": ""})
    (root / "Annotations" / "a.xml").write_bytes(content)
    with pytest.raises(DataError, match=words) as caught:
        ck.data.voc(root)
    assert "a.xml" in str(caught.value)


def test_folders_that_are_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a folder JPEGImages"):
        ck.data.voc(tmp_path)
    root = devkit(tmp_path, {})
    with pytest.raises(DataError, match=r"files \*\.xml"):
        ck.data.voc(root)
    with pytest.raises(UnknownNameError, match="'masks'"):
        ck.data.voc(root, target="mask")


def test_a_list_that_is_no_text(tmp_path: Path) -> None:
    root = devkit(tmp_path, TWO)
    lists(root, "Main", train="2007_a")
    (root / "ImageSets" / "Main" / "train.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"a list of names in .*train\.txt"):
        ck.data.voc(root)
