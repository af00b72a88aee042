"""Batches: decoded, framed and augmented ahead by threads, in an order and with chances that threads do not touch.

The random state of a picture is a function of the seed, the epoch and the example's index, so one thread and
sixteen give the same bytes, and a run that was killed goes on from any batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnkit.data.ahead import ahead, usual_threads
from cnnkit.data.arguments import augmenter, flag, said, seed_of, size_of, whole_number
from cnnkit.data.kept_pictures import KeptPictures
from cnnkit.data.opencv_threads import one_opencv_thread
from cnnkit.data.random_streams import epoch_order, picture_bits
from cnnkit.data.source import LabelArray, Source
from cnnkit.data.views.chain import around_boxes, crop_size, require_crop_size
from cnnkit.data.views.framing import Framing
from cnnkit.data.views.view import Augmenter
from cnnkit.errors import InputError

# Raised when the same pictures give other pixels than before: features that were kept of those are not used.
PIXELS = 2


@dataclass(frozen=True, eq=False)
class Batch:
    """Pictures on their way to a network.

    Args:
        images: (n, h, w, 3), RGB, 0…255: uint8, or float32 where they were augmented.
        labels: (n,) or (n, classes) as in the source; None where its truth is of another kind, or it has none.
        indices: (n,) the examples' places in the source.
    """

    images: NDArray[np.uint8] | NDArray[np.float32]
    labels: LabelArray | None
    indices: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.indices)


def order(count: int, *, seed: int, epoch: int, shuffle: bool) -> NDArray[np.int64]:
    """The order in which an epoch visits `count` examples: a pure function.

    >>> order(4, seed=0, epoch=0, shuffle=False).tolist()
    [0, 1, 2, 3]
    """
    return epoch_order(count, seed=seed, epoch=epoch) if shuffle else np.arange(count)


def batch_at(
    source: Source,
    indices: ArrayLike,
    framing: Framing,
    size: tuple[int, int],
    *,
    augment: Augmenter | None = None,
    kept: KeptPictures | None = None,
    seed: int = 0,
    epoch: int = 0,
    first: int = 0,
) -> Batch:
    """The batch of these examples, made here and now.

    Args:
        source: Where the examples are.
        indices: (n,) their places in the source.
        framing: How a picture meets the input size.
        size: (height, width) of the input.
        augment: Makes a random view of each picture; of the whole photograph where it crops.
        kept: Framed pictures of this source, framing and size, or its whole photographs, so that each is decoded once.
        seed: With `epoch` and an example's index it fixes the view.
        epoch: Another epoch, another view.
        first: Of a source that is a part of another: the place of its first example there, which has the same view.

    Raises:
        ImageFileError: A picture that cannot be read; the message names it.
    """
    chosen = np.asarray(indices, np.int64)
    shape = (len(chosen), *size, 3)
    images = np.empty(shape, np.uint8) if augment is None else np.empty(shape, np.float32)
    kept = kept or KeptPictures(budget_bytes=0)
    with one_opencv_thread():
        for place, index in enumerate(chosen.tolist()):
            try:
                if crop_size(augment) is None:
                    picture = kept.get(index, partial(_framed, source, index, framing, size))
                else:  # whole photographs are kept under numbers of their own
                    picture = kept.get(~index, partial(source.image, index))
                if augment is None:
                    images[place] = picture
                else:
                    version = around_boxes(augment, source.targets, index)
                    chance = np.random.Generator(picture_bits(seed, epoch, first + index))
                    images[place] = version.apply(picture, chance)
            except Exception as error:
                error.add_note(f"in the picture {source.ids[index]!r}")
                raise
    labels = source.labels if source.kind in ("labels", "tags") else None
    return Batch(images, None if labels is None else labels[chosen], chosen)


def batches(
    source: Source,
    framing: Framing,
    size: tuple[int, int],
    *,
    batch_size: int = 32,
    shuffle: bool = False,
    augment: Augmenter | None = None,
    kept: KeptPictures | None = None,
    seed: int = 0,
    epoch: int = 0,
    start: int = 0,
    threads: int | None = None,
) -> Iterator[Batch]:
    """One epoch in batches, made ahead by threads and given in order. The last batch may be smaller.

    Memory stays flat: at most one batch a thread and one more are ready or in the making.

    Args:
        source: The examples.
        framing: How a picture meets the input size.
        size: (height, width) of the input.
        batch_size: Examples in a batch.
        shuffle: Visits the examples in the order of `order(..., shuffle=True)`.
        augment: Makes a random view of each picture.
        kept: As for `batch_at`: the same in each epoch.
        seed: Fixes order and views.
        epoch: Another epoch, another order and other views.
        start: The batch to begin with; those before it are not made.
        threads: How many work; as many as there are cores by default, at most 16. They change nothing else.

    Raises:
        InputError: A batch size or a number of threads below 1, or crops of another size.
        ImageFileError: A picture that cannot be read, when its batch is due; the message names it.
    """
    _check_source(source, framing)
    size, batch_size = size_of(size), whole_number(batch_size, "batch_size", least=1, remedy="32 is usual.")
    seed, epoch, start = seed_of(seed), whole_number(epoch, "epoch"), whole_number(start, "start")
    flag(shuffle, "shuffle")
    if augment is not None:
        augmenter(augment)
        require_crop_size(augment, size)
    if not isinstance(kept, KeptPictures | None):
        raise InputError("kept pictures, or None", said(kept), "ck.data.KeptPictures() keeps them for all epochs.")
    if threads is not None:
        whole_number(threads, "threads", least=1, remedy="Leave threads out to use all cores.")
    workers = usual_threads() if threads is None else threads
    visits = order(len(source), seed=seed, epoch=epoch, shuffle=shuffle)
    steps = [visits[stop : stop + batch_size] for stop in range(start * batch_size, len(visits), batch_size)]

    def make(indices: NDArray[np.int64]) -> Batch:
        return batch_at(source, indices, framing, size, augment=augment, kept=kept, seed=seed, epoch=epoch)

    return ahead(make, steps, threads=workers)


def _check_source(source: object, framing: object) -> None:
    if not isinstance(source, Source):
        raise InputError("a source", said(source), "photos.train of a dataset is one; ck.data.as_source makes one.")
    if not isinstance(framing, Framing):
        raise InputError("a framing", said(framing), 'ck.data.Framing("crop") is one.')


def _framed(source: Source, index: int, framing: Framing, size: tuple[int, int]) -> NDArray[np.uint8]:
    return framing.apply(source.image(index, least=framing.least(size)), size)
