"""A folder for each hand-in, named as its student is; `submissions.csv`, if it is there, tells who and when.

folder,student,submitted
second try,bo,2026-12-02T10:00:00+01:00
"""

from __future__ import annotations

from datetime import datetime

from cnnkit.course.submissions.identity import ANY, Identity, legible, normalized
from cnnkit.course.submissions.layouts.reading import Reading
from cnnkit.course.submissions.submission import Submission
from cnnkit.course.submissions.table_file import parse_table
from cnnkit.course.submissions.tree import Tree
from cnnkit.errors import DataError

TIMES_FILE = "submissions.csv"
_COLUMNS = ("folder", "student", "submitted")


def agreement(tree: Tree) -> float:
    """Every inbox can be read so."""
    return 1.0


def read(tree: Tree, reading: Reading) -> tuple[list[Submission], list[str]]:
    """The submissions, and the entries that are nobody's.

    Raises:
        DataError: The table names a folder that is not there, twice, or a time that is none.
    """
    loose = set(tree.loose)
    if TIMES_FILE not in loose:
        return [_submission(tree, folder) for folder in tree.named], sorted(loose)
    table = parse_table(tree.read(TIMES_FILE), TIMES_FILE)
    if "folder" not in table.heading:
        raise DataError(
            f"the columns {', '.join(_COLUMNS)} in {TIMES_FILE}",
            f"{list(table.heading)}",
            "Name them in the first line.",
        )
    folders = {normalized(folder): folder for folder in tree.named}
    folders |= {folder: folder for folder in tree.named}
    submissions: dict[str, Submission] = {}
    for line, row in table.records():
        folder = folders.get(row["folder"], folders.get(normalized(row["folder"])))
        if folder is None or folder in submissions:
            raise DataError(
                f"a folder of the inbox in line {line} of {TIMES_FILE}, each once",
                repr(row["folder"]),
                f"Its columns are {', '.join(_COLUMNS)}; one row for each submission.",
            )
        time = reading.time(row.get("submitted", ""))
        submissions[folder] = _submission(tree, folder, row.get("student", ""), time)
    return list(submissions.values()), sorted(({*tree.named} | loose) - set(submissions) - {TIMES_FILE})


def _submission(tree: Tree, folder: str, student: str = "", submitted: datetime | None = None) -> Submission:
    name = normalized(student) or normalized(folder) or legible(folder)
    return Submission(name, tree.place(folder), submitted, identity=Identity("", ANY, name))
