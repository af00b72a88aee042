"""Chairs, tables, lamps, coat racks and other things of a room; benches too."""

from __future__ import annotations

from cnnkit.scenes.palette import CLOTHES, METALS, SKINS, WOODS, Colour, shaded, varied
from cnnkit.scenes.randomness import Dice
from cnnkit.scenes.sketch import Sketch


def draw_chair(sketch: Sketch, dice: Dice, height: float) -> None:
    """A chair with four legs and a back, seen a little from the side."""
    wood = varied(dice, dice.pick(WOODS))
    cloth = varied(dice, dice.pick(CLOTHES))
    h = height
    seat, half, leg = 0.5 * h, 0.24 * h, 0.024 * h
    sketch.rough = 50
    slant = 0.1 * h
    for x in (-half + slant, half):
        sketch.capsule((x, seat), (x, 0.06 * h), leg, leg, shaded(wood, 0.7), flat=True)
    sketch.capsule((-half, 0), (-half + slant, 0.94 * h), leg, leg, wood, flat=True)
    sketch.capsule((half, 0.06 * h), (half + slant * 0.4, 0.94 * h), leg, leg, wood, flat=True)
    if dice.chance(0.5):
        sketch.polygon(
            [(-half + 0.06 * h, 0.6 * h), (-half + slant, 0.97 * h), (half + 0.03 * h, 0.97 * h), (half, 0.6 * h)],
            cloth,
        )
    else:
        for y in (0.66, 0.78, 0.92):
            sketch.capsule((-half + 0.08 * h, y * h), (half + 0.02 * h, y * h), leg, leg, wood, flat=True)
    sketch.polygon(
        [
            (-half - slant * 0.6, seat - 0.02 * h),
            (-half + slant * 0.4, seat + 0.06 * h),
            (half + 0.03 * h, seat + 0.06 * h),
            (half - slant * 0.4, seat - 0.02 * h),
        ],
        cloth,
    )
    sketch.polygon(
        [
            (-half - slant * 0.6, seat - 0.06 * h),
            (-half - slant * 0.6, seat - 0.02 * h),
            (half - slant * 0.4, seat - 0.02 * h),
            (half - slant * 0.4, seat - 0.06 * h),
        ],
        shaded(cloth, 0.7),
    )
    for x in (-half - slant * 0.5, half - slant * 0.5):
        sketch.capsule((x, seat - 0.05 * h), (x, 0), leg, leg, wood, flat=True)


def draw_stool(sketch: Sketch, height: float, wood: Colour, cloth: Colour) -> None:
    """A seat without a back under a sitting person; `height` is that of the seat."""
    half = 0.24
    for x in (-half * 0.8, half * 0.8):
        sketch.capsule((x, 0.0), (x * 0.9, height), 0.022, 0.022, wood)
    sketch.block(-half, height - 0.07, half, height, cloth)


def draw_bench(sketch: Sketch, dice: Dice, height: float) -> None:
    """A bench with a back of boards."""
    wood = varied(dice, dice.pick(WOODS))
    iron = dice.pick(METALS)
    h = height
    half = h * dice.uniform(0.8, 1.15)
    sketch.rough = 60
    for x in (-half * 0.82, half * 0.82):
        sketch.capsule((x, 0), (x, 0.95 * h), 0.04 * h, 0.035 * h, iron, flat=True)
    for y in (0.64, 0.78, 0.92):
        sketch.box(-half, (y - 0.045) * h, half, (y + 0.045) * h, shaded(wood, 0.9))
    sketch.box(-half, 0.44 * h, half, 0.53 * h, wood)
    sketch.box(-half, 0.38 * h, half, 0.43 * h, shaded(wood, 0.72))
    for x in (-half * 0.82, half * 0.82):
        sketch.capsule((x, 0), (x, 0.4 * h), 0.045 * h, 0.04 * h, iron)


def draw_sofa(sketch: Sketch, dice: Dice, height: float) -> None:
    """A sofa or an armchair with cushions."""
    cloth = varied(dice, dice.pick(CLOTHES))
    h = height
    half = h * dice.pick((0.62, 1.05))
    sketch.rough = 50
    for x in (-half * 0.9, half * 0.9):
        sketch.box(x - 0.05 * h, 0, x + 0.05 * h, 0.14 * h, dice.pick(WOODS))
    sketch.column([(0, 0.3 * h, half * 0.9), (0, 0.85 * h, half * 0.92), (0, h, half * 0.8)], cloth)
    sketch.box(-half * 0.8, 0.42 * h, half * 0.8, 0.56 * h, shaded(cloth, 1.1))
    sketch.box(-half * 0.9, 0.12 * h, half * 0.9, 0.42 * h, shaded(cloth, 0.85))
    for x in (-half * 0.92, half * 0.92):
        sketch.capsule((x, 0.2 * h), (x, 0.62 * h), 0.13 * h, 0.13 * h, cloth)
    if dice.chance(0.6):
        x = dice.uniform(-0.5, 0.3) * half
        sketch.polygon(
            [(x, 0.55 * h), (x - 0.05 * h, 0.85 * h), (x + 0.26 * h, 0.88 * h), (x + 0.3 * h, 0.55 * h)],
            varied(dice, dice.pick(CLOTHES)),
        )


def draw_table(sketch: Sketch, dice: Dice, height: float) -> None:
    """A table with something on it."""
    wood = varied(dice, dice.pick(WOODS))
    h = height
    half = h * dice.uniform(0.7, 1.1)
    sketch.rough = 60
    for x in (-half * 0.85, half * 0.85):
        sketch.capsule((x, 0), (x, 0.95 * h), 0.035 * h, 0.045 * h, wood)
    sketch.polygon([(-half, 0.92 * h), (-half * 0.88, h), (half * 0.88, h), (half, 0.92 * h)], wood)
    sketch.box(-half, 0.86 * h, half, 0.92 * h, shaded(wood, 0.7))
    for _ in range(dice.between(1, 3)):
        x, tall = dice.uniform(-0.7, 0.7) * half, dice.uniform(0.12, 0.35) * h
        sketch.column(
            [(x, 0.96 * h, 0.07 * h), (x, 0.96 * h + tall * 0.6, 0.09 * h), (x, 0.96 * h + tall, 0.04 * h)],
            varied(dice, dice.pick(CLOTHES)),
        )


def draw_lamp(sketch: Sketch, dice: Dice, height: float) -> None:
    """A standing lamp with a shade: a head on a thin body."""
    metal, cloth = dice.pick(METALS), varied(dice, dice.pick(CLOTHES + SKINS))
    h = height
    sketch.rough = 20
    sketch.ellipse((0, 0.015 * h), 0.12 * h, 0.022 * h, metal)
    sketch.capsule((0, 0.02 * h), (0, 0.8 * h), 0.013 * h, 0.011 * h, metal)
    wide = h * dice.uniform(0.09, 0.15)
    low = h * dice.uniform(0.72, 0.8)
    sketch.column([(0, low, wide), (0, h, wide * dice.uniform(0.5, 0.95))], cloth)


def draw_coat_rack(sketch: Sketch, dice: Dice, height: float) -> None:
    """A coat rack with a coat, and often a hat or a scarf: a person without a body."""
    wood = varied(dice, dice.pick(WOODS))
    h = height
    sketch.rough = 40
    for x in (-0.13, 0.13, 0.02):
        sketch.capsule((0, 0.1 * h), (x * h, 0.01 * h), 0.014 * h, 0.014 * h, wood, flat=True)
    sketch.capsule((0, 0.05 * h), (0, 0.98 * h), 0.016 * h, 0.014 * h, wood)
    for side in (-1, 1):
        sketch.bar([(0, 0.86 * h), (side * 0.1 * h, 0.9 * h), (side * 0.12 * h, 0.95 * h)], 0.011 * h, wood)
    sketch.ellipse((0, 0.985 * h), 0.022 * h, 0.022 * h, wood)
    for _ in range(dice.between(1, 3)):
        side = dice.sign()
        cloth = varied(dice, dice.pick(CLOTHES))
        x = side * 0.1 * h
        low = h * dice.uniform(0.3, 0.52)
        sway = dice.around(0.0, 0.03) * h
        levels = [
            (x + sway, low, 0.1 * h),
            (x + sway * 0.5, 0.62 * h, 0.085 * h),
            (x, 0.84 * h, 0.075 * h),
            (x, 0.9 * h, 0.02 * h),
        ]
        sketch.column(levels, cloth)
        if dice.chance(0.7):
            arm = x + side * 0.07 * h
            sketch.capsule(
                (arm, 0.82 * h), (arm + side * 0.03 * h, (low + 0.1 * h)), 0.034 * h, 0.03 * h, shaded(cloth, 0.9)
            )
    if dice.chance(0.6):
        hat = varied(dice, dice.pick(CLOTHES))
        x = dice.pick((-0.11, 0.0, 0.11)) * h
        sketch.column([(x, 0.94 * h, 0.055 * h), (x, 1.0 * h, 0.04 * h)], hat)
        sketch.capsule(
            (x - 0.085 * h, 0.94 * h), (x + 0.085 * h, 0.94 * h), 0.009 * h, 0.009 * h, shaded(hat, 0.8), flat=True
        )


def draw_cupboard(sketch: Sketch, dice: Dice, height: float) -> None:
    """A tall cupboard, or shelves with books of clothing colours."""
    wood = varied(dice, dice.pick(WOODS))
    h = height
    half = h * dice.uniform(0.18, 0.3)
    sketch.rough = 60
    sketch.block(-half, 0, half, h, wood, side=0.12)
    if dice.chance(0.5):
        sketch.box(-0.006 * h, 0.06 * h, 0.006 * h, 0.96 * h, shaded(wood, 0.55), decoration=True)
        for x in (-0.04, 0.04):
            sketch.ellipse((x * h, 0.5 * h), 0.013 * h, 0.013 * h, dice.pick(METALS), flat=True, decoration=True)
        return
    for row in range(4):
        low = (0.06 + row * 0.235) * h
        sketch.box(-half * 0.88, low, half * 0.88, low + 0.19 * h, shaded(wood, 0.5), decoration=True)
        x = -half * 0.86
        while x < half * 0.7:
            wide = h * dice.uniform(0.02, 0.05)
            sketch.box(
                x,
                low,
                min(x + wide, half * 0.86),
                low + h * dice.uniform(0.1, 0.17),
                varied(dice, dice.pick(CLOTHES)),
                decoration=True,
            )
            x += wide * dice.uniform(1.0, 1.5)


def draw_mannequin(sketch: Sketch, dice: Dice, height: float) -> None:
    """A tailor's dummy: a dressed trunk on a stand, no head, no limbs."""
    metal, cloth = dice.pick(METALS), varied(dice, dice.pick(CLOTHES + SKINS))
    h = height
    sketch.rough = 30
    sketch.ellipse((0, 0.015 * h), 0.12 * h, 0.02 * h, metal)
    sketch.capsule((0, 0.02 * h), (0, 0.5 * h), 0.016 * h, 0.016 * h, metal)
    low = 0.25 if dice.chance(0.4) else 0.45
    levels = [
        (0, low, 0.14 if low < 0.4 else 0.11),
        (0, 0.55, 0.11),
        (0, 0.68, 0.078),
        (0, 0.84, 0.115),
        (0, 0.92, 0.1),
        (0, 0.945, 0.04),
        (0, 1.0, 0.034),
    ]
    sketch.column([(x, y * h, half * h) for x, y, half in levels], cloth)
    if dice.chance(0.5):
        sketch.box(-0.08 * h, 0.67 * h, 0.08 * h, 0.695 * h, varied(dice, dice.pick(CLOTHES)), decoration=True)
