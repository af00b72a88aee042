"""Chunks of features computed by workers: written into the entry of the store where they see it, or sent back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.data.ahead import ahead
from cnnkit.data.pipeline import batch_at
from cnnkit.data.portion import Portion, files_seen, portion
from cnnkit.data.source import Source
from cnnkit.data.views.chain import keeps_boxes
from cnnkit.data.views.framing import Framing
from cnnkit.data.views.view import Augmenter
from cnnkit.engines.forward import Forward
from cnnkit.engines.runtimes import Kind, Runtime
from cnnkit.transfer.feature_store import Layout, number_type, write_chunk
from cnnkit.transfer.feed import Feed, Images
from cnnkit.transfer.finite import finite_features
from cnnkit.transfer.prefix import Prefix, software
from cnnkit.transfer.progress import Meter
from cnnkit.workers import Workers, require_same

BATCH_SIZE = 32  # of the prefix when features are computed to be kept


@dataclass(frozen=True)
class ChunkPiece:
    """One chunk to be computed.

    Attributes:
        number: Of the chunk.
        first: The place of its first picture in the whole.
        pictures: Those of the chunk.
    """

    number: int
    first: int
    pictures: Portion


@dataclass(frozen=True, eq=False)
class ChunkWork:
    """What a worker does with a chunk.

    Attributes:
        prefix: The frozen layers.
        runtime: What runs them.
        kind: Of the pictures that they take.
        expected: What the numbers depend on, as `expectations` gives it.
        framing: How pictures meet `size`.
        size: Height and width of the input.
        augment: What changes the pictures, or None.
        seed: Of the augmentation.
        view: Which version of each picture.
        layout: Of all features.
        folder: Of the entry where they are written; None to send them back.
    """

    prefix: keras.Model
    runtime: Runtime
    kind: Kind
    expected: Mapping[str, str]
    framing: Framing
    size: tuple[int, int]
    augment: Augmenter | None
    seed: int
    view: int
    layout: Layout
    folder: Path | None

    def start(self) -> Callable[[ChunkPiece], tuple[int, Any]]:
        """What computes a chunk.

        Raises:
            InputError: This worker would give other numbers: its versions or its processor are others.
        """
        forward = Forward(self.prefix, self.runtime, kind=self.kind)
        require_same(self.expected, expectations(forward))
        return partial(self._computed, forward)

    def _computed(self, forward: Forward, piece: ChunkPiece) -> tuple[int, Any]:
        with piece.pictures.opened() as source:
            places = np.arange(len(source))
            steps = [places[start : start + BATCH_SIZE] for start in range(0, len(source), BATCH_SIZE)]
            batches = ahead(partial(self._images, source, piece.first), steps)
            parts = [finite_features(forward, images) for images in batches]
        tensors = [np.concatenate(column) for column in zip(*parts, strict=True)]
        if self.folder is None:
            return piece.number, tensors
        return piece.number, write_chunk(self.folder, self.layout, piece.number, tensors)

    def _images(self, source: Source, first: int, indices: NDArray[np.int64]) -> Images:
        return batch_at(
            source,
            indices,
            self.framing,
            self.size,
            augment=self.augment,
            seed=self.seed,
            epoch=self.view,
            first=first,
        ).images


def chunk_work(feed: Feed, forward: Forward, layout: Layout, *, view: int = 0, folder: Path | None = None) -> ChunkWork:
    """What a worker does with a chunk of one view of a feed."""
    return ChunkWork(
        prefix=forward.model,
        runtime=forward.runtime,
        kind=forward.kind,
        expected=expectations(forward),
        framing=feed.framing,
        size=feed.size,
        augment=feed.augmenter(view),
        seed=feed.seed,
        view=view,
        layout=layout,
        folder=folder,
    )


def gathered(layout: Layout, parts: Iterable[tuple[int, Sequence[NDArray[Any]]]]) -> list[NDArray[Any]]:
    """The features of all pictures in memory, (pictures, …) for each tensor, from chunks in any order."""
    chunks = layout.chunks()
    tensors = [np.empty((layout.pictures, *shape), number_type(layout.dtype)) for shape in layout.shapes]
    for number, features in parts:
        for tensor, part in zip(tensors, features, strict=True):
            tensor[chunks[number].start : chunks[number].stop] = part
    return tensors


def expectations(forward: Forward) -> dict[str, str]:
    """What the features of pictures depend on beside them."""
    return {"prefix": Prefix.of(forward).digest, "numbers": forward.numbers, **software()}


def computed_there(
    workers: Workers, work: ChunkWork, source: Source, numbers: Sequence[int], meter: Meter
) -> Iterator[tuple[int, Any]]:
    """Number and features of some chunks, in the order in which they are there, or digests of those that are written.

    Args:
        workers: Who computes them.
        work: What they do.
        source: All pictures.
        numbers: Of the chunks.
        meter: The live line.

    Raises:
        CnnkitError: Of a chunk that failed twice, when the others are there.
    """
    chunks = work.layout.chunks()
    seen = bool(numbers) and files_seen(source, workers)

    def pieces() -> Iterator[tuple[str, ChunkPiece]]:
        for number in numbers:
            sent = portion(source, np.array(chunks[number]), seen=seen, truth=keeps_boxes(work.augment))
            yield sent.name, ChunkPiece(number, chunks[number].start, sent)

    for number, features in workers.told(work).map(pieces()):
        yield number, features
        meter.advance(len(chunks[number]))
