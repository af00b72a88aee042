"""Decisions about submissions: gate and score of each, in the ledger as soon as they are there."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cnnkit.course.grading.attempts import BROKEN
from cnnkit.course.grading.canonical_json import digest
from cnnkit.course.grading.labels import Labels
from cnnkit.course.grading.ledger import Ledger
from cnnkit.course.grading.ledger_records import Draft
from cnnkit.course.grading.progress import Progress
from cnnkit.course.grading.roster import Student
from cnnkit.course.grading.verdict import Verdict, grader_version
from cnnkit.course.grading.workers import Task, answers
from cnnkit.course.submissions.assignment import ROLES, Assignment
from cnnkit.course.submissions.sandbox import PATIENCE
from cnnkit.course.submissions.submission import Submission
from cnnkit.errors import CnnkitError
from cnnkit.workers import Workers

APPEND_SECONDS = 0.5
"""Decisions that arrive within this time are appended together; a kill costs at most their work."""

_GATE_FIELDS = {"rows", "column", "threshold", "input_shape", "files", "limits", "public_share"}
_SPARE_SECONDS = 60


@dataclass(frozen=True)
class Circumstances:
    """What a decision depends on besides the submission; with others, a submission is graded again.

    Attributes:
        assignment: Its name.
        gate: Digest of what the assignment asks of a submission; not of points, ranks and deadline.
        labels: Fingerprint of the labels.
        grader: Version of the code that decides.
    """

    assignment: str
    gate: str
    labels: str
    grader: str

    @classmethod
    def of(cls, assignment: Assignment, labels: Labels) -> Circumstances:
        """Those of a grading that begins now."""
        asked = assignment.model_dump(mode="json", include=_GATE_FIELDS)
        return cls(assignment.name, digest(asked), labels.fingerprint, grader_version())

    def to_json(self) -> dict[str, str]:
        """JSON values for the ledger."""
        return {"assignment": self.assignment, "gate": self.gate, "labels": self.labels, "grader": self.grader}


@dataclass(frozen=True, eq=False)
class Candidate:
    """A submission that may be the one that counts, and whose it is.

    Attributes:
        student: Whose.
        submission: What was handed in.
    """

    student: Student
    submission: Submission


@dataclass(frozen=True)
class Decision:
    """What the ledger says of a candidate.

    Attributes:
        key: Of its record.
        fingerprint: Of what was graded.
        candidate: The submission.
        verdict: What it came to.
    """

    key: str
    fingerprint: str
    candidate: Candidate
    verdict: Verdict


def decide(
    candidates: Sequence[Candidate],
    circumstances: Circumstances,
    ledger: Ledger,
    setup: Mapping[str, Any],
    display: Progress,
    *,
    workers: int | Workers,
    retry: bool,
    spec: Assignment,
) -> tuple[list[str], int]:
    """Sees to it that the ledger has a decision for each candidate.

    Returns:
        The key of each candidate's decision, and how many decisions are new.
    """
    tried = _tried(ledger, circumstances)
    known = {
        student: [found for found, (_, outcome) in of.items() if not (retry and outcome in BROKEN)]
        for student, of in tried.items()
    }
    tasks = (
        Task(number, candidate.submission, known.get(candidate.student.student, ()))
        for number, candidate in enumerate(candidates)
    )
    keys = [""] * len(candidates)
    waiting: list[Draft] = []
    new, appended = 0, time.monotonic()
    seconds = len(ROLES) * PATIENCE * spec.limits.seconds + _SPARE_SECONDS
    processes = min(workers, len(candidates)) if isinstance(workers, int) else workers
    try:
        for answer in answers(tasks, setup, workers=processes, seconds=seconds):
            student = candidates[answer.task.number].student.student
            before = tried[student].get(answer.fingerprint, (0, ""))[0] if student in tried else 0
            number = before if answer.verdict is None else before + 1
            key = digest([circumstances.to_json(), student, answer.fingerprint, number])
            keys[answer.task.number] = key
            if answer.verdict is not None:
                content = {
                    "student": student,
                    "fingerprint": answer.fingerprint,
                    "try": number,
                    "circumstances": circumstances.to_json(),
                    "verdict": answer.verdict.to_json(),
                }
                waiting.append(Draft("decision", key, content))
            display.advance("known" if answer.verdict is None else answer.verdict.outcome)
            if time.monotonic() - appended > APPEND_SECONDS:
                new += ledger.append(waiting)
                waiting, appended = [], time.monotonic()
    except (CnnkitError, KeyboardInterrupt):  # of workers, in the end: what others decided stays decided
        ledger.append(waiting)
        raise
    return keys, new + ledger.append(waiting)


def _tried(ledger: Ledger, circumstances: Circumstances) -> dict[str, dict[str, tuple[int, str]]]:
    """What was decided before under the same circumstances: student → fingerprint → (tries, the last outcome)."""
    found: dict[str, dict[str, tuple[int, str]]] = defaultdict(dict)
    for record in ledger.records(kind="decision"):
        content = record.content
        if content["circumstances"] == circumstances.to_json():
            outcome = content["verdict"]["outcome"]
            found[content["student"]][content["fingerprint"]] = (content["try"], outcome)
    return found


def decisions_of(ledger: Ledger, candidates: Sequence[Candidate], keys: Sequence[str]) -> Iterator[Decision]:
    """What the ledger says of each candidate: grades are made of this, not of what was computed just now."""
    found = {
        record.key: (
            record.content["fingerprint"],
            replace(Verdict.from_json(record.content["verdict"]), prints=None),
        )
        for record in ledger.records(kind="decision", keys=set(keys))
    }
    for candidate, key in zip(candidates, keys, strict=True):
        fingerprint, verdict = found[key]
        yield Decision(key, fingerprint, candidate, verdict)
