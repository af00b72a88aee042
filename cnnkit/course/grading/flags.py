"""Flags: what a person should look at before grades are handed out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from cnnkit.course.grading import similarity
from cnnkit.course.grading.attempts import BROKEN
from cnnkit.course.grading.decisions import Decision
from cnnkit.course.grading.ledger import Ledger
from cnnkit.course.grading.likeness import Work, likenesses
from cnnkit.course.grading.plausible import implausible
from cnnkit.course.grading.verdict import Verdict
from cnnkit.course.submissions.assignment import Assignment


def flags_of(chosen: Mapping[str, Decision], assignment: Assignment, ledger: Ledger) -> dict[str, list[str]]:
    """What a person should look at: submissions that are alike, failures of the machinery, lateness without a time."""
    verdicts = {student: decision.verdict for student, decision in chosen.items()}
    flags: dict[str, list[str]] = defaultdict(list)
    for pair in similarity.same((student, verdict.digests) for student, verdict in verdicts.items()):
        flags[pair.student].append(str(pair))
    for likeness in likenesses(lambda: _works(chosen, ledger)):
        flags[likeness.student].append(str(likeness))
    scores = {student: verdict.score for student, verdict in verdicts.items() if verdict.score is not None}
    for student, reason in implausible(scores):
        flags[student].append(reason)
    for student, verdict in verdicts.items():
        if verdict.outcome in BROKEN:
            flags[student].append(f"could not be graded: {verdict.outcome}")
    for student, decision in chosen.items():
        submission = decision.candidate.submission
        if submission.late and submission.submitted is None and assignment.late.policy != "none":
            flags[student].append("marked as late by the platform, which does not say by how much")
    return flags


def _works(chosen: Mapping[str, Decision], ledger: Ledger) -> Iterator[Work]:
    """What is compared of each submission that counts; it is read from the ledger each time, being too much to hold."""
    students = {decision.key: student for student, decision in chosen.items()}
    for record in ledger.records(kind="decision", keys=students.keys()):
        verdict = Verdict.from_json(record.content["verdict"])
        if verdict.prints is not None and verdict.score is not None:
            yield Work(students[record.key], verdict.prints, verdict.score.accuracy, verdict.digests.get("tensors", ""))
