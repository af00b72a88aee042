"""Tables that course staff writes by hand or exports: CSV with commas, semicolons or tabs, in Unicode."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

from cnnkit.errors import DataError

MOST_CELL = 1_000_000
_ENCODINGS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
SEPARATORS = ",;\t"


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        heading: The first line's cells, in small letters.
        rows: (number of the line in the file, cells), without empty lines; as many cells as the heading has.
    """

    heading: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]

    def records(self) -> list[tuple[int, Mapping[str, str]]]:
        """(line, heading → cell) of each row."""
        return [(line, dict(zip(self.heading, cells, strict=True))) for line, cells in self.rows]


def encoding_of(data: bytes) -> tuple[bytes, str]:
    """The byte-order mark that a file begins with, and the encoding of what follows: UTF-8 where there is no mark."""
    return next(((mark, name) for mark, name in _ENCODINGS if data.startswith(mark)), (b"", "utf-8"))


def separator_of(text: str) -> str:
    """What stands between the cells: the comma, semicolon or tab that the first line has most of."""
    return max(SEPARATORS, key=text.partition("\n")[0].count)


def parse_table(data: bytes, name: str) -> Table:
    """Reads a table.

    Args:
        data: The file's bytes: UTF-8, with or without its mark, or UTF-16 with it.
        name: Of the file, for messages.

    Raises:
        DataError: Another encoding, or a quote that does not end.
    """
    mark, encoding = encoding_of(data)
    try:
        text = data.removeprefix(mark).decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DataError(
            f"{name} in UTF-8",
            f"a byte 0x{data[error.start]:02x} in line {line}, as Windows's own encodings have",
            'In a spreadsheet: save as "CSV UTF-8".',
        ) from error
    separator = separator_of(text)
    csv.field_size_limit(MOST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(row)]
    except csv.Error as error:
        raise DataError(f"a CSV file in {name}", f"{error} near line {reader.line_num}", "Export it again.") from error
    if not lines:
        return Table((), ())
    heading = tuple(cell.casefold() for cell in lines[0][1])
    width = len(heading)
    return Table(heading, tuple((line, tuple((*row, *[""] * width)[:width])) for line, row in lines[1:]))
