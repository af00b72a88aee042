"""Grading a class: inbox → gate → score → ledger → ranks → points → snapshot → files.

Each submission's decision is appended to the ledger as soon as it is there; ranks and points, which depend on the whole
class, are computed from the decisions afterwards and recorded as a snapshot. So a run that was killed at any moment
goes on where it was, and what is in the ledger already is not graded again.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from cnnkit.errors import InputError
from cnnkit.grading import similarity, worker
from cnnkit.grading.graded import Graded, StudentGrade
from cnnkit.grading.labels import Labels, read_labels
from cnnkit.grading.ledger import Draft, Ledger, digest
from cnnkit.grading.points import Result, class_grades
from cnnkit.grading.progress import Progress, progress_display
from cnnkit.grading.rerun import Rerun, rerun
from cnnkit.grading.roster import Roster, Student, read_roster
from cnnkit.grading.snapshot import record_snapshot
from cnnkit.grading.verdict import BROKEN, Verdict, grader_version
from cnnkit.grading.workers import Task, answers
from cnnkit.submissions.assignment import ROLES, Assignment
from cnnkit.submissions.inbox import Submission, read_inbox
from cnnkit.submissions.sandbox import PATIENCE

LEDGER_FILE = "ledger.sqlite"
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
        candidate: The submission.
        verdict: What it came to.
    """

    key: str
    candidate: Candidate
    verdict: Verdict


def grade(
    inbox: str | Path,
    *,
    assignment: Assignment | str | Path,
    labels: str | Path,
    out: str | Path,
    ledger: str | Path | None = None,
    roster: str | Path | None = None,
    workers: int | None = None,
    isolation: str = "auto",
    require_isolation: str | None = None,
    retry: bool = False,
    reproduction: Rerun | None = None,
    progress: bool = False,
) -> Graded:
    """Grades a class, or goes on with it, and records everything in the ledger.

    Args:
        inbox: A folder or the zip of a bulk download; see `submissions.inbox`.
        assignment: The assignment or its folder.
        labels: The secret labels, see `labels`.
        out: The folder for the ledger, if it has no other place. `write_grades` puts the results there.
        ledger: A file or a URL for the ledger; `ledger.sqlite` in `out` by default.
        roster: A CSV file of those who are enrolled; without it, everybody who handed in is.
        workers: How many processes; as many as there are cores by default. They change nothing else.
        isolation: See `Sandbox.open`.
        require_isolation: The weakest isolation that is good enough.
        retry: Whether to grade again what crashed or timed out before.
        reproduction: Also run the models of those who pass the gate, on these pictures: seconds each, and the one part
            that needs Keras, in processes of its own.
        progress: Whether to show a live table on standard error.

    Raises:
        InputError: No workers, or an isolation that does not work here.
        DataError: An inbox, labels, a roster or a ledger that cannot be used.
    """
    started = time.perf_counter()
    spec = Assignment.of(assignment)
    count = (os.cpu_count() or 1) if workers is None else workers
    if count < 1:
        raise InputError("at least one worker", f"workers={workers}", "Leave it out to use all cores.")
    truth = read_labels(Path(labels), spec)
    enrolled = None if roster is None else read_roster(roster)
    received = read_inbox(inbox)
    everyone = _by_student(received.submissions, enrolled)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    circumstances = Circumstances.of(spec, truth)
    with (
        Ledger.open(ledger or folder / LEDGER_FILE) as book,
        tempfile.TemporaryDirectory(prefix="cnnkit-grade-") as work,
    ):
        setup = worker.setup(
            spec,
            truth.truth,
            truth.public(Fraction(spec.public_share)),
            Path(work).resolve(),
            isolation=isolation,
            require=require_isolation,
        )
        decisions: dict[Candidate, Decision] = {}
        new = 0
        while candidates := _undecided(everyone, decisions, spec):
            with progress_display(len(candidates), visible=progress) as display:
                keys, more = _decide(
                    candidates, circumstances, book, setup, display, workers=count, retry=retry, spec=spec
                )
            decisions |= {each.candidate: each for each in _decisions(book, candidates, keys)}
            new += more
        counting = _counting(
            (decisions[each] for tries in everyone for each in _eligible(tries, decisions, spec)), spec
        )
        flags = _flags(counting, spec)
        if reproduction is not None:
            scored = [(student, each) for student, each in counting.items() if each.verdict.score is not None]
            places = ((student, each.key, each.candidate.submission.place) for student, each in scored)
            for student, flag in rerun(places, reproduction, spec, book, Path(work)).items():
                flags[student].append(flag)
        graded = _class(counting, flags, truth, enrolled, spec)
        snapshot, changes = record_snapshot(book, graded, spec, circumstances.to_json())
        return Graded(
            assignment=spec,
            circumstances=circumstances.to_json(),
            students=tuple(graded),
            snapshot=snapshot,
            changes=tuple(changes),
            head=book.head,
            layout=received.layout,
            ignored=received.ignored,
            new_decisions=new,
            seconds=time.perf_counter() - started,
        )


def _by_student(submissions: Iterable[Submission], roster: Roster | None) -> list[list[Candidate]]:
    """Each student's submissions in the order of time, in the order of the students' names."""
    groups: dict[str, list[Candidate]] = defaultdict(list)
    for submission in submissions:
        student = (
            Student(submission.student, submission.name, submission.email)
            if roster is None
            else roster.find(submission)
        )
        groups[student.student].append(Candidate(student, submission))
    return [groups[name] for name in sorted(groups)]


def _allowed(
    tries: Sequence[Candidate], decisions: Mapping[Candidate, Decision], assignment: Assignment
) -> Sequence[Candidate]:
    """A student's submissions up to the last attempt; one that the machinery failed on uses up none."""
    used = 0
    for number, each in enumerate(tries, start=1):
        used += each not in decisions or decisions[each].verdict.outcome not in BROKEN
        if used == assignment.attempts:
            return tries[:number]
    return tries


def _eligible(
    tries: Sequence[Candidate], decisions: Mapping[Candidate, Decision], assignment: Assignment
) -> Sequence[Candidate]:
    """Those of a student's submissions that may count.

    Attempts beyond the allowed number do not; where lateness means zero, neither does what is late if there is
    something in time; of the rest, the last, or all where the best one counts.
    """
    allowed = _allowed(tries, decisions, assignment)
    chosen = [each for each in allowed if _in_time(each, assignment)] or allowed
    return chosen if assignment.counts == "best" else chosen[-1:]


def _undecided(
    everyone: Iterable[Sequence[Candidate]], decisions: Mapping[Candidate, Decision], assignment: Assignment
) -> list[Candidate]:
    """What has to be decided still: what may count, and of whom has handed in more than allowed every attempt."""
    wanted: list[Candidate] = []
    for tries in everyone:
        limited = assignment.attempts is not None and len(tries) > assignment.attempts
        wanted += (_allowed if limited else _eligible)(tries, decisions, assignment)
    return [each for each in wanted if each not in decisions]


def _decide(
    candidates: Sequence[Candidate],
    circumstances: Circumstances,
    ledger: Ledger,
    setup: Mapping[str, Any],
    display: Progress,
    *,
    workers: int,
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
    for answer in answers(tasks, setup, workers=min(workers, len(candidates)), seconds=seconds):
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


def _decisions(ledger: Ledger, candidates: Sequence[Candidate], keys: Sequence[str]) -> Iterator[Decision]:
    """What the ledger says of each candidate: grades are made of this, not of what was computed just now."""
    found = {
        record.key: Verdict.from_json(record.content["verdict"])
        for record in ledger.records(kind="decision", keys=set(keys))
    }
    for candidate, key in zip(candidates, keys, strict=True):
        yield Decision(key, candidate, found[key])


def _counting(decisions: Iterable[Decision], assignment: Assignment) -> dict[str, Decision]:
    """The decision on each student's one submission that counts."""
    counting: dict[str, Decision] = {}
    for decision in decisions:
        student = decision.candidate.student.student
        if student not in counting or _worth(decision, assignment) > _worth(counting[student], assignment):
            counting[student] = decision
    return counting


def _class(
    counting: Mapping[str, Decision],
    flags: Mapping[str, Sequence[str]],
    labels: Labels,
    roster: Roster | None,
    assignment: Assignment,
) -> list[StudentGrade]:
    """Every student's grade, in the order of their identifiers."""
    results = [
        Result(
            student=student,
            outcome=decision.verdict.outcome,
            correct=decision.verdict.score.correct if decision.verdict.score else None,
            submitted=decision.candidate.submission.submitted,
            enrolled=decision.candidate.student.enrolled,
            late=decision.candidate.submission.late,
        )
        for student, decision in counting.items()
    ]
    absent = {each.student: each for each in (roster.students if roster else ()) if each.student not in counting}
    results += [Result(student, "missing") for student in absent]
    students = []
    for grade in class_grades(results, assignment):
        decided = counting.get(grade.student)
        students.append(
            StudentGrade(
                student=absent[grade.student] if decided is None else decided.candidate.student,
                pseudonym=labels.pseudonym(grade.student),
                grade=grade,
                submitted=None if decided is None else decided.candidate.submission.submitted,
                decision="" if decided is None else decided.key,
                verdict=None if decided is None else replace(decided.verdict, sketch=""),
                flags=tuple(flags.get(grade.student, ())),
            )
        )
    return students


def _worth(decision: Decision, assignment: Assignment) -> tuple[bool, int]:
    """What orders a student's submissions where the best counts: in time first, then the number correct."""
    score = decision.verdict.score
    return _in_time(decision.candidate, assignment), -1 if score is None else score.correct


def _in_time(candidate: Candidate, assignment: Assignment) -> bool:
    return not assignment.too_late(candidate.submission.submitted, marked=candidate.submission.late)


def _flags(counting: Mapping[str, Decision], assignment: Assignment) -> dict[str, list[str]]:
    """What a person should look at: submissions that are alike, failures of the machinery, lateness without a time."""
    verdicts = {student: decision.verdict for student, decision in counting.items()}
    flags: dict[str, list[str]] = defaultdict(list)
    scored = sorted(student for student, verdict in verdicts.items() if verdict.sketch)
    sketches = np.array([similarity.decoded(verdicts[student].sketch) for student in scored], np.int16)
    alike = similarity.same((student, verdict.digests) for student, verdict in verdicts.items())
    alike += similarity.nearly_same(scored, sketches.reshape(-1, similarity.PROJECTIONS))
    for pair in alike:
        flags[pair.student].append(str(pair))
    for student, verdict in verdicts.items():
        if verdict.outcome in BROKEN:
            flags[student].append(f"could not be graded: {verdict.outcome}")
    for student, decision in counting.items():
        submission = decision.candidate.submission
        if submission.late and submission.submitted is None and assignment.late.policy != "none":
            flags[student].append("marked as late by the platform, which does not say by how much")
    return flags
