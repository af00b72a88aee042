"""Moodle: its offline grading worksheet with grades and comments filled in, to be uploaded again.

Identifier,"Full name","Email address",Status,Grade,"Maximum Grade","Grade can be changed",…,"Feedback comments"
"Participant 657737","Zoë O'Neil",zoe@example.edu,"Submitted for grading",,20.00,Yes,…,
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from cnnkit.course.grading.explain import explanation
from cnnkit.course.grading.gradebooks.matching import Filled, absent, owners
from cnnkit.course.grading.gradebooks.sheet import Sheet, column, like
from cnnkit.course.grading.graded import Graded
from cnnkit.course.grading.points import rounded
from cnnkit.course.submissions.identity import Identity
from cnnkit.errors import DataError

HEADINGS = {
    "identifier": ("Identifier", "ID", "Identifiant", "Identificador"),
    "email": ("Email address", "E-Mail-Adresse", "Adresse de courriel", "Dirección de correo"),
    "number": ("ID number", "ID-Nummer", "Numéro d'identification", "Número de ID"),
    "username": ("Username", "Anmeldename", "Nom d'utilisateur", "Nombre de usuario"),
    "grade": ("Grade", "Bewertung", "Note", "Calificación"),
    "maximum": ("Maximum Grade", "Bestwertung", "Note maximale", "Calificación máxima"),
    "changeable": ("Grade can be changed", "Bewertung kann geändert werden"),
    "comments": ("Feedback comments", "Feedback als Kommentar", "Commentaires"),
}
"""What a column is, by its heading in the languages of the course: Moodle writes them in the teacher's."""
_NO = ("no", "nein")
_PARTICIPANT = re.compile(r"(\d+)\s*$")


def fill_moodle(sheet: Sheet, graded: Graded) -> Filled:
    """Fills in the grades, and what they are made of as a comment, of everybody whom the worksheet has.

    Rows whose grade may not be changed stay as they are.

    Args:
        sheet: Moodle's worksheet.
        graded: The class.

    Raises:
        DataError: No worksheet.
    """
    top = sheet.rows[0] if sheet.rows else ()
    place = {kind: found for kind, names in HEADINGS.items() if (found := column(top, names)) is not None}
    if not {"identifier", "grade"} <= set(place):
        raise DataError(
            "Moodle's grading worksheet: Identifier, Full name, …, Grade, …",
            f"{[cell.value for cell in top][:6]}",
            "In Moodle: the assignment, View all submissions, Download grading worksheet.",
        )
    rows = {}
    values = {}
    for row in sheet.rows[1:]:
        value = {kind: row[found].value.strip() for kind, found in place.items() if found < len(row)}
        if len(row) > place["grade"] and value.get("changeable", "").casefold() not in _NO:
            cell = row[place["grade"]]
            rows[cell] = list(_identities(value))
            values[cell] = row, value
    theirs = owners(rows, graded)
    cells = {}
    for cell, each in theirs.items():
        row, value = values[cell]
        cells[cell] = like(value.get("maximum", ""), str(rounded(each.grade.points)))
        if len(row) > place.get("comments", len(row)):
            cells[row[place["comments"]]] = " ".join(explanation(each, graded.assignment))
    return Filled(sheet.filled(cells), len(theirs), absent(theirs.values(), graded))


def _identities(value: Mapping[str, str]) -> Iterator[Identity]:
    """Who a row is about, by what its cells say."""
    number = _PARTICIPANT.search(value["identifier"])
    if number:
        yield Identity.of("participant", number[1], platform="moodle")
    for cell, kind in (("number", "number"), ("username", "login"), ("email", "email")):
        if value.get(cell):
            yield Identity.of(kind, value[cell])
