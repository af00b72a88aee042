"""What a tail trains on: epochs of (inputs, targets, weights), from pictures through the frozen prefix."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cnnkit.data import pipeline
from cnnkit.data.ahead import ahead
from cnnkit.data.kept_pictures import KeptPictures
from cnnkit.data.random_streams import batch_bits
from cnnkit.data.source import Labels, Source
from cnnkit.data.views.framing import Framing
from cnnkit.data.views.mixing import Mixer
from cnnkit.data.views.view import Augmenter
from cnnkit.errors import DataError
from cnnkit.heads.head import Head

Images = NDArray[np.uint8] | NDArray[np.float32]
Inputs = Sequence[NDArray[np.float32] | NDArray[np.uint8]]


@dataclass(frozen=True, eq=False)
class Batch:
    """One training step's arrays.

    Attributes:
        inputs: One array for each input of the tail, the first axis is the picture.
        targets: As the head encodes them.
        weights: (n,) of the pictures in the loss, or None.
    """

    inputs: Inputs
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
        augment: A random version of each picture, a function of seed, view and index.
        seed: Of order and augmentation.
        counts: Pictures a class in training, for class weights; None weighs all the same.
        views: Behind a frozen prefix, so many versions of each picture take turns, the first as it is; None
            makes a new one in each epoch.
        decoded: The source's pictures as they meet `size`, kept from epoch to epoch; none by default.
    """

    source: Source
    head: Head
    framing: Framing
    size: tuple[int, int]
    batch_size: int
    forward: Callable[[Images], Sequence[NDArray[np.float32]]] | None
    shuffle: bool = False
    augment: Augmenter | None = None
    seed: int = 0
    counts: NDArray[np.int64] | None = None
    views: int | None = None
    decoded: KeptPictures = field(default_factory=partial(KeptPictures, budget_bytes=0))

    def __len__(self) -> int:
        """Steps of an epoch."""
        return -(-len(self.source) // self.batch_size)

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of one epoch, `number` counted from 0 over the whole run."""
        for indices, inputs in self.inputs(number):
            yield Batch(inputs, *self.targets(indices))

    def targets(self, indices: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """The encoded labels at these places in the source, and the pictures' weights in the loss."""
        labels = self.labels[indices]
        weights = None if self.counts is None else self.head.sample_weights(labels, self.counts)
        return self.head.encode(labels), weights

    def inputs(self, number: int) -> Iterator[tuple[NDArray[np.int64], Inputs]]:
        """The pictures of each step, as places in the source, and what the tail gets of them."""
        for batch in self.batches(self.steps(number), self.view(number)):
            yield batch.indices, self.run(batch.images)

    def steps(self, number: int) -> list[NDArray[np.int64]]:
        """The places in the source that each step of an epoch visits."""
        visits = pipeline.order(len(self.source), seed=self.seed, epoch=number, shuffle=self.shuffle)
        return [visits[start : start + self.batch_size] for start in range(0, len(visits), self.batch_size)]

    def view(self, number: int) -> int:
        """Which version of each picture an epoch sees; 0 where there is one only."""
        if self.augment is None:
            return 0
        # Where all layers train nothing can be kept from one epoch to the next: new versions cost no more.
        return number if self.views is None or self.forward is None else number % self.views

    def augmenter(self, view: int) -> Augmenter | None:
        """What changes the pictures of one version: of a number of versions the first is the picture as it is."""
        taking_turns = self.views is not None and self.forward is not None
        return None if taking_turns and view == 0 else self.augment

    def batches(self, steps: Iterable[NDArray[np.int64]], view: int) -> Iterator[pipeline.Batch]:
        """The pictures at the places that each step visits, in one version, made ahead by threads."""

        def make(indices: NDArray[np.int64]) -> pipeline.Batch:
            return pipeline.batch_at(
                self.source,
                indices,
                self.framing,
                self.size,
                augment=self.augmenter(view),
                kept=self.decoded,
                seed=self.seed,
                epoch=view,
            )

        return ahead(make, steps)

    def run(self, images: Images) -> Inputs:
        """What the tail gets of these pictures."""
        return [images] if self.forward is None else self.forward(images)

    @property
    def labels(self) -> Labels:
        """Of the source.

        Raises:
            DataError: It has none.
        """
        if self.source.labels is None:
            raise DataError("labelled pictures to train on", "a source without labels", "Give the labels with it.")
        return self.source.labels


@dataclass(frozen=True, eq=False)
class MixedFeed(Feed):
    """A feed whose pictures are blended with others of their batch, anew in each epoch: nothing behind it can be kept.

    Attributes:
        mix: What blends pictures, targets and weights alike.
    """

    mix: Mixer = field(kw_only=True)

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of one epoch, `number` counted from 0 over the whole run."""
        for step, batch in enumerate(self.batches(self.steps(number), self.view(number))):
            targets, weights = self.targets(batch.indices)
            columns = targets if weights is None else np.column_stack((targets, weights))
            chance = np.random.Generator(batch_bits(self.seed, number, step))
            images, mixed = self.mix.apply(batch.images, columns, chance)
            width = targets.shape[1]
            yield Batch(self.run(images), mixed[:, :width], None if weights is None else mixed[:, width])
