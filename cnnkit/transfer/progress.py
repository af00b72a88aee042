"""The live line of a training: what runs, how fast, how long still.

In a terminal one line that moves, in a notebook one line of HTML that moves (at most twice a second), elsewhere,
in a log file say, one line an epoch.
"""

from __future__ import annotations

import html
import sys
import time
from typing import Any, Protocol

NOTEBOOK_SECONDS = 0.5  # between two updates of the line


class Line(Protocol):
    """A line of text that can change until it is kept."""

    def show(self, text: str) -> None:
        """Replaces the line."""

    def keep(self, text: str) -> None:
        """Leaves a last version of the line and begins a new one."""

    def close(self) -> None:
        """Ends the display."""


class TerminalLine:
    """By rich, which redraws at its own rate."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(stderr=True)
        self._live = Live(console=self._console, refresh_per_second=8, transient=True)
        self._live.start()

    def show(self, text: str) -> None:
        """Redraws the line."""
        self._live.update(_as_it_is(text))

    def keep(self, text: str) -> None:
        """Prints above the live line."""
        self._console.print(_as_it_is(text))
        self._live.update("")

    def close(self) -> None:
        """Leaves the terminal as it was."""
        self._live.stop()


def _as_it_is(text: str) -> Any:
    """For rich, which would take a folder called "[red]" for a colour."""
    from rich.text import Text

    return Text(text)


class NotebookLine:
    """By the display protocol of IPython: no widget, so it survives in a saved notebook."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._shown = 0.0

    def show(self, text: str) -> None:
        """Replaces the line, if half a second has passed."""
        if time.monotonic() - self._shown >= NOTEBOOK_SECONDS:
            self._display(text)

    def keep(self, text: str) -> None:
        """Replaces the line a last time."""
        self._display(text)
        self._handle = None

    def close(self) -> None:
        """Nothing to restore."""

    def _display(self, text: str) -> None:
        from IPython import display

        content = display.HTML(f"<pre style='margin:0'>{html.escape(text)}</pre>")
        if self._handle is None:
            self._handle = display.display(content, display_id=True)
        else:
            self._handle.update(content)
        self._shown = time.monotonic()


class LogLine:
    """Only what is kept, for logs and pipes."""

    def show(self, text: str) -> None:
        """Nothing: a log does not move."""

    def keep(self, text: str) -> None:
        """Prints the line to standard error, which leaves standard output to results."""
        print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Nothing to restore."""


class SilentLine:
    """Nothing at all."""

    def show(self, text: str) -> None:
        """Nothing."""

    def keep(self, text: str) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def line(visible: bool = True) -> Line:
    """The kind of line that suits where the program runs."""
    if not visible:
        return SilentLine()
    if _in_notebook():
        return NotebookLine()
    return TerminalLine() if sys.stderr.isatty() else LogLine()


class Meter:
    """Counts pictures and tells rate and time left on a `Line`.

    Args:
        title: What runs, e.g. the phase's name.
        total: Pictures in all.
        display: Where to show it.
    """

    def __init__(self, title: str, total: int, display: Line) -> None:
        self._title = title
        self._total = total
        self._display = display
        self._done = 0
        self._started = time.perf_counter()

    def advance(self, pictures: int, text: str = "") -> None:
        """Adds pictures and redraws."""
        self._done += pictures
        elapsed = time.perf_counter() - self._started
        rate = self._done / elapsed if elapsed else 0.0
        left = (self._total - self._done) / rate if rate else 0.0
        part = self._done / self._total if self._total else 1.0
        bar = "━" * round(24 * part) + "╌" * (24 - round(24 * part))
        self._display.show(f"{self._title} {bar} {part:4.0%} {rate:,.0f} images/s, {clock(left)} left {text}")

    def keep(self, text: str) -> None:
        """Leaves a finished line, e.g. of an epoch."""
        self._display.keep(text)


def clock(seconds: float) -> str:
    """Minutes and seconds.

    >>> clock(75), clock(4000)
    ('1:15', '1:06:40')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _in_notebook() -> bool:
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    shell = get_ipython()
    return shell is not None and shell.__class__.__name__ == "ZMQInteractiveShell"
