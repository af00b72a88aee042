"""What becomes of boxes that annotations should not hold: the same cases in COCO's, Pascal VOC's and YOLO's files."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cnnkit as ck
from cnnkit.data import Dataset
from cnnkit.errors import CnnkitError

WIDTH, HEIGHT = 40, 30
NAMES = ("person", "dog")
GOOD = (1.0, 2.0, 11.0, 12.0)
Box = tuple[float, float, float, float]  # x1, y1, x2, y2 in pixels


def pictures(folder: Path, names: Sequence[str]) -> None:
    folder.mkdir(parents=True)
    for name in names:
        Image.new("RGB", (WIDTH, HEIGHT)).save(folder / name)


def of_coco(root: Path, boxes: Sequence[Box], names: Sequence[str], files: Sequence[str]) -> Dataset:
    pictures(root / "images", files)
    things = [
        {"id": number, "image_id": 1, "category_id": 1, "bbox": [x, y, right - x, bottom - y]}
        for number, (x, y, right, bottom) in enumerate(boxes, start=1)
    ]
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": WIDTH, "height": HEIGHT}],
        "categories": [{"id": number, "name": name} for number, name in enumerate(names, start=1)],
        "annotations": things,
    }
    (root / "instances.json").write_text(json.dumps(content))
    return ck.data.coco(root / "images", root / "instances.json", target="boxes", split=(1, 0, 0))


def of_voc(root: Path, boxes: Sequence[Box], names: Sequence[str], files: Sequence[str]) -> Dataset:
    pictures(root / "JPEGImages", files)
    (root / "Annotations").mkdir()
    things = [
        f"<object><name>{names[0]}</name><bndbox><xmin>{x + 1}</xmin><ymin>{y + 1}</ymin>"
        f"<xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object>"
        for x, y, right, bottom in boxes
    ]
    (root / "Annotations" / "a.xml").write_text(f"<annotation>{''.join(things)}</annotation>")
    return ck.data.voc(root, classes=list(names), split=(1, 0, 0))


def of_yolo(root: Path, boxes: Sequence[Box], names: Sequence[str], files: Sequence[str]) -> Dataset:
    pictures(root / "images", files)
    (root / "labels").mkdir()
    lines = [
        f"0 {(x + right) / 2 / WIDTH} {(y + bottom) / 2 / HEIGHT} {(right - x) / WIDTH} {(bottom - y) / HEIGHT}"
        for x, y, right, bottom in boxes
    ]
    (root / "labels" / "a.txt").write_text("\n".join(lines))
    (root / "classes.txt").write_text("\n".join(names))
    return ck.data.yolo(root, split=(1, 0, 0))


Writer = Callable[[Path, Sequence[Box], Sequence[str], Sequence[str]], Dataset]
ORIGINS: dict[str, Writer] = {"coco": of_coco, "voc": of_voc, "yolo": of_yolo}
# What each origin calls its second box.
SECOND = {"coco": "annotation 2", "voc": r"object 2 \(person\) of .*a\.xml", "yolo": r"line 2 of .*a\.txt"}
LEFT_OUT = {"coco": "annotation 2", "voc": r"person of a\.xml", "yolo": r"line 2 of labels/a\.txt"}


@dataclass(frozen=True)
class Case:
    """Annotations, and what becomes of them.

    Attributes:
        boxes: Of the picture `a.jpg`.
        stay: The boxes that the dataset has; None where it is an error.
        words: Of the warning, or of the error, by origin; "*" for the others.
        names: Of the classes.
        files: The pictures that are there.
    """

    boxes: Sequence[Box]
    stay: Sequence[Box] | None = None
    words: dict[str, str] = field(default_factory=dict)
    names: Sequence[str] = NAMES
    files: Sequence[str] = ("a.jpg",)


def wrong(box: Box) -> Case:
    return Case((GOOD, box), words=SECOND)


def left_out(box: Box, fault: str) -> Case:
    return Case((GOOD, box), (GOOD,), {name: rf"1 {fault} \({called}\)" for name, called in LEFT_OUT.items()})


NAN, INFINITE = float("nan"), float("inf")
MANY = [(index % 20.0, index % 7.0, index % 20 + 1 + index / 20_000, index % 7 + 2.0) for index in range(10_000)]
MISSING = {"coco": r"'a\.jpg'", "voc": "'a'", "yolo": r"labels/a\.txt"}
CASES = {
    "nothing wrong": Case((GOOD,), (GOOD,)),
    "no box": Case((), ()),
    "NaN": wrong((NAN, 2.0, 9.0, 9.0)),
    "infinite": wrong((1.0, 2.0, INFINITE, 9.0)),
    "negative width": wrong((20.0, 2.0, 9.0, 9.0)),
    "negative height": wrong((2.0, 20.0, 9.0, 9.0)),
    "no width": left_out((7.0, 2.0, 7.0, 9.0), "without area"),
    "outside": left_out((50.0, 2.0, 60.0, 9.0), "outside their picture"),
    "left of the picture": left_out((-9.0, 2.0, 0.0, 9.0), "outside their picture"),
    "the same twice": left_out(GOOD, "twice in one picture"),
    "partly outside": Case(((-5.0, -4.0, 50.0, 35.0),), ((0.0, 0.0, 40.0, 30.0),)),
    "10,000 boxes": Case(MANY, MANY),
    "a missing picture": Case((GOOD,), words=MISSING, files=["b.jpg"]),
    "two categories of one name": Case((GOOD,), words={"*": "different.*dog"}, names=("dog", "dog")),
}


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("name", CASES)
def test_hostile_boxes(name: str, origin: str, tmp_path: Path) -> None:
    case = CASES[name]
    if (name, origin) == (
        "no width",
        "voc",
    ):  # whose last column of pixels is part of a box: xmax = xmin - 1 is swapped
        case = wrong(case.boxes[1])
    words = case.words.get(origin, case.words.get("*", ""))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if case.stay is None:
            with pytest.raises(CnnkitError, match=words):
                ORIGINS[origin](tmp_path, case.boxes, case.names, case.files)
        else:
            truth = ORIGINS[origin](tmp_path, case.boxes, case.names, case.files).train.targets
            np.testing.assert_allclose(truth.boxes, np.reshape(case.stay, (-1, 4)), atol=1e-9)
    if case.stay is not None and words:
        assert len(caught) == 1
        with pytest.warns(UserWarning, match=words):
            warnings.warn_explicit(caught[0].message, caught[0].category, caught[0].filename, caught[0].lineno)
    else:
        assert not caught
