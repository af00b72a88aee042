"""Snapshots of a class in the ledger: a record a student, one for the class, and what changed since the last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from typing import Any

from cnnkit.course.grading.canonical_json import digest
from cnnkit.course.grading.graded import Change, StudentGrade
from cnnkit.course.grading.ledger import Ledger
from cnnkit.course.grading.ledger_records import Draft
from cnnkit.course.grading.points import Grade
from cnnkit.course.submissions.assignment import Assignment

_RULES = {"rows", "pass_above", "rank_rule", "tie_rule", "deadline", "attempts", "counts", "points", "late"}
_COMPARED = ("status", "correct", "rank", "points")


def record_snapshot(
    ledger: Ledger,
    students: Sequence[StudentGrade],
    assignment: Assignment,
    circumstances: Mapping[str, str],
    *,
    section: str = "",
) -> tuple[int, list[Change]]:
    """Appends a snapshot, unless the last one of this class is the same.

    Args:
        ledger: Where.
        students: Everybody's grade, in the order of their identifiers.
        assignment: Its rules are recorded with it.
        circumstances: Gate, labels, grader.
        section: Which class it is, where one ledger has several of one assignment. Without a name a class is told by
            its students: an earlier snapshot that shares at least half of them is of the same one.

    Returns:
        The snapshot's number, and what it changed for whom since the one before it of the same class.
    """
    contents = [_content(each) for each in students]
    body = {
        "assignment": assignment.name,
        "section": section,
        "circumstances": dict(circumstances),
        "rules": assignment.model_dump(mode="json", include=_RULES),
        "students": len(contents),
        "ranked": students[0].grade.ranked if students else 0,
        "grades": digest(contents),
    }
    while True:
        past = _snapshots(ledger, assignment.name)
        before = _before(ledger, past, section, {each.student.student for each in students})
        if before and all(before.get(name) == value for name, value in body.items()):
            return before["number"], changes(ledger, assignment.name, before["number"])
        number = len(past) + 1
        place = {"assignment": assignment.name, "snapshot": number}
        grades = [
            Draft("grade", digest([assignment.name, number, body, index]), {**place, **content})
            for index, content in enumerate(contents)
        ]
        follows = before["number"] if before else None
        snapshot = Draft("snapshot", digest([assignment.name, number]), {"number": number, "follows": follows, **body})
        # Another section that is graded at the same time may have taken the number: then the next one is free.
        if ledger.append([*grades, snapshot], unless=snapshot.key):
            return number, [] if follows is None else changes(ledger, assignment.name, number, follows)


def changes(ledger: Ledger, assignment: str, number: int, since: int | None = None) -> list[Change]:
    """What a snapshot changed, by student.

    Args:
        ledger: Where both are.
        assignment: Its name.
        number: The later snapshot.
        since: The earlier one; by default the one before it of the same class. The first changed nothing.
    """
    earlier = _followed(ledger, assignment, number) if since is None else since
    if earlier is None:
        return []
    grades: dict[int, dict[str, dict[str, Any]]] = {earlier: {}, number: {}}
    for record in ledger.records(kind="grade"):
        content = record.content
        if content["assignment"] == assignment and content["snapshot"] in grades:
            grades[content["snapshot"]][content["student"]] = {name: content[name] for name in _COMPARED}
    before, after = grades[earlier], grades[number]
    return [
        Change(student, before.get(student), after.get(student))
        for student in sorted({*before, *after})
        if before.get(student) != after.get(student)
    ]


def grade_values(grade: Grade) -> dict[str, Any]:
    """What a record says of a grade itself, exactly: fractions as text."""
    return {
        "student": grade.student,
        "status": grade.status,
        "correct": grade.correct,
        "days_late": grade.days_late,
        "rank": None if grade.rank is None else str(grade.rank),
        "flat": str(grade.flat),
        "by_rank": str(grade.by_rank),
        "penalty": str(grade.penalty),
        "points": str(grade.points),
    }


def _snapshots(ledger: Ledger, assignment: str) -> list[Mapping[str, Any]]:
    contents = (record.content for record in ledger.records(kind="snapshot"))
    return [content for content in contents if content["assignment"] == assignment]


def _before(
    ledger: Ledger, past: Sequence[Mapping[str, Any]], section: str, students: Set[str]
) -> Mapping[str, Any] | None:
    """The last snapshot of the same class."""
    sections = [content for content in past if content.get("section", "") == section]
    if section or not sections:
        return sections[-1] if sections else None
    shared: Counter[int] = Counter()
    for record in ledger.records(kind="grade"):
        if record.content["assignment"] == past[0]["assignment"] and record.content["student"] in students:
            shared[record.content["snapshot"]] += 1
    same = [content for content in sections if 2 * shared[content["number"]] >= min(len(students), content["students"])]
    return same[-1] if same else None


def _followed(ledger: Ledger, assignment: str, number: int) -> int | None:
    """The number of the snapshot that one follows; snapshots of older versions follow the one before."""
    for content in _snapshots(ledger, assignment):
        if content["number"] == number:
            follows: int | None = content.get("follows", number - 1 or None)
            return follows
    return None


def _content(each: StudentGrade) -> dict[str, Any]:
    """A student's grade and what it was made of."""
    return {
        **grade_values(each.grade),
        "enrolled": each.student.enrolled,
        "submitted": None if each.submitted is None else each.submitted.isoformat(),
        "decision": each.decision,
        "attempts": [
            {
                "submitted": None if attempt.submitted is None else attempt.submitted.isoformat(),
                "late": attempt.late,
                "decision": attempt.decision,
            }
            for attempt in each.attempts
        ],
        "flags": list(each.flags),
    }
