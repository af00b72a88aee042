"""What a teacher says about crops, computed once and kept on disk: the crops are learned from several times.

A chunk is one array of records: a crop at the student's size, the teacher's map and pooled features projected to fewer
dimensions, and its logits (Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

import cnnkit as ck
from cnnkit.tasks.nano.crops import Image

TEACHER_SIDE = 128  # pixels; its map is 4 × 4
STUDENT_SIDE = 96  # pixels; its map is 3 × 3
DIMENSIONS = 256  # of the projected features
BATCH = 100
# Batches of the first chunk that the projection is fitted on.
FITTED = 40
CROP = np.dtype(
    [
        ("images", np.uint8, (STUDENT_SIDE, STUDENT_SIDE, 3)),
        ("maps", np.float16, (3, 3, DIMENSIONS)),  # the teacher's map averaged over 2×2 windows, projected
        ("pooled", np.float16, (DIMENSIONS,)),  # its pooled features, projected
        ("logits", np.float16, (1000,)),  # before the softmax
    ]
)


def build_teacher(weights: Path) -> keras.Model:
    """MobileNet α = 0.75 with its ImageNet top: images 0…255 → (map (4, 4, 768), logits (1000,)).

    Args:
        weights: The file `mobilenet_7_5_224_tf.h5`.
    """
    side = (TEACHER_SIDE, TEACHER_SIDE, 3)
    model = ck.backbone("mobilenet", alpha=0.75, weights=weights, input_shape=side, top=True).model
    logits = keras.layers.Reshape((1000,))(model.get_layer("conv_preds").output)
    return keras.Model(model.input, [model.get_layer("conv_pw_13_relu").output, logits], name="teacher")


@dataclass(frozen=True, eq=False)
class Projection:
    """Principal components, each shrunk by the fourth root of its variance: half way to whitening.

    Whitening in full would make noise as loud as meaning; none leaves everything to the first few components.

    Attributes:
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


def read_chunk(file: Path) -> NDArray[np.void]:
    """Maps a chunk on the disk, (n,) records of `CROP`, into memory."""
    chunk: NDArray[np.void] = np.load(file, mmap_mode="r", allow_pickle=False)
    return chunk


def write_chunk(teacher: keras.Model, views: Iterator[tuple[Image, ...]], *, count: int, file: Path) -> None:
    """Asks the teacher about the crops of a chunk and writes what it says, all or nothing.

    The projection is fitted on the first chunk that is written and kept beside the chunks.

    Args:
        teacher: As `build_teacher` returns it.
        views: Crops at the student's and the teacher's size.
        count: How many, a multiple of 100.
        file: The chunk, a file ending in `.npy`.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    answers = _answers(teacher, views)
    kept = file.with_name("projection.npz")
    if not kept.exists():
        first = list(itertools.islice(answers, FITTED))
        fitted = Projection.fit(np.concatenate([maps.reshape(-1, maps.shape[-1]) for _, maps, _ in first]))
        np.savez(kept, **asdict(fitted))
        answers = itertools.chain(first, answers)
    with np.load(kept, allow_pickle=False) as arrays:
        project = Projection(**arrays)

    unfinished = file.with_suffix(".part.npy")
    chunk = np.lib.format.open_memmap(unfinished, mode="w+", dtype=CROP, shape=(count,))
    for start, (images, maps, logits) in zip(range(0, count, BATCH), answers, strict=True):
        rows = chunk[start : start + BATCH]
        rows["images"] = images
        rows["maps"] = project(windows(maps))
        rows["pooled"] = project(maps.mean(axis=(1, 2)))
        rows["logits"] = logits
    chunk.flush()
    unfinished.replace(file)


def _answers(
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
