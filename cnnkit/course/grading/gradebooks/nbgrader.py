"""nbgrader: a CSV of the shape that `nbgrader export` writes, with the quotes that it leaves out."""

from __future__ import annotations

from cnnkit.course.grading.gradebooks.sheet import written
from cnnkit.course.grading.graded import Graded, StudentGrade
from cnnkit.course.grading.points import rounded

HEADING = (
    "assignment",
    "duedate",
    "timestamp",
    "student_id",
    "last_name",
    "first_name",
    "email",
    "raw_score",
    "late_submission_penalty",
    "score",
    "max_score",
)


def nbgrader_csv(graded: Graded) -> str:
    """One row a student, in the order of their identifiers; without scores where there is no grade."""
    rows = [HEADING, *(_row(each, graded) for each in graded.students)]
    return "".join(",".join(map(written, row)) + "\n" for row in rows)


def _row(each: StudentGrade, graded: Graded) -> tuple[str, ...]:
    assignment = graded.assignment
    first, last = parted(each.student.name)
    grade = each.grade
    scores = (grade.flat + grade.by_rank, grade.penalty, grade.points)
    return (
        assignment.name,
        "" if assignment.deadline is None else assignment.deadline.isoformat(),
        "" if each.submitted is None else each.submitted.isoformat(),
        each.grade.student,
        last,
        first,
        each.student.email,
        *(str(rounded(score)) if grade.decided else "" for score in scores),
        str(assignment.points.flat + assignment.points.rank),
    )


def parted(name: str) -> tuple[str, str]:
    """First and last name of a full one: at the comma, else at the last space.

    >>> parted("Doe, Jane"), parted("Zoë van O'Neil"), parted("Plato")
    (('Jane', 'Doe'), ('Zoë van', "O'Neil"), ('', 'Plato'))
    """
    last, comma, first = name.partition(",")
    if not comma:
        first, _, last = name.strip().rpartition(" ")
    return first.strip(), last.strip()
