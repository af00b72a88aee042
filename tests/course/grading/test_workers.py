"""Workers that die, hang or cannot work: every task gets an answer, and the others go on."""

from __future__ import annotations

import pytest

from cnnkit.course.grading import workers
from cnnkit.course.grading.verdict import Verdict
from cnnkit.course.grading.workers import UNREAD, Task, answers
from cnnkit.course.submissions.place import Place
from cnnkit.course.submissions.submission import Submission
from cnnkit.errors import InputError

# Speaks like `worker.main`, and does what the submission's folder is called.
STAND_IN = """
import json, os, sys, time
json.loads(sys.stdin.readline())
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    task = json.loads(line)
    name = task["place"]["root"]
    if name == "dies early":
        os.abort()
    print(json.dumps({"fingerprint": "f " + name}), flush=True)
    if name == "dies":
        os.abort()
    if name == "hangs":
        time.sleep(1000)
    verdict = {"outcome": "refused", "findings": [], "digests": {}, "score": None, "isolation": name}
    print(json.dumps({"verdict": None if "f " + name in task["known"] else verdict}), flush=True)
"""


def run(names: list[str], *, count: int = 2, seconds: float = 60, known: tuple[str, ...] = ()) -> dict[str, object]:
    tasks = [Task(number, Submission(name, Place(name)), known) for number, name in enumerate(names)]
    found = list(answers(tasks, {}, workers=count, seconds=seconds))
    assert sorted(answer.task.number for answer in found) == list(range(len(names)))
    return {answer.task.submission.student: answer for answer in found}


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_PROGRAM", STAND_IN)


@pytest.mark.parametrize("count", [1, 3])
def test_a_worker_that_dies_is_replaced_and_its_task_recorded_as_a_crash(count: int) -> None:
    found = run(["a", "dies", "b", "dies early", "c"], count=count)
    assert {name: (answer.fingerprint, answer.verdict.outcome) for name, answer in found.items()} == {
        "a": ("f a", "refused"),
        "dies": ("f dies", "crashed"),
        "b": ("f b", "refused"),
        "dies early": (UNREAD, "crashed"),
        "c": ("f c", "refused"),
    }
    assert "status -6" in str(found["dies"].verdict.findings[0])
    assert found["a"].verdict == Verdict("refused", isolation="a")


def test_a_task_that_takes_too_long_is_a_time_out() -> None:
    found = run(["a", "hangs", "b"], count=1, seconds=2)
    assert [found[name].verdict.outcome for name in ("a", "hangs", "b")] == ["refused", "timed out", "refused"]


def test_what_is_known_is_not_judged() -> None:
    found = run(["a", "b"], known=("f a",))
    assert found["a"].verdict is None
    assert found["b"].verdict is not None


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import sys; sys.exit(3)", "status 3"),
        ('print(\'{"refused": ["bubblewrap", "none", "Install it."]}\', flush=True); input()', "bubblewrap"),
    ],
)
def test_workers_that_cannot_work_stop_everything_at_once(
    monkeypatch: pytest.MonkeyPatch, program: str, message: str
) -> None:
    monkeypatch.setattr(workers, "_PROGRAM", program)
    with pytest.raises(InputError, match=message):
        run(["a", "b", "c"])


def test_nobody_waits_for_who_stops_listening() -> None:
    tasks = [Task(number, Submission(str(number), Place("a"))) for number in range(100)]
    walk = answers(tasks, {}, workers=2, seconds=60)
    next(walk)
    walk.close()


def test_no_tasks_need_no_workers() -> None:
    assert run([], count=0) == {}
