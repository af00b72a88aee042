"""What every kind checks and hashes in the same way: names, indices, ids, arrays and parts to join."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pandas.api.extensions import ExtensionArray

from cnnkit.data.arguments import listed, said
from cnnkit.errors import DataError, InputError

T = TypeVar("T", bound=np.generic)
# Columns of every table of labels and tags: no class can have their names.
ID, LABEL = "id", "label"
# Kinds whose tables have one column per class. A class of the others may have any name.
COLUMN_KINDS = ("labels", "tags")
# What "str" stands for in the installed pandas: to look it up takes longer than to make a column of one row.
TEXT: Any = pd.Series([], dtype="str").dtype


def read_only(array: NDArray[T]) -> NDArray[T]:
    """The array itself, which from now on cannot be written to."""
    array.setflags(write=False)
    return array


def text_names(value: object) -> tuple[str, ...]:
    """Names in their order.

    Raises:
        InputError: No texts, or one twice.
    """
    names = listed(value)
    if names is None or not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise InputError("names as a tuple of different texts", said(value), 'For example ("ants", "bees").')
    return tuple(str(name) for name in names)


def class_names(value: object) -> tuple[str, ...]:
    """Names that are columns of a table beside `id` and `label`.

    Raises:
        InputError: No texts, one twice, or the name of a column.
    """
    names = text_names(value)
    refuse_column_names(names)
    return names


def refuse_column_names(names: Sequence[str]) -> None:
    """Refuses classes that a table with one column per class has no place for.

    Raises:
        InputError: One of them has the name of a column.
    """
    if taken := [name for name in names if name in (ID, LABEL)]:
        raise InputError(
            'classes with other names than "id" and "label", columns of every prediction table',
            f"{taken} among the classes",
            'Rename the class, e.g. to "label_": of a folder its subfolder.',
        )


def example_indices(indices: ArrayLike, count: int) -> NDArray[np.int64]:
    """Indices, or a mask of one bool per example, as indices from 0.

    Args:
        indices: (k,) whole numbers from -count to count - 1, or (count,) bool.
        count: The number of examples.

    Raises:
        InputError: Something else.
    """
    places = np.asarray(indices)
    if places.ndim != 1 or (places.size and places.dtype.kind not in "biu"):
        raise InputError(
            "indices of examples as a list of whole numbers, or a mask",
            said(indices),
            "The first five are take(range(5)); the place of an example is source.ids.index(name).",
        )
    if places.dtype == np.bool_:
        if places.shape != (count,):
            raise InputError(f"a mask of shape ({count},)", f"shape {places.shape}", "Make one bool per example.")
        return np.flatnonzero(places)
    places = places.astype(np.int64)
    outside = places[(places < -count) | (places >= count)]
    if len(outside):
        raise InputError(f"indices from 0 to {count - 1}", str(outside[0]), "len(source) says how many there are.")
    return np.where(places < 0, places + count, places)


def texts(values: Sequence[str]) -> ExtensionArray:
    """A column of text, also where there is none: pandas takes an empty list for numbers.

    It is an array and no series: a table of series is aligned by their indices, which takes twice as long.
    """
    column: ExtensionArray = pd.array(values, dtype=TEXT)
    return column


def one_id_each(ids: Sequence[str], count: int) -> list[str]:
    """The ids as a list.

    Raises:
        InputError: Another number of ids than examples.
    """
    if len(ids) != count:
        raise InputError(f"one id for each of {count} examples", f"{len(ids)} ids", "Give those of the same source.")
    return list(ids)


def rows_of_ids(table: object, ids: Sequence[str], columns: Collection[str]) -> pd.DataFrame:
    """The rows of a table of predictions in the order of these ids; of an id that has several the first.

    Args:
        table: From `ck.predict`, or anything else.
        ids: Of the examples.
        columns: What it must have beside `id`.

    Raises:
        InputError: No table, or one without these columns.
        DataError: An id has no row.
    """
    rows = table_of(table, columns)
    if missing := set(ids) - set(rows[ID]):
        raise DataError(
            "a prediction for every picture of the source",
            f"none for {len(missing)}, {sorted(map(str, missing))[0]!r} for one",
            "Predict this source: ck.predict(net, photos.test).",
        )
    return rows.drop_duplicates(ID).set_index(ID).loc[list(ids)]


def table_of(table: object, columns: Collection[str]) -> pd.DataFrame:
    """Returns `table` if it has the columns of predictions: `id` and these.

    Raises:
        InputError: It has not, or is no table.
    """
    if not isinstance(table, pd.DataFrame) or not {ID, *columns} <= {*table}:
        received = f"{len(table)} rows of {list(table)}" if isinstance(table, pd.DataFrame) else type(table).__name__
        expected = f"predictions with the columns {', '.join((ID, *columns))}"
        raise InputError(expected, received, "ck.predict(net, photos.test) makes them.")
    return table


def numbers_of(value: object, name: str, shape: tuple[int | None, ...], dtype: type[T]) -> NDArray[T]:
    """A read-only copy of finite numbers.

    Args:
        value: What was given.
        name: What an error calls it, e.g. `"probabilities"`.
        shape: The length of each axis, None where any will do.
        dtype: Of the result.

    Raises:
        DataError: No numbers, another shape, NaN or infinity.
    """
    try:
        array = np.asarray(value)
    except ValueError:  # rows of unequal lengths
        array = np.empty((), np.object_)
    wrong = array.ndim != len(shape) or any(
        expected not in (None, length) for expected, length in zip(shape, array.shape, strict=True)
    )
    if wrong or array.dtype.kind not in "biuf":
        lengths = ", ".join("n" if length is None else str(length) for length in shape)
        raise DataError(
            f"{name} of shape ({lengths}{',' if len(shape) == 1 else ''})",
            said(value),
            "One row per example, in order.",
        )
    if not np.isfinite(array).all():
        raise DataError(f"finite {name}", "NaN or infinity", "Leave examples out of which nothing is known.")
    return read_only(np.array(array, dtype))


def class_indices(values: ArrayLike, classes: int) -> NDArray[np.int64]:
    """A read-only copy of (n,) labels.

    Raises:
        DataError: Another shape, no whole numbers, or a label that is no class.
    """
    labels = np.asarray(values)
    if labels.ndim != 1 or (labels.size and labels.dtype.kind not in "biuf"):
        raise DataError("labels of shape (n,) or (n, classes)", said(values), "Give class indices, or 0 and 1 a class.")
    if len(labels) and not (labels.min() >= 0 and labels.max() < classes):
        raise DataError(
            f"labels from 0 to {classes - 1}, one for each of the {classes} classes",
            f"labels from {labels.min()} to {labels.max()}",
            "Number the classes from 0, or name all of them in `classes`.",
        )
    if (labels != np.floor(labels)).any():
        raise DataError("labels as whole numbers", f"{labels[labels != np.floor(labels)][0]}", "Give class indices.")
    return read_only(labels.astype(np.int64))


def content_digest(kind: str, names: Sequence[str], content: Iterable[NDArray[Any] | str | None]) -> str:
    """A sha256 in hex over a kind, names and content in order: texts, arrays (with type and shape) or None."""
    whole = hashlib.sha256()
    for text in (kind, str(len(names)), *names):
        whole.update(f"{len(text)} {text}\0".encode())
    for part in content:
        if isinstance(part, np.ndarray):
            whole.update(f"{part.dtype.str} {part.shape}\0".encode() + np.ascontiguousarray(part).tobytes())
        else:
            whole.update(f"{part}\0".encode())
    return whole.hexdigest()


def require_alike(parts: Sequence[Any], cls: type) -> None:
    """Refuses parts that are no examples of one column.

    Raises:
        InputError: No parts, another kind, or other names.
    """
    if not parts or not all(isinstance(part, cls) for part in parts):
        received = ", ".join(sorted({type(part).__name__ for part in parts})) or "none"
        raise InputError(f"one or more columns of {cls.__name__}", received, "Join columns of the same kind.")
    if others := [part.names for part in parts if part.names != parts[0].names]:
        raise InputError(f"the names {list(parts[0].names)} in every part", str(list(others[0])), "Join equal names.")


def all_or_none(parts: Sequence[Any], field: str) -> list[Any]:
    """One field of all parts; none where no part has it.

    Raises:
        InputError: Some parts have it and some have not.
    """
    values = [getattr(part, field) for part in parts]
    present = [value for value in values if value is not None]
    if present and len(present) < len(values):
        raise InputError(
            f"{field} in all parts, or in none",
            f"{field} in {len(present)} of {len(values)}",
            "Join truth with truth, and predictions with predictions.",
        )
    return present


def joined_arrays(parts: Sequence[Any], field: str) -> NDArray[Any] | None:
    """One field of all parts, one after the other; None where no part has it.

    Raises:
        InputError: Some parts have it and some have not.
    """
    arrays = all_or_none(parts, field)
    return np.concatenate(arrays) if arrays else None
