"""Whether what a Parquet file says of itself can be true, before the library believes it.

The library reads any numbers: negative ones, values without rows, pages within one another. Here each number of the
footer and of the page headers has to fit the others and the file.
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from cnnkit.course.submissions.thrift import Reader, Struct

MAGIC_BYTES = 4
NESTED, ELEMENTS = 16, 5_000  # of the schema
PAGES = 2_000
VALUE_BYTES = 32  # that a row may take in pages, unpacked; a float with its place in a dictionary takes up to 8
SPARE_BYTES = 100_000

_DATA, _DICTIONARY, _DATA_V2 = 0, 2, 3
PAGE_KINDS = range(4)  # data, index, dictionary, data of version 2
_VALUES_OF = {_DATA: 5, _DICTIONARY: 7, _DATA_V2: 8}  # kind of page → the field of its header

# Check, expected, received.
Fault = tuple[str, str, str]


def read_footer(data: bytes) -> Struct:
    """The metadata at the end of a file, whose frame was checked.

    Raises:
        ValueError: It is none.
    """
    length = int.from_bytes(data[-8:-4], "little")
    return Reader(data[-8 - length : -8]).struct()


def ending_fault(footer: Struct) -> Fault | None:
    """What the library cannot even open; None where it can."""
    columns = [column for group in footer.get(4, ()) for column in group.get(1, ())]
    if 8 in footer or 9 in footer or any(8 in column or 9 in column for column in columns):
        return "parquet-encrypted", "a Parquet file without encryption", "an encrypted column or footer"
    schema = footer.get(2, [])
    if len(schema) > ELEMENTS:
        return "parquet-columns", "one column", f"{len(schema):,} columns or groups of them"
    if (depth := _depth(schema)) > NESTED:
        return "parquet-nested", "a plain column", f"groups within groups, {depth:,} deep"
    return None


def layout_faults(data: bytes, footer: Struct) -> Iterator[Fault]:
    """What cannot be true.

    Args:
        data: The whole file.
        footer: Its metadata.
    """
    groups: Sequence[Struct] = footer.get(4, ())
    numbers = [footer.get(3, 0), *(group.get(3, 0) for group in groups)]
    if min(numbers) < 0:
        yield "parquet-row-groups", "numbers of rows of at least 0", f"{min(numbers):,}"
    end = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    places = []
    for group in groups:
        for column in group.get(1, ()):
            values = column.get(3, {}).get(5, 0)
            if values != group.get(3, 0) and len(group[1]) == 1 and len(footer.get(2, ())) == 2:
                yield "parquet-values", f"one value in each of {group.get(3, 0):,} rows", f"{values:,} values"
            places.append(_place(column.get(3, {})))
    for start, stop in places:
        if not MAGIC_BYTES <= start <= stop <= end:
            yield "parquet-offsets", f"columns between byte {MAGIC_BYTES} and {end:,}", f"{start:,} to {stop:,}"
            return
    filled = sorted(place for place in places if place[0] < place[1])
    if any(stop > start for (_, stop), (start, _) in pairwise(filled)):
        yield "parquet-offsets", "columns behind one another", "columns that share bytes"


def page_faults(data: bytes, footer: Struct) -> Iterator[Fault]:
    """What cannot be true of the pages of the one column, or would grow when it is unpacked.

    Args:
        data: The whole file.
        footer: Its metadata, which has no other faults.

    Raises:
        ValueError: There are no pages where they should be.
    """
    unpacked = count = 0
    most = VALUE_BYTES * footer.get(3, 0) + SPARE_BYTES
    for group in footer.get(4, ()):
        column = group[1][0].get(3, {})
        place, stop = _place(column)
        values = 0
        while place < stop:
            reader = Reader(data, place)
            header = reader.struct()
            kind, count = header.get(1, -1), count + 1
            sizes = header.get(2, -1), header.get(3, -1)
            if kind not in PAGE_KINDS:
                raise ValueError(f"no page at byte {place:,}")
            inner = header.get(_VALUES_OF.get(kind, 0), {})
            place = reader.place + sizes[1]
            if min(*sizes, inner.get(1, 0)) < 0 or place > stop or count > PAGES:
                yield "parquet-pages", f"up to {PAGES:,} pages within their column", f"one of {sizes[1]:,} bytes"
                return
            unpacked += sizes[0]
            values += inner.get(1, 0) if kind != _DICTIONARY else 0
            if unpacked > most or inner.get(1, 0) > footer.get(3, 0):
                said = f"{unpacked:,} bytes, {inner.get(1, 0):,} values in a page"
                yield "parquet-pages", f"pages of at most {most:,} bytes when unpacked", said
                return
        if values != column.get(5, 0):
            yield "parquet-values", f"{column.get(5, 0):,} values in pages", f"{values:,}"


def _place(column: Struct) -> tuple[int, int]:
    """First byte of a column and the one behind its last; some writers say 0 where there is no dictionary."""
    data, dictionary = column.get(9, 0), column.get(11, 0)
    start = dictionary if dictionary != 0 and dictionary < data else data
    return start, start + column.get(7, 0)


def _depth(schema: Sequence[Struct]) -> int:
    """How deep the groups of a schema lie in one another: each element says how many of the next are its own."""
    deepest = 0
    left: list[int] = []
    for element in schema:
        while left and left[-1] <= 0:
            left.pop()
        if left:
            left[-1] -= 1
        left.append(element.get(5, 0))
        deepest = max(deepest, len(left))
    return deepest
