"""A finished scene and everything that is known about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cnnkit.scenes.canvas import Canvas
from cnnkit.scenes.large_enough import large_enough
from cnnkit.scenes.world import Actor


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture with COCO-like annotations; n objects, far ones first.

    Args:
        image: (size, size, 3) RGB, uint8.
        person: Whether the box of a person covers more than 0.5 % of the picture.
        boxes: (n, 4) x, y, width, height in pixels, around the visible pixels; COCO's order.
        categories: n class names.
        masks: (n, size, size) bool, the visible pixels of each object.
        semantic: (size, size) uint8, positions in `SEMANTIC`.
        keypoints: (n, 17, 3) x, y in pixels and visibility: 0 outside the picture or no person, 1 hidden,
            2 visible. A point (x, y) lies in the pixel of column ⌊x⌋, row ⌊y⌋.
        edges: (size, size) uint8, a drawing of black lines (0) on white (255).
        depth: (size, size) float32, metres from the camera, straight ahead; infinite for the sky. A thing is as far
            as the place where it stands.
        place: "street", "park" or "room".
    """

    image: npt.NDArray[np.uint8]
    person: bool
    boxes: npt.NDArray[np.float32]
    categories: tuple[str, ...]
    masks: npt.NDArray[np.bool_]
    semantic: npt.NDArray[np.uint8]
    keypoints: npt.NDArray[np.float32]
    edges: npt.NDArray[np.uint8]
    depth: npt.NDArray[np.float32]
    place: str


LEAST_PIXELS = 0.0004  # an object that shows less of the picture than this is not annotated


def box_of(mask: npt.NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """x, y, width, height of the smallest box around the set pixels (at least one)."""
    columns = np.flatnonzero(mask.any(axis=0))
    rows = np.flatnonzero(mask.any(axis=1))
    return (
        float(columns[0]),
        float(rows[0]),
        float(columns[-1] - columns[0] + 1),
        float(rows[-1] - rows[0] + 1),
    )


def annotate(canvas: Canvas, actors: Sequence[Actor], firsts: Sequence[int]) -> tuple[
    npt.NDArray[np.float32], tuple[str, ...], npt.NDArray[np.bool_], npt.NDArray[np.float32], list[int]
]:  # fmt: skip
    """Boxes, categories, masks, keypoints and the number of the actor of every visible object.

    Args:
        canvas: The painted picture; the owner of each part is the position of its actor.
        actors: All actors in drawing order.
        firsts: The number of each actor's first part.
    """
    size = canvas.size
    owners = canvas.owners()
    counts = np.bincount(owners[owners >= 0].ravel(), minlength=len(actors))
    least = max(6, int(LEAST_PIXELS * size * size))
    seen = [i for i in range(len(actors)) if counts[i] >= least]
    masks = np.zeros((len(seen), size, size), np.bool_)
    boxes = np.zeros((len(seen), 4), np.float32)
    keypoints = np.zeros((len(seen), 17, 3), np.float32)
    for row, number in enumerate(seen):
        np.equal(owners, number, out=masks[row])
        boxes[row] = box_of(masks[row])
        if actors[number].keypoints:
            keypoints[row] = _keypoints(canvas, actors[number], firsts[number])
    return boxes, tuple(actors[i].category for i in seen), masks, keypoints, seen


def _keypoints(canvas: Canvas, actor: Actor, first: int) -> npt.NDArray[np.float32]:
    size, place = canvas.size, actor.place
    table = np.zeros((17, 3), np.float32)
    for row, point in enumerate(actor.keypoints):
        # To 1/16 pixel, like the drawing itself.
        x = round((place.x + point.x * place.scale) * 16) / 16
        y = round((place.y - point.y * place.scale) * 16) / 16
        if not (0 <= x < size and 0 <= y < size):
            continue
        part = int(canvas.parts[int(y), int(x)]) - first
        table[row] = x, y, 2 if point.faces and part in point.parts else 1
    return table


def has_person(boxes: npt.NDArray[np.float32], categories: Sequence[str], size: int) -> bool:
    """Whether the box of any person is large enough to count."""
    areas = boxes[:, 2].astype(float) * boxes[:, 3]
    return bool((large_enough(areas, size * size) & (np.array(categories, np.str_) == "person")).any())
