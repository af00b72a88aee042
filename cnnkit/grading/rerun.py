"""Tier 2 for a class: the models of those who passed, run once each, recorded in the ledger like everything else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from cnnkit.data.source import Source
from cnnkit.errors import InputError
from cnnkit.grading.ledger import Draft, Ledger, digest
from cnnkit.grading.reproduce import COUNT, Reproduction, reproduce
from cnnkit.submissions.assignment import Assignment
from cnnkit.submissions.gate import check
from cnnkit.submissions.place import Place, UnreadableError
from cnnkit.submissions.sandbox import Sandbox


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


def rerun(
    decisions: Iterable[tuple[str, str, Place]], wish: Rerun, assignment: Assignment, ledger: Ledger, work: Path
) -> dict[str, str]:
    """Reproduces the predictions of submissions, each once; what the ledger has is not done again.

    Args:
        decisions: (student, key of the decision, where the submission is) of those who passed the gate.
        wish: On which pictures.
        assignment: What the submissions are.
        ledger: Where it is recorded.
        work: Where files may lie for a while.

    Returns:
        Student → flag, of those where a person should look.
    """
    known = {record.key: record.content for record in ledger.records(kind="reproduction")}
    data = wish.pictures.fingerprint
    flags = {}
    with Sandbox.open(require=wish.require) as sandbox:
        for student, decision, place in decisions:
            key = digest(["reproduction", decision, data, wish.count])
            if key in known:
                values = known[key]["reproduction"]
            else:
                try:
                    with place.opened(work, most_bytes=assignment.limits.submission_bytes) as folder:
                        found = _reproduced(folder, assignment, wish, sandbox)
                except UnreadableError as error:
                    found = Reproduction("crashed", detail=f"it cannot be read any more: {error.finding.received}")
                values = asdict(found)
                ledger.append([Draft("reproduction", key, {"decision": decision, "reproduction": values})])
            flag = Reproduction(**values).flag
            if flag:
                flags[student] = flag
    return flags


def _reproduced(folder: Path, assignment: Assignment, wish: Rerun, sandbox: Sandbox) -> Reproduction:
    report = check(folder, assignment, sandbox=sandbox)
    if not report.passed or report.predictions is None:
        return Reproduction("crashed", isolation=report.isolation, detail="it does not pass the gate any more")
    return reproduce(folder, assignment, wish.pictures, report.predictions, count=wish.count, require=wish.require)
