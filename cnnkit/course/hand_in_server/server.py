"""`cnnkit board serve`: the web server and its grader, started and stopped together."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import cnnkit
from cnnkit.course.hand_in_server.app import application
from cnnkit.course.hand_in_server.board import LEDGER_FILE, PER_DAY, open_board
from cnnkit.course.hand_in_server.checks import Checks
from cnnkit.course.hand_in_server.grader_settings import GraderSettings, Secrets
from cnnkit.errors import InputError, missing_extra

try:
    import uvicorn
except ImportError as error:  # pragma: no cover
    raise missing_extra("uvicorn", "board", "the hand-in server") from error

if TYPE_CHECKING:
    from fastapi import FastAPI

RESTART_SECONDS = 2.0
REFUSED_SECONDS = 60.0
STOP_SECONDS = 30
MOST_CONNECTIONS = 1_000


def _silent(url: str) -> None:
    """Tells nobody."""


@dataclass(frozen=True)
class Address:
    """Where a server listens.

    Attributes:
        host: This machine only, by default.
        port: Of TCP.
        proxies: Addresses of reverse proxies whose X-Forwarded-Proto and X-Forwarded-For are believed; none by default.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    proxies: tuple[str, ...] = ()


def serve(
    folder: str | Path,
    *,
    assignment: str | Path,
    secrets: Secrets,
    address: Address = Address(),
    database: str | None = None,
    per_day: int = PER_DAY,
    workers: int = 1,
    require_isolation: str | None = None,
    ready: Callable[[str], None] = _silent,
) -> None:
    """Serves until it is told to stop; what was taken is answered before.

    Args:
        folder: For files, database and ledger; several servers may share it.
        assignment: Its folder.
        secrets: Labels and what else only the grader reads; its `ledger` may be "", for the folder's or the database's.
        address: Where it listens.
        database: `postgresql://user@host/name`; a file in the folder by default.
        per_day: How many hand-ins of a student count on one day.
        workers: How many uploads are checked, and how many graded, at once.
        require_isolation: The weakest isolation that is good enough.
        ready: Is called with the URL once requests are answered.

    Raises:
        InputError: The address is taken, no assignment, or an isolation that does not work here.
        DataError: Labels or a database that cannot be used.
    """
    board = open_board(folder, assignment, database=database, per_day=per_day)
    ledger = secrets.ledger or database or str(board.store.root / LEDGER_FILE)
    given = GraderSettings(
        folder=str(board.store.root),
        assignment=str(Path(assignment).resolve()),
        database=database,
        secrets=replace(secrets, ledger=ledger),
        workers=workers,
        require=require_isolation,
    )
    checks = Checks(board.assignment, workers=workers, require=require_isolation)
    with closing(checks), GraderProcess(given) as grader:  # both start at once
        checks.wait()
        app = application(replace(board, wake=grader.wake), checks)
        with _listening(address) as listener:
            ready(f"http://{address.host}:{listener.getsockname()[1]}")
            with _ending_well():
                uvicorn.Server(configured(app, address)).run(sockets=[listener])


def configured(app: FastAPI, address: Address) -> uvicorn.Config:
    """How uvicorn runs an application: no header of a proxy is believed but those of the address's."""
    return uvicorn.Config(
        app,
        proxy_headers=bool(address.proxies),
        forwarded_allow_ips=",".join(address.proxies),
        server_header=False,
        access_log=False,
        log_level="warning",
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


def _listening(address: Address) -> socket.socket:
    """A socket of that address; who connects from now on is answered when the server is ready.

    Raises:
        InputError: The address is taken, or not one of this machine.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family, backlog=2_048)
    except OSError as error:
        raise InputError(
            f"a free address {address.host}:{address.port}", error.strerror or str(error), "Name another --port."
        ) from error


@contextmanager
def _ending_well() -> Iterator[None]:
    """SIGTERM is the way to stop: when everything is answered uvicorn sends it once more, which would kill us here."""

    def stop(*_: object) -> None:
        sys.exit(0)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class GraderProcess:
    """The grader, started anew when it ends; after a longer while when it says that it cannot work.

    Args:
        given: What it works on.

    Raises:
        InputError: It says that it cannot work.
    """

    def __init__(self, given: GraderSettings) -> None:
        self._given = given
        self._stop = threading.Event()
        self._start()
        self._watch = threading.Thread(target=self._restart, daemon=True)
        self._watch.start()

    def __enter__(self) -> GraderProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wake(self) -> None:
        """Says that there is something to do."""
        with suppress(OSError, ValueError):
            self._input.write(b"\n")
            self._input.flush()

    def close(self) -> None:
        """Lets it finish what it is doing, and sees to it."""
        self._stop.set()
        self._end()
        self._watch.join()
        self._end()  # the one that was being started meanwhile

    def _start(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603  (our own module)
            [sys.executable, "-c", _PROGRAM, str(Path(cnnkit.__file__).parents[1])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the server, which then ends this
        )
        self._input = cast("IO[bytes]", self._process.stdin)
        self._input.write(self._given.to_json().encode() + b"\n")
        self._input.flush()
        line = cast("IO[bytes]", self._process.stdout).readline()
        said = json.loads(
            line or b'{"refused": ["a grader that starts", "one that ended", "Read its messages above."]}'
        )
        if "refused" in said:
            self._process.wait()
            raise InputError(*said["refused"])

    def _end(self) -> None:
        with suppress(OSError):
            self._input.close()
        try:
            self._process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        cast("IO[bytes]", self._process.stdout).close()

    def _restart(self) -> None:
        while not self._stop.is_set():
            self._process.wait()
            if self._stop.wait(RESTART_SECONDS):
                return
            print("cnnkit: the grader ended; it is started again", file=sys.stderr, flush=True)
            for stream in (self._input, cast("IO[bytes]", self._process.stdout)):
                with suppress(OSError):
                    stream.close()
            with suppress(InputError, OSError):
                self._start()
                continue
            self._stop.wait(REFUSED_SECONDS)


_PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from cnnkit.course.hand_in_server.grader import main; main()"
