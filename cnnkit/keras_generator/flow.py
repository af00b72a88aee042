"""Batches that `ImageDataGenerator` gives: what `model.fit`, `next`, `len` and indices expect of Keras's iterators.

A batch is a function of (seed, epoch, index), whatever the number of threads that made it and whatever was asked for
before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from cnnkit.data import pipeline
from cnnkit.data.kept_pictures import KeptPictures
from cnnkit.data.opencv_threads import one_opencv_thread
from cnnkit.data.per_process import PerProcess
from cnnkit.data.random_streams import picture_bits
from cnnkit.errors import DataError, InputError
from cnnkit.keras_generator.arguments import check_flow
from cnnkit.keras_generator.batch_memory import BatchMemory
from cnnkit.keras_generator.labelled_files import LabelledFiles
from cnnkit.keras_generator.load_image import CHANNELS, LoadImage


class Transformer(Protocol):
    """What a flow needs of a generator."""

    data_format: str
    dtype: str
    threads: int

    def drawn(self, shape: Sequence[int], chance: np.random.RandomState) -> Mapping[str, Any]:
        """The parameters of a random transformation of a picture of this shape, in the data format."""

    def make(
        self,
        picture: NDArray[Any],
        parameters: Mapping[str, Any],
        frame: NDArray[np.float64] | None,
        out: NDArray[Any],
    ) -> None:
        """Transforms the picture (h, w, c), standardizes it and writes it to `out`."""


@dataclass(frozen=True)
class Saving:
    """Where batches are also written, for people to look at.

    Args:
        folder: Must exist.
        prefix: What file names begin with.
        format: Their ending, `"png"` or `"jpeg"`.
    """

    folder: str
    prefix: str = ""
    format: str = "png"


class Flow:
    """Batches without end by `next`; those of the present epoch by index.

    Args:
        generator: Transforms the pictures.
        n: How many pictures there are.
        batch_size: Pictures a batch; the last of an epoch may have fewer.
        shuffle: Whether each epoch has an order of its own.
        seed: Of orders and transformations; None draws one from NumPy's global generator, which
            `keras.utils.set_random_seed` sets.
        saving: Where batches are also written.
    """

    def __init__(
        self,
        generator: Transformer,
        n: int,
        *,
        batch_size: int,
        shuffle: bool,
        seed: int | None,
        saving: Saving | None,
    ) -> None:
        super().__init__()
        if n < 1:
            raise DataError("at least one picture", "none", "A subset holds `validation_split` of the pictures.")
        check_flow(batch_size, shuffle, seed)
        if saving is not None and not Path(saving.folder).is_dir():
            raise InputError("save_to_dir as a folder that exists", saving.folder, "Make it first.")
        self.image_data_generator = generator
        self.n = self.samples = n
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = int(np.random.randint(2**31)) if seed is None else seed
        self.saving = saving
        self.data_format = generator.data_format
        self.dtype = generator.dtype
        self.batch_index = 0
        self._memory = BatchMemory()
        self._begin(0)
        self._lock = PerProcess(threading.Lock)
        helpers = max(1, generator.threads - 1)
        self._pool = PerProcess(partial(ThreadPoolExecutor, helpers, thread_name_prefix="cnnkit-flow"))

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        with self._lock():
            index, (epoch, order) = self.batch_index, self._present
            self.batch_index = (index + 1) % len(self)
            if self.batch_index == 0:
                self.on_epoch_end()
        return self._batch(index, epoch, order)

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        return self._batch(index, *self._present)

    def next(self) -> Any:
        """The next batch: `next(flow)`."""
        return self.__next__()

    def reset(self) -> None:
        """Makes `next` go on with the first batch of the epoch."""
        self.batch_index = 0

    def on_epoch_end(self) -> None:
        """Goes on to the next epoch: another order, other transformations."""
        self._begin(self.epoch + 1)

    @property
    def epoch(self) -> int:
        """The present epoch, counted from 0."""
        return self._present[0]

    @property
    def index_array(self) -> NDArray[np.int64]:
        """(n,) the pictures in the order of the present epoch."""
        return self._present[1]

    def _begin(self, epoch: int) -> None:
        # One assignment: a thread that makes a batch sees the order of the epoch that it sees.
        self._present = epoch, pipeline.order(self.n, seed=self.seed, epoch=epoch, shuffle=self.shuffle)

    def _batch(self, number: int, epoch: int, order: NDArray[np.int64]) -> Any:
        indices = order[number * self.batch_size : (number + 1) * self.batch_size]
        shape = self._shape()
        images = self._memory.empty((len(indices), *shape), self.dtype)
        # In one go: drawn between pictures, whose work fills the processor's caches, they take four times as long.
        chances = [np.random.RandomState(picture_bits(self.seed, epoch, index)) for index in indices.tolist()]
        drawn = [self.image_data_generator.drawn(shape, chance) for chance in chances]
        places = iter(range(len(indices)))  # shared: each thread takes the next one as it comes free

        def work() -> None:
            for place in places:
                self._make(int(indices[place]), drawn[place], images[place])

        with one_opencv_thread():
            helpers = [self._pool().submit(work) for _ in range(self.image_data_generator.threads - 1)]
            work()
            for helper in helpers:
                helper.result()
        if self.saving is not None:
            self._save(self.saving, images, indices, epoch)
        return self._with_targets(images, indices)

    def _save(self, saving: Saving, images: NDArray[Any], indices: NDArray[np.int64], epoch: int) -> None:
        from keras.utils import array_to_img

        for image, index in zip(images, indices.tolist(), strict=True):
            number = picture_bits(self.seed, epoch, index).random_raw() % 10**7
            picture = array_to_img(image, self.data_format, scale=True)
            picture.save(Path(saving.folder, f"{saving.prefix}_{index}_{number}.{saving.format}"))

    def _shape(self) -> tuple[int, ...]:
        """Of one picture in a batch."""
        raise NotImplementedError

    def _make(self, index: int, parameters: Mapping[str, Any], out: NDArray[Any]) -> None:
        """Writes one picture, transformed, to its place in a batch. Called from several threads."""
        raise NotImplementedError

    def _with_targets(self, images: NDArray[Any], indices: NDArray[np.int64]) -> Any:
        """The batch as `model.fit` takes it: pictures, (pictures, targets) or (pictures, targets, weights)."""
        raise NotImplementedError


class ArrayFlow(Flow):
    """Batches from arrays.

    Args:
        generator: Transforms the pictures.
        x: (n, …) pictures in the generator's data format.
        others: Further inputs of the model, the first axis is the picture.
        y: Targets, or None.
        sample_weight: (n,), or None.
        batch_size, shuffle, seed, saving: As for `Flow`.
    """

    def __init__(
        self,
        generator: Transformer,
        x: NDArray[Any],
        *,
        others: list[NDArray[Any]],
        y: NDArray[Any] | None,
        sample_weight: NDArray[Any] | None,
        batch_size: int,
        shuffle: bool,
        seed: int | None,
        saving: Saving | None,
    ) -> None:
        self.x = x
        self.x_misc = others
        self.y = y
        self.sample_weight = sample_weight
        super().__init__(generator, len(x), batch_size=batch_size, shuffle=shuffle, seed=seed, saving=saving)

    def _shape(self) -> tuple[int, ...]:
        return self.x.shape[1:]

    def _make(self, index: int, parameters: Mapping[str, Any], out: NDArray[Any]) -> None:
        picture = self.x[index]
        if self.data_format == "channels_first":
            picture = np.moveaxis(picture, 0, -1)
        self.image_data_generator.make(picture, parameters, None, out)

    def _with_targets(self, images: NDArray[Any], indices: NDArray[np.int64]) -> Any:
        inputs = [images, *(other[indices] for other in self.x_misc)] if self.x_misc else images
        if self.y is None:
            return inputs
        weights = () if self.sample_weight is None else (self.sample_weight[indices],)
        return (inputs, self.y[indices], *weights)


class FileFlow(Flow):
    """Batches from files. Decoded pictures are kept in memory while the budget lasts.

    Args:
        generator: Transforms the pictures.
        files: Which, and what belongs to them.
        load: How a file becomes a picture.
        class_mode: What the targets are.
        keep_bytes: What kept pictures may take; None is a quarter of the free memory.
        batch_size, shuffle, seed, saving: As for `Flow`.
    """

    def __init__(
        self,
        generator: Transformer,
        files: LabelledFiles,
        *,
        load: LoadImage,
        class_mode: str | None,
        keep_bytes: int | None,
        batch_size: int,
        shuffle: bool,
        seed: int | None,
        saving: Saving | None,
    ) -> None:
        self.directory = files.directory
        self.filenames = files.filenames
        self.filepaths = files.paths
        self.class_mode = class_mode
        self.class_indices = files.class_indices
        self.num_classes = len(files.class_indices or ())
        self.classes: Any = files.classes
        self.labels: Any = files.classes if files.targets is None else files.targets
        self.sample_weight = files.weights
        self.target_size = load.size
        self.color_mode = load.color_mode
        self._load = load
        self._kept = KeptPictures(keep_bytes)
        super().__init__(
            generator, len(files.filenames), batch_size=batch_size, shuffle=shuffle, seed=seed, saving=saving
        )

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Of one picture in a batch."""
        return self._shape()

    def _shape(self) -> tuple[int, ...]:
        channels = (CHANNELS[self.color_mode],)
        return (*self.target_size, *channels) if self.data_format == "channels_last" else (*channels, *self.target_size)

    def _make(self, index: int, parameters: Mapping[str, Any], out: NDArray[Any]) -> None:
        picture = self._kept.get(index, lambda: self._load.read(self.filepaths[index]))
        frame = None if picture.shape[:2] == self.target_size else self._load.frame(*picture.shape[:2])
        self.image_data_generator.make(picture, parameters, frame, out)

    def _with_targets(self, images: NDArray[Any], indices: NDArray[np.int64]) -> Any:
        if self.class_mode is None:
            return images
        weights = () if self.sample_weight is None else (self.sample_weight[indices],)
        return (images, self._targets(images, indices), *weights)

    def _targets(self, images: NDArray[Any], indices: NDArray[np.int64]) -> Any:
        if self.class_mode == "input":
            return images.copy()
        if self.class_mode == "multi_output":
            return [output[indices] for output in self.labels]
        if self.class_mode == "raw":
            return self.labels[indices]
        found = [self.classes[index] for index in indices]
        if self.class_mode == "categorical":
            targets = np.zeros((len(found), self.num_classes), self.dtype)
            for row, classes in zip(targets, found, strict=True):
                row[classes] = 1
            return targets
        return np.array(found, self.dtype)


AnyFlow = TypeVar("AnyFlow", bound=Flow)


@cache
def for_keras(kind: type[AnyFlow]) -> Callable[..., AnyFlow]:
    """The class of flows as one of Keras's datasets too, the only kind that `model.fit` takes.

    Keras is heavy: it is loaded here, and not with the module.
    """
    import keras

    return type(kind.__name__, (kind, keras.utils.PyDataset), {"__doc__": kind.__doc__})
