"""What was handed in: who, when, which files, what the check found, and, once it is graded, the result."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sql

from cnnkit.course.hand_in_server.tables import HAND_INS, stamp, writing
from cnnkit.course.submissions.findings import Finding

if TYPE_CHECKING:
    from sqlalchemy import Engine, Row, Select

    from cnnkit.course.grading.points import Outcome


@dataclass(frozen=True)
class StoredFile:
    """A file of a hand-in.

    Attributes:
        sha256: Of its bytes; also where they are kept.
        size: In bytes.
    """

    sha256: str
    size: int


@dataclass(frozen=True)
class Result:
    """What a hand-in came to.

    Attributes:
        outcome: What the gate said when it was graded.
        decision: Key of its record in the ledger.
        pseudonym: The student's name on the board.
        correct: How many rows are right; None unless the gate let it pass. For staff only.
        rows: Of how many.
        public_correct: How many public rows are right.
        public_rows: Of how many.
        note: Why a person has to look, or "".
    """

    outcome: Outcome
    decision: str
    pseudonym: str
    correct: int | None = None
    rows: int = 0
    public_correct: int = 0
    public_rows: int = 0
    note: str = ""


@dataclass(frozen=True)
class HandIn:
    """One upload that came whole.

    Attributes:
        id: Random, so that nobody can count or guess others'.
        student: Whose.
        submitted: When its last byte came.
        accepted: Whether it counts; else the check refused it, and its files are not kept.
        fingerprint: See `PrivateSubmission.fingerprint`.
        files: Name → file.
        findings: What the check said.
        checked: The outcome of the check.
        again: Whether staff wants it graded again.
        result: What it came to; None until it is graded.
    """

    id: str
    student: str
    submitted: datetime
    accepted: bool
    fingerprint: str
    files: Mapping[str, StoredFile]
    findings: tuple[Finding, ...]
    checked: str
    again: bool = False
    result: Result | None = None


Judge = Callable[[Sequence[HandIn]], None]
"""Raises where a student's hand-ins so far allow no further one."""


def new_id() -> str:
    """An identifier that nobody can guess."""
    return secrets.token_hex(8)


def record(engine: Engine, new: HandIn, judge: Judge) -> HandIn:
    """Records a hand-in in one transaction, unless the student handed in the same before: then it is that one.

    Args:
        engine: The database.
        new: What came.
        judge: Looks at what the student has handed in so far.
    """
    with writing(engine) as connection:
        past = [_hand_in(row) for row in connection.execute(_of_student(new.student))]
        if new.accepted:
            same = [each for each in past if each.accepted and each.fingerprint == new.fingerprint]
            if same:
                return same[-1]
            judge(past)
        connection.execute(HAND_INS.insert(), _row(new))
    return new


def of_student(engine: Engine, student: str) -> list[HandIn]:
    """All that a student has handed in, in the order of time."""
    with engine.connect() as connection:
        return [_hand_in(row) for row in connection.execute(_of_student(student))]


def by_id(engine: Engine, identifier: str) -> HandIn | None:
    """The hand-in of an identifier, if there is one."""
    with engine.connect() as connection:
        row = connection.execute(sql.select(HAND_INS).where(HAND_INS.c.id == identifier)).first()
    return None if row is None else _hand_in(row)


def accepted(engine: Engine) -> dict[str, list[HandIn]]:
    """Student → what counts of theirs, in the order of time."""
    students: dict[str, list[HandIn]] = {}
    chosen = sql.select(HAND_INS).where(HAND_INS.c.accepted).order_by(HAND_INS.c.submitted, HAND_INS.c.id)
    with engine.connect() as connection:
        for row in connection.execute(chosen):
            students.setdefault(row.student, []).append(_hand_in(row))
    return students


def refused(engine: Engine) -> dict[str, int]:
    """Student → how many uploads the check refused."""
    chosen = sql.select(HAND_INS.c.student, sql.func.count()).where(~HAND_INS.c.accepted).group_by(HAND_INS.c.student)
    with engine.connect() as connection:
        return {row[0]: row[1] for row in connection.execute(chosen)}


def ungraded(engine: Engine, circumstances: str) -> list[HandIn]:
    """What counts and was not graded under these circumstances, or is to be graded again, the oldest first."""
    due = HAND_INS.c.result.is_(None) | HAND_INS.c.again | (HAND_INS.c.circumstances != circumstances)
    chosen = sql.select(HAND_INS).where(HAND_INS.c.accepted, due).order_by(HAND_INS.c.submitted, HAND_INS.c.id)
    with engine.connect() as connection:
        return [_hand_in(row) for row in connection.execute(chosen)]


def set_result(engine: Engine, identifier: str, result: Result, circumstances: str) -> None:
    """Records what a hand-in came to."""
    values = {"result": json.dumps(asdict(result)), "circumstances": circumstances, "again": False}
    with writing(engine) as connection:
        connection.execute(HAND_INS.update().where(HAND_INS.c.id == identifier).values(**values))


def grade_again(engine: Engine, identifier: str) -> bool:
    """Asks for a hand-in to be graded again; whether there is one."""
    with writing(engine) as connection:
        chosen = (HAND_INS.c.id == identifier) & HAND_INS.c.accepted
        return connection.execute(HAND_INS.update().where(chosen).values(again=True)).rowcount > 0


def kept_files(engine: Engine) -> set[str]:
    """sha256 of every file of what counts."""
    with engine.connect() as connection:
        texts = connection.scalars(sql.select(HAND_INS.c.files).where(HAND_INS.c.accepted))
        return {sha256 for text in texts for sha256, _ in json.loads(text).values()}


def _of_student(student: str) -> Select[Any]:
    chosen = sql.select(HAND_INS).where(HAND_INS.c.student == student)
    return chosen.order_by(HAND_INS.c.submitted, HAND_INS.c.id)


def _row(new: HandIn) -> dict[str, Any]:
    return {
        "id": new.id,
        "student": new.student,
        "submitted": stamp(new.submitted),
        "accepted": new.accepted,
        "fingerprint": new.fingerprint,
        "files": json.dumps({name: [file.sha256, file.size] for name, file in new.files.items()}),
        "findings": json.dumps([asdict(finding) for finding in new.findings]),
        "checked": new.checked,
        "again": new.again,
    }


def _hand_in(row: Row[Any]) -> HandIn:
    return HandIn(
        id=row.id,
        student=row.student,
        submitted=datetime.fromisoformat(row.submitted),
        accepted=row.accepted,
        fingerprint=row.fingerprint,
        files={name: StoredFile(*values) for name, values in json.loads(row.files).items()},
        findings=tuple(Finding(**values) for values in json.loads(row.findings)),
        checked=row.checked,
        again=row.again,
        result=None if row.result is None else Result(**json.loads(row.result)),
    )
