"""What a tail trains on: epochs of (inputs, targets, weights), from pictures and truth through the frozen prefix."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.data import pipeline
from cnnkit.data.ahead import ahead
from cnnkit.data.kept_pictures import KeptPictures
from cnnkit.data.placements import in_crops, in_input, in_view, shapes_of
from cnnkit.data.random_streams import batch_bits
from cnnkit.data.source import Source
from cnnkit.data.targets.targets import Targets
from cnnkit.data.views.chain import crop_size
from cnnkit.data.views.framing import Framing
from cnnkit.data.views.mixing import Mixer
from cnnkit.data.views.view import Augmenter
from cnnkit.errors import DataError
from cnnkit.heads.head import Arrays, Head, OpenSetHead
from cnnkit.transfer.encoded_truth import EncodedTruth
from cnnkit.transfer.feature_store import StoredRows
from cnnkit.transfer.grouped_order import side_by_side

Images = NDArray[np.uint8] | NDArray[np.float32]
Inputs = Sequence[NDArray[np.float32] | NDArray[np.uint8]]
Tensors = Sequence[NDArray[Any] | StoredRows]
# Numbers of encoded truth that are kept in memory; of more it is encoded batch by batch.
ENCODED_NUMBERS = 10_000_000


@dataclass(frozen=True, eq=False)
class Batch:
    """One training step's arrays.

    Attributes:
        inputs: One array for each input of the tail, the first axis is the picture.
        targets: As the head encodes truth.
        weights: (n,) of the pictures in the loss, or None.
        indices: (n,) their places in the source.
    """

    inputs: Inputs
    targets: Arrays
    weights: NDArray[np.float32] | None
    indices: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.indices)


@dataclass(frozen=True, eq=False)
class Feed:
    """Epochs over a source with truth.

    Truth is never stored: each training derives it again for the same seed, view and index, whether the features behind
    it were or not.

    Attributes:
        source: Pictures with truth.
        head: Encodes the truth.
        framing: How pictures meet `size`.
        size: Height and width of the network's input.
        batch_size: Pictures a step; the last batch of an epoch may be smaller.
        forward: The frozen prefix, or None where the tail takes pictures.
        shuffle: Whether each epoch has an order of its own, a function of seed and epoch.
        augment: A random version of each picture, a function of seed, view and index.
        seed: Of order and augmentation.
        weighted: Whether the head may weigh the pictures in the loss.
        views: Behind a frozen prefix, so many versions of each picture take turns, the first as it is; None
            makes a new one in each epoch.
        decoded: The source's pictures as they meet `size`, kept from epoch to epoch; none by default.
        kept: The features of all pictures in one view, (pictures, …), in the order of the source; None where they
            could not be kept. Without it they are computed from the pictures.
        mix: Blends pictures, targets and weights of a batch alike, anew in each epoch: nothing behind it can be kept.
        encoded: The encoded truth of versions that come again, kept from epoch to epoch.
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
    weighted: bool = False
    views: int | None = None
    decoded: KeptPictures = field(default_factory=partial(KeptPictures, budget_bytes=0))
    kept: Callable[[int], Tensors | None] | None = None
    mix: Mixer | None = None
    encoded: EncodedTruth = field(default_factory=EncodedTruth)

    def __len__(self) -> int:
        """Steps of an epoch."""
        return -(-len(self.source) // self.batch_size)

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of one epoch, `number` counted from 0 over the whole run."""
        steps, view = self.steps(number), self.view(number)
        if self.mix is not None:
            yield from self._blended(number, steps, view, self.mix)
            return
        tensors = None if self.kept is None else self.kept(view)
        if tensors is None:
            for indices, images, targets in ahead(partial(self._pictures, view), steps):
                yield Batch(self.run(images), targets, self.weights_at(indices), indices)
            return
        # One thread reads the next steps from the disk while the tail learns; more where truth takes time to encode.
        threads = None if self.truth.placed else 1
        for indices, inputs, targets in ahead(partial(self._features, tensors, view), steps, threads=threads):
            yield Batch(inputs, targets, self.weights_at(indices), indices)

    def batch(self, indices: NDArray[np.int64], view: int) -> Batch:
        """The arrays of the pictures at these places, in one version, made here and now."""
        inputs = self.run(self._images(view, indices))
        return Batch(inputs, self.targets_at(indices, view), self.weights_at(indices), indices)

    @property
    def truth(self) -> Targets:
        """Of the source.

        Raises:
            DataError: It has none.
        """
        if self.source.targets is None:
            raise DataError("labelled pictures to train on", "a source without labels", "Give the labels with it.")
        return self.source.targets

    def truth_at(self, indices: NDArray[np.int64], view: int) -> Targets:
        """The truth at these places in the source, in the pixels of one version."""
        augment = self.augmenter(view)
        if augment is not None and crop_size(augment) is not None:
            truth = self.truth.take(indices)
            return in_crops(truth, self._shapes[indices], indices, self.size, augment, seed=self.seed, view=view)
        return in_view(self._framed.take(indices), indices, self.size, augment, seed=self.seed, view=view)

    def targets_at(self, indices: NDArray[np.int64], view: int) -> Arrays:
        """The same as the head encodes it."""
        if self._encoded is not None:
            return self._encoded[indices]
        if self.truth.placed and (self.augment is None or self._taking_turns):
            return self.encoded.get(indices, view, lambda missing: self._encode(missing, view))
        return self._encode(indices, view)

    def weights_at(self, indices: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """(n,) the weights in the loss of the pictures at these places, or None."""
        return None if self._weights is None else self._weights[indices]

    def steps(self, number: int) -> list[NDArray[np.int64]]:
        """The places in the source that each step of an epoch visits."""
        visits = pipeline.order(len(self.source), seed=self.seed, epoch=number, shuffle=self.shuffle)
        if self.shuffle and isinstance(self.head, OpenSetHead) and self.head.group > 1:
            visits = side_by_side(visits, self.truth.strata(), self.head.group)
        return [visits[start : start + self.batch_size] for start in range(0, len(visits), self.batch_size)]

    def view(self, number: int) -> int:
        """Which version of each picture an epoch sees; 0 where there is one only."""
        if self.augment is None:
            return 0
        # Where all layers train nothing can be kept from one epoch to the next: new versions cost no more.
        return number % self.views if self.views is not None and self._taking_turns else number

    def augmenter(self, view: int) -> Augmenter | None:
        """What changes the pictures of one version: of a number of versions the first is the picture as it is."""
        return None if self._taking_turns and view == 0 else self.augment

    def pictures(self, steps: Iterable[NDArray[np.int64]], view: int) -> Iterator[Images]:
        """The pictures at the places that each step visits, in one version, made ahead by threads."""
        return ahead(partial(self._images, view), steps)

    def run(self, images: Images) -> Inputs:
        """What the tail gets of these pictures."""
        return [images] if self.forward is None else self.forward(images)

    @property
    def _taking_turns(self) -> bool:
        """Whether the same versions come again and again."""
        return self.views is not None and self.forward is not None

    @cached_property
    def _shapes(self) -> NDArray[np.int64]:
        """(n, 2) height and width of all photographs: their headers are read once, not in each epoch."""
        return shapes_of(self.source, np.arange(len(self.source)))

    @cached_property
    def _framed(self) -> Targets:
        """The truth of all pictures in the pixels of the input: their headers are read once, not in each epoch."""
        return in_input(self.truth, self.source, np.arange(len(self.source)), self.framing, self.size)

    @cached_property
    def _encoded(self) -> NDArray[Any] | None:
        """The encoded truth of all pictures, where it is the same in each view, one array, and small."""
        truth = self.truth
        if truth.placed or len(truth) * max(len(truth.names), 1) > ENCODED_NUMBERS:
            return None
        encoded = self.head.encode(truth, self.size)
        return encoded if isinstance(encoded, np.ndarray) else None

    @cached_property
    def _weights(self) -> NDArray[np.float32] | None:
        return self.head.weights(self.truth) if self.weighted else None

    def _encode(self, indices: NDArray[np.int64], view: int) -> Arrays:
        return self.head.encode(self.truth_at(indices, view), self.size)

    def _images(self, view: int, indices: NDArray[np.int64]) -> Images:
        return pipeline.batch_at(
            self.source,
            indices,
            self.framing,
            self.size,
            augment=self.augmenter(view),
            kept=self.decoded,
            seed=self.seed,
            epoch=view,
        ).images

    def _pictures(self, view: int, indices: NDArray[np.int64]) -> tuple[NDArray[np.int64], Images, Arrays]:
        return indices, self._images(view, indices), self.targets_at(indices, view)

    def _features(
        self, tensors: Tensors, view: int, indices: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], Inputs, Arrays]:
        inputs = [np.asarray(tensor[indices], np.float32) for tensor in tensors]
        return indices, inputs, self.targets_at(indices, view)

    def _truths(self, view: int, indices: NDArray[np.int64]) -> tuple[NDArray[np.int64], Images, Targets]:
        return indices, self._images(view, indices), self.truth_at(indices, view)

    def _blended(self, number: int, steps: list[NDArray[np.int64]], view: int, mix: Mixer) -> Iterator[Batch]:
        if getattr(mix, "of_truth", False):
            for step, (indices, pictures, truth) in enumerate(ahead(partial(self._truths, view), steps)):
                images, mixed = mix.apply(pictures, truth, np.random.Generator(batch_bits(self.seed, number, step)))
                weights = self.head.weights(mixed) if self.weighted else None  # of what the mixed pictures show
                yield Batch(self.run(images), self.head.encode(mixed, self.size), weights, indices)
            return
        for step, (indices, pictures, encoded) in enumerate(ahead(partial(self._pictures, view), steps)):
            targets, weights = np.asarray(encoded), self.weights_at(indices)
            columns = targets if weights is None else np.column_stack((targets, weights))
            chance = np.random.Generator(batch_bits(self.seed, number, step))
            images, mixed = mix.apply(pictures, columns, chance)
            width = targets.shape[1]
            yield Batch(self.run(images), mixed[:, :width], None if weights is None else mixed[:, width], indices)
