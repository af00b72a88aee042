"""Who is enrolled: a CSV file as course staff has it, columns found by their usual names."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cnnkit.errors import DataError
from cnnkit.submissions.inbox import Submission

COLUMNS = {
    "student": ("student id", "student_id", "sid", "sis user id", "id number", "username", "login", "id", "student"),
    "email": ("email", "email address", "e-mail", "mail"),
    "name": ("name", "full name", "student name", "student"),
}
"""What a column is, by its heading in small letters; the first that is there and not yet taken."""
FURTHER = ("id", "login", "user", "number")
"""What the headings of columns with further identifiers contain."""


@dataclass(frozen=True)
class Student:
    """Somebody in the roster, or, without one, somebody who handed in.

    Attributes:
        student: The one identifier that results carry.
        name: For people.
        email: The address, where it is known.
        others: Further identifiers: of Canvas, of a login …
        enrolled: Whether the roster has them.
    """

    student: str
    name: str = ""
    email: str = ""
    others: tuple[str, ...] = ()
    enrolled: bool = True

    @property
    def identifiers(self) -> Iterator[str]:
        """Everything that the student may be called, in small letters."""
        for identifier in (self.student, self.email, *self.others):
            if identifier:
                yield identifier.casefold()


@dataclass(frozen=True)
class Roster:
    """Everybody who is enrolled.

    Attributes:
        students: In the order of the file.
    """

    students: tuple[Student, ...]

    @cached_property
    def _by_identifier(self) -> dict[str, Student]:
        called = Counter(identifier for student in self.students for identifier in set(student.identifiers))
        own = {student.student.casefold(): student for student in self.students}
        others = {each: student for student in self.students for each in student.identifiers if called[each] == 1}
        return others | own  # an identifier that two share, a group's say, is nobody's

    def find(self, submission: Submission) -> Student:
        """Whose a submission is: by the platform's identifier, else by the address; else somebody not enrolled."""
        for identifier in (submission.student, submission.email):
            if identifier and identifier.casefold() in self._by_identifier:
                return self._by_identifier[identifier.casefold()]
        return Student(submission.student, submission.name, submission.email, enrolled=False)


def read_roster(path: str | Path) -> Roster:
    """Reads a roster.

    Args:
        path: CSV in UTF-8, separated by commas, semicolons or tabs, with a heading; see `COLUMNS`.

    Raises:
        DataError: It cannot be read, has no column of identifiers, or the same one twice.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"a roster in {path}", str(error), "Save it as CSV in UTF-8.") from error
    separator = max(",;\t", key=text.partition("\n")[0].count)
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if any(row)]
    heading = [cell.strip().casefold() for cell in rows[0]] if rows else []
    places: dict[str, int] = {}
    for kind, names in COLUMNS.items():
        found = [heading.index(name) for name in names if name in heading]
        free = [place for place in found if place not in places.values()]
        if free:
            places[kind] = free[0]
    key = places.get("student", places.get("email"))
    if key is None:
        raise DataError(
            f"a column named like {' or '.join(COLUMNS['student'][:4])} in {path}",
            f"{heading}",
            "Name the columns in the first line.",
        )
    further = [
        place
        for place, name in enumerate(heading)
        if place not in places.values() and any(part in name for part in FURTHER)
    ]
    students = []
    for row in rows[1:]:
        cells = [cell.strip() for cell in row] + [""] * (len(heading) - len(row))
        name, email = (cells[places[kind]] if kind in places else "" for kind in ("name", "email"))
        students.append(Student(cells[key], name, email, tuple(cells[place] for place in further if cells[place])))
    seen = Counter(student.student.casefold() for student in students)
    wrong = sorted(student for student, times in seen.items() if times > 1 or not student)
    if wrong:
        raise DataError(f"one line a student in {path}, with an identifier", f"{wrong[:3]}", "Correct those lines.")
    return Roster(tuple(students))
