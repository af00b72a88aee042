"""The text files of YOLO: one box a line, and the file that names the classes. Every fault names its file and line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from cnnkit.errors import DataError

# In the order in which they are looked for.
NAME_FILES = ("data.yaml", "dataset.yaml", "data.yml", "classes.txt", "obj.names", "labels/classes.txt")
COLUMNS = "class, centre x, centre y, width, height"
# Boxes may reach a little beyond their picture, and are cut off; numbers above are pixels.
MOST = 2.0


@dataclass(frozen=True, eq=False)
class YoloFile:
    """The k boxes of one picture.

    Attributes:
        labels: (k,) the class of each.
        boxes: (k, 4) centre x, centre y, width and height, as parts of the picture's width and height.
        lines: (k,) the line of each, from 1 on.
    """

    labels: NDArray[np.int64]
    boxes: NDArray[np.float64]
    lines: NDArray[np.int64]


def read_yolo(path: Path, names: tuple[str, ...]) -> YoloFile:
    """The boxes of a file. One that does not exist has none: YOLO writes nothing for a picture without things.

    Args:
        path: The file; empty lines are passed over.
        names: Of the classes.

    Raises:
        DataError: A line that is no class and four numbers of YOLO, or a class without a name. The message names the
            file and the line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines() if path.exists() else []
    except (OSError, ValueError) as error:
        raise DataError(f"boxes in {path}", str(error), f"One box a line: {COLUMNS}.") from error
    rows = [(number, line.split()) for number, line in enumerate(lines, start=1) if line.strip()]
    numbers = np.array([_numbers(path, number, parts) for number, parts in rows], np.float64).reshape(-1, 5)
    for (number, _), label in zip(rows, numbers[:, 0], strict=True):
        if label >= len(names):
            received, remedy = f"class {label:g}", f"The classes are numbered from 0: {_listing(names)}."
            raise DataError(f"a class below {len(names)} in line {number} of {path}", received, remedy)
    return YoloFile(numbers[:, 0].astype(np.int64), numbers[:, 1:], np.array([number for number, _ in rows], np.int64))


def _numbers(path: Path, line: int, parts: list[str]) -> list[float]:
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = [float("nan")]
    received = " ".join(parts)[:80]
    if len(parts) > 5 and len(parts) % 2 and np.isfinite(numbers).all():
        remedy = "Polygons are read by ck.data.coco; of boxes five numbers are needed."
        raise DataError(f"one box, {COLUMNS}, in line {line} of {path}", f"a polygon: {received}", remedy)
    if len(numbers) != 5 or not np.isfinite(numbers).all():
        raise DataError(
            f"five finite numbers, {COLUMNS}, in line {line} of {path}", received, "Correct it, or remove the line."
        )
    if numbers[0] < 0 or not numbers[0].is_integer():
        remedy = "Classes are numbered from 0."
        raise DataError(f"a class as a whole number of at least 0 in line {line} of {path}", parts[0], remedy)
    if min(numbers[3:]) < 0:
        raise DataError(f"no side below 0 in line {line} of {path}", received, "Correct it, or remove the line.")
    if max(abs(number) for number in numbers[1:]) > MOST:
        remedy = "Divide x and width by the picture's width, y and height by its height."
        raise DataError(f"parts of the picture, 0 … 1, in line {line} of {path}", received, remedy)
    return numbers


def class_names(root: Path) -> tuple[str, ...]:
    """The names of the classes, in the order of their numbers, from the first of `NAME_FILES` below a folder.

    Raises:
        DataError: No such file, one without names, or two classes of one name.
    """
    file = next((root / name for name in NAME_FILES if (root / name).is_file()), None)
    if file is None:
        remedy = "classes.txt has one name a line; or give classes=[…]."
        raise DataError(f"the names of the classes in {root}", f"none of {', '.join(NAME_FILES)}", remedy)
    try:
        text = file.read_text(encoding="utf-8-sig")
        names = _names_of_yaml(text) if file.suffix in (".yaml", ".yml") else _names_of_lines(text)
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise DataError(f"the names of the classes in {file}", str(error)[:300], "Correct it.") from error
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        raise DataError(f"different names in {file}", f"{twice[0]!r} more than once", "Rename one, or join the two.")
    return names


def _names_of_lines(text: str) -> tuple[str, ...]:
    names = tuple(line.strip() for line in text.rstrip().splitlines())
    if not names or not all(names):
        raise ValueError("a line without a name" if names else "no line")
    return names


def _names_of_yaml(text: str) -> tuple[str, ...]:
    """`names` as a list, or as a mapping from 0, 1, 2, … Every value is read as text: a class may be called "no"."""
    content: Any = yaml.load(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))  # noqa: S506  (texts alone)
    names: Any = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, dict):
        if set(names) != {str(number) for number in range(len(names))}:
            raise ValueError("names whose numbers are not 0, 1, 2, …")
        names = [names[str(number)] for number in range(len(names))]
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        raise ValueError("no list of texts as names")
    return tuple(names)


def _listing(names: tuple[str, ...]) -> str:
    shown = ", ".join(f"{number} {name}" for number, name in enumerate(names[:3]))
    return f"{shown}, …" if len(names) > 3 else shown
