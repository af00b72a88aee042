"""What is known of drawn scenes: drawn once in a process, then kept in some 4 KB per scene."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.targets.boxes import Boxes
from cnnkit.data.targets.masks import Masks
from cnnkit.data.targets.pictures import Pictures
from cnnkit.data.targets.points import Points, mirror_of
from cnnkit.data.targets.stored import Stored, in_threads
from cnnkit.data.targets.targets import Targets
from cnnkit.scenes.annotations import Scene
from cnnkit.scenes.scene_drawing import render_scene
from cnnkit.scenes.semantics import CATEGORIES, SEMANTIC
from cnnkit.scenes.skeleton import KEYPOINTS

# Series (seed and size) whose truth a process keeps at once.
SERIES = 8
# Fast: a map of 160 × 160 pixels takes 0.1 ms and becomes 20 times smaller.
COMPRESSION = 1
# Metres, of the black in a picture of depth.
FARTHEST = 100
# The masks of a box are of two classes.
THING = ("background", "thing")


def nearness(metres: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Distances as grey levels, equal steps for equal ratios: white is 1 m or nearer, black 100 m or farther.

    >>> nearness(np.array([0.5, 1, 20, 100, np.inf], np.float32)).tolist()
    [255, 255, 89, 0, 0]
    """
    share = np.log(np.clip(metres, 1, FARTHEST)) / np.log(FARTHEST)
    return np.asarray(np.rint(255 * (1 - share)), np.uint8)


@dataclass(frozen=True, eq=False)
class SceneTruth:
    """The truth of one scene with n things, far ones first.

    Attributes:
        boxes: (n, 4) float64, x1, y1, x2, y2 in continuous pixels.
        labels: (n,) int64, places in `CATEGORIES`.
        keypoints: (n, 17, 3) float64: x, y and visibility, 0 for all points of what is no person.
        maps: Compressed maps by name: "masks" (SEMANTIC), "things" (0, or 1 + the thing that a pixel shows), "edges",
            "depth" (`nearness`).
        size: Side in pixels.
    """

    boxes: NDArray[np.float64]
    labels: NDArray[np.int64]
    keypoints: NDArray[np.float64]
    maps: dict[str, bytes]
    size: int

    @classmethod
    def of(cls, scene: Scene) -> SceneTruth:
        """What is known of a finished scene."""
        corners = scene.boxes.astype(np.float64).reshape(-1, 4)
        corners[:, 2:] += corners[:, :2]
        size = scene.image.shape[0]
        numbers = np.arange(1, len(scene.masks) + 1, dtype=np.uint8)[:, None, None]
        # A pixel shows one thing at most.
        things = (scene.masks * numbers).sum(axis=0, dtype=np.uint8) if len(numbers) else np.zeros_like(scene.edges)
        maps = {"masks": scene.semantic, "things": things, "edges": scene.edges, "depth": nearness(scene.depth)}
        order = {name: place for place, name in enumerate(CATEGORIES)}
        return cls(
            boxes=corners,
            labels=np.array([order[name] for name in scene.categories], np.int64),
            keypoints=scene.keypoints.astype(np.float64),
            maps={name: zlib.compress(array.tobytes(), COMPRESSION) for name, array in maps.items()},
            size=size,
        )

    def map(self, name: str) -> NDArray[np.uint8]:
        """(size, size) one of the maps."""
        return np.frombuffer(zlib.decompress(self.maps[name]), np.uint8).reshape(self.size, self.size)

    def areas(self) -> NDArray[np.float64]:
        """(n,) how many pixels show each thing, which is what COCO calls its area."""
        return np.bincount(self.map("things").ravel(), minlength=len(self.labels) + 1)[1:].astype(np.float64)

    def largest_person(self) -> tuple[NDArray[np.float64], float]:
        """(17, 3) the keypoints of the person with the largest box, and its area; zeros where there is none."""
        people = np.flatnonzero(self.labels == list(CATEGORIES).index("person"))
        if not len(people):
            return np.zeros((len(KEYPOINTS), 3)), 0.0
        largest = people[np.prod(self.boxes[people, 2:] - self.boxes[people, :2], axis=1).argmax()]
        return np.asarray(self.keypoints[largest]), float(self.areas()[largest])


class Series:
    """The scenes of one seed and size. Used from several threads; two that ask at once may both draw.

    Args:
        seed: Which series.
        size: Side in pixels.
    """

    def __init__(self, seed: int, size: int) -> None:
        self.seed, self.size = seed, size
        self._truth: dict[int, SceneTruth] = {}

    def draw(self, index: int) -> Scene:
        """The scene, whose truth is kept."""
        scene = render_scene(self.seed, index, self.size)
        if index not in self._truth:
            self._truth[index] = SceneTruth.of(scene)
        return scene

    def truth(self, index: int) -> SceneTruth:
        """The truth of a scene, which is drawn if none of it is known yet."""
        if (truth := self._truth.get(index)) is None:
            self.draw(index)
            truth = self._truth[index]
        return truth


@lru_cache(maxsize=SERIES)
def series(seed: int, size: int) -> Series:
    """The series of a seed and a size, the same one for all who ask."""
    return Series(seed, size)


@dataclass(frozen=True)
class MapReader:
    """Gives a map of the scene at a position; a reader of stored arrays.

    Args:
        seed: Which series.
        size: Side in pixels.
        version: Of the code that draws.
        name: "masks"; or "edges" or "depth", as RGB.
    """

    seed: int
    size: int
    version: str
    name: str

    def read(self, position: int) -> NDArray[np.uint8]:
        """(size, size), or (size, size, 3) of edges and depth."""
        array = series(self.seed, self.size).truth(position).map(self.name)
        return array if self.name == "masks" else np.repeat(array[..., None], 3, axis=2)

    def digest(self, position: int) -> str:
        """A hash of what decides the map."""
        key = f"{self.name} {self.version} {self.seed} {position} {self.size}"
        return hashlib.sha256(key.encode()).hexdigest()


@dataclass(frozen=True)
class ThingReader:
    """Gives the mask of one thing: position scene · 256 + thing; a reader of stored arrays.

    Args:
        seed: Which series.
        size: Side in pixels.
        version: Of the code that draws.
    """

    seed: int
    size: int
    version: str

    def read(self, position: int) -> NDArray[np.uint8]:
        """(size, size), 1 where the thing is seen."""
        scene, thing = divmod(position, 256)
        return np.asarray(series(self.seed, self.size).truth(scene).map("things") == thing + 1, np.uint8)

    def digest(self, position: int) -> str:
        """A hash of what decides the mask."""
        key = f"thing {self.version} {self.seed} {divmod(position, 256)} {self.size}"
        return hashlib.sha256(key.encode()).hexdigest()


def masks_of(n: int, seed: int, size: int, version: str) -> Masks:
    """The semantic maps of the first n scenes, drawn when they are asked for."""
    return Masks(SEMANTIC, Stored(MapReader(seed, size, version, "masks"), np.arange(n)))


def edges_of(n: int, seed: int, size: int, version: str) -> Pictures:
    """The line drawings of the first n scenes, drawn when they are asked for."""
    return Pictures(Stored(MapReader(seed, size, version, "edges"), np.arange(n)))


def depth_of(n: int, seed: int, size: int, version: str) -> Pictures:
    """How near all is in the first n scenes (`nearness`), drawn when it is asked for."""
    return Pictures(Stored(MapReader(seed, size, version, "depth"), np.arange(n)))


def boxes_of(n: int, seed: int, size: int, version: str) -> Boxes:
    """The boxes of all things in the first n scenes, with their masks and the joints of people. Draws all of them."""
    scenes = in_threads(series(seed, size).truth, n)
    counts = [len(scene.labels) for scene in scenes]
    places = [index * 256 + thing for index, count in enumerate(counts) for thing in range(count)]
    keypoints = np.concatenate([scene.keypoints.reshape(-1, len(KEYPOINTS), 3) for scene in scenes])
    return Boxes(
        names=tuple(CATEGORIES),
        boxes=np.concatenate([scene.boxes for scene in scenes]),
        labels=np.concatenate([scene.labels for scene in scenes]),
        starts=np.cumsum([0, *counts]),
        masks=Masks(THING, Stored(ThingReader(seed, size, version), np.array(places, np.int64))),
        points=_points(keypoints, np.concatenate([scene.areas() for scene in scenes])),
    )


def points_of(n: int, seed: int, size: int, version: str) -> Points:
    """The joints of the largest person in each of the first n scenes. Draws all of them."""
    truth = series(seed, size).truth
    keypoints, areas = zip(*in_threads(lambda index: truth(index).largest_person(), n), strict=True)
    return _points(np.stack(keypoints), np.array(areas))


def _points(keypoints: NDArray[np.float64], areas: NDArray[np.float64]) -> Points:
    values, shown = keypoints[..., :2], keypoints[..., 2].astype(np.uint8)
    return Points(KEYPOINTS, values, shown, mirror=mirror_of(KEYPOINTS), areas=areas)


# Truth of scenes by target: of n, seed, size and the version of the code that draws.
TRUTHS: dict[str, Callable[[int, int, int, str], Targets]] = {
    "boxes": boxes_of,
    "masks": masks_of,
    "points": points_of,
    "edges": edges_of,
    "depth": depth_of,
}
