"""Drawn scenes as a dataset: person / no person, boxes, masks, joints or line drawings; rendered when asked for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.arguments import one_of, seed_of, whole_number
from cnnkit.data.dataset import Dataset
from cnnkit.data.scene_truth import TRUTHS, series
from cnnkit.data.source import Source
from cnnkit.data.targets.labels import Labels
from cnnkit.data.targets.targets import Targets
from cnnkit.scenes.parts import split_points
from cnnkit.scenes.scene_drawing import SMALLEST, render_scene, shows_person

CLASSES = ("no_person", "person")
Target = Literal["label", "boxes", "masks", "points", "edges", "depth"]


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


class KnownSceneReader(SceneReader):
    """Draws the scene at a position and keeps what is known of it: the same pictures, the truth at no further cost."""

    def read(self, position: int) -> NDArray[np.uint8]:
        """The picture (size, size, 3)."""
        return series(self.seed, self.size).draw(position).image


def scenes(n: int, seed: int = 0, *, size: int = 160, target: Target = "label") -> Dataset:
    """Street, park and room scenes with and without people, drawn on demand.

    About half show a person by COCO's rule: the box of a person covers more than 0.5 % of the picture.
    `cnnkit.scenes.render_scene(seed, index, size)` gives the same picture with all of its truth.

    Args:
        n: How many pictures; the first 70 % are for training, the next 15 % for validation, the rest for test.
        seed: Which series; pictures of one series never change with `n`.
        size: Side in pixels, ≥ 32.
        target: The truth, whatever it is of the same pictures:
            "label": "no_person" or "person";
            "boxes": around the visible pixels of every thing, of the 38 classes of `cnnkit.scenes.CATEGORIES`, with
            the mask of each and 17 joints (absent for what is no person);
            "masks": one of the 18 classes of `cnnkit.scenes.SEMANTIC` per pixel;
            "points": COCO's 17 joints of the person with the largest box; all absent where nobody is;
            "edges": a line drawing, black on white;
            "depth": how near all is, in grey: `100 ** (1 - level / 255)` is the distance in metres, so that white is
            1 m or nearer, black 100 m or farther, and one level 1.8 % of the distance.
            Boxes and points draw every scene at once, some 10 ms each; the others when they are asked for. What was
            drawn once in a process is known to all datasets of the same seed and size.

    Returns:
        Classes "no_person", "person", or the names of the truth; ids like "scene-0-000123".

    Raises:
        InputError: n below 1, a negative seed, or a size below 32.
        UnknownNameError: Another target.

    >>> photos = scenes(20)
    >>> photos.classes, photos.train.ids[0], photos.train.image(0).shape
    (('no_person', 'person'), 'scene-0-000000', (160, 160, 3))
    >>> scenes(20, target="masks", size=64).train.targets.mask(0).shape
    (64, 64)
    """
    n, seed = whole_number(n, "n", least=1, remedy="Give a number of pictures."), seed_of(seed)
    size = whole_number(size, "size", least=SMALLEST, remedy="Use 96 pixels or more to see people.")
    one_of(target, "a target of scenes", ("label", *TRUTHS))
    truth: Targets
    if target == "label":
        truth, reader = (
            Labels(CLASSES, np.array([shows_person(seed, index) for index in range(n)], np.int64)),
            SceneReader,
        )
    else:
        truth, reader = TRUTHS[target](n, seed, size, drawing_version()), KnownSceneReader
    whole = Source(
        ids=tuple(f"scene-{seed}-{index:06d}" for index in range(n)),
        targets=truth,
        reader=reader(seed, size),
        positions=np.arange(n, dtype=np.int64),
    )
    validation, test = split_points(n)
    return Dataset(
        classes=truth.names,
        train=whole.take(np.arange(validation)),
        validation=whole.take(np.arange(validation, test)),
        test=whole.take(np.arange(test, n)),
    )
