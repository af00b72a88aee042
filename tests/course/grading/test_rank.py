"""Ranks, by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import numpy as np
import pytest

from cnnkit.course.grading.rank import Entry, ranks
from cnnkit.errors import InputError, UnknownNameError

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
HALF = Fraction(1, 2)


def entries(*correct: int) -> list[Entry]:
    return [Entry(f"s{index}", number) for index, number in enumerate(correct)]


@pytest.mark.parametrize(
    ("correct", "expected"),
    [
        ([], []),
        ([7], [1]),
        ([9, 8, 7], [1, 2, 3]),
        ([7, 9, 8], [3, 1, 2]),
        ([9, 8, 8, 7], [1, 2 + HALF, 2 + HALF, 4]),
        ([9, 9, 8], [1 + HALF, 1 + HALF, 3]),
        ([9, 8, 8, 8], [1, 3, 3, 3]),
        ([5, 5, 5, 5], [2 + HALF] * 4),
        ([5, 5, 4, 4, 4], [1 + HALF, 1 + HALF, 4, 4, 4]),
    ],
)
def test_equals_share_the_mean_of_their_ranks(correct: list[int], expected: list[Fraction]) -> None:
    assert list(ranks(entries(*correct)).values()) == expected


def test_the_mean_rank_of_a_class_is_always_that_of_its_numbers() -> None:
    generator = np.random.default_rng(0)
    for count in range(1, 40):
        found = ranks(entries(*generator.integers(0, 8, count).tolist()))
        assert sum(found.values()) == Fraction(count * (count + 1), 2)


def test_the_order_of_the_entries_does_not_matter() -> None:
    generator = np.random.default_rng(1)
    whole = entries(*generator.integers(0, 10, 50).tolist())
    assert ranks(whole[place] for place in generator.permutation(50)) == ranks(whole)


def test_the_earliest_of_equals_wins_only_where_the_rule_says_so() -> None:
    whole = [
        Entry("late", 8, NOON + timedelta(hours=2)),
        Entry("unknown", 8, None),
        Entry("early", 8, NOON),
        Entry("best", 9, NOON + timedelta(days=3)),
        # The same moment, told in another zone: still a tie.
        Entry("also early", 8, NOON.astimezone(tz=None)),
    ]
    found = ranks(whole, ties="earliest")
    assert found == {"best": 1, "early": 2 + HALF, "also early": 2 + HALF, "late": 4, "unknown": 5}
    assert ranks(whole) == {"best": 1, "early": 3 + HALF, "also early": 3 + HALF, "late": 3 + HALF, "unknown": 3 + HALF}


def test_wrong_use() -> None:
    with pytest.raises(UnknownNameError, match="average"):
        ranks([], ties="averge")
    with pytest.raises(InputError, match="two of 'a'"):
        ranks([Entry("a", 1), Entry("a", 2)])
