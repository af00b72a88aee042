"""Public pictures, changed so that looking for them by hash or thumbnail does not lead to their labels.

Who has the public set can compare a picture that was handed out with all of it. Thumbnails hold the coarse light and
colour, and where it is, so that is what changes: light falls in from a side, colours and contrast are others, the
picture is mirrored or not, turned, unevenly bent, of another aspect and size. Nothing of it gets lost: it is drawn a
little smaller and its margins are continued, so a label of what is in it stays true. A secret decides how.

Who extracts features with a network and compares those still finds most of them: only pictures that nobody else has
are safe, which is what staff are told.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

TURN, BEND, ASPECT, SIZE = 8.0, 0.09, 0.15, 0.2
"""Largest turn in degrees, largest shift of a place as a part of the side, change of the aspect, and of the size."""
LIGHT, GAIN, GAMMA = 1.1, 0.3, 0.35
"""Largest logarithm of how light a part gets, share of a channel in another, largest logarithm of the exponent."""
KNOTS = 4
"""Places along each side at which bend and light are drawn; they are smooth in between."""

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Disguise:
    """How pictures are changed, by a secret.

    Attributes:
        secret: What nobody outside of course staff knows.
    """

    secret: str

    def __call__(self, picture: Picture, name: str) -> Picture:
        """A picture as it is handed out.

        Args:
            picture: (height, width, 3) RGB.
            name: Of the picture: another one is changed in another way.
        """
        seed = hashlib.sha256(f"disguise {self.secret} {name}".encode()).digest()
        dice = np.random.default_rng(np.frombuffer(seed, np.uint32))
        return _lit(_bent(picture, dice), dice)


def _bent(picture: Picture, dice: np.random.Generator) -> Picture:
    """Mirrored or not, turned, bent, in another aspect and size, and whole."""
    source = picture[:, ::-1] if dice.random() < 0.5 else picture
    height, width = source.shape[:2]
    scale, aspect = 1 - SIZE * dice.random(), np.exp(dice.uniform(-ASPECT, ASPECT))
    new_height, new_width = (max(1, round(side)) for side in (height * scale / aspect, width * scale * aspect))
    angle = np.deg2rad(dice.uniform(-TURN, TURN))
    cos, sin = np.cos(angle), np.sin(angle)
    # As far as its corners reach when it is turned, and then what is bent and moved: so much smaller is it drawn.
    reach = (abs(cos) + abs(sin) * max(height / width, width / height)) * (1 + 2 * BEND)
    rows, columns = np.mgrid[0:new_height, 0:new_width].astype(np.float32)
    y, x = ((rows + 0.5) / new_height - 0.5) * height * reach, ((columns + 0.5) / new_width - 0.5) * width * reach
    bend = [BEND / 2 * (_smooth(dice, new_height, new_width) + dice.uniform(-1, 1)) for _ in range(2)]
    from_x = cos * x - sin * y + (bend[0] + 0.5) * width - 0.5
    from_y = sin * x + cos * y + (bend[1] + 0.5) * height - 0.5
    return np.asarray(
        cv2.remap(
            np.ascontiguousarray(source),
            from_x.astype(np.float32),
            from_y.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101 if min(height, width) > 1 else cv2.BORDER_REPLICATE,
        ),
        np.uint8,
    )


def _lit(picture: Picture, dice: np.random.Generator) -> Picture:
    """In other light and colours."""
    height, width = picture.shape[:2]
    values = (picture.astype(np.float32) / 255) ** np.float32(np.exp(dice.uniform(-GAMMA, GAMMA)))
    light = np.exp(LIGHT * _smooth(dice, height, width))[:, :, None]
    mixing = np.eye(3, dtype=np.float32) + dice.uniform(-GAIN, GAIN, (3, 3)).astype(np.float32)
    bright = np.maximum(values @ mixing.T, 0) * light
    # Rounded off towards white, where cutting would lose what is in bright parts.
    soft = np.where(bright > 0.8, 1 - 0.2 * np.exp(-(bright - 0.8) / 0.2), bright)
    return np.asarray((soft * 255).round(), np.uint8)


def _smooth(dice: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """(height, width) smooth numbers between -1 and 1."""
    knots = dice.uniform(-1, 1, (KNOTS, KNOTS)).astype(np.float32)
    return np.asarray(np.clip(cv2.resize(knots, (width, height), interpolation=cv2.INTER_CUBIC), -1, 1), np.float32)
