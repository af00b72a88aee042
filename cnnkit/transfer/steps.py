"""The training steps of an epoch: who reads the pictures and who computes the gradient is theirs to know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from cnnkit.transfer.feed import Batch, Feed
from cnnkit.transfer.tail import Tail


class Step(Protocol):
    """One training step; its length is the number of its pictures."""

    @property
    def batch(self) -> Batch | None:
        """Its arrays, where they are here."""

    def __len__(self) -> int: ...

    def train(self) -> Mapping[str, float]:
        """Makes the step: loss and metrics of its pictures."""


class Steps(Protocol):
    """The steps of each epoch."""

    def epoch(self, number: int) -> Iterator[Step]:
        """Those of one epoch, `number` counted from 0 over the whole run."""


@dataclass(frozen=True, eq=False)
class LocalStep:
    """A step in this process.

    Attributes:
        tail: What trains.
        batch: On what.
    """

    tail: Tail
    batch: Batch

    def __len__(self) -> int:
        return len(self.batch)

    def train(self) -> Mapping[str, float]:
        """As Keras makes it, which resets its metrics at each call: they are of this batch alone."""
        batch = self.batch
        values: Mapping[str, float] = self.tail.train_on_batch(
            batch.inputs, batch.targets, sample_weight=batch.weights, return_dict=True
        )
        return values


@dataclass(frozen=True, eq=False)
class LocalSteps:
    """Steps in this process.

    Attributes:
        tail: What trains.
        feed: On what.
    """

    tail: Tail
    feed: Feed

    def epoch(self, number: int) -> Iterator[Step]:
        """A step for each batch."""
        for batch in self.feed.epoch(number):
            yield LocalStep(self.tail, batch)
