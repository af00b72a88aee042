"""What a person wears and looks like: one value, drawn from tables."""

from __future__ import annotations

from dataclasses import dataclass

from cnnkit.scenes.palette import CLOTHES, HAIRS, SKINS, Colour, varied
from cnnkit.scenes.randomness import Dice
from cnnkit.scenes.skeleton import Build


@dataclass(frozen=True)
class Look:
    """One person's appearance.

    Args:
        build: Measures of the body.
        skin: Colour of face and hands.
        hair: Colour of the hair.
        hair_style: "short", "bald", "bob", "long", "bun", "tail", "curly".
        top: "shirt", "jumper", "coat", "dress", "vest".
        sleeve: Covered share of the arm: 0 none, 1 to the wrist.
        bottom: "trousers", "shorts", "skirt".
        colours: Of the top, the bottom, the shoes, the hat, the pattern.
        pattern: "plain", "stripes", "band", "open".
        hat: "", "cap", "brim", "wool", "helmet".
        glasses: Whether the person wears them.
        beard: Whether the person has one.
        bag: "", "backpack", "shoulder".
    """

    build: Build
    skin: Colour
    hair: Colour
    hair_style: str
    top: str
    sleeve: float
    bottom: str
    colours: tuple[Colour, Colour, Colour, Colour, Colour]
    pattern: str
    hat: str
    glasses: bool
    beard: bool
    bag: str


def some_look(dice: Dice) -> Look:
    """A person's appearance, all of it drawn from tables."""
    child = dice.chance(0.2)
    build = Build(
        height=dice.uniform(1.0, 1.4) if child else dice.uniform(1.52, 1.92),
        width=dice.around(1.06, 0.2) if child else dice.around(1.04, 0.26),
        child=child,
    )
    top = dice.weighted(("shirt", "jumper", "coat", "dress", "vest"), (5, 5, 3, 2, 1))
    sleeve = {
        "shirt": dice.uniform(0.22, 0.42), "jumper": 0.97, "coat": 1.0,
        "dress": dice.pick((0.0, 0.25, 0.9)), "vest": 0.0,
    }[top]  # fmt: skip
    style = dice.weighted(("short", "bald", "bob", "long", "bun", "tail", "curly"), (7, 1, 3, 3, 1, 2, 2))
    clothes = [varied(dice, dice.pick(CLOTHES)) for _ in range(5)]
    return Look(
        build=build,
        skin=varied(dice, dice.pick(SKINS), 8),
        hair=varied(dice, dice.pick(HAIRS), 8),
        hair_style=style,
        top=top,
        sleeve=sleeve,
        bottom=dice.weighted(("trousers", "shorts", "skirt"), (6, 2, 1.5)),
        colours=(clothes[0], clothes[1], clothes[2], clothes[3], clothes[4]),
        pattern=dice.weighted(("plain", "stripes", "band", "open"), (6, 2, 1, 2)),
        hat=dice.weighted(("", "cap", "brim", "wool", "helmet"), (10, 2, 1.5, 1.5, 0.5)),
        glasses=dice.chance(0.15),
        beard=not child and style in ("short", "bald", "curly") and dice.chance(0.25),
        bag=dice.weighted(("", "backpack", "shoulder"), (8, 1.5, 1.5)),
    )
