"""Predictions as CSV, for spreadsheets: `id`, `label` and one column per class."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cnnkit.export.atomic_file import replacing
from cnnkit.export.prediction_table import ID, LABEL, Batch, Decide, check_names, checked


def write_csv(path: Path, batches: Iterable[Batch], *, classes: Sequence[str], decide: Decide) -> int:
    """Writes ids, labels and probabilities, in the order in which they come.

    Args:
        path: The file; it appears when it is complete, and replaces an older one at once.
        batches: Pairs of ids and probabilities (n, classes).
        classes: Names in the order of the columns.
        decide: Probabilities → labels.

    Returns:
        The number of rows.

    Raises:
        InputError: A class is called "id" or "label".
        DataError: A batch has another shape, or a value that is not finite. No file is written.
        BundleError: The disk is full, or the file may not be written.
    """
    check_names(classes, (ID, LABEL))
    rows = 0
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerow(_header(classes))
        for ids, values in batches:
            probabilities = checked(np.asarray(values), len(classes))
            table = pd.DataFrame(probabilities)
            table.insert(0, LABEL, list(decide(probabilities)))
            table.insert(0, ID, list(ids))
            table.to_csv(stream, header=False, index=False, lineterminator="\n")
            rows += len(table)
    return rows


def is_csv_of(path: Path, classes: Sequence[str]) -> bool:
    """Whether a file begins as `write_csv` begins it for these classes."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return next(csv.reader(stream), []) == _header(classes)
    except (OSError, UnicodeDecodeError, csv.Error):
        return False


def _header(classes: Sequence[str]) -> list[str]:
    return [ID, LABEL, *classes]
