"""Parquet files whose numbers cannot be true, or that unpack to far more than they are, written byte by byte."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.course.submissions.bad_files import PREDICTIONS, ROWS, Bad

COSTLY: list[Bad] = []

_INT, _LONG, _BINARY, _LIST, _STRUCT = 5, 6, 8, 9, 12
_FLOAT, _PLAIN, _RLE, _RLE_DICTIONARY, _DATA, _DICTIONARY = 4, 0, 3, 8, 0, 2
_GZIP = 2


def varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes((*parts, value))


def number(value: int) -> bytes:
    """A signed number of Thrift's compact protocol."""
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)


def text(value: bytes) -> bytes:
    return varint(len(value)) + value


def many(kind: int, items: list[bytes]) -> bytes:
    return bytes([240 | kind]) + varint(len(items)) + b"".join(items)


def struct(*fields: tuple[int, int, bytes]) -> bytes:
    """Number, kind and bytes of each field; the numbers are written in full."""
    return b"".join(bytes([kind]) + number(field) + value for field, kind, value in fields) + b"\0"


def page(
    values: bytes, *, count: int = ROWS, kind: int = _DATA, unpacked: int | None = None, packed: bytes | None = None
) -> bytes:
    stored = values if packed is None else packed
    encodings = ((2, _INT, number(_PLAIN)), (3, _INT, number(_RLE)), (4, _INT, number(_RLE)))
    inner = struct((1, _INT, number(count)), *(encodings if kind == _DATA else encodings[:1]))
    return (
        struct(
            (1, _INT, number(kind)),
            (2, _INT, number(len(values) if unpacked is None else unpacked)),
            (3, _INT, number(len(stored))),
            (5 if kind == _DATA else 7, _STRUCT, inner),
        )
        + stored
    )


def group(
    pages: bytes,
    *,
    rows: int = ROWS,
    values: int | None = None,
    start: int = 4,
    size: int | None = None,
    codec: int = 0,
    dictionary: int = 0,
    encrypted: bool = False,
) -> bytes:
    length = len(pages) if size is None else size
    column = struct(
        (1, _INT, number(_FLOAT)),
        (2, _LIST, many(_INT, [number(_PLAIN)])),
        (3, _LIST, many(_BINARY, [text(b"person")])),
        (4, _INT, number(codec)),
        (5, _LONG, number(rows if values is None else values)),
        (6, _LONG, number(length)),
        (7, _LONG, number(length)),
        (9, _LONG, number(start)),
        *([(11, _LONG, number(dictionary))] if dictionary else []),
    )
    crypto = [(8, _STRUCT, struct((1, _STRUCT, struct())))] if encrypted else []
    columns = many(_STRUCT, [struct((2, _LONG, number(0)), (3, _STRUCT, column), *crypto)])
    return struct((1, _LIST, columns), (2, _LONG, number(length)), (3, _LONG, number(rows)))


def file(pages: bytes, *groups: bytes, rows: int = ROWS, schema: list[bytes] | None = None) -> bytes:
    root = struct((4, _BINARY, text(b"schema")), (5, _INT, number(1)))
    column = struct((1, _INT, number(_FLOAT)), (3, _INT, number(0)), (4, _BINARY, text(b"person")))
    footer = struct(
        (1, _INT, number(2)),
        (2, _LIST, many(_STRUCT, [root, column] if schema is None else schema)),
        (3, _LONG, number(rows)),
        (4, _LIST, many(_STRUCT, list(groups))),
    )
    return b"PAR1" + pages + footer + len(footer).to_bytes(4, "little") + b"PAR1"


VALUES = np.linspace(0, 1, ROWS, dtype="<f4").tobytes()
PLAIN = page(VALUES)
VALID = file(PLAIN, group(PLAIN))


def row(check: str) -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
    """A row whose maker gives the bytes of the predictions."""

    def register(data: Callable[[], bytes]) -> Callable[[], bytes]:
        def make(folder: Path) -> None:
            (folder / PREDICTIONS).write_bytes(data())

        make.__name__ = data.__name__
        COSTLY.append(Bad(check, make))
        return data

    return register


@row("parquet-row-groups")
def predictions_with_a_negative_row_group() -> bytes:
    more = page(VALUES + VALUES[:40], count=ROWS + 10)
    return file(more, group(more, rows=ROWS + 10), group(b"", rows=-10, start=4 + len(more)))


@row("parquet-rows")
def predictions_with_a_negative_number_of_rows() -> bytes:
    return file(PLAIN, group(PLAIN), rows=-ROWS)


@row("parquet-values")
def predictions_of_a_million_million_values() -> bytes:
    return file(PLAIN, group(PLAIN, values=2**40))


@row("parquet-values")
def predictions_with_more_values_than_rows() -> bytes:
    more = page(VALUES * 2, count=2 * ROWS)
    return file(more, group(more, values=2 * ROWS))


@row("parquet-pages")
def predictions_with_more_values_in_a_page_than_rows() -> bytes:
    more = page(VALUES * 2, count=2 * ROWS)
    return file(more, group(more))


@row("parquet-values")
def predictions_with_fewer_values_in_pages_than_rows() -> bytes:
    less = page(VALUES[:-40], count=ROWS - 10)
    return file(less, group(less))


@row("parquet-values")
def predictions_with_a_page_twice_as_often_as_rows() -> bytes:
    return file(PLAIN * 2, group(PLAIN * 2))


@row("parquet-offsets")
def predictions_at_a_negative_place() -> bytes:
    return file(PLAIN, group(PLAIN, start=-1_000))


@row("parquet-offsets")
def predictions_of_a_negative_size() -> bytes:
    return file(PLAIN, group(PLAIN, size=-5))


@row("parquet-offsets")
def predictions_behind_the_end() -> bytes:
    return file(PLAIN, group(PLAIN, start=2**60))


@row("parquet-offsets")
def predictions_that_reach_into_the_footer() -> bytes:
    return file(PLAIN, group(PLAIN, size=len(PLAIN) + 50))


@row("parquet-offsets")
def predictions_in_row_groups_that_share_their_bytes() -> bytes:
    half = page(VALUES[: 2 * ROWS], count=ROWS // 2)
    one = group(half, rows=ROWS // 2)
    return file(half, one, one)


@row("parquet-offsets")
def predictions_in_row_groups_that_overlap() -> bytes:
    half = page(VALUES[: 2 * ROWS], count=ROWS // 2)
    return file(half * 2, group(half, rows=ROWS // 2), group(half, rows=ROWS // 2, start=50))


@row("parquet-pages")
def predictions_that_unpack_to_two_gigabytes() -> bytes:
    packed = page(VALUES, unpacked=2**31 - 1, packed=zlib.compress(VALUES))
    return file(packed, group(packed, codec=_GZIP))


@row("parquet-unreadable")
def predictions_that_unpack_to_more_than_they_say() -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    packed = page(VALUES, packed=packer.compress(bytes(30_000_000)) + packer.flush())
    return file(packed, group(packed, codec=_GZIP))


@row("parquet-pages")
def predictions_in_many_empty_pages() -> bytes:
    pages = page(b"", count=0) * 50_000 + PLAIN
    return file(pages, group(pages))


@row("parquet-pages")
def predictions_with_a_page_of_negative_size() -> bytes:
    pages = page(VALUES, unpacked=-1)
    return file(pages, group(pages))


@row("parquet-pages")
def predictions_with_a_dictionary_of_a_thousand_million_values() -> bytes:
    dictionary = page(VALUES, count=2**30, kind=_DICTIONARY)
    return file(dictionary + PLAIN, group(dictionary + PLAIN, start=4 + len(dictionary), dictionary=4))


@row("parquet-pages")
def predictions_with_twelve_dictionaries() -> bytes:
    dictionary = page(VALUES, kind=_DICTIONARY) * 12
    return file(dictionary + PLAIN, group(dictionary + PLAIN, start=4 + len(dictionary), dictionary=4))


@row("parquet-encrypted")
def predictions_with_an_encrypted_column() -> bytes:
    return file(PLAIN, group(PLAIN, encrypted=True))


@row("parquet-nested")
def predictions_in_groups_four_thousand_deep() -> bytes:
    one = struct((3, _INT, number(0)), (4, _BINARY, text(b"g")), (5, _INT, number(1)))
    column = struct((1, _INT, number(_FLOAT)), (3, _INT, number(0)), (4, _BINARY, text(b"person")))
    return file(PLAIN, group(PLAIN), schema=[*[one] * 4_000, column])


@row("parquet-columns")
def predictions_with_a_schema_of_fifteen_thousand_columns() -> bytes:
    root = struct((4, _BINARY, text(b"s")), (5, _INT, number(15_000)))
    column = struct((1, _INT, number(_FLOAT)), (4, _BINARY, text(b"p")))
    return file(PLAIN, group(PLAIN), schema=[root, *[column] * 15_000])


@row("parquet-unreadable")
def predictions_with_a_list_of_a_thousand_million() -> bytes:
    footer = struct((1, _INT, number(2)), (2, _LIST, bytes([240 | _STRUCT]) + varint(2**30)))
    return b"PAR1" + PLAIN + footer + len(footer).to_bytes(4, "little") + b"PAR1"


@row("parquet-unreadable")
def predictions_with_structs_in_structs_without_end() -> bytes:
    footer = (bytes([16 | _STRUCT])) * 200_000
    return b"PAR1" + PLAIN + footer + len(footer).to_bytes(4, "little") + b"PAR1"


COSTLY_PREDICTIONS = tuple(COSTLY)
