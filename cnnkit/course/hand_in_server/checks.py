"""The gate for uploads: a few sandboxes that stay open, and as many threads that wait for them."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from cnnkit.course.submissions.assignment import Assignment
from cnnkit.course.submissions.findings import Finding
from cnnkit.course.submissions.gate import Outcome, check
from cnnkit.course.submissions.place import Place
from cnnkit.course.submissions.private_copy import private_submission
from cnnkit.course.submissions.sandbox import Sandbox


@dataclass(frozen=True)
class Checked:
    """What the gate said of an upload.

    Attributes:
        outcome: `"passed"`, or why not.
        findings: Everything that it has to say.
        fingerprint: Of what was checked.
        hashes: sha256 of each file that was read, by its name.
    """

    outcome: Outcome
    findings: tuple[Finding, ...]
    fingerprint: str
    hashes: Mapping[str, str]


class Checks:
    """Checks uploads, a few at once.

    Args:
        assignment: What they have to be.
        workers: How many sandboxes.
        isolation: See `Sandbox.open`.
        require: The weakest isolation that is good enough.

    Raises:
        InputError: No such isolation.
    """

    def __init__(
        self, assignment: Assignment, *, workers: int, isolation: str = "auto", require: str | None = None
    ) -> None:
        self._assignment = assignment
        self._sandboxes: queue.SimpleQueue[Sandbox] = queue.SimpleQueue()
        self._opened = [Sandbox.open(isolation=isolation, require=require) for _ in range(workers)]
        for sandbox in self._opened:
            self._sandboxes.put(sandbox)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="gate")

    def wait(self) -> None:
        """Waits until the sandboxes, which start in the background, work.

        Raises:
            InputError: None of that isolation works on this machine.
        """
        for sandbox in self._opened:
            _ = sandbox.isolation

    async def check(self, place: Place) -> Checked:
        """What the gate says of the files at a place; others wait their turn meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._check, place)

    def close(self) -> None:
        """Ends the sandboxes when what is being checked is done."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        for sandbox in self._opened:
            sandbox.close()

    def _check(self, place: Place) -> Checked:
        sandbox = self._sandboxes.get()
        try:
            with private_submission(place, self._assignment) as submission:
                report = check(submission, self._assignment, sandbox=sandbox)
                hashes = {copy.name: copy.sha256 for copy in submission.copies.values()}
                return Checked(report.outcome, report.findings, submission.fingerprint, hashes)
        finally:
            self._sandboxes.put(sandbox)
