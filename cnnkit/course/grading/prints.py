"""What the ledger keeps of a submission so that it can be compared with those of others, and with nothing else.

Of the predictions three sketches: a vector is added up in 512 numbers, each place with a random sign (a count sketch,
Charikar, Chen & Farach-Colton 2002), from which the correlation ρ of two vectors follows to about (1 - ρ²)/22. Half a
kilobyte each, so that one kind of a class of 100,000 fits into 60 megabytes. Each survives what hides a copy otherwise:

    errors      p - label             noise and rounding
    order       the larger p of two   scaling, sharpening, a bias, answers that were changed in a few pictures
    decisions   wrong or right        everything that leaves the answers as they are
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.course.submissions.tensor_prints import KernelPrint, WeightsPrint

BUCKETS, PAIRS = 512, 20_000
LEAST_WRONG = 50
"""Wrong answers without which nothing is kept of decisions: a few pictures may be labelled wrong for everybody."""

_SEED = 20_000


@dataclass(frozen=True)
class Prints:
    """What is kept of a submission.

    Attributes:
        errors: Sketch of p - label; "" where nothing was scored.
        order: Sketch of which of two pictures of one label has the larger probability.
        decisions: Sketch of which answers are wrong; "" where few are.
        tensors: See `WeightsPrint`.
        kernels: See `WeightsPrint`.
    """

    errors: str = ""
    order: str = ""
    decisions: str = ""
    tensors: str = ""
    kernels: tuple[KernelPrint, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """JSON values for the ledger."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Prints:
        """The prints of such values."""
        kernels = (KernelPrint(**{**kernel, "shape": tuple(kernel["shape"])}) for kernel in values["kernels"])
        return cls(**{**values, "kernels": tuple(kernels)})


def prints(
    probabilities: NDArray[np.float32], truth: NDArray[np.bool_], threshold: float, weights: WeightsPrint | None
) -> Prints:
    """What is kept of a submission that was scored.

    Args:
        probabilities: (n,) each 0…1.
        truth: (n,) the labels.
        threshold: A probability of at least this decides for the class.
        weights: What is kept of the model's weights.
    """
    values = probabilities.astype(np.float64)
    first, second = _pairs(truth.tobytes())
    wrong = ((values >= threshold) != truth).astype(np.float64)
    return Prints(
        errors=sketch(values - truth, centred=True),
        order=sketch(np.sign(values[first] - values[second])),
        decisions=sketch(wrong, centred=True) if wrong.sum() >= LEAST_WRONG else "",
        tensors=weights.tensors if weights else "",
        kernels=weights.kernels if weights else (),
    )


def sketch(values: NDArray[np.float64], *, centred: bool = False) -> str:
    """The sketch of (n,) numbers, scaled to signed bytes, as base64; "" where all numbers are alike."""
    rows = np.zeros((-(-len(values) // BUCKETS), BUCKETS))
    rows.ravel()[: len(values)] = values - values.mean() if centred else values
    sums = (rows * _signs(len(rows))).sum(axis=0)
    largest = float(np.abs(sums).max(initial=0))
    if largest <= 0:
        return ""
    return base64.b64encode((sums * (127 / largest)).round().astype(np.int8).tobytes()).decode("ascii")


def vectors(sketches: Iterable[str]) -> NDArray[np.int8]:
    """(n, 512) the numbers of n sketches."""
    values = bytearray()
    for text in sketches:
        values += base64.b64decode(text)
    return np.frombuffer(values, np.int8).reshape(-1, BUCKETS)


@lru_cache(maxsize=2)
def _signs(rows: int) -> NDArray[np.int8]:
    """(rows, 512) of +1 and -1, the same everywhere: NumPy promises the raw stream of a bit generator."""
    words = np.random.Philox(_SEED).random_raw(rows * BUCKETS // 64).astype("<u8")
    bits = np.unpackbits(words.view(np.uint8)).reshape(rows, BUCKETS)
    return bits.astype(np.int8) * np.int8(2) - np.int8(1)


@lru_cache(maxsize=1)
def _pairs(truth: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The two rows of each pair, (about 20,000,) each. Both have the same label: that is what honest work shares."""
    labels = np.frombuffer(truth, np.bool_)
    found: list[NDArray[np.int64]] = []
    for rows in (np.flatnonzero(labels), np.flatnonzero(~labels)):
        count = round(PAIRS * len(rows) / len(labels))
        draws = np.random.Philox(_SEED + len(found)).random_raw(2 * count) % np.uint64(max(1, len(rows)))
        found.append(rows[draws.astype(np.int64)].reshape(2, -1))
    first, second = np.concatenate(found, axis=1)
    return first, second
