"""Whose row of an exported gradebook is whose, and what its cell is filled with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cnnkit.grading.graded import Graded, StudentGrade


@dataclass(frozen=True)
class Filled:
    """An exported file with the grades in it.

    Attributes:
        data: The file.
        count: How many rows were filled.
        absent: Students with a grade whom the file does not have.
    """

    data: bytes
    count: int
    absent: tuple[str, ...]


class Matching:
    """Finds students by whatever identifiers a row has, and keeps count of who was found.

    Args:
        graded: The class.
    """

    def __init__(self, graded: Graded) -> None:
        self._decided = [each for each in graded.students if each.grade.decided]
        self._called: dict[str, StudentGrade] = {}
        twice = set()
        for each in self._decided:
            for identifier in each.student.identifiers:
                if self._called.setdefault(identifier, each) is not each:
                    twice.add(identifier)
        for identifier in twice:
            del self._called[identifier]
        self._found: set[str] = set()

    def find(self, identifiers: Iterable[str]) -> StudentGrade | None:
        """The student of a row, or None."""
        for identifier in identifiers:
            each = self._called.get(identifier.strip().casefold())
            if each is not None:
                self._found.add(each.grade.student)
                return each
        return None

    def filled(self, data: bytes) -> Filled:
        """The result."""
        absent = tuple(each.grade.student for each in self._decided if each.grade.student not in self._found)
        return Filled(data, len(self._found), absent)
