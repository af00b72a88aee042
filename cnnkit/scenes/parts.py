"""Training, validation and test of a series of pictures: the first 70 %, the next 15 %, the rest."""

from __future__ import annotations

from cnnkit.errors import InputError

PARTS: tuple[tuple[str, float], ...] = (("train", 0.7), ("validation", 0.85), ("test", 1.0))
"""Name of each part and the share of the pictures at which it ends."""


def split_points(count: int) -> tuple[int, int]:
    """Where validation and test begin among `count` pictures in order.

    >>> split_points(100)
    (70, 85)
    """
    (_, train), (_, validation), _ = PARTS
    return round(count * train), round(count * validation)


def part_of(index: int, count: int) -> str:
    """The part to which picture `index` of `count` belongs."""
    return next(name for name, end in PARTS if index < round(count * end))


def check_count(count: int) -> None:
    """Raises an InputError for a series of no pictures."""
    if count < 1:
        raise InputError("at least one picture", f"n={count}", "Give a number from 1 on.")
