"""Photographs and their labels in a table: a CSV file or a DataFrame, one row a picture."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from natsort import natsorted, ns
from numpy.typing import NDArray

from cnnkit.data.arguments import names_of, one_of, path_of, said
from cnnkit.data.dataset import SPLITS, Dataset
from cnnkit.data.image_folder import Decode, reader_of, unreadable
from cnnkit.data.source import LabelArray, Source
from cnnkit.data.split import DEFAULT_SPLIT, arranged, as_dataset, split_of
from cnnkit.errors import DataError, InputError, unknown_name

SEPARATORS = (",", ";", "\t")  # of the columns of a CSV file: the one that its first line has most of


def table(
    rows: pd.DataFrame | str | Path,
    *,
    x: str,
    y: str | Sequence[str],
    folder: str | Path | None = None,
    separator: str | None = None,
    classes: Sequence[str] | None = None,
    split_column: str | None = None,
    split: Sequence[float] = DEFAULT_SPLIT,
    seed: int = 0,
    on_error: Literal["raise", "skip"] = "raise",
    decode: Decode = "exact",
) -> Dataset:
    """Photographs whose labels are in a table, as a dataset.

    Like so::

        ck.data.table("labels.csv", x="file", y="species", folder="photos")
        ck.data.table(frame, x="image_id", y="labels", separator=" ")           # several labels a picture
        ck.data.table(frame, x="file", y=["cat", "dog"], split_column="part")   # columns of 0 and 1

    Args:
        rows: A DataFrame, or a CSV file (its columns separated by commas, semicolons or tabs; UTF-8).
        x: The column of file names, relative to `folder` or absolute.
        y: The column of labels: class names or whole numbers, one for each picture; or lists of them, or texts of
            several with `separator` between. Or several columns of 0 and 1, one for each class; where each row has
            exactly one 1, the classes exclude each other.
        folder: Where the files are; by default the folder of the CSV file, or the present one.
        separator: What stands between the labels of a picture; a text without any is a picture that shows no class.
        classes: The class names in the order of the labels; by default all in natural order. Whole numbers are their
            places, counted from 0.
        split_column: The column that says train, validation or test; where it names no validation or no test,
            these are made as by `folder`.
        split: The shares of train, validation and test.
        seed: Another seed, another split.
        on_error: As for `folder`; with `"skip"` missing files are left out too, and listed in `dataset.skipped`.
        decode: As for `folder`.

    Returns:
        The dataset; ids are the file names as they are written.

    Raises:
        InputError: No table, or another argument of the wrong type.
        UnknownNameError: A column that does not exist, a label that is not in `classes`, or an unknown split.
        DataError: Missing files, a file in two rows, a missing label, labels that are fractions, or one class only.
        ImageFileError: A file that is no picture.
    """
    one_of(on_error, "a way to meet broken files", ("raise", "skip"))
    frame, home = _read(rows)
    root = home if folder is None else path_of(folder, "the folder of the pictures")
    labels = _label_columns(y)
    for column in (x, *labels, *([] if split_column is None else [split_column])):
        if not isinstance(column, str) or column not in frame.columns:
            raise unknown_name("a column of the table", str(column), [str(name) for name in frame.columns])
    if not len(frame):
        raise DataError("rows in the table", "none", f"It has the columns {list(frame.columns)} only.")
    files = _files(frame[x], root, missing_is_an_error=on_error == "raise")
    targets, names = _targets(frame, files, labels, separator, classes)
    reader = reader_of(decode)(root, files)
    skipped = unreadable(reader, on_error)
    left_out = {file.path for file in skipped}
    whole = Source.labelled(files, names, targets, reader, np.arange(len(files)))
    readable = whole.take([file not in left_out for file in files]) if left_out else whole
    if split_column is None:
        parts = {"train": readable}
    else:
        part = dict(zip(files, _splits(frame[split_column], files), strict=True))
        chosen = np.array([part[file] for file in readable.ids])
        parts = {name: readable.take(chosen == name) for name in SPLITS if (chosen == name).any()}
        if "train" not in parts:
            received = f"only {', '.join(parts)}"
            raise DataError(f"rows of train in the column {split_column!r}", received, "Name some of them train.")
    return replace(as_dataset(arranged(parts, split=split, seed=seed)), skipped=skipped)


def _read(rows: object) -> tuple[pd.DataFrame, Path]:
    """The table, and the folder that its file names are relative to."""
    if isinstance(rows, pd.DataFrame):
        return rows, Path()
    if not isinstance(rows, str | os.PathLike):
        raise InputError("a DataFrame or the path of a CSV file", said(rows), "pd.DataFrame(rows) makes a table.")
    path = path_of(rows, "a CSV file")
    try:
        with path.open(encoding="utf-8-sig") as file:
            header = file.readline()
        separator = max(SEPARATORS, key=header.count)
        # As text, so that a class "NA" or "007" stays what it is.
        return pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig"), path.parent
    except (OSError, ValueError) as error:  # pandas's own are ValueErrors
        raise DataError(f"a CSV file at {path}", str(error), "Save the table as CSV in UTF-8.") from error


def _label_columns(y: object) -> tuple[str, ...]:
    return (y,) if isinstance(y, str) else names_of(y, "y, the column or columns of labels,")


def _files(column: pd.Series[Any], root: Path, *, missing_is_an_error: bool) -> tuple[str, ...]:
    odd = next(
        (number for number, name in enumerate(column) if not isinstance(name, str | os.PathLike) or not name), None
    )
    if odd is not None:
        remedy = "Use frame[x].astype(str), with the ending of the files, and leave out rows without a file."
        raise InputError(f"file names in the column {column.name!r}", f"{column.iloc[odd]!r} in row {odd}", remedy)
    files = tuple(Path(name).as_posix() for name in column)
    missing = [file for file in files if not (root / file).is_file()] if missing_is_an_error else []
    if missing:
        ending = next((path.suffix for path in root.glob(f"{missing[0]}.*")), "")
        remedy = (
            f"The names lack their ending: frame[x] + {ending!r}." if ending else "Give the folder= that they are in."
        )
        raise DataError(
            f"the {len(files)} files of the column {column.name!r} in {root.resolve()}",
            f"{len(missing)} are missing, the first {missing[0]!r}",
            f"{remedy} on_error='skip' leaves missing files out.",
        )
    return files


def _targets(
    frame: pd.DataFrame,
    files: Sequence[str],
    columns: Sequence[str],
    separator: str | None,
    classes: Sequence[str] | None,
) -> tuple[LabelArray, tuple[str, ...]]:
    """Labels as a source has them, and the class names."""
    named = None if classes is None else names_of(classes, "classes")
    if len(columns) > 1:
        labels, names = _indicators(frame, files, columns), named or tuple(columns)
        if len(names) != len(columns):
            raise InputError("a class for each column of y", f"{len(names)} classes", "Or leave classes out.")
        exclusive = bool((labels.sum(axis=1) == 1).all())
    else:
        lists, several = _label_lists(frame[columns[0]], files, separator)
        names, places = _numbered(lists, named)
        labels, exclusive = np.zeros((len(places), len(names)), np.float32), not several
        for row, shown in zip(labels, places, strict=True):
            row[shown] = 1
    _refuse_twice(files, [", ".join(np.array(names)[row > 0]) for row in labels])
    if not exclusive:
        return labels, names
    if np.count_nonzero(labels.any(axis=0)) < 2:
        raise DataError(f"at least two classes in {columns[0]!r}", f"only {names[0]!r}", "Add pictures of another.")
    return labels.argmax(axis=1).astype(np.int64), names


def _indicators(frame: pd.DataFrame, files: Sequence[str], columns: Sequence[str]) -> NDArray[np.float32]:
    """(n, columns) of 0 and 1."""
    numbers = frame[list(columns)].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    bad = np.argwhere(~np.isin(numbers, (0, 1)))
    if len(bad):
        row, column = bad[0]
        name = columns[int(column)]
        received = f"{frame[name].iloc[row]} in the column {name!r}, row {row} ({files[row]})"
        raise DataError("0 or 1 in each column of labels", received, "Round probabilities; for names give one column.")
    return np.asarray(numbers, np.float32)


def _label_lists(column: pd.Series[Any], files: Sequence[str], separator: str | None) -> tuple[list[list[str]], bool]:
    """The labels of each picture as texts, and whether there may be several."""
    if separator is not None and (not isinstance(separator, str) or not separator):
        raise InputError("a separator of labels, a text", said(separator), 'For example "|".')
    listed = separator is not None or any(isinstance(cell, list | tuple | set | np.ndarray) for cell in column)
    labels = []
    for row, cell in enumerate(column):
        if separator is not None and isinstance(cell, str):
            labels.append([part.strip() for part in cell.split(separator) if part.strip()])
            continue
        several = isinstance(cell, list | tuple | set | np.ndarray)
        labels.append([_label(part, column, row, files[row]) for part in (cell if several else [cell])])
    return labels, listed


def _label(cell: Any, column: pd.Series[Any], row: int, file: str) -> str:
    """One label as text: whole numbers without a point."""
    where = f"row {row} ({file})"
    if isinstance(cell, str) and cell:
        return cell
    if cell is None or cell is pd.NA or cell == "" or cell != cell:
        remedy = "Fill the label in, or leave the row out: frame.dropna()."
        raise DataError(f"a label in each row of {column.name!r}", f"none in {where}", remedy)
    if isinstance(cell, bool | np.bool_ | int | np.integer):
        return str(cell)
    if isinstance(cell, float | np.floating) and float(cell).is_integer():
        return str(int(cell))
    expected = f"class names or whole numbers in {column.name!r}"
    raise DataError(expected, f"{cell!r} in {where}", "Numbers that are measured are no classes: cut them into ranges.")


def _numbered(
    lists: Sequence[Sequence[str]], classes: tuple[str, ...] | None
) -> tuple[tuple[str, ...], list[list[int]]]:
    """The class names, and the labels of each picture as places among them."""
    labels = {label for several in lists for label in several}
    if classes is None:
        names = tuple(natsorted(sorted(labels), alg=ns.IGNORECASE))
        place_of = {name: place for place, name in enumerate(names)}
    else:
        names = classes
        place_of = {name: place for place, name in enumerate(names)}
        if not labels <= set(names) and all(label.isdecimal() for label in labels):
            place_of = {str(place): place for place in range(len(names))}
    unknown = sorted(labels - set(place_of))
    if unknown:
        raise unknown_name("a class", unknown[0], names)
    return names, [[place_of[label] for label in several] for several in lists]


def _refuse_twice(files: Sequence[str], labels: Sequence[str]) -> None:
    first: dict[str, int] = {}
    for row, file in enumerate(files):
        earlier = first.setdefault(os.path.normpath(file), row)
        if earlier != row:
            same = labels[earlier] == labels[row]
            remedy = (
                "Leave one out: frame.drop_duplicates()."
                if same
                else "Correct one; of several labels make one row: frame.groupby(x)[y].agg(list)."
            )
            received = f"{file!r} in rows {earlier} and {row}, as {labels[earlier]!r} and {labels[row]!r}"
            raise DataError("each file in one row", received, remedy)


def _splits(column: pd.Series[Any], files: Sequence[str]) -> list[str]:
    names = [split_of(str(cell)) for cell in column]
    for row, (cell, name) in enumerate(zip(column, names, strict=True)):
        if not name:
            raise unknown_name(f"a split (row {row}, {files[row]})", str(cell), SPLITS)
    return names
