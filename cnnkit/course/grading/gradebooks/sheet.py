"""A CSV file whose cells can be filled in while every other byte stays as it is.

Platforms take back what they gave away: encoding, separators, quotes, line ends, columns that nobody understands. So
nothing is parsed and written again; the places of the cells are found, and only those that are filled are replaced.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cnnkit.course.submissions.table_file import encoding_of, separator_of
from cnnkit.errors import DataError

_FORMULA = re.compile(r"^\s*[=+\-@\t\r＝＋－＠]")  # full-width signs are signs to a spreadsheet too
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")


@dataclass(frozen=True)
class Cell:
    """A cell and where it is.

    Attributes:
        value: Its text without quotes.
        start: Of the cell in the text, quotes included.
        end: One past its last character.
    """

    value: str
    start: int
    end: int


@dataclass(frozen=True)
class Sheet:
    """A CSV file, taken apart but not changed.

    Attributes:
        text: The whole of it.
        separator: Between cells.
        rows: Rows of cells; empty lines are absent.
        mark: The byte-order mark that it began with.
        encoding: Of its bytes.
    """

    text: str
    separator: str
    rows: tuple[tuple[Cell, ...], ...]
    mark: bytes = b""
    encoding: str = "utf-8"

    @classmethod
    def parse(cls, data: bytes) -> Sheet:
        """Takes a file apart.

        Raises:
            DataError: It is no text in UTF-8 or UTF-16, or a quote does not end.
        """
        mark, encoding = encoding_of(data)
        try:
            text = data.removeprefix(mark).decode(encoding)
        except UnicodeDecodeError as error:
            raise DataError("a CSV file in UTF-8 or UTF-16", str(error), "Export it again, as it was.") from error
        separator = separator_of(text)
        return cls(text, separator, tuple(_rows(text, separator)), mark, encoding)

    @classmethod
    def read(cls, path: Path) -> Sheet:
        """Reads a file.

        Raises:
            DataError: It cannot be read.
        """
        try:
            return cls.parse(path.read_bytes())
        except OSError as error:
            raise DataError(f"a CSV file at {path}", str(error), "Export it from the platform.") from error

    def filled(self, cells: Mapping[Cell, str]) -> bytes:
        """The file with other text in some cells; what was quoted stays so."""
        parts = []
        end = 0
        for cell, value in sorted(cells.items(), key=lambda item: item[0].start):
            quoted = self.text[cell.start : cell.end].lstrip().startswith('"')
            parts += [self.text[end : cell.start], written(value, self.separator, always=quoted)]
            end = cell.end
        return self.mark + ("".join(parts) + self.text[end:]).encode(self.encoding)


def written(value: str, separator: str = ",", *, always: bool = False) -> str:
    """A value as a CSV cell: guarded against being taken for a formula, and in quotes where it needs them.

    >>> written("=1+1"), written("Doe, Jane"), written("-1.5")
    ("'=1+1", '"Doe, Jane"', '-1.5')
    """
    if _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        value = f"'{value}"  # OWASP, "CSV Injection"
    if always or any(mark in value for mark in (separator, '"', "\n", "\r")):
        return '"' + value.replace('"', '""') + '"'
    return value


def column(heading: Sequence[Cell], names: Sequence[str]) -> int | None:
    """The place of the first of these headings that is there, whatever its case."""
    found = [cell.value.strip().casefold() for cell in heading]
    return next((found.index(name.casefold()) for name in names if name.casefold() in found), None)


def like(example: str, number: str) -> str:
    """A number with a decimal comma where the example has one."""
    return number.replace(".", ",") if re.fullmatch(r"\s*\d+,\d+\s*", example) else number


def _rows(text: str, separator: str) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = []
    cells: list[Cell] = []
    place = 0
    while place < len(text):
        start = place
        if text[place] == '"':
            place += 1
            while True:
                place = text.find('"', place)
                if place < 0:
                    line = text.count("\n", 0, start) + 1
                    raise DataError("quotes that end", f"one that does not in line {line}", "Export the file again.")
                if text[place + 1 : place + 2] != '"':
                    break
                place += 2
            place += 1
        while place < len(text) and text[place] not in (separator, "\r", "\n"):
            place += 1
        raw = text[start:place]
        value = raw[1:-1].replace('""', '"') if raw.startswith('"') and raw.endswith('"') and len(raw) > 1 else raw
        cells.append(Cell(value, start, place))
        if text[place : place + 1] == separator:
            place += 1
            if place == len(text) or text[place] in "\r\n":
                cells.append(Cell("", place, place))
            else:
                continue
        if any(cell.value for cell in cells):
            rows.append(tuple(cells))
        cells = []
        place += 2 if text[place : place + 2] == "\r\n" else 1
    return rows
