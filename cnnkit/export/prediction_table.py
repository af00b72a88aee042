"""Predictions as Parquet, written as they come: memory does not grow with the number of rows.

Three forms: the table of a kind of truth, of labels `id`, `label` and one float32 column per class; the same from pairs
of ids and probabilities; or, for an assignment, one float32 column and nothing else.
Either way the file's metadata says which model made it and what its classes are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray

import cnnkit
from cnnkit.errors import DataError, InputError
from cnnkit.export.atomic_file import replacing

METADATA_KEY = b"cnnkit"
ID, LABEL = "id", "label"
ROWS_PER_GROUP = 8192
# Of a row group at most: PNGs of masks may take a megabyte a row.
GROUP_BYTES = 1 << 26

Batch = tuple[Sequence[str], ArrayLike]
Decide = Callable[[NDArray[np.float32]], Sequence[str]]  # probabilities (n, classes) → labels


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a prediction file holds.

    Attributes:
        table: Columns `id` and `label`, where the file has them, and float32 probability columns.
        classes: Class names, in the order of the model's output.
        model_hash: Of the model that made them, see `tensors.model_hash`; "" where it was not given.
    """

    table: pd.DataFrame
    classes: tuple[str, ...]
    model_hash: str


def write_predictions(
    path: str | Path,
    batches: pd.DataFrame | Iterable[Batch],
    *,
    classes: Sequence[str],
    model_hash: str = "",
    decide: Decide | None = None,
    rows_per_group: int = ROWS_PER_GROUP,
) -> int:
    """Writes ids, labels and probabilities, in the order in which they come.

    Args:
        path: The file; it appears when it is complete, and replaces an older one at once.
        batches: What `ck.predict` returned, or pairs of ids and probabilities (n, classes).
        classes: Names in the order of the columns.
        model_hash: Of the model, for the metadata.
        decide: What makes the column `label` of pairs; without it they get none. A frame brings its
            own.
        rows_per_group: Rows held in memory and written together.

    Returns:
        The number of rows.

    Raises:
        InputError: A class is called "id" or "label", or the frame lacks a column.
        DataError: A batch has another shape, or a value that is not finite. No file is written.
        BundleError: The disk is full, or the file may not be written.
    """
    names = list(classes)
    if isinstance(batches, pd.DataFrame):
        missing = [name for name in (ID, *names) if name not in batches]
        if missing:
            raise InputError(f"the columns {ID} and {names}", f"no {missing}", "Pass what ck.predict returned.")
        given = batches[LABEL].astype(str).tolist() if LABEL in batches and LABEL not in names else None
        decide = None if given is None else lambda _: given
        batches = [(batches[ID].astype(str).tolist(), batches[names].to_numpy(np.float32))]
    texts = (ID,) if decide is None else (ID, LABEL)
    check_names(names, texts)
    schema = pa.schema([*((name, pa.string()) for name in texts), *((name, pa.float32()) for name in names)])

    def columns() -> Iterator[list[pa.Array]]:
        for ids, values in batches:
            probabilities = checked(values, len(names))
            if len(ids) != len(probabilities):
                raise DataError(f"{len(probabilities)} ids for as many rows", f"{len(ids)}", "Give one id a row.")
            labels = [] if decide is None else [pa.array(list(decide(probabilities)), pa.string())]
            yield [pa.array(list(ids), pa.string()), *labels, *(pa.array(column) for column in probabilities.T.copy())]

    return _write(Path(path), schema, columns(), names, model_hash, rows_per_group)


def write_tables(
    path: str | Path,
    tables: Iterable[pd.DataFrame],
    *,
    like: pd.DataFrame,
    names: Sequence[str],
    model_hash: str = "",
    rows_per_group: int = ROWS_PER_GROUP,
) -> int:
    """Writes the tables that `ck.predict` makes of parts of the pictures, one after the other.

    Args:
        path: The file; it appears when it is complete, and replaces an older one at once.
        tables: Of equal columns.
        like: The table of no pictures: its columns, where there is no row to see their types in.
        names: Of the classes or points, for the metadata.
        model_hash: Of the model, for the metadata.
        rows_per_group: Rows held in memory and written together.

    Returns:
        The number of rows.

    Raises:
        DataError: A number is not finite. No file is written.
        BundleError: The disk is full, or the file may not be written.
    """
    rest = iter(tables)
    first = next(rest, like)
    seen = first if len(first) else like
    schema = pa.schema([(str(name), _column_type(seen[name])) for name in seen])

    def columns() -> Iterator[list[pa.Array]]:
        for table in chain([first], rest):
            require_finite(table)
            yield [pa.array(table[field.name].to_numpy(), field.type) for field in schema]

    return _write(Path(path), schema, columns(), list(names), model_hash, rows_per_group)


def require_finite(table: pd.DataFrame) -> None:
    """Refuses numbers that say nothing.

    Raises:
        DataError: NaN or infinity among them.
    """
    numbers = table.select_dtypes("number")
    finite = np.isfinite(numbers.to_numpy(np.float64)).all(axis=1)
    if not finite.all():
        row = int(np.flatnonzero(~finite)[0])
        raise DataError("finite probabilities", f"{numbers.iloc[row].tolist()} in row {row} of a batch", _NOT_FINITE)


def _column_type(column: pd.Series[Any]) -> pa.DataType:
    """Of Parquet, for a column of pandas: text, bytes (of a PNG) or numbers."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biuf":
        return pa.from_numpy_dtype(column.dtype)
    return pa.binary() if len(column) and isinstance(column.iloc[0], bytes) else pa.string()


def write_column(
    path: str | Path,
    batches: Iterable[ArrayLike],
    *,
    column: str,
    classes: Sequence[str] = (),
    model_hash: str = "",
    rows_per_group: int = ROWS_PER_GROUP,
) -> int:
    """Writes one float32 column and nothing else, in the order in which the values come: an assignment's form.

    Args:
        path: The file; it appears when it is complete, and replaces an older one at once.
        batches: Arrays (n,) or (n, 1), e.g. probabilities of the second class.
        column: Its name, as the assignment's spec says it.
        classes: Of the model, for the metadata.
        model_hash: Of the model, for the metadata.
        rows_per_group: Rows held in memory and written together.

    Returns:
        The number of rows.

    Raises:
        DataError: A batch has another shape, or a value that is not finite. No file is written.
        BundleError: The disk is full, or the file may not be written.
    """
    schema = pa.schema([(column, pa.float32())])
    columns = ([pa.array(_flat(values))] for values in batches)
    return _write(Path(path), schema, columns, list(classes), model_hash, rows_per_group)


def read_predictions(path: str | Path) -> Predictions:
    """Reads what `write_predictions` or `write_column` wrote.

    Raises:
        DataError: The file is missing, is no Parquet, or was not written by cnnkit.
    """
    try:
        table = pq.read_table(Path(path))
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"a Parquet file at {path}", str(error), "Pass what cnnkit predict wrote.") from error
    stored = (table.schema.metadata or {}).get(METADATA_KEY)
    if stored is None:
        raise DataError(
            f"the metadata of cnnkit in {path}",
            "another Parquet file",
            "Read it with pandas.read_parquet instead.",
        )
    metadata = json.loads(stored)
    return Predictions(table.to_pandas(), tuple(metadata["classes"]), str(metadata["model_hash"]))


def _write(
    path: Path,
    schema: pa.Schema,
    batches: Iterable[list[pa.Array]],
    classes: list[str],
    model_hash: str,
    rows_per_group: int,
) -> int:
    if rows_per_group < 1:
        raise InputError("rows_per_group >= 1", str(rows_per_group), f"{ROWS_PER_GROUP} is the default.")
    about = {"format": 1, "cnnkit": cnnkit.__version__, "model_hash": model_hash, "classes": classes}
    schema = schema.with_metadata({METADATA_KEY: json.dumps(about).encode()})
    rows, waiting, held = 0, 0, 0
    pending: list[pa.RecordBatch] = []
    with replacing(path) as partial, pq.ParquetWriter(partial, schema) as writer:
        for columns in batches:
            batch = pa.record_batch(columns, schema=schema)
            pending.append(batch)
            waiting += batch.num_rows
            rows += batch.num_rows
            held += batch.nbytes
            if held > GROUP_BYTES:
                writer.write_table(pa.Table.from_batches(pending, schema), row_group_size=rows_per_group)
                pending, waiting, held = [], 0, 0
            while waiting >= rows_per_group:
                table = pa.Table.from_batches(pending, schema)
                writer.write_table(table.slice(0, rows_per_group), row_group_size=rows_per_group)
                pending = table.slice(rows_per_group).to_batches()
                waiting -= rows_per_group
                held = sum(part.nbytes for part in pending)
        if waiting:
            writer.write_table(pa.Table.from_batches(pending, schema), row_group_size=rows_per_group)
    return rows


def is_prediction_file(path: Path) -> bool:
    """Whether a file says in its metadata that `write_predictions` or `write_column` wrote it."""
    try:
        metadata = pq.read_schema(path).metadata or {}
        return "model_hash" in json.loads(metadata.get(METADATA_KEY, b"{}"))
    except (OSError, pa.ArrowException, ValueError):
        return False


def check_names(classes: Sequence[str], taken: Sequence[str]) -> None:
    """Refuses class names that cannot all be columns beside those of text.

    Raises:
        InputError: None, one twice, or one that is taken.
    """
    names = list(classes)
    if set(taken) & set(names) or len(set(names)) != len(names) or not names:
        others = " or ".join(map(repr, taken))
        raise InputError(f"classes with different names, none of them {others}", f"{names}", "Rename the class folder.")


def checked(values: ArrayLike, columns: int) -> NDArray[np.float32]:
    """Probabilities as they are written.

    Raises:
        DataError: Another shape, or a value that is not finite.
    """
    array = np.asarray(values, np.float32)
    if array.ndim != 2 or array.shape[1] != columns:
        raise DataError(f"probabilities of shape (n, {columns})", f"shape {array.shape}", "Give one column a class.")
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise DataError("finite probabilities", f"{array[row].tolist()} in row {row} of a batch", _NOT_FINITE)
    return array


def _flat(values: ArrayLike) -> NDArray[np.float32]:
    array = np.asarray(values, np.float32)
    if array.ndim not in (1, 2) or (array.ndim == 2 and array.shape[1] != 1):
        raise DataError("values of shape (n,) or (n, 1)", f"shape {array.shape}", "Choose the column of one class.")
    return checked(array.reshape(-1, 1), 1)[:, 0]


_NOT_FINITE = "The network diverged, or a picture was not one: train with a smaller rate, check the pictures."
