"""Scores that nobody should believe unseen; good ones that somebody has worked for are not among them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from cnnkit.course.grading.plausible import LEAST_OTHERS, implausible
from cnnkit.course.grading.score import Score

ROWS = 20_000


def score(correct: int, rows: int = ROWS) -> Score:
    wrong = rows - correct
    positive = min(correct, rows // 2)
    return Score(correct - positive, wrong, 0, positive, 0.9, 0.1, 0.1, 0, 0)


def flagged(scores: Mapping[str, int], rows: int = ROWS) -> dict[str, str]:
    return dict(implausible({student: score(correct, rows) for student, correct in scores.items()}))


def class_of(accuracies: list[float]) -> dict[str, int]:
    return {f"s{number}": round(accuracy * ROWS) for number, accuracy in enumerate(accuracies)}


@pytest.mark.parametrize("seed", range(20))
def test_honest_classes(seed: int) -> None:
    """From those who guess to one who tuned a larger network for weeks."""
    dice = np.random.default_rng(seed)
    usual = dice.normal(0.84, 0.03, 60).clip(0.5, 0.93)
    assert flagged(class_of([*usual, *dice.uniform(0.5, 0.8, 8), 0.95])) == {}
    assert flagged(class_of([*dice.normal(0.84, 0.001, 60), 0.88])) == {}  # all but one ran the template


@pytest.mark.parametrize("accuracy", [0.995, 0.999, 0.99995])
def test_labels_that_were_looked_up(accuracy: float) -> None:
    usual = np.random.default_rng(0).normal(0.84, 0.03, 60)
    found = flagged(class_of([*usual, accuracy, accuracy - 0.002]))
    assert set(found) == {"s60", "s61"}
    assert "implausible" in found["s60"]


def test_everything_right_is_told_in_any_class() -> None:
    assert set(flagged({"a": 200}, 200)) == {"a"}
    assert set(flagged({"a": 200, "b": 199}, 200)) == {"a"}
    assert flagged({}) == {}


def test_few_others_say_nothing() -> None:
    assert flagged(class_of([0.8] * (LEAST_OTHERS - 1) + [0.999])) == {}
    assert set(flagged(class_of([0.8] * LEAST_OTHERS + [0.999]))) == {f"s{LEAST_OTHERS}"}


def test_few_pictures_leave_more_open() -> None:
    usual = {f"s{number}": 33 for number in range(12)}
    assert flagged({**usual, "best": 39}, 40) == {}
    assert set(flagged({**usual, "best": 40}, 40)) == {"best"}
