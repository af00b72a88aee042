"""From uploads to grades: the same as `cnnkit grade` over the same files, on the board and in the gradebooks."""

from __future__ import annotations

import json
import zipfile
from contextlib import closing
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from cnnkit.course.grading.batch import grade
from cnnkit.course.grading.graded import Graded
from cnnkit.course.grading.grades_file import read_grades_file
from cnnkit.course.grading.ledger import Ledger
from cnnkit.course.grading.ledger_key import read_key
from cnnkit.course.hand_in_server import grader as grading
from cnnkit.course.hand_in_server import hand_ins, settings
from cnnkit.course.hand_in_server.board import Board, open_board
from cnnkit.course.hand_in_server.tables import HAND_INS, writing
from cnnkit.errors import DataError
from tests.course.grading.inboxes import SPEC
from tests.course.hand_in_server.conftest import BAD, CORRECT, Site, form_of, grader_settings, make_grader
from tests.course.hand_in_server.files import files_of

TOLD = ("student", "status", "points", "rank", "correct", "rows", "accuracy", "auc", "public_correct", "findings")


@pytest.fixture(scope="module")
def by_hand(course: Path, tmp_path_factory: pytest.TempPathFactory) -> Graded:
    """What `cnnkit grade` says of the inbox."""
    out = tmp_path_factory.mktemp("out")
    return grade(
        course / "inbox", assignment=SPEC, labels=course / "labels.parquet", out=out, key=out / "key", workers=1
    )


def test_a_class_from_upload_to_gradebooks(site: Site, course: Path, by_hand: Graded, tmp_path: Path) -> None:
    for name in (*CORRECT, *BAD):
        site.program(name).post("/attempts", files=files_of(course / "inbox" / name))
    grader = make_grader(site.board, course)
    try:
        assert grader.work()
        assert not grader.work()
        decided = {each.student.student: each for each in by_hand.students}
        students = hand_ins.accepted(site.board.engine)
        assert set(students) == set(CORRECT)
        for name, (each,) in students.items():
            verdict = decided[name].verdict
            assert verdict is not None
            assert verdict.score is not None
            assert each.result is not None
            assert (each.result.correct, each.result.rows) == (CORRECT[name], SPEC.rows)
            assert each.result.public_correct == verdict.score.public_correct
            assert each.result.pseudonym == decided[name].pseudonym
        board = site.program("bo").get("/leaderboard").json()
        assert {line["who"] for line in board} == {
            each.result.pseudonym for (each,) in students.values() if each.result
        }
        page = site.browser("bo").get("/leaderboard").text
        assert not [name for name in CORRECT if f">{name}<" in page.replace('class="who">bo<', "")]
        assert page.count("you</span>") == 1

        prof = site.browser("prof", staff=True)
        assert "92.5 %" in prof.get("/staff").text  # 185 of 200
        shown = prof.post("/staff/exports", data={"form": form_of(prof)})
        assert "being written" in shown.text
        assert grader.work()
        path = next(line.split('"')[1] for line in prof.get("/staff").text.split("<a href=") if ".zip" in line)
        (tmp_path / "grades.zip").write_bytes(prof.get(path).content)
    finally:
        grader.close()
    with zipfile.ZipFile(tmp_path / "grades.zip") as archive:
        archive.extractall(tmp_path / "grades")
    records, _ = read_grades_file(tmp_path / "grades")
    ours = {row["student"]: {name: row[name] for name in TOLD} for row in records}
    theirs = {
        row["student"]: {name: row[name] for name in TOLD} for row in by_hand.records() if row["student"] in CORRECT
    }
    assert ours == theirs
    assert {"report.html", "nbgrader.csv", "submissions.csv"} <= {file.name for file in (tmp_path / "grades").iterdir()}
    ledger = site.board.store.root / "ledger.sqlite"
    with Ledger.open(ledger, key=read_key(site.board.store.root.parent / "ledger.key"), read_only=True) as book:
        assert book.verify().broken is None
        assert len(list(book.records(kind="decision"))) == len(CORRECT)


def test_files_that_changed_on_the_disk_get_no_score_and_are_graded_again_when_they_are_back(
    site: Site, course: Path
) -> None:
    told = site.program("ada").post("/attempts", files=files_of(course / "inbox" / "ada")).json()
    stored = site.board.store.path(told["files"]["predictions.parquet"]["sha256"])
    good = stored.read_bytes()
    stored.chmod(0o600)
    stored.write_bytes((course / "inbox" / "bo" / "predictions.parquet").read_bytes())
    grader = make_grader(site.board, course)
    try:
        grader.work()
        (damaged,) = hand_ins.of_student(site.board.engine, "ada")
        assert damaged.result is not None
        assert (damaged.result.outcome, damaged.result.correct) == ("crashed", None)
        assert "not those that were handed in" in site.browser("prof", staff=True).get("/staff").text
        stored.write_bytes(good)
        prof = site.browser("prof", staff=True)
        prof.post("/staff/regrade", data={"form": form_of(prof), "id": told["id"]})
        assert grader.work()
    finally:
        grader.close()
    (mended,) = hand_ins.of_student(site.board.engine, "ada")
    assert mended.result is not None
    assert (mended.result.outcome, mended.result.correct) == ("passed", CORRECT["ada"])


def test_with_other_labels_or_rules_everything_is_graded_again(site: Site, course: Path) -> None:
    site.program("ada").post("/attempts", files=files_of(course / "inbox" / "ada"))
    (waiting,) = hand_ins.ungraded(site.board.engine, "now")
    result = hand_ins.Result("passed", "key", "anon", 1, 2, 1, 2)
    hand_ins.set_result(site.board.engine, waiting.id, result, "now")
    assert hand_ins.ungraded(site.board.engine, "now") == []
    assert [each.id for each in hand_ins.ungraded(site.board.engine, "with other labels")] == [waiting.id]


def test_it_is_ready_once_the_ledger_holds(board: Board, course: Path, monkeypatch, capsys) -> None:
    refusal = ("a ledger that nobody changed", "record 1", "Put back a copy.")

    def broken(*_: object) -> None:
        raise DataError(*refusal)

    monkeypatch.setattr(grading, "open_verified", broken)
    monkeypatch.setattr("sys.stdin", StringIO(f"{grader_settings(board, course).to_json()}\n" * 2))
    for _ in range(2):
        grading.main()
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [{"refused": [*refusal]}] * 2
    (event,) = settings.events(board.engine)
    assert (event.person, "record 1" in event.text) == ("the grader", True)


def test_what_fails_is_told_once_and_tried_again_after_a_longer_while(board: Board, monkeypatch) -> None:
    waits: list[float] = []

    def work() -> bool:
        if len(waits) == 1:
            return False
        raise DataError("a table", "none", "Look.")

    def lives(seconds: float) -> bool:
        waits.append(seconds)
        return len(waits) < 4

    monkeypatch.setattr(grading, "_parent_lives", lives)
    grading._work(cast("grading.Grader", SimpleNamespace(work=work)), board)
    assert waits == [0, grading.POLL_SECONDS, *[grading.FAILED_SECONDS] * 2]
    assert len(settings.events(board.engine)) == 1


def test_an_export_that_fails_somehow_is_told_and_not_taken_up_again(board: Board, course: Path, monkeypatch) -> None:
    def failing(*_: object, **__: object) -> None:
        raise RuntimeError("something odd")

    monkeypatch.setattr(grading, "export", failing)
    settings.request_export(board.engine, "ab", person="prof")
    with closing(make_grader(board, course)) as grader:
        assert [grader.work(), grader.work()] == [True, False]
    (wish,) = settings.exports(board.engine)
    assert "something odd" in str(wish.failure)


def test_two_servers_on_one_postgresql(course: Path, checks, postgresql: str, tmp_path: Path) -> None:
    """What one accepts the other knows: its attempts, its sessions, its settings."""
    from fastapi.testclient import TestClient

    from cnnkit.course.hand_in_server.app import application

    boards = [open_board(tmp_path / "board", SPEC, database=postgresql, per_day=1) for _ in range(2)]
    with writing(boards[0].engine) as connection:
        connection.execute(HAND_INS.delete())
    apps = [application(board, checks) for board in boards]
    sites = [Site(board, lambda app=app: TestClient(app)) for board, app in zip(boards, apps, strict=True)]  # type: ignore[misc]
    token = sites[0].token("ada")
    sites[1].tokens["ada"] = token
    answer = sites[0].program("ada").post("/attempts", files=files_of(course / "inbox" / "ada"))
    assert answer.status_code == 201
    assert sites[1].program("ada").get(f"/attempts/{answer.json()['id']}").json() == answer.json()
    assert sites[1].program("ada").post("/attempts", files=files_of(course / "inbox" / "bo")).status_code == 429
    for board in boards:
        board.engine.dispose()
