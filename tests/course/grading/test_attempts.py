"""Which submission counts: by hand, and against trying every choice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from cnnkit.course.grading.attempts import Attempt, counting, eligible, undecided
from cnnkit.course.grading.points import class_grades
from cnnkit.course.submissions.assignment import Assignment

DEADLINE = datetime(2026, 12, 1, 12, tzinfo=UTC)


def spec(**rules: object) -> Assignment:
    values = {"name": "person", "title": "", "rows": 200, "deadline": DEADLINE.isoformat(), **rules}
    return Assignment.model_validate(values)


def attempt(days: float, correct: int | None, outcome: str = "passed") -> Attempt:
    """One handed in so many days after the deadline."""
    return Attempt(DEADLINE + timedelta(days=days), outcome=outcome, correct=correct)  # type: ignore[arg-type]


PER_DAY = spec(counts="best", late={"policy": "per-day", "per_day": 2})


@pytest.mark.parametrize(
    ("tries", "position"),
    [
        ([attempt(-1, 170), attempt(3, 171)], 0),  # one row more is not worth six points
        ([attempt(-1, 119), attempt(1, 180)], 1),  # 119 of 200 does not pass
        ([attempt(-1, 125), attempt(0.5, 190)], 1),  # ten ranks are worth more than two points
        ([attempt(-1, 150), attempt(-0.5, 150)], 0),  # the same: the earlier
        ([attempt(1, None, "refused"), attempt(2, 100)], 1),
    ],
)
def test_the_best_is_what_earns_most_after_lateness(tries: list[Attempt], position: int) -> None:
    others = {f"s{number}": [attempt(-1, 130 + 5 * number)] for number in range(11)}
    assert counting({"ada": tries, **others}, PER_DAY)["ada"] == position


@pytest.mark.parametrize("tie_rule", ["average", "earliest"])
@pytest.mark.parametrize("rank_rule", ["linear", "best-first-fraction"])
def test_the_choice_is_the_one_that_trying_every_choice_finds(tie_rule: str, rank_rule: str) -> None:
    """A slow definition: grade the class with each of a student's attempts beside the others' most accurate ones."""
    rules = PER_DAY.model_copy(update={"tie_rule": tie_rule, "rank_rule": rank_rule})
    generator = np.random.default_rng(4)
    for _ in range(40):
        students = {
            f"s{number}": [
                attempt(float(generator.integers(-3, 4)), int(generator.integers(115, 140)))
                for _ in range(generator.integers(1, 4))
            ]
            for number in range(5)
        }
        found = counting(students, rules)
        for student, tries in students.items():
            others = {other: most_accurate(students[other]) for other in students if other != student}
            earned = [points(student, each, others, rules) for each in tries]
            assert earned[found[student]] == max(earned)


def most_accurate(tries: list[Attempt]) -> Attempt:
    return min(tries, key=lambda each: (-(each.correct or 0), each.submitted))


def points(student: str, one: Attempt, others: dict[str, Attempt], rules: Assignment) -> Fraction:
    results = [each.result(name) for name, each in {**others, student: one}.items()]
    return next(grade.points for grade in class_grades(results, rules) if grade.student == student)


def test_everybodys_choice_is_the_same_in_any_order() -> None:
    tries = {"a": [attempt(-1, 150), attempt(1, 160)], "b": [attempt(-1, 155)], "c": [attempt(2, 170)]}
    backwards = dict(reversed(tries.items()))
    assert counting(tries, PER_DAY) == counting(backwards, PER_DAY)


@pytest.mark.parametrize(("counts", "policy"), list(product(["last", "best"], ["none", "zero", "per-day"])))
def test_one_attempt_counts_whatever_the_rules(counts: str, policy: str) -> None:
    rules = spec(counts=counts, late={"policy": policy})
    assert counting({"ada": [attempt(9, 100)]}, rules) == {"ada": 0}
    assert undecided([Attempt()], rules) == [0]
    assert undecided([attempt(0, 1)], rules) == []


def test_what_is_late_does_not_count_beside_what_is_in_time() -> None:
    tries = [attempt(-2, 130), attempt(-1, 125), attempt(1, 190)]
    assert counting({"ada": tries}, spec()) == {"ada": 1}
    assert counting({"ada": tries}, spec(counts="best")) == {"ada": 0}
    assert list(eligible(tries, spec(attempts=1))) == [0]


def test_an_attempt_that_is_not_graded_has_no_result() -> None:
    with pytest.raises(ValueError, match="not graded"):
        Attempt().result("ada")
