"""Which files a generator flows from, in Keras's order and with its class indices, from a folder or a table."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cnnkit.data.arguments import flag, listed, names_of, one_of, said
from cnnkit.errors import DataError, InputError, unknown_name

ENDINGS = ("png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff")  # as Keras compares them: without the dot
CLASS_MODES = ("categorical", "binary", "sparse", "input", None)
TABLE_CLASS_MODES = ("binary", "categorical", "input", "multi_output", "raw", "sparse", None)
CLASSIFYING = ("binary", "categorical", "sparse")


@dataclass(frozen=True, eq=False)
class LabelledFiles:
    """Files and what belongs to them.

    Attributes:
        filenames: Below `directory`, in the order of batches that are not shuffled.
        directory: What they are below; may be empty.
        class_indices: Class name → index; None where the class mode needs none.
        classes: The class index of each file, or a list of several; None where the class mode needs none.
        targets: For `"raw"` an array, for `"multi_output"` a list of arrays; else None.
        weights: One sample weight a file, or None.
    """

    filenames: list[str]
    directory: str
    class_indices: dict[str, int] | None = None
    classes: Sequence[Any] | NDArray[Any] | None = None
    targets: list[NDArray[Any]] | NDArray[Any] | None = None
    weights: NDArray[Any] | None = None

    @property
    def paths(self) -> list[str]:
        """Where the files are."""
        return [os.path.join(self.directory, name) for name in self.filenames]  # noqa: PTH118  (Keras's spelling)


def share(subset: str | None, validation_split: float) -> tuple[float, float] | None:
    """The part of the examples, from … to, that a subset is: validation comes first.

    Raises:
        UnknownNameError: Another name of a subset.
    """
    if subset is None:
        return None
    one_of(subset, "a subset", ("training", "validation"))
    return (0.0, validation_split) if subset == "validation" else (validation_split, 1.0)


def in_directory(
    directory: str,
    *,
    classes: Sequence[str] | None,
    class_mode: str | None,
    part: tuple[float, float] | None,
    follow_links: bool,
) -> LabelledFiles:
    """Pictures in class folders, each searched to any depth.

    Args:
        directory: The folder of class folders.
        classes: Their names in the order of the indices; all folders, sorted, by default.
        class_mode: One of `CLASS_MODES`.
        part: The share of each class that is taken, from … to.
        follow_links: Whether links to folders are entered.

    Raises:
        DataError: No folder, or no pictures in it.
        UnknownNameError: Another class mode, or a class without a folder.
    """
    _check_class_mode(class_mode, CLASS_MODES)
    if not Path(directory).is_dir():
        raise DataError(f"a folder of class folders at {directory}", "nothing there", "Look for a mistake in the path.")
    flag(follow_links, "follow_links")
    classes = None if classes is None else names_of(classes, "classes")
    folders = sorted(path.name for path in Path(directory).iterdir() if path.is_dir())
    names = list(classes or folders)
    for name in names:
        if not Path(directory, name).is_dir():
            raise unknown_name("a class folder", name, folders)
    filenames: list[str] = []
    indices: list[int] = []
    for index, name in enumerate(names):
        found = list(_pictures(os.path.join(directory, name), follow_links))  # noqa: PTH118  (keeps ".")
        if part is not None:
            found = found[int(part[0] * len(found)) : int(part[1] * len(found))]
        filenames += [os.path.join(os.path.basename(name), path) for path in found]  # noqa: PTH118, PTH119
        indices += [index] * len(found)
    if not filenames:
        raise DataError(
            f"pictures in class folders below {directory}",
            f"none in {len(names)} folders: {', '.join(names[:5]) or 'there are none'}",
            f"Arrange them as <directory>/<class>/<picture>, ending in {', '.join(ENDINGS)}."
            + (" Of few pictures a class, the subset may be too small a part." if part else ""),
        )
    return LabelledFiles(
        filenames=filenames,
        directory=directory,
        class_indices={name: index for index, name in enumerate(names)},
        classes=np.array(indices, np.int32),
    )


def in_table(
    table: pd.DataFrame,
    *,
    directory: str | None,
    x_col: str,
    y_col: str | list[str],
    weight_col: str | None,
    classes: Sequence[str] | None,
    class_mode: str | None,
    part: tuple[float, float] | None,
    validate_filenames: bool,
) -> LabelledFiles:
    """Pictures named in a column of a table.

    Args:
        table: One row a picture.
        directory: What the names are below; None where they are whole paths.
        x_col: The column of names.
        y_col: The column of labels; a list of columns for `"multi_output"`, and possibly for `"raw"`.
        weight_col: The column of sample weights.
        classes: Names of the classes in the order of their indices; by default all, sorted. Other rows are left out.
        class_mode: One of `TABLE_CLASS_MODES`.
        part: The share of the rows that is taken, from … to.
        validate_filenames: Whether to leave out rows without a picture file.

    Raises:
        InputError: Columns or labels that do not fit the class mode.
        UnknownNameError: Another class mode, or a column that does not exist.
        DataError: No pictures.
    """
    _check_class_mode(class_mode, TABLE_CLASS_MODES)
    classifying = class_mode in CLASSIFYING
    if not isinstance(table, pd.DataFrame):
        raise InputError("a DataFrame", said(table), "pd.read_csv(path) reads one, pd.DataFrame(rows) makes one.")
    flag(validate_filenames, "validate_filenames")
    classes = None if classes is None else names_of(classes, "classes")
    _check_columns(table, x_col, y_col, weight_col, class_mode)
    rows = table
    folder = directory or ""
    if classifying:
        _check_labels(rows, str(y_col), class_mode, classes)
    elif classes:
        warnings.warn(f"`classes` are ignored with class_mode={class_mode!r}", stacklevel=4)
    if validate_filenames:
        rows = _existing(rows, folder, x_col)
    class_indices = None
    if classifying:
        rows, names = _of_classes(rows, str(y_col), classes)
        class_indices = {name: index for index, name in enumerate(names)}
    if part is not None:
        rows = rows.iloc[int(part[0] * len(rows)) : int(part[1] * len(rows))]
    if not len(rows):
        raise DataError(
            f"rows with picture files in the column {x_col!r}",
            f"none of {len(table)} rows" + (f", below {folder}" if folder else ""),
            "Give `directory`, the folder that the names are relative to; the names need their endings.",
        )
    return LabelledFiles(
        filenames=rows[x_col].tolist(),
        directory=folder,
        class_indices=class_indices,
        classes=[_index(label, class_indices) for label in rows[y_col]] if class_indices else None,
        targets=_targets(rows, y_col, class_mode),
        weights=rows[weight_col].to_numpy() if weight_col else None,
    )


def _check_class_mode(class_mode: str | None, known: Sequence[str | None]) -> None:
    one_of(class_mode, "a class mode", known)


def _pictures(folder: str, follow_links: bool) -> Iterator[str]:
    """Paths relative to the folder: those of one folder in sorted order, folders sorted by path."""
    for directory, _, files in sorted(os.walk(folder, followlinks=follow_links), key=lambda step: step[0]):
        for file in sorted(files):
            if file.lower().endswith(ENDINGS):
                yield os.path.relpath(os.path.join(directory, file), folder)  # noqa: PTH118


def _check_columns(
    table: pd.DataFrame, x_col: str, y_col: str | list[str], weight_col: str | None, class_mode: str | None
) -> None:
    if class_mode == "multi_output" and not isinstance(y_col, list):
        raise InputError("a list of columns as y_col with class_mode='multi_output'", repr(y_col), "Give a list.")
    if class_mode in CLASSIFYING and not isinstance(y_col, str):
        raise InputError(
            f"one column as y_col with class_mode={class_mode!r}",
            said(y_col),
            "Give its name. Several columns go with class_mode='raw' or 'multi_output'.",
        )
    labels = [] if class_mode in ("input", None) else listed(y_col) or [y_col]
    for column in [x_col, *labels, *([] if weight_col is None else [weight_col])]:
        if not isinstance(column, str) or column not in table.columns:
            raise unknown_name("a column of the table", str(column), [str(name) for name in table.columns])
    if not all(isinstance(name, str) for name in table[x_col]):
        raise InputError(f"file names in the column {x_col!r}", "other values", "Use table[x_col].astype(str).")
    if weight_col and not pd.api.types.is_numeric_dtype(table[weight_col]):
        raise InputError(f"numbers in the column {weight_col!r}", str(table[weight_col].dtype), "Convert the weights.")


def _check_labels(table: pd.DataFrame, y_col: str, class_mode: str | None, classes: Sequence[str] | None) -> None:
    wanted: tuple[type, ...] = (str, list, tuple) if class_mode == "categorical" else (str,)
    odd = next((label for label in table[y_col] if not isinstance(label, wanted)), None)
    if odd is not None:
        raise InputError(
            f"class names in the column {y_col!r} with class_mode={class_mode!r}",
            repr(odd),
            "Use table[y_col].astype(str), or class_mode='raw' for numbers.",
        )
    if class_mode == "binary" and (count := len(set(classes or table[y_col]))) != 2:
        raise InputError("2 classes with class_mode='binary'", f"{count} classes", "Use class_mode='categorical'.")


def _existing(table: pd.DataFrame, folder: str, x_col: str) -> pd.DataFrame:
    there = [name.lower().endswith(ENDINGS) and Path(folder, name).is_file() for name in table[x_col]]
    if not all(there):
        warnings.warn(
            f"{there.count(False)} of {len(there)} names in the column {x_col!r} are no picture files and are left out",
            stacklevel=5,
        )
    return table[np.array(there, bool)]


def _of_classes(table: pd.DataFrame, y_col: str, classes: Sequence[str] | None) -> tuple[pd.DataFrame, list[str]]:
    """The rows that have a class, and the classes."""
    several = [label if isinstance(label, list | tuple) else [label] for label in table[y_col]]
    if not classes:
        return table, sorted({name for labels in several for name in labels})
    known = list(dict.fromkeys(classes))
    kept = [[name for name in labels if name in known] for labels in several]
    narrowed = [
        names if isinstance(label, list | tuple) else names[0]
        for label, names in zip(table[y_col], kept, strict=True)
        if names
    ]
    rows = table[np.array([bool(names) for names in kept], bool)]
    return rows.assign(**{y_col: pd.Series(narrowed, index=rows.index, dtype=object)}), known


def _index(label: Any, class_indices: dict[str, int]) -> Any:
    return [class_indices[name] for name in label] if isinstance(label, list | tuple) else class_indices[label]


def _targets(
    rows: pd.DataFrame, y_col: str | list[str], class_mode: str | None
) -> list[NDArray[Any]] | NDArray[Any] | None:
    if class_mode == "multi_output":
        return [np.array(rows[column].tolist()) for column in y_col]
    return rows[y_col].to_numpy() if class_mode == "raw" else None
