"""A grade in sentences: what a student can argue with."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from cnnkit.course.grading.graded import StudentGrade
from cnnkit.course.grading.points import RANK_RULES, Grade, rounded
from cnnkit.course.submissions.assignment import Assignment

STATUSES = {
    "missing": "Nothing was handed in: no points.",
    "refused": "The submission is not as the assignment asks, so it was not scored: no points.",
    "timed out": "The submission could not be graded in time. Course staff looks into it; this is no judgement of it.",
    "crashed": "The grader failed on this submission. Course staff looks into it; this is no judgement of it.",
    "not enrolled": "Not in the roster of the course: not ranked, no points.",
    "too late": "Handed in after the deadline: no points.",
}


def explanation(each: StudentGrade, assignment: Assignment) -> list[str]:
    """How a student's points come about, in sentences with every number that is in them."""
    grade, sentences = each.grade, []
    score = None if each.verdict is None else each.verdict.score
    if score is not None:
        low, high = score.interval
        sentences.append(
            f"{score.correct:,} of {score.rows:,} pictures are right: {score.accuracy:.2%} "
            f"(95 % interval {low:.2%} to {high:.2%})."
        )
    if grade.status in STATUSES:
        return [*sentences, STATUSES[grade.status]]
    if grade.status == "not passed":
        return [*sentences, f"To pass, more than {assignment.pass_correct:,} have to be right: no points."]
    sentences.append(
        f"That is more than the {assignment.pass_correct:,} that have to be exceeded: "
        f"{plain(rounded(grade.flat))} points for passing."
    )
    sentences.append(_rank(grade, assignment))
    if grade.penalty:
        days = f"{grade.days_late} day{'s' if grade.days_late > 1 else ''}"
        sentences.append(f"Late by {days} begun: {plain(rounded(grade.penalty))} points less.")
    elif grade.days_late:
        sentences.append("Late, which this assignment does not punish.")
    sentences.append(f"Together {plain(rounded(grade.points))} points.")
    return sentences


def _rank(grade: Grade, assignment: Assignment) -> str:
    rank = grade.rank or Fraction(0)
    shared = "" if rank.denominator == 1 else ", shared by equals"
    formula = RANK_RULES[assignment.rank_rule].formula
    return (
        f"Rank {plain(rank)} of {grade.ranked} who passed{shared}: {formula} with "
        f"p = {plain(assignment.points.rank)}, r = {plain(rank)}, N = {grade.ranked} gives "
        f"{plain(rounded(grade.by_rank))} points."
    )


def plain(value: Decimal | Fraction) -> str:
    """A number without zeros at the end.

    >>> plain(Decimal("10.00")), plain(Fraction(5, 2)), plain(Decimal("100"))
    ('10', '2.5', '100')
    """
    text = f"{float(value):.2f}" if isinstance(value, Fraction) else f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
