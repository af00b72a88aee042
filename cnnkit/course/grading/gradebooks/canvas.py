"""Canvas: its exported gradebook with one column filled in, to be imported again.

Student,ID,SIS User ID,SIS Login ID,Section,Person (1234),Current Score
    Points Possible,,,,,20.00,(read only)
"Doe, Jane",1001,U1,jdoe,A,,
"""

from __future__ import annotations

import re

from cnnkit.course.grading.gradebooks.matching import Filled, absent, owners
from cnnkit.course.grading.gradebooks.sheet import Cell, Sheet, column, like
from cnnkit.course.grading.graded import Graded
from cnnkit.course.grading.points import rounded
from cnnkit.course.submissions.identity import Identity
from cnnkit.errors import DataError, unknown_name

IDENTIFIERS = {
    "ID": ("canvas", "id"),
    "SIS User ID": ("", "number"),
    "SIS Login ID": ("", "login"),
    "Integration ID": ("canvas", "integration"),
}
"""Heading → platform and kind of the values below it, see `Identity`."""
_ASSIGNMENT = re.compile(r".+ \(\d+\)")  # Canvas adds its number to the assignment's name
_POINTS_POSSIBLE = "points possible"


def fill_canvas(sheet: Sheet, graded: Graded, *, heading: str | None = None) -> Filled:
    """Fills in the grades of everybody whom the file has.

    Args:
        sheet: Canvas's export.
        graded: The class.
        heading: Of the assignment's column, with or without Canvas's number; by default the column that is named like
            the assignment's title or name, or the only one of an assignment.

    Raises:
        DataError: No export of Canvas.
        UnknownNameError: No such column, or it is not clear which.
    """
    top = sheet.rows[0] if sheet.rows else ()
    places = {kind: place for name, kind in IDENTIFIERS.items() if (place := column(top, [name])) is not None}
    if column(top, ["Student"]) is None or not places:
        raise DataError(
            "Canvas's gradebook export: Student, ID, …, a column an assignment",
            f"{[cell.value for cell in top][:6]}",
            "In Canvas: Grades, Export, Export Entire Gradebook.",
        )
    target = _assignment_column(top, graded, heading)
    possible = ""
    rows = {}
    for row in sheet.rows[1:]:
        if len(row) <= target:
            continue
        if row[0].value.strip().casefold() == _POINTS_POSSIBLE:
            possible = row[target].value
        else:
            rows[row[target]] = [
                Identity.of(kind, row[place].value, platform=platform)
                for (platform, kind), place in places.items()
                if row[place].value.strip()
            ]
    theirs = owners(rows, graded)
    cells = {cell: like(possible, str(rounded(each.grade.points))) for cell, each in theirs.items()}
    return Filled(sheet.filled(cells), len(cells), absent(theirs.values(), graded))


def _assignment_column(top: tuple[Cell, ...], graded: Graded, heading: str | None) -> int:
    names = {place: cell.value.strip() for place, cell in enumerate(top) if _ASSIGNMENT.fullmatch(cell.value.strip())}
    wanted = [heading] if heading is not None else [graded.assignment.title, graded.assignment.name]
    for name in wanted:
        found = [
            place
            for place, full in names.items()
            if name.strip().casefold() in (full.casefold(), full.rpartition(" (")[0].casefold())
        ]
        if len(found) == 1:
            return found[0]
    if heading is None and len(names) == 1:
        return next(iter(names))
    raise unknown_name("the assignment's column in Canvas's export", wanted[0], names.values())
