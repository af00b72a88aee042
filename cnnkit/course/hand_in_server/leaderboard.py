"""The public board: pseudonyms and the accuracy on the public rows, no finer than its own uncertainty.

Whoever may ask often for an exact accuracy learns the labels row by row (Blum & Hardt, "The Ladder", ICML 2015). Here
every public accuracy, one's own too, is rounded to a step of half the width of its 95 % interval, and the number of
attempts a day is small: an attempt tells at most the logarithm of a few dozen values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from cnnkit.course.grading.attempts import Attempt, eligible
from cnnkit.course.grading.rank import Entry, ranks
from cnnkit.course.hand_in_server.hand_ins import HandIn, Result
from cnnkit.course.submissions.assignment import Assignment
from cnnkit.metrics.classification import wilson_interval


@dataclass(frozen=True)
class PublicScore:
    """An accuracy that everybody may see.

    Attributes:
        accuracy: 0…1, a multiple of `step`.
        low: Where its 95 % interval (Wilson's) begins.
        high: Where it ends.
        step: What it is rounded to.
    """

    accuracy: float
    low: float
    high: float
    step: float


@dataclass(frozen=True)
class Line:
    """A line of the board.

    Attributes:
        rank: 1 is the best; those who are the same share the mean of their ranks.
        pseudonym: Who.
        student: Who it is, for staff and for whoever it is.
        score: The accuracy on the public rows.
        attempts: How many hand-ins count.
    """

    rank: float
    pseudonym: str
    student: str
    score: PublicScore
    attempts: int


def step_of(rows: int) -> float:
    """Half the width of the 95 % interval where it is widest, at one half, to one significant digit.

    >>> step_of(6_000), step_of(60)
    (0.01, 0.1)
    """
    low, high = wilson_interval(rows // 2, rows)
    return float(f"{(high - low) / 2:.0e}")


def public_score(result: Result) -> PublicScore | None:
    """What may be seen of a result; None where there is no score, or nothing of it is public."""
    rows = result.public_rows
    if result.correct is None or not rows:
        return None
    step = step_of(rows)
    accuracy = min(1.0, round(round(result.public_correct / rows / step) * step, 6))
    low, high = wilson_interval(round(accuracy * rows), rows)
    return PublicScore(accuracy, low, high, step)


def lines(students: Mapping[str, Sequence[HandIn]], assignment: Assignment) -> list[Line]:
    """The board: of everybody the attempt that would count, as far as the public rows tell.

    Args:
        students: Student → what counts of theirs, in the order of time.
        assignment: Whether the last or the best counts, how many, and until when.
    """
    shown = {}
    for student, tries in students.items():
        if chosen := _chosen(tries, assignment):
            shown[student] = chosen
    places = ranks(Entry(student, _steps(score)) for student, (_, score) in shown.items())
    board = [
        Line(float(places[student]), result.pseudonym, student, score, len(students[student]))
        for student, (result, score) in shown.items()
    ]
    return sorted(board, key=lambda line: (line.rank, line.pseudonym))


def _chosen(tries: Sequence[HandIn], assignment: Assignment) -> tuple[Result, PublicScore] | None:
    """The last of a student's that may count and has a score, or the best one by its public score."""
    attempts = [Attempt(each.submitted, outcome=each.result.outcome if each.result else None) for each in tries]
    best_of_all = assignment.model_copy(update={"counts": "best"})  # all that may count, the last one last
    candidates = []
    for position in eligible(attempts, best_of_all):
        result = tries[position].result
        score = None if result is None else public_score(result)
        if result is not None and score is not None:
            candidates.append((result, score))
    if not candidates:
        return None
    if assignment.counts == "last":
        return candidates[-1]
    return max(candidates, key=lambda each: _steps(each[1]))


def _steps(score: PublicScore) -> int:
    return round(Fraction(score.accuracy) / Fraction(score.step))
