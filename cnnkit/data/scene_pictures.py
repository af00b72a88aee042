"""Drawn scenes as a dataset: person / no person, rendered when a picture is asked for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.arguments import seed_of, whole_number
from cnnkit.data.dataset import Dataset
from cnnkit.data.source import Source
from cnnkit.scenes.parts import split_points
from cnnkit.scenes.scene_drawing import SMALLEST, render_scene, shows_person

CLASSES = ("no_person", "person")


@lru_cache(maxsize=1)
def drawing_version() -> str:
    """A hash of the code that draws: pictures of equal arguments and equal version are equal."""
    whole = hashlib.sha256()
    folder = resources.files("cnnkit.scenes")
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".py"):
            whole.update(file.name.encode() + b"\0" + file.read_bytes())
    return whole.hexdigest()


@dataclass(frozen=True)
class SceneReader:
    """Draws the scene at a position; nothing is kept.

    Args:
        seed: Which series.
        size: Side in pixels.
    """

    seed: int
    size: int

    def read(self, position: int) -> NDArray[np.uint8]:
        """The picture (size, size, 3)."""
        return render_scene(self.seed, position, self.size).image

    def shape(self, position: int) -> tuple[int, int]:
        """Height and width of each picture."""
        return self.size, self.size

    def digest(self, position: int) -> str:
        """A hash of what decides the picture: the drawing code, the seed, the position, the size."""
        key = f"scene {drawing_version()} {self.seed} {position} {self.size}"
        return hashlib.sha256(key.encode()).hexdigest()


def scenes(n: int, seed: int = 0, *, size: int = 160) -> Dataset:
    """Street, park and room scenes with and without people, drawn on demand.

    About half show a person by COCO's rule: the box of a person covers more than 0.5 % of the picture.
    `cnnkit.scenes.render_scene(seed, index, size)` gives the same picture with boxes, masks, keypoints,
    semantic map and line drawing.

    Args:
        n: How many pictures; the first 70 % are for training, the next 15 % for validation, the rest for test.
        seed: Which series; pictures of one series never change with `n`.
        size: Side in pixels, ≥ 32.

    Returns:
        Classes "no_person", "person"; ids like "scene-0-000123".

    Raises:
        InputError: n below 1, a negative seed, or a size below 32.

    >>> photos = scenes(20)
    >>> photos.classes, photos.train.ids[0], photos.train.image(0).shape
    (('no_person', 'person'), 'scene-0-000000', (160, 160, 3))
    """
    n, seed = whole_number(n, "n", least=1, remedy="Give a number of pictures."), seed_of(seed)
    size = whole_number(size, "size", least=SMALLEST, remedy="Use 96 pixels or more to see people.")
    labels = np.array([shows_person(seed, index) for index in range(n)], np.int64)
    whole = Source.labelled(
        ids=tuple(f"scene-{seed}-{index:06d}" for index in range(n)),
        classes=CLASSES,
        labels=labels,
        reader=SceneReader(seed, size),
        positions=np.arange(n, dtype=np.int64),
    )
    validation, test = split_points(n)
    return Dataset(
        classes=CLASSES,
        train=whole.take(np.arange(validation)),
        validation=whole.take(np.arange(validation, test)),
        test=whole.take(np.arange(test, n)),
    )
