"""Grading a class: inbox → gate → score → ledger → ranks → points → snapshot → files.

Each submission's decision is appended to the ledger as soon as it is there; ranks and points, which depend on the whole
class, are computed from the decisions afterwards and recorded as a snapshot. So a run that was killed at any moment
goes on where it was, and what is in the ledger already is not graded again.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

from cnnkit.course.grading import worker
from cnnkit.course.grading.attempts import counting, undecided
from cnnkit.course.grading.class_grades import attempt_records, attempts_of, student_grades
from cnnkit.course.grading.decisions import Candidate, Circumstances, Decision, decide, decisions_of
from cnnkit.course.grading.enrolment import enrolled_students, read_decided
from cnnkit.course.grading.flags import flags_of
from cnnkit.course.grading.graded import Graded
from cnnkit.course.grading.labels import Labels, read_labels
from cnnkit.course.grading.ledger import Ledger
from cnnkit.course.grading.ledger_key import key_beside
from cnnkit.course.grading.progress import progress_display
from cnnkit.course.grading.rerun import Passed, Rerun, rerun
from cnnkit.course.grading.roster import Student, read_roster
from cnnkit.course.grading.snapshot import record_snapshot
from cnnkit.course.grading.verified_ledger import open_verified
from cnnkit.course.submissions.assignment import Assignment
from cnnkit.course.submissions.inbox import read_inbox
from cnnkit.course.submissions.submission import Submission
from cnnkit.errors import InputError
from cnnkit.workers import Workers, require_seen, workers_of

LEDGER_FILE = "ledger.sqlite"


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
    workers: int | Workers | str | None = None,
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
        workers: How many processes; as many as there are cores by default. Or a cluster, `"auto"`,
            `"ray://host:10001"` or `ck.distributed.cluster(address)`, all of whose machines see the inbox. They change
            nothing else.
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
    count = (os.cpu_count() or 1) if workers is None else workers if isinstance(workers, int) else workers_of(workers)
    if count is None or (isinstance(count, int) and count < 1):
        raise InputError("at least one worker", f"workers={workers}", "Leave it out to use all cores.")
    truth = read_labels(Path(labels), spec)
    enrolled = None if roster is None else read_roster(roster)
    known = enrolled.of_kind("canvas", "id") if enrolled else ()
    if not isinstance(count, int):
        inbox = Path(inbox).absolute()  # other machines are elsewhere
        require_seen(inbox, count)
    received = read_inbox(inbox, layout=layout, zone=spec.zone, known=known)
    decided = None if identities is None else read_decided(identities)
    everyone = _by_student(received.submissions, enrolled_students(received.submissions, enrolled, decided))
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    circumstances = Circumstances.of(spec, truth)
    with open_verified(ledger or folder / LEDGER_FILE, Path(key or key_beside(labels))) as book:
        setup = worker.setup(
            spec,
            truth.truth,
            truth.public(Fraction(spec.public_share)),
            isolation=isolation,
            require=require_isolation,
        )
        decisions, new = _decided(
            everyone, spec, circumstances, book, setup, workers=count, retry=retry, progress=progress
        )
        class_tries = {tries[0].student.student: tries for tries in everyone}
        positions = counting({student: attempts_of(tries, decisions) for student, tries in class_tries.items()}, spec)
        chosen = {student: decisions[class_tries[student][position]] for student, position in positions.items()}
        flags = flags_of(chosen, spec, book)
        if reproduction is not None:
            for student, flag in _reproduced(chosen, reproduction, spec, truth, book).items():
                flags[student].append(flag)
        records = {student: attempt_records(tries, decisions) for student, tries in class_tries.items()}
        graded = student_grades(chosen, records, flags, truth, enrolled, spec)
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


def _decided(
    everyone: Sequence[Sequence[Candidate]],
    assignment: Assignment,
    circumstances: Circumstances,
    ledger: Ledger,
    setup: Mapping[str, Any],
    *,
    workers: int | Workers,
    retry: bool,
    progress: bool,
) -> tuple[dict[Candidate, Decision], int]:
    """A decision for every submission that may count, and how many of them are new.

    Which may count can depend on how others ended: a crash uses up no attempt.
    """
    decisions: dict[Candidate, Decision] = {}
    new = 0
    while candidates := [
        tries[position] for tries in everyone for position in undecided(attempts_of(tries, decisions), assignment)
    ]:
        with progress_display(len(candidates), visible=progress) as display:
            keys, more = decide(
                candidates, circumstances, ledger, setup, display, workers=workers, retry=retry, spec=assignment
            )
        decisions |= {each.candidate: each for each in decisions_of(ledger, candidates, keys)}
        new += more
    return decisions, new


def _reproduced(
    chosen: Mapping[str, Decision], reproduction: Rerun, assignment: Assignment, labels: Labels, ledger: Ledger
) -> dict[str, str]:
    """Student → what is to be said of the model of a submission that the gate let pass, if anything is."""
    passed = (
        Passed(student, decision.key, decision.fingerprint, decision.candidate.submission.place)
        for student, decision in chosen.items()
        if decision.verdict.score is not None
    )
    return rerun(passed, reproduction, assignment, labels.truth, ledger)


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
