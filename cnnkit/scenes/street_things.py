"""Poles, hydrants, statues, bags, bins and other things of streets and parks."""

from __future__ import annotations

import math

from cnnkit.scenes.palette import CLOTHES, METALS, SKINS, STONES, WOODS, mixed, shaded, varied
from cnnkit.scenes.randomness import Dice
from cnnkit.scenes.sketch import Sketch


def draw_lamp_post(sketch: Sketch, dice: Dice, height: float) -> None:
    """A street lamp."""
    metal = varied(dice, dice.pick(METALS))
    h = height
    sketch.rough = 20
    sketch.column([(0, 0, 0.035 * h), (0, 0.06 * h, 0.03 * h), (0, 0.08 * h, 0.016 * h), (0, 0.9 * h, 0.01 * h)], metal)
    if dice.chance(0.5):
        sketch.bar([(0, 0.88 * h), (0.04 * h, 0.97 * h), (0.15 * h, 0.985 * h)], 0.01 * h, metal)
        sketch.ellipse((0.16 * h, 0.97 * h), 0.05 * h, 0.02 * h, (250, 238, 190))
    else:
        sketch.ellipse((0, 0.94 * h), 0.055 * h, 0.055 * h, (250, 240, 206))
        sketch.box(-0.04 * h, 0.885 * h, 0.04 * h, 0.9 * h, metal)


def draw_sign(sketch: Sketch, dice: Dice, height: float) -> None:
    """A traffic sign on its pole: a disc, a triangle or a board, about where a head would be."""
    h = height
    colour = varied(dice, dice.pick(CLOTHES))
    sketch.rough = 10
    sketch.capsule((0, 0), (0, 0.95 * h), 0.016 * h, 0.016 * h, dice.pick(METALS))
    kind, r, y = dice.below(3), 0.11 * h, 0.88 * h
    if kind == 0:
        sketch.ellipse((0, y), r, r, colour, flat=True)
        sketch.ellipse((0, y), r * 0.7, r * 0.7, (238, 236, 230), flat=True, decoration=True)
    elif kind == 1:
        sketch.polygon([(-r * 1.2, y - r * 0.8), (r * 1.2, y - r * 0.8), (0, y + r * 1.2)], colour)
        sketch.polygon(
            [(-r * 0.7, y - r * 0.5), (r * 0.7, y - r * 0.5), (0, y + r * 0.6)], (238, 236, 230), decoration=True
        )
    else:
        sketch.box(-r * 1.3, y - r * 0.8, r * 1.3, y + r * 0.8, colour)
        sketch.box(-r, y - r * 0.1, r, y + r * 0.15, (238, 236, 230), decoration=True)


def draw_traffic_light(sketch: Sketch, dice: Dice, height: float) -> None:
    """A traffic light."""
    h = height
    sketch.rough = 10
    sketch.capsule((0, 0), (0, 0.75 * h), 0.02 * h, 0.018 * h, dice.pick(METALS))
    sketch.block(-0.07 * h, 0.68 * h, 0.07 * h, h, (44, 48, 46))
    lit = dice.below(3)
    for i, colour in enumerate(((90, 210, 110), (240, 200, 70), (226, 62, 52))):
        tone = colour if i == lit else shaded(colour, 0.35)
        sketch.ellipse((0, (0.735 + 0.1 * i) * h), 0.04 * h, 0.04 * h, tone, flat=True, decoration=True)


def draw_hydrant(sketch: Sketch, dice: Dice, height: float) -> None:
    """A fire hydrant: a round body with two stubs, about like a small child."""
    colour = varied(dice, dice.pick(CLOTHES))
    h = height
    sketch.rough = 30
    sketch.column([(0, 0, 0.24 * h), (0, 0.07 * h, 0.24 * h), (0, 0.09 * h, 0.17 * h), (0, 0.68 * h, 0.17 * h)], colour)
    for side in (-1, 1):
        sketch.capsule(
            (side * 0.14 * h, 0.5 * h), (side * 0.25 * h, 0.5 * h), 0.075 * h, 0.085 * h, shaded(colour, 0.9)
        )
    sketch.box(-0.21 * h, 0.66 * h, 0.21 * h, 0.73 * h, shaded(colour, 0.85))
    sketch.column([(0, 0.73 * h, 0.17 * h), (0, 0.86 * h, 0.13 * h), (0, 0.93 * h, 0.05 * h), (0, h, 0.05 * h)], colour)
    sketch.ellipse((0, 0.5 * h), 0.07 * h, 0.07 * h, mixed(colour, (235, 235, 230), 0.4), decoration=True)


def draw_statue(sketch: Sketch, dice: Dice, height: float) -> None:
    """A statue without limbs: a bust or a robed column on a base; of stone, bronze or painted wood."""
    stone = varied(dice, dice.pick(STONES + METALS + SKINS[2:5]))
    h = height
    base = h * dice.uniform(0.2, 0.45)
    sketch.rough = 60
    sketch.block(-0.16 * h, 0, 0.16 * h, base * 0.9, shaded(stone, 0.85))
    sketch.box(-0.19 * h, base * 0.88, 0.19 * h, base, stone)
    top = h - base
    if dice.chance(0.5):
        levels = [(0, 0, 0.1), (0, 0.1, 0.12), (0, 0.4, 0.3), (0, 0.6, 0.28), (0, 0.66, 0.1), (0, 0.7, 0.09)]
        sketch.column([(x * top, base + y * top, half * top * 0.8) for x, y, half in levels], stone)
        sketch.ellipse((0, base + 0.83 * top), 0.13 * top, 0.17 * top, stone)
    else:
        levels = [(0, 0, 0.2), (0, 0.35, 0.15), (0, 0.6, 0.15), (0, 0.78, 0.14), (0, 0.82, 0.06)]
        sketch.column([(x * top, base + y * top, half * top) for x, y, half in levels], stone)
        sketch.ellipse((0, base + 0.9 * top), 0.07 * top, 0.1 * top, stone)


def draw_snowman(sketch: Sketch, dice: Dice, height: float) -> None:
    """Three balls, a hat, a nose: of snow, or of sand."""
    colour = varied(dice, dice.pick(((240, 242, 246), (222, 200, 160), (206, 206, 204))))
    h = height
    sketch.rough = 20
    for y, r in ((0.2, 0.24), (0.52, 0.18), (0.76, 0.13)):
        sketch.ellipse((0, y * h), r * h, r * h * 0.92, colour)
    ink = (36, 32, 34)
    for side in (-1, 1):
        sketch.ellipse((side * 0.05 * h, 0.79 * h), 0.015 * h, 0.018 * h, ink, flat=True, decoration=True)
        if dice.chance(0.6):
            sketch.bar([(side * 0.16 * h, 0.55 * h), (side * 0.34 * h, 0.66 * h)], 0.012 * h, dice.pick(WOODS))
    sketch.polygon([(0, 0.77 * h), (0.12 * h, 0.745 * h), (0, 0.735 * h)], (226, 124, 48), decoration=True)
    if dice.chance(0.7):
        hat = varied(dice, dice.pick(CLOTHES))
        sketch.box(-0.1 * h, 0.87 * h, 0.1 * h, h, hat)
        sketch.capsule((-0.16 * h, 0.87 * h), (0.16 * h, 0.87 * h), 0.014 * h, 0.014 * h, shaded(hat, 0.8), flat=True)
    if dice.chance(0.6):
        scarf = varied(dice, dice.pick(CLOTHES))
        sketch.capsule((-0.11 * h, 0.655 * h), (0.11 * h, 0.655 * h), 0.025 * h, 0.025 * h, scarf)


def draw_scarecrow(sketch: Sketch, dice: Dice, height: float) -> None:
    """A shirt on crossed sticks under a hat: one leg, no hands, no face."""
    h = height
    wood = varied(dice, dice.pick(WOODS))
    shirt, hat = varied(dice, dice.pick(CLOTHES)), varied(dice, dice.pick(CLOTHES))
    sack = varied(dice, dice.pick(((206, 178, 128), (190, 160, 120), (222, 200, 160))))
    tilt = dice.around(0.0, 0.06) * h
    sketch.rough = 60
    sketch.capsule((0, 0), (tilt, 0.8 * h), 0.022 * h, 0.02 * h, wood)
    y = 0.7 * h
    drop = dice.around(0.0, 0.05) * h
    sketch.capsule((tilt - 0.36 * h, y - drop), (tilt + 0.36 * h, y + drop), 0.018 * h, 0.018 * h, wood)
    for side in (-1, 1):
        end = (tilt + side * 0.27 * h, y + side * drop * 0.8)
        sketch.capsule((tilt + side * 0.05 * h, y), end, 0.05 * h, 0.055 * h, shirt)
    hem = h * dice.uniform(0.3, 0.42)
    jag = [(tilt + (i / 6 - 0.5) * 0.26 * h, hem + (0.05 * h if i % 2 else 0.0)) for i in range(7)]
    sketch.polygon([(tilt - 0.09 * h, 0.74 * h), *jag, (tilt + 0.09 * h, 0.74 * h)], shaded(shirt, 0.9))
    sketch.ellipse((tilt, 0.84 * h), 0.075 * h, 0.085 * h, sack)
    sketch.column([(tilt, 0.9 * h, 0.075 * h), (tilt, h, 0.05 * h)], hat)
    sketch.capsule(
        (tilt - 0.14 * h, 0.9 * h), (tilt + 0.14 * h, 0.9 * h), 0.014 * h, 0.014 * h, shaded(hat, 0.8), flat=True
    )


def draw_bag(sketch: Sketch, dice: Dice, height: float) -> None:
    """A suitcase, a backpack or a handbag standing on the ground."""
    colour = varied(dice, dice.pick(CLOTHES))
    second = varied(dice, dice.pick(CLOTHES))
    h = height
    sketch.rough = 30
    kind = dice.below(3)
    if kind == 0:
        half = h * dice.uniform(0.22, 0.3)
        for side in (-1, 1):
            sketch.capsule(
                (side * half * 0.6, 0.7 * h),
                (side * half * 0.6, 0.98 * h),
                0.015 * h,
                0.015 * h,
                dice.pick(METALS),
                flat=True,
            )
            sketch.ellipse((side * half * 0.75, 0.03 * h), 0.03 * h, 0.03 * h, (30, 30, 32), flat=True)
        sketch.capsule((-half * 0.6, 0.98 * h), (half * 0.6, 0.98 * h), 0.02 * h, 0.02 * h, (40, 40, 42), flat=True)
        sketch.block(-half, 0.05 * h, half, 0.74 * h, colour)
        for x in (-0.5, 0.5):
            sketch.box(half * (x - 0.06), 0.06 * h, half * (x + 0.06), 0.73 * h, shaded(colour, 0.75), decoration=True)
    elif kind == 1:
        levels = [(0, 0, 0.3), (0, 0.1, 0.36), (0, 0.7, 0.33), (0, 0.9, 0.22), (0, 0.94, 0.08)]
        sketch.bar([(-0.08 * h, 0.9 * h), (0, h), (0.08 * h, 0.9 * h)], 0.02 * h, shaded(colour, 0.7))
        sketch.column([(x, y * h, half * h) for x, y, half in levels], colour)
        sketch.column([(0, 0.08 * h, 0.24 * h), (0, 0.4 * h, 0.24 * h), (0, 0.46 * h, 0.18 * h)], second)
    else:
        sketch.bar(
            [(-0.25 * h, 0.5 * h), (-0.2 * h, 0.86 * h), (0, h), (0.2 * h, 0.86 * h), (0.25 * h, 0.5 * h)],
            0.025 * h,
            shaded(colour, 0.7),
        )
        sketch.column([(0, 0, 0.44 * h), (0, 0.55 * h, 0.36 * h)], colour)
        sketch.box(-0.08 * h, 0.36 * h, 0.08 * h, 0.46 * h, second, decoration=True)


def draw_trash_can(sketch: Sketch, dice: Dice, height: float) -> None:
    """A bin with a lid."""
    colour = varied(dice, dice.pick(CLOTHES + METALS))
    h = height
    sketch.rough = 30
    sketch.column([(0, 0, 0.24 * h), (0, 0.84 * h, 0.3 * h)], colour)
    for x in (-0.14, 0.0, 0.14):
        sketch.box((x - 0.015) * h, 0.05 * h, (x + 0.015) * h, 0.8 * h, shaded(colour, 0.65), decoration=True)
    sketch.column([(0, 0.84 * h, 0.33 * h), (0, 0.9 * h, 0.33 * h), (0, h, 0.16 * h)], shaded(colour, 0.85))


def draw_mailbox(sketch: Sketch, dice: Dice, height: float) -> None:
    """A pillar box with a round top."""
    colour = varied(dice, dice.pick(CLOTHES))
    h = height
    sketch.rough = 16
    sketch.column(
        [(0, 0, 0.16 * h), (0, 0.06 * h, 0.16 * h), (0, 0.07 * h, 0.135 * h), (0, 0.82 * h, 0.135 * h)], colour
    )
    sketch.column(
        [(0, 0.82 * h, 0.16 * h), (0, 0.88 * h, 0.16 * h), (0, 0.96 * h, 0.11 * h), (0, h, 0.03 * h)],
        shaded(colour, 0.92),
    )
    sketch.box(-0.08 * h, 0.7 * h, 0.08 * h, 0.73 * h, (24, 22, 24), decoration=True)
    sketch.box(-0.05 * h, 0.5 * h, 0.05 * h, 0.62 * h, (236, 234, 226), decoration=True)


def draw_barrier(sketch: Sketch, dice: Dice, height: float) -> None:
    """A striped traffic cone or a fence panel."""
    h = height
    colour = varied(dice, dice.pick(CLOTHES))
    sketch.rough = 20
    if dice.chance(0.5):
        sketch.box(-0.32 * h, 0, 0.32 * h, 0.06 * h, shaded(colour, 0.7))
        sketch.column([(0, 0.05 * h, 0.22 * h), (0, h, 0.04 * h)], colour)
        for low in (0.35, 0.65):
            sketch.column(
                [(0, low * h, (0.232 - 0.19 * low) * h), (0, (low + 0.13) * h, (0.207 - 0.19 * low) * h)],
                (240, 238, 232),
                flat=True,
            )
        return
    for x in (-0.7, 0.7):
        sketch.box((x - 0.05) * h, 0, (x + 0.05) * h, h, (210, 208, 200))
    for y in (0.5, 0.85):
        sketch.box(-0.8 * h, (y - 0.1) * h, 0.8 * h, (y + 0.1) * h, (236, 234, 228))
        for i in range(4):
            x = (-0.8 + 0.4 * i) * h
            sketch.polygon(
                [
                    (x, (y - 0.1) * h),
                    (x + 0.2 * h, (y - 0.1) * h),
                    (x + 0.3 * h, (y + 0.1) * h),
                    (x + 0.1 * h, (y + 0.1) * h),
                ],
                colour,
                decoration=True,
            )


def draw_laundry(sketch: Sketch, dice: Dice, height: float) -> None:
    """Clothes on a line between two poles: shirts and trousers with nobody in them."""
    h = height
    half = h * dice.uniform(0.45, 0.6)
    wood = dice.pick(WOODS)
    sketch.rough = 40
    for x in (-half, half):
        sketch.capsule((x, 0), (x, h), 0.018 * h, 0.016 * h, wood)
    sag = 0.94 * h
    sketch.bar([(-half, 0.98 * h), (0, sag), (half, 0.98 * h)], 0.005 * h, (220, 220, 216))
    for slot in (-0.5, 0.08, 0.58):
        x = slot * half
        cloth = varied(dice, dice.pick(CLOTHES))
        if dice.chance(0.5):
            for side in (-1, 1):
                sketch.capsule(
                    (x + side * 0.08 * h, 0.9 * h),
                    (x + side * 0.15 * h, 0.72 * h),
                    0.035 * h,
                    0.032 * h,
                    shaded(cloth, 0.9),
                )
            sketch.column([(x, 0.58 * h, 0.1 * h), (x, 0.94 * h, 0.1 * h)], cloth)
        else:
            for side in (-1, 1):
                sketch.column(
                    [(x + side * 0.07 * h, 0.42 * h, 0.05 * h), (x + side * 0.05 * h, 0.8 * h, 0.055 * h)], cloth
                )
            sketch.box(x - 0.1 * h, 0.76 * h, x + 0.1 * h, 0.94 * h, cloth)


def draw_parasol(sketch: Sketch, dice: Dice, height: float) -> None:
    """A parasol, open or folded."""
    h = height
    colour, second = varied(dice, dice.pick(CLOTHES)), varied(dice, dice.pick(CLOTHES))
    sketch.rough = 20
    sketch.ellipse((0, 0.015 * h), 0.1 * h, 0.02 * h, dice.pick(STONES))
    sketch.capsule((0, 0), (0, h), 0.012 * h, 0.012 * h, dice.pick(METALS + WOODS))
    if dice.chance(0.5):
        sketch.column(
            [(0, 0.4 * h, 0.05 * h), (0, 0.6 * h, 0.075 * h), (0, 0.9 * h, 0.04 * h), (0, 0.98 * h, 0.01 * h)], colour
        )
        return
    half = h * dice.uniform(0.36, 0.5)
    rim = [(half * math.cos(a * math.pi / 8), 0.72 * h + 0.24 * h * math.sin(a * math.pi / 8)) for a in range(9)]
    sketch.polygon(rim, colour)
    for i in (0, 2, 4, 6):
        sketch.polygon([rim[i], rim[i + 1], (0, 0.96 * h)], second, decoration=True)


def draw_balls(sketch: Sketch, dice: Dice, height: float) -> None:
    """A ball, plain or with a stripe; of any colour, skin-like ones too."""
    colour = varied(dice, dice.pick(CLOTHES + SKINS))
    r = height / 2
    sketch.rough = 16
    sketch.ellipse((0, r), r, r, colour)
    if dice.chance(0.6):
        sketch.capsule(
            (-r * 0.8, r * 0.8),
            (r * 0.8, r * 1.2),
            r * 0.16,
            r * 0.16,
            varied(dice, dice.pick(CLOTHES)),
            flat=True,
            decoration=True,
        )
