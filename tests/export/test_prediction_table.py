"""Prediction files: what goes in comes out, in its order, in constant memory, whole or not at all."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cnnkit.errors import BundleError, DataError, InputError
from cnnkit.export.prediction_table import read_predictions, write_column, write_predictions

CLASSES = ("ant", "bee", "Ω wasp")


def batches(count: int, size: int = 7) -> Iterator[tuple[list[str], np.ndarray]]:
    generator = np.random.default_rng(0)
    for start in range(0, count, size):
        ids = [f"folder/{number}.jpg" for number in range(start, min(start + size, count))]
        yield ids, generator.dirichlet(np.ones(len(CLASSES)), len(ids))


@pytest.mark.parametrize("count", [1, 20, 21, 40, 41])
def test_what_was_written_is_read_in_its_order(tmp_path: Path, count: int) -> None:
    path = tmp_path / "new" / "p.parquet"
    rows = write_predictions(path, batches(count), classes=CLASSES, model_hash="ab12", rows_per_group=20)
    found = read_predictions(path)
    assert (rows, found.classes, found.model_hash) == (count, CLASSES, "ab12")
    assert list(found.table.columns) == ["id", *CLASSES]
    assert list(found.table["id"]) == [name for ids, _ in batches(count) for name in ids]
    values = np.concatenate([array for _, array in batches(count)]).astype(np.float32)
    np.testing.assert_array_equal(found.table[list(CLASSES)].to_numpy(), values)
    assert set(found.table.dtypes[list(CLASSES)]) == {np.dtype("float32")}
    groups = pq.ParquetFile(path).metadata
    sizes = [groups.row_group(index).num_rows for index in range(groups.num_row_groups)]
    assert sizes == [20] * (count // 20) + ([count % 20] if count % 20 else [])


def test_a_frame_of_predict(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": [3, 1], "label": ["bee", "ant"], "ant": [0.25, 0.75], "bee": [0.75, 0.25]})
    assert write_predictions(tmp_path / "p.parquet", frame, classes=("ant", "bee")) == 2
    found = read_predictions(tmp_path / "p.parquet").table
    assert found["id"].tolist() == ["3", "1"]
    assert found["bee"].tolist() == [0.75, 0.25]


def test_one_column_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    values = [np.array([0.1, 0.2]), np.array([[0.3], [0.4]], np.float32), [0.5]]
    rows = write_column(path, values, column="probability", classes=("no", "yes"), model_hash="cd")
    schema = pq.read_schema(path)
    assert rows == 5
    assert schema.remove_metadata().equals(pa.schema([("probability", pa.float32())]))
    found = read_predictions(path)
    np.testing.assert_array_equal(found.table["probability"], np.array([0.1, 0.2, 0.3, 0.4, 0.5], np.float32))
    assert (found.classes, found.model_hash) == (("no", "yes"), "cd")


def test_no_rows_are_a_file_too(tmp_path: Path) -> None:
    assert write_predictions(tmp_path / "p.parquet", [], classes=CLASSES) == 0
    assert len(read_predictions(tmp_path / "p.parquet").table) == 0


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    """Twenty times the rows: the peak stays. Measured in a process without TensorFlow."""
    code = """
import resource, sys, numpy as np
from cnnkit.export.prediction_table import write_predictions
assert "tensorflow" not in sys.modules and "keras" not in sys.modules
values = np.full((1000, 2), 0.5, np.float32)
def write(count):
    made = (([str(number) for number in range(1000)], values) for _ in range(count))
    write_predictions(sys.argv[1], made, classes=["a", "b"])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(write(100), write(2000))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "p.parquet")], capture_output=True, text=True, check=True
    )
    few, many = (int(part) for part in done.stdout.split())
    assert many < few + 60_000  # kilobytes; two million ids alone would be 100,000


@pytest.mark.parametrize(
    ("made", "error", "message"),
    [
        ([(["a"], [[0.1, 0.9]])], DataError, r"shape \(n, 3\).*\(1, 2\)"),
        ([(["a"], [0.1, 0.2, 0.7])], DataError, "shape"),
        ([(["a", "b"], [[0.1, 0.2, 0.7]])], DataError, "1 ids for as many rows"),
        ([(["a"], [[0.1, 0.2, 0.7]]), (["b"], [[0.1, np.nan, 0.7]])], DataError, "finite probabilities.*row 0"),
        (pd.DataFrame({"id": ["a"], "ant": [1.0]}), InputError, "bee"),
    ],
)
def test_wrong_rows_leave_no_file(tmp_path: Path, made: Any, error: type[Exception], message: str) -> None:
    path = tmp_path / "p.parquet"
    path.write_text("older")
    with pytest.raises(error, match=message):
        write_predictions(path, made, classes=CLASSES)
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("classes", [("id", "b"), ("a", "a"), ()])
def test_classes_that_cannot_be_columns(tmp_path: Path, classes: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="classes with different names"):
        write_predictions(tmp_path / "p.parquet", [], classes=classes)


def test_wrong_columns_and_sizes(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"\(n,\) or \(n, 1\)"):
        write_column(tmp_path / "p.parquet", [np.zeros((2, 2))], column="p")
    with pytest.raises(DataError, match="finite"):
        write_column(tmp_path / "p.parquet", [np.array([np.inf])], column="p")
    with pytest.raises(InputError, match="rows_per_group >= 1"):
        write_column(tmp_path / "p.parquet", [], column="p", rows_per_group=0)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    path.write_text("older")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with pytest.raises(BundleError, match="room on the disk"):
            write_predictions(path, batches(5000), classes=CLASSES)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(BundleError, match="to write"):
        write_predictions(path / "below.parquet", batches(5), classes=CLASSES)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a Parquet file at"):
        read_predictions(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("hello")
    with pytest.raises(DataError, match="a Parquet file at"):
        read_predictions(tmp_path / "text.parquet")
    pd.DataFrame({"a": [1.0]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(DataError, match="metadata of cnnkit"):
        read_predictions(tmp_path / "other.parquet")
