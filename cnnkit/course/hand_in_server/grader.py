"""The grader of a hand-in server: a process of its own that alone reads the labels, and grades what waits.

It uses the parts of `cnnkit grade`: the same workers, gate and ledger. One grader works at a time, whichever server it
belongs to: a lock on a file, which is free at once when its process dies. What a killed one had not recorded waits in
the database and is graded by the next; what the ledger has already is not decided again.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

from cnnkit.course.grading import worker
from cnnkit.course.grading.canonical_json import digest
from cnnkit.course.grading.decisions import Candidate, Circumstances, decide, decisions_of
from cnnkit.course.grading.labels import Labels, read_labels
from cnnkit.course.grading.ledger import Ledger
from cnnkit.course.grading.progress import Silence
from cnnkit.course.grading.roster import Student
from cnnkit.course.grading.verdict import Verdict
from cnnkit.course.grading.verified_ledger import open_verified
from cnnkit.course.grading.workers import UNREAD
from cnnkit.course.hand_in_server import hand_ins, settings
from cnnkit.course.hand_in_server.board import Board, open_board
from cnnkit.course.hand_in_server.gradebooks import export
from cnnkit.course.hand_in_server.grader_settings import GraderSettings
from cnnkit.course.hand_in_server.hand_ins import HandIn, Result
from cnnkit.course.submissions.assignment import Assignment
from cnnkit.course.submissions.place import Place
from cnnkit.course.submissions.submission import Submission
from cnnkit.errors import CnnkitError

LOCK_FILE = "grader.lock"
POLL_SECONDS = 2.0
FAILED_SECONDS = 60.0
NAME = "the grader"  # in staff's log
AT_A_TIME = 50


class Grader:
    """Grades what waits.

    Args:
        board: The server.
        given: Labels, ledger, workers.

    Raises:
        DataError: Labels that are not those of the assignment, or a ledger that does not hold.
    """

    def __init__(self, board: Board, given: GraderSettings) -> None:
        self._board = board
        self._given = given
        spec = board.assignment
        self._labels: Labels = read_labels(Path(given.secrets.labels), spec)
        self._circumstances = Circumstances.of(spec, self._labels)
        self._ledger: Ledger = open_verified(given.secrets.ledger, Path(given.secrets.key))
        self._setup = worker.setup(
            spec,
            self._labels.truth,
            self._labels.public(Fraction(spec.public_share)),
            isolation=given.isolation,
            require=given.require,
        )

    @property
    def circumstances(self) -> str:
        """The digest under which results are recorded."""
        return digest(self._circumstances.to_json())

    def work(self) -> bool:
        """Grades what waits, some at a time, and writes gradebooks that were asked for; whether there was anything."""
        waiting = hand_ins.ungraded(self._board.engine, self.circumstances)[:AT_A_TIME]
        for again in (False, True):
            self._grade([each for each in waiting if each.again is again], retry=again)
        wishes = settings.exports(self._board.engine, waiting=True) if not waiting else []
        for wish in wishes:
            failure = None
            try:
                export(self._board, self._given.secrets, wish.id, workers=self._given.workers)
            except (CnnkitError, OSError) as error:
                failure = str(error)
            except Exception as error:  # whatever it is: else it would end every grader after this one
                traceback.print_exception(error)
                failure = f"a fault of the grader, {type(error).__name__}: {error}"
            settings.finish_export(self._board.engine, wish.id, failure)
        return bool(waiting or wishes)

    def close(self) -> None:
        """Lets go of the ledger."""
        self._ledger.close()

    def _grade(self, waiting: Sequence[HandIn], *, retry: bool) -> None:
        if not waiting:
            return
        candidates = [Candidate(Student(each.student), self._submission(each)) for each in waiting]
        keys, _ = decide(
            candidates,
            self._circumstances,
            self._ledger,
            self._setup,
            Silence(),
            workers=self._given.workers,
            retry=retry,
            spec=self._board.assignment,
        )
        decisions = decisions_of(self._ledger, candidates, keys)
        for each, decision in zip(waiting, decisions, strict=True):
            damaged = decision.fingerprint not in (each.fingerprint, UNREAD)
            result = self._result(each.student, decision.key, decision.verdict, damaged=damaged)
            hand_ins.set_result(self._board.engine, each.id, result, self.circumstances)

    def _submission(self, each: HandIn) -> Submission:
        members = {name: self._board.store.member(file.sha256) for name, file in each.files.items()}
        return Submission(each.student, Place(str(self._board.store.files), members), each.submitted)

    def _result(self, student: str, key: str, verdict: Verdict, *, damaged: bool) -> Result:
        """What is kept beside the hand-in of a decision; of files that changed on the disk there is no score."""
        pseudonym = self._labels.pseudonym(student)
        if damaged:
            note = "the stored files are not those that were handed in: put back a copy of them and grade again"
            return Result("crashed", key, pseudonym, note=note)
        score = verdict.score
        if score is None:
            note = "" if verdict.outcome == "refused" else "the grader failed on it: look, and grade again"
            return Result(verdict.outcome, key, pseudonym, note=note)
        return Result(
            verdict.outcome,
            key,
            pseudonym,
            correct=score.correct,
            rows=score.rows,
            public_correct=score.public_correct,
            public_rows=score.public_rows,
        )


def main() -> None:
    """Reads the settings, says that it is ready, and works until its input ends.

    It is ready when labels and ledger hold. Where another grader works on this folder, that one has verified them.
    """
    given = GraderSettings.from_json(sys.stdin.readline())
    try:
        board = open_board(given.folder, Assignment.load(given.assignment), database=given.database)
        read_labels(Path(given.secrets.labels), board.assignment)
    except CnnkitError as error:
        _refuse(error)
        return
    with _lock_file(board.store.root / LOCK_FILE) as lock:
        first = _alone(lock)
        if not first:
            _say({"ready": True})
            if not _until_alone(lock):
                return
        try:
            grader = Grader(board, given)
        except CnnkitError as error:
            settings.note_once(board.engine, NAME, str(error))
            if first:
                _refuse(error)
            return
        with closing(grader):
            if first:
                _say({"ready": True})
            board.store.clear_exports()
            _work(grader, board)


def _work(grader: Grader, board: Board) -> None:
    """Grades until the server ends. What fails is told to staff once, and tried again after a longer while."""
    seconds = 0.0
    while _parent_lives(seconds):
        try:
            seconds = 0.0 if grader.work() else POLL_SECONDS
        except CnnkitError as error:
            settings.note_once(board.engine, NAME, str(error))
            seconds = FAILED_SECONDS


def _refuse(error: CnnkitError) -> None:
    _say({"refused": [error.expected, error.received, error.remedy]})


def _say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


@contextmanager
def _lock_file(file: Path) -> Iterator[int]:
    lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield lock
    finally:
        os.close(lock)


def _alone(lock: int) -> bool:
    """Whether no other grader works on this folder; then none does until the lock is closed."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _until_alone(lock: int) -> bool:
    """Waits until no other grader works on this folder; False where the server ended before."""
    while not _alone(lock):
        if not _parent_lives(POLL_SECONDS / 4):
            return False
    return True


def _parent_lives(seconds: float) -> bool:
    """Waits to be woken, at most so long; False where the server is gone, whose end of the pipe is closed then."""
    deadline = time.monotonic() + seconds
    while select.select([0], [], [], max(0.0, deadline - time.monotonic()))[0]:
        if not os.read(0, 4_096):
            return False
        deadline = 0.0  # woken: only what is there already is read
    return True


if __name__ == "__main__":
    main()
