"""Moodle: its offline grading worksheet with grades and comments filled in, to be uploaded again.

Identifier,"Full name","Email address",Status,Grade,"Maximum Grade","Grade can be changed",…,"Feedback comments"
"Participant 657737","Zoë O'Neil",zoe@example.edu,"Submitted for grading",,20.00,Yes,…,
"""

from __future__ import annotations

import re

from cnnkit.errors import DataError
from cnnkit.grading.explain import explanation
from cnnkit.grading.gradebooks.matching import Filled, Matching
from cnnkit.grading.gradebooks.sheet import Cell, Sheet, column, like
from cnnkit.grading.graded import Graded
from cnnkit.grading.points import rounded

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
    matching = Matching(graded)
    cells: dict[Cell, str] = {}
    for row in sheet.rows[1:]:
        value = {kind: row[found].value.strip() for kind, found in place.items() if found < len(row)}
        if len(row) <= place["grade"] or value.get("changeable", "").casefold() in _NO:
            continue
        number = _PARTICIPANT.search(value["identifier"])
        called = [value.get(kind, "") for kind in ("number", "username", "email")]
        each = matching.find([*([number[1]] if number else []), *filter(None, called)])
        if each is None:
            continue
        cells[row[place["grade"]]] = like(value.get("maximum", ""), str(rounded(each.grade.points)))
        if len(row) > place.get("comments", len(row)):
            cells[row[place["comments"]]] = " ".join(explanation(each, graded.assignment))
    return matching.filled(sheet.filled(cells))
