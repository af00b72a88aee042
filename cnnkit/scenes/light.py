"""Where the light comes from: what it does to the lit and the dark side, to shadows and to the sky."""

from __future__ import annotations

from dataclasses import dataclass

from cnnkit.scenes.palette import Colour, mixed
from cnnkit.scenes.randomness import Dice


@dataclass(frozen=True)
class Weather:
    """One row of the table of lights.

    Args:
        name: What one would call it.
        weight: How often it happens, in proportion.
        dark: Brightness of the side away from the light, lowest and highest, against 1 on the lit side.
        shadow: Darkness of cast shadows, lowest and highest, 0 none … 1 black.
        reach: Length of a shadow on the ground for a thing 1 m high, in metres, lowest and highest.
        cast: Gain of red, green, blue.
        sky: Colours of the sky at the top and at the horizon.
    """

    name: str
    weight: float
    dark: tuple[float, float]
    shadow: tuple[float, float]
    reach: tuple[float, float]
    cast: tuple[float, float, float]
    sky: tuple[Colour, Colour]


OUTDOORS: tuple[Weather, ...] = (
    Weather("noon", 4, (0.66, 0.78), (0.35, 0.5), (0.3, 0.8), (1.0, 1.0, 1.0),
            ((84, 148, 214), (196, 222, 238))),
    Weather("morning", 3, (0.6, 0.74), (0.3, 0.45), (0.9, 1.7), (1.03, 1.0, 0.94),
            ((120, 170, 214), (238, 226, 204))),
    Weather("evening", 2, (0.5, 0.66), (0.3, 0.5), (1.4, 2.4), (1.08, 0.97, 0.84),
            ((96, 116, 172), (250, 190, 132))),
    Weather("overcast", 3, (0.82, 0.9), (0.06, 0.18), (0.1, 0.4), (0.96, 0.99, 1.03),
            ((172, 180, 188), (214, 218, 220))),
    Weather("dusk", 1, (0.6, 0.7), (0.1, 0.25), (0.6, 1.4), (0.72, 0.76, 0.96),
            ((52, 60, 104), (170, 132, 140))),
)  # fmt: skip
INDOORS: tuple[Weather, ...] = (
    Weather("daylight", 3, (0.7, 0.82), (0.2, 0.35), (0.4, 1.0), (1.0, 1.0, 1.0),
            ((150, 190, 226), (226, 236, 240))),
    Weather("lamplight", 3, (0.6, 0.75), (0.2, 0.4), (0.3, 0.9), (1.06, 0.98, 0.84),
            ((36, 40, 64), (70, 72, 96))),
    Weather("neon", 1, (0.78, 0.88), (0.1, 0.2), (0.1, 0.4), (0.95, 1.02, 1.0),
            ((130, 160, 190), (214, 222, 226))),
)  # fmt: skip


@dataclass(frozen=True)
class Light:
    """The light of one picture.

    Args:
        weather: Name of the row it was drawn from.
        side: Where the light stands, −1 left … 1 right.
        dark: Brightness of the side away from the light.
        shadow: Darkness of cast shadows, 0…1.
        shear: Where the shadow of a point 1 m above the ground falls: metres to the right, metres up the picture.
        cast: Gain of red, green, blue.
        sky: Colours at the top and at the horizon.
    """

    weather: str
    side: float
    dark: float
    shadow: float
    shear: tuple[float, float]
    cast: tuple[float, float, float]
    sky: tuple[Colour, Colour]

    @property
    def haze(self) -> Colour:
        """The colour that far things fade to."""
        return mixed(self.sky[1], (200, 200, 200), 0.3)


def some_light(dice: Dice, *, indoors: bool) -> Light:
    """A light for one picture, drawn from the table."""
    rows = INDOORS if indoors else OUTDOORS
    row = dice.weighted(rows, [weather.weight for weather in rows])
    side = dice.sign() * dice.uniform(0.35, 1.0)
    reach = dice.uniform(*row.reach)
    depth = dice.sign() * dice.uniform(0.08, 0.3)
    top, bottom = (mixed(c, (dice.below(256), dice.below(256), dice.below(256)), 0.08) for c in row.sky)
    return Light(
        weather=row.name,
        side=side,
        dark=dice.uniform(*row.dark),
        shadow=dice.uniform(*row.shadow),
        shear=(-side * reach, depth * min(reach, 1.2)),
        cast=row.cast,
        sky=(top, bottom),
    )
