"""Predictions as CSV, for spreadsheets: of labels `id`, `label` and one column per class."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from cnnkit.export.atomic_file import replacing
from cnnkit.export.prediction_table import require_finite


def write_csv(path: Path, tables: Iterable[pd.DataFrame], *, columns: Sequence[str]) -> int:
    """Writes the tables that `ck.predict` makes of parts of the pictures, one after the other.

    Args:
        path: The file; it appears when it is complete, and replaces an older one at once.
        tables: Of these columns.
        columns: Their names, for the first line.

    Returns:
        The number of rows.

    Raises:
        DataError: A number is not finite. No file is written.
        BundleError: The disk is full, or the file may not be written.
    """
    rows = 0
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerow(columns)
        for table in tables:
            require_finite(table)
            table.to_csv(stream, header=False, index=False, lineterminator="\n")
            rows += len(table)
    return rows


def is_csv_of(path: Path, columns: Sequence[str]) -> bool:
    """Whether a file begins as `write_csv` begins it for these columns."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return next(csv.reader(stream), []) == list(columns)
    except (OSError, UnicodeDecodeError, csv.Error):
        return False
