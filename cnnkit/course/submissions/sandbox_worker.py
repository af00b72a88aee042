"""What runs inside a sandbox: a server that forks one limited process for each file, so that each costs milliseconds.

The server imports what the jobs need once and never looks at a student's bytes. A process of its own does: it holds
one open file and one pipe, may use so much memory and time, and can reach nothing else.

A job is a function `(file, arguments) -> (value for JSON, bytes)`.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from cnnkit.course.submissions import seccomp

Job = Callable[[BinaryIO, dict[str, Any]], tuple[Any, bytes]]

# What goes to and fro, little-endian: a request's or an answer's length; and how a process ended: exit status, seconds
# of CPU time, and the most memory it had, in bytes.
LENGTH = struct.Struct("<I")
ENDING = struct.Struct("<idQ")

NAMESPACES = ("user", "net", "pid", "mnt", "ipc", "uts")
STANDARD_STREAMS = 3
FAILED = 1
KILOBYTE = 1 if sys.platform == "darwin" else 1024  # in which the kernel counts the most memory


@dataclass(frozen=True)
class Allowance:
    """What one process may use.

    Attributes:
        seconds: Of CPU time.
        memory_bytes: Beyond what the server's imports take.
    """

    seconds: int
    memory_bytes: int


def namespaces() -> dict[str, int]:
    """The kernel's numbers of the namespaces that this process is in; empty where there are none to be seen."""
    there = {name: Path("/proc/self/ns", name) for name in NAMESPACES}
    return {name: path.stat().st_ino for name, path in there.items() if path.exists()}


def serve(control: socket.socket, jobs: dict[str, str]) -> None:
    """Answers requests until the other side hangs up.

    Args:
        control: Brings requests, each with the file to read and the pipe for the answer, and takes exit statuses.
        jobs: Name → `"module:function"`.
    """
    loaded = {name: _load(place) for name, place in jobs.items()}
    gc.freeze()  # else the first collection of each fork copies every page
    filtered = _forked(_try_the_filter)[0] == 0
    hello = json.dumps({"namespaces": namespaces(), "seccomp": filtered}).encode()
    control.sendall(LENGTH.pack(len(hello)) + hello)
    while True:
        header, descriptors, _, _ = socket.recv_fds(control, LENGTH.size, 2, socket.MSG_WAITALL)
        if len(header) < LENGTH.size:
            return
        request = json.loads(control.recv(LENGTH.unpack(header)[0], socket.MSG_WAITALL))
        source, answer = descriptors
        work = partial(_work, loaded[request["job"]], request["arguments"], source=source, answer=answer)
        confine = partial(_confine, Allowance(**request["allowance"]), filtered=filtered, keep=(source, answer))
        status, usage = _forked(partial(work, confine))
        os.close(source)
        os.close(answer)
        control.sendall(ENDING.pack(status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * KILOBYTE))


def _load(place: str) -> Job:
    module, name = place.split(":")
    job: Job = getattr(importlib.import_module(module), name)
    return job


def _forked(task: Callable[[], None]) -> tuple[int, resource.struct_rusage]:
    """Runs a task in a process of its own; its exit code, or minus the signal that ended it, and what it used."""
    child = os.fork()
    if child == 0:
        try:
            task()
        except BaseException:
            os._exit(FAILED)
        os._exit(0)
    _, status, usage = os.wait4(child, 0)
    return os.waitstatus_to_exitcode(status), usage


def _try_the_filter() -> None:
    if not seccomp.available():
        os._exit(FAILED)
    seccomp.install()
    try:
        os.open(os.devnull, os.O_RDONLY)
    except PermissionError:
        return
    os._exit(FAILED)


def _work(job: Job, arguments: dict[str, Any], confine: Callable[[], None], *, source: int, answer: int) -> None:
    try:
        with open(source, "rb", buffering=0, closefd=False) as file:
            confine()
            file.seek(0)
            value, data = job(file, arguments)
        text = json.dumps(value).encode()
        _write(answer, LENGTH.pack(len(text)) + text + data)
    except BaseException as error:
        _write(answer, f"{type(error).__name__}: {error}".encode(errors="replace"))
        raise


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _confine(allowance: Allowance, *, filtered: bool, keep: tuple[int, int]) -> None:
    """Gives up everything but two open files, and some memory and time."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(STANDARD_STREAMS):
        os.dup2(nothing, stream)
    first, second = sorted(keep)
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    for low, high in ((STANDARD_STREAMS, first), (first + 1, second), (second + 1, most)):
        os.closerange(low, high)
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_NOFILE: 0,
    }
    if sys.platform == "linux":
        limits[resource.RLIMIT_AS] = _address_space() + allowance.memory_bytes
    for what, amount in limits.items():
        resource.setrlimit(what, (amount, amount))
    # At the first the kernel sends SIGXCPU, which tells a time-out from other ends; at the second SIGKILL.
    resource.setrlimit(resource.RLIMIT_CPU, (allowance.seconds, allowance.seconds + 1))
    if filtered:
        seccomp.install()


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()


def main(descriptor: int, jobs: str) -> None:
    """Serves on a socket that the parent left open.

    Args:
        descriptor: Of the socket.
        jobs: As in `serve`, in JSON.
    """
    with socket.socket(fileno=descriptor) as control:
        serve(control, json.loads(jobs))
