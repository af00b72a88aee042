"""The public board: rounded to its own uncertainty, ranked on that, and by pseudonym."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cnnkit.course.hand_in_server.hand_ins import HandIn, Result
from cnnkit.course.hand_in_server.leaderboard import lines, public_score, step_of
from cnnkit.course.submissions.assignment import Assignment

SPEC = Assignment(name="people", title="People", deadline=datetime(2026, 12, 18, tzinfo=UTC))
ROWS = 6_000


def tries(student: str, *correct: int | None, days: int = 1) -> list[HandIn]:
    """A student's hand-ins on the days before the deadline; None was refused when it was graded."""
    found = []
    for place, right in enumerate(correct):
        result = Result("refused", "key", f"anon-{student}")
        if right is not None:
            result = Result("passed", "key", f"anon-{student}", right * 3, ROWS * 3, right, ROWS)
        time = SPEC.deadline or datetime.now(UTC)
        submitted = time - timedelta(days=days) + timedelta(hours=place)
        found.append(HandIn(f"{student}{place}", student, submitted, True, "print", {}, (), "passed", result=result))
    return found


@pytest.mark.parametrize(("rows", "step"), [(6_000, 0.01), (60, 0.1), (1_500, 0.03), (100_000, 0.003)])
def test_the_step_is_half_the_widest_interval(rows: int, step: float) -> None:
    """By the normal approximation, 1.96·√(0.25/n): .0127, .127, .0253, .0031, to one digit."""
    assert step_of(rows) == pytest.approx(float(f"{1.96 * (0.25 / rows) ** 0.5:.0e}"))
    assert step_of(rows) == pytest.approx(step)


def test_what_is_shown_tells_no_more_than_its_step() -> None:
    shown = {public_score(Result("passed", "", "", n, ROWS, n, ROWS)) for n in range(4_771, 4_829)}
    assert [round(each.accuracy, 6) for each in shown if each] == [0.8]
    assert public_score(Result("refused", "", "")) is None
    assert public_score(Result("passed", "", "", 5, 10)) is None  # nothing is public


def test_ranks_and_who_counts() -> None:
    students = {
        "ada": tries("ada", 5_410, 4_000),
        "bo": tries("bo", 4_810, None),
        "cy": tries("cy", 4_790),
        "di": tries("di", None),
    }
    table = [(line.rank, line.pseudonym, line.score.accuracy) for line in lines(students, SPEC)]
    assert table == [(1.5, "anon-bo", 0.8), (1.5, "anon-cy", 0.8), (3, "anon-ada", 0.67)]
    best = lines(students, SPEC.model_copy(update={"counts": "best"}))
    assert next(line for line in best if line.student == "ada").score.accuracy == 0.9


def test_ungraded_ones_are_not_on_it() -> None:
    waiting = [replace(each, result=None) for each in tries("ada", 5_000)]
    assert lines({"ada": waiting}, SPEC) == []
    half: dict[str, Any] = {"ada": [*tries("ada", 5_000), *waiting]}
    assert [line.attempts for line in lines(half, SPEC)] == [2]
