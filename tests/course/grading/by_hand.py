"""A class put together by hand, with all that can go wrong in a name."""

from __future__ import annotations

from datetime import UTC, datetime

from cnnkit.course.grading.graded import Change, Graded, StudentGrade
from cnnkit.course.grading.points import Result, class_grades
from cnnkit.course.grading.roster import Student
from cnnkit.course.grading.score import Score
from cnnkit.course.grading.verdict import Verdict, broken
from cnnkit.course.submissions.assignment import Assignment
from cnnkit.course.submissions.findings import Finding
from cnnkit.course.submissions.identity import Identity

PERSON = Assignment(name="person", title="Person or not", rows=200)
HOSTILE = '<script>alert("1")</script>'
FINDING = Finding("json-class", HOSTILE, "a layer of Keras", f"'{HOSTILE}'", "Use another layer.")

JANES = (
    Identity.of("number", "U1"),
    Identity.of("id", "1001", platform="canvas"),
    Identity.of("participant", "1001", platform="moodle"),
    Identity.of("login", "jdoe"),
)
PEOPLE = [
    (Student("U1", 'Doe, Jane "JJ"', "jane@example.edu", JANES), 185),
    (Student("zoe", "Zoë O'Neil", "zoe@example.edu"), 172),
    (Student("ada", "Ada Lovelace", "ada@example.edu"), 172),
    (Student("eve", "=cmd|, Eve", ""), "refused"),
    (Student("carl", "Carl Crash", ""), "crashed"),
    (Student("nobody", HOSTILE, ""), "missing"),
    (Student("guest", "A Guest", "", enrolled=False), 199),
]


def _score(correct: int) -> Score:
    return Score(correct // 2, 7, 200 - correct - 7, correct - correct // 2, 0.9, 0.1, 0.05, 60, 54)


def _verdict(what: int | str) -> Verdict | None:
    if isinstance(what, int):
        return Verdict("passed", (), {"weights": "00"}, _score(what), "", "bubblewrap: user")
    if what == "missing":
        return None
    return broken("crashed", "none") if what == "crashed" else Verdict("refused", (FINDING,), {}, None, "", "not read")


def _class() -> dict[str, StudentGrade]:
    submitted = datetime(2026, 12, 1, 10, tzinfo=UTC)
    results = [
        Result(
            student.student,
            "passed" if isinstance(what, int) else what,  # type: ignore[arg-type]
            what if isinstance(what, int) else None,
            submitted,
            student.enrolled,
        )
        for student, what in PEOPLE
    ]
    people = {student.student: (student, what) for student, what in PEOPLE}
    found = {}
    for grade in class_grades(results, PERSON):
        student, what = people[grade.student]
        flags = ("the same weights as zoe",) if grade.student == "ada" else ()
        found[grade.student] = StudentGrade(
            student, f"anon-{len(found):08d}", grade, submitted, "d" * 64, _verdict(what), flags
        )
    return found


_STUDENTS = _class()
JANE, ZOE, ADA = _STUDENTS["U1"], _STUDENTS["zoe"], _STUDENTS["ada"]
REFUSED, CRASHED, ABSENT, GUEST = (_STUDENTS[name] for name in ("eve", "carl", "nobody", "guest"))
CLASS = Graded(
    assignment=PERSON,
    circumstances={"assignment": "person", "gate": "g" * 64, "labels": "l" * 64, "grader": "0.1.0+abc"},
    students=tuple(_STUDENTS.values()),
    snapshot=2,
    changes=(Change(HOSTILE, None, {"status": "passed", "correct": 5, "rank": "1", "points": "=1+1"}),),
    head="h" * 64,
    layout="folders",
    ignored=(HOSTILE,),
    new_decisions=6,
    seconds=1.0,
)
