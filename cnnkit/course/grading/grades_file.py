"""`grades.parquet`: one row a student, the same bytes for the same grades."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cnnkit.course.grading.graded import Graded
from cnnkit.errors import DataError
from cnnkit.export.atomic_file import replacing

GRADES_FILE = "grades.parquet"
METADATA_KEY = b"cnnkit grades"
COLUMNS = pa.schema(
    [
        ("student", pa.string()),
        ("name", pa.string()),
        ("email", pa.string()),
        ("pseudonym", pa.string()),
        ("status", pa.string()),
        ("points", pa.float64()),
        ("rank", pa.float64()),
        ("ranked", pa.int64()),
        ("points_flat", pa.float64()),
        ("points_rank", pa.float64()),
        ("penalty", pa.float64()),
        ("correct", pa.int64()),
        ("rows", pa.int64()),
        ("accuracy", pa.float64()),
        ("accuracy_low", pa.float64()),
        ("accuracy_high", pa.float64()),
        ("auc", pa.float64()),
        ("brier", pa.float64()),
        ("calibration_error", pa.float64()),
        ("public_correct", pa.int64()),
        ("public_rows", pa.int64()),
        ("submitted", pa.timestamp("us", "UTC")),
        ("days_late", pa.int64()),
        ("findings", pa.list_(pa.string())),
        ("flags", pa.list_(pa.string())),
        ("isolation", pa.string()),
        ("decision", pa.string()),
    ]
)
"""Points are rounded to two decimals, the exact ones are in the ledger; null where there is no grade, a crash say. A
rank that is shared ends in .5 or .0."""


def write_grades_file(path: Path, graded: Graded) -> None:
    """Writes the file; an older one is replaced when the new one is whole."""
    metadata = {"assignment": graded.assignment.name, "snapshot": graded.snapshot, **graded.circumstances}
    schema = COLUMNS.with_metadata({METADATA_KEY: json.dumps(metadata, sort_keys=True)})
    with replacing(path, private=True) as partial:
        pq.write_table(pa.Table.from_pylist(graded.records(), schema=schema), partial)


def read_grades_file(path: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The rows of such a file, and what its metadata says: assignment, snapshot, gate, labels, grader.

    Args:
        path: The file, or the folder that `cnnkit grade` wrote.

    Raises:
        DataError: It is something else.
    """
    file = path / GRADES_FILE if path.is_dir() else path
    try:
        table = pq.read_table(file)
        metadata = json.loads(table.schema.metadata[METADATA_KEY])
    except (OSError, KeyError, TypeError, ValueError, pa.ArrowException) as error:
        raise DataError(f"grades in {file}", str(error).splitlines()[0], "`cnnkit grade` writes them.") from error
    return table.to_pylist(), metadata
