"""Who is enrolled: a CSV file as course staff has it, columns found by their usual names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cnnkit.course.submissions.identity import ANY, Identity, normalized
from cnnkit.course.submissions.table_file import parse_table
from cnnkit.errors import DataError

KINDS: Mapping[str, tuple[str, str]] = {
    "canvas id": ("canvas", "id"),
    "canvas user id": ("canvas", "id"),
    "canvas_id": ("canvas", "id"),
    "integration id": ("canvas", "integration"),
    "participant": ("moodle", "participant"),
    "participant number": ("moodle", "participant"),
    "student id": ("", "number"),
    "student_id": ("", "number"),
    "sid": ("", "number"),
    "sis user id": ("", "number"),
    "sis id": ("", "number"),
    "id number": ("", "number"),
    "matriculation number": ("", "number"),
    "sis login id": ("", "login"),
    "username": ("", "login"),
    "login": ("", "login"),
    "login id": ("", "login"),
    "netid": ("", "login"),
}
"""Platform and kind of the values below a heading in small letters, see `Identity`."""
OF_CANVAS = frozenset({"sis user id", "sis login id"})
"""Headings of Canvas's own export, where "id" is Canvas's number."""
OF_MOODLE = frozenset({"full name", "email address", "status"})
"""Headings of Moodle's own worksheet, where "identifier" is "Participant" and a number."""
COLUMNS = {
    "student": (
        *("student id", "student_id", "sid", "sis user id", "sis id", "id number", "matriculation number"),
        *("username", "login", "login id", "netid", "id", "identifier", "canvas id", "student"),
    ),
    "email": ("email", "email address", "e-mail", "mail"),
    "name": ("name", "full name", "student name", "student"),
}
"""What a column is, by its heading in small letters; the first that is there and not yet taken."""
FURTHER = ("id", "login", "user", "number")
"""What the headings of columns with further identifiers contain."""
POINTS_POSSIBLE = "points possible"
"""What stands in place of a name in the second line of Canvas's export."""
_PARTICIPANT = re.compile(r"\D*(\d+)")


@dataclass(frozen=True)
class Student:
    """Somebody in the roster, or, without one, somebody who handed in.

    Attributes:
        student: The one identifier that results carry.
        name: For people.
        email: The address, where it is known.
        identities: What else the student is called, and what kind `student` is, where that is known.
        enrolled: Whether the roster has them.
    """

    student: str
    name: str = ""
    email: str = ""
    identities: tuple[Identity, ...] = ()
    enrolled: bool = True

    @property
    def known_as(self) -> tuple[Identity, ...]:
        """Everything that the student is called; `student` first."""
        main = next((each for each in self.identities if each.value == self.student), Identity("", ANY, self.student))
        email = (Identity.of("email", self.email),) if self.email else ()
        return tuple(dict.fromkeys((main, *self.identities, *email)))


@dataclass(frozen=True)
class Roster:
    """Everybody who is enrolled.

    Attributes:
        students: In the order of the file.
    """

    students: tuple[Student, ...]

    def of_kind(self, platform: str, kind: str) -> frozenset[str]:
        """All values of a kind that the roster has."""
        identities = (each for student in self.students for each in student.identities)
        return frozenset(each.value for each in identities if (each.platform, each.kind) == (platform, kind))


def read_roster(path: str | Path) -> Roster:
    """Reads a roster.

    Args:
        path: CSV in UTF-8, separated by commas, semicolons or tabs, with a heading; see `COLUMNS` and `KINDS`.

    Raises:
        DataError: It cannot be read, has no column of identifiers, or the same one twice.
    """
    try:
        table = parse_table(Path(path).read_bytes(), str(path))
    except OSError as error:
        raise DataError(f"a roster in {path}", str(error), "Save it as CSV in UTF-8.") from error
    heading = table.heading
    places: dict[str, int] = {}
    for column, names in COLUMNS.items():
        found = [heading.index(name) for name in names if name in heading]
        free = [place for place in found if place not in places.values()]
        if free:
            places[column] = free[0]
    key = places.get("student", places.get("email"))
    if key is None:
        raise DataError(
            f"a column named like {' or '.join(COLUMNS['student'][:4])} in {path}",
            f"{list(heading)}",
            "Name the columns in the first line.",
        )
    kinds = {place: kind for place, name in enumerate(heading) if (kind := _kind(name, place == key, heading))}
    students = []
    for line, cells in table.rows:
        name, email = (normalized(cells[places[column]]) if column in places else "" for column in ("name", "email"))
        identities = {
            place: Identity(*kind, value) for place, kind in kinds.items() if (value := _value(cells[place], kind))
        }
        if not identities and name.casefold() == POINTS_POSSIBLE:
            continue
        if not identities:
            raise DataError(f"an identifier in line {line} of {path}", f"{name or 'nothing'}", "Correct that line.")
        main = identities.get(key, next(iter(identities.values())))
        students.append(Student(main.value, name, email, tuple(identities.values())))
    seen = Counter(student.student.casefold() for student in students)
    twice = sorted(student for student, times in seen.items() if times > 1)
    if twice:
        raise DataError(f"one line for each student in {path}", f"{twice[:3]} twice", "Correct those lines.")
    return Roster(tuple(students))


def _kind(name: str, main: bool, heading: tuple[str, ...]) -> tuple[str, str] | None:
    """Platform and kind of a column's values; None if they name nobody."""
    if name in KINDS:
        return KINDS[name]
    if name == "id" and OF_CANVAS & set(heading):
        return "canvas", "id"
    if name == "identifier" and set(heading) >= OF_MOODLE:
        return "moodle", "participant"
    if name in COLUMNS["email"]:
        return "", "email"
    further = any(part in name for part in FURTHER) and name not in COLUMNS["name"]
    return ("", ANY) if main or further else None


def _value(cell: str, kind: tuple[str, str] | None) -> str:
    value = normalized(cell)
    number = _PARTICIPANT.fullmatch(value) if kind == ("moodle", "participant") else None
    return number[1] if number else value
