"""Damage to files, by chance: what a broken upload does, and what someone who tries things does."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

INTERESTING = (0, 1, 0x7F, 0x80, 0xFF)


def flip_bit(data: bytearray, chance: Random) -> None:
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def set_byte(data: bytearray, chance: Random) -> None:
    data[chance.randrange(len(data))] = chance.choice(INTERESTING)


def set_number(data: bytearray, chance: Random) -> None:
    size = chance.choice((2, 4, 8))
    place = chance.randrange(max(1, len(data) - size))
    most = (1 << (8 * size)) - 1
    value = chance.choice((0, 1, most, most >> 1, len(data), chance.getrandbits(8 * size)))
    data[place : place + size] = (value & most).to_bytes(size, "little")


def cut(data: bytearray, chance: Random) -> None:
    place = chance.randrange(len(data))
    del data[place : place + chance.choice((1, 4, 64, len(data)))]


def repeat(data: bytearray, chance: Random) -> None:
    place = chance.randrange(len(data))
    data[place:place] = data[place : place + chance.choice((1, 8, 256))]


def copy_elsewhere(data: bytearray, chance: Random) -> None:
    size = chance.choice((4, 32, 512))
    part = data[(start := chance.randrange(len(data))) : start + size]
    place = chance.randrange(len(data))
    data[place : place + len(part)] = part


WAYS: tuple[Callable[[bytearray, Random], None], ...] = (
    *(flip_bit, set_byte, set_number, cut, repeat, copy_elsewhere),
)


def damaged(data: bytes, chance: Random) -> bytes:
    """The bytes after some accidents, half of them near the end, where Parquet keeps its metadata."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 4, 8))):
        if not changed:
            break
        near_the_end = chance.random() < 0.5
        start = max(0, len(changed) - 600) if near_the_end else 0
        part = changed[start:]
        chance.choice(WAYS)(part, chance)
        changed[start:] = part
    return bytes(changed)
