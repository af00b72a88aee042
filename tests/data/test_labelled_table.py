"""Labels in a CSV file or a DataFrame: what is read, and each fault by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import cnnkit as ck
from cnnkit.data.dataset import Dataset
from cnnkit.errors import DataError, ImageFileError, InputError, UnknownNameError

FILES = [f"a/{number}.png" for number in range(12)]
KINDS = ["cat", "dog"] * 6


@pytest.fixture(autouse=True)
def photos(tmp_path: Path) -> Path:
    (tmp_path / "a").mkdir()
    for number, file in enumerate(FILES):
        Image.new("RGB", (6, 4), (number, 0, 0)).save(tmp_path / file)
    return tmp_path


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"file": FILES, "kind": KINDS} | columns)


def everything(data: Dataset) -> dict[str, Any]:
    """Id → label, of all parts."""
    return {
        name: label.tolist()
        for source in data.parts().values()
        for name, label in zip(source.ids, np.asarray(source.labels), strict=True)
    }


def test_a_frame_and_a_csv_file(photos: Path) -> None:
    data = ck.data.table(frame(), x="file", y="kind", folder=photos, seed=2)
    assert data.classes == ("cat", "dog")
    assert everything(data) == {file: number % 2 for number, file in enumerate(FILES)}
    assert all(
        (data.train.image(place)[..., 0] == FILES.index(name)).all() for place, name in enumerate(data.train.ids)
    )
    for separator, encoding in ((",", "utf-8"), (";", "utf-8-sig"), ("\t", "utf-8")):
        frame().to_csv(photos / "labels.csv", index=False, sep=separator, encoding=encoding)
        assert ck.data.table(photos / "labels.csv", x="file", y="kind", seed=2).fingerprint == data.fingerprint
    absolute = frame(file=[str(photos / file) for file in FILES])
    assert len(ck.data.table(absolute, x="file", y="kind").train) == len(data.train)


def test_a_csv_keeps_names_as_they_are_written(photos: Path) -> None:
    frame(kind=["NA", "007"] * 6).to_csv(photos / "labels.csv", index=False)
    assert ck.data.table(str(photos / "labels.csv"), x="file", y="kind").classes == ("007", "NA")


@pytest.mark.parametrize(
    ("kinds", "classes", "names"),
    [
        ([2, 10] * 6, None, ("2", "10")),
        ([2.0, 10.0] * 6, None, ("2", "10")),
        ([0, 1] * 6, ["cat", "dog"], ("cat", "dog")),
        ([1, 0] * 6, ["dog", "cat"], ("dog", "cat")),
        ([False, True] * 6, None, ("False", "True")),
        (KINDS, ["dog", "cat"], ("dog", "cat")),
    ],
)
def test_whole_numbers_and_given_classes(photos: Path, kinds: Any, classes: Any, names: tuple[str, ...]) -> None:
    data = ck.data.table(frame(kind=kinds), x="file", y="kind", folder=photos, classes=classes)
    assert data.classes == names
    of_first = everything(data)["a/0.png"]
    assert names[of_first] in ("cat", "2", "False")


@pytest.mark.parametrize(
    ("column", "options"),
    [
        (["red|round", "red", "", "round"] * 3, {"separator": "|"}),
        (["red round", "red", " ", "round "] * 3, {"separator": " "}),
        ([["red", "round"], ["red"], [], ("round",)] * 3, {}),
    ],
)
def test_several_labels_a_picture(photos: Path, column: Any, options: dict[str, Any]) -> None:
    data = ck.data.table(frame(kind=column), x="file", y="kind", folder=photos, **options)
    assert (data.classes, data.train.multi_label) == (("red", "round"), True)
    assert [everything(data)[file] for file in FILES[:4]] == [[1, 1], [1, 0], [0, 0], [0, 1]]


def test_columns_of_0_and_1(photos: Path) -> None:
    both = frame(red=[1, 0, 1] * 4, round=[0, 1, 1] * 4)
    assert ck.data.table(both, x="file", y=["red", "round"], folder=photos).train.multi_label
    exclusive = ck.data.table(frame(red=[1, 0] * 6, round=[0, 1] * 6), x="file", y=["red", "round"], folder=photos)
    assert everything(exclusive)["a/1.png"] == 1
    with pytest.raises(DataError, match=r"2 in the column 'red', row 1 \(a/1\.png\)"):
        ck.data.table(frame(red=[1, 2] * 6, round=0), x="file", y=["red", "round"], folder=photos)


def test_a_column_of_splits(photos: Path) -> None:
    parts = ["train"] * 6 + ["VAL"] * 2 + ["test_set"] * 4
    data = ck.data.table(frame(part=parts), x="file", y="kind", folder=photos, split_column="part")
    assert [source.ids for source in data.parts().values()] == [tuple(FILES[:6]), tuple(FILES[6:8]), tuple(FILES[8:])]
    two = ck.data.table(
        frame(part=["train"] * 8 + ["test"] * 4), x="file", y="kind", folder=photos, split_column="part"
    )
    assert [len(source) for source in two.parts().values()] == [6, 2, 4]
    with pytest.raises(UnknownNameError, match=r"row 0, a/0\.png.*'holdout'"):
        ck.data.table(frame(part="holdout"), x="file", y="kind", folder=photos, split_column="part")
    with pytest.raises(DataError, match="only test"):
        ck.data.table(frame(part="test"), x="file", y="kind", folder=photos, split_column="part")


@pytest.mark.parametrize(
    ("columns", "error", "message"),
    [
        ({"file": ["b.png", *FILES[1:]]}, DataError, r"1 are missing, the first 'b\.png'.*folder="),
        ({"file": [file[:-4] for file in FILES]}, DataError, r"12 are missing.*lack their ending.*'\.png'"),
        ({"file": [FILES[0], FILES[0], *FILES[2:]]}, DataError, r"rows 0 and 1, as 'cat' and 'dog'.*agg\(list\)"),
        (
            {"file": [FILES[0], "./" + FILES[2], *FILES[2:]], "kind": ["cat", "cat", *KINDS[2:]]},
            DataError,
            "'cat' and 'cat'",
        ),
        ({"kind": [None, *KINDS[1:]]}, DataError, r"none in row 0 \(a/0\.png\).*dropna"),
        ({"kind": [np.nan, *range(11)]}, DataError, r"none in row 0 \(a/0\.png\)"),
        ({"kind": [pd.NA, *KINDS[1:]]}, DataError, "none in row 0"),
        ({"kind": ["", *KINDS[1:]]}, DataError, "none in row 0"),
        ({"kind": [0.5] * 12}, DataError, "0.5 in row 0.*measured"),
        ({"kind": "cat"}, DataError, "only 'cat'"),
        ({"file": [7, *FILES[1:]]}, InputError, "7 in row 0"),
        ({"file": [np.nan, *FILES[1:]]}, InputError, "nan in row 0"),
    ],
)
def test_each_fault_by_its_name(photos: Path, columns: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ck.data.table(frame(**columns), x="file", y="kind", folder=photos)


def test_columns_and_classes_that_do_not_exist(photos: Path) -> None:
    with pytest.raises(UnknownNameError, match="'kind'"):
        ck.data.table(frame(), x="file", y="kinds", folder=photos)
    with pytest.raises(UnknownNameError, match="'cat'"):
        ck.data.table(frame(), x="file", y="kind", folder=photos, classes=["dog", "cats"])
    with pytest.raises(DataError, match="rows in the table"):
        ck.data.table(frame().iloc[:0], x="file", y="kind", folder=photos)
    with pytest.raises(DataError, match=r"a CSV file at .*nowhere\.csv"):
        ck.data.table(photos / "nowhere.csv", x="file", y="kind")
    (photos / "empty.csv").touch()
    with pytest.raises(DataError, match="No columns"):
        ck.data.table(photos / "empty.csv", x="file", y="kind")


def test_files_that_are_no_pictures(photos: Path) -> None:
    (photos / FILES[3]).write_bytes(b"text")
    with pytest.raises(ImageFileError, match=r"a/3\.png"):
        ck.data.table(frame(), x="file", y="kind", folder=photos)
    (photos / FILES[4]).unlink()
    data = ck.data.table(frame(), x="file", y="kind", folder=photos, on_error="skip")
    assert [file.path for file in data.skipped] == FILES[3:5]
    assert set(everything(data)) == set(FILES) - set(FILES[3:5])
