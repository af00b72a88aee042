"""The audit of a ledger: the chain holds, and every grade follows from the decisions and rules that it records.

For each snapshot the submissions that count are chosen again, ranks and points computed again, by the functions that
grade a class; what differs names the first record that cannot be right.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from cnnkit.course.grading.attempts import Attempt, counting
from cnnkit.course.grading.canonical_json import digest
from cnnkit.course.grading.ledger import Ledger
from cnnkit.course.grading.ledger_records import Record, Verification
from cnnkit.course.grading.points import Outcome, Result, class_grades
from cnnkit.course.grading.snapshot import grade_values
from cnnkit.course.submissions.assignment import Assignment

_PLACE = ("assignment", "snapshot")  # what a grade's record says besides the grade


@dataclass(frozen=True)
class _Decided:
    """What a decision says, as far as grades depend on it."""

    student: str
    circumstances: Mapping[str, str]
    outcome: Outcome
    correct: int | None


def audit(ledger: Ledger, *, head: str | None = None) -> Verification:
    """Walks along the chain, then derives all grades again.

    Args:
        ledger: Opened with its key, if seals are to be checked too.
        head: As in `Ledger.verify`.
    """
    found = ledger.verify(head=head)
    if found.broken is not None:
        return found
    decisions: dict[str, _Decided] = {}
    grades: dict[tuple[str, int], list[Record]] = defaultdict(list)
    without_attempts = []
    for record in ledger.records():
        content = record.content
        if record.kind == "decision":
            decisions[record.key] = _decided(content)
        elif record.kind == "grade":
            grades[content["assignment"], content["snapshot"]].append(record)
        elif record.kind == "snapshot":
            fault = _fault(record, grades.pop((content["assignment"], content["number"]), []), decisions)
            if fault is not None:
                return Verification(found.records, found.head, *fault)
            if "rows" not in content["rules"]:
                without_attempts.append(f"{content['assignment']} {content['number']}")
    if grades:
        first = min(record.sequence for records in grades.values() for record in records)
        return Verification(found.records, found.head, first, "it is a grade that belongs to no snapshot")
    if without_attempts:
        older = f"of {', '.join(without_attempts[:5])}, recorded by an older version, only sums could be checked"
        return replace(found, notes=(*found.notes, older))
    return found


def _decided(content: Mapping[str, Any]) -> _Decided:
    score = content["verdict"]["score"]
    correct = None if score is None else score["true_negatives"] + score["true_positives"]
    return _Decided(content["student"], content["circumstances"], content["verdict"]["outcome"], correct)


def _fault(snapshot: Record, grades: Sequence[Record], decisions: Mapping[str, _Decided]) -> tuple[int, str] | None:
    """The number of the first record of a snapshot that cannot be right, and why; None if all can."""
    body = snapshot.content
    contents = [{name: value for name, value in each.content.items() if name not in _PLACE} for each in grades]
    if len(contents) != body["students"] or digest(contents) != body["grades"]:
        return snapshot.sequence, "its grades are not those that it counts and sums up"
    for record, content in zip(grades, contents, strict=True):
        keys = {each["decision"] for each in content.get("attempts", ())} | {content["decision"]}
        for key in keys - {""}:
            decision = decisions.get(key)
            if decision is None or decision.student != content["student"]:
                return record.sequence, f"it rests on decision {key[:12]}, which is none of {content['student']!r}"
            if decision.circumstances != body["circumstances"]:
                return record.sequence, f"it rests on decision {key[:12]}, made under other circumstances"
    if "rows" in body["rules"]:
        return _derivation_fault(body, grades, contents, decisions)
    return None


def _derivation_fault(
    body: Mapping[str, Any],
    grades: Sequence[Record],
    contents: Sequence[Mapping[str, Any]],
    decisions: Mapping[str, _Decided],
) -> tuple[int, str] | None:
    rules = Assignment.model_validate({"name": body["assignment"], "title": "", **body["rules"]})
    attempts = {content["student"]: _attempts(content, decisions) for content in contents}
    positions = counting(attempts, rules)
    results = [
        attempts[content["student"]][positions[content["student"]]].result(
            content["student"], enrolled=content["enrolled"]
        )
        if attempts[content["student"]]
        else Result(content["student"], "missing", enrolled=content["enrolled"])
        for content in contents
    ]
    derived = {grade.student: grade_values(grade) for grade in class_grades(results, rules)}
    for record, content in zip(grades, contents, strict=True):
        student = content["student"]
        chosen = content["attempts"][positions[student]]["decision"] if attempts[student] else ""
        expected = {**derived[student], "decision": chosen}
        wrong = next((name for name, value in expected.items() if content[name] != value), None)
        if wrong is not None:
            said, follows = content[wrong], expected[wrong]
            return record.sequence, f"it gives {student!r} {wrong} {said}; decisions and rules give {follows}"
    return None


def _attempts(content: Mapping[str, Any], decisions: Mapping[str, _Decided]) -> list[Attempt]:
    attempts = []
    for each in content["attempts"]:
        submitted = None if each["submitted"] is None else datetime.fromisoformat(each["submitted"])
        attempt = Attempt(submitted, each["late"])
        if each["decision"]:
            decided = decisions[each["decision"]]
            attempt = replace(attempt, outcome=decided.outcome, correct=decided.correct)
        attempts.append(attempt)
    return attempts
