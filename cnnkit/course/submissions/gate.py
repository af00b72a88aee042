"""The gate: what every submission passes before anything of it is loaded.

    report = check("inbox/ada", "assignments/person")
    report.passed, report.findings, report.predictions

Cheap before dear: names and sizes, then each file by itself, last the values of the weights, and these only while
nothing speaks against the submission. Whatever parses a student's bytes does so in the sandbox; this process sees
names, sizes, hashes and validated replies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from cnnkit.course.submissions.assignment import Assignment
from cnnkit.course.submissions.findings import Finding
from cnnkit.course.submissions.place import Place
from cnnkit.course.submissions.private_copy import PrivateCopy, PrivateSubmission, private_submission
from cnnkit.course.submissions.replies import ModelReply, Reply, WeightsReply
from cnnkit.course.submissions.sandbox import Answer, CallLimits, Sandbox
from cnnkit.course.submissions.tensor_prints import WeightsPrint

FLOAT32 = np.dtype("<f4")
PREDICTIONS_MEMORY = 128_000_000

Outcome = Literal["passed", "refused", "timed out", "crashed"]
WORST_FIRST: tuple[Outcome, ...] = ("crashed", "timed out", "refused")
ReplyT = TypeVar("ReplyT", bound=Reply)


@dataclass(frozen=True, eq=False)
class GateReport:
    """What the gate has to say about one submission.

    Attributes:
        folder: Where it was.
        findings: All that was found; advice included.
        hashes: Role (`"model"`, `"weights"`, …) → sha256 of the bytes that were checked.
        predictions: (rows,) probabilities in [0, 1], where the predictions are right, whatever else is wrong.
        weights: What is kept of the values of the tensors; where they were read and are right.
        isolation: What was in force, see `Sandbox.isolation`.
        costs: Role → seconds of CPU time and most bytes of memory of the process that read the file.
        outcome: `"passed"`, or why not; a crash comes before a time-out, and that before what was refused.
    """

    folder: str
    findings: tuple[Finding, ...]
    hashes: dict[str, str]
    predictions: NDArray[np.float32] | None
    weights: WeightsPrint | None
    isolation: str
    outcome: Outcome
    costs: Mapping[str, tuple[float, int]] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether the submission may be scored."""
        return self.outcome == "passed"

    @property
    def weights_digest(self) -> str | None:
        """sha256 of the values of the tensors, in any order and any form of file."""
        return None if self.weights is None else self.weights.digest


def check(
    folder: str | Path | Place | PrivateSubmission,
    assignment: Assignment | str | Path,
    *,
    sandbox: Sandbox | None = None,
) -> GateReport:
    """Checks a submission; it never raises for anything that a student can put into a folder.

    Args:
        folder: The submission: its folder, where else it is, or a private copy of it that is there already.
        assignment: What it has to be: the assignment or its folder.
        sandbox: Where its bytes are parsed; by default one of its own. For many submissions open one and keep it.

    Raises:
        InputError: No sandbox of the isolation that was asked for works on this machine, or no assignment is there.
    """
    spec = Assignment.of(assignment)
    with ExitStack() as resources:
        gate = _Gate(spec, sandbox or resources.enter_context(Sandbox.open()))
        submission = (
            folder
            if isinstance(folder, PrivateSubmission)
            else resources.enter_context(private_submission(folder, spec))
        )
        gate.findings += submission.findings
        for role, run in CHECKS.items():
            if role in submission.copies:
                run(gate, submission.copies[role])
        return GateReport(
            folder=str(folder) if isinstance(folder, str | Path) else "",
            findings=tuple(gate.findings),
            hashes={role: copy.sha256 for role, copy in submission.copies.items()},
            predictions=gate.predictions,
            weights=gate.weights,
            isolation=gate.sandbox.isolation,
            outcome=gate.outcome,
            costs=gate.costs,
        )


@dataclass
class _Gate:
    """One submission on its way: what is known so far."""

    assignment: Assignment
    sandbox: Sandbox
    findings: list[Finding] = field(default_factory=list)
    failures: set[Outcome] = field(default_factory=set)
    model: ModelReply | None = None
    predictions: NDArray[np.float32] | None = None
    weights: WeightsPrint | None = None
    costs: dict[str, tuple[float, int]] = field(default_factory=dict)

    @property
    def refused(self) -> bool:
        return any(finding.blocking for finding in self.findings)

    @property
    def outcome(self) -> Outcome:
        refused: set[Outcome] = {"refused"} if self.refused else set()
        return next((worst for worst in WORST_FIRST if worst in self.failures | refused), "passed")

    def ask(
        self,
        job: str,
        copy: PrivateCopy,
        arguments: Mapping[str, Any],
        reply: type[ReplyT],
        *,
        memory_bytes: int | None = None,
        data_bytes: int = 0,
    ) -> Answer[ReplyT]:
        """What a throw-away process says about a file; its findings are kept, or that it failed."""
        limits = CallLimits(
            seconds=self.assignment.limits.seconds,
            memory_bytes=memory_bytes or self.assignment.limits.memory_bytes,
            data_bytes=data_bytes,
        )
        answer = self.sandbox.call(job, copy.descriptor, {"file": copy.name, **arguments}, reply=reply, limits=limits)
        self.costs[job] = (answer.seconds, answer.peak_bytes)
        if answer.value is not None:
            self.findings += (found.finding() for found in answer.value.findings)
        else:
            self.fail(job, copy, answer.outcome, answer.detail)
        return answer

    def fail(self, job: str, copy: PrivateCopy, outcome: str, detail: str) -> None:
        """Keeps that a file could not be checked."""
        self.failures.add("timed out" if outcome == "timed out" else "crashed")
        check = f"{job}-{outcome.replace(' ', '-')}"
        self.findings.append(Finding(check, copy.name, "a file that can be read within its limits", detail, _DAMAGED))


def _check_model(gate: _Gate, copy: PrivateCopy) -> None:
    asked = gate.assignment.model_dump_json(exclude=_OF_TIME)
    gate.model = gate.ask("model", copy, {"assignment": asked}, ModelReply).value


def _check_predictions(gate: _Gate, copy: PrivateCopy) -> None:
    spec = gate.assignment
    wanted = {"column": spec.column, "rows": spec.rows, "row_groups": spec.limits.row_groups}
    size = spec.rows * FLOAT32.itemsize
    answer = gate.ask("predictions", copy, wanted, Reply, memory_bytes=PREDICTIONS_MEMORY + 8 * size, data_bytes=size)
    if answer.value is None or any(found.blocking for found in answer.value.findings):
        return
    values = np.frombuffer(answer.data, FLOAT32) if len(answer.data) == size else None
    if values is None or not ((values >= 0) & (values <= 1)).all():
        gate.fail("predictions", copy, "crashed", "an answer that is none")
    else:
        gate.predictions = values


def _check_notebook(gate: _Gate, copy: PrivateCopy) -> None:
    gate.ask("notebook", copy, {}, Reply)


def _check_script(gate: _Gate, copy: PrivateCopy) -> None:
    gate.ask("script", copy, {}, Reply)


def _check_weights(gate: _Gate, copy: PrivateCopy) -> None:
    if gate.model is None or gate.model.tensors is None:
        return
    wanted = {
        "tensors": gate.model.tensors,
        "legacy": gate.model.legacy,
        "most_bytes": gate.assignment.limits.weights_bytes,
        "values": not gate.refused,
    }
    answer = gate.ask("weights", copy, wanted, WeightsReply)
    gate.weights = answer.value.weights.weights_print() if answer.value and answer.value.weights else None


# Cheap before dear; weights are compared with the model, and their values read last.
CHECKS: dict[str, Callable[[_Gate, PrivateCopy], None]] = {
    "model": _check_model,
    "predictions": _check_predictions,
    "script": _check_script,
    "notebook": _check_notebook,
    "weights": _check_weights,
}

_OF_TIME = {"timezone", "deadline", "late"}
"""What says nothing of a model; in the sandbox there are no time zones to look a name up in."""
_DAMAGED = "Write the file again; if that does not help, show this to those who grade."
