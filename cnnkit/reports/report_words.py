"""Small texts of a report: counts, lists and durations in words."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Seconds in words.

    >>> duration(8.25), duration(93), duration(7500)
    ('8 s', '1 min 33 s', '2 h 5 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def counted(count: int, noun: str) -> str:
    """`1 epoch`, `2 epochs`."""
    return f"{count} {noun}" + ("" if count == 1 else "s")


def listed(names: list[str], *, limit: int = 12) -> str:
    """`a, b and c`; long lists are cut."""
    if len(names) > limit:
        return f"{', '.join(names[: limit - 1])} and {len(names) - limit + 1} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def number(value: float) -> str:
    """A score: a share as a percentage, anything else to three digits.

    >>> number(0.6344), number(12.3456)
    ('63.4 %', '12.3')
    """
    return f"{100 * value:.1f} %" if 0 <= value <= 1 else f"{value:.3g}"
