"""From an identity and a shot to a picture of a face: an egg in three dimensions, turned, with features on it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from cnnkit.errors import InputError
from cnnkit.scenes.canvas import Canvas, Placement
from cnnkit.scenes.difficulty import DIFFICULTY
from cnnkit.scenes.face_identity import Identity, Shot, some_identity, some_shot
from cnnkit.scenes.light import Light, some_light
from cnnkit.scenes.palette import Colour, mixed, shaded
from cnnkit.scenes.photo import blurred, exposed, grained, recompressed
from cnnkit.scenes.randomness import Dice
from cnnkit.scenes.sketch import Point, Sketch
from cnnkit.scenes.surfaces import cut, grain, noise

SMALLEST = 32
LANDMARKS: tuple[str, ...] = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
"""Left and right are the person's own; the order that face alignment uses, mirrored persons apart."""

_INK: Colour = (36, 26, 26)
_WHITE: Colour = (246, 244, 240)


@dataclass(frozen=True, eq=False)
class Face:
    """A drawn face.

    Args:
        image: (size, size, 3) RGB, uint8.
        person: Number of the identity.
        shot: Number of the photograph.
        landmarks: (5, 2) x, y in pixels, in the order of `LANDMARKS`.
        pose: Yaw, pitch, roll in degrees.
    """

    image: npt.NDArray[np.uint8]
    person: int
    shot: int
    landmarks: npt.NDArray[np.float32]
    pose: tuple[float, float, float]


class _Head:
    """Turns places on the head into places in the picture; unit: half a head height."""

    def __init__(self, who: Identity, shot: Shot) -> None:
        self.who = who
        yaw, pitch, roll = (math.radians(angle) for angle in (shot.yaw, shot.pitch, shot.roll))
        self.cy, self.sy = math.cos(yaw), math.sin(yaw)
        self.cp, self.sp = math.cos(pitch), math.sin(pitch)
        self.cr, self.sr = math.cos(roll), math.sin(roll)

    def turned(self, x: float, y: float, z: float) -> tuple[float, float, float]:
        """X to the person's left, y up, z forward → right, up, toward the viewer."""
        x, z = x * self.cy + z * self.sy, z * self.cy - x * self.sy
        y, z = y * self.cp + z * self.sp, z * self.cp - y * self.sp
        return x * self.cr - y * self.sr, x * self.sr + y * self.cr, z

    def flat(self, x: float, y: float, z: float) -> Point:
        right, up, _ = self.turned(x, y, z)
        return right, up

    def half_width(self, y: float) -> float:
        """Half width of the head at a height: skull, cheek bones, jaw, chin."""
        who = self.who
        rows = ((-1.0, who.chin * 0.55), (-0.9, who.chin), (-0.55, who.jaw), (-0.1, who.cheek), (0.3, who.width),
                (0.65, who.width * 0.9), (0.88, who.width * 0.6), (1.0, who.width * 0.25))  # fmt: skip
        for (low, a), (high, b) in pairwise(rows):
            if y <= high:
                t = max(0.0, (y - low) / (high - low))
                return a + (b - a) * t * t * (3 - 2 * t) if low > -0.5 else a + (b - a) * t
        return rows[-1][1]

    def on(self, x: float, y: float, lift: float = 0.0) -> tuple[float, float, float]:
        """The place on the front of the face at x (to the person's left), y; `lift` stands out of it."""
        half = self.half_width(y)
        share = min(1.0, abs(x) / half) if half > 0 else 1.0
        depth = 0.82 * math.sqrt(max(0.0, 1 - share * share)) * (1 - 0.18 * abs(y) ** 3) + lift
        return self.turned(x, y, depth)

    def at(self, x: float, y: float, lift: float = 0.0) -> Point:
        right, up, _ = self.on(x, y, lift)
        return right, up

    def hull(self, low: float, high: float, grow: float = 1.0, back: float = 0.0) -> list[Point]:
        """The outline of the head between two heights, grown by a factor."""
        points: list[Point] = []
        steps = 16
        for i in range(steps + 1):
            y = low + (high - low) * i / steps
            half = self.half_width(y) * grow
            deep = 0.86 * grow * (1 - 0.2 * abs(y) ** 3)
            for azimuth in range(0, 360, 24):
                a = math.radians(azimuth)
                z = math.sin(a)
                # The jaw does not reach to the back of the head.
                reach = deep if z > 0 else deep * (0.95 if y > -0.2 else 0.3)
                points.append(self.flat(half * math.cos(a), y * grow, reach * z - back))
        # Whole numbers: the hull must not depend on the last bit of a float.
        fixed = np.rint(np.array(points) * 65536).astype(np.int32)
        corners = cv2.convexHull(fixed)[:, 0]
        return [(float(x) / 65536, float(y) / 65536) for x, y in corners]


def render_face(seed: int, person: int, shot: int, size: int = 96) -> Face:
    """Draws one photograph of one person; equal arguments give equal bytes on every machine, in any thread.

    Args:
        seed: Which population, ≥ 0.
        person: Which identity of it, ≥ 0.
        shot: Which photograph of the person, ≥ 0.
        size: Side in pixels, ≥ 32.

    Raises:
        InputError: A negative number, or a size below 32.
    """
    if size < SMALLEST:
        raise InputError(f"a size of at least {SMALLEST} pixels", str(size), "Use 96 or more to recognise faces.")
    who = some_identity(Dice(seed, person))
    dice = Dice(seed, person, 1 + shot)
    how = some_shot(dice)
    light = some_light(dice, indoors=dice.chance(0.5))
    canvas = Canvas(size)
    _background(canvas, how, dice)
    sketch = Sketch(light, 16)
    head = _Head(who, how)
    landmarks = _draw(sketch, head, who, how, light)
    place = Placement((0.5 + how.shift[0]) * size, (0.5 + how.shift[1]) * size, how.zoom * size)
    canvas.draw(sketch, place, "person", light.haze, 0)
    canvas.texture(cut(noise(), dice, size, size))
    return Face(
        image=_photographed(canvas, dice, light),
        person=person,
        shot=shot,
        landmarks=np.array([(place.x + x * place.scale, place.y - y * place.scale) for x, y in landmarks], np.float32),
        pose=(how.yaw, how.pitch, how.roll),
    )


def _background(canvas: Canvas, shot: Shot, dice: Dice) -> None:
    size = canvas.size
    left, right = np.array(shot.wall[0], np.int32), np.array(shot.wall[1], np.int32)
    share = (np.arange(size, dtype=np.int32) * 256) // size
    row = left[None, :] + (((right - left)[None, :] * share[:, None]) >> 8)
    canvas.image[:] = row[None, :, :].astype(np.uint8)
    canvas.parts[:] = canvas.region("wall", 30)
    for _ in range(dice.below(4)):
        x, y = dice.below(size), dice.below(size)
        wide, tall = dice.between(size // 10, size // 3), dice.between(size // 10, size // 2)
        colour = mixed(shot.wall[0], (dice.below(256), dice.below(256), dice.below(256)), 0.35)
        cv2.rectangle(canvas.image, (x, y), (x + wide, y + tall), colour, cv2.FILLED)
    canvas.image = blurred(canvas.image, 3)


def _draw(sketch: Sketch, head: _Head, who: Identity, shot: Shot, light: Light) -> list[Point]:
    _back_hair(sketch, head, who)
    _shoulders(sketch, shot, who)
    for side in (-1, 1):
        x, y, z = head.turned(side * head.half_width(0.0) * 0.98, -0.05, -0.05)
        if z > -0.55:
            sketch.ellipse((x, y), who.ear * 0.5, who.ear, shaded(who.skin, 0.92), turn=math.radians(shot.roll))
    outline = head.hull(-1.0, 1.0)
    sketch.polygon(outline, shaded(who.skin, light.dark))
    # The lit side: the outline, narrower and moved toward the light.
    sketch.polygon([(x * 0.86 + 0.1 * sketch.lit, y * 0.96 + 0.02) for x, y in outline], who.skin, decoration=True)
    _skin_marks(sketch, head, who)
    if who.beard == "full":
        jaw = [head.at(x * head.half_width(y), y) for x, y in ((-0.94, -0.15), (-0.9, -0.5), (-0.7, -0.8), (0, -0.99),
               (0.7, -0.8), (0.9, -0.5), (0.94, -0.15), (0.62, -0.42), (0, -0.4), (-0.62, -0.42))]  # fmt: skip
        sketch.polygon(jaw, shaded(who.hair, 0.9), decoration=True)
    elif who.beard == "goatee":
        x, y = head.at(0, -0.86)
        sketch.ellipse((x, y), who.chin * 0.9, 0.13, shaded(who.hair, 0.9), flat=True, decoration=True)
    eyes = [_eye(sketch, head, who, shot, side) for side in (1, -1)]
    nose = _nose(sketch, head, who)
    mouth = _mouth(sketch, head, who, shot)
    _front_hair(sketch, head, who)
    if who.glasses and shot.glasses:
        _glasses(sketch, head, who)
    return [*eyes, nose, *mouth]


def _shoulders(sketch: Sketch, shot: Shot, who: Identity) -> None:
    shirt, collar = shot.clothes[1], shot.clothes[0]
    sketch.column([(0, -3.0, 1.9), (0, -1.75, 1.75), (0, -1.5, 1.2), (0, -1.3, 0.45)], shirt)
    sketch.column([(0, -1.65, 0.34), (0, -0.6, 0.4)], shaded(who.skin, 0.88))
    sketch.polygon([(-0.5, -1.28), (0.5, -1.28), (0.34, -1.52), (0, -1.72), (-0.34, -1.52)], shaded(who.skin, 0.9))
    for side in (-1, 1):
        sketch.polygon([(side * 0.36, -1.24), (side * 0.6, -1.38), (side * 0.16, -1.86), (0, -1.68)], collar)


def _back_hair(sketch: Sketch, head: _Head, who: Identity) -> None:
    if who.hair_style == "bald":
        return
    hair = who.hair
    if who.hair_style == "long":
        sketch.column(
            [(0, -1.75, 0.7), (0, -1.5, 0.92), (0, -0.8, 0.98), (0, 0.3, who.width * 1.16)], shaded(hair, 0.8)
        )
    elif who.hair_style == "bob":
        sketch.column([(0, -0.92, 0.7), (0, -0.7, 0.96), (0, -0.2, 0.98), (0, 0.4, who.width * 1.1)], shaded(hair, 0.8))
    elif who.hair_style == "bun":
        x, y = head.flat(0, 1.12, -0.4)
        sketch.ellipse((x, y), 0.34, 0.28, hair)
    grow = {"curly": 1.26, "long": 1.1, "bob": 1.12}.get(who.hair_style, who.volume)
    sketch.polygon(head.hull(-0.05, 1.0, grow, back=0.1), shaded(hair, 0.88))
    if who.hair_style == "curly":
        for azimuth in range(-60, 241, 30):
            a = math.radians(azimuth)
            x, y = head.flat(who.width * 1.2 * math.cos(a), 0.35 + 0.82 * math.sin(a), -0.1)
            sketch.ellipse((x, y), 0.22, 0.22, shaded(hair, 0.9 + 0.1 * math.sin(azimuth)))


def _front_hair(sketch: Sketch, head: _Head, who: Identity) -> None:
    """The hair that is seen: between the hairline and the outline of the skull, with the back of the head."""
    if who.hair_style == "bald":
        return
    grow = 1.1 if who.hair_style == "curly" else who.volume
    below = _below_hair(head, who)
    middle = head.flat(0, 0.3, 0)
    first, last = (math.atan2(y - middle[1], x - middle[0]) for x, y in (below[0], below[-1]))
    # The outline against the clock, from the right end of what lies below to its left end.
    span = (first - last) % (2 * math.pi)
    turns = [((math.atan2(y - middle[1], x - middle[0]) - last) % (2 * math.pi), (x, y))
             for x, y in head.hull(-0.35, 1.0, grow)]  # fmt: skip
    above = [point for turn, point in sorted(turns) if turn < span]
    outline = [*below, *above]
    sketch.polygon(outline, shaded(who.hair, sketch.dark * 0.95))
    sketch.polygon([_pulled(point, middle, sketch.lit) for point in outline], who.hair, decoration=True)
    strand = mixed(who.hair, _INK, 0.22)
    root = head.at(who.parting * 0.5, who.hairline + 0.1)
    for share in (-0.75, -0.35, 0.35, 0.75):
        end = head.flat(who.width * share, 0.8 - 0.3 * abs(share), 0.5)
        sketch.capsule(root, end, 0.008, 0.02, strand, flat=True, decoration=True)


def _pulled(point: Point, middle: Point, lit: float) -> Point:
    """A point of the hair, above the ears moved toward the light, so that a dark rim stays on the other side."""
    x, y = point
    if y < middle[1]:
        return point
    return middle[0] + (x - middle[0]) * 0.93 + 0.05 * lit, middle[1] + (y - middle[1]) * 0.97


def _below_hair(head: _Head, who: Identity) -> list[Point]:
    """The lower border of the hair, from the left of the picture to its right: nape, ear, hairline, ear, nape."""
    line: list[Point] = []
    for i in range(6, -7, -1):  # the person's left is on the right of the picture
        share = i / 6
        drop = 0.45 * share * share + 0.14 * abs(share - who.parting) * (1 - abs(share))
        line.append(head.at(share * who.width * 0.985, who.hairline - drop))
    line.reverse()
    for side in (-1, 1):
        ear = [
            head.flat(side * head.half_width(y) * 0.99, y, z) for y, z in ((0.02, 0.05), (-0.12, -0.12), (-0.3, -0.35))
        ]
        nape = head.flat(side * head.half_width(-0.35) * 0.6, -0.38, -0.72)
        if head.turned(side * who.width, 0, -0.25)[2] > 0.0:
            line = [nape, *reversed(ear), *line] if side < 0 else [*line, *ear, nape]
    return line


def _skin_marks(sketch: Sketch, head: _Head, who: Identity) -> None:
    blush = mixed(who.skin, (214, 90, 80), 0.14)
    for side in (-1, 1):
        x, y, z = head.on(side * 0.42, -0.28)
        if z > 0.2:
            sketch.ellipse((x, y), 0.15 * max(0.4, z), 0.11, blush, flat=True, decoration=True)
    dark = mixed(who.skin, (60, 30, 24), 0.75)
    for azimuth, height in who.moles:
        x, y, z = head.on(math.sin(math.radians(azimuth)) * head.half_width(height), height)
        if z > 0.1:
            sketch.ellipse((x, y), 0.03, 0.03, dark, flat=True, decoration=True)
    if who.freckles:
        spot = mixed(who.skin, (120, 66, 40), 0.5)
        for side in (-1, 1):
            for i in range(5):
                x, y = head.at(side * (0.2 + 0.08 * i), -0.16 - 0.05 * (i % 3))
                sketch.ellipse((x, y), 0.016, 0.016, spot, flat=True, decoration=True)


def _eye(sketch: Sketch, head: _Head, who: Identity, shot: Shot, side: int) -> Point:
    x, y, z = head.on(side * who.eye_gap, who.eye_height)
    depth = max(0.25, z)  # an eye turned away is narrow
    wide, tall = who.eye_size * (0.45 + 0.65 * depth), who.eye_size * who.eye_open * shot.lids
    turn = math.radians(shot.roll) + side * math.atan2(who.eye_tilt, who.eye_size)
    if z > 0.05:
        sketch.ellipse(
            (x, y + tall * 0.25),
            wide * 1.12,
            tall * 1.2 + 0.03,
            shaded(who.skin, 0.82),
            turn=turn,
            flat=True,
            decoration=True,
        )
        sketch.ellipse((x, y), wide, tall, _WHITE, turn=turn, flat=True)
        iris = min(who.eye_size * 0.52, tall * 0.98)
        look = x + shot.gaze * wide * 0.35
        sketch.ellipse((look, y), iris * (0.5 + 0.5 * depth), iris, who.iris, flat=True, decoration=True)
        sketch.ellipse((look, y), iris * 0.5, iris * 0.52, _INK, flat=True, decoration=True)
        sketch.ellipse(
            (look + iris * 0.3 * sketch.lit, y + iris * 0.35),
            iris * 0.2,
            iris * 0.2,
            _WHITE,
            flat=True,
            decoration=True,
        )
        lid = [
            (x - wide * 1.08 * math.cos(turn), y - wide * 1.08 * math.sin(turn)),
            (x, y + tall * 1.05),
            (x + wide * 1.08 * math.cos(turn), y + wide * 1.08 * math.sin(turn)),
        ]
        for p, q in pairwise(lid):
            sketch.capsule(p, q, 0.022, 0.022, _INK, flat=True, decoration=True)
    height = who.eye_height + who.brow_gap + 0.05 * shot.brow_raise
    inner = head.at(
        side * (who.eye_gap - who.eye_size * 1.0), height - who.brow_tilt * 0.5 - 0.03 * max(0.0, -shot.brow_raise)
    )
    middle = head.at(side * (who.eye_gap + who.eye_size * 0.3), height + 0.035)
    outer = head.at(side * (who.eye_gap + who.eye_size * 1.25), height + who.brow_tilt * 0.5 - 0.02)
    brow = mixed(who.hair, _INK, 0.35)
    if z > -0.1:
        sketch.capsule(inner, middle, who.brow, who.brow, brow, flat=True, decoration=True)
        sketch.capsule(middle, outer, who.brow, who.brow * 0.5, brow, flat=True, decoration=True)
    return x, y


def _nose(sketch: Sketch, head: _Head, who: Identity) -> Point:
    low = who.eye_height - who.nose_length
    tip = head.at(0, low, 0.24)
    root = head.at(0, who.eye_height + 0.04, 0.02)
    base = head.at(0, low - 0.07, 0.06)
    wings = [head.at(side * who.nose_width, low - 0.03, 0.03) for side in (-1, 1)]
    away = wings[0] if sketch.lit > 0 else wings[1]
    dark, lit = shaded(who.skin, 0.82), mixed(who.skin, _WHITE, 0.12)
    sketch.polygon([root, tip, base, away], dark, decoration=True)
    for wing in wings:
        sketch.ellipse(wing, who.nose_width * 0.42, 0.055, shaded(who.skin, 0.88), flat=True, decoration=True)
    sketch.ellipse(tip, who.nose_width * 0.7, 0.085, who.skin, flat=True)
    sketch.ellipse(
        (tip[0] + 0.03 * sketch.lit, tip[1] + 0.03), who.nose_width * 0.3, 0.035, lit, flat=True, decoration=True
    )
    for side in (-1, 1):
        hole = head.at(side * who.nose_width * 0.5, low - 0.075, 0.1)
        sketch.ellipse(hole, 0.028, 0.018, shaded(who.skin, 0.45), flat=True, decoration=True)
    return tip


def _mouth(sketch: Sketch, head: _Head, who: Identity, shot: Shot) -> list[Point]:
    y, wide = who.mouth_height, who.mouth_width * (1 + 0.18 * max(0.0, shot.smile))
    rise = 0.075 * shot.smile
    gap = 0.16 * shot.mouth_open
    left, right = head.at(wide, y + rise), head.at(-wide, y + rise)

    def lip(share: float, height: float) -> Point:
        return head.at(wide * share, y + height + rise * share * share, 0.05)

    upper = [lip(s, who.lip * k) for s, k in ((-0.5, 0.8), (-0.18, 1.1), (0.0, 0.8), (0.18, 1.1), (0.5, 0.8))]
    lower = [lip(s, -gap - who.lip * k) for s, k in ((0.5, 0.9), (0.2, 1.4), (-0.2, 1.4), (-0.5, 0.9))]
    if who.beard in ("full", "moustache"):
        sides = head.at(wide * 0.95, y + 0.0), head.at(-wide * 0.95, y + 0.0)
        over = head.at(0, y + who.lip + 0.08, 0.06)
        for end in sides:
            sketch.capsule(over, end, 0.075, 0.035, shaded(who.hair, 0.9), flat=True, decoration=True)
    sketch.polygon([right, *upper, left, *lower], who.lips)
    inner_top = [lip(s, who.lip * 0.1 - 0.005) for s in (-0.6, 0.0, 0.6)]
    inner_low = [lip(s, -gap - 0.012) for s in (0.6, 0.0, -0.6)]
    sketch.polygon([right, *inner_top, left, *inner_low], mixed(who.lips, _INK, 0.75), decoration=True)
    if gap > 0.04:
        teeth = [lip(s, -0.012) for s in (-0.6, 0.0, 0.6)] + [lip(s, -min(gap * 0.5, 0.05)) for s in (0.5, 0.0, -0.5)]
        sketch.polygon(teeth, _WHITE, decoration=True)
    return [left, right]


def _glasses(sketch: Sketch, head: _Head, who: Identity) -> None:
    corners = []
    for side in (1, -1):
        a, b = who.eye_size * 1.45, who.eye_size * 1.2
        count = 12 if who.glasses == "round" else 4
        start = 0.0 if who.glasses == "round" else math.pi / 4
        stretch = 1.0 if who.glasses == "round" else 1.3
        ring = []
        for i in range(count + 1):
            t = start + 2 * math.pi * i / count
            ring.append(
                head.flat(
                    side * who.eye_gap * 1.02 + a * stretch * math.cos(t),
                    who.eye_height + b * stretch * math.sin(t),
                    0.84,
                )
            )
        sketch.bar(ring, 0.022, who.frame)
        corners.append(head.flat(side * (who.eye_gap * 1.02 - a * 0.95), who.eye_height + 0.03, 0.88))
        hinge = head.flat(side * (who.eye_gap * 1.02 + a * 0.95), who.eye_height + 0.03, 0.84)
        ear = head.flat(side * who.width * 1.0, who.eye_height + 0.02, 0.0)
        if head.turned(side * who.width, 0, 0)[2] > -0.35:
            sketch.capsule(hinge, ear, 0.02, 0.02, who.frame, flat=True)
    sketch.capsule(corners[0], corners[1], 0.02, 0.02, who.frame, flat=True)


def _photographed(canvas: Canvas, dice: Dice, light: Light) -> npt.NDArray[np.uint8]:
    d = DIFFICULTY
    gain = dice.around(1.0, 0.25)
    gains = tuple(cast * gain * dice.around(1.0, d.cast) for cast in light.cast)
    image = exposed(canvas.image, (gains[0], gains[1], gains[2]), dice.uniform(*d.contrast))
    image = blurred(image, dice.below(3))
    image = grained(image, cut(grain(), dice, canvas.size, canvas.size), dice.between(2, 28))
    return recompressed(image, dice.between(60, 95))
