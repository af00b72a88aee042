from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cnnkit.course.submissions.predictions import Wanted, read_predictions
from tests.course.submissions.costly_predictions import VALID, VALUES

ROWS = 1_000
WANTED = Wanted(file="predictions.parquet", column="person", rows=ROWS, row_groups=64)


def bits(values: np.ndarray) -> list[int]:
    return values.view(np.uint32).tolist()


def probabilities() -> np.ndarray:
    """All kinds of float32 in [0, 1]: the ends, their neighbours, a denormal, and chance."""
    values = np.random.default_rng(0).random(ROWS, np.float32)
    one = np.float32(1)
    values[:6] = 0, 1, np.nextafter(one, np.float32(0)), np.float32(1e-45), 0.5, np.nextafter(np.float32(0.5), one)
    return values


def written(table: pa.Table, **settings: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **settings)
    return sink.getvalue()


def column(values: object = None, kind: pa.DataType | None = None) -> pa.Table:
    return pa.table({"person": pa.array(probabilities() if values is None else values, kind)})


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"compression": "none"},
        {"compression": "zstd", "use_dictionary": False},
        {"compression": "gzip", "version": "1.0"},
        {"use_dictionary": False, "column_encoding": "BYTE_STREAM_SPLIT"},
        {"data_page_version": "2.0", "row_group_size": 16, "write_page_checksum": True},
        {"store_schema": False},
    ],
    ids=str,
)
def test_every_way_to_write_float32_is_read_bit_for_bit(settings: dict[str, object]) -> None:
    findings, values = read_predictions(written(column(), **settings), WANTED)
    assert findings == []
    assert values is not None
    assert bits(values) == bits(probabilities())


def test_what_pandas_writes() -> None:
    sink = io.BytesIO()
    pd.DataFrame({"person": probabilities()}).to_parquet(sink, index=False)
    findings, values = read_predictions(sink.getvalue(), WANTED)
    assert findings == []
    assert values is not None
    assert bits(values) == bits(probabilities())


def test_a_required_column_and_a_dictionary_of_float32_hold_the_same_numbers() -> None:
    required = pa.table([probabilities()], pa.schema([pa.field("person", pa.float32(), nullable=False)]))
    dictionary = pa.table({"person": pa.array(probabilities()).dictionary_encode()})
    for table in (required, dictionary):
        findings, values = read_predictions(written(table), WANTED)
        assert findings == []
        assert values is not None
        assert bits(values) == bits(probabilities())


def test_minus_zero_becomes_zero() -> None:
    values = probabilities()
    values[7] = -0.0
    findings, read = read_predictions(written(column(values)), WANTED)
    assert findings == []
    assert read is not None
    assert not np.signbit(read).any()


def test_the_remedy_for_a_wrong_type_is_a_line_that_works() -> None:
    (finding,), values = read_predictions(written(column(probabilities().astype(np.float64))), WANTED)
    assert (finding.check, finding.expected, finding.received) == ("parquet-type", "float32 values", "DOUBLE")
    assert values is None
    line = finding.remedy.partition("with pandas: ")[2].removesuffix(".")
    sink = io.BytesIO()
    eval(line, {"pd": pd, "p": probabilities().astype(np.float64), "path": sink})  # noqa: S307
    assert read_predictions(sink.getvalue(), WANTED)[0] == []


def test_all_that_is_wrong_with_the_metadata_is_said_at_once() -> None:
    table = pa.table({"cat": np.zeros(10)})
    findings, _ = read_predictions(written(table), WANTED)
    assert [finding.check for finding in findings] == ["parquet-rows", "parquet-column-name", "parquet-type"]


def test_all_that_is_wrong_with_the_values_is_said_at_once() -> None:
    values = probabilities()
    values[[10, 20, 30, 31]] = np.nan, np.inf, 1.0000001, -0.1
    findings, _ = read_predictions(written(column(values)), WANTED)
    assert [(finding.check, finding.received) for finding in findings] == [
        ("parquet-nan", "nan in row 10, and 0 more"),
        ("parquet-infinite", "inf in row 20, and 0 more"),
        ("parquet-range", "1.00000012 in row 30, and 1 more"),
    ]


def test_a_file_written_byte_by_byte_from_the_format_s_definition() -> None:
    findings, values = read_predictions(VALID, Wanted("p", "person", 20_000, 64))
    assert findings == []
    assert values is not None
    assert values.tobytes() == VALUES
