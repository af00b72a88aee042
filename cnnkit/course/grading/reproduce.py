"""Tier 2: do the submitted predictions come from the submitted model?

Some random pictures of the score segment go through the model, isolated, and what comes out is compared with what was
handed in. How a student brought pictures to the model's input is not part of a submission, so the usual ways are tried,
the one of cnnkit first. A mismatch is a flag for a person, not a zero: another way of resizing explains it too.

A model that runs can do more than a file that is read. So resource limits alone are enough for it only where somebody
asks for `"limits"` by name; else at least namespaces, without a network, have to work.
"""

from __future__ import annotations

import json
import os
import secrets
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Literal, cast

import numpy as np
from numpy.typing import NDArray

import cnnkit
from cnnkit.course.grading.reproduce_child import BEGUN, FRAMINGS, Way, send_picture
from cnnkit.course.submissions.assignment import Assignment
from cnnkit.course.submissions.isolation import REMEDY, Isolation, candidates, installed, isolated
from cnnkit.course.submissions.private_copy import PrivateSubmission, private_submission
from cnnkit.data.source import Source
from cnnkit.errors import DataError, InputError
from cnnkit.metrics.classification import wilson_interval

COUNT = 256
TOLERANCE = 0.02
"""Difference of probabilities that decoders, processors and resampling explain."""
AGREEING = 0.95
"""Part of the pictures that has to be within it."""
DECIDED_OTHERWISE = 0.01
"""Part of the pictures that may fall on the other side of the threshold."""
WEAKEST: Isolation = "namespaces"
"""The weakest isolation that is good enough where nobody names one."""

Outcome = Literal["agrees", "differs", "timed out", "crashed"]

_SCALES = {"0…255": (1.0, 0.0), "0…1": (1 / 255, 0.0), "−1…1": (1 / 127.5, -1.0)}
_WAYS = tuple((framing, scale) for scale in _SCALES for framing in FRAMINGS)

_START_SECONDS = 60.0
_SECONDS = 600
_KERAS_BYTES = 12_000_000_000  # of address space, which TensorFlow reserves and does not use


@dataclass(frozen=True)
class Reproduction:
    """What came of running the submitted model.

    Attributes:
        outcome: `"agrees"`, or what a person should look at.
        pictures: How many were compared.
        agreeing: How many of them are within the tolerance, in the best way of bringing pictures to the input.
        otherwise: How many of them fall on the other side of the threshold in that way.
        largest: The largest difference of two probabilities.
        way: That way, e.g. `"crop, 0…255"`.
        isolation: What was in force.
        detail: Why it did not answer, if so.
        correct: How many of them the model decides right, in the way in which it is right most often; None where the
            labels were not given.
        submitted_correct: How many of them are right as they were handed in.
    """

    outcome: Outcome
    pictures: int = 0
    agreeing: int = 0
    otherwise: int = 0
    largest: float = 0.0
    way: str = ""
    isolation: str = ""
    detail: str = ""
    correct: int | None = None
    submitted_correct: int | None = None

    @property
    def flag(self) -> str:
        """In words, for a person; "" where all is well."""
        if self.outcome == "agrees":
            return ""
        if self.outcome == "differs":
            return (
                f"the submitted model gives other probabilities than were submitted: {self.agreeing} of "
                f"{self.pictures} pictures agree, {self.otherwise} are decided otherwise (best way tried: {self.way}, "
                f"largest difference {self.largest:.3f}){self._accuracies()}"
            )
        return f"the submitted model could not be run: {self.outcome}, {self.detail}"

    @property
    def far_above(self) -> bool:
        """Whether what was handed in is better than what the model gives, by more than these pictures leave open."""
        if self.correct is None or self.submitted_correct is None:
            return False
        low, _ = wilson_interval(self.submitted_correct, self.pictures)
        _, high = wilson_interval(self.correct, self.pictures)
        return low > high

    def _accuracies(self) -> str:
        if self.correct is None or self.submitted_correct is None:
            return ""
        submitted, own = (
            f"{correct / self.pictures:.1%} ({low:.1%} to {high:.1%})"
            for correct in (self.submitted_correct, self.correct)
            for low, high in [wilson_interval(correct, self.pictures)]
        )
        comparison = ", which is far above" if self.far_above else ","
        return f"; of these pictures {submitted} are right as submitted{comparison} the {own} of the model"


def reproduce(
    submission: str | Path | PrivateSubmission,
    assignment: Assignment,
    pictures: Source,
    probabilities: NDArray[np.float32],
    *,
    truth: NDArray[np.bool_] | None = None,
    count: int = COUNT,
    seed: int | None = None,
    isolation: str = "auto",
    require: str | None = None,
) -> Reproduction:
    """Runs a submission's model on some pictures and compares.

    Args:
        submission: What has passed the gate, as a private copy or its folder; nothing else may come here.
        assignment: Names its files and says what it may cost.
        pictures: The score segment, in the order of the rows.
        probabilities: (rows,) what was handed in.
        truth: (rows,) the secret labels, which stay in this process, to say how many are right either way.
        count: How many pictures.
        seed: Which ones; by default nobody can know.
        isolation: `"auto"` for the strongest that works, or a name, see `submissions.isolation`.
        require: The weakest that is good enough; what `isolation` names by default, `WEAKEST` if that is `"auto"`.

    Raises:
        InputError: No pictures are asked for, or no isolation that is good enough works here.
        DataError: Not as many pictures as rows.
    """
    if count < 1:
        raise InputError("at least one picture", f"count={count}", "256 show a copied prediction file for sure.")
    if not len(pictures) == len(probabilities) == assignment.rows:
        raise DataError(
            f"the {assignment.rows:,} pictures of the score segment", f"{len(pictures):,}", "Give the whole segment."
        )
    generator = np.random.default_rng(secrets.randbits(64) if seed is None else seed)
    rows = np.sort(generator.choice(len(pictures), min(count, len(pictures)), replace=False))
    with ExitStack() as resources:
        copy = (
            submission
            if isinstance(submission, PrivateSubmission)
            else resources.enter_context(private_submission(submission, assignment))
        )
        if not {"model", "weights"} <= set(copy.copies):
            return Reproduction("crashed", detail="model and weights are not both there any more")
        model, weights = copy.copies["model"], copy.copies["weights"]
        arguments = (
            model.descriptor,
            weights.descriptor,
            weights.name,
            _SECONDS,
            _KERAS_BYTES,
            assignment.limits.submission_bytes,
            assignment.limits.batch,
        )
        weakest = WEAKEST if isolation == "auto" else None
        child, used = _started(arguments, isolation, require or weakest)
        resources.enter_context(_ended(child))
        try:
            labels = None if truth is None else truth[rows]
            return _compared(child, used, pictures, rows, probabilities[rows], assignment.threshold, labels)
        except TimeoutError:
            return Reproduction("timed out", isolation=used, detail=f"no answer within {_SECONDS} s")
        except (OSError, EOFError, ValueError) as error:
            return Reproduction("crashed", isolation=used, detail=f"{type(error).__name__}: {str(error)[:200]!a}")


def _compared(
    child: _Child,
    isolation: str,
    pictures: Source,
    rows: NDArray[np.int64],
    expected: NDArray[np.float32],
    threshold: float,
    truth: NDArray[np.bool_] | None,
) -> Reproduction:
    child.require_pictures()
    best, correct = Reproduction("differs", len(rows), isolation=isolation, largest=1.0), 0
    for framing, scale in _WAYS:
        found = child.predict(Way(framing, *_SCALES[scale], len(rows)), (pictures.image(int(row)) for row in rows))
        differences = np.abs(found - expected)
        agreeing = int((differences <= TOLERANCE).sum())
        otherwise = int(((found >= threshold) != (expected >= threshold)).sum())
        if (agreeing, -otherwise) > (best.agreeing, -best.otherwise) or not best.way:
            best = Reproduction(
                outcome="agrees" if _fine(agreeing, otherwise, len(rows)) else "differs",
                pictures=len(rows),
                agreeing=agreeing,
                otherwise=otherwise,
                largest=round(float(np.nan_to_num(differences, nan=1.0, posinf=1.0).max()), 6),
                way=f"{framing}, {scale}",
                isolation=isolation,
            )
        if truth is not None:
            correct = max(correct, int(((found >= threshold) == truth).sum()))
        if best.outcome == "agrees":
            break
    if truth is None:
        return best
    return replace(best, correct=correct, submitted_correct=int(((expected >= threshold) == truth).sum()))


def _fine(agreeing: int, otherwise: int, count: int) -> bool:
    return agreeing >= AGREEING * count and otherwise <= DECIDED_OTHERWISE * count


class _Child:
    """The isolated process, seen from outside."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._input, self._output = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        self._unread = b""
        self._deadline = time.monotonic() + _START_SECONDS

    def begins(self) -> bool:
        """Whether it starts at all."""
        try:
            begun = self._read(len(BEGUN)) == BEGUN
        except (EOFError, TimeoutError):
            return False
        self._deadline = time.monotonic() + _SECONDS
        return begun

    def require_pictures(self) -> None:
        """Reads what the model takes.

        Raises:
            ValueError: No pictures of three channels and a fixed size.
        """
        line = b""
        while not line.endswith(b"\n") and len(line) < 1_000:
            line += self._read(1)
        said = json.loads(line)["shape"]
        if len(said) != 3 or not all(isinstance(side, int) and side > 0 for side in said) or said[2] != 3:
            raise ValueError(f"the model takes {said}, no pictures of three channels and a fixed size")

    def predict(self, way: Way, pictures: Iterable[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Probabilities of pictures, one after the other as they are."""
        self._input.write(json.dumps(asdict(way)).encode() + b"\n")
        for picture in pictures:
            self._input.write(send_picture(picture))
        self._input.flush()
        return np.frombuffer(self._read(4 * way.count), "<f4").astype(np.float32)

    def _read(self, length: int) -> bytes:
        while len(self._unread) < length:
            if not select.select([self._output], [], [], max(0.0, self._deadline - time.monotonic()))[0]:
                raise TimeoutError
            part = os.read(self._output.fileno(), 1 << 16)
            if not part:
                raise EOFError(f"the process ended with status {self.process.wait(timeout=5)}")
            self._unread += part
        answer, self._unread = self._unread[:length], self._unread[length:]
        return answer


def _started(arguments: tuple[object, ...], isolation: str, require: str | None) -> tuple[_Child, str]:
    """A child in the strongest isolation that works here, and its name."""
    tried: list[Isolation] = []
    for name in candidates(isolation, require):
        paths = [Path(cnnkit.__file__).parents[1], *installed()]
        command = [sys.executable, "-I", "-S", "-c", _PROGRAM, json.dumps(arguments), *map(str, paths)]
        process = subprocess.Popen(  # noqa: S603  (our own child)
            isolated(command, name),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=[int(str(descriptor)) for descriptor in arguments[:2]],
            env=_ENVIRONMENT,
            start_new_session=True,
        )
        child = _Child(process)
        if child.begins():
            return child, f"{name}: resource limits"
        with _ended(child):
            tried.append(name)
    raise InputError("an isolation that works on this machine", f"{', '.join(tried)} failed", REMEDY)


@contextmanager
def _ended(child: _Child) -> Iterator[None]:
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.process.pid, signal.SIGKILL)
        child.process.wait()
        for stream in (child.process.stdin, child.process.stdout):
            with suppress(OSError):
                cast("IO[bytes]", stream).close()


_PROGRAM = """
import json, sys
sys.path += sys.argv[2:]
from cnnkit.course.grading.reproduce_child import main
main(*json.loads(sys.argv[1]))
"""
_ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "PATH": os.defpath,
    "HOME": "/tmp",  # noqa: S108  (within the isolation)
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
    "KERAS_BACKEND": "tensorflow",
}
