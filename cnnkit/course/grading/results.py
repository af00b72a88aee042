"""What a graded class leaves behind: files for staff, students and platforms, each replaced only when it is whole.

grades.parquet        one row a student
report.html           distribution, leaderboard, flags
changes.csv           against the snapshot before, where something changed
nbgrader.csv          of nbgrader's shape
canvas.csv            Canvas's export, filled in, where it was given
moodle.csv            Moodle's worksheet, filled in, where it was given
students/ID/          feedback.html, results.json (Gradescope), scores.json (Codabench)
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from cnnkit.course.grading.feedback import feedback_page
from cnnkit.course.grading.gradebooks.canvas import fill_canvas
from cnnkit.course.grading.gradebooks.codabench import codabench_scores
from cnnkit.course.grading.gradebooks.gradescope import gradescope_results
from cnnkit.course.grading.gradebooks.matching import Filled
from cnnkit.course.grading.gradebooks.moodle import fill_moodle
from cnnkit.course.grading.gradebooks.nbgrader import nbgrader_csv
from cnnkit.course.grading.gradebooks.sheet import Sheet, written
from cnnkit.course.grading.graded import Graded, StudentGrade
from cnnkit.course.grading.grades_file import GRADES_FILE, write_grades_file
from cnnkit.course.grading.report import report_page
from cnnkit.export.atomic_file import replacing, write_text
from cnnkit.export.atomic_folder import not_written

STUDENTS = "students"
STUDENT_FILES = ("feedback.html", "results.json", "scores.json")


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        folder: Where.
        absent: Exported file → students with a grade whom it does not have.
        failed: Students whose own files could not be written, and why; the others' were.
    """

    folder: Path
    absent: dict[str, tuple[str, ...]]
    failed: dict[str, str] = field(default_factory=dict)


def write_grades(
    graded: Graded,
    out: str | Path,
    *,
    canvas: str | Path | None = None,
    canvas_column: str | None = None,
    moodle: str | Path | None = None,
) -> Written:
    """Writes everything.

    Args:
        graded: The class.
        out: The folder.
        canvas: Canvas's gradebook export, to be filled in as `canvas.csv`.
        canvas_column: Heading of the assignment's column in it, where it is not clear.
        moodle: Moodle's grading worksheet, to be filled in as `moodle.csv`.

    Raises:
        DataError: An export that is none.
        UnknownNameError: No such column in Canvas's export.
        BundleError: The disk is full or the folder may not be written.
    """
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # grades are nobody's business but staff's
    except OSError as error:
        raise not_written(folder, error) from error
    filled: dict[str, Filled] = {}
    if canvas is not None:
        filled["canvas.csv"] = fill_canvas(Sheet.read(Path(canvas)), graded, heading=canvas_column)
    if moodle is not None:
        filled["moodle.csv"] = fill_moodle(Sheet.read(Path(moodle)), graded)
    write_grades_file(folder / GRADES_FILE, graded)  # first: whatever fails later, the grades are there
    for name, file in filled.items():
        with replacing(folder / name, private=True) as partial:
            partial.write_bytes(file.data)
    failed = _write_students(graded, folder / STUDENTS)
    write_text(folder / "nbgrader.csv", nbgrader_csv(graded), private=True)
    _write_changes(graded, folder / "changes.csv")
    write_text(folder / "report.html", report_page(graded), private=True)
    return Written(folder, {name: file.absent for name, file in filled.items()}, failed)


def _write_students(graded: Graded, folder: Path) -> dict[str, str]:
    """Writes what each student may see; what goes wrong with one of them is told and stops nobody else's."""
    names = {folder_name(each.grade.student): each for each in graded.students}
    failed = {}
    for name, each in names.items():
        try:
            contents = _student_files(each, graded)
        except Exception as error:  # a fault of ours that this student's values brought out
            failed[each.grade.student] = f"{type(error).__name__}: {error}"
            contents = {}
        for file, text in contents.items():
            write_text(folder / name / file, text, private=True)
        for file in set(STUDENT_FILES) - set(contents):
            (folder / name / file).unlink(missing_ok=True)
    for old in folder.iterdir() if folder.is_dir() else ():
        if old.name not in names and old.is_dir() and {file.name for file in old.iterdir()} <= set(STUDENT_FILES):
            shutil.rmtree(old)  # somebody who is not in this class any more
    return failed


def _student_files(each: StudentGrade, graded: Graded) -> dict[str, str]:
    files = {"feedback.html": feedback_page(each, graded)}
    if each.grade.decided:
        results = gradescope_results(each, graded.assignment)
        files["results.json"] = json.dumps(results, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    if each.verdict is not None and each.verdict.score is not None and each.verdict.score.public_rows:
        files["scores.json"] = json.dumps(codabench_scores(each.verdict.score)) + "\n"
    return files


def _write_changes(graded: Graded, path: Path) -> None:
    if not graded.changes:
        path.unlink(missing_ok=True)
        return
    fields = ("status", "correct", "rank", "points")
    heading = ["student", *(f"{side}_{field}" for side in ("before", "after") for field in fields)]
    rows = [
        [
            change.student,
            *(
                "" if side is None or side[field] is None else str(side[field])
                for side in (change.before, change.after)
                for field in fields
            ),
        ]
        for change in graded.changes
    ]
    write_text(path, "".join(",".join(map(written, row)) + "\n" for row in [heading, *rows]), private=True)


def folder_name(student: str) -> str:
    """A student's identifier as the name of a folder, whatever is in it: different ones stay different.

    What looks like a name with a hash gets a hash too, so that nobody can choose an identifier that leads to another's.

    >>> folder_name("jdoe"), folder_name("../../etc")[:8], len(folder_name("../../etc"))
    ('jdoe', '_.._etc-', 32)
    """
    safe = re.sub(r"[^A-Za-z0-9._@-]+", "_", student)[:80].lstrip(".-")
    if safe and safe == student.casefold() == student and not _HASHED.fullmatch(safe):
        return safe
    return f"{safe}-{hashlib.sha256(student.encode(errors='surrogatepass')).hexdigest()[:_DIGITS]}"


_DIGITS = 24
_HASHED = re.compile(rf".*-[0-9a-f]{{{_DIGITS}}}")
