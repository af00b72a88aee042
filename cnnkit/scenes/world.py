"""Composition: which things stand where, for a person picture and for the other kind alike."""

from __future__ import annotations

from dataclasses import dataclass

from cnnkit.scenes.backdrops import SCENE_KINDS, SceneKind
from cnnkit.scenes.camera import Camera
from cnnkit.scenes.canvas import Placement
from cnnkit.scenes.difficulty import Difficulty
from cnnkit.scenes.furniture import draw_stool
from cnnkit.scenes.light import Light, some_light
from cnnkit.scenes.lookalikes import THINGS, Thing
from cnnkit.scenes.looks import some_look
from cnnkit.scenes.palette import CLOTHES, WOODS, varied
from cnnkit.scenes.people import Keypoint, draw_person
from cnnkit.scenes.randomness import Dice
from cnnkit.scenes.skeleton import POSES, posed, some_yaw
from cnnkit.scenes.sketch import Sketch


@dataclass(frozen=True)
class Actor:
    """Something placed in the scene.

    Args:
        category: Class name.
        semantic: Class in the semantic map.
        sketch: Its shapes.
        place: Where it stands.
        keypoints: Of a person, else ().
        main: Whether it is the person that makes the picture a person picture.
    """

    category: str
    semantic: str
    sketch: Sketch
    place: Placement
    keypoints: tuple[Keypoint, ...] = ()
    main: bool = False


@dataclass(frozen=True)
class World:
    """A scene before it is painted: place, camera, light, depth (see `SceneKind`) and actors, far ones first."""

    kind: SceneKind
    camera: Camera
    light: Light
    depth: float
    actors: tuple[Actor, ...]


@dataclass(frozen=True)
class _Slot:
    """Where a figure goes: x of its middle and its height, both in pixels."""

    x: float
    height: float
    lowered: float  # share of its height that may lie below the picture


class _Composer:
    def __init__(self, dice: Dice, size: int, difficulty: Difficulty) -> None:
        self.dice, self.size, self.difficulty = dice, size, difficulty
        self.kind = dice.weighted(SCENE_KINDS, [kind.weight for kind in SCENE_KINDS])
        self.camera = Camera(
            size, dice.uniform(*self.kind.horizon), dice.uniform(*self.kind.camera), dice.uniform(1.0, 1.4)
        )
        self.light = some_light(dice, indoors=self.kind.indoors)
        self.depth = dice.uniform(*self.kind.depth)
        self.least_scale = 1.04 * self.camera.scale_at(size) / self.depth
        self.actors: list[Actor] = []

    def slots(self) -> list[_Slot]:
        dice, d, size = self.dice, self.difficulty, self.size
        count = dice.weighted(range(1, len(d.figures) + 1), d.figures)
        slots: list[_Slot] = []
        for _ in range(count):
            height = d.height[0] + (d.height[1] - d.height[0]) * dice.unit() ** d.tall_bias
            if slots:
                height *= dice.uniform(d.smaller, 1.0)
            edge = dice.chance(d.cut_aside)
            # The best of four places: the one farthest from the figures so far.
            places = [
                dice.pick((0.0, 1.0)) + dice.around(0, 0.05) if edge else dice.uniform(0.12, 0.88) for _ in range(4)
            ]
            best = max(places, key=lambda x: min((abs(x * size - slot.x) for slot in slots), default=0.0))
            lowered = dice.uniform(0.15, 0.5) if dice.chance(d.cut_below) else 0.0
            slots.append(_Slot(best * size, height * size, lowered))
        return slots

    def place(self, slot: _Slot, metres: float, *, share: float = 1.0) -> Placement:
        """A thing `metres` high into a slot: as large as asked, but with its feet where the camera sees them."""
        scale = max(slot.height * share / metres, self.least_scale)
        row = self.camera.row_at(scale)
        lowest = self.size * 0.985
        if slot.lowered > 0:
            lowest += slot.lowered * slot.height
        if row > lowest:
            row = lowest
            scale = self.camera.scale_at(row)
        reach = self.kind.reach * scale
        x = min(max(slot.x, self.size / 2 - reach), self.size / 2 + reach)
        return Placement(x, row, scale, self._haze(scale))

    def _haze(self, scale: float) -> float:
        return 0.0 if self.kind.indoors else min(0.35, self.camera.distance(scale) / 80)

    def thing(self, row: Thing, place_for: _Slot, *, share: float = 1.0) -> None:
        dice = self.dice
        metres = dice.uniform(*row.height)
        place = self.place(place_for, metres, share=share)
        sketch = Sketch(self.light, mirrored=dice.chance(0.5))
        row.draw(sketch, dice, metres)
        self.actors.append(Actor(row.category, row.semantic, sketch, place))

    def person(self, slot: _Slot, *, main: bool, share: float = 1.0) -> None:
        dice = self.dice
        look = some_look(dice)
        pose = dice.weighted(POSES, [row.weight for row in POSES])
        yaw = some_yaw(dice, pose)
        skeleton = posed(dice, look.build, pose, yaw, tilt=dice.uniform(0.08, 0.2))
        top = max(y for _, y, _ in skeleton.joints.values()) + 0.07 * look.build.height
        place = self.place(slot, max(top, 0.55 * look.build.height), share=share)
        if pose.seat == "chair":
            stool = Sketch(self.light, 30)
            x, y, _ = skeleton.joints["pelvis"]
            draw_stool(
                stool, max(0.1, y - 0.06 * look.build.height), dice.pick(WOODS), varied(dice, dice.pick(CLOTHES))
            )
            spot = Placement(place.x + x * place.scale, place.y, place.scale, place.haze)
            self.actors.append(Actor("chair", "furniture", stool, spot))
        sketch = Sketch(self.light, 22)
        keypoints = draw_person(sketch, skeleton, look, place.scale)
        self.actors.append(Actor("person", "person", sketch, place, keypoints, main))

    def some_thing(self, *, front: bool = False) -> Thing:
        weights = [
            getattr(row, self.kind.name)
            * (row.front if front else 1.0)
            * (self.difficulty.confusers if row.confuser else 1.0)
            for row in THINGS
        ]
        return self.dice.weighted(THINGS, weights)

    def compose(self, person: bool) -> World:
        dice, d, size = self.dice, self.difficulty, self.size
        slots = self.slots()
        chosen = dice.below(len(slots))
        for number, slot in enumerate(slots):
            # The same draws for both classes: who else is a person is decided before it matters.
            more = dice.chance(d.more_people)
            if person and (number == chosen or more):
                self.person(slot, main=number == chosen)
            else:
                self.thing(self.some_thing(), slot)
            if dice.chance(d.occluded):
                self._occluder(slot)
        for _ in range(dice.between(*d.clutter)):
            far = _Slot(dice.uniform(0.0, 1.0) * size, dice.uniform(0.08, 0.24) * size, 0.0)
            self.thing(self.some_thing(), far)
        if dice.chance(d.far_people) and self.least_scale * 1.9 < 0.085 * size:
            for _ in range(dice.between(1, 2)):
                self.person(_Slot(dice.uniform(0.05, 0.95) * size, dice.uniform(0.05, 0.085) * size, 0.0), main=False)
        order = sorted(range(len(self.actors)), key=lambda i: (self.actors[i].place.y, i))
        return World(self.kind, self.camera, self.light, self.depth, tuple(self.actors[i] for i in order))

    def _occluder(self, slot: _Slot) -> None:
        """Something low, nearer than what stands in the slot, that hides a part of it."""
        dice = self.dice
        behind = self.actors[-1].place
        row = self.some_thing(front=True)
        metres = dice.uniform(*row.height)
        y = min(self.size * 1.08, behind.y + self.size * dice.uniform(0.01, 0.06))
        scale = min(self.camera.scale_at(y), 0.6 * slot.height / metres)
        x = slot.x + dice.around(0.0, 0.22) * slot.height
        sketch = Sketch(self.light, mirrored=dice.chance(0.5))
        row.draw(sketch, dice, metres)
        self.actors.append(Actor(row.category, row.semantic, sketch, Placement(x, y, scale, behind.haze)))


def compose(dice: Dice, size: int, difficulty: Difficulty, *, person: bool) -> World:
    """A scene of one class."""
    return _Composer(dice, size, difficulty).compose(person)
