"""Exercises of the notebooks: a check that survives an answer that raises."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from typing import ParamSpec

Given = ParamSpec("Given")


def explained(check: Callable[Given, object]) -> Callable[Given, None]:
    """A check of an exercise that says what went wrong in an answer, instead of ending in a traceback.

    An answer is unfinished most of the time. What it raises is named with the line that raised it, and the notebook
    goes on.

    Args:
        check: Takes an answer and prints what to think about.

    Returns:
        The check, which never raises.

    >>> @explained
    ... def check(solution):
    ...     print("Right." if solution([1, 2]) == 3 else "Not yet.")
    >>> check(sum)
    Right.
    >>> check(lambda numbers: numbers + 1)
    Your answer raised TypeError: can only concatenate list (not "int") to list
    """

    @functools.wraps(check)
    def explaining(*answers: Given.args, **named: Given.kwargs) -> None:
        try:
            check(*answers, **named)
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            line = next((frame.line for frame in reversed(frames[2:]) if frame.line and _of_answer(frame)), None)
            print(f"Your answer raised {type(error).__name__}: {error}")
            if line:
                print(f"in the line: {line}")

    return explaining


def _of_answer(frame: traceback.FrameSummary) -> bool:
    """Whether a line is of a notebook's cell, and not of a library."""
    return "ipykernel" in frame.filename or frame.filename.startswith("<ipython")
