"""Who a drawn face is, and what differs from shot to shot: two values, each drawn from its own dice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cnnkit.scenes.palette import CLOTHES, HAIRS, SKINS, WALLS, Colour, mixed, varied
from cnnkit.scenes.randomness import Dice

EYES: tuple[Colour, ...] = (
    (84, 56, 38), (52, 36, 28), (118, 88, 48), (92, 122, 84), (92, 130, 164), (128, 140, 148), (60, 84, 112),
)  # fmt: skip
"""Colours of the iris."""


@dataclass(frozen=True)
class Identity:
    """The geometry of one face. Lengths are in half head heights: the chin is at −1, the top of the skull at 1.

    Args:
        skin: Colour of the skin.
        hair: Colour of the hair.
        iris: Colour of the eyes.
        lips: Colour of the mouth.
        width: Half width of the skull.
        cheek: Half width at the cheek bones.
        jaw: Half width of the jaw.
        chin: Half width of the chin.
        eye_gap: Half the distance between the eyes.
        eye_height: Height of the eyes.
        eye_size: Half width of an eye.
        eye_open: Height of an eye against its width.
        eye_tilt: How much higher the outer corner is.
        brow: Thickness of the brows.
        brow_gap: From the eye to the brow.
        brow_tilt: How much higher the outer end is.
        nose_length: From between the eyes to the tip.
        nose_width: Half width at the wings.
        mouth_height: Height of the mouth.
        mouth_width: Half its width.
        lip: Thickness of the lips.
        ear: Half height of an ear.
        hairline: Height of the hair above the forehead.
        volume: Size of the hair against the skull.
        parting: Where the hair parts, −1 … 1.
        hair_style: "short", "bald", "bob", "long", "curly", "bun".
        beard: "", "full", "moustache", "goatee".
        glasses: "", "round", "square".
        frame: Colour of the glasses.
        freckles: Whether there are freckles.
        moles: Places of moles: azimuth and height on the head.
    """

    skin: Colour
    hair: Colour
    iris: Colour
    lips: Colour
    width: float
    cheek: float
    jaw: float
    chin: float
    eye_gap: float
    eye_height: float
    eye_size: float
    eye_open: float
    eye_tilt: float
    brow: float
    brow_gap: float
    brow_tilt: float
    nose_length: float
    nose_width: float
    mouth_height: float
    mouth_width: float
    lip: float
    ear: float
    hairline: float
    volume: float
    parting: float
    hair_style: str
    beard: str
    glasses: str
    frame: Colour
    freckles: bool
    moles: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Shot:
    """One photograph of a face.

    Args:
        yaw: Degrees; positive looks to the right of the picture.
        pitch: Degrees; positive looks up.
        roll: Degrees; positive leans against the clock.
        smile: −1 sad … 1 broad.
        mouth_open: 0 closed … 1 open.
        brow_raise: −1 frown … 1 raised.
        lids: 0 shut … 1 open.
        gaze: Where the eyes look, −1 left … 1 right.
        zoom: Half head height as a share of the picture.
        shift: Of the head from the middle, as shares of the picture: right, down.
        clothes: Colours of collar and shirt.
        wall: Colours of the background: left, right.
        glasses: Whether the glasses are on, if the person owns some.
    """

    yaw: float
    pitch: float
    roll: float
    smile: float
    mouth_open: float
    brow_raise: float
    lids: float
    gaze: float
    zoom: float
    shift: tuple[float, float]
    clothes: tuple[Colour, Colour]
    wall: tuple[Colour, Colour]
    glasses: bool


FACE_ATTRIBUTES: dict[str, Callable[[Identity, Shot], bool]] = {
    "bald": lambda who, _: who.hair_style == "bald",
    "long hair": lambda who, _: who.hair_style in ("long", "bob"),
    "curly hair": lambda who, _: who.hair_style == "curly",
    "beard": lambda who, _: who.beard in ("full", "goatee"),
    "moustache": lambda who, _: who.beard in ("full", "moustache"),
    "freckles": lambda who, _: who.freckles,
    "glasses": lambda who, shot: bool(who.glasses) and shot.glasses,
    "smile": lambda _, shot: shot.smile > 0.4,
    "open mouth": lambda _, shot: shot.mouth_open > 0.3,
}
"""What may be said of a photograph of a face → whether it may: any number at once."""


def face_attributes(seed: int, person: int, shot: int) -> tuple[str, ...]:
    """The names of `FACE_ATTRIBUTES` that a drawn face shows, without drawing it; arguments as of `render_face`."""
    who, how = some_identity(Dice(seed, person)), some_shot(Dice(seed, person, 1 + shot))
    return tuple(name for name, shows in FACE_ATTRIBUTES.items() if shows(who, how))


def some_identity(dice: Dice) -> Identity:
    """A person, by dice that only the person decides."""
    skin = varied(dice, dice.pick(SKINS), 10)
    return Identity(
        skin=skin,
        hair=varied(dice, dice.pick(HAIRS), 10),
        iris=varied(dice, dice.pick(EYES), 10),
        lips=mixed(skin, (168, 52, 62), dice.uniform(0.25, 0.7)),
        width=dice.uniform(0.68, 0.84),
        cheek=dice.uniform(0.64, 0.78),
        jaw=dice.uniform(0.46, 0.7),
        chin=dice.uniform(0.16, 0.36),
        eye_gap=dice.uniform(0.27, 0.37),
        eye_height=dice.uniform(-0.04, 0.14),
        eye_size=dice.uniform(0.115, 0.17),
        eye_open=dice.uniform(0.4, 0.72),
        eye_tilt=dice.around(0.0, 0.05),
        brow=dice.uniform(0.022, 0.06),
        brow_gap=dice.uniform(0.15, 0.24),
        brow_tilt=dice.around(0.0, 0.07),
        nose_length=dice.uniform(0.3, 0.5),
        nose_width=dice.uniform(0.08, 0.17),
        mouth_height=dice.uniform(-0.68, -0.54),
        mouth_width=dice.uniform(0.19, 0.34),
        lip=dice.uniform(0.03, 0.075),
        ear=dice.uniform(0.16, 0.26),
        hairline=dice.uniform(0.48, 0.72),
        volume=dice.uniform(1.03, 1.14),
        parting=dice.around(0.0, 0.9),
        hair_style=dice.weighted(("short", "bald", "bob", "long", "curly", "bun"), (6, 1, 3, 4, 3, 1)),
        beard=dice.weighted(("", "full", "moustache", "goatee"), (8, 1, 1, 1)),
        glasses=dice.weighted(("", "round", "square"), (6, 1, 1)),
        frame=varied(dice, dice.pick(((30, 28, 30), (120, 70, 40), (150, 150, 156), (150, 40, 50)))),
        freckles=dice.chance(0.15),
        moles=tuple((dice.uniform(-45, 45), dice.uniform(-0.6, 0.3)) for _ in range(dice.below(3))),
    )


def some_shot(dice: Dice) -> Shot:
    """A photograph, by dice of person and shot."""
    wall = varied(dice, dice.pick(WALLS + CLOTHES), 20)
    return Shot(
        yaw=dice.around(0.0, 42.0),
        pitch=dice.around(0.0, 16.0),
        roll=dice.around(0.0, 12.0),
        smile=dice.uniform(-0.4, 1.0),
        mouth_open=max(0.0, dice.uniform(-1.0, 0.8)),
        brow_raise=dice.around(0.0, 1.0),
        lids=0.08 if dice.chance(0.05) else dice.uniform(0.7, 1.0),
        gaze=dice.around(0.0, 0.8),
        zoom=dice.uniform(0.29, 0.36),
        shift=(dice.around(0.0, 0.05), dice.around(0.02, 0.04)),
        clothes=(varied(dice, dice.pick(CLOTHES)), varied(dice, dice.pick(CLOTHES))),
        wall=(wall, mixed(wall, varied(dice, dice.pick(WALLS + CLOTHES), 20), 0.4)),
        glasses=dice.chance(0.85),
    )
