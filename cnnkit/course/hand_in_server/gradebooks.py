"""All gradebooks of a class, by `cnnkit grade` itself over what was handed in: the ledger has the decisions already."""

from __future__ import annotations

import csv
import os
import shutil
import tempfile
from pathlib import Path

from cnnkit.course.grading.batch import grade
from cnnkit.course.grading.graded import Graded
from cnnkit.course.grading.results import write_grades
from cnnkit.course.hand_in_server import hand_ins
from cnnkit.course.hand_in_server.board import Board
from cnnkit.course.hand_in_server.grader_settings import Secrets
from cnnkit.course.submissions.layouts.folders import TIMES_FILE
from cnnkit.export.atomic_folder import flush


def write_inbox(board: Board, inbox: Path) -> None:
    """An inbox for `cnnkit grade`: a folder for each hand-in that counts, and `submissions.csv` with who and when.

    Args:
        board: The server.
        inbox: It is made, on the same disk: its files are links to those that were handed in.
    """
    inbox.mkdir(parents=True)
    rows = []
    for student, tries in sorted(hand_ins.accepted(board.engine).items()):
        for each in tries:
            (inbox / each.id).mkdir()
            for name, file in each.files.items():
                os.link(board.store.path(file.sha256), inbox / each.id / name)
            rows.append([each.id, student, each.submitted.isoformat()])
    with (inbox / TIMES_FILE).open("w", encoding="utf-8", newline="") as table:
        csv.writer(table).writerows([["folder", "student", "submitted"], *rows])


def grade_class(board: Board, secrets: Secrets, out: Path, *, workers: int) -> Graded:
    """Grades the class and writes grades, pages and gradebooks, and the assignment with the deadline that held.

    Args:
        board: The server.
        secrets: Labels, ledger and key.
        out: The folder; it is made.
        workers: How many processes.
    """
    spec = board.rules.assignment
    with tempfile.TemporaryDirectory(dir=board.store.exports) as temporary:
        inbox = Path(temporary, "inbox")
        write_inbox(board, inbox)
        graded = grade(
            inbox,
            assignment=spec,
            labels=secrets.labels,
            out=out,
            ledger=secrets.ledger,
            key=secrets.key,
            roster=secrets.roster,
            layout="folders",
            workers=workers,
        )
        write_grades(graded, out, canvas=secrets.canvas, moodle=secrets.moodle)
        spec.save(out / "assignment")
        shutil.copyfile(inbox / TIMES_FILE, out / TIMES_FILE)
    return graded


def export(board: Board, secrets: Secrets, identifier: str, *, workers: int) -> None:
    """Writes `exports/ID.zip`: whole and flushed, or not at all."""
    with tempfile.TemporaryDirectory(dir=board.store.exports) as temporary:
        out = Path(temporary, "grades")
        grade_class(board, secrets, out, workers=workers)
        archive = Path(shutil.make_archive(str(Path(temporary, "grades-zip")), "zip", out))
        flush(archive)
        archive.replace(board.store.exports / f"{identifier}.zip")
        flush(board.store.exports)
