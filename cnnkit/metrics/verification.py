"""Verification: whether two pictures show the same person, told by how similar their vectors are (lecture 003).

False accepts are pairs of strangers that are called the same, true accepts pairs of one person that are. A pair is
accepted where its similarity reaches the threshold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnkit.errors import DataError, InputError
from cnnkit.metrics.given_arrays import array_of, binary_scores, real

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Roc:
    """The curve of receiver operating characteristic: one point per threshold that decides differently.

    Attributes:
        false_accept_rate: (k,) rising from 0 to 1.
        true_accept_rate: (k,) rising from 0 to 1.
        thresholds: (k,) falling, the first infinite: nothing reaches it.
    """

    false_accept_rate: Floats
    true_accept_rate: Floats
    thresholds: Floats


def roc(same: ArrayLike, similarities: ArrayLike) -> Roc:
    """True accepts over false accepts for all thresholds.

    Args:
        same: (pairs,) 1 where both pictures show the same person, else 0.
        similarities: (pairs,) the higher, the more alike; cosines, say.

    Raises:
        DataError: Other shapes or values, or pairs of one kind only.

    >>> roc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).true_accept_rate.tolist()
    [0.0, 0.5, 0.5, 1.0, 1.0]
    """
    truth, values = binary_scores(same, similarities)
    genuine, strangers = int(truth.sum()), int(len(truth) - truth.sum())
    if not genuine or not strangers:
        raise DataError("pairs of one person and pairs of two", f"{genuine} and {strangers}", "Compare more pictures.")
    order = np.argsort(-values, kind="stable")
    values, accepted = values[order], np.cumsum(truth[order])
    last = np.append(np.flatnonzero(np.diff(values)), len(values) - 1)  # of pairs that are equally similar
    true = np.concatenate([[0], accepted[last]]) / genuine
    false = np.concatenate([[0], last + 1 - accepted[last]]) / strangers
    return Roc(false, true, np.concatenate([[np.inf], values[last]]))


def equal_error_rate(same: ArrayLike, similarities: ArrayLike) -> float:
    """The rate at which as many strangers are accepted as pictures of one person are refused; the lower, the better.

    Where the curve jumps over that point it is taken from the straight line between two thresholds.

    Args:
        same: As of `roc`.
        similarities: As of `roc`.

    Raises:
        DataError: As of `roc`.

    >>> equal_error_rate([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.5
    """
    curve = roc(same, similarities)
    excess = curve.false_accept_rate + curve.true_accept_rate - 1  # rises from −1 to 1
    after = int(np.argmax(excess >= 0))
    share = -excess[after - 1] / (excess[after] - excess[after - 1])
    before, behind = curve.false_accept_rate[after - 1 : after + 1]
    return float(before + share * (behind - before))


def true_accept_rate(same: ArrayLike, similarities: ArrayLike, *, far: float = 1e-2) -> float:
    """The true accept rate at the lowest threshold that keeps false accepts at `far` or below.

    Args:
        same: As of `roc`.
        similarities: As of `roc`.
        far: The largest false accept rate, 0 ≤ far ≤ 1.

    Raises:
        DataError: As of `roc`.
        InputError: Another `far`.

    >>> true_accept_rate([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], far=0.5)
    1.0
    """
    curve = roc(same, similarities)
    return float(curve.true_accept_rate[curve.false_accept_rate <= rate(far)].max())


def accept_threshold(strangers: ArrayLike, *, far: float = 1e-2) -> float:
    """A threshold that a share of at most `far` of the similarities of strangers reaches.

    It lies half-way between the highest that is refused and the next one above, so that rounding decides nothing:
    all thresholds above the former up to the latter accept the same strangers.

    Args:
        strangers: (pairs,) similarities of pictures of two people each.
        far: The largest false accept rate, 0 ≤ far < 1.

    Raises:
        DataError: No similarities, or some that are not finite.
        InputError: Another `far`.

    >>> accept_threshold([0.1, 0.2, 0.3, 0.5], far=0.25)
    0.4
    """
    refused, values = highest_refused(strangers, far=far), array_of(strangers).astype(np.float64)
    above = values[values > refused]
    halfway = (refused + above.min()) / 2 if len(above) else refused
    return float(max(halfway, np.nextafter(refused, np.inf)))


def highest_refused(strangers: ArrayLike, *, far: float) -> float:
    """The highest similarity of strangers that has to be refused so that a share of at most `far` is accepted.

    Args:
        strangers: As of `accept_threshold`.
        far: As there.

    Raises:
        DataError: As there.
        InputError: As there.
    """
    _, values = binary_scores(np.zeros(array_of(strangers).shape), strangers)
    allowed = int(np.floor(rate(far) * len(values) + 1e-9))
    if allowed == len(values):
        raise InputError("far below 1", repr(far), "0.01 accepts one pair of strangers in a hundred.")
    return float(np.sort(values)[::-1][allowed])


def rate(far: object) -> float:
    """A false accept rate.

    Raises:
        InputError: It is no number from 0 to 1.
    """
    if not real(far, 0, 1):
        raise InputError("far as a number from 0 to 1", repr(far), "0.01 accepts one pair of strangers in a hundred.")
    return float(far)  # type: ignore[arg-type]  # `real` has seen that it is a number
