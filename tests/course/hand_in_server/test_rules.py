"""Who may hand in when: closed, too late, no attempts left, too many today."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cnnkit.course.hand_in_server.hand_ins import HandIn, Result
from cnnkit.course.hand_in_server.rules import BROKEN_A_DAY, REFUSED_A_DAY, NotNowError, Rules
from cnnkit.course.submissions.assignment import Assignment, Late

NOON = datetime(2026, 12, 18, 11, tzinfo=UTC)  # 12:00 in Berlin
SPEC = Assignment(name="people", title="People", timezone="Europe/Berlin")
RULES = Rules(SPEC, open=True, per_day=2)


def at(time: datetime, *, accepted: bool = True, outcome: Any = None) -> HandIn:
    result = None if outcome is None else Result(outcome, "key", "anon")
    return HandIn("id", "ada", time, accepted, "print", {}, (), "passed", result=result)


def status(rules: Rules, past: list[HandIn], time: datetime = NOON) -> int:
    try:
        rules.require(past, time)
    except NotNowError as error:
        return error.status
    return 200


def limited(**changes: Any) -> Rules:
    return replace(RULES, assignment=SPEC.model_copy(update=changes))


def test_open_or_closed() -> None:
    assert status(RULES, []) == 200
    assert status(replace(RULES, open=False), []) == 403


@pytest.mark.parametrize(("policy", "after"), [("zero", 403), ("none", 200), ("per-day", 200)])
def test_after_the_deadline_it_depends_on_what_lateness_costs(policy: Any, after: int) -> None:
    rules = limited(deadline=NOON, late=Late(policy=policy, grace_minutes=1))
    assert status(rules, [], NOON + timedelta(seconds=60)) == 200
    assert status(rules, [], NOON + timedelta(seconds=61)) == after


def test_a_day_is_one_of_the_course() -> None:
    midnight = datetime(2026, 12, 18, 23, tzinfo=UTC)  # 0:00 on the 19th in Berlin
    past = [at(NOON), at(NOON + timedelta(hours=1))]
    with pytest.raises(NotNowError) as refused:
        RULES.require(past, midnight - timedelta(seconds=10))
    assert refused.value.status == 429
    assert refused.value.seconds == 11
    assert status(RULES, past, midnight) == 200
    assert [RULES.left_today(past, time) for time in (NOON, midnight)] == [0, 2]


def test_what_the_grader_failed_on_uses_up_no_attempt() -> None:
    rules = limited(attempts=2)
    days = [NOON - timedelta(days=day) for day in (3, 2, 1)]
    past = [at(days[0], outcome="passed"), at(days[1], outcome="crashed"), at(days[2], accepted=False)]
    assert (status(rules, past), rules.attempts_left(past)) == (200, 1)
    past.append(at(days[2]))
    assert (status(rules, past), rules.attempts_left(past)) == (403, 0)
    assert limited().attempts_left(past) is None


def test_refused_uploads_are_bounded_too() -> None:
    refused = [at(NOON, accepted=False)] * REFUSED_A_DAY
    assert status(RULES, refused[1:]) == 200
    assert status(RULES, refused) == 429


@pytest.mark.parametrize("outcome", ["crashed", "timed out"])
def test_what_the_grader_failed_on_is_bounded_too(outcome: str) -> None:
    broken = [at(NOON, outcome=outcome)] * BROKEN_A_DAY
    assert status(RULES, broken[1:]) == 200
    assert status(RULES, broken) == 429
    assert status(RULES, broken, NOON + timedelta(days=1)) == 200


def test_neither_the_server_nor_its_grader_needs_tensorflow() -> None:
    code = "import sys; from cnnkit.course.hand_in_server import grader, server; "
    code += "print({'tensorflow', 'keras'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("set()\n", "")
