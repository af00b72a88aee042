"""One XML file of Pascal VOC annotations. A file that declares a document type, and with it entities, is refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

import numpy as np

from cnnkit.errors import DataError

# Corners are the first and the last column and row of pixels, counted from 1.
CORNERS = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True)
class VocThing:
    """One object.

    Attributes:
        name: Its class.
        box: x1, y1, x2, y2 in continuous pixels.
        difficult: Whether it shall not count.
    """

    name: str
    box: tuple[float, float, float, float]
    difficult: bool


@dataclass(frozen=True)
class VocFile:
    """What is in one picture.

    Attributes:
        things: Its objects, in the order of the file.
        shape: Height and width as the file says, (0, 0) where it does not.
    """

    things: tuple[VocThing, ...]
    shape: tuple[int, int]


def read_voc(path: Path) -> VocFile:
    """The content of an XML file of annotations.

    Raises:
        DataError: No such file, no XML, one with a document type, an object without a name or with a box that is no
            four finite numbers in order. The message names the file and the object.
    """
    root = _tree(path)
    size = [_number(root.findtext(f"size/{side}") or "0") for side in ("height", "width")]
    height, width = (int(side) if np.isfinite(side) else 0 for side in size)
    return VocFile(
        tuple(_thing(path, number, entry) for number, entry in enumerate(root.findall("object"), 1)), (height, width)
    )


def _thing(path: Path, number: int, entry: Element) -> VocThing:
    name = (entry.findtext("name") or "").strip()
    called = f"object {number}{f' ({name})' if name else ''} of {path}"
    if not name:
        raise DataError(f"the name of {called}", "none", "Add it, or remove the object.")
    texts = [entry.findtext(f"bndbox/{corner}") or "" for corner in CORNERS]
    left, top, right, bottom = corners = [_number(text) for text in texts]
    if not np.isfinite(corners).all() or left > right or top > bottom:
        expected = f"a bndbox of {', '.join(CORNERS)}, finite and in order, of {called}"
        raise DataError(expected, str(texts), "Correct it, or remove the object.")
    difficult = (entry.findtext("difficult") or "0").strip() not in ("0", "")
    return VocThing(name, (left - 1, top - 1, right, bottom), difficult)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _tree(path: Path) -> Element:
    """The root of a file. expat itself: what the standard library builds on it would expand entities."""
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data

    def refuse(*declaration: Any) -> None:
        raise DataError(f"annotations without a document type in {path}", f"<!DOCTYPE {declaration[0]}", "Remove it.")

    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(path.read_bytes(), True)
        return builder.close()
    except (OSError, expat.ExpatError, AssertionError) as error:
        raise DataError(f"Pascal VOC annotations in {path}", str(error), "Replace or remove the file.") from error
