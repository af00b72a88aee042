"""A class that hands in at once: 200 students within one minute, and a server that is killed while they do.

    python tests/benchmarks/bench_board.py --students 200 --kills 10 --rounds 1

Each student uploads a small valid submission at a random moment of the minute, and again while there is no answer; the
server is killed with `kill -9`, its grader with it, at random moments and started again. Then: everybody has an answer,
nobody has two attempts, all is graded, the grades are those of `cnnkit grade` over the same files, the ledger holds.
The row says how long it took from the first upload to the last grade. `--kills 0` shows how long an answer takes.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from cnnkit.course.grading.audit import audit
from cnnkit.course.grading.batch import grade
from cnnkit.course.grading.ledger import Ledger
from cnnkit.course.grading.ledger_key import read_key
from cnnkit.course.hand_in_server import hand_ins
from cnnkit.course.hand_in_server.board import Board, open_board
from cnnkit.course.hand_in_server.gradebooks import grade_class
from cnnkit.course.hand_in_server.grader_settings import Secrets
from cnnkit.course.hand_in_server.tokens import add_tokens
from cnnkit.course.submissions.assignment import Assignment
from tests.benchmarks.harness import Row, machine, options, report, say
from tests.course.grading.inboxes import make_class
from tests.course.hand_in_server.running import Running, hand_in, wait_for_grades


class Students:
    """Everybody, each in a thread of their own, who upload until they have an answer.

    Args:
        server: Where.
        tokens: Student → token.
        inbox: What they hand in.
        seconds: Within how many they begin.
    """

    def __init__(self, server: Running, tokens: dict[str, str], inbox: Path, seconds: float) -> None:
        self.answers: dict[str, dict[str, Any]] = {}
        self.seconds: list[float] = []
        self._server, self._tokens, self._inbox = server, tokens, inbox
        dice = np.random.default_rng(0)
        names = [name for name in tokens if name != "prof"]
        self._threads = [threading.Thread(target=self._send, args=[name, dice.uniform(0, seconds)]) for name in names]

    def start(self) -> None:
        """Lets them begin."""
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        """Waits until everybody has an answer."""
        for thread in self._threads:
            thread.join()

    def _send(self, name: str, begin: float) -> None:
        time.sleep(begin)
        while name not in self.answers:
            started = time.monotonic()
            told = hand_in(self._server.url, self._tokens[name], self._inbox / name)
            if told is None:
                time.sleep(0.5)
                continue
            self.answers[name] = told
            self.seconds.append(time.monotonic() - started)


def run(root: Path, arguments: argparse.Namespace) -> tuple[float, Students, Board, Path]:
    """Seconds from the first upload to the last grade."""
    spec = Assignment(name="person", title="Is there a person in the picture?", rows=arguments.rows)
    shares = np.linspace(0.45, 0.95, arguments.students)
    course = make_class(root, {f"s{n:04d}": int(share * arguments.rows) for n, share in enumerate(shares)}, spec=spec)
    board = open_board(root / "board", spec)
    names = sorted(file.name for file in (course / "inbox").iterdir())
    tokens = add_tokens(board.engine, names) | add_tokens(board.engine, ["prof"], staff=True)
    server = Running(board.store.root, course, ("--workers", str(arguments.workers)))
    with server:
        students = Students(server, tokens, course / "inbox", arguments.within)
        started = time.monotonic()
        students.start()
        dice = np.random.default_rng(1)
        for number in range(arguments.kills):
            time.sleep(dice.uniform(0, arguments.within / max(1, arguments.kills)))
            server.kill()
            seconds, answered = time.monotonic() - started, len(students.answers)
            say(f"  killed {number + 1} of {arguments.kills} after {seconds:.0f} s, {answered} answered")
            server.start()
        students.wait()
        say(f"  everybody has an answer after {time.monotonic() - started:.0f} s")
        wait_for_grades(server.url, tokens["prof"])
        seconds = time.monotonic() - started
        server.stop()
    return seconds, students, board, course


def prove(students: Students, board: Board, course: Path) -> None:
    """What has to hold afterwards.

    Raises:
        SystemExit: It does not.
    """
    kept = hand_ins.accepted(board.engine)
    answered = {name: told["id"] for name, told in students.answers.items()}
    secrets = Secrets(
        labels=str(course / "labels.parquet"),
        ledger=str(board.store.root / "ledger.sqlite"),
        key=str(course / "ledger.key"),
    )
    ours = grade_class(board, secrets, course / "ours", workers=1)
    by_hand = grade(
        *(course / "inbox",), assignment=board.assignment, labels=secrets.labels, out=course / "theirs", workers=1
    )
    with Ledger.open(secrets.ledger, key=read_key(secrets.key), read_only=True) as ledger:
        broken = audit(ledger).broken
    told = ("student", "status", "points", "rank", "correct", "auc", "brier", "public_correct")
    grades = [[{name: row[name] for name in told} for row in graded.records()] for graded in (ours, by_hand)]
    proofs = {
        "everybody was answered 200 or 201": {each["status"] for each in students.answers.values()} <= {200, 201},
        "nothing is lost or counted twice": {name: [each.id for each in tries] for name, tries in kept.items()}
        == {name: [identifier] for name, identifier in answered.items()},
        "nothing was decided twice": ours.new_decisions == 0,
        "the grades are those of cnnkit grade": grades[0] == grades[1],
        "the ledger holds": broken is None,
        "no left-over": {file.name for file in board.store.files.glob("??/*")} == hand_ins.kept_files(board.engine),
    }
    for proof, holds in proofs.items():
        say(f"  {proof}: {'yes' if holds else 'NO'}")
    if not all(proofs.values()):
        raise SystemExit("the board does not hold")


def main() -> None:
    """Runs the rounds and prints the result."""
    arguments = options(__doc__, students=200, kills=10, rows=20_000, workers=1, within=60).parse_args()
    started = machine()
    rounds = []
    for _ in range(arguments.rounds):
        with tempfile.TemporaryDirectory() as folder:
            seconds, students, board, course = run(Path(folder) / "course", arguments)
            rounds.append(seconds)
            waits = sorted(students.seconds)
            arguments.answer_median_seconds = round(statistics.median(waits), 2)
            arguments.answer_longest_seconds = round(waits[-1], 2)
            prove(students, board, course)
    case = f"{arguments.students} students, {arguments.kills} kills"
    seconds = statistics.median(rounds)
    row = Row(case, "the minute in which they come", arguments.within, seconds, arguments.within / seconds, None)
    report("board", [row], started=started, arguments=arguments)


if __name__ == "__main__":
    main()
