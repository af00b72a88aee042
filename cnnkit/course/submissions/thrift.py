"""Thrift's compact protocol, read only: what Parquet's metadata and page headers are written in.

Every value takes at least a byte, so that work and memory are bounded by the bytes there are.
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

from typing import Any

DEPTH = 32
MOST_NUMBER = 10  # bytes of a number of 64 bits

Struct = dict[int, Any]
"""Number of a field → its value: int, bool, float as its bytes, bytes, list, or `Struct`."""

_TRUE, _FALSE, _BYTE, _SHORT, _INT, _LONG, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT, _UUID = range(1, 14)
_FIXED = {_DOUBLE: 8, _UUID: 16}


class Reader:
    """Reads values one behind the other.

    Args:
        data: The bytes.
        place: Where to begin.
    """

    def __init__(self, data: bytes, place: int = 0) -> None:
        self.place = place
        self._data = data

    def struct(self, depth: int = 0) -> Struct:
        """The struct that begins here.

        Raises:
            ValueError: None does.
        """
        if depth > DEPTH:
            raise ValueError("structs within one another without end")
        fields: Struct = {}
        number = 0
        while header := self._bytes(1)[0]:
            number = number + (header >> 4) if header >> 4 else self._signed()
            kind = header & 15
            fields[number] = kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (_TRUE, _FALSE):  # in lists
            return self._bytes(1)[0] == _TRUE
        if kind == _BYTE:
            return int.from_bytes(self._bytes(1), signed=True)
        if kind in (_SHORT, _INT, _LONG):
            return self._signed()
        if kind in _FIXED:
            return self._bytes(_FIXED[kind])
        if kind == _BINARY:
            return self._bytes(self._unsigned())
        if kind in (_LIST, _SET):
            return self._list(depth)
        if kind == _STRUCT:
            return self.struct(depth + 1)
        raise ValueError(f"a value of kind {kind}")

    def _list(self, depth: int) -> list[Any]:
        header = self._bytes(1)[0]
        count = self._unsigned() if header >> 4 == 15 else header >> 4
        if count > len(self._data) - self.place or depth > DEPTH:
            raise ValueError(f"a list of {count:,} values")
        return [self._value(header & 15, depth + 1) for _ in range(count)]

    def _unsigned(self) -> int:
        value = 0
        for index in range(MOST_NUMBER):
            byte = self._bytes(1)[0]
            value |= (byte & 127) << 7 * index
            if byte < 128:
                return value
        raise ValueError("a number without end")

    def _signed(self) -> int:
        value = self._unsigned()
        return value >> 1 ^ -(value & 1)

    def _bytes(self, count: int) -> bytes:
        part = self._data[self.place : self.place + count]
        if len(part) < count:
            raise ValueError("metadata that ends early")
        self.place += count
        return part
