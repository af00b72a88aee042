"""Strong random crops of few photographs: the data of a distillation.

"Extrapolating from a Single Image to a Thousand Classes using Distillation" (Asano and Saeed, ICLR 2023; first
titled "The Augmented Image Prior") shows that the crops of very few pictures, changed strongly, carry a teacher's
knowledge. Each crop here depends on (seed, chunk, index) alone, so any part of them can be made again.
"""

from __future__ import annotations

import io
import itertools
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cnnkit.data.decode import decode_bytes, decode_file

Image = NDArray[np.uint8]  # (height, width, 3), RGB
# Where a channel's 256 values begin in a table of tints.
CHANNELS = np.array([0, 256, 512])


@dataclass(frozen=True)
class Mix:
    """What the crops of a chunk are made of; the shares are probabilities.

    Attributes:
        small: Share of small pictures (CIFAR's 32×32) among all; the others are photographs.
        drawn: Share of drawn scenes among all.
        blend: Share of crops that are a blend of two (mixup).
        paste: Share of crops with a rectangle of a second crop pasted in (CutMix).
        tint: Share of crops with other colours.
        area: Smallest and largest area of a crop, as a share of its photograph.
    """

    small: float = 0.2
    drawn: float = 0.0
    blend: float = 0.12
    paste: float = 0.12
    tint: float = 0.3
    area: tuple[float, float] = (0.08, 1.0)


@dataclass(frozen=True)
class Pictures:
    """The pictures that crops are taken from.

    Attributes:
        photographs: Decoded photographs.
        small: JPEG bytes of small pictures.
        drawn: Decoded drawn scenes, may be empty.
    """

    photographs: tuple[Image, ...]
    small: tuple[bytes, ...]
    drawn: tuple[Image, ...] = ()


def read_pictures(data: Path, drawn: tuple[Image, ...] = ()) -> Pictures:
    """Reads the photographs of the distillation: ImageNet's samples, facades, and CIFAR-10's training pictures.

    ants_bees_256, coco128 and coco_mini stay out: they are what the result is judged on.

    Args:
        data: The folder of real data (`shared/data`).
        drawn: Drawn scenes to add.
    """
    photographs = [decode_file(file) for file in sorted((data / "imagenet_samples_256").glob("*.jpg"))]
    facades = [decode_file(file) for file in sorted((data / "facades" / "train").glob("*.jpg"))]
    photographs += [pair[:, : pair.shape[1] // 2] for pair in facades]  # the right half is the label map
    with lzma.open(data / "cifar10_jpeg" / "train.npz.xz") as packed:
        cifar = np.load(io.BytesIO(packed.read()), allow_pickle=False)
        jpeg, offsets = cifar["jpeg"], cifar["offsets"]
    small = [jpeg[start:end].tobytes() for start, end in itertools.pairwise(offsets)]
    return Pictures(tuple(photographs), tuple(small), drawn)


def crop_views(
    pictures: Pictures, mix: Mix, *, seed: int, chunk: int, count: int, sides: tuple[int, ...]
) -> Iterator[tuple[Image, ...]]:
    """The crops of one chunk, each at several sizes (the student's and the teacher's).

    Args:
        pictures: Where they are taken from.
        mix: How.
        seed: The distillation's seed.
        chunk: Number of the chunk; another number, other crops.
        count: How many.
        sides: In pixels; each crop comes once for each side.
    """
    for index in range(count):
        yield _view(pictures, mix, np.random.default_rng([seed, chunk, index]), sides)


def _view(pictures: Pictures, mix: Mix, chance: np.random.Generator, sides: tuple[int, ...]) -> tuple[Image, ...]:
    views = _crop(pictures, mix, chance, sides)
    kind = chance.random()
    if kind < mix.blend:
        share = chance.uniform(0.3, 0.7)
        others = _crop(pictures, mix, chance, sides)
        views = [_pixels(share * a + (1 - share) * b) for a, b in zip(views, others, strict=True)]
    elif kind < mix.blend + mix.paste:
        others = _crop(pictures, mix, chance, sides)
        top, left = chance.uniform(0, 0.6, 2)
        height, width = chance.uniform(0.3, 0.7, 2)
        for view, other in zip(views, others, strict=True):
            side = len(view)
            rows = slice(round(top * side), round((top + height) * side))
            columns = slice(round(left * side), round((left + width) * side))
            view[rows, columns] = other[rows, columns]
    return tuple(views)


def _crop(pictures: Pictures, mix: Mix, chance: np.random.Generator, sides: tuple[int, ...]) -> list[Image]:
    origin = chance.random()
    area = mix.area
    if origin < mix.small:
        picture = decode_bytes(pictures.small[chance.integers(len(pictures.small))], "a picture of CIFAR-10")
        area = (0.5, 1.0)
    elif origin < mix.small + mix.drawn and pictures.drawn:
        picture = pictures.drawn[chance.integers(len(pictures.drawn))]
        area = (0.25, 1.0)
    else:
        picture = pictures.photographs[chance.integers(len(pictures.photographs))]

    # a rectangle of random area and aspect (Szegedy et al., "Going Deeper with Convolutions", section 6)
    rows, columns = picture.shape[:2]
    size = chance.uniform(*area) * rows * columns
    aspect = np.exp(chance.uniform(-np.log(4 / 3), np.log(4 / 3)))
    height = min(rows, max(16, round(np.sqrt(size / aspect))))
    width = min(columns, max(16, round(np.sqrt(size * aspect))))
    top, left = chance.integers(rows - height + 1), chance.integers(columns - width + 1)
    part = picture[top : top + height, left : left + width]

    tint = _tint(chance) if chance.random() < mix.tint else None
    views = [_resized(part, side) for side in sides]
    return views if tint is None else [np.take(tint, view.astype(np.intp) + CHANNELS) for view in views]


def _tint(chance: np.random.Generator) -> Image:
    """A table of 3 × 256 values: another gamma, gain and offset for each channel, the three alike but for a bit."""
    gamma = np.exp(chance.normal(0, 0.35) + chance.normal(0, 0.15, (3, 1)))
    gain = np.exp(chance.normal(0, 0.15) + chance.normal(0, 0.1, (3, 1)))
    levels = np.linspace(0, 1, 256)
    return _pixels(255 * gain * levels**gamma + chance.normal(0, 12)).ravel()


def _resized(part: Image, side: int) -> Image:
    shrinking = min(part.shape[:2]) >= side
    resized = cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_CUBIC)
    return np.asarray(resized, np.uint8)


def _pixels(values: NDArray[Any]) -> Image:
    clipped: Image = np.clip(values, 0, 255).astype(np.uint8)
    return clipped
