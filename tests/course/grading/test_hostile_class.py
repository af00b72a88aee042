"""A class in which every kind of bad submission sits among honest students: nobody honest is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnkit.course.grading.batch import grade
from cnnkit.course.grading.results import write_grades
from cnnkit.course.submissions.assignment import Assignment
from tests.course.grading.inboxes import make_class
from tests.course.submissions.test_bad_submissions import ALL
from tests.course.submissions.valid import write_valid

SPEC = Assignment(name="person", title="Person or not")
HONEST = {f"honest{number:02d}": 13_000 + 300 * number for number in range(20)}


@pytest.mark.slow
def test_every_kind_of_bad_submission_among_honest_students(tmp_path: Path) -> None:
    root = make_class(tmp_path, HONEST, spec=SPEC)
    expected = {}
    for number, bad in enumerate(ALL):
        student = f"bad{number:03d}"
        folder = write_valid(root / "inbox" / student, seed=100 + number, assignment=SPEC)
        bad.make(folder)
        expected[student] = "crashed" if bad.check.endswith("-crashed") else "refused"
    graded = grade(
        root / "inbox", assignment=SPEC, labels=root / "labels.parquet", out=root / "out", workers=2, layout="folders"
    )
    outcomes = {each.student.student: each.verdict.outcome for each in graded.students if each.verdict}
    assert {student: outcomes[student] for student in expected} == expected
    assert {each.grade.student: each.grade.correct for each in graded.students if each.grade.correct} == HONEST
    assert not [each.flags for each in graded.students if each.grade.student in HONEST and each.flags]
    assert write_grades(graded, root / "out").failed == {}
