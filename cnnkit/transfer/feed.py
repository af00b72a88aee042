"""What a tail trains on: epochs of (inputs, targets, weights), from pictures through the frozen prefix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.augmentation import Augmentation
from cnnkit.data.framing import Framing
from cnnkit.data.pipeline import batches
from cnnkit.data.source import Labels, Source
from cnnkit.errors import DataError
from cnnkit.heads.head import Head
from cnnkit.transfer.forward import Forward


@dataclass(frozen=True, eq=False)
class Batch:
    """One training step's arrays.

    Attributes:
        inputs: One array for each input of the tail, the first axis is the picture.
        targets: As the head encodes them.
        weights: (n,) of the pictures in the loss, or None.
    """

    inputs: Sequence[NDArray[np.float32] | NDArray[np.uint8]]
    targets: NDArray[np.float32]
    weights: NDArray[np.float32] | None

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True, eq=False)
class Feed:
    """Epochs over a labelled source.

    Attributes:
        source: Labelled pictures.
        head: Encodes the labels.
        framing: How pictures meet `size`.
        size: Height and width of the network's input.
        batch_size: Pictures a step; the last batch of an epoch may be smaller.
        forward: The frozen prefix, or None where the tail takes pictures.
        shuffle: Whether each epoch has an order of its own, a function of seed and epoch.
        augment: A new version of each picture in each epoch, a function of seed, epoch and index.
        seed: Of order and augmentation.
        counts: Pictures a class in training, for class weights; None weighs all the same.
    """

    source: Source
    head: Head
    framing: Framing
    size: tuple[int, int]
    batch_size: int
    forward: Forward | None
    shuffle: bool = False
    augment: Augmentation | None = None
    seed: int = 0
    counts: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        """Steps of an epoch."""
        return -(-len(self.source) // self.batch_size)

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of one epoch, `number` counted from 0 over the whole run."""
        for batch in batches(
            self.source,
            self.framing,
            self.size,
            batch_size=self.batch_size,
            shuffle=self.shuffle,
            augment=self.augment,
            seed=self.seed,
            epoch=number,
        ):
            labels = self.labels[batch.indices]
            weights = None if self.counts is None else self.head.sample_weights(labels, self.counts)
            yield Batch(
                inputs=[batch.images] if self.forward is None else self.forward(batch.images),
                targets=self.head.encode(labels),
                weights=weights,
            )

    @property
    def labels(self) -> Labels:
        """Of the source.

        Raises:
            DataError: It has none.
        """
        if self.source.labels is None:
            raise DataError("labelled pictures to train on", "a source without labels", "Give the labels with it.")
        return self.source.labels
