"""Whether a student may hand in now: open, before the deadline, attempts left, not too many on one day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cnnkit.course.grading.attempts import BROKEN
from cnnkit.course.hand_in_server.hand_ins import HandIn
from cnnkit.course.submissions.assignment import Assignment

REFUSED_A_DAY = 50
"""Uploads that the check refuses use up no attempt; so many a day are looked at."""
BROKEN_A_DAY = 10
"""Nor do hand-ins that the grader failed on, whose files are kept; so many a day are taken."""


class NotNowError(Exception):
    """A hand-in that is not taken.

    Args:
        status: Of HTTP.
        message: Why, and what to do.
        seconds: After how many it may be tried again, where that helps.
    """

    def __init__(self, status: int, message: str, seconds: int | None = None) -> None:
        self.status = status
        self.message = message
        self.seconds = seconds
        super().__init__(message)


@dataclass(frozen=True)
class Rules:
    """What holds at this moment.

    Attributes:
        assignment: With the deadline that staff may have extended.
        open: Whether staff lets people hand in.
        per_day: How many hand-ins of a student count on one day of the course's time zone.
    """

    assignment: Assignment
    open: bool
    per_day: int

    def require(self, past: Sequence[HandIn], time: datetime) -> None:
        """Refuses a hand-in that may not be made.

        Args:
            past: All of the student's so far.
            time: The moment of the new one.

        Raises:
            NotNowError: It may not.
        """
        spec, midnight = self.assignment, self._day(time) + timedelta(days=1)
        today = [each for each in past if each.submitted >= self._day(time)]
        wait = int((midnight - time).total_seconds()) + 1
        refusals = (
            (not self.open, 403, "Handing in is closed. Ask course staff.", None),
            (spec.too_late(time, marked=False), 403, "The deadline has passed. Ask course staff.", None),
            (self.attempts_left(past) == 0, 403, f"All {spec.attempts} attempts are used.", None),
            (self.left_today(past, time) == 0, 429, f"{self.per_day} a day; the next one tomorrow.", wait),
            (
                sum(not each.accepted for each in today) >= REFUSED_A_DAY,
                *(429, "Too many uploads that the check refused; use `cnnkit check` and come back tomorrow.", wait),
            ),
            (
                sum(each.accepted and not _counts(each) for each in today) >= BROKEN_A_DAY,
                *(429, "The grader failed on too many of your hand-ins of today. Ask course staff.", wait),
            ),
        )
        for applies, status, message, seconds in refusals:
            if applies:
                raise NotNowError(status, message, seconds)

    def attempts_left(self, past: Sequence[HandIn]) -> int | None:
        """How many attempts a student has left; None where their number is not limited."""
        if self.assignment.attempts is None:
            return None
        return max(0, self.assignment.attempts - sum(_counts(each) for each in past))

    def left_today(self, past: Sequence[HandIn], time: datetime) -> int:
        """How many attempts a student has left today."""
        return max(0, self.per_day - sum(_counts(each) for each in past if each.submitted >= self._day(time)))

    def _day(self, time: datetime) -> datetime:
        return time.astimezone(self.assignment.zone).replace(hour=0, minute=0, second=0, microsecond=0)


def _counts(each: HandIn) -> bool:
    """One that the machinery failed on uses up no attempt."""
    return each.accepted and (each.result is None or each.result.outcome not in BROKEN)
