"""Colours of things, as RGB 0…255, and how to mix them.

The look-alikes take their colours from the same tables as the people: a red shape of skin-coloured ends may be
a girl, a suitcase or a pillar box, so that colour alone says nothing about the label.
"""

from __future__ import annotations

from cnnkit.scenes.randomness import Dice

Colour = tuple[int, int, int]

CLOTHES: tuple[Colour, ...] = (
    (196, 52, 48), (224, 112, 60), (232, 184, 64), (150, 172, 72), (64, 132, 84), (52, 128, 140),
    (64, 108, 176), (48, 60, 112), (112, 76, 148), (192, 92, 140), (238, 236, 228), (172, 172, 170),
    (104, 108, 114), (46, 46, 52), (120, 82, 56), (198, 170, 128), (140, 32, 56), (120, 184, 208),
)  # fmt: skip
SKINS: tuple[Colour, ...] = (
    (246, 216, 190), (236, 194, 160), (222, 172, 132), (198, 144, 104),
    (166, 112, 78), (132, 86, 58), (98, 64, 46), (72, 48, 38),
)  # fmt: skip
HAIRS: tuple[Colour, ...] = (
    (34, 28, 28), (58, 40, 30), (92, 60, 38), (140, 92, 52), (196, 152, 84), (226, 196, 132),
    (164, 76, 40), (150, 148, 146), (220, 218, 214),
)  # fmt: skip
WOODS: tuple[Colour, ...] = ((120, 84, 54), (152, 108, 68), (92, 64, 46), (180, 140, 96), (206, 172, 128))
METALS: tuple[Colour, ...] = ((88, 92, 98), (128, 132, 138), (58, 62, 66), (164, 168, 170), (72, 92, 84))
STONES: tuple[Colour, ...] = (
    (170, 166, 158),
    (142, 138, 132),
    (196, 190, 178),
    (118, 120, 122),
    (186, 164, 140),
)
LEAVES: tuple[Colour, ...] = (
    (70, 112, 52), (92, 136, 60), (52, 92, 56), (122, 150, 66), (150, 142, 60), (176, 104, 48), (60, 104, 84),
)  # fmt: skip
FURS: tuple[Colour, ...] = (
    (60, 46, 40), (124, 88, 58), (176, 132, 88), (214, 184, 144), (232, 226, 216), (110, 108, 108), (192, 112, 56),
    (40, 38, 40),
)  # fmt: skip
WALLS: tuple[Colour, ...] = (
    (214, 196, 168), (190, 148, 116), (168, 92, 72), (206, 204, 198), (156, 160, 164), (222, 206, 150),
    (148, 170, 176), (196, 160, 152), (120, 104, 96), (180, 190, 162), (100, 112, 128), (228, 222, 210),
)  # fmt: skip


def shaded(colour: Colour, factor: float) -> Colour:
    """The colour times `factor`, in 0…255."""
    r, g, b = colour
    return (
        min(255, max(0, int(r * factor))),
        min(255, max(0, int(g * factor))),
        min(255, max(0, int(b * factor))),
    )


def mixed(colour: Colour, other: Colour, share: float) -> Colour:
    """`colour` with a share (0…1) of `other`."""
    return (
        int(colour[0] + (other[0] - colour[0]) * share),
        int(colour[1] + (other[1] - colour[1]) * share),
        int(colour[2] + (other[2] - colour[2]) * share),
    )


def varied(dice: Dice, colour: Colour, spread: float = 14.0) -> Colour:
    """The colour, each channel up to `spread` away."""
    common = dice.around(0.0, spread)
    r, g, b = (min(255, max(0, int(c + common + dice.around(0.0, spread * 0.6)))) for c in colour)
    return (r, g, b)
