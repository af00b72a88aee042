"""Cars and bicycles, seen from the side or from one end."""

from __future__ import annotations

import math

from cnnkit.scenes.palette import CLOTHES, METALS, mixed, shaded, varied
from cnnkit.scenes.randomness import Dice
from cnnkit.scenes.sketch import Sketch

_TYRE = (34, 34, 36)
_GLASS = (148, 178, 196)


def draw_car(sketch: Sketch, dice: Dice, height: float) -> None:
    """A car; from the side, or from the front or the back."""
    paint = varied(dice, dice.pick(CLOTHES))
    if dice.chance(0.5):
        _car_from_end(sketch, dice, height, paint)
    else:
        _car_from_side(sketch, dice, height, paint)


def _car_from_side(sketch: Sketch, dice: Dice, h: float, paint: tuple[int, int, int]) -> None:
    glass = mixed(_GLASS, (60, 80, 100), dice.unit() * 0.6)
    half = h * dice.uniform(1.3, 1.5)
    van = dice.chance(0.3)
    belt, roof = 0.6 * h, h
    sketch.rough = 10
    sketch.box(-half * 0.9, 0.14 * h, half * 0.9, 0.3 * h, (30, 30, 34))
    back = -half * (0.95 if van else 0.72)
    cabin = [(back, belt), (back + 0.12 * h, roof), (half * 0.2, roof), (half * 0.52, belt)]
    sketch.polygon(cabin, paint)
    sketch.polygon(
        [(back + 0.14 * h, belt), (back + 0.22 * h, roof * 0.93), (-0.08 * half, roof * 0.93), (-0.08 * half, belt)],
        glass,
    )
    sketch.polygon([(0, belt), (0, roof * 0.93), (half * 0.18, roof * 0.93), (half * 0.42, belt)], glass)
    hood = belt * 0.98
    body = [(-half, 0.22 * h), (-half * 0.98, belt), (half * 0.55, hood), (half * 0.95, belt * 0.82), (half, 0.22 * h)]
    sketch.polygon(body, paint)
    sketch.polygon(
        [(-half, 0.22 * h), (-half, 0.36 * h), (half, 0.36 * h), (half, 0.22 * h)],
        shaded(paint, sketch.dark),
        decoration=True,
    )
    sketch.box(-0.06 * half, 0.3 * h, -0.05 * half, belt, shaded(paint, 0.6), decoration=True)
    sketch.ellipse((half * 0.95, belt * 0.72), 0.06 * h, 0.05 * h, (250, 240, 200), flat=True, decoration=True)
    sketch.box(-half, belt * 0.66, -half * 0.94, belt * 0.86, (180, 40, 36), decoration=True)
    for x in (-half * 0.6, half * 0.62):
        sketch.ellipse((x, 0.21 * h), 0.21 * h, 0.21 * h, _TYRE, flat=True)
        sketch.ellipse((x, 0.21 * h), 0.11 * h, 0.11 * h, (170, 172, 176))


def _car_from_end(sketch: Sketch, dice: Dice, h: float, paint: tuple[int, int, int]) -> None:
    glass = mixed(_GLASS, (60, 80, 100), dice.unit() * 0.6)
    half = h * dice.uniform(0.56, 0.66)
    front = dice.chance(0.5)
    sketch.rough = 10
    for side in (-1, 1):
        sketch.box(side * half * 0.92 - 0.09 * h, 0, side * half * 0.92 + 0.09 * h, 0.3 * h, _TYRE)
    sketch.polygon([(-half * 0.86, 0.58 * h), (-half * 0.66, h), (half * 0.66, h), (half * 0.86, 0.58 * h)], paint)
    sketch.polygon(
        [(-half * 0.76, 0.6 * h), (-half * 0.6, 0.93 * h), (half * 0.6, 0.93 * h), (half * 0.76, 0.6 * h)], glass
    )
    sketch.block(-half, 0.16 * h, half, 0.6 * h, paint, side=0.1)
    lamp = (250, 242, 206) if front else (190, 44, 40)
    for side in (-1, 1):
        sketch.ellipse((side * half * 0.74, 0.45 * h), half * 0.18, 0.06 * h, lamp, flat=True)
    sketch.box(-half * 0.4, 0.36 * h, half * 0.4, 0.48 * h, shaded(paint, 0.5) if front else shaded(paint, 0.9))
    sketch.box(-half * 0.22, 0.22 * h, half * 0.22, 0.31 * h, (236, 236, 230))
    sketch.box(-half, 0.13 * h, half, 0.2 * h, (44, 44, 48))


def draw_bicycle(sketch: Sketch, dice: Dice, height: float) -> None:
    """A bicycle that leans on its stand, seen from the side."""
    paint = varied(dice, dice.pick(CLOTHES))
    metal = dice.pick(METALS)
    h = height
    r = 0.33 * h
    sketch.rough = 0
    back, front, crank = (-0.5 * h, r), (0.52 * h, r), (-0.06 * h, r * 0.9)
    for x, y in (back, front):
        ring = [(x + r * math.cos(a * math.pi / 8), y + r * math.sin(a * math.pi / 8)) for a in range(17)]
        sketch.bar(ring, 0.028 * h, _TYRE)
        for a in range(3):
            dx, dy = r * math.cos(a * math.pi / 3), r * math.sin(a * math.pi / 3)
            sketch.capsule((x - dx, y - dy), (x + dx, y + dy), 0.005 * h, 0.005 * h, metal, flat=True)
    seat, stem = (-0.16 * h, 0.78 * h), (0.38 * h, 0.82 * h)
    tube = 0.028 * h
    for p, q in (
        (back, crank),
        (back, (-0.13 * h, 0.68 * h)),
        (crank, seat),
        ((-0.13 * h, 0.68 * h), (0.37 * h, 0.74 * h)),
        (crank, (0.38 * h, 0.7 * h)),
        (stem, front),
    ):
        sketch.capsule(p, q, tube, tube, paint, flat=True)
    sketch.capsule((seat[0] - 0.1 * h, 0.82 * h), (seat[0] + 0.1 * h, 0.81 * h), 0.045 * h, 0.025 * h, _TYRE)
    sketch.bar([stem, (0.36 * h, 0.95 * h), (0.46 * h, 0.97 * h)], 0.024 * h, metal)
    sketch.ellipse(crank, 0.07 * h, 0.07 * h, metal)
    if dice.chance(0.4):
        basket = varied(dice, dice.pick(CLOTHES))
        sketch.block(0.42 * h, 0.72 * h, 0.7 * h, 0.94 * h, basket)
