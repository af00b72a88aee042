"""The probability from which on a class is decided for, chosen on examples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnkit.errors import DataError, InputError, unknown_name
from cnnkit.metrics.given_arrays import probabilities_of

Criterion = Literal["accuracy", "f1", "cost", "precision", "recall"]
Counts = NDArray[np.int64]


def best_threshold(
    labels: ArrayLike,
    probabilities: ArrayLike,
    *,
    by: Criterion = "f1",
    costs: Sequence[float] = (1.0, 1.0),
    at: float | None = None,
) -> float:
    """The threshold that is best on these examples; an example is called 1 when its probability reaches it.

    Only thresholds half-way between two probabilities that occur are looked at, and one below and above all of them:
    others decide the same. Of several that are equally good, the one nearest to 0.5.

    Args:
        labels: (n,) 0 and 1, or booleans.
        probabilities: (n,) of class 1, each 0…1.
        by: `"accuracy"`; `"f1"`; `"cost"`, the least sum of `costs`; `"precision"`, the highest recall with a precision
            of at least `at`; `"recall"`, the highest precision with a recall of at least `at`.
        costs: Of a false 1 (false alarm) and of a false 0 (miss).
        at: The precision or recall that is asked for, 0…1.

    Returns:
        Between 0 and 1, both excluded.

    Raises:
        DataError: Examples of one class only, other shapes, a probability outside 0…1, or no threshold has the
            precision or recall that is asked for.
        InputError: Costs or `at` that are none.
        UnknownNameError: Another criterion.

    >>> round(best_threshold([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.9]), 3)
    0.25
    >>> best_threshold([0, 1, 0, 1], [0.1, 0.3, 0.4, 0.8], by="cost", costs=(1, 5))
    0.2
    """
    _check(by, costs, at)
    truth, values = probabilities_of(labels, probabilities)
    positives, negatives = int(truth.sum()), int(len(truth) - truth.sum())
    if not positives or not negatives:
        raise DataError(
            "examples of both classes", f"{positives} of class 1 among {len(truth)}", "Choose on more pictures."
        )
    limits, hits, alarms = _candidates(truth, values)
    precision, recall = hits / np.maximum(1, hits + alarms), hits / positives
    misses = positives - hits
    value = {
        "accuracy": hits - alarms,
        "f1": 2 * hits / (2 * hits + alarms + misses),
        "cost": -(float(costs[0]) * alarms + float(costs[1]) * misses),
        "precision": np.where(precision >= (at or 0), recall, -1),
        "recall": np.where(recall >= (at or 0), precision, -1),
    }[by]
    if value.max() == -1 and at is not None:
        best = precision.max()
        raise DataError(
            f"a threshold with a {by} of at least {at:g}",
            f"at most {best:.3f} on these examples",
            "Ask for less, or train a better network.",
        )
    best_of_all = np.flatnonzero(value >= value.max() - 1e-12)
    return float(limits[best_of_all[np.argmin(np.abs(limits[best_of_all] - 0.5))]])


def _candidates(truth: NDArray[np.float64], values: NDArray[np.float64]) -> tuple[NDArray[np.float64], Counts, Counts]:
    """Thresholds from high to low, and how many of class 1 and of class 0 reach each."""
    distinct, place = np.unique(values, return_inverse=True)
    of_one = np.bincount(place, weights=truth, minlength=len(distinct))[::-1]
    of_both = np.bincount(place, minlength=len(distinct))[::-1]
    limits = np.concatenate([[(1 + distinct[-1]) / 2], (distinct[1:] + distinct[:-1])[::-1] / 2, [distinct[0] / 2]])
    hits = np.concatenate([[0], np.cumsum(of_one)]).astype(np.int64)
    alarms = np.concatenate([[0], np.cumsum(of_both - of_one)]).astype(np.int64)
    inside = (limits > 0) & (limits < 1)  # a probability of exactly 1 reaches every threshold, of 0 none
    return limits[inside], hits[inside], alarms[inside]


def _check(by: object, costs: object, at: object) -> None:
    if by not in get_args(Criterion):
        raise unknown_name("a criterion", str(by), get_args(Criterion))
    pair = list(costs) if isinstance(costs, Sequence) and not isinstance(costs, str) else []
    if len(pair) != 2 or not all(_number(cost) and 0 < cost < math.inf for cost in pair):
        raise InputError("the costs of a false alarm and of a miss, above 0", repr(costs), "(1, 5): a miss costs five.")
    asked = by in ("precision", "recall")
    if asked and not (_number(at) and 0 < float(at) <= 1):  # type: ignore[arg-type]
        raise InputError(f"the {by} that is asked for, 0 < at <= 1", f"at={at!r}", f'by="{by}", at=0.95 is one.')
    if not asked and at is not None:
        raise InputError(f"no `at` with by={by!r}", f"at={at!r}", 'It belongs to by="precision" and by="recall".')
    if by != "cost" and tuple(pair) != (1, 1):
        raise InputError(f"no costs with by={by!r}", f"costs={costs!r}", 'They belong to by="cost".')


def _number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
