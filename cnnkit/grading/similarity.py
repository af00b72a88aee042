"""Submissions that are the same, or nearly: flags for a person, never a verdict.

Same files and same weights are found by their hashes. Nearly the same predictions are found by the correlation of
what two submissions get wrong, p - label: that both are right most of the time says nothing. Each submission keeps a
sketch, 256 random projections of its errors, from which correlations follow to about (1 - ρ²)/16 (Johnson &
Lindenstrauss 1984; Achlioptas 2003 for signs): half a kilobyte instead of 80, so that a class of 100,000 fits into 100
megabytes and is compared, all with all, in minutes.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

PROJECTIONS = 256
NEAR = 0.995
"""Correlation of errors from which on two submissions are called nearly the same. Two trainings of one architecture
on the same pictures stay well below; the same weights with another rounding, or with noise, do not."""

SAME = {
    "predictions": "the same predictions file as",
    "tensors": "the same weights as",
    "notebook": "the same notebook as",
    "script": "the same script as",
}
"""What is compared by hash. The architecture is not: whoever follows the template has the same."""
CODE, TEMPLATE_USERS = ("notebook", "script"), 5
"""Code that more hand in than this is the template, unchanged: that is no reason to look at them."""

_SKETCHES_AT_A_TIME = 2048


@dataclass(frozen=True)
class Pair:
    """Two submissions that are alike.

    Attributes:
        student: Whose submission is flagged.
        other: Whose is the same, or the nearest of those that are.
        what: In what they are alike, in words that end before the other's name.
        alike: How many others are alike in this.
    """

    student: str
    other: str
    what: str
    alike: int

    def __str__(self) -> str:
        more = f" (and {self.alike - 1} more)" if self.alike > 1 else ""
        return f"{self.what} {self.other}{more}"


def sketch(probabilities: NDArray[np.float32], truth: NDArray[np.bool_]) -> NDArray[np.int16]:
    """Random projections of a submission's errors.

    Args:
        probabilities: (n,) each 0…1.
        truth: (n,) the labels.

    Returns:
        (256,) scaled to the range of the type; zeros where there is no error at all.
    """
    errors = probabilities.astype(np.float64) - truth
    errors -= errors.mean()
    total = errors.astype(np.float32) @ _signs(len(errors))
    largest = np.abs(total).max()
    return (total * (32767 / largest if largest > 0 else 0)).round().astype(np.int16)


def encoded(values: NDArray[np.int16]) -> str:
    """A sketch as text, for the ledger."""
    return base64.b64encode(values.astype("<i2").tobytes()).decode("ascii")


def decoded(text: str) -> NDArray[np.int16]:
    """The sketch of a text."""
    return np.frombuffer(base64.b64decode(text), "<i2").astype(np.int16)


def same(digests: Iterable[tuple[str, Mapping[str, str]]]) -> list[Pair]:
    """Pairs with equal hashes.

    Args:
        digests: (student, key of `SAME` → digest) of each submission.
    """
    owners: dict[tuple[str, str], list[str]] = defaultdict(list)
    for student, digest_of in digests:
        for kind in SAME:
            if digest_of.get(kind):
                owners[kind, digest_of[kind]].append(student)
    found = []
    for (kind, _), students in owners.items():
        group = sorted(students)
        if len(group) == 1 or (kind in CODE and len(group) > TEMPLATE_USERS):
            continue
        for place, student in enumerate(group):
            found.append(Pair(student, group[0] if place else group[1], SAME[kind], len(group) - 1))
    return sorted(found, key=lambda pair: (pair.student, pair.what))


def nearly_same(students: Sequence[str], sketches: NDArray[np.int16], *, near: float = NEAR) -> list[Pair]:
    """Pairs whose errors correlate: for each student the nearest other one, and how many there are.

    Args:
        students: (n,) in the order of the sketches.
        sketches: (n, 256) see `sketch`.
        near: The correlation from which on a pair counts.

    Returns:
        In the order of the students; a student who is like nobody is not among them. The memory needed beyond the
        sketches does not grow with the class.
    """
    units = sketches.astype(np.float32)
    lengths = np.linalg.norm(units, axis=1, keepdims=True)
    units /= np.where(lengths > 0, lengths, 1)
    starts = range(0, len(units), _SKETCHES_AT_A_TIME)
    found = []
    for top in starts:
        block = units[top : top + _SKETCHES_AT_A_TIME]
        best = np.full(len(block), -1.0, np.float32)
        nearest, alike = np.zeros(len(block), np.int64), np.zeros(len(block), np.int64)
        for left in starts:
            correlations = block @ units[left : left + _SKETCHES_AT_A_TIME].T
            if left == top:
                np.fill_diagonal(correlations, -1)
            alike += (correlations >= near).sum(axis=1)
            place = correlations.argmax(axis=1)
            value = correlations[np.arange(len(block)), place]
            nearest = np.where(value > best, left + place, nearest)
            best = np.maximum(value, best)
        for row in np.flatnonzero(alike):
            what = f"errors that correlate to {min(best[row], 1):.4f} with those of"
            found.append(Pair(students[top + int(row)], students[int(nearest[row])], what, int(alike[row])))
    return found


@lru_cache(maxsize=1)
def _signs(rows: int) -> NDArray[np.float32]:
    """(rows, 256) of +1 and -1, the same everywhere: NumPy promises the raw stream of a bit generator."""
    words = np.random.Philox(20_000).random_raw(rows * PROJECTIONS // 64).astype("<u8")
    bits = np.unpackbits(words.view(np.uint8)).reshape(rows, PROJECTIONS)
    return bits * np.float32(2) - np.float32(1)
