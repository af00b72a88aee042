"""Throw-away processes for whatever parses a student's bytes with C code.

    with Sandbox.open() as sandbox:
        answer = sandbox.call("weights", file, {"expected": …}, reply=WeightsReply, limits=CallLimits())

A server (`sandbox_worker`) starts once, isolated; it forks one limited process a call. That process gets an open file
and a pipe, never a path: no file of this machine, no network and no label is in its reach. What it answers is capped in
size and validated here. When it takes too long, the server and all below it are killed, and the next call starts anew.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ValidationError

import cnnkit
from cnnkit.course.submissions.isolation import REMEDY, Isolation, candidates, installed, isolated
from cnnkit.course.submissions.sandbox_worker import ENDING, LENGTH, Allowance, namespaces
from cnnkit.errors import InputError

JOBS = {
    job: f"cnnkit.course.submissions.gate_jobs:{job}"
    for job in ("model", "predictions", "script", "notebook", "weights")
}

START_SECONDS = 300.0
PIPE_BYTES = 65_536
PATIENCE = 6  # wall seconds for a second of CPU time: a loaded machine must not change a result

ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "PATH": os.defpath,
    "OPENBLAS_NUM_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # the other pools reserve address space by the gigabyte
    "JE_ARROW_MALLOC_CONF": "background_thread:false",  # whoever forks has one thread, or copies locks that stay shut
    "HDF5_PLUGIN_PRELOAD": "::",  # HDF5's word for: load no filters from shared libraries
    "HDF5_USE_FILE_LOCKING": "FALSE",
    "NBFORMAT_VALIDATOR": "jsonschema",  # the other one writes and compiles code for each schema: 0.2 s
}

Outcome = Literal["answered", "timed out", "crashed"]
ReplyT = TypeVar("ReplyT", bound=BaseModel)


@dataclass(frozen=True)
class CallLimits:
    """What one call may cost.

    Attributes:
        seconds: Of CPU time; `PATIENCE` times as much on the clock.
        memory_bytes: Beyond what the server's imports take.
        reply_bytes: Size of the answer's JSON.
        data_bytes: Size of the raw bytes that come with it.
    """

    seconds: int = 20
    memory_bytes: int = 2_000_000_000
    reply_bytes: int = 4_000_000
    data_bytes: int = 0


@dataclass(frozen=True)
class Answer(Generic[ReplyT]):
    """What came back from a throw-away process.

    Attributes:
        outcome: `"answered"`, or how it ended instead.
        value: The validated reply, if it answered.
        data: The raw bytes that came with it.
        detail: Why it did not answer; printable.
        seconds: Of CPU time that it took, as the kernel counts them; 0 where it was ended from outside.
        peak_bytes: The most memory that it had, what it shares with its server included.
    """

    outcome: Outcome
    value: ReplyT | None = None
    data: bytes = b""
    detail: str = ""
    seconds: float = field(default=0.0, compare=False)
    peak_bytes: int = field(default=0, compare=False)


class Sandbox(AbstractContextManager["Sandbox", None]):
    """A server of throw-away processes; `Sandbox.open` makes one. Not for two threads at once."""

    def __init__(self, isolations: Sequence[Isolation], jobs: Mapping[str, str], modules: Sequence[Path]) -> None:
        self._isolations = tuple(isolations)  # to be tried in this order; the one that works stays alone
        self._jobs = dict(jobs)
        self._modules = tuple(modules)
        self._server: _Server | None = self._started()

    @classmethod
    def open(
        cls,
        *,
        isolation: str = "auto",
        require: str | None = None,
        jobs: Mapping[str, str] = JOBS,
        modules: Sequence[Path] = (),
    ) -> Self:
        """A sandbox whose server is already starting; it is ready when it is first needed.

        Args:
            isolation: `"bubblewrap"`, `"namespaces"`, `"limits"`, or `"auto"` for the strongest that works here.
            require: The weakest that is good enough; None for any.
            jobs: Name → `"module:function"`, see `sandbox_worker`.
            modules: Folders to import them from, besides this installation.

        Raises:
            InputError: No such isolation, or no tool for it is installed.
        """
        return cls(candidates(isolation, require), jobs, modules)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the server and whatever it started."""
        if self._server is not None:
            self._server.kill()
            self._server = None

    @property
    def isolation(self) -> str:
        """What is in force, as measured from inside: `"bubblewrap: user, net, pid, …, seccomp, resource limits"`.

        Raises:
            InputError: Nothing that was asked for works on this machine.
        """
        return self._ready().measured

    def call(
        self,
        job: str,
        file: int,
        arguments: Mapping[str, Any],
        *,
        reply: type[ReplyT],
        limits: CallLimits = CallLimits(),
    ) -> Answer[ReplyT]:
        """Runs a job on an open file in a process of its own.

        Args:
            job: Its name.
            file: Descriptor of the file, readable; the process starts reading at its beginning.
            arguments: What else the job needs, as JSON values.
            reply: What the answer has to be.
            limits: What it may cost.

        Raises:
            InputError: Nothing that was asked for works on this machine.
        """
        server = self._ready()
        answer = server.call(job, file, dict(arguments), reply, limits)
        if not server.alive:
            self.close()
        return answer

    def _started(self) -> _Server:
        return _Server(self._isolations[0], self._jobs, self._modules)

    def _ready(self) -> _Server:
        """The server, once it has said hello; where it cannot start, the next isolation is tried."""
        failures = []
        while True:
            self._server = self._server or self._started()
            if self._server.hello():
                self._isolations = self._isolations[:1]
                return self._server
            failures.append(self._server.failure)
            self._server = None
            if len(self._isolations) == 1:
                raise InputError("an isolation that works on this machine", "; ".join(failures), REMEDY)
            self._isolations = self._isolations[1:]


class _Server:
    """The isolated process that forks, seen from outside."""

    def __init__(self, isolation: Isolation, jobs: Mapping[str, str], modules: Sequence[Path]) -> None:
        self.measured = ""
        self.failure = ""
        self.alive = True
        self._isolation = isolation
        self._control, theirs = socket.socketpair()
        paths = [*modules, Path(cnnkit.__file__).parents[1], *installed()]
        # Without site and the environment: no .pth file and no PYTHON variable has a say in what is imported.
        command = [sys.executable, "-I", "-S", "-c", _PROGRAM, *map(str, (theirs.fileno(), json.dumps(jobs), *paths))]
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  (our own worker)
                isolated(command, isolation, readable=modules),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=[theirs.fileno()],
                env=ENVIRONMENT,
                start_new_session=True,
            )

    def hello(self) -> bool:
        """Whether the server runs; `measured` then says how isolated it is, else `failure` why not."""
        if self.measured:
            return True
        try:
            self._control.settimeout(START_SECONDS)
            facts = json.loads(self._receive(*LENGTH.unpack(self._receive(LENGTH.size))))
        except TimeoutError as error:  # no reason to try a weaker one
            raise InputError("a sandbox that starts", f"nothing in {START_SECONDS:g} s", "Try again later.") from error
        except OSError as error:
            said = self.kill().strip().splitlines()
            self.failure = f"{self._isolation}: {said[-1] if said else error}"
            return False
        ours = namespaces()
        separate = [name for name, number in facts["namespaces"].items() if ours.get(name) != number]
        filtered = ["seccomp"] if facts["seccomp"] else []
        self.measured = f"{self._isolation}: {', '.join([*separate, *filtered, 'resource limits'])}"
        return True

    def call(
        self, job: str, file: int, arguments: dict[str, Any], reply: type[ReplyT], limits: CallLimits
    ) -> Answer[ReplyT]:
        deadline = time.monotonic() + PATIENCE * limits.seconds
        allowance = asdict(Allowance(seconds=limits.seconds, memory_bytes=limits.memory_bytes))
        request = json.dumps({"job": job, "arguments": arguments, "allowance": allowance}).encode()
        ours, theirs = os.pipe()
        try:
            try:
                socket.send_fds(self._control, [LENGTH.pack(len(request))], [file, theirs])
                self._control.sendall(request)
            finally:
                os.close(theirs)
            answer = _read(ours, LENGTH.size + limits.reply_bytes + limits.data_bytes, deadline)
            self._control.settimeout(max(deadline - time.monotonic(), 1.0))
            status, seconds, peak_bytes = ENDING.unpack(self._receive(ENDING.size))
        except TimeoutError:
            self.alive = False
            return Answer("timed out", detail=f"no answer within {PATIENCE * limits.seconds} s")
        except (OSError, _TooLongError) as error:
            self.alive = False
            return Answer("crashed", detail=str(error))
        finally:
            os.close(ours)
        return replace(_validated(answer, status, reply, limits), seconds=seconds, peak_bytes=peak_bytes)

    def kill(self) -> str:
        """Ends it and all below it; what it said on standard error."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._control.close()
        return self._process.communicate()[1].decode(errors="replace")

    def _receive(self, length: int) -> bytes:
        received = self._control.recv(length, socket.MSG_WAITALL)
        if len(received) < length:
            raise ConnectionResetError("the sandbox's server ended")
        return received


class _TooLongError(Exception):
    """The answer is longer than allowed."""


def _read(pipe: int, most: int, deadline: float) -> bytes:
    """What comes through a pipe until its end.

    Raises:
        TimeoutError: The end did not come in time.
        _TooLongError: More than `most` bytes came.
    """
    received = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while selector.select(max(deadline - time.monotonic(), 0)):
            part = os.read(pipe, PIPE_BYTES)
            if not part:
                return bytes(received)
            received += part
            if len(received) > most:
                raise _TooLongError(f"an answer of more than {most} bytes")
    raise TimeoutError


def _validated(answer: bytes, status: int, reply: type[ReplyT], limits: CallLimits) -> Answer[ReplyT]:
    if status == -signal.SIGXCPU:
        return Answer("timed out", detail=f"more than {limits.seconds} s of CPU time")
    if status < 0:
        return Answer("crashed", detail=f"ended by {signal.Signals(-status).name}")
    if status > 0:
        return Answer("crashed", detail=ascii(answer[:500].decode(errors="replace")))
    if len(answer) < LENGTH.size:
        return Answer("crashed", detail="no answer")
    (length,) = LENGTH.unpack_from(answer)
    text, data = answer[LENGTH.size :][:length], answer[LENGTH.size + length :]
    if length > limits.reply_bytes or len(text) < length or len(data) > limits.data_bytes:
        return Answer("crashed", detail="an answer of the wrong length")
    try:
        return Answer("answered", reply.model_validate_json(text, strict=True), data)
    except ValidationError as error:
        return Answer("crashed", detail=f"an answer that is none: {error.errors()[0]['msg']!a}")


_PROGRAM = """
import sys
sys.path += sys.argv[3:]
from cnnkit.course.submissions.sandbox_worker import main
main(int(sys.argv[1]), sys.argv[2])
"""
