"""A graded class as a value: what every output file is written from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cnnkit.course.grading.points import Grade, rounded
from cnnkit.course.grading.roster import Student
from cnnkit.course.grading.verdict import Verdict
from cnnkit.course.submissions.assignment import Assignment
from cnnkit.course.submissions.identity import legible

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class AttemptRecord:
    """One of a student's submissions, as the ledger keeps it.

    Attributes:
        submitted: When it was handed in; None where the platform does not tell.
        late: Whether the platform marks it as late.
        decision: Key of its record in the ledger; "" where it could not count and was not graded.
    """

    submitted: datetime | None
    late: bool
    decision: str


@dataclass(frozen=True)
class StudentGrade:
    """Everything about one student.

    Attributes:
        student: Who.
        pseudonym: Their name on the public board.
        grade: Status, rank and points.
        submitted: When the submission that counts was handed in.
        decision: Key of its record in the ledger; "" where nothing was handed in.
        verdict: What it came to by itself; None where nothing was handed in.
        flags: What a person should look at.
        attempts: All that was handed in, in the order of time.
    """

    student: Student
    pseudonym: str
    grade: Grade
    submitted: datetime | None
    decision: str
    verdict: Verdict | None
    flags: tuple[str, ...] = ()
    attempts: tuple[AttemptRecord, ...] = ()


@dataclass(frozen=True)
class Change:
    """What a new snapshot changed for a student; None where there was, or is, nothing.

    Attributes:
        student: Who.
        before: Status, number correct, rank and points in the snapshot before.
        after: The same in this one.
    """

    student: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


@dataclass(frozen=True)
class Graded:
    """A graded class.

    Attributes:
        assignment: What was asked for.
        circumstances: What decisions depend on besides the submissions: gate, labels, grader.
        students: In the order of their identifiers.
        snapshot: Number of the snapshot in the ledger.
        changes: What it changed, if there was one before.
        head: Hash of the ledger's last record: it pins everything before it.
        layout: Which form the inbox had.
        agreement: How many of the inbox's entries are named so, 0…1.
        ignored: Entries of the inbox that belong to nobody.
        new_decisions: How many submissions were graded in this run; the others were in the ledger.
        seconds: How long it took.
    """

    assignment: Assignment
    circumstances: dict[str, str]
    students: tuple[StudentGrade, ...]
    snapshot: int
    changes: tuple[Change, ...]
    head: str
    layout: str
    ignored: tuple[str, ...]
    new_decisions: int
    seconds: float
    agreement: float = 1.0

    def counts(self) -> dict[str, int]:
        """How many students have each status, the frequent ones first."""
        return dict(Counter(each.grade.status for each in self.students).most_common())

    def problems(self) -> list[str]:
        """What a person has to look at before the grades are used: an empty list, or why not to trust them yet."""
        counts = Counter(each.grade.status for each in self.students)
        handed_in = len(self.students) - counts["missing"]
        broken = counts["crashed"] + counts["timed out"]
        conditions = {
            "nobody was graded": handed_in == 0,
            f"{counts['missing']:,} of {len(self.students):,} students are missing": 0 < handed_in < counts["missing"],
            f"nobody of the {handed_in:,} who handed in is in the roster": 0 < handed_in == counts["not enrolled"],
            f"the grader itself failed on {broken:,} submissions": broken > 0,
        }
        return [problem for problem, there in conditions.items() if there]

    def records(self) -> list[dict[str, Any]]:
        """One row for each student, plain values that any file can hold: what `grades.parquet` holds.

        A verdict that no row can be made of leaves its columns empty and a flag; it is one student's, and so is that.
        """
        return [_storable(each) for each in self.students]

    def table(self) -> pd.DataFrame:
        """The same as a DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.records())


def _storable(each: StudentGrade) -> dict[str, Any]:
    try:
        row = record(each)
    except Exception as error:  # a fault of ours that this student's values brought out
        flag = f"no scores could be written: {type(error).__name__}: {error}"
        row = record(replace(each, verdict=None, flags=(*each.flags, flag)))
    return {name: legible(value) if isinstance(value, str) else value for name, value in row.items()}


def record(each: StudentGrade) -> dict[str, Any]:
    """A student as a row: see `grades_file.COLUMNS`."""
    score = each.verdict.score if each.verdict else None
    low, high = score.interval if score else (None, None)
    grade = each.grade
    return {
        "student": each.student.student,
        "name": each.student.name,
        "email": each.student.email,
        "pseudonym": each.pseudonym,
        "status": grade.status,
        "points": float(rounded(grade.points)) if grade.decided else None,
        "rank": None if grade.rank is None else float(grade.rank),
        "ranked": grade.ranked,
        "points_flat": float(rounded(grade.flat)),
        "points_rank": float(rounded(grade.by_rank)),
        "penalty": float(rounded(grade.penalty)),
        "correct": grade.correct,
        "rows": score.rows if score else None,
        "accuracy": score.accuracy if score else None,
        "accuracy_low": low,
        "accuracy_high": high,
        "auc": score.auc if score else None,
        "brier": score.brier if score else None,
        "calibration_error": score.calibration_error if score else None,
        "public_correct": score.public_correct if score else None,
        "public_rows": score.public_rows if score else None,
        "submitted": each.submitted,
        "days_late": grade.days_late,
        "findings": [finding.check for finding in each.verdict.findings] if each.verdict else [],
        "flags": list(each.flags),
        "isolation": each.verdict.isolation if each.verdict else "",
        "decision": each.decision,
    }
