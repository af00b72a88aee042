"""Dogs, cats and birds, seen from the side or sitting upright."""

from __future__ import annotations

from cnnkit.scenes.palette import FURS, mixed, shaded, varied
from cnnkit.scenes.randomness import Dice
from cnnkit.scenes.sketch import Sketch

_INK = (30, 24, 24)


def draw_dog(sketch: Sketch, dice: Dice, height: float) -> None:
    """A dog, standing or walking, head to the right; height to the top of the head."""
    fur = varied(dice, dice.pick(FURS))
    second = varied(dice, dice.pick(FURS)) if dice.chance(0.4) else shaded(fur, 0.85)
    k = height / 0.72
    sketch.rough = 70
    step = dice.uniform(0.0, 0.12) * k
    back, front = -0.33 * k, 0.24 * k
    for x, swing in ((back + 0.03 * k, -step), (front - 0.03 * k, step)):
        sketch.capsule((x, 0.36 * k), (x + swing, 0.03 * k), 0.05 * k, 0.032 * k, shaded(fur, 0.75))
    sketch.capsule((back, 0.5 * k), (back - 0.2 * k, dice.uniform(0.45, 0.75) * k), 0.035 * k, 0.02 * k, second)
    sketch.capsule((back, 0.42 * k), (front, 0.45 * k), 0.12 * k, 0.14 * k, fur)
    for x, swing in ((back, step), (front, -step * 0.8)):
        sketch.capsule((x, 0.4 * k), (x + swing, 0.2 * k), 0.075 * k, 0.045 * k, fur)
        sketch.capsule((x + swing, 0.2 * k), (x + swing * 1.2, 0.03 * k), 0.04 * k, 0.032 * k, fur)
        sketch.capsule(
            (x + swing * 1.2, 0.025 * k), (x + swing * 1.2 + 0.05 * k, 0.022 * k), 0.026 * k, 0.022 * k, second
        )
    head = (front + 0.16 * k, 0.62 * k)
    sketch.capsule((front + 0.04 * k, 0.48 * k), head, 0.1 * k, 0.085 * k, fur)
    sketch.ellipse(head, 0.11 * k, 0.095 * k, fur)
    sketch.capsule(head, (head[0] + 0.15 * k, head[1] - 0.035 * k), 0.055 * k, 0.042 * k, second)
    sketch.ellipse((head[0] + 0.19 * k, head[1] - 0.02 * k), 0.022 * k, 0.02 * k, _INK, flat=True)
    sketch.ellipse((head[0] + 0.045 * k, head[1] + 0.025 * k), 0.016 * k, 0.018 * k, _INK, flat=True, decoration=True)
    if dice.chance(0.6):
        sketch.capsule(
            (head[0] - 0.05 * k, head[1] + 0.05 * k),
            (head[0] - 0.09 * k, head[1] - 0.1 * k),
            0.04 * k,
            0.035 * k,
            second,
        )
    else:
        sketch.polygon(
            [
                (head[0] - 0.09 * k, head[1] + 0.05 * k),
                (head[0] - 0.07 * k, head[1] + 0.19 * k),
                (head[0] + 0.01 * k, head[1] + 0.08 * k),
            ],
            second,
        )


def draw_sitting_dog(sketch: Sketch, dice: Dice, height: float) -> None:
    """A dog sitting upright, seen from the front."""
    _upright_animal(sketch, dice, height, ears="floppy" if dice.chance(0.6) else "pointed", tail=0.5)


def draw_cat(sketch: Sketch, dice: Dice, height: float) -> None:
    """A cat: sitting upright, or walking with its tail up."""
    if dice.chance(0.5):
        _upright_animal(sketch, dice, height, ears="cat", tail=1.0)
        return
    fur = varied(dice, dice.pick(FURS))
    k = height / 0.5
    sketch.rough = 60
    step = dice.uniform(0.02, 0.08) * k
    for x, swing, tone in ((-0.2, -step, 0.75), (0.17, step, 0.75), (-0.22, step, 1.0), (0.19, -step, 1.0)):
        sketch.capsule((x * k, 0.22 * k), (x * k + swing, 0.02 * k), 0.04 * k, 0.024 * k, shaded(fur, tone))
    sketch.capsule((-0.24 * k, 0.3 * k), (-0.36 * k, 0.42 * k), 0.03 * k, 0.026 * k, fur)
    sketch.capsule((-0.36 * k, 0.42 * k), (-0.33 * k, 0.58 * k), 0.026 * k, 0.018 * k, fur)
    sketch.capsule((-0.2 * k, 0.27 * k), (0.18 * k, 0.28 * k), 0.085 * k, 0.08 * k, fur)
    _cat_face(sketch, 0.29 * k, 0.38 * k, 0.09 * k, fur)


def _cat_face(sketch: Sketch, x: float, y: float, r: float, fur: tuple[int, int, int]) -> None:
    for side in (-1, 1):
        sketch.polygon(
            [(x + side * r * 0.95, y + r * 0.2), (x + side * r * 0.8, y + r * 1.5), (x + side * r * 0.1, y + r * 0.8)],
            shaded(fur, 0.9),
        )
    sketch.ellipse((x, y), r * 1.05, r * 0.92, fur)
    for side in (-1, 1):
        sketch.ellipse(
            (x + side * r * 0.42, y + r * 0.12), r * 0.16, r * 0.18, (196, 200, 90), flat=True, decoration=True
        )
        sketch.ellipse((x + side * r * 0.42, y + r * 0.12), r * 0.07, r * 0.16, _INK, flat=True, decoration=True)
    sketch.ellipse((x, y - r * 0.25), r * 0.12, r * 0.09, (200, 120, 120), flat=True, decoration=True)


def _upright_animal(sketch: Sketch, dice: Dice, height: float, *, ears: str, tail: float) -> None:
    fur = varied(dice, dice.pick(FURS))
    chest = mixed(fur, (240, 234, 224), dice.uniform(0.0, 0.7))
    h = height
    sketch.rough = 60
    side = dice.sign()
    sketch.capsule((side * 0.2 * h, 0.06 * h), (side * (0.2 + 0.25 * tail) * h, 0.16 * h), 0.04 * h, 0.025 * h, fur)
    sketch.column([(0, 0, 0.24 * h), (0, 0.14 * h, 0.27 * h), (0, 0.4 * h, 0.17 * h), (0, 0.62 * h, 0.13 * h)], fur)
    sketch.ellipse((0, 0.4 * h), 0.09 * h, 0.17 * h, chest, decoration=True)
    for x in (-0.075, 0.075):
        sketch.capsule((x * h, 0.4 * h), (x * h, 0.04 * h), 0.05 * h, 0.042 * h, fur)
        sketch.ellipse((x * h, 0.03 * h), 0.06 * h, 0.035 * h, chest, flat=True)
    x, y, r = dice.around(0, 0.05) * h, 0.76 * h, 0.16 * h
    if ears == "cat":
        _cat_face(sketch, x, y, r, fur)
        return
    if ears == "pointed":
        for s in (-1, 1):
            tip = [(x + s * r * 0.95, y + r * 0.3), (x + s * r * 0.85, y + r * 1.7), (x + s * r * 0.15, y + r * 0.8)]
            sketch.polygon(tip, shaded(fur, 0.8))
    sketch.ellipse((x, y), r, r * 1.05, fur)
    for s in (-1, 1):
        if ears == "floppy":
            low = (x + s * r * 1.15, y - r * 0.5)
            sketch.capsule((x + s * r * 0.85, y + r * 0.6), low, r * 0.3, r * 0.26, shaded(fur, 0.75))
        sketch.ellipse((x + s * r * 0.38, y + r * 0.25), r * 0.12, r * 0.13, _INK, flat=True, decoration=True)
    sketch.ellipse((x, y - r * 0.45), r * 0.55, r * 0.5, chest, decoration=True)
    sketch.ellipse((x, y - r * 0.25), r * 0.2, r * 0.15, _INK, flat=True, decoration=True)
    sketch.capsule(
        (x - r * 0.2, y - r * 0.65), (x + r * 0.2, y - r * 0.65), r * 0.05, r * 0.05, _INK, flat=True, decoration=True
    )


def draw_bird(sketch: Sketch, dice: Dice, height: float) -> None:
    """A bird on two thin legs: a pigeon, a duck or a stork, by its measures."""
    plume = varied(dice, dice.pick(FURS))
    wing = shaded(plume, dice.uniform(0.6, 0.85))
    long = dice.chance(0.5)
    legs, neck = (0.42, 0.3) if long else (0.16, 0.16)
    h = height
    body = 0.22 * h if long else 0.3 * h
    y = legs * h + body * 0.7
    sketch.rough = 40
    beak = (224, 144, 52)
    for x in (-0.03, 0.05):
        sketch.bar([(x * h, y - body * 0.5), (x * h, 0.01 * h), (x * h + 0.06 * h, 0.01 * h)], 0.014 * h, beak)
    sketch.capsule((-body * 0.8, y - body * 0.05), (-body * 1.7, y - body * 0.35), body * 0.4, body * 0.1, wing)
    sketch.ellipse((0, y), body, body * 0.66, plume, turn=0.25)
    sketch.ellipse((-body * 0.25, y + body * 0.05), body * 0.7, body * 0.38, wing, turn=0.2, decoration=True)
    head = (body * 0.85, y + body * 0.4 + neck * h)
    sketch.capsule((body * 0.6, y + body * 0.2), head, body * 0.3, body * 0.22, plume)
    sketch.ellipse(head, body * 0.32, body * 0.3, plume)
    sketch.polygon(
        [
            (head[0] + body * 0.2, head[1] + body * 0.14),
            (head[0] + body * (1.1 if long else 0.65), head[1] - body * 0.06),
            (head[0] + body * 0.2, head[1] - body * 0.12),
        ],
        beak,
    )
    sketch.ellipse(
        (head[0] + body * 0.1, head[1] + body * 0.06), body * 0.06, body * 0.06, _INK, flat=True, decoration=True
    )
