"""From a seed and an index to a finished scene."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import numpy as np
import numpy.typing as npt

from cnnkit.errors import InputError
from cnnkit.scenes.annotations import Scene, annotate, has_person
from cnnkit.scenes.canvas import NOBODY, Canvas
from cnnkit.scenes.difficulty import DIFFICULTY, Difficulty
from cnnkit.scenes.light import Light
from cnnkit.scenes.photo import Image, blurred, exposed, grained, recompressed
from cnnkit.scenes.randomness import Dice
from cnnkit.scenes.surfaces import cut, grain, noise
from cnnkit.scenes.world import World, compose

SMALLEST = 32
Floats = npt.NDArray[np.float32]


def shows_person(seed: int, index: int) -> bool:
    """The label of a scene, without drawing it: scenes are redrawn until they fit their label."""
    return Dice(seed, index).chance(DIFFICULTY.person_share)


def render_scene(seed: int, index: int, size: int = 160) -> Scene:
    """Draws one scene; equal arguments give equal bytes on every machine, in any thread.

    Args:
        seed: Which series of scenes, ≥ 0.
        index: Which scene of the series, ≥ 0.
        size: Side in pixels, ≥ 32. The same scene at another size is the same composition.

    Raises:
        InputError: A negative seed or index, or a size below 32.
    """
    if size < SMALLEST:
        raise InputError(f"a size of at least {SMALLEST} pixels", str(size), "Use 96 or more to recognise people.")
    person = shows_person(seed, index)
    attempts = (_drawn(Dice(seed, index, attempt), size, person) for attempt in count(1))
    return next(scene for scene in attempts if scene is not None)


def render_scenes(n: int, seed: int = 0, *, size: int = 160) -> Iterator[Scene]:
    """The first n scenes of a series, one after the other."""
    for index in range(n):
        yield render_scene(seed, index, size)


def _drawn(dice: Dice, size: int, person: bool) -> Scene | None:
    """A scene, or None where the dice gave one that does not fit its label."""
    difficulty = DIFFICULTY
    world = compose(dice, size, difficulty, person=person)
    canvas = Canvas(size)
    world.kind.paint(canvas, world.camera, world.light, dice, world.depth)
    passes = dice.weighted(range(len(difficulty.background_blur)), difficulty.background_blur)
    canvas.image = blurred(canvas.image, passes)
    _cast_shadows(canvas, world)
    firsts = []
    for number, actor in enumerate(world.actors):
        owner = number if actor.category else NOBODY
        # By where it stands, not by its size: what is drawn later is nearer, as it hides what was there.
        metres = world.camera.distance_at(actor.place.y)
        firsts.append(canvas.draw(actor.sketch, actor.place, actor.semantic, world.light.haze, owner, metres=metres))
    boxes, categories, masks, keypoints, seen = annotate(canvas, world.actors, firsts)
    if has_person(boxes, categories, size) != person:
        return None
    if person and not _main_is_clear(world, boxes, keypoints, seen, size):
        return None
    canvas.texture(cut(noise(), dice, size, size))
    return Scene(
        image=_photographed(canvas, dice, world.light, difficulty),
        person=person,
        boxes=boxes,
        categories=categories,
        masks=masks,
        semantic=canvas.semantic(),
        keypoints=keypoints,
        edges=canvas.edges(),
        depth=canvas.depth(),
        place=world.kind.name,
    )


def _main_is_clear(world: World, boxes: Floats, keypoints: Floats, seen: list[int], size: int) -> bool:
    """Whether the person that makes the label is large and free enough to be recognised."""
    for row, number in enumerate(seen):
        if world.actors[number].main:
            area = float(boxes[row, 2]) * float(boxes[row, 3])
            visible = int((keypoints[row, :, 2] == 2).sum())
            return area > DIFFICULTY.least_area * size * size and visible >= DIFFICULTY.least_keypoints
    return False


def _cast_shadows(canvas: Canvas, world: World) -> None:
    shadow = np.zeros((canvas.size, canvas.size), np.uint8)
    for actor in world.actors:
        canvas.cast(shadow, actor.sketch, actor.place, world.light.shear)
    canvas.darken(shadow, world.light.shadow)


def _photographed(canvas: Canvas, dice: Dice, light: Light, d: Difficulty) -> Image:
    gain = dice.around(1.0, d.exposure)
    gains = (
        light.cast[0] * gain * dice.around(1.0, d.cast),
        light.cast[1] * gain * dice.around(1.0, d.cast * 0.5),
        light.cast[2] * gain * dice.around(1.0, d.cast),
    )
    image = exposed(canvas.image, gains, dice.uniform(*d.contrast))
    image = blurred(image, dice.weighted(range(len(d.blur)), d.blur))
    image = grained(image, cut(grain(), dice, canvas.size, canvas.size), dice.between(*d.grain))
    return recompressed(image, dice.between(*d.quality))
