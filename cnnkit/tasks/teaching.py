"""What a teacher says about crops, computed once and kept on disk: the crops are learned from several times.

A chunk is four arrays beside each other: the crops at the student's size, the teacher's map and pooled features
projected to fewer dimensions, and its logits (Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural
Network", 2015).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.tasks.crops import Image, Mix, Pictures, crop_views

TEACHER_SIDE = 128  # pixels; its map is 4 × 4
STUDENT_SIDE = 96  # pixels; its map is 3 × 3
DIMENSIONS = 256  # of the projected features
BATCH = 100


@dataclass(frozen=True)
class Chunk:
    """Crops with what the teacher says about them.

    Args:
        images: (n, 96, 96, 3) uint8, RGB.
        maps: (n, 3, 3, 256) float16, the teacher's map averaged over 2×2 windows, projected.
        pooled: (n, 256) float16, the teacher's pooled features, projected.
        logits: (n, 1000) float16, before the softmax.
    """

    images: NDArray[np.uint8]
    maps: NDArray[np.float16]
    pooled: NDArray[np.float16]
    logits: NDArray[np.float16]

    def __len__(self) -> int:
        return len(self.images)


FIELDS = ("images", "maps", "pooled", "logits")


def build_teacher(weights: Path, dtype: str = "float32") -> keras.Model:
    """MobileNet α = 0.75 with its ImageNet top: images 0…255 → (map (4, 4, 768), logits (1000,)).

    Args:
        weights: The file `mobilenet_7_5_224_tf.h5`.
        dtype: A policy of Keras; bfloat16 is twice as fast on some CPUs (AMD Zen 4), and off by less than 1 %.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype)
    try:
        network = keras.applications.MobileNet((TEACHER_SIDE, TEACHER_SIDE, 3), alpha=0.75, weights=str(weights))
        image = keras.Input((TEACHER_SIDE, TEACHER_SIDE, 3))
        features = network.get_layer("conv_pw_13_relu").output
        logits = keras.layers.Reshape((1000,))(network.get_layer("conv_preds").output)
        body = keras.Model(network.input, [features, logits])
        outputs = body(keras.layers.Rescaling(1 / 127.5, offset=-1.0)(image))
    finally:
        keras.config.set_dtype_policy(before)
    return keras.Model(image, outputs, name="teacher")


@dataclass(frozen=True)
class Projection:
    """Principal components, each shrunk by the fourth root of its variance: half way to whitening.

    Whitening in full would make noise as loud as meaning; none leaves everything to the first few components.

    Args:
        mean: (768,).
        matrix: (768, 256); a projected feature has mean square 1 over all dimensions.
    """

    mean: NDArray[np.float32]
    matrix: NDArray[np.float32]

    @classmethod
    def fit(cls, features: NDArray[np.float32], dimensions: int = DIMENSIONS) -> Projection:
        """Fits the components of features (n, 768)."""
        mean = features.mean(axis=0)
        centred = features - mean
        variance, axes = np.linalg.eigh(centred.T @ centred / len(features))
        variance, axes = variance[::-1][:dimensions], axes[:, ::-1][:, :dimensions]
        matrix = axes * np.maximum(variance, 1e-8) ** -0.25
        return cls(mean.astype(np.float32), (matrix / np.sqrt(np.mean(np.sqrt(variance)))).astype(np.float32))

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float16]:
        """Projects the last axis."""
        return ((features - self.mean) @ self.matrix).astype(np.float16)

    def save(self, file: Path) -> None:
        """Writes an .npz."""
        np.savez(file, mean=self.mean, matrix=self.matrix)

    @classmethod
    def load(cls, file: Path) -> Projection:
        """Reads what `save` wrote."""
        with np.load(file, allow_pickle=False) as arrays:
            return cls(arrays["mean"], arrays["matrix"])


def read_chunk(folder: Path) -> Chunk:
    """Maps a chunk of the disk into memory."""
    return Chunk(*(np.load(folder / f"{field}.npy", mmap_mode="r", allow_pickle=False) for field in FIELDS))


def make_chunk(
    teacher: keras.Model, pictures: Pictures, mix: Mix, *, seed: int, chunk: int, count: int, cache: Path
) -> Chunk:
    """Asks the teacher about a chunk of crops; one that is on disk already is only read.

    The projection is fitted on the first chunk that is made and kept beside the chunks.

    Args:
        teacher: As `build_teacher` returns it.
        pictures: Where the crops are taken from.
        mix: How.
        seed: The distillation's seed.
        chunk: Number of the chunk.
        count: Crops in it, a multiple of 100.
        cache: Folder of the chunks.
    """
    folder = cache / f"chunk{chunk:03d}"
    if (folder / "done").exists():
        return read_chunk(folder)
    folder.mkdir(parents=True, exist_ok=True)
    views = crop_views(pictures, mix, seed=seed, chunk=chunk, count=count, sizes=(STUDENT_SIDE, TEACHER_SIDE))
    asked = _asked(teacher, views)

    file = cache / "projection.npz"
    if not file.exists():
        first = list(itertools.islice(asked, 40))
        Projection.fit(np.concatenate([maps.reshape(-1, maps.shape[-1]) for _, maps, _ in first])).save(file)
        asked = itertools.chain(first, asked)
    project = Projection.load(file)

    shapes = {
        "images": ((count, STUDENT_SIDE, STUDENT_SIDE, 3), np.uint8),
        "maps": ((count, 3, 3, DIMENSIONS), np.float16),
        "pooled": ((count, DIMENSIONS), np.float16),
        "logits": ((count, 1000), np.float16),
    }
    arrays = {
        field: np.lib.format.open_memmap(folder / f"{field}.npy", mode="w+", dtype=dtype, shape=shape)
        for field, (shape, dtype) in shapes.items()
    }
    for start, (images, maps, logits) in zip(range(0, count, BATCH), asked, strict=True):
        rows = slice(start, start + BATCH)
        arrays["images"][rows] = images
        arrays["maps"][rows] = project(windows(maps))
        arrays["pooled"][rows] = project(maps.mean(axis=(1, 2)))
        arrays["logits"][rows] = logits
    for array in arrays.values():
        array.flush()
    (folder / "done").touch()
    return read_chunk(folder)


def _asked(
    teacher: keras.Model, views: Iterator[tuple[Image, ...]]
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]]:
    """(crops at the student's size, the teacher's maps, its logits), a batch at a time."""
    while batch := list(itertools.islice(views, BATCH)):
        small, large = (np.stack(images) for images in zip(*batch, strict=True))
        maps, logits = teacher.predict_on_batch(large.astype(np.float32))
        yield small, np.asarray(maps, np.float32), np.asarray(logits, np.float32)


def windows(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Averages over 2×2 windows at stride 1: a map of 4×4 becomes one of 3×3 that covers the same crop."""
    total = maps[:, :-1, :-1] + maps[:, 1:, :-1] + maps[:, :-1, 1:] + maps[:, 1:, 1:]
    return total * np.float32(0.25)
