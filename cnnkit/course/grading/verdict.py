"""What grading one submission comes to, by itself: the gate's findings and, where it passed, its score."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

import cnnkit
from cnnkit.course.grading.prints import Prints, prints
from cnnkit.course.grading.score import Score, score
from cnnkit.course.submissions.assignment import Assignment
from cnnkit.course.submissions.findings import Finding
from cnnkit.course.submissions.gate import Outcome, check
from cnnkit.course.submissions.private_copy import PrivateSubmission
from cnnkit.course.submissions.sandbox import Sandbox

_DECIDING = {"course.submissions": "", "metrics": "", "course.grading": "score.py"}


@dataclass(frozen=True)
class Verdict:
    """What one submission came to.

    Attributes:
        outcome: What the gate said; `"timed out"` and `"crashed"` are no scores.
        findings: Everything that it has to say.
        digests: sha256 of each file by its role, and `tensors` of the weights' values.
        score: How good the predictions are, where it passed.
        prints: What it is compared by with others; None where it has no score.
        isolation: What was in force while its files were read.
    """

    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    score: Score | None = None
    prints: Prints | None = None
    isolation: str = ""

    @property
    def correct(self) -> int | None:
        """How many rows are right, where it was scored."""
        return None if self.score is None else self.score.correct

    def to_json(self) -> dict[str, Any]:
        """JSON values for the ledger."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Verdict:
        """The verdict of such values."""
        return cls(
            outcome=values["outcome"],
            findings=tuple(Finding(**finding) for finding in values["findings"]),
            digests=values["digests"],
            score=None if values["score"] is None else Score(**values["score"]),
            prints=Prints.from_json(values["prints"]) if values.get("prints") else None,
            isolation=values["isolation"],
        )


def judge(
    submission: PrivateSubmission,
    assignment: Assignment,
    truth: NDArray[np.bool_],
    public: NDArray[np.bool_],
    sandbox: Sandbox,
) -> Verdict:
    """Checks a submission and scores it.

    Args:
        submission: A private copy: what is hashed is what is checked and scored.
        assignment: What it has to be.
        truth: (rows,) the secret labels; they stay in this process.
        public: (rows,) which of them are public.
        sandbox: Where its files are read.
    """
    report = check(submission, assignment, sandbox=sandbox)
    digests = dict(report.hashes)
    if report.weights_digest is not None:
        digests["tensors"] = report.weights_digest
    values = report.predictions if report.passed else None
    return Verdict(
        outcome=report.outcome,
        findings=tuple(report.findings),
        digests=digests,
        score=None if values is None else score(values, truth, public, threshold=assignment.threshold),
        prints=None if values is None else prints(values, truth, assignment.threshold, report.weights),
        isolation=report.isolation,
    )


def broken(outcome: Literal["timed out", "crashed"], reason: str) -> Verdict:
    """The verdict where the machinery failed: a person has to look, and the student is not judged by it."""
    remedy = "Nothing needs to be done by the student; course staff looks into it."
    return Verdict(outcome, (Finding(f"grader-{outcome.replace(' ', '-')}", "", "an answer", reason, remedy),))


@lru_cache(maxsize=1)
def grader_version() -> str:
    """The version of cnnkit and a hash of the code that decides: submissions are graded again when either changes."""
    whole = hashlib.sha256()
    for room, suffix in _DECIDING.items():
        folder = resources.files(f"cnnkit.{room}")
        for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
            if file.name.endswith(suffix or ".py"):
                whole.update(file.name.encode() + b"\0" + file.read_bytes())
    return f"{cnnkit.__version__}+{whole.hexdigest()[:12]}"
