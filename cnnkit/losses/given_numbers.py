"""The numbers that a caller gives with a loss, checked."""

from __future__ import annotations

from numbers import Real

from cnnkit.errors import InputError


def at_least(name: str, value: object, least: float, *, excluded: bool = False) -> None:
    """Refuses what is no number from `least` on.

    Raises:
        InputError: It is not, or it is `least` where that is excluded.
    """
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not least <= float(value) < float("inf") or (excluded and value == least):  # type: ignore[arg-type]
        raise InputError(
            f"{name} as a number {'above' if excluded else 'of at least'} {least:g}",
            f"{name}={value!r}"[:200],
            "The default is that of the paper.",
        )
