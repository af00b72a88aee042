"""Trees, bushes and pots: plants that stand where a person could."""

from __future__ import annotations

import math

from cnnkit.scenes.palette import CLOTHES, LEAVES, WOODS, shaded, varied
from cnnkit.scenes.randomness import Dice
from cnnkit.scenes.sketch import Sketch


def draw_tree(sketch: Sketch, dice: Dice, height: float) -> None:
    """A tree with a trunk, two or three boughs and a crown of round clumps."""
    bark = varied(dice, dice.pick(WOODS))
    leaf = varied(dice, dice.pick(LEAVES))
    fork = height * dice.uniform(0.35, 0.5)
    lean = dice.around(0.0, 0.08) * height
    thick = height * dice.uniform(0.025, 0.05)
    sketch.rough = 70
    sketch.capsule((0, 0), (lean, fork), thick * 1.3, thick, bark)
    for _ in range(dice.between(2, 3)):
        angle = dice.uniform(0.6, 2.5)
        end = (lean + math.cos(angle) * height * 0.22, fork + math.sin(angle) * height * 0.25)
        sketch.capsule((lean, fork), end, thick * 0.7, thick * 0.4, bark)
    middle = height * 0.72
    wide = height * dice.uniform(0.2, 0.34)
    sketch.rough = 110
    for _ in range(dice.between(5, 8)):
        x, y = lean + dice.around(0.0, wide), middle + dice.around(0.0, height * 0.2)
        r = wide * dice.uniform(0.4, 0.7)
        sketch.ellipse((x, y), r, r * dice.uniform(0.7, 1.0), shaded(leaf, dice.uniform(0.82, 1.15)))


def draw_cypress(sketch: Sketch, dice: Dice, height: float) -> None:
    """A slim tree about as wide as a person."""
    leaf = varied(dice, dice.pick(LEAVES))
    wide = height * dice.uniform(0.12, 0.2)
    sketch.rough = 110
    sketch.capsule((0, 0), (0, height * 0.2), 0.04 * height, 0.03 * height, varied(dice, dice.pick(WOODS)))
    lean = dice.around(0, 0.05) * height
    levels = [(0.0, 0.1, 0.5), (0.0, 0.3, 1.0), (lean * 0.4, 0.6, 0.8), (lean * 0.8, 0.85, 0.4), (lean, 1.0, 0.03)]
    sketch.column([(x, y * height, half * wide) for x, y, half in levels], leaf)
    for _ in range(4):
        y = dice.uniform(0.2, 0.7)
        sketch.ellipse(
            (dice.around(0, wide * 0.5), y * height),
            wide * 0.35,
            height * 0.06,
            shaded(leaf, dice.uniform(0.85, 1.1)),
            decoration=True,
        )


def draw_bare_tree(sketch: Sketch, dice: Dice, height: float) -> None:
    """A trunk with bare boughs, some like raised arms."""
    bark = varied(dice, dice.pick(WOODS))
    thick = height * dice.uniform(0.03, 0.055)
    lean = dice.around(0.0, 0.1) * height
    fork = height * dice.uniform(0.4, 0.6)
    sketch.rough = 80
    sketch.capsule((0, 0), (lean, fork), thick * 1.5, thick, bark)
    for side in (-1, 1, dice.sign()):
        angle = math.pi / 2 + side * dice.uniform(0.2, 1.0)
        reach = height - fork
        elbow = (lean + math.cos(angle) * reach * 0.5, fork + math.sin(angle) * reach * 0.5)
        tip = (elbow[0] + side * dice.uniform(-0.05, 0.25) * reach, elbow[1] + reach * dice.uniform(0.2, 0.5))
        sketch.capsule((lean, fork), elbow, thick * 0.8, thick * 0.55, bark)
        sketch.capsule(elbow, tip, thick * 0.55, thick * 0.2, bark)
        twig = (elbow[0] - side * reach * 0.15, elbow[1] + reach * dice.uniform(0.15, 0.35))
        sketch.capsule(elbow, twig, thick * 0.4, thick * 0.15, bark)


def draw_bush(sketch: Sketch, dice: Dice, height: float) -> None:
    """A round bush, perhaps with flowers."""
    leaf = varied(dice, dice.pick(LEAVES))
    wide = height * dice.uniform(0.6, 1.0)
    sketch.rough = 110
    for _ in range(dice.between(5, 8)):
        r = height * dice.uniform(0.28, 0.42)
        x = dice.around(0.0, wide)
        y = max(r * 0.8, dice.uniform(0.3, 0.68) * height)
        sketch.ellipse((x, y), r, r * 0.9, shaded(leaf, dice.uniform(0.85, 1.12)))
    if dice.chance(0.4):
        flower = varied(dice, dice.pick(CLOTHES))
        for _ in range(dice.between(4, 9)):
            spot = (dice.around(0, wide * 0.6), dice.uniform(0.25, 0.6) * height)
            sketch.ellipse(spot, height * 0.05, height * 0.05, flower, flat=True, decoration=True)


def draw_pot_plant(sketch: Sketch, dice: Dice, height: float) -> None:
    """A plant in a pot: long leaves or a round crown."""
    pot = varied(dice, dice.pick(CLOTHES))
    leaf = varied(dice, dice.pick(LEAVES[:4]))
    rim = height * 0.3
    wide = height * dice.uniform(0.12, 0.2)
    sketch.rough = 60
    if dice.chance(0.5):
        for i in range(7):
            angle = 0.5 + (math.pi - 1.0) * i / 6 + dice.around(0, 0.15)
            bend = (math.cos(angle) * height * 0.25, rim + math.sin(angle) * height * 0.4)
            tip = (math.cos(angle) * height * 0.46, rim + math.sin(angle) * height * dice.uniform(0.5, 0.7))
            sketch.capsule((0, rim), bend, 0.02 * height, 0.04 * height, leaf)
            sketch.capsule(bend, tip, 0.04 * height, 0.008 * height, leaf)
    else:
        sketch.capsule((0, rim), (0, height * 0.6), 0.02 * height, 0.02 * height, varied(dice, dice.pick(WOODS)))
        for _ in range(5):
            spot = (dice.around(0, wide * 1.3), height * dice.uniform(0.6, 0.85))
            sketch.ellipse(spot, height * 0.14, height * 0.14, shaded(leaf, dice.uniform(0.85, 1.12)))
    sketch.rough = 24
    sketch.column([(0, 0, wide * 0.7), (0, rim * 0.85, wide), (0, rim * 0.85, wide * 1.12), (0, rim, wide * 1.12)], pot)
