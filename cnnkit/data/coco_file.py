"""A file of COCO annotations, read and checked: every fault names the file and the annotation."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.arguments import said
from cnnkit.errors import DataError

PARTS = ("images", "annotations", "categories")


@dataclass(frozen=True, eq=False)
class CocoFile:
    """n pictures and m annotations.

    Attributes:
        path: The file.
        pictures: n file names, sorted.
        picture_ids: Their n ids, by which annotations name them.
        shapes: (n, 2) height and width in pixels, as the file says.
        names: The category names in the order of their ids.
        categories: The category entries in that order.
        annotations: m annotation entries, those of one picture together, in the order of the file.
        owners: (m,) the picture of each annotation.
        labels: (m,) the category of each annotation.
    """

    path: Path
    pictures: tuple[str, ...]
    picture_ids: tuple[int, ...]
    shapes: NDArray[np.int64]
    names: tuple[str, ...]
    categories: list[dict[str, Any]]
    annotations: list[dict[str, Any]]
    owners: NDArray[np.int64]
    labels: NDArray[np.int64]

    def boxes(self) -> NDArray[np.float64]:
        """(m, 4) x, y, width and height of each annotation.

        Raises:
            DataError: A box that is no four finite numbers, or has a negative side.
        """
        boxes = np.zeros((len(self.annotations), 4))
        for row, entry in enumerate(self.annotations):
            box: Any = entry.get("bbox")
            try:
                boxes[row] = box
                fine = bool(np.isfinite(boxes[row]).all() and (boxes[row, 2:] >= 0).all()) and len(box) == 4
            except (TypeError, ValueError):
                fine = False
            if not fine:
                raise self.wrong(row, "a bbox of x, y, width and height, finite and no side below 0", said(box))
        return boxes

    def crowd(self) -> NDArray[np.bool_]:
        """(m,) whether an annotation is a region of many things (`iscrowd`)."""
        return np.array([bool(entry.get("iscrowd", 0)) for entry in self.annotations], np.bool_)

    def wrong(self, row: int, expected: str, received: str) -> DataError:
        """The error for an annotation."""
        remedy = f"It belongs to {self.pictures[self.owners[row]]!r}: correct it there, or remove it."
        return DataError(f"{expected} in {self.called(row)}", received, remedy)

    def called(self, row: int) -> str:
        """What an error calls an annotation."""
        number = self.annotations[row].get("id")
        return f"annotation {number} of {self.path}" if number is not None else f"an annotation of {self.path}"


def read_coco(path: Path) -> CocoFile:
    """The content of a file of COCO annotations.

    Raises:
        DataError: No such file; two categories of one name or id, two pictures of one id; a picture without a name or
            size; an annotation of no picture or no category.
    """
    content = _content(path)
    categories = sorted(content["categories"], key=lambda entry: _number(entry, "id", "a category", path))
    names = tuple(str(entry.get("name", "")) for entry in categories)
    _require_different(names, "category names", path)
    _require_different([entry["id"] for entry in categories], "category ids", path)
    for entry in content["images"]:
        if not isinstance(entry.get("file_name"), str) or not entry["file_name"]:
            raise DataError(f"a file_name of every picture of {path}", said(entry), "Add it.")
        for key in ("id", "height", "width"):
            _number(entry, key, f"the picture {entry['file_name']}", path)
    pictures = sorted(content["images"], key=lambda entry: entry["file_name"])
    _require_different([entry["id"] for entry in pictures], "picture ids", path)
    picture_of = {entry["id"]: place for place, entry in enumerate(pictures)}
    category_of = {entry["id"]: place for place, entry in enumerate(categories)}
    for entry in content["annotations"]:
        for key, known in (("image_id", picture_of), ("category_id", category_of)):
            if not isinstance(value := entry.get(key), int | float | str) or value not in known:
                called = f"annotation {entry.get('id')} of {path}"
                raise DataError(f"an {key} of this file in {called}", f"{key} {said(value)}", "Remove the annotation.")
    annotations = sorted(content["annotations"], key=lambda entry: picture_of[entry["image_id"]])
    return CocoFile(
        path=path,
        pictures=tuple(entry["file_name"] for entry in pictures),
        picture_ids=tuple(entry["id"] for entry in pictures),
        shapes=np.array([[entry["height"], entry["width"]] for entry in pictures], np.int64).reshape(-1, 2),
        names=names,
        categories=categories,
        annotations=annotations,
        owners=np.array([picture_of[entry["image_id"]] for entry in annotations], np.int64),
        labels=np.array([category_of[entry["category_id"]] for entry in annotations], np.int64),
    )


def _content(path: Path) -> dict[str, list[dict[str, Any]]]:
    remedy = "Give the instances_*.json file."
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"COCO instances in {path}", str(error), remedy) from error
    missing = sorted(set(PARTS) - set(content if isinstance(content, dict) else ()))
    if missing:
        raise DataError(f"COCO instances in {path}", f"no {' and no '.join(missing)}", remedy)
    for part in PARTS:
        if not isinstance(content[part], list) or not all(isinstance(entry, dict) for entry in content[part]):
            raise DataError(f"a list of entries as {part!r} in {path}", said(content[part]), remedy)
    return {part: content[part] for part in PARTS}


def _number(entry: dict[str, Any], key: str, what: str, path: Path) -> float:
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or value < 0:
        raise DataError(f"a number of at least 0 as {key} of {what} of {path}", said(value), "Correct the file.")
    return value


def _require_different(values: Any, what: str, path: Path) -> None:
    if twice := [value for value, times in Counter(values).items() if times > 1]:
        raise DataError(f"different {what} in {path}", f"{twice[0]!r} more than once", "Rename one, or join the two.")
