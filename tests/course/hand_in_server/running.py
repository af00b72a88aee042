"""Servers in processes of their own, which tests and the benchmark kill; and a class that hands in to them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import psutil

from tests.course.hand_in_server.files import files_of

PATIENCE = 300.0


@dataclass
class Running:
    """`cnnkit board serve` in a process.

    Attributes:
        folder: Of the server.
        course: Assignment and labels.
        options: More of the command line.
    """

    folder: Path
    course: Path
    options: tuple[str, ...] = ()
    url: str = ""
    _process: subprocess.Popen[str] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Starts it, and waits until it says where it listens."""
        command = [sys.executable, "-m", "cnnkit", "board", "serve", str(self.folder), "--json", *self.options]
        command += ["--assignment", str(self.course / "assignment"), "--labels", str(self.course / "labels.parquet")]
        self._process = subprocess.Popen([*command, "--port", "0"], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = json.loads(self._process.stdout.readline())["url"]

    def __enter__(self) -> Running:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def kill(self) -> None:
        """`kill -9` of the server, its grader, their workers and sandboxes."""
        assert self._process is not None
        family = [psutil.Process(self._process.pid), *psutil.Process(self._process.pid).children(recursive=True)]
        for each in family:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        self._process.communicate()

    def stop(self) -> int:
        """SIGTERM; its exit status."""
        assert self._process is not None
        self._process.terminate()
        self._process.communicate(timeout=PATIENCE)
        return self._process.returncode


def hand_in(url: str, token: str, folder: Path) -> dict[str, Any] | None:
    """Uploads a folder; what the server answers, or None where it died before."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    try:
        answer = httpx2.post(f"{url}/attempts", files=files_of(folder), headers=headers, timeout=PATIENCE)
    except httpx2.TransportError:
        return None
    told: dict[str, Any] = {"status": answer.status_code, **answer.json()}
    return told


def wait_for_grades(url: str, token: str) -> None:
    """Waits until staff sees nothing that waits.

    Raises:
        TimeoutError: Something still does.
    """
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        counts = httpx2.get(f"{url}/staff", headers=headers, timeout=PATIENCE).json()["counts"]
        if not counts.get("waiting"):
            return
        time.sleep(0.5)
    raise TimeoutError(f"still waiting: {counts}")
