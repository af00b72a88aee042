"""The live table of a grading: how many, with which outcome, how fast, how long still."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from cnnkit.transfer.progress import clock

if TYPE_CHECKING:
    from rich.table import Table

LOG_SECONDS = 30.0


class Progress(Protocol):
    """Whoever wants to know what happens."""

    def advance(self, outcome: str) -> None:
        """One more submission has this outcome."""


class Silence:
    """Nobody."""

    def advance(self, outcome: str) -> None:
        """Nothing."""


class Tally:
    """Counts outcomes; `text` and `table` show them.

    Args:
        total: Submissions in all.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._counts: Counter[str] = Counter()
        self._started = time.monotonic()

    def advance(self, outcome: str) -> None:
        """One more submission has this outcome."""
        self._counts[outcome] += 1

    @property
    def text(self) -> str:
        """One line."""
        done = self._counts.total()
        rate = done / max(time.monotonic() - self._started, 1e-9)
        left = (self._total - done) / rate if rate else 0.0
        outcomes = ", ".join(f"{number:,} {outcome}" for outcome, number in self._counts.most_common())
        return f"{done:,} of {self._total:,} submissions ({outcomes or 'starting'}), {rate:,.1f}/s, {clock(left)} left"

    def table(self) -> Table:
        """A row an outcome, and rate and time left below."""
        from rich.table import Table

        shown = Table(caption=self.text.rpartition("), ")[2], caption_justify="left")
        shown.add_column("outcome")
        shown.add_column("submissions", justify="right")
        for outcome, number in self._counts.most_common():
            shown.add_row(outcome, f"{number:,}")
        shown.add_row("to do", f"{self._total - self._counts.total():,}", style="dim")
        return shown


class LogTally(Tally):
    """A line now and then, for logs and pipes."""

    def __init__(self, total: int) -> None:
        super().__init__(total)
        self._said = time.monotonic()

    def advance(self, outcome: str) -> None:
        """One more submission has this outcome."""
        super().advance(outcome)
        if time.monotonic() - self._said > LOG_SECONDS:
            self._said = time.monotonic()
            print(self.text, file=sys.stderr, flush=True)


@contextmanager
def progress_display(total: int, *, visible: bool) -> Iterator[Progress]:
    """What suits where the program runs: a live table in a terminal, lines in a log, or nothing.

    Args:
        total: Submissions in all.
        visible: Whether anybody wants to see it.
    """
    if not visible:
        yield Silence()
        return
    if not sys.stderr.isatty():
        yield LogTally(total)
        return
    from rich.console import Console
    from rich.live import Live

    tally = Tally(total)
    with Live(console=Console(stderr=True), get_renderable=tally.table, refresh_per_second=4, transient=True):
        yield tally
