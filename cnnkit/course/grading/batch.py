"""Grading a class: inbox → gate → score → ledger → ranks → points → snapshot → files.

Each submission's decision is appended to the ledger as soon as it is there; ranks and points, which depend on the whole
class, are computed from the decisions afterwards and recorded as a snapshot. So a run that was killed at any moment
goes on where it was, and what is in the ledger already is not graded again.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

from cnnkit.course.grading import similarity, worker
from cnnkit.course.grading.attempts import BROKEN, Attempt, counting, undecided
from cnnkit.course.grading.enrolment import enrolled_students, read_decided
from cnnkit.course.grading.graded import AttemptRecord, Graded, StudentGrade
from cnnkit.course.grading.labels import Labels, read_labels
from cnnkit.course.grading.ledger import Draft, Ledger, digest
from cnnkit.course.grading.ledger_key import key_at, key_beside
from cnnkit.course.grading.likeness import Work, likenesses
from cnnkit.course.grading.plausible import implausible
from cnnkit.course.grading.points import Result, class_grades
from cnnkit.course.grading.progress import Progress, progress_display
from cnnkit.course.grading.rerun import Passed, Rerun, rerun
from cnnkit.course.grading.roster import Roster, Student, read_roster
from cnnkit.course.grading.snapshot import record_snapshot
from cnnkit.course.grading.verdict import Verdict, grader_version
from cnnkit.course.grading.workers import Task, answers
from cnnkit.course.submissions.assignment import ROLES, Assignment
from cnnkit.course.submissions.inbox import read_inbox
from cnnkit.course.submissions.sandbox import PATIENCE
from cnnkit.course.submissions.submission import Submission
from cnnkit.errors import DataError, InputError

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
        fingerprint: Of what was graded.
        candidate: The submission.
        verdict: What it came to.
    """

    key: str
    fingerprint: str
    candidate: Candidate
    verdict: Verdict


def grade(
    inbox: str | Path,
    *,
    assignment: Assignment | str | Path,
    labels: str | Path,
    out: str | Path,
    ledger: str | Path | None = None,
    key: str | Path | None = None,
    section: str = "",
    roster: str | Path | None = None,
    identities: str | Path | None = None,
    layout: str | None = None,
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
        key: The file of the key that seals the ledger, made where there is none; `ledger.key` beside the labels by
            default. Keep it as secret as the labels.
        section: Which class this is, where one ledger has several of one assignment; see `snapshot.record_snapshot`.
        roster: A CSV file of those who are enrolled; without it, everybody who handed in is.
        identities: A table of what a person has decided about submissions that could be of several students, see
            `enrolment.read_decided`.
        layout: Which form the inbox has, see `read_inbox`; by default what most of it looks like.
        workers: How many processes; as many as there are cores by default. They change nothing else.
        isolation: See `Sandbox.open`.
        require_isolation: The weakest isolation that is good enough.
        retry: Whether to grade again what crashed or timed out before.
        reproduction: Also run the models of those who pass the gate, on these pictures: seconds each, and the one part
            that needs Keras, in processes of its own.
        progress: Whether to show a live table on standard error.

    Raises:
        InputError: No workers, or an isolation that does not work here.
        DataError: An inbox, labels, a roster, a key or a ledger that cannot be used, or a ledger that somebody forged.
    """
    started = time.perf_counter()
    spec = Assignment.of(assignment)
    count = (os.cpu_count() or 1) if workers is None else workers
    if count < 1:
        raise InputError("at least one worker", f"workers={workers}", "Leave it out to use all cores.")
    truth = read_labels(Path(labels), spec)
    enrolled = None if roster is None else read_roster(roster)
    known = enrolled.of_kind("canvas", "id") if enrolled else ()
    received = read_inbox(inbox, layout=layout, zone=spec.zone, known=known)
    decided = None if identities is None else read_decided(identities)
    everyone = _by_student(received.submissions, enrolled_students(received.submissions, enrolled, decided))
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    circumstances = Circumstances.of(spec, truth)
    with _opened(ledger or folder / LEDGER_FILE, Path(key or key_beside(labels))) as book:
        setup = worker.setup(
            spec,
            truth.truth,
            truth.public(Fraction(spec.public_share)),
            isolation=isolation,
            require=require_isolation,
        )
        decisions: dict[Candidate, Decision] = {}
        new = 0
        while candidates := [
            tries[position] for tries in everyone for position in undecided(_attempts(tries, decisions), spec)
        ]:
            with progress_display(len(candidates), visible=progress) as display:
                keys, more = _decide(
                    candidates, circumstances, book, setup, display, workers=count, retry=retry, spec=spec
                )
            decisions |= {each.candidate: each for each in _decisions(book, candidates, keys)}
            new += more
        class_tries = {tries[0].student.student: tries for tries in everyone}
        positions = counting({student: _attempts(tries, decisions) for student, tries in class_tries.items()}, spec)
        chosen = {student: decisions[class_tries[student][position]] for student, position in positions.items()}
        flags = _flags(chosen, spec, book)
        if reproduction is not None:
            scored = [(student, each) for student, each in chosen.items() if each.verdict.score is not None]
            passed = (
                Passed(student, each.key, each.fingerprint, each.candidate.submission.place) for student, each in scored
            )
            for student, flag in rerun(passed, reproduction, spec, truth.truth, book).items():
                flags[student].append(flag)
        records = {student: _attempt_records(tries, decisions) for student, tries in class_tries.items()}
        graded = _class(chosen, records, flags, truth, enrolled, spec)
        snapshot, changes = record_snapshot(book, graded, spec, circumstances.to_json(), section=section)
        return Graded(
            assignment=spec,
            circumstances=circumstances.to_json(),
            students=tuple(graded),
            snapshot=snapshot,
            changes=tuple(changes),
            head=book.head,
            layout=received.layout,
            agreement=received.agreement,
            ignored=received.ignored,
            new_decisions=new,
            seconds=time.perf_counter() - started,
        )


def _opened(place: str | Path, key: Path) -> Ledger:
    """The ledger, ready to go on with: what is decided in it counts, so it has to hold.

    Raises:
        DataError: It does not.
    """
    first = not key.exists()  # then the ledger may be an older version's, which has no seals
    book = Ledger.open(place, key=key_at(key))
    found = book.verify(unsealed=first)
    if found.broken is not None:
        book.close()
        raise DataError(
            "a ledger that nobody changed",
            f"record {found.broken:,} of {place} does not hold: {found.reason}",
            "Put the last copy that `cnnkit ledger verify` accepts in its place, or begin a new ledger.",
        )
    if first:
        book.seal_the_past()
    return book


def _by_student(submissions: Sequence[Submission], students: Sequence[Student]) -> list[list[Candidate]]:
    """Each student's submissions in the order of time, in the order of the students' names.

    A student may be in the inbox under several names, by address and by number: the order of time is made here. What
    has no time comes first.
    """
    groups: dict[str, list[Candidate]] = defaultdict(list)
    for student, submission in zip(students, submissions, strict=True):
        groups[student.student].append(Candidate(student, submission))
    first = datetime.min.replace(tzinfo=UTC)
    for tries in groups.values():
        tries.sort(key=lambda each: each.submission.submitted or first)
    return [groups[name] for name in sorted(groups)]


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
        record.key: (
            record.content["fingerprint"],
            replace(Verdict.from_json(record.content["verdict"]), prints=None),
        )
        for record in ledger.records(kind="decision", keys=set(keys))
    }
    for candidate, key in zip(candidates, keys, strict=True):
        fingerprint, verdict = found[key]
        yield Decision(key, fingerprint, candidate, verdict)


def _attempts(tries: Iterable[Candidate], decisions: Mapping[Candidate, Decision]) -> list[Attempt]:
    """A student's submissions with what they came to so far."""
    attempts = []
    for each in tries:
        attempt = Attempt(each.submission.submitted, each.submission.late)
        if each in decisions:
            verdict = decisions[each].verdict
            attempt = replace(attempt, outcome=verdict.outcome, correct=verdict.correct)
        attempts.append(attempt)
    return attempts


def _attempt_records(tries: Iterable[Candidate], decisions: Mapping[Candidate, Decision]) -> tuple[AttemptRecord, ...]:
    return tuple(
        AttemptRecord(each.submission.submitted, each.submission.late, decisions[each].key if each in decisions else "")
        for each in tries
    )


def _class(
    chosen: Mapping[str, Decision],
    attempts: Mapping[str, tuple[AttemptRecord, ...]],
    flags: Mapping[str, Sequence[str]],
    labels: Labels,
    roster: Roster | None,
    assignment: Assignment,
) -> list[StudentGrade]:
    """Every student's grade, in the order of their identifiers."""
    results = [
        attempt.result(student, enrolled=decision.candidate.student.enrolled)
        for student, decision in chosen.items()
        for attempt in _attempts([decision.candidate], {decision.candidate: decision})
    ]
    absent = {each.student: each for each in (roster.students if roster else ()) if each.student not in chosen}
    results += [Result(student, "missing") for student in absent]
    students = []
    for grade in class_grades(results, assignment):
        decided = chosen.get(grade.student)
        students.append(
            StudentGrade(
                student=absent[grade.student] if decided is None else decided.candidate.student,
                pseudonym=labels.pseudonym(grade.student),
                grade=grade,
                submitted=None if decided is None else decided.candidate.submission.submitted,
                decision="" if decided is None else decided.key,
                verdict=None if decided is None else decided.verdict,
                flags=tuple(flags.get(grade.student, ())),
                attempts=attempts.get(grade.student, ()),
            )
        )
    return students


def _flags(chosen: Mapping[str, Decision], assignment: Assignment, ledger: Ledger) -> dict[str, list[str]]:
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
