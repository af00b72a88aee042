"""Which of a student's submissions counts: the rules of attempts, lateness and "last" or "best", and nothing else.

The same functions serve the grading of a class and the audit of its ledger, which derives every grade again.

"Best" means the one that earns the most points. Where lateness costs points they depend on the rank, and the rank on
which submissions of the others count; so each submission is ranked among the others' most accurate ones. Each student's
choice is then independent of everybody else's choice, and of any order.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from cnnkit.course.grading.points import RANK_RULES, Outcome, Result, penalty, status
from cnnkit.course.grading.rank import TIE_RULES, Entry
from cnnkit.course.submissions.assignment import Assignment

BROKEN: tuple[Outcome, ...] = ("crashed", "timed out")
"""Outcomes that say nothing of a submission: the machinery failed on it."""


@dataclass(frozen=True)
class Attempt:
    """A submission, as far as the choice among a student's submissions goes.

    Attributes:
        submitted: When it was handed in, an aware time; None where that is unknown, which counts as in time.
        late: Whether the platform marks it as late.
        outcome: What the gate said; None where it has not been graded.
        correct: How many rows are right; None unless the gate let it pass.
    """

    submitted: datetime | None = None
    late: bool = False
    outcome: Outcome | None = None
    correct: int | None = None

    def in_time(self, assignment: Assignment) -> bool:
        """Whether it may earn points as far as the time goes."""
        return not assignment.too_late(self.submitted, marked=self.late)

    def result(self, student: str, *, enrolled: bool = True) -> Result:
        """What it came to, once it is graded.

        Raises:
            ValueError: It is not graded.
        """
        if self.outcome is None:
            raise ValueError(f"an attempt of {student} that is not graded")
        return Result(student, self.outcome, self.correct, self.submitted, enrolled, self.late)


def eligible(attempts: Sequence[Attempt], assignment: Assignment) -> range | list[int]:
    """The positions of those that may count.

    Attempts beyond the allowed number do not; where lateness means zero, neither does what is late if there is
    something in time; of the rest, the last, or all where the best one counts.

    Args:
        attempts: A student's, in the order of time.
        assignment: Its rules.
    """
    allowed = _allowed(attempts, assignment)
    candidates = [position for position in allowed if attempts[position].in_time(assignment)] or allowed
    return candidates if assignment.counts == "best" else candidates[-1:]


def undecided(attempts: Sequence[Attempt], assignment: Assignment) -> list[int]:
    """The positions of those that have to be graded: what may count; all, of a student with more than are allowed."""
    limited = assignment.attempts is not None and len(attempts) > assignment.attempts
    needed = _allowed(attempts, assignment) if limited else eligible(attempts, assignment)
    return [position for position in needed if attempts[position].outcome is None]


def counting(students: Mapping[str, Sequence[Attempt]], assignment: Assignment) -> dict[str, int]:
    """The position of each student's one submission that counts.

    Args:
        students: Everybody's submissions, in the order of time; those that may count are graded.
        assignment: Its rules.
    """
    candidates = {student: eligible(attempts, assignment) for student, attempts in students.items() if attempts}
    standing = _Standing(students, candidates, assignment)

    def worth(student: str, position: int) -> tuple[Any, ...]:
        attempt = students[student][position]
        points = standing.points(student, attempt)
        correct = -1 if attempt.correct is None else attempt.correct
        return attempt.in_time(assignment), points is not None, points or 0, correct, -position

    return {
        student: max(positions, key=lambda position: worth(student, position))
        for student, positions in candidates.items()
    }


class _Standing:
    """What a submission would earn among the others' most accurate ones, where lateness costs points."""

    def __init__(
        self,
        students: Mapping[str, Sequence[Attempt]],
        candidates: Mapping[str, Sequence[int]],
        assignment: Assignment,
    ) -> None:
        self._assignment = assignment
        self._keys: dict[str, tuple[Any, ...]] = {}
        if assignment.late.policy == "per-day" and assignment.counts == "best":
            for student, positions in candidates.items():
                keys = [key for position in positions if (key := self._key(student, students[student][position]))]
                if keys:
                    self._keys[student] = min(keys)
        self._sorted = sorted(self._keys.values())

    def points(self, student: str, attempt: Attempt) -> Fraction | None:
        """Points, or None where it earns none at all or lateness costs nothing."""
        own = self._keys.get(student)
        key = self._key(student, attempt)
        if own is None or key is None:
            return None
        below, through = bisect_left(self._sorted, key), bisect_right(self._sorted, key)
        better = below - (own < key)
        sharing = through - below - (own == key) + 1
        rank = better + Fraction(sharing + 1, 2)
        share = RANK_RULES[self._assignment.rank_rule].share(rank, len(self._sorted))
        earned = Fraction(self._assignment.points.flat) + Fraction(self._assignment.points.rank) * share
        return max(Fraction(0), earned - penalty(self._assignment.days_late(attempt.submitted), self._assignment))

    def _key(self, student: str, attempt: Attempt) -> tuple[Any, ...] | None:
        """What it is ranked by; None where it is not ranked."""
        if attempt.outcome is None or status(attempt.result(student), self._assignment) != "passed":
            return None
        return TIE_RULES[self._assignment.tie_rule](Entry(student, attempt.correct or 0, attempt.submitted))


def _allowed(attempts: Sequence[Attempt], assignment: Assignment) -> range:
    """The positions up to the last attempt; one that the machinery failed on uses up none."""
    used = 0
    for position, attempt in enumerate(attempts):
        used += attempt.outcome not in BROKEN
        if used == assignment.attempts:
            return range(position + 1)
    return range(len(attempts))
