"""The predictions of a submission: one float32 column of probabilities in Parquet. Runs in a throw-away process.

The metadata comes first: 1.8 MB of Parquet can declare 500 million rows, so nothing is read before the number of rows,
the column and its type are right, and all that the file says of itself fits together (`parquet_layout`). -0.0 equals 0
and becomes 0.0; every other value stays as it is, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cnnkit.course.submissions.findings import Finding, shown
from cnnkit.course.submissions.parquet_layout import Fault, ending_fault, layout_faults, page_faults, read_footer

MAGIC, ENCRYPTED_MAGIC = b"PAR1", b"PARE"
SMALLEST = 12  # bytes: the magic twice and the footer's length
FOOTER_BYTES = 256_000  # of cnnkit, pandas and polars: 1 to 5 KB

_Unreadable = (
    pa.ArrowException,
    OSError,
    MemoryError,
    OverflowError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
)


@dataclass(frozen=True)
class Wanted:
    """What the predictions have to be.

    Attributes:
        file: Name of the file, for what is said about it.
        column: Name of its one column.
        rows: Number of its rows.
        row_groups: The most row groups.
    """

    file: str
    column: str
    rows: int
    row_groups: int


def read_predictions(data: bytes, wanted: Wanted) -> tuple[list[Finding], NDArray[np.float32] | None]:
    """Checks a Parquet file and reads its column.

    Args:
        data: The whole file.
        wanted: What it has to be.

    Returns:
        What is wrong with it, and the probabilities (rows,), all in [0, 1], if nothing is.
    """
    complaint = _Complaints(wanted)
    if framing := list(complaint.about_framing(data)):
        return framing, None
    try:
        footer = read_footer(data)
        if fault := ending_fault(footer):
            return [complaint.about(fault)], None
        file = pq.ParquetFile(pa.BufferReader(data), pre_buffer=False)
        declared = [*complaint.about_metadata(file), *map(complaint.about, layout_faults(data, footer))]
        if declared := declared or [complaint.about(fault) for fault in page_faults(data, footer)]:
            return declared, None
        column = file.read(use_threads=False).column(0)
    except _Unreadable as error:
        return [complaint.unreadable(error)], None
    values = column.to_numpy().astype(np.float32, copy=False)
    wrong = list(complaint.about_values(values, nulls=column.null_count))
    return wrong, None if wrong else values + np.float32(0)


class _Complaints:
    """What is wrong with a file, stage by stage."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        name = ascii(wanted.column)
        self._remedy = (
            f"Write it with cnnkit.export.write_column(path, [p], column={name}), or with pandas: "
            f"pd.DataFrame({{{name}: p.astype('float32')}}).to_parquet(path, index=False)."
        )

    def about_framing(self, data: bytes) -> Iterator[Finding]:
        if data[:4] not in (MAGIC, ENCRYPTED_MAGIC):
            yield self._finding("parquet-magic", "a Parquet file", f"one that begins with {shown(data[:4])}")
        elif ENCRYPTED_MAGIC in (data[:4], data[-4:]):
            yield self._finding("parquet-encrypted", "a Parquet file without encryption", "an encrypted one")
        elif len(data) < SMALLEST or data[-4:] != MAGIC:
            yield self._finding("parquet-truncated", "a Parquet file with its end", f"{len(data)} bytes without it")
        else:
            footer = int.from_bytes(data[-8:-4], "little")
            if footer > min(FOOTER_BYTES, len(data) - SMALLEST):
                most = f"metadata of at most {FOOTER_BYTES} bytes, within the file"
                yield self._finding("parquet-metadata-size", most, f"{footer} bytes in a file of {len(data)}")

    def about_metadata(self, file: pq.ParquetFile) -> Iterator[Finding]:
        metadata, wanted = file.metadata, self._wanted
        if metadata.num_rows != wanted.rows:
            yield self._finding("parquet-rows", f"{wanted.rows} rows", str(metadata.num_rows), _EVERY_ROW)
        if metadata.num_row_groups > wanted.row_groups:
            yield self._finding(
                "parquet-row-groups", f"at most {wanted.row_groups} row groups", str(metadata.num_row_groups)
            )
        groups = [metadata.row_group(index) for index in range(min(metadata.num_row_groups, wanted.row_groups))]
        if metadata.num_row_groups == len(groups) and sum(group.num_rows for group in groups) != metadata.num_rows:
            yield self._finding("parquet-row-groups", "row groups that add up to the file's rows", "others")
        if metadata.num_columns != 1:
            names = ", ".join(
                shown(metadata.schema.column(index).name) for index in range(min(metadata.num_columns, 5))
            )
            yield self._finding(
                "parquet-columns", f"one column, {wanted.column!r}", f"{metadata.num_columns} columns: {names}"
            )
            return
        column = metadata.schema.column(0)
        if column.path.partition(".")[0] != column.path or column.max_repetition_level > 0:
            yield self._finding("parquet-nested", "a plain column", f"nested values, {shown(column.path)}")
            return
        if column.name != wanted.column:
            yield self._finding("parquet-column-name", f"the column {wanted.column!r}", shown(column.name))
        if any(group.column(0).file_path for group in groups):
            yield self._finding("parquet-other-file", "values in this file", "a reference to another file")
        if column.physical_type != "FLOAT":
            there = f"{column.physical_type} {column.logical_type.type}".removesuffix(" NONE")
            yield self._finding("parquet-type", "float32 values", there)
        elif file.schema_arrow.field(0).type != pa.float32():
            there = shown(str(file.schema_arrow.field(0).type))
            yield self._finding("parquet-type", "plain float32 values", there)

    def about_values(self, values: NDArray[np.float32], *, nulls: int) -> Iterator[Finding]:
        if len(values) != self._wanted.rows:
            yield self._finding("parquet-rows", f"{self._wanted.rows} rows", f"{len(values)} in its pages", _EVERY_ROW)
        if nulls:
            yield self._finding("parquet-null", "a number in every row", f"{nulls} rows without", _EVERY_ROW)
            return
        outside = {
            "parquet-nan": np.isnan(values),
            "parquet-infinite": np.isinf(values),
            "parquet-range": np.isfinite(values) & ((values < 0) | (values > 1)),
        }
        for check, wrong in outside.items():
            if wrong.any():
                row = int(wrong.argmax())
                there = f"{values[row]:.9g} in row {row}, and {int(wrong.sum()) - 1} more"
                yield self._finding(check, "probabilities in [0, 1]", there, _A_PROBABILITY)

    def about(self, fault: Fault) -> Finding:
        check, expected, received = fault
        return self._finding(check, expected, received)

    def unreadable(self, error: BaseException) -> Finding:
        said = f"{type(error).__name__}: {shown(str(error), 120)}"
        return self._finding("parquet-unreadable", "a Parquet file that can be read", said)

    def _finding(self, check: str, expected: str, received: str, remedy: str | None = None) -> Finding:
        return Finding(check, self._wanted.file, expected, received, remedy or self._remedy)


_EVERY_ROW = "Give one probability for each picture of the score segment, in its order."
_A_PROBABILITY = "Write the output of a sigmoid or softmax as it is: no logits, no percentages, no arithmetic after it."
