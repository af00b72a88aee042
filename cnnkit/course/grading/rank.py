"""Ranks within a class, on the integer number of correct rows: exact, and independent of any order.

A tie rule is a sort key; whoever has equal keys shares the mean of the ranks that they take together.

    correct   19  17  17  12
    average    1 2.5 2.5   4        the default
    earliest   1   2   3   4        the first of the two 17s was handed in earlier
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from cnnkit.errors import InputError, unknown_name

_NO_TIME = datetime.max.replace(tzinfo=UTC)  # whoever's time is unknown wins no tie


@dataclass(frozen=True)
class Entry:
    """A submission that is ranked.

    Attributes:
        student: Whose it is.
        correct: How many rows are right.
        submitted: When it was handed in, an aware time; None where that is unknown.
    """

    student: str
    correct: int
    submitted: datetime | None = None


TIE_RULES: Mapping[str, Callable[[Entry], tuple[Any, ...]]] = {
    "average": lambda entry: (-entry.correct,),
    "earliest": lambda entry: (-entry.correct, entry.submitted or _NO_TIME),
}


def ranks(entries: Iterable[Entry], *, ties: str = "average") -> dict[str, Fraction]:
    """The rank of each student: 1 is the best, N the last, and shared ranks are the mean of those they stand for.

    Args:
        entries: One a student, in any order.
        ties: A key of `TIE_RULES`.

    Raises:
        UnknownNameError: No such tie rule.
        InputError: Two entries of one student.

    >>> found = ranks([Entry("Ada", 19), Entry("Bo", 17), Entry("Cy", 17), Entry("Di", 12)])
    >>> {student: str(rank) for student, rank in found.items()}
    {'Ada': '1', 'Bo': '5/2', 'Cy': '5/2', 'Di': '4'}
    """
    if ties not in TIE_RULES:
        raise unknown_name("a tie rule", ties, TIE_RULES)
    keys = {}
    for entry in entries:
        if entry.student in keys:
            raise InputError("one entry a student", f"two of {entry.student!r}", "Choose the one that counts.")
        keys[entry.student] = TIE_RULES[ties](entry)
    rank_of = {}
    better = 0
    for key, sharing in sorted(Counter(keys.values()).items()):
        rank_of[key] = better + Fraction(sharing + 1, 2)  # the mean of better + 1 … better + sharing
        better += sharing
    return {student: rank_of[key] for student, key in keys.items()}
