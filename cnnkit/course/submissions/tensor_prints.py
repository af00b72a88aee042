"""What is kept of the values of weights, so that two models can be compared later without either of their files.

A digest of each tensor tells equal ones. Of the dense kernels, which students train from random numbers, three things
more are kept that survive what hides a copy: the direction, as a count sketch (Charikar, Chen & Farach-Colton 2002),
which scaling leaves as it is and small noise nearly; the length, from which the factor follows; and a hash of the
absolute values in any order, which permuted units and flipped signs leave as it is.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

BUCKETS = 128
"""Numbers of a direction: a cosine c is told to about (1 - c²)/11."""
KERNELS, LEAST_VALUES = 4, 16
"""Dense kernels of one model whose direction is kept, and how many values one needs to have a direction at all."""
TENSORS, DIGEST_BYTES = 2_000, 4
"""Tensors of one model whose digests are kept."""

_SIGN_ROWS, _AT_A_TIME = 2_048, 1 << 18
_MIX = tuple(np.uint64(number) for number in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


@dataclass(frozen=True)
class KernelPrint:
    """What is kept of a dense kernel.

    Attributes:
        shape: (inputs, units).
        length: The root of the sum of its squares.
        values: Hash of its absolute values in any order, 16 hexadecimal digits.
        direction: 128 signed bytes as base64.
    """

    shape: tuple[int, int]
    length: float
    values: str
    direction: str

    def vector(self) -> NDArray[np.int8]:
        """(128,) the direction."""
        return np.frombuffer(base64.b64decode(self.direction), np.int8)


@dataclass(frozen=True)
class WeightsPrint:
    """What is kept of the weights of a model.

    Attributes:
        digest: sha256 of the values of all tensors, as hexadecimal digits: the same for the same tensors under other
            names, in another order or in another form of file.
        tensors: The first four bytes of each tensor's digest, sorted, as base64.
        kernels: The dense kernels: those with one unit first, which gives the answer, then the largest.
    """

    digest: str
    tensors: str = ""
    kernels: tuple[KernelPrint, ...] = ()


@dataclass
class TensorPrint:
    """One tensor while it is read, block by block.

    Attributes:
        shape: Its shape.
        finite: Whether all values so far are.
    """

    shape: tuple[int, ...]
    finite: bool = True
    _digest: Any = field(init=False)
    _sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros(BUCKETS))
    _squares: float = 0.0
    _values: int = 0
    _read: int = 0

    def __post_init__(self) -> None:
        self._digest = hashlib.sha256(repr(self.shape).encode())

    @property
    def digest(self) -> bytes:
        """sha256 of shape and values."""
        return bytes(self._digest.digest())

    @property
    def dense(self) -> tuple[int, int] | None:
        """(inputs, units) of a dense kernel, also of one that is written as a convolution of 1 × 1."""
        if len(self.shape) not in (2, 4) or self.shape[:-2] not in ((), (1, 1)):
            return None
        inputs, units = self.shape[-2:]
        return (inputs, units) if inputs * units >= LEAST_VALUES and (len(self.shape) == 2 or units == 1) else None

    def add(self, block: NDArray[np.float32]) -> None:
        """The next values, in their order."""
        self._digest.update(block.tobytes())
        self.finite = self.finite and bool(np.isfinite(block).all())
        if self.dense is None or not self.finite:
            return
        values = block.ravel()
        for start in range(0, len(values), _AT_A_TIME):
            part = values[start : start + _AT_A_TIME]
            self._sums += _bucket_sums(part, self._read)
            self._squares += float(np.square(part, dtype=np.float64).sum())
            self._values = (self._values + _any_order(part)) % 2**64
            self._read += len(part)

    def kernel(self) -> KernelPrint | None:
        """What is kept of a dense kernel with values; None of all else."""
        largest = float(np.abs(self._sums).max())
        if self.dense is None or not 0 < largest < math.inf or not math.isfinite(self._squares):
            return None
        direction = (self._sums * (127 / largest)).round().astype(np.int8)
        text = base64.b64encode(direction.tobytes()).decode("ascii")
        return KernelPrint(self.dense, math.sqrt(self._squares), f"{self._values:016x}", text)


def weights_print(tensors: Iterable[TensorPrint]) -> WeightsPrint:
    """What is kept of tensors that were read to their ends."""
    everything: Sequence[TensorPrint] = list(tensors)
    digests = sorted(tensor.digest for tensor in everything)
    kernels = [kernel for tensor in everything if (kernel := tensor.kernel())]
    kernels.sort(key=lambda kernel: (kernel.shape[1] != 1, -math.prod(kernel.shape), kernel.direction))
    short = b"".join(digest[:DIGEST_BYTES] for digest in digests[:TENSORS])
    return WeightsPrint(
        hashlib.sha256(b"".join(digests)).hexdigest(),
        base64.b64encode(short).decode("ascii"),
        tuple(kernels[:KERNELS]),
    )


def tensor_digests(text: str) -> list[int]:
    """The digests of `WeightsPrint.tensors` as numbers."""
    return [int(digest) for digest in np.frombuffer(base64.b64decode(text), f"<u{DIGEST_BYTES}")]


def _bucket_sums(values: NDArray[np.float32], start: int) -> NDArray[np.float64]:
    """(128,) value i, with the sign of its place, added to bucket i mod 128."""
    first = start % BUCKETS
    rows = np.zeros((-(-(first + len(values)) // BUCKETS), BUCKETS), np.float32)
    rows.ravel()[first : first + len(values)] = values
    total, row, done = np.zeros(BUCKETS), start // BUCKETS, 0
    while done < len(rows):
        within = row % _SIGN_ROWS
        signs = _signs(row // _SIGN_ROWS)[within : within + len(rows) - done]
        total += (rows[done : done + len(signs)] * signs).sum(axis=0, dtype=np.float64)
        row, done = row + len(signs), done + len(signs)
    return total


@lru_cache(maxsize=2)
def _signs(block: int) -> NDArray[np.int8]:
    """(2048, 128) of +1 and -1, the same everywhere: NumPy promises the raw stream of a bit generator."""
    words = np.random.Philox(key=block).random_raw(_SIGN_ROWS * BUCKETS // 64).astype("<u8")
    bits = np.unpackbits(words.view(np.uint8)).reshape(_SIGN_ROWS, BUCKETS)
    return bits.astype(np.int8) * np.int8(2) - np.int8(1)


def _any_order(values: NDArray[np.float32]) -> int:
    """The sum of a hash of each absolute value (Steele, Lea & Flood 2014, `splitmix64`)."""
    mixed = np.abs(values).view(np.uint32).astype(np.uint64)
    mixed += _MIX[0]
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX[1]
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX[2]
    return int((mixed ^ (mixed >> np.uint64(31))).sum(dtype=np.uint64))
