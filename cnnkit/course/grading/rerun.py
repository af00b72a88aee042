"""Tier 2 for a class: the models of those who passed, run once each, recorded in the ledger like everything else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from cnnkit.course.grading.canonical_json import digest
from cnnkit.course.grading.ledger import Ledger
from cnnkit.course.grading.ledger_records import Draft
from cnnkit.course.grading.reproduce import COUNT, Reproduction, reproduce
from cnnkit.course.submissions.assignment import Assignment
from cnnkit.course.submissions.gate import check
from cnnkit.course.submissions.place import Place
from cnnkit.course.submissions.private_copy import private_submission
from cnnkit.course.submissions.sandbox import Sandbox
from cnnkit.data.source import Source
from cnnkit.errors import InputError


@dataclass(frozen=True)
class Rerun:
    """A wish for tier 2.

    Attributes:
        pictures: The score segment, in the order of the rows.
        count: How many of them go through each model.
        require: The weakest isolation that is good enough, see `reproduce`.
    """

    pictures: Source
    count: int = COUNT
    require: str | None = None

    def __post_init__(self) -> None:
        if self.count < 1:
            raise InputError("at least one picture", f"count={self.count}", "256 are enough.")


@dataclass(frozen=True)
class Passed:
    """A submission that passed the gate.

    Attributes:
        student: Whose.
        decision: Key of its record in the ledger.
        fingerprint: Of what was graded.
        place: Where it is.
    """

    student: str
    decision: str
    fingerprint: str
    place: Place


def rerun(
    submissions: Iterable[Passed], wish: Rerun, assignment: Assignment, truth: NDArray[np.bool_], ledger: Ledger
) -> dict[str, str]:
    """Reproduces the predictions of submissions, each once; what the ledger has is not done again.

    Args:
        submissions: Those that passed the gate.
        wish: On which pictures.
        assignment: What the submissions are.
        truth: (rows,) the secret labels.
        ledger: Where it is recorded.

    Returns:
        Student → flag, of those where a person should look.
    """
    known = {record.key: record.content for record in ledger.records(kind="reproduction")}
    data = wish.pictures.fingerprint
    flags = {}
    with Sandbox.open(require=wish.require) as sandbox:
        for each in submissions:
            key = digest(["reproduction", each.decision, data, wish.count])
            if key in known:
                values = known[key]["reproduction"]
            else:
                values = asdict(_reproduced(each, assignment, wish, truth, sandbox))
                ledger.append([Draft("reproduction", key, {"decision": each.decision, "reproduction": values})])
            flag = Reproduction(**values).flag
            if flag:
                flags[each.student] = flag
    return flags


def _reproduced(
    each: Passed, assignment: Assignment, wish: Rerun, truth: NDArray[np.bool_], sandbox: Sandbox
) -> Reproduction:
    """Checks and runs one private copy, if it is what was graded; what goes wrong with it is that student's alone."""
    try:
        with private_submission(each.place, assignment) as submission:
            if submission.fingerprint != each.fingerprint:
                return Reproduction("crashed", detail="its files changed after they were graded")
            report = check(submission, assignment, sandbox=sandbox)
            if not report.passed or report.predictions is None:
                return Reproduction("crashed", isolation=report.isolation, detail="it does not pass the gate any more")
            return reproduce(
                submission,
                assignment,
                wish.pictures,
                report.predictions,
                truth=truth,
                count=wish.count,
                require=wish.require,
            )
    except InputError:  # no isolation works on this machine: no student's fault, and so for all of them
        raise
    except Exception as error:  # a fault of ours that this student's files brought out
        return Reproduction("crashed", detail=f"{type(error).__name__}: {str(error)[:200]!a}")
