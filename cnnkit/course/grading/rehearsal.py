"""A rehearsal: an assignment of one's own, with the real gate and the real rules, among classmates who are not."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np

from cnnkit.course.grading.labels import Labels, write_labels
from cnnkit.course.grading.points import Grade, Result, class_grades, rounded
from cnnkit.course.grading.score import Score, score
from cnnkit.course.hand_in import write_submission
from cnnkit.course.submissions.assignment import Assignment
from cnnkit.course.submissions.findings import Finding
from cnnkit.course.submissions.gate import check
from cnnkit.data.source import Source
from cnnkit.errors import DataError
from cnnkit.transfer.network import Network
from cnnkit.transfer.run import Run

CLASSMATES = 11
THEIR_ACCURACIES = (0.55, 0.95)  # from the weakest to the best of them, evenly spread
YOU = "you"


@dataclass(frozen=True)
class Rehearsal:
    """How a submission would have fared.

    Attributes:
        folder: The submission.
        findings: Of the gate; none that blocks where it passed.
        score: Of its predictions, where the gate let it pass.
        grade: Among the classmates.
    """

    folder: Path
    findings: tuple[Finding, ...]
    score: Score | None
    grade: Grade

    @property
    def points(self) -> Decimal:
        """Those of the grade, as they are written into a gradebook."""
        return rounded(self.grade.points)


def rehearse(
    out: str | Path,
    network: Network,
    held_out: Source,
    *,
    code: str | Path,
    run: Run | None = None,
    classmates: int = CLASSMATES,
    seed: int = 0,
) -> Rehearsal:
    """Makes an assignment of held-out pictures, hands the network in, checks and grades it.

    The classmates are numbers: how many pictures each had right is drawn for accuracies spread evenly over
    `THEIR_ACCURACIES`. Gate, score, ranks and points are those of a real class.

    Args:
        out: Gets `assignment/`, `labels.parquet` and `submission/`.
        network: Of two classes; the second is what is looked for.
        held_out: Labelled pictures that the network was not trained on: the score segment.
        code: The notebook or script that made the network.
        run: From `fit`.
        classmates: How many there are.
        seed: Of their luck.

    Raises:
        DataError: The pictures have no labels, or the network more than two classes.
    """
    if held_out.labels is None or held_out.labels.ndim != 1 or len(network.classes) != 2:
        raise DataError(
            "labelled pictures and a network of two classes",
            f"{'no labels' if held_out.labels is None else 'labels'}, {len(network.classes)} classes",
            "The assignment asks for one probability a picture.",
        )
    place = Path(out)
    rows, column = len(held_out), network.classes[1]
    labels = Labels(held_out.ids, held_out.labels == 1, salt=str(seed))
    assignment = Assignment(
        name="rehearsal",
        title=f"Rehearsal: {column} or not",
        rows=rows,
        column=column,
        labels_fingerprint=labels.fingerprint,
    )
    assignment.save(place / "assignment")
    write_labels(place / "labels.parquet", labels)
    folder = write_submission(place / "submission", network, held_out, assignment=assignment, code=code, run=run)
    report = check(folder, assignment)
    found = None
    if report.passed and report.predictions is not None:
        public = labels.public(Fraction(assignment.public_share))
        found = score(report.predictions, labels.truth, public, threshold=assignment.threshold)
    random = np.random.default_rng(seed)
    theirs = random.binomial(rows, np.linspace(*THEIR_ACCURACIES, classmates))
    results = [
        Result(YOU, report.outcome, found.correct if found else None),
        *(Result(f"classmate {number}", "passed", int(right)) for number, right in enumerate(theirs, start=1)),
    ]
    (mine,) = (grade for grade in class_grades(results, assignment) if grade.student == YOU)
    return Rehearsal(folder, report.findings, found, mine)
