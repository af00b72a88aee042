"""The audit derives every grade again: a forger with the key itself, and each field that he might change."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cnnkit.course.grading.audit import audit
from cnnkit.course.grading.batch import grade
from cnnkit.course.grading.canonical_json import digest
from cnnkit.course.grading.ledger import Ledger
from cnnkit.course.grading.ledger_key import LedgerKey
from cnnkit.course.grading.ledger_records import Draft
from tests.course.grading.inboxes import SPEC, make_class

KEY = LedgerKey(b"k" * 32)
Change = Callable[[str, dict[str, Any]], None]


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Draft]:
    """What grading a class of three writes, with two attempts of one of them and a second snapshot."""
    root = make_class(tmp_path_factory.mktemp("course"), {"ada": 185, "ada2": 150, "bo": 172})
    table = "folder,student,submitted\nada,ada,2026-12-02T10:00+01:00\nada2,ada,2026-12-01T10:00+01:00\nbo,bo,\n"
    (root / "inbox" / "submissions.csv").write_text(table)
    rules = SPEC.model_validate(
        {**SPEC.model_dump(), "counts": "best", "deadline": "2026-12-01T12:00:00Z", "late": {"policy": "per-day"}}
    )
    options = {"labels": root / "labels.parquet", "out": root / "out", "workers": 1}
    grade(root / "inbox", assignment=rules, **options)  # type: ignore[arg-type]
    shutil.rmtree(root / "inbox" / "bo")
    (root / "inbox" / "submissions.csv").write_text(table.replace("bo,bo,\n", ""))
    grade(root / "inbox", assignment=rules, **options)  # type: ignore[arg-type]
    with Ledger.open(root / "out" / "ledger.sqlite", read_only=True) as ledger:
        return [Draft(record.kind, record.key, record.content) for record in ledger.records()]  # type: ignore[arg-type]


def rewritten(records: list[Draft], place: Path, change: Change) -> Ledger:
    """A ledger with other contents whose hashes, seals and sums are all right: the forger has the key."""
    ledger = Ledger.open(place, key=KEY)
    contents: list[dict[str, Any]] = []
    for draft in records:
        content = {**draft.content}
        change(draft.kind, content)
        if draft.kind == "grade":
            contents.append({name: value for name, value in content.items() if name not in ("assignment", "snapshot")})
        if draft.kind == "snapshot":
            content = {**content, "students": len(contents), "grades": digest(contents)}
            contents = []
        ledger.append([Draft(draft.kind, draft.key, content)])
    return ledger


def field(kind: str, name: str, value: object, student: str = "ada") -> Change:
    def change(of: str, content: dict[str, Any]) -> None:
        if of == kind and content.get("student", student) == student:
            content[name] = value

    return change


def better_decision(kind: str, content: dict[str, Any]) -> None:
    if kind == "decision" and content["student"] == "bo":
        score = content["verdict"]["score"]
        content["verdict"] = {**content["verdict"], "score": {**score, "true_positives": score["true_positives"] + 9}}


def fewer_attempts(kind: str, content: dict[str, Any]) -> None:
    if kind == "grade" and content["student"] == "ada":
        content["attempts"] = content["attempts"][1:]


def test_what_was_graded_can_be_derived_again(records: list[Draft], tmp_path: Path) -> None:
    ledger = rewritten(records, tmp_path / "ledger.sqlite", lambda kind, content: None)
    assert audit(ledger).broken is None
    assert audit(ledger, head=ledger.head).notes == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (field("grade", "points", "20", "bo"), "points 20"),
        (field("grade", "status", "not passed"), "status not passed"),
        (field("grade", "correct", 199, "bo"), "correct 199"),
        (field("grade", "rank", "1", "bo"), "rank 1"),
        (field("grade", "penalty", "0"), "penalty 0"),
        (field("grade", "days_late", 7), "days_late 7"),
        (field("grade", "enrolled", False), "'ada' status"),
        (field("grade", "decision", "", "bo"), "decision"),
        (field("grade", "attempts", [], "bo"), "decisions and rules give"),
        (fewer_attempts, "'ada'"),
        (better_decision, "'bo' correct"),
        (field("decision", "student", "eve", "bo"), "none of 'bo'"),
        (field("snapshot", "circumstances", {"labels": "others"}), "other circumstances"),
    ],
)
def test_a_grade_that_does_not_follow_is_named(
    records: list[Draft], tmp_path: Path, change: Change, reason: str
) -> None:
    ledger = rewritten(records, tmp_path / "ledger.sqlite", change)
    assert ledger.verify().broken is None  # the chain itself is whole
    found = audit(ledger)
    assert found.broken is not None
    assert reason in found.reason


def test_grades_without_a_snapshot_and_sums_that_are_wrong_are_named(records: list[Draft], tmp_path: Path) -> None:
    snapshots = [number for number, draft in enumerate(records) if draft.kind == "snapshot"]
    with Ledger.open(tmp_path / "cut.sqlite", key=KEY) as ledger:
        ledger.append(records[: snapshots[0]])
        assert "belongs to no snapshot" in audit(ledger).reason
    with Ledger.open(tmp_path / "sums.sqlite", key=KEY) as ledger:
        first = records[snapshots[0]]
        ledger.append([*records[: snapshots[0]], Draft("snapshot", first.key, {**first.content, "students": 7})])
        found = audit(ledger)
        assert (found.broken, "counts and sums up" in found.reason) == (snapshots[0] + 1, True)
