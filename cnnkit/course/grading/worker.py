"""A process that grades one submission after another: tasks as lines of JSON in, verdicts as lines of JSON out.

It has the labels in its memory and reads no student's bytes itself but names and hashes: files are parsed in the
sandbox that it holds. For each task it says the submission's fingerprint first, so that a submission that takes the
whole process down is still known by it.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from cnnkit.course.grading.verdict import Verdict, broken, judge
from cnnkit.course.submissions.assignment import Assignment
from cnnkit.course.submissions.place import Place
from cnnkit.course.submissions.private_copy import private_submission
from cnnkit.course.submissions.sandbox import Sandbox
from cnnkit.errors import InputError


def setup(
    assignment: Assignment,
    truth: NDArray[np.bool_],
    public: NDArray[np.bool_],
    *,
    isolation: str,
    require: str | None,
) -> dict[str, Any]:
    """The first line that a worker reads."""
    return {
        "assignment": assignment.model_dump_json(),
        "truth": _packed(truth),
        "public": _packed(public),
        "isolation": isolation,
        "require": require,
    }


def main() -> None:
    """Works until its input ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="ascii")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nobody's print gets among the answers
    tasks = (json.loads(line) for line in sys.stdin)
    try:
        _work(next(tasks), tasks, answers)
    except BrokenPipeError:  # the grader is gone
        sys.exit(1)


def _work(settings: dict[str, Any], tasks: Iterator[dict[str, Any]], answers: TextIO) -> None:
    assignment = Assignment.model_validate_json(settings["assignment"])
    truth, public = (_unpacked(settings[name], assignment.rows) for name in ("truth", "public"))

    def say(answer: dict[str, Any]) -> None:
        print(json.dumps(answer), file=answers, flush=True)

    try:
        with Sandbox.open(isolation=settings["isolation"], require=settings["require"]) as sandbox:
            say({"ready": True})
            for task in tasks:
                verdict: Verdict | None = None
                try:
                    with private_submission(Place(**task["place"]), assignment) as submission:
                        say({"fingerprint": submission.fingerprint})
                        if submission.fingerprint not in task["known"]:
                            verdict = judge(submission, assignment, truth, public, sandbox)
                except InputError:  # no isolation works on this machine: no student's fault, and so for all of them
                    raise
                except Exception as error:  # a fault of ours: recorded, and the next student is graded
                    verdict = broken("crashed", f"{type(error).__name__}: {str(error)[:300]!a}")
                say({"verdict": None if verdict is None else verdict.to_json()})
    except InputError as error:
        say({"refused": [error.expected, error.received, error.remedy]})


def _packed(bits: NDArray[np.bool_]) -> str:
    return base64.b64encode(np.packbits(bits).tobytes()).decode("ascii")


def _unpacked(text: str, rows: int) -> NDArray[np.bool_]:
    return np.unpackbits(np.frombuffer(base64.b64decode(text), np.uint8), count=rows).astype(np.bool_)


if __name__ == "__main__":
    main()
