"""Submissions that are nearly the same: flags for a person, never a verdict.

Everybody is compared with everybody, one kind of likeness after the other. A threshold lies above what two honest
students come to who train on the same kept features of the same frozen network, with another order and start: largest
of all pairs with the same settings, of 7,000 scenes and MobileNet 0.25, one dense layer, until it hardly changes
(`tests/course/grading/test_likeness.py` measures it again with other features):

                         honest    copy: noise .01   rounded .01   1 % changed   scaled 2   threshold
    errors                .994      .9996             1.0000        .983          .969       .998
    order (2 × share - 1) .924      .954              .989          .980          1.0000     .967
    decisions             .915      .983              .985          .968          1.0000     .97
    the last kernel       .994      –                 –             –             1.0000     .9995

Who starts from the *same* random numbers and changes a setting a little comes near them too (.999, .976, .979): a
person tells that apart by the notebooks. A tensor that both have says nothing of its own: who freezes the same
published backbone has its tensors. It is only told beside a kernel or predictions that are alike.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnkit.course.grading.prints import Prints, vectors
from cnnkit.course.grading.similarity import TEMPLATE_USERS
from cnnkit.course.submissions.tensor_prints import BUCKETS, KernelPrint, tensor_digests

KERNEL = 0.9995
"""Cosine of two dense kernels from which on they are called alike, in absolute value."""
UNLIKE = 0.5
"""Cosine below which two kernels were trained from other numbers."""

_AT_A_TIME = 2_048


class Work(NamedTuple):
    """A scored submission, as far as it is compared.

    Attributes:
        student: Whose.
        prints: What the ledger keeps of it.
        accuracy: How good its predictions are, 0…1.
        digest: Of all weights; equal ones are another flag.
    """

    student: str
    prints: Prints
    accuracy: float
    digest: str = ""


@dataclass
class Likeness:
    """What is alike in two submissions.

    Attributes:
        student: Whose submission is flagged.
        other: Whose is nearest.
        others: How many are alike in the kind of likeness that most are.
        found: What is alike, in words.
    """

    student: str
    other: str
    others: int = 0
    found: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        more = f" (and {self.others - 1} more)" if self.others > 1 else ""
        why = "; so many are alike where they run the template as it is" if self.others > TEMPLATE_USERS else ""
        return f"nearly the same as {self.other}{more}: {'; '.join(self.found)}{why}"


@dataclass(frozen=True)
class Kind:
    """One way in which predictions are alike.

    Attributes:
        sketch: That of a submission.
        near: The correlation from which on two are alike.
        told: The correlation and the two accuracies in words.
    """

    sketch: Callable[[Prints], str]
    near: float
    told: Callable[[float, float, float], str]


def _decided_alike(correlation: float, first: float, second: float) -> str:
    """The share of equal decisions follows from how often each is wrong and how the two correlate."""
    one, two = 1 - first, 1 - second
    both = one * two + correlation * (one * (1 - one) * two * (1 - two)) ** 0.5
    by_chance = one * two + (1 - one) * (1 - two)
    return f"the same decision on {1 - one - two + 2 * both:.1%} of the pictures (by chance {by_chance:.1%})"


KINDS = (
    Kind(lambda kept: kept.errors, 0.998, lambda c, *_: f"errors that correlate to {c:.4f}"),
    Kind(
        lambda kept: kept.order,
        0.967,
        lambda c, *_: f"probabilities that put {(1 + c) / 2:.2%} of pairs of pictures into the same order",
    ),
    Kind(lambda kept: kept.decisions, 0.97, _decided_alike),
)


class Near(NamedTuple):
    """What one row is near to; see `nearest`."""

    row: int
    other: int
    correlation: float
    alike: int
    unlike: int


def nearest(
    rows: NDArray[np.int8], near: float, *, owners: NDArray[np.int64] | None = None, signed: bool = True
) -> Iterator[Near]:
    """Rows that correlate with rows of others, with the nearest of these.

    The memory needed beyond the rows does not grow with their number.

    Args:
        rows: (n, k) what is compared.
        near: The correlation from which on two are alike.
        owners: (n,) whose each row is; each is another's by default.
        signed: Whether opposite rows are unlike; else they are alike.
    """
    whose = np.arange(len(rows)) if owners is None else owners
    for top in range(0, len(rows), _AT_A_TIME):
        block, mine = _units(rows[top : top + _AT_A_TIME]), whose[top : top + _AT_A_TIME]
        best, other = np.full(len(block), -2.0, np.float32), np.zeros(len(block), np.int64)
        alike, unlike = np.zeros(len(block), np.int64), np.zeros(len(block), np.int64)
        for left in range(0, len(rows), _AT_A_TIME):
            strength = block @ _units(rows[left : left + _AT_A_TIME]).T
            if not signed:
                np.abs(strength, out=strength)
            unlike += (strength < UNLIKE).sum(axis=1)
            if owners is not None or left == top:
                strength[mine[:, None] == whose[None, left : left + _AT_A_TIME]] = -2
            alike += (strength >= near).sum(axis=1)
            place = strength.argmax(axis=1)
            value = strength[np.arange(len(block)), place]
            other = np.where(value > best, left + place, other)
            best = np.maximum(best, value)
        for row in np.flatnonzero(alike):
            found = (int(other[row]), min(1.0, float(best[row])), int(alike[row]), int(unlike[row]))
            yield Near(top + int(row), *found)


def likenesses(works: Callable[[], Iterable[Work]]) -> list[Likeness]:
    """Pairs of submissions that are nearly the same, in the order of the students.

    Args:
        works: The scored submissions, from the beginning whenever it is called: only one kind of what is kept of them
            is in memory at a time.
    """
    students = [(work.student, work.accuracy, work.digest) for work in works()]
    pairs: dict[tuple[int, int], Likeness] = {}

    def note(first: int, second: int, others: int, what: str) -> None:
        pair = pairs.setdefault((first, second), Likeness(students[first][0], students[second][0]))
        pair.others = max(pair.others, others)
        pair.found.append(what)

    for kind in KINDS:
        owners = [place for place, work in enumerate(works()) if kind.sketch(work.prints)]
        for near in nearest(vectors(kind.sketch(work.prints) for work in works()), kind.near):
            first, second = owners[near.row], owners[near.other]
            note(first, second, near.alike, kind.told(near.correlation, students[first][1], students[second][1]))
    for shape, kernels in _kernels_by_shape(works()).items():
        for near in kernels.near(answers=shape[1] == 1):
            first, second = kernels.owners[near.row], kernels.owners[near.other]
            if students[first][2] != students[second][2]:
                note(first, second, near.alike, kernels.told(near, shape))
    _tell_tensors(pairs, works())
    return sorted(pairs.values(), key=lambda pair: (pair.student, pair.other))


@dataclass
class _Kernels:
    """Dense kernels of one shape, as compact as a class of 100,000 needs them."""

    owners: array[int] = field(default_factory=lambda: array("q"))
    lengths: array[float] = field(default_factory=lambda: array("d"))
    values: array[int] = field(default_factory=lambda: array("Q"))
    directions: bytearray = field(default_factory=bytearray)

    def add(self, owner: int, kernel: KernelPrint) -> None:
        self.owners.append(owner)
        self.lengths.append(kernel.length)
        self.values.append(int(kernel.values, 16))
        self.directions += kernel.vector().tobytes()

    def near(self, *, answers: bool) -> Iterator[Near]:
        """Those that are alike.

        Args:
            answers: Whether they have one unit, which gives the answer: that is always trained here. Another kernel
                may be published: it counts where more have trained such a one from other numbers than have this one.
        """
        rows = np.frombuffer(self.directions, np.int8).reshape(-1, BUCKETS)
        found = {near.row: near for near in nearest(rows, KERNEL, owners=np.array(self.owners), signed=False)}
        found = {near.row: near for near in self._in_any_order()} | found
        for near in found.values():
            if answers or near.alike <= TEMPLATE_USERS < near.unlike:
                yield near

    def _in_any_order(self) -> Iterator[Near]:
        """Kernels with the same absolute values, whatever their order."""
        groups: dict[int, list[int]] = defaultdict(list)
        for row, value in enumerate(self.values):
            groups[value].append(row)
        for rows in groups.values():
            for row in rows:
                other = next((other for other in rows if self.owners[other] != self.owners[row]), None)
                if other is not None:
                    yield Near(row, other, 0.0, len(rows) - 1, len(self.owners) - len(rows))

    def told(self, near: Near, shape: tuple[int, int]) -> str:
        name = f"a {'last' if shape[1] == 1 else 'dense'} kernel of {shape[0]:,} × {shape[1]:,}"
        if near.correlation < KERNEL:
            return f"{name} with the same values in another order or with other signs"
        factor = self.lengths[near.row] / self.lengths[near.other]
        published = "" if shape[1] == 1 else ", unless both took it from a published network"
        return f"{name} in the same direction (cosine {near.correlation:.4f}), scaled by {factor:.2f}{published}"


def _kernels_by_shape(works: Iterable[Work]) -> dict[tuple[int, int], _Kernels]:
    shapes: dict[tuple[int, int], _Kernels] = defaultdict(_Kernels)
    for owner, work in enumerate(works):
        for kernel in work.prints.kernels:
            shapes[kernel.shape].add(owner, kernel)
    return shapes


def _tell_tensors(pairs: Mapping[tuple[int, int], Likeness], works: Iterable[Work]) -> None:
    """Adds to each pair how many of their tensors are the same."""
    named = {place for pair in pairs for place in pair}
    tensors = {
        place: Counter(tensor_digests(work.prints.tensors)) for place, work in enumerate(works) if place in named
    }
    for (first, second), pair in pairs.items():
        total, shared = tensors[first].total(), (tensors[first] & tensors[second]).total()
        if shared:
            pair.found.append(f"{shared:,} of {total:,} tensors the same")


def _units(rows: NDArray[np.int8]) -> NDArray[np.float32]:
    values = rows.astype(np.float32)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.where(lengths > 0, lengths, 1), np.float32)
