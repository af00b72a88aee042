"""Points of whole classes, by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from cnnkit.course.grading.points import RANK_RULES, Result, class_grades, rounded
from cnnkit.course.grading.rank import TIE_RULES
from cnnkit.course.submissions.assignment import Assignment, Late, Points
from cnnkit.errors import InputError, UnknownNameError

DEADLINE = datetime(2026, 12, 18, 23, 59, tzinfo=UTC)
PERSON = Assignment(name="person", title="Person or not", deadline=DEADLINE)


def results(*correct: int) -> list[Result]:
    return [Result(f"s{index}", "passed", number) for index, number in enumerate(correct)]


def points(*correct: int, assignment: Assignment = PERSON) -> list[Decimal]:
    return [rounded(grade.points) for grade in class_grades(results(*correct), assignment)]


def decimals(*values: str) -> list[Decimal]:
    return [Decimal(value) for value in values]


def test_the_worked_example() -> None:
    assert points(18_500, 17_200, 17_200, 14_000, 12_000) == decimals("20.00", "15.00", "15.00", "10.00", "0.00")


@pytest.mark.parametrize(
    ("correct", "expected"),
    [
        # One student: alone is 10.
        ((15_000,), ("20.00",)),
        # Two: first and last.
        ((15_000, 14_999), ("20.00", "10.00")),
        # All equal: everybody has the middle rank, (N - (N + 1)/2)/(N - 1) = 1/2.
        ((13_000,) * 3, ("15.00",) * 3),
        ((13_000,) * 4, ("15.00",) * 4),
        # Nobody passes: 12,000 of 20,000 is not above 60 %.
        ((12_000, 11_999, 0), ("0.00", "0.00", "0.00")),
        # One more than the mark passes, alone among those who do not.
        ((12_001, 12_000), ("20.00", "0.00")),
        # N = 4: thirds. 10 · 2/3 = 6.666…, 10 · 1/3 = 3.333…
        ((19_000, 18_000, 17_000, 16_000), ("20.00", "16.67", "13.33", "10.00")),
        # Ranks 1.5, 1.5, 3: 10 · 1.5/2.
        ((19_000, 19_000, 17_000), ("17.50", "17.50", "10.00")),
    ],
)
def test_classes_by_hand(correct: tuple[int, ...], expected: tuple[str, ...]) -> None:
    assert points(*correct) == decimals(*expected)


def test_best_first_fraction_by_hand() -> None:
    rule = PERSON.model_copy(update={"rank_rule": "best-first-fraction"})
    # N = 4: 10 · 4/4, two at rank 2.5: 10 · 2.5/4, 10 · 1/4.
    expected = decimals("20.00", "16.25", "16.25", "12.50")
    assert points(18_500, 17_200, 17_200, 14_000, assignment=rule) == expected
    assert points(15_000, assignment=rule) == decimals("20.00")


def late_class() -> list[Result]:
    return [
        Result("a in time", "passed", 16_000, DEADLINE),
        Result("b a second late", "passed", 18_000, DEADLINE + timedelta(seconds=1)),
        Result("c two days late", "passed", 17_000, DEADLINE + timedelta(days=1, seconds=1)),
        Result("d no time known", "passed", 15_000, None),
    ]


@pytest.mark.parametrize(
    ("late", "expected"),
    [
        # "none": all are ranked: c2 d... ranks a 3, b 1, c 2, d 4 of 4.
        (Late(policy="none"), ("13.33", "20.00", "16.67", "10.00")),
        # "zero": b and c are out before ranks are given: a 1, d 2 of 2.
        (Late(policy="zero"), ("20.00", "0.00", "0.00", "10.00")),
        # "per-day": ranked like "none", then 1 and 2 days begun cost 2 each.
        (Late(policy="per-day"), ("13.33", "18.00", "12.67", "10.00")),
        # More than there is to lose: zero, not less.
        (Late(policy="per-day", per_day=Decimal(50)), ("13.33", "0.00", "0.00", "10.00")),
        # A minute of grace takes the second late back; a 2, b 1, d 3 of 3.
        (Late(policy="zero", grace_minutes=1), ("15.00", "20.00", "0.00", "10.00")),
    ],
)
def test_late_ones_by_hand(late: Late, expected: tuple[str, ...]) -> None:
    found = class_grades(late_class(), PERSON.model_copy(update={"late": late}))
    assert [rounded(grade.points) for grade in found] == decimals(*expected)


def test_only_who_may_be_ranked_counts_and_each_of_the_others_has_a_status() -> None:
    found = class_grades(
        [
            Result("a", "passed", 18_000),
            Result("b guest", "passed", 19_999, enrolled=False),
            Result("c", "refused"),
            Result("d", "timed out"),
            Result("e", "crashed"),
            Result("f", "missing"),
            Result("g", "passed", 100),
            Result("h", "passed", 18_001, DEADLINE + timedelta(hours=1)),
            Result("i", "passed", 13_000),
        ],
        PERSON,
    )
    assert [(grade.status, grade.rank, rounded(grade.points)) for grade in found] == [
        ("passed", 1, Decimal(20)),
        ("not enrolled", None, Decimal(0)),
        ("refused", None, Decimal(0)),
        ("timed out", None, Decimal(0)),
        ("crashed", None, Decimal(0)),
        ("missing", None, Decimal(0)),
        ("not passed", None, Decimal(0)),
        ("too late", None, Decimal(0)),
        ("passed", 2, Decimal(10)),
    ]
    assert {grade.ranked for grade in found} == {2}


def test_grades_do_not_depend_on_the_order_of_the_results() -> None:
    generator = np.random.default_rng(0)
    whole = results(*generator.integers(11_000, 20_001, 200).tolist())
    shuffled = [whole[place] for place in generator.permutation(200)]
    assert class_grades(shuffled, PERSON) == class_grades(whole, PERSON)


def test_arithmetic_is_exact_until_it_is_rounded() -> None:
    found = class_grades(results(*range(13_000, 13_008)), PERSON)
    assert [grade.by_rank for grade in found] == [Fraction(10 * better, 7) for better in range(8)]


def test_other_points_and_another_pass_mark() -> None:
    rule = Assignment(
        name="x", title="X", rows=10, pass_above=Decimal("0.5"), points=Points(flat=Decimal(1), rank=Decimal("0.5"))
    )
    assert points(5, 6, 10, assignment=rule) == decimals("0.00", "1.00", "1.50")


def test_every_rule_of_an_assignment_exists() -> None:
    fields = Assignment.model_fields
    assert set(fields["rank_rule"].annotation.__args__) == set(RANK_RULES)
    assert set(fields["tie_rule"].annotation.__args__) == set(TIE_RULES)


def test_wrong_use() -> None:
    with pytest.raises(UnknownNameError, match="linear"):
        class_grades([], PERSON.model_copy(update={"rank_rule": "liner"}))
    with pytest.raises(InputError, match="two of"):
        class_grades([Result("a", "passed", 15_000), Result("a", "passed", 15_001)], PERSON)
