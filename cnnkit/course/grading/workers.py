"""Several workers at once: each task is answered once, whatever becomes of the process that had it."""

from __future__ import annotations

import json
import os
import queue
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, cast

import cnnkit
from cnnkit.course.grading.verdict import Verdict, broken, grader_version
from cnnkit.course.submissions.submission import Submission
from cnnkit.errors import InputError
from cnnkit.workers import Workers, require_same

START_SECONDS = 300.0
UNREAD = "unread"
"""The fingerprint of a submission that took its worker down before it was read."""


@dataclass(frozen=True)
class Task:
    """A submission to grade.

    Attributes:
        number: Its place among the tasks.
        submission: What was handed in.
        known: Fingerprints that need not be graded again.
    """

    number: int
    submission: Submission
    known: Sequence[str] = ()


@dataclass(frozen=True)
class Answer:
    """What became of a task.

    Attributes:
        task: The task.
        fingerprint: Of the submission.
        verdict: What it came to; None where the fingerprint was known.
    """

    task: Task
    fingerprint: str
    verdict: Verdict | None


@dataclass(frozen=True)
class GradingWork:
    """What a worker of a cluster does with a task: it gives it to a grading process of its own.

    Attributes:
        setup: See `worker.setup`.
        seconds: How long one task may take.
        version: Of the code that decides, where the tasks are given.
    """

    setup: Mapping[str, Any]
    seconds: float
    version: str

    def start(self) -> Callable[[Task], Answer]:
        """What answers a task.

        Raises:
            InputError: This machine would decide by other code.
        """
        require_same({"grader": self.version}, {"grader": grader_version()})
        return _Worker(self.setup, self.seconds).answer


def answers(
    tasks: Iterable[Task], setup: Mapping[str, Any], *, workers: int | Workers, seconds: float
) -> Iterator[Answer]:
    """Gives tasks to workers and yields what they say, in the order in which they finish.

    Args:
        tasks: Taken as they are needed.
        setup: See `worker.setup`.
        workers: How many processes, or those of a cluster.
        seconds: How long one task may take; then its worker is killed with all that it started, and replaced.

    Raises:
        InputError: The workers cannot start.
    """
    if not isinstance(workers, int):
        work = GradingWork(setup, seconds, grader_version())
        named = ((f"the submission of {task.submission.student}", task) for task in tasks)
        yield from workers.told(work).map(named)
        return
    waiting = iter(tasks)
    lock, stop = threading.Lock(), threading.Event()
    done: queue.Queue[Answer | Exception | None] = queue.Queue(maxsize=4 * workers)

    def take() -> Task | None:
        with lock:
            return None if stop.is_set() else next(waiting, None)

    def serve() -> None:
        try:
            worker = _Worker(setup, seconds)
            try:
                while (task := take()) is not None:
                    done.put(worker.answer(task))
            finally:
                worker.close()
            done.put(None)
        except Exception as error:
            done.put(error)

    threads = [threading.Thread(target=serve, daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    try:
        running = workers
        while running:
            answer = done.get()
            if isinstance(answer, Exception):
                raise answer
            if answer is None:
                running -= 1
            else:
                yield answer
    finally:
        stop.set()
        while any(thread.is_alive() for thread in threads):
            with suppress(queue.Empty):
                done.get(timeout=0.05)


class _Worker:
    """One worker process, started anew when it ends."""

    def __init__(self, setup: Mapping[str, Any], seconds: float) -> None:
        self._setup = setup
        self._seconds = seconds
        self._start()

    def answer(self, task: Task) -> Answer:
        """What the worker says to a task; where it says nothing, that it crashed or timed out."""
        fingerprint = UNREAD
        deadline = time.monotonic() + self._seconds
        try:
            self._send({"place": asdict(task.submission.place), "known": list(task.known)})
            said = self._receive(deadline)
            if "fingerprint" in said:
                fingerprint = said["fingerprint"]
                said = self._receive(deadline)
            verdict = said["verdict"]
            return Answer(task, fingerprint, None if verdict is None else Verdict.from_json(verdict))
        except TimeoutError:
            failure = broken("timed out", f"none within {self._seconds:.0f} s")
            self._end()
        except (OSError, EOFError):
            failure = broken("crashed", f"none: the grading process ended with status {self._end(patience=1)}")
        self._start()
        return Answer(task, fingerprint, failure)

    def close(self) -> None:
        """Lets the worker end by itself, and sees to it."""
        with suppress(OSError):
            self._input.close()
        self._end(patience=10)

    def _start(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603  (our own module)
            [sys.executable, "-c", _PROGRAM, str(Path(cnnkit.__file__).parents[1])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )
        self._input, self._output = cast("IO[bytes]", self._process.stdin), cast("IO[bytes]", self._process.stdout)
        self._unread = b""
        try:
            self._send(self._setup)
            self._receive(time.monotonic() + START_SECONDS)
        except (OSError, EOFError) as error:
            received = f"one that ended with status {self._end(patience=1)}"
            raise InputError("a grading process that starts", received, "Is the machine out of memory?") from error

    def _send(self, value: Mapping[str, Any]) -> None:
        self._input.write(json.dumps(value).encode() + b"\n")
        self._input.flush()

    def _receive(self, deadline: float) -> dict[str, Any]:
        """The next line.

        Raises:
            TimeoutError: None came in time.
            EOFError: The process ended.
            InputError: It says that it cannot work on this machine.
        """
        while b"\n" not in self._unread:
            if not select.select([self._output], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError
            part = os.read(self._output.fileno(), _CHUNK)
            if not part:
                raise EOFError
            self._unread += part
        line, _, self._unread = self._unread.partition(b"\n")
        said: dict[str, Any] = json.loads(line)
        if "refused" in said:
            self._end()
            raise InputError(*said["refused"])
        return said

    def _end(self, patience: float = 0) -> int:
        """Waits for the process for some seconds, then kills it and its group; its exit status."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=patience)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        status = self._process.wait()
        for stream in (self._input, self._output):
            with suppress(OSError):
                stream.close()
        return status


_PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from cnnkit.course.grading.worker import main; main()"
_CHUNK = 1 << 16
