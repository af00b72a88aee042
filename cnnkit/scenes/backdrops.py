"""What is behind the figures: ground in perspective, sky, houses, hills, walls. One function a scene kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from cnnkit.scenes.camera import Camera
from cnnkit.scenes.canvas import Canvas, Placement
from cnnkit.scenes.light import Light
from cnnkit.scenes.palette import (
    CLOTHES,
    LEAVES,
    STONES,
    WALLS,
    WOODS,
    Colour,
    mixed,
    shaded,
    varied,
)
from cnnkit.scenes.randomness import Dice
from cnnkit.scenes.sketch import Sketch
from cnnkit.scenes.surfaces import BANK, noise

Array = npt.NDArray[np.float64]
Plan = tuple[npt.NDArray[np.intp], list[tuple[str, Colour, int]]]  # class of each pixel; (semantic, colour, rough)


@dataclass(frozen=True)
class SceneKind:
    """One row of the table of places.

    Args:
        name: "street", "park" or "room".
        weight: How often, in proportion.
        horizon: Lowest and highest horizon, as a share of the picture from the top.
        camera: Lowest and highest camera height in metres.
        depth: Metres to the wall behind everything, lowest and highest, in distances to the bottom border.
        reach: Metres to the left and right of the middle in which things stand.
        indoors: Which lights there are.
        paint: Paints it.
    """

    name: str
    weight: float
    horizon: tuple[float, float]
    camera: tuple[float, float]
    depth: tuple[float, float]
    reach: float
    indoors: bool
    paint: Callable[[Canvas, Camera, Light, Dice, float], None]


def _ground(canvas: Canvas, camera: Camera, dice: Dice, top: int, plan: Callable[[Array, Array], Plan]) -> None:
    """Paints all rows from `top` down: `plan` says what lies at u metres right, v metres away."""
    size = camera.size
    rows = np.arange(top, size, dtype=np.float64) + 0.5
    scale = np.maximum(rows - camera.horizon * size, 0.35) / camera.height  # pixels a metre
    v = np.broadcast_to((camera.focal * size / scale)[:, None], (size - top, size))
    u = (np.arange(size, dtype=np.float64) + 0.5 - size / 2)[None, :] / scale[:, None]
    which, kinds = plan(u, v)
    regions = [canvas.region(semantic, 12) for semantic, _, _ in kinds]
    canvas.parts[top:] = np.array(regions, np.uint16)[which]
    metres = np.full((size, 1), np.inf)
    metres[top:] = v[:, :1]
    canvas.plane(range(regions[0], regions[-1] + 1), metres)
    colours = np.array([colour for _, colour, _ in kinds], np.int16)[which]
    rough = np.array([rough for _, _, rough in kinds], np.int16)[which]
    # The texture lies on the ground: 40 texels a metre near, averaged out far away by a falling strength.
    near = np.clip(rows - camera.horizon * size, 0, size * 0.5)[:, None] / (size * 0.5)
    tu = (u * 40.0).astype(np.int64) + dice.below(BANK)
    tv = (v * 40.0).astype(np.int64) + dice.below(BANK)
    change = noise()[tv & (BANK - 1), tu & (BANK - 1)].astype(np.int32) * rough
    change = (change * (40 + (near * 90).astype(np.int32))) >> 16
    canvas.image[top:] = np.clip(colours + change[:, :, None], 0, 255).astype(np.uint8)


def _sky(canvas: Canvas, light: Light, dice: Dice, bottom: int) -> None:
    size = canvas.size
    rows = max(1, bottom)
    top, low = np.array(light.sky[0], np.int32), np.array(light.sky[1], np.int32)
    share = (np.arange(rows, dtype=np.int32) * 256) // rows
    column = top[None, :] + (((low - top)[None, :] * share[:, None]) >> 8)
    canvas.image[:rows] = column[:, None, :].astype(np.uint8)
    if dice.chance(0.6):
        cloud = Sketch(light, 12)
        colour = mixed(light.sky[1], (255, 255, 255), 0.55)
        for _ in range(dice.between(1, 3)):
            x, y = dice.uniform(-0.5, 0.5), dice.uniform(0.1, 0.9)
            for _ in range(dice.between(2, 4)):
                r = dice.uniform(0.04, 0.09)
                cloud.ellipse(
                    (x + dice.around(0, 0.1), y + dice.around(0, 0.02)),
                    r * 1.6,
                    r * 0.55,
                    colour,
                    flat=True,
                    decoration=True,
                )
        canvas.draw(cloud, Placement(size / 2, bottom, max(1.0, bottom * 1.0)), "sky", light.haze)


def _house(sketch: Sketch, dice: Dice, left: float, right: float, top: float, detail: bool) -> None:
    """A front of a house from the ground to `top`, with windows and perhaps a door and a shop."""
    wall = varied(dice, dice.pick(WALLS))
    glass = mixed((70, 84, 100), (250, 226, 160), 0.8 if dice.chance(0.15) else dice.uniform(0, 0.25))
    frame = mixed(wall, (245, 245, 240), 0.6)
    sketch.rough = 40
    sketch.box(left, 0, right, top, wall)
    sketch.rough = 0
    sketch.box(left, top, right, top + 0.25, shaded(wall, 0.75))
    if not detail:
        return
    wide, tall = dice.uniform(0.8, 1.2), dice.uniform(1.1, 1.6)
    storey = dice.uniform(2.6, 3.2)
    count = max(1, int((right - left) / (wide * 1.9)))
    pitch = (right - left) / count
    floor = 0
    while floor * storey + 1.0 + tall < top and floor < 4:
        y = floor * storey + 1.0
        for i in range(count):
            x = left + (i + 0.5) * pitch
            if floor == 0 and i == count // 2:
                door = varied(dice, dice.pick(CLOTHES + WOODS))
                sketch.box(x - 0.5, 0, x + 0.5, 2.1, door)
                continue
            sketch.box(x - wide / 2 - 0.08, y - 0.08, x + wide / 2 + 0.08, y + tall + 0.08, frame, decoration=True)
            sketch.box(x - wide / 2, y, x + wide / 2, y + tall, glass)
        floor += 1
    if dice.chance(0.35):
        awning = varied(dice, dice.pick(CLOTHES))
        sketch.polygon([(left, 2.9), (right, 2.9), (right + 0.1, 2.35), (left - 0.1, 2.35)], awning)


def paint_street_across(canvas: Canvas, camera: Camera, light: Light, dice: Dice, depth: float) -> None:
    """A road from left to right, a row of houses beyond."""
    size = camera.size
    near = camera.distance(camera.scale_at(size))
    wall = near * depth
    kerb = near + (wall - near) * dice.uniform(0.05, 0.25)
    far_kerb = near + (wall - near) * dice.uniform(0.6, 0.85)
    asphalt = varied(dice, (104, 104, 108), 16)
    stone = varied(dice, dice.pick(STONES), 12)
    line = (kerb + far_kerb) / 2

    def plan(u: Array, v: Array) -> Plan:
        which = np.where(v < kerb, 1, np.where(v < far_kerb, 0, 1)).astype(np.intp)
        which[(abs(v - line) < 0.09) & (u % 3.0 < 1.6)] = 2
        which[(abs(v - kerb) < 0.12) | (abs(v - far_kerb) < 0.14)] = 3
        slabs = ((u % 0.8 < 0.05) | (v % 0.8 < 0.05)) & (which == 1) & (v < near * 2.5)
        which[slabs] = 4
        return which, [
            ("road", asphalt, 90), ("sidewalk", stone, 60), ("road", (226, 224, 214), 30),
            ("sidewalk", shaded(stone, 1.15), 30), ("sidewalk", shaded(stone, 0.86), 40),
        ]  # fmt: skip

    scale = camera.focal * size / wall
    base = camera.row_at(scale)
    _sky(canvas, light, dice, int(base))
    _ground(canvas, camera, dice, int(base), plan)
    houses = Sketch(light, 30)
    x = -size / 2 / scale - dice.uniform(0, 4)
    while x < size / 2 / scale:
        wide = dice.uniform(4.5, 9.0)
        if dice.chance(0.85):
            _house(houses, dice, x, x + wide, dice.uniform(5.0, 12.0), detail=True)
        x += wide
    canvas.draw(houses, Placement(size / 2, base + 1, scale, 0.12), "building", light.haze, metres=wall)


def paint_street_along(canvas: Canvas, camera: Camera, light: Light, dice: Dice, depth: float) -> None:
    """A road that runs to the vanishing point, houses on both sides."""
    size = camera.size
    middle = dice.around(0.0, 0.8)
    half = dice.uniform(2.6, 3.8)
    walk = half + dice.uniform(1.8, 3.0)
    asphalt = varied(dice, (104, 104, 108), 16)
    stone = varied(dice, dice.pick(STONES), 12)
    grass = varied(dice, dice.pick(LEAVES), 10)

    def plan(u: Array, v: Array) -> Plan:
        a = abs(u - middle)
        which = np.where(a < half, 0, np.where(a < walk, 1, 5)).astype(np.intp)
        which[(a < 0.09) & (v % 3.0 < 1.6)] = 2
        which[abs(a - half) < 0.1] = 3
        which[(which == 1) & ((v % 1.0 < 0.06) | (u % 1.0 < 0.03)) & (v < 14)] = 4
        return which, [
            ("road", asphalt, 90), ("sidewalk", stone, 60), ("road", (226, 224, 214), 30),
            ("sidewalk", shaded(stone, 1.15), 30), ("sidewalk", shaded(stone, 0.86), 40), ("ground", grass, 110),
        ]  # fmt: skip

    horizon = int(camera.horizon * size)
    _sky(canvas, light, dice, horizon + 1)
    _ground(canvas, camera, dice, horizon + 1, plan)
    distance = [46.0, 34.0, 26.0, 20.0, 15.5, 12.0, 9.4, 7.4, 5.8, 4.6]
    for far, close in pairwise(distance):
        for side in (-1, 1):
            if dice.chance(0.12):
                continue
            _house_along(canvas, camera, light, dice, middle + side * (walk + 0.3), far, close)


def _house_along(canvas: Canvas, camera: Camera, light: Light, dice: Dice, u: float, far: float, close: float) -> None:
    size = camera.size
    wall = varied(dice, dice.pick(WALLS))
    lit = (u < 0) == (light.side > 0)
    wall = shaded(wall, 1.0 if lit else light.dark)
    tall = dice.uniform(4.5, 11.0)
    focal, cx, cy = camera.focal * size, size / 2, camera.horizon * size

    def at(distance: float, height: float) -> tuple[float, float]:
        # The sketch is in pixels here, y up from the bottom of the picture.
        return cx + u * focal / distance, size - (cy + (camera.height - height) * focal / distance)

    sketch = Sketch(light, 40)
    outward = 1 if u > 0 else -1
    front = at(close, 0)
    front_top = at(close, tall)
    edge = front[0] + outward * 8.0 * focal / close
    sketch.polygon([front, front_top, (edge, front_top[1]), (edge, front[1])], shaded(wall, 0.86))
    sketch.polygon([at(far, 0), at(far, tall), front_top, front], wall)
    glass = mixed((70, 84, 100), light.sky[1], 0.2)
    sketch.rough = 0
    step = (far - close) / 2
    for floor in range(3):
        low = 1.0 + floor * 2.9
        if low + 1.4 > tall:
            break
        for i in range(2):
            a, b = close + step * (i + 0.25), close + step * (i + 0.75)
            sketch.polygon([at(b, low), at(b, low + 1.4), at(a, low + 1.4), at(a, low)], glass)
    haze = min(0.5, far / 90)
    first = canvas.draw(sketch, Placement(0, size, 1.0, haze), "building", light.haze)
    # A point of the wall along the road, u metres aside, is seen at the column cx + u · focal / its distance.
    columns = np.arange(size) + 0.5 - cx
    along = np.divide(u * focal, columns, out=np.full(size, np.inf), where=columns * u > 0)
    canvas.plane(range(first, first + len(sketch.roughness)), np.clip(along, close, far)[None])


def paint_park(canvas: Canvas, camera: Camera, light: Light, dice: Dice, depth: float) -> None:
    """Grass, a winding path, perhaps a pond, hills and a line of trees."""
    size = camera.size
    grass = varied(dice, dice.pick(LEAVES), 12)
    gravel = varied(dice, dice.pick((*STONES, (206, 178, 132))), 14)
    start, drift, bend = dice.around(0.0, 2.0), dice.around(0.0, 0.5), dice.around(0.0, 0.03)
    half = dice.uniform(0.7, 1.6)
    side = dice.sign()
    pond = (
        (side * dice.uniform(7.0, 11.0), dice.uniform(14.0, 22.0), dice.uniform(3.0, 5.0))
        if dice.chance(0.35)
        else None
    )

    def plan(u: Array, v: Array) -> Plan:
        middle = start + drift * v + bend * v * v * 0.3
        which = np.where(abs(u - middle) < half, 1, 0).astype(np.intp)
        which[abs(abs(u - middle) - half) < 0.06] = 3
        if pond is not None:
            x, z, r = pond
            which[(u - x) * (u - x) + (v - z) * (v - z) * 0.5 < r * r] = 2
        stripes = (which == 0) & ((v * 0.35) % 2.0 < 1.0)
        which[stripes] = 4
        return which, [
            ("ground", grass, 150), ("sidewalk", gravel, 110), ("water", mixed(light.sky[0], (60, 110, 130), 0.4), 40),
            ("ground", shaded(grass, 0.82), 120), ("ground", shaded(grass, 1.05), 150),
        ]  # fmt: skip

    horizon = int(camera.horizon * size)
    _sky(canvas, light, dice, horizon + 1)
    _ground(canvas, camera, dice, horizon + 1, plan)
    far = camera.distance_at(horizon + 2.0)
    hills = Sketch(light, 60)
    leaf = varied(dice, dice.pick(LEAVES))
    for _ in range(2):
        tone = mixed(shaded(leaf, dice.uniform(0.8, 1.1)), light.haze, 0.45)
        y = 0.0
        points = [(-0.6, -0.01)]
        for i in range(9):
            y = max(0.01, y + dice.around(0.01, 0.05))
            points.append((-0.6 + i * 0.15, y))
        points.append((0.6, -0.01))
        hills.polygon(points, tone)
    canvas.draw(hills, Placement(size / 2, horizon + 1.5, float(size)), "vegetation", light.haze, metres=far)
    grove = Sketch(light, 100)
    x = -0.55
    while x < 0.55:
        r = dice.uniform(0.03, 0.09)
        if dice.chance(0.75):
            tone = mixed(shaded(dice.pick(LEAVES), dice.uniform(0.7, 1.0)), light.haze, 0.25)
            grove.ellipse((x, r * 0.9), r, r * dice.uniform(0.9, 1.4), tone)
        x += r * dice.uniform(0.8, 1.6)
    canvas.draw(grove, Placement(size / 2, horizon + 2.0, float(size)), "vegetation", light.haze, metres=far)


def paint_room(canvas: Canvas, camera: Camera, light: Light, dice: Dice, depth: float) -> None:
    """A floor, a wall with a window, a picture, a door or shelves, and perhaps a rug."""
    size = camera.size
    near = camera.distance(camera.scale_at(size))
    back = near * depth
    wood = varied(dice, dice.pick(WOODS + STONES), 14)
    rug = (dice.around(0, 1.0), near * dice.uniform(1.2, 1.8), dice.uniform(0.8, 1.6)) if dice.chance(0.5) else None
    rug_colour = varied(dice, dice.pick(CLOTHES))
    floor = dice.pick(("planks", "tiles", "carpet"))

    def plan(u: Array, v: Array) -> Plan:
        if floor == "planks":
            lane = np.floor(v / 0.22)
            which = np.where((lane * 7) % 3 == 0, 1, 0).astype(np.intp)
            which[(v % 0.22 < 0.02) | ((u + lane * 0.83) % 2.0 < 0.02)] = 2
        elif floor == "tiles":
            which = ((np.floor(u / 0.5) + np.floor(v / 0.5)) % 2).astype(np.intp)
        else:
            which = np.zeros(u.shape, np.intp)
        if rug is not None:
            x, z, r = rug
            inside = (abs(u - x) < r) & (abs(v - z) < r * 0.55)
            which[inside] = 3
            which[inside & ((abs(u - x) > r * 0.86) | (abs(v - z) > r * 0.46))] = 4
        return which, [
            ("floor", wood, 80), ("floor", shaded(wood, 0.93 if floor == "planks" else 0.74), 80),
            ("floor", shaded(wood, 0.7), 40), ("floor", rug_colour, 90), ("floor", shaded(rug_colour, 0.7), 90),
        ]  # fmt: skip

    scale = camera.focal * size / back
    base = camera.row_at(scale)
    row = min(size - 1, int(base))
    paper = varied(dice, dice.pick(WALLS), 16)
    canvas.parts[:row] = canvas.region("wall", 24, metres=back)
    gradient = 256 - np.abs(np.arange(size) - (size - 1 if light.side > 0 else 0)) * 48 // size
    canvas.image[:row] = ((np.array(paper)[None, :] * gradient[:, None]) >> 8).astype(np.uint8)[None, :, :]
    if dice.chance(0.35):
        stripe = shaded(paper, 0.92)
        pitch = max(4, size // dice.between(8, 20))
        for x in range(dice.below(pitch), size, pitch):
            cv2.rectangle(canvas.image, (x, 0), (x + pitch // 3, row - 1), stripe, cv2.FILLED)
    _ground(canvas, camera, dice, row, plan)
    wall = Sketch(light, 16)
    half = size / 2 / scale
    wall.box(-half - 1, 0, half + 1, 0.12, mixed(paper, (250, 250, 246), 0.6))
    _wall_things(wall, dice, light, half)
    canvas.draw(wall, Placement(size / 2, base, scale, 0.0), "wall", light.haze, metres=back)


def _wall_things(wall: Sketch, dice: Dice, light: Light, half: float) -> None:
    slots = [-0.75, -0.25, 0.25, 0.75]
    for slot in slots:
        x = (slot + dice.around(0, 0.12)) * half
        kind = dice.weighted(("", "window", "picture", "door", "shelf", "curtain"), (3, 2, 3, 1, 1.5, 1))
        if kind == "window":
            w, low, high = dice.uniform(0.4, 0.7), 0.9, 2.1
            wall.box(x - w - 0.06, low - 0.06, x + w + 0.06, high + 0.06, (238, 236, 230))
            wall.box(x - w, low, x + w, high, light.sky[1])
            wall.box(x - w, low, x + w, low + 0.35, mixed(light.sky[1], dice.pick(LEAVES), 0.6), decoration=True)
            wall.box(x - 0.025, low, x + 0.025, high, (238, 236, 230), decoration=True)
            wall.box(x - w, 1.5, x + w, 1.55, (238, 236, 230), decoration=True)
        elif kind == "picture":
            w, y, tall = dice.uniform(0.2, 0.45), dice.uniform(1.4, 1.8), dice.uniform(0.2, 0.4)
            wall.box(x - w, y - tall, x + w, y + tall, dice.pick(WOODS))
            wall.box(x - w * 0.84, y - tall * 0.84, x + w * 0.84, y + tall * 0.84, varied(dice, dice.pick(CLOTHES)))
            wall.ellipse((x, y), w * 0.4, tall * 0.5, varied(dice, dice.pick(CLOTHES)), flat=True, decoration=True)
        elif kind == "door":
            wood = varied(dice, dice.pick(WOODS + WALLS))
            wall.box(x - 0.5, 0, x + 0.5, 2.1, shaded(wood, 0.75))
            wall.box(x - 0.43, 0, x + 0.43, 2.03, wood)
            wall.ellipse((x + 0.35, 1.0), 0.04, 0.04, (200, 180, 120), flat=True)
        elif kind == "shelf":
            y = dice.uniform(1.2, 1.8)
            wall.box(x - 0.5, y, x + 0.5, y + 0.05, dice.pick(WOODS))
            for i in range(6):
                left = x - 0.45 + i * 0.15
                wall.box(left, y + 0.05, left + 0.1, y + dice.uniform(0.2, 0.36), varied(dice, dice.pick(CLOTHES)))
        elif kind == "curtain":
            cloth = varied(dice, dice.pick(CLOTHES))
            wall.column([(x, 0.1, 0.28), (x, 1.4, 0.2), (x, 2.3, 0.26)], cloth)
            for shift in (-0.1, 0.02, 0.12):
                wall.box(x + shift, 0.12, x + shift + 0.03, 2.25, shaded(cloth, 0.8), decoration=True)


SCENE_KINDS: tuple[SceneKind, ...] = (
    SceneKind("street", 2.0, (0.28, 0.5), (0.9, 2.2), (3.0, 5.5), 99.0, False, paint_street_across),
    SceneKind("street", 2.0, (0.28, 0.5), (0.9, 2.2), (30.0, 30.0), 4.5, False, paint_street_along),
    SceneKind("park", 3.5, (0.22, 0.5), (0.8, 2.2), (30.0, 30.0), 99.0, False, paint_park),
    SceneKind("room", 3.5, (0.22, 0.45), (0.9, 1.8), (2.0, 3.8), 99.0, True, paint_room),
)
"""All places."""
