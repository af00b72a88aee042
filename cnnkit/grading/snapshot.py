"""Snapshots of a class in the ledger: a record a student, one for the class, and what changed since the last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnnkit.grading.graded import Change, StudentGrade
from cnnkit.grading.ledger import Draft, Ledger, digest
from cnnkit.submissions.assignment import Assignment

_RULES = {"pass_above", "rank_rule", "tie_rule", "deadline", "attempts", "counts", "points", "late"}
_COMPARED = ("status", "correct", "rank", "points")


def record_snapshot(
    ledger: Ledger, students: Sequence[StudentGrade], assignment: Assignment, circumstances: Mapping[str, str]
) -> tuple[int, list[Change]]:
    """Appends a snapshot, unless the last one of this assignment is the same.

    Args:
        ledger: Where.
        students: Everybody's grade, in the order of their identifiers.
        assignment: Its rules are recorded with it.
        circumstances: Gate, labels, grader.

    Returns:
        The snapshot's number, and what it changed for whom since the one before it.
    """
    contents = [_content(each) for each in students]
    body = {
        "assignment": assignment.name,
        "circumstances": dict(circumstances),
        "rules": assignment.model_dump(mode="json", include=_RULES),
        "students": len(contents),
        "ranked": students[0].grade.ranked if students else 0,
        "grades": digest(contents),
    }
    past = [
        record.content for record in ledger.records(kind="snapshot") if record.content["assignment"] == assignment.name
    ]
    if past and all(past[-1][name] == value for name, value in body.items()):
        return past[-1]["number"], changes(ledger, assignment.name, past[-1]["number"])
    number = len(past) + 1
    identity = [assignment.name, number, body]
    grades = (
        Draft("grade", digest([*identity, place]), {"assignment": assignment.name, "snapshot": number, **content})
        for place, content in enumerate(contents)
    )
    ledger.append([*grades, Draft("snapshot", digest(identity), {"number": number, **body})])
    return number, changes(ledger, assignment.name, number)


def changes(ledger: Ledger, assignment: str, number: int, since: int | None = None) -> list[Change]:
    """What a snapshot changed, by student.

    Args:
        ledger: Where both are.
        assignment: Its name.
        number: The later snapshot.
        since: The earlier one; the one before by default. The first snapshot changed nothing.
    """
    earlier = number - 1 if since is None else since
    if earlier < 1:
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


def _content(each: StudentGrade) -> dict[str, Any]:
    """A student's grade, exactly: fractions as text."""
    grade = each.grade
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
        "submitted": None if each.submitted is None else each.submitted.isoformat(),
        "decision": each.decision,
        "flags": list(each.flags),
    }
