"""Values of the wrong type for each argument of each public function of the room: they work, or the error says why.

Each row is a call that works. Each of its arguments is replaced by each of the values below, one at a time: whatever
comes, it is a cnnkit error with its three parts, or a result; never an error of Python, NumPy or pandas.
"""

from __future__ import annotations

import inspect
import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import cnnkit as ck
from cnnkit.data.targets import Boxes, Points
from cnnkit.errors import CnnkitError

VALUES = [
    None,
    True,
    7,
    -1,
    16.0,
    2.5,
    float("nan"),
    "",
    "text",
    b"bytes",
    Path("nowhere"),
    [],
    [1, "a"],
    ["a", "a"],
    (1, 2, 3),
    {"a": 1},
    np.float32(2.5),
    np.int64(3),
    np.array(3),
    np.zeros((2, 3)),
    pd.Series([1.5, 2.5]),
    object(),
    len,
]
X = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)
Y = np.arange(12) % 2
DATA = ck.data.arrays(X, Y)
FRAME = pd.DataFrame({"file": [f"a/{number}.png" for number in range(6)] + [f"b/{number}.png" for number in range(6)]})
FRAME["kind"] = FRAME["file"].str[0]
COCO = '{"images": [], "annotations": [], "categories": [{"id": 1, "name": "person"}]}'
BOXES = json.dumps(
    {
        "images": [{"id": 0, "file_name": "a/0.png", "height": 8, "width": 8}],
        "annotations": [{"id": 5, "image_id": 0, "category_id": 1, "bbox": [1, 1, 3, 3]}],
        "categories": [{"id": 1, "name": "person"}],
    }
)


def all_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose result is gone through: some faults show only then."""

    def through(**arguments: Any) -> list[Any]:
        return list(function(**arguments))

    through.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]  # inspect looks there
    return through


BOX = Boxes.of_lists(("thing",), [[[1, 1, 5, 5]]], [[0]])
ONE = DATA.train.take([0])
MARKED = replace(ONE, targets=replace(BOX, points=Points(("tip",), [[[2, 2]]], [[2]])))
THINGS = replace(DATA, classes=BOX.names, train=MARKED, validation=MARKED, test=MARKED)
CALLS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "arrays": (ck.data.arrays, {"x": X, "y": Y}),
    "as_source": (ck.data.as_source, {"pictures": X}),
    "folder": (ck.data.folder, {"path": "."}),
    "pictures": (ck.data.pictures, {"path": "."}),
    "table": (ck.data.table, {"rows": FRAME, "x": "file", "y": "kind"}),
    "coco": (ck.data.coco, {"images": ".", "annotations": "coco.json"}),
    "coco of boxes": (ck.data.coco, {"images": ".", "annotations": "boxes.json", "target": "boxes"}),
    "voc": (ck.data.voc, {"folder": "voc"}),
    "masks": (ck.data.masks, {"images": ".", "masks": "masks", "classes": ["ground", "thing"]}),
    "mask_folder": (ck.data.mask_folder, {"folder": "voc"}),
    "pairs": (ck.data.pairs, {"pictures": "a"}),
    "swapped": (ck.data.swapped, {"photos": None}),
    "largest_boxes": (ck.data.largest_boxes, {"photos": None, "classes": "thing"}),
    "crops": (ck.data.crops, {"photos": THINGS, "least": 1}),
    "box_crops": (ck.data.box_crops, {"source": ONE, "boxes": BOX}),
    "region_crops": (ck.data.region_crops, {"picture": X[0], "regions": [[1, 1, 4, 4]], "size": (8, 8)}),
    "in_whole_photographs": (
        ck.data.in_whole_photographs,
        {"crops": ck.data.box_crops(ONE, BOX), "points": Points(("tip",), [[[2, 2]]], [[2]], [[0.5]]), "boxes": BOX},
    ),
    "with_classes": (ck.data.with_classes, {"photos": THINGS, "classes": "thing"}),
    "point_folder": (ck.data.point_folder, {"folder": "voc/points"}),
    "similarity_transform": (
        ck.data.similarity_transform,
        {"points": [[0, 0], [1, 0]], "target": [[1, 1], [1, 3]]},
    ),
    "aligned": (
        ck.data.aligned,
        {"source": DATA.train, "points": None},
    ),
    "scenes": (ck.data.scenes, {"n": 2}),
    "faces": (ck.data.faces, {"people": 2, "shots": 3}),
    "photograph": (ck.data.photograph, {}),
    "decode_file": (ck.data.decode_file, {"path": "a/0.png"}),
    "decode_bytes": (ck.data.decode_bytes, {"data": b"...", "name": "it"}),
    "batches": (all_of(ck.data.batches), {"source": DATA.train, "framing": ck.data.Framing(), "size": (8, 8)}),
    "augmented": (ck.data.augmented, {"dataset": None, "augment": ck.data.Augmentation()}),
    "Augmentation": (ck.data.Augmentation, {}),
    "RandAugment": (ck.data.RandAugment, {}),
    "Elastic": (ck.data.Elastic, {}),
    "RandomErasing": (ck.data.RandomErasing, {}),
    "RandomCrop": (ck.data.RandomCrop, {"size": (8, 8)}),
    "Chain": (ck.data.Chain, {"steps": ()}),
    "MixUp": (ck.data.MixUp, {}),
    "CutMix": (ck.data.CutMix, {}),
    "Mosaic": (ck.data.Mosaic, {}),
    "yolo": (ck.data.yolo, {"folder": "a"}),
    "Framing": (ck.data.Framing, {}),
    "Framing.apply": (ck.data.Framing().apply, {"image": X[0], "size": (4, 4)}),
    "Framing.positions": (ck.data.Framing().positions, {"shape": (9, 8), "size": (4, 4)}),
    "View": (ck.data.View, {"positions": np.eye(3), "pixels": len}),
    "KeptPictures": (ck.data.KeptPictures, {}),
    "Dataset": (ck.data.Dataset, {"classes": DATA.classes, **DATA.parts()}),
    "Source": (
        ck.data.Source,
        {"ids": ("a",), "targets": None, "reader": DATA.train.reader, "positions": np.arange(1)},
    ),
    "Source.take": (DATA.train.take, {"indices": [0]}),
    "Source.image": (DATA.train.image, {"index": 0}),
    "Source.digests": (DATA.train.digests, {}),
    "ImageDataGenerator": (ck.keras_generator.ImageDataGenerator, {"data_format": "channels_last", "dtype": "float32"}),
}
FLOWS = {
    "flow": {"x": X, "y": Y, "batch_size": 4},
    "flow_from_directory": {"directory": ".", "target_size": (8, 8), "batch_size": 4},
    "flow_from_dataframe": {"dataframe": FRAME, "x_col": "file", "y_col": "kind", "target_size": (8, 8)},
}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for number, name in enumerate(FRAME["file"]):
        (folder / name).parent.mkdir(exist_ok=True)
        Image.fromarray(X[number]).save(folder / name)
        (folder / "masks" / name).parent.mkdir(exist_ok=True, parents=True)
        Image.fromarray(X[number][..., 0] // 128).save(folder / "masks" / name)
    (folder / "voc" / "points" / "images").mkdir(parents=True)
    (folder / "voc" / "points" / "keypoints.json").write_text(COCO, encoding="utf-8")
    for name in ("JPEGImages", "Annotations"):
        (folder / "voc" / name).mkdir(parents=True)
    Image.fromarray(X[0]).save(folder / "voc" / "JPEGImages" / "a.png")
    (folder / "voc" / "Annotations" / "a.xml").write_text("<annotation></annotation>")
    (folder / "coco.json").write_text(COCO, encoding="utf-8")
    (folder / "boxes.json").write_text(BOXES, encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def _in_the_folder(here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(here)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # words, too
        yield


def raw_errors(name: str, function: Callable[..., Any], given: dict[str, Any]) -> list[str]:
    """The calls that end in an error that is not cnnkit's."""
    found = []
    for argument in inspect.signature(function).parameters:
        for value in VALUES:
            try:
                function(**{**given, argument: value})
            except CnnkitError as error:
                if not all((error.expected, error.received, error.remedy)):
                    found.append(f"{name}({argument}={value!r}) says too little: {error}")
            except Exception as error:
                found.append(f"{name}({argument}={value!r}): {type(error).__name__}: {str(error)[:90]}")
    return found


@pytest.mark.parametrize("name", CALLS)
def test_no_raw_error(name: str) -> None:
    assert raw_errors(name, *CALLS[name]) == []


@pytest.mark.parametrize("name", FLOWS)
def test_no_raw_error_of_a_flow(name: str) -> None:
    generator = ck.keras_generator.ImageDataGenerator(data_format="channels_last", dtype="float32", threads=1)
    method = getattr(generator, name)

    def first(**arguments: Any) -> Any:
        return method(**arguments)[0]

    first.__signature__ = inspect.signature(method)  # type: ignore[attr-defined]  # inspect looks there
    assert raw_errors(name, first, FLOWS[name]) == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ck.data.folder(None), r"the path of a folder of pictures.*NoneType: None.*pathlib\.Path"),  # type: ignore[arg-type]
        (lambda: ck.data.folder("."[:0]), "the path of a folder of pictures"),
        (lambda: ck.data.folder(".", seed=None), r"seed as a whole number.*seed=None"),  # type: ignore[arg-type]
        (lambda: ck.data.arrays(X, Y, seed=1.0), r"seed as a whole number.*seed=1\.0"),  # type: ignore[arg-type]
        (lambda: ck.data.batches(DATA.train, ck.data.Framing(), (8, 8), batch_size=16.0), r"batch_size=16\.0"),  # type: ignore[arg-type]
        (lambda: ck.data.batches(DATA.train, ck.data.Framing(), (8, 8), augment=len), r"dataclass with apply"),  # type: ignore[arg-type]
        (lambda: ck.data.batches(DATA, ck.data.Framing(), (8, 8)), r"a source.*photos\.train"),  # type: ignore[arg-type]
        (lambda: DATA.train.take(5), r"take\(range\(5\)\)"),
        (lambda: ck.data.Augmentation(horizontal_flip=0.5), "horizontal_flip as True or False"),  # type: ignore[arg-type]
        (lambda: ck.keras_generator.ImageDataGenerator().flow(X, batch_size=16.0), r"batch_size=16\.0.*int\(\.\.\.\)"),  # type: ignore[arg-type]
        (
            lambda: ck.keras_generator.ImageDataGenerator().flow_from_dataframe(FRAME, x_col="file", y_col=["kind"]),
            r"one column as y_col with class_mode='categorical'.*\['kind'\].*'raw' or 'multi_output'",
        ),
    ],
)
def test_the_words_of_some(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(CnnkitError, match=message):
        call()


def test_every_public_function_is_in_the_table() -> None:
    # Values that are made by others, a base class and a room; tfds has a test below.
    passive = {"Batch", "Reader", "SkippedFile", "ViewAugmenter", "targets", "tfds"}
    elsewhere = {"ImageDataGenerator"}
    assert set(ck.data.__all__) - passive == {name.split(".")[0].split(" ")[0] for name in CALLS} - elsewhere


@pytest.mark.parametrize("argument", ["name", "data_dir", "split", "seed"])
def test_no_raw_error_of_tfds(argument: str) -> None:
    for value in (7 if argument != "seed" else -7, 2.5, [1, "a"], {"a": 1}, object(), np.float32(2.5)):
        with pytest.raises(CnnkitError):
            ck.data.tfds(**{"name": "no such set", argument: value})
