"""From results to points for a whole class: who is ranked, and what passing, rank and lateness make together.

Ranked is who is enrolled, passes, and is in time or late by a policy that allows it; N counts only those. With 10
points for passing and 10 by rank, the rule "linear" gives the worked example

    correct of 20,000   18,500  17,200  17,200  14,000   12,000
    passes              yes     yes     yes     yes      no: 12,000 is not more than 60 %
    rank r of N = 4     1       2.5     2.5     4        –
    10·(N - r)/(N - 1)  10      5       5       0        –
    points              20      15      15      10       0

All arithmetic is exact; `rounded` is the one place where digits are lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from cnnkit.course.grading.rank import Entry, ranks
from cnnkit.course.submissions.assignment import Assignment
from cnnkit.errors import unknown_name

Outcome = Literal["passed", "refused", "timed out", "crashed", "missing"]
"""What the gate said; "missing" where nothing was handed in."""
Status = Literal["passed", "not passed", "too late", "refused", "timed out", "crashed", "missing", "not enrolled"]
"""How a student stands; only "passed" earns points, and a failure of the machinery is never a score."""

UNDECIDED: tuple[Status, ...] = ("crashed", "timed out", "not enrolled")
"""Statuses that are no grade: a person has to look first, so no gradebook gets a number."""


@dataclass(frozen=True)
class RankRule:
    """What part of the rank points a rank earns.

    Attributes:
        formula: The rule for people, with p for the points of the first.
        share: (rank, N) to 0…1.
    """

    formula: str
    share: Callable[[Fraction, int], Fraction]


RANK_RULES: Mapping[str, RankRule] = {
    "linear": RankRule(
        "p·(N − r)/(N − 1), and p for the only one", lambda r, n: (n - r) / (n - 1) if n > 1 else Fraction(1)
    ),
    "best-first-fraction": RankRule("p·(N − r + 1)/N", lambda r, n: (n - r + 1) / n),
}


@dataclass(frozen=True)
class Result:
    """What a student's one submission that counts came to.

    Attributes:
        student: Whose it is.
        outcome: What the gate said.
        correct: How many rows are right; None unless the gate let it pass.
        submitted: When it was handed in; None where that is unknown, which counts as in time.
        enrolled: Whether the student is in the roster.
        late: Whether the platform marks it as late.
    """

    student: str
    outcome: Outcome
    correct: int | None = None
    submitted: datetime | None = None
    enrolled: bool = True
    late: bool = False


@dataclass(frozen=True)
class Grade:
    """What a student gets, and each number that it is made of.

    Attributes:
        student: Whose it is.
        status: How the student stands.
        correct: How many rows are right, where the gate let the submission pass.
        days_late: Days begun after the deadline.
        rank: 1 is the best; None where not ranked.
        ranked: How many are ranked in this class.
        flat: Points for passing.
        by_rank: Points for the rank.
        penalty: Points that lateness takes away.
    """

    student: str
    status: Status
    correct: int | None
    days_late: int
    rank: Fraction | None
    ranked: int
    flat: Fraction = Fraction(0)
    by_rank: Fraction = Fraction(0)
    penalty: Fraction = Fraction(0)

    @property
    def decided(self) -> bool:
        """Whether this is a grade; zero points are, a crash is not."""
        return self.status not in UNDECIDED

    @property
    def points(self) -> Fraction:
        """All together, never below zero."""
        return max(Fraction(0), self.flat + self.by_rank - self.penalty)


def class_grades(results: Iterable[Result], assignment: Assignment) -> list[Grade]:
    """The grades of a class, in the order of the students' names: the same for any order of the results.

    Args:
        results: One a student.
        assignment: Its pass mark, points, rank and tie rule, deadline and late policy.

    Raises:
        InputError: Two results of one student.
        UnknownNameError: A rule that does not exist.
    """
    if assignment.rank_rule not in RANK_RULES:
        raise unknown_name("a rank rule", assignment.rank_rule, RANK_RULES)
    share = RANK_RULES[assignment.rank_rule].share
    ordered = sorted(results, key=lambda result: result.student)
    rank_of = ranks(
        (
            Entry(result.student, result.correct or 0, result.submitted)
            for result in ordered
            if status(result, assignment) == "passed"
        ),
        ties=assignment.tie_rule,
    )
    count = len(rank_of)
    grades = []
    for result in ordered:
        days_late = assignment.days_late(result.submitted)
        unranked = Grade(result.student, status(result, assignment), result.correct, days_late, None, count)
        if result.student not in rank_of:
            grades.append(unranked)
            continue
        rank = rank_of[result.student]
        grades.append(
            Grade(
                student=result.student,
                status="passed",
                correct=result.correct,
                days_late=days_late,
                rank=rank,
                ranked=count,
                flat=Fraction(assignment.points.flat),
                by_rank=Fraction(assignment.points.rank) * share(rank, count),
                penalty=penalty(days_late, assignment),
            )
        )
    return grades


def status(result: Result, assignment: Assignment) -> Status:
    """How a student stands; the first reason that keeps one from points is the one that is named."""
    if not result.enrolled:
        return "not enrolled"
    if result.outcome != "passed" or result.correct is None:
        return "crashed" if result.outcome == "passed" else result.outcome
    if assignment.too_late(result.submitted, marked=result.late):
        return "too late"
    return "passed" if assignment.passes(result.correct) else "not passed"


def rounded(points: Fraction) -> Decimal:
    """Points for people and gradebooks: two decimals, halves up. The only rounding there is.

    >>> rounded(Fraction(2, 3)), rounded(Fraction(1, 8)), rounded(Fraction(20))
    (Decimal('0.67'), Decimal('0.13'), Decimal('20.00'))
    """
    return Decimal((points * 100 + Fraction(1, 2)).__floor__()).scaleb(-2)


def penalty(days_late: int, assignment: Assignment) -> Fraction:
    """Points that so many days begun after the deadline take away."""
    return Fraction(assignment.late.per_day) * days_late if assignment.late.policy == "per-day" else Fraction(0)
