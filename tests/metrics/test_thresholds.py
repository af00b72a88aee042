"""The best threshold against trying every one."""

from __future__ import annotations

import numpy as np
import pytest

from cnnkit.errors import CnnkitError, DataError, InputError
from cnnkit.metrics import best_threshold

CRITERIA = {
    "accuracy": {},
    "f1": {},
    "cost": {"costs": (1, 7)},
    "precision": {"at": 0.8},
    "recall": {"at": 0.9},
}


def worth(labels: np.ndarray, decided: np.ndarray, by: str, costs=(1, 1), at: float = 0.0) -> float:
    """What a criterion maximises, by its definition."""
    hits, alarms = int((labels & decided).sum()), int((~labels & decided).sum())
    misses = int((labels & ~decided).sum())
    precision = hits / (hits + alarms) if hits + alarms else 0.0
    recall = hits / (hits + misses)
    return {
        "accuracy": float((labels == decided).mean()),
        "f1": 2 * hits / (2 * hits + alarms + misses),
        "cost": -costs[0] * alarms - costs[1] * misses,
        "precision": recall if precision >= at else -1.0,
        "recall": precision if recall >= at else -1.0,
    }[by]


@pytest.mark.parametrize("by", CRITERIA)
@pytest.mark.parametrize("seed", range(6))
def test_no_threshold_is_better(by: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.random(80) < 0.3
    p = np.clip(0.25 + 0.4 * labels + random.normal(0, 0.2, 80), 0, 1).round(1 + seed % 3).astype(np.float32)
    labels[np.argmax(p)] = True  # so that the precision that is asked for can be had
    limit = best_threshold(labels, p, by=by, **CRITERIA[by])
    tried = [worth(labels, p >= each, by, **CRITERIA[by]) for each in np.linspace(1e-6, 1 - 1e-6, 2001)]
    assert worth(labels, p >= limit, by, **CRITERIA[by]) == pytest.approx(max(tried))
    assert 0 < limit < 1


def test_of_equally_good_ones_the_nearest_to_a_half() -> None:
    assert best_threshold([0, 1], [0.2, 0.7], by="accuracy") == pytest.approx(0.45)
    assert best_threshold([0, 1, 0, 1], [0.1, 0.2, 0.45, 0.9], by="accuracy") == pytest.approx(0.675)


def test_certain_probabilities() -> None:
    assert 0 < best_threshold([0, 1], [0.0, 1.0]) < 1
    assert 0 < best_threshold([1, 0], [0.0, 1.0], by="accuracy") < 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1, 1], [0.1, 0.2]), DataError, "both classes"),
        (([0, 1], [0.1, 2]), DataError, "0 to 1"),
        (([0, 2], [0.1, 0.2]), DataError, "0 and 1"),
    ],
)
def test_what_has_no_threshold(arguments, error, message: str) -> None:
    with pytest.raises(error, match=message):
        best_threshold(*arguments)


def test_criteria_and_what_belongs_to_them() -> None:
    with pytest.raises(DataError, match=r"at least 0\.9.*at most 0\.667"):
        best_threshold([1, 0, 1], [0.2, 0.4, 0.3], by="precision", at=0.9)
    for wrong in (
        {"by": "precision"},
        {"by": "f1", "at": 0.5},
        {"by": "f1", "costs": (1, 2)},
        {"by": "cost", "costs": 3},
    ):
        with pytest.raises(InputError):
            best_threshold([0, 1], [0.1, 0.2], **wrong)


@pytest.mark.parametrize("given", [None, "a", object(), [None, None], {"a": 1}, 1 + 2j])
def test_every_argument_refuses_other_types_in_words(given) -> None:
    for arguments in ({"labels": given}, {"probabilities": given}, {"by": given}, {"costs": given}):
        with pytest.raises(CnnkitError):
            best_threshold(**{"labels": [0, 1], "probabilities": [0.1, 0.9], **arguments})
