"""Whose row of an exported gradebook is whose, and what its cell is filled with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cnnkit.course.grading.directory import Directory
from cnnkit.course.grading.graded import Graded, StudentGrade
from cnnkit.course.submissions.identity import Identity

Row = TypeVar("Row", bound=Hashable)


@dataclass(frozen=True)
class Filled:
    """An exported file with the grades in it.

    Attributes:
        data: The file.
        count: How many rows were filled.
        absent: Students with a grade for whom the file has no row, or several that could be theirs.
    """

    data: bytes
    count: int
    absent: tuple[str, ...]


def owners(rows: Mapping[Row, Sequence[Identity]], graded: Graded) -> dict[Row, StudentGrade]:
    """Whose each row is: the one student of the one row that fits best, in both directions.

    Args:
        rows: Row → who it is about, each value with its kind.
        graded: The class; only who has a grade owns a row.
    """
    decided = {each.grade.student: each for each in graded.students if each.grade.decided}
    directory = Directory((name, each.student.known_as) for name, each in decided.items())
    fitting: dict[str, dict[float, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row, identities in rows.items():
        match = directory.find(identities)
        for name in match.owners if len(match.owners) == 1 else ():
            fitting[name][match.likeness].append(row)
    best = {name: found[max(found)] for name, found in fitting.items()}
    return {of[0]: decided[name] for name, of in best.items() if len(of) == 1}


def absent(filled: Iterable[StudentGrade], graded: Graded) -> tuple[str, ...]:
    """The students with a grade that no row has."""
    present = {each.grade.student for each in filled}
    return tuple(
        each.grade.student for each in graded.students if each.grade.decided and each.grade.student not in present
    )
