"""`kill -9` between upload and grade: what was answered as accepted is graded, and nothing is counted twice."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnkit.course.grading.audit import audit
from cnnkit.course.grading.ledger import Ledger
from cnnkit.course.grading.ledger_key import read_key
from cnnkit.course.hand_in_server import hand_ins
from cnnkit.course.hand_in_server.board import open_board
from cnnkit.course.hand_in_server.tokens import add_tokens
from tests.course.grading.inboxes import SPEC, make_class
from tests.course.hand_in_server.running import Running, hand_in, wait_for_grades

CORRECT = {f"s{number}": 110 + 10 * number for number in range(6)}


@pytest.mark.slow
def test_one_of_two_servers_killed_three_times_between_upload_and_grade(tmp_path: Path) -> None:
    course = make_class(tmp_path / "course", CORRECT)
    board = open_board(tmp_path / "board", SPEC)
    tokens = add_tokens(board.engine, list(CORRECT)) | add_tokens(board.engine, ["prof"], staff=True)
    server, other = (Running(board.store.root, course) for _ in range(2))
    answers: dict[str, dict[str, Any]] = {}

    def send(name: str, to: Running) -> None:
        told = hand_in(to.url, tokens[name], course / "inbox" / name)
        if told is not None:
            assert told["status"] in (200, 201)
            assert answers.setdefault(name, told)["id"] == told["id"]  # sent again, it is the same one

    dice = np.random.default_rng(0)
    with server, other:
        for number, waits in enumerate(((0.0, 0.3), (0.5, 2.0), (2.0, 4.0))):  # while it comes, is checked, is graded
            if number:
                server.start()
            threads = [threading.Thread(target=send, args=[name, server]) for name in CORRECT if name not in answers]
            for thread in threads:
                thread.start()
            time.sleep(dice.uniform(*waits))
            server.kill()
            for thread in threads:
                thread.join()
        for name in CORRECT:
            send(name, other)
        wait_for_grades(other.url, tokens["prof"])  # the lock of the killed grader is free
        assert other.stop() == 0

    students = hand_ins.accepted(board.engine)
    assert {name: [each.id for each in tries] for name, tries in students.items()} == {
        name: [answers[name]["id"]] for name in CORRECT
    }
    results = {name: each.result.correct for name, (each,) in students.items() if each.result}
    assert results == CORRECT
    named = hand_ins.kept_files(board.engine)
    board.store.sweep(lambda: named)  # as the next server does that starts
    assert {file.name for file in board.store.files.glob("??/*")} == named
    assert list(board.store.incoming.iterdir()) == []
    with Ledger.open(board.store.root / "ledger.sqlite", key=read_key(course / "ledger.key"), read_only=True) as ledger:
        assert audit(ledger).broken is None
        assert len(list(ledger.records(kind="decision"))) == len(CORRECT)
