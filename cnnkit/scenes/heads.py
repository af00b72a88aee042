"""Head, hair, hat and face of a person in a scene; the details appear when they are large enough to see."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cnnkit.scenes.looks import Look
from cnnkit.scenes.palette import Colour, mixed, shaded
from cnnkit.scenes.skeleton import Skeleton
from cnnkit.scenes.sketch import Point, Sketch


@dataclass(frozen=True)
class HeadParts:
    """The parts of a drawn head, and where its keypoints lie.

    Args:
        parts: Numbers of the parts of a sketch that show the head.
        points: nose, left eye, right eye, left ear, right ear: (x, y, z), z > 0 turned to the viewer.
    """

    parts: list[int]
    points: dict[str, tuple[float, float, float]]


class _Ball:
    """The head as an ellipsoid: places on it, turned by the yaw of the head."""

    def __init__(self, skeleton: Skeleton, radius_x: float, radius_y: float) -> None:
        self.x, self.y, _ = skeleton.joints["head"]
        chin = skeleton.joints["chin"]
        dx, dy = self.x - chin[0], self.y - chin[1]
        length = math.hypot(dx, dy) or 1.0
        self.ux, self.uy = dx / length, dy / length  # up along the head
        yaw = math.radians(skeleton.head_yaw)
        self.side, self.front = math.sin(yaw), math.cos(yaw)
        self.rx, self.ry = radius_x, radius_y
        self.turn = math.atan2(-self.ux, self.uy)

    def at(self, right: float, up: float) -> Point:
        """A place in the picture plane, in radii from the centre."""
        r, u = right * self.rx, up * self.ry
        return self.x + r * self.uy + u * self.ux, self.y - r * self.ux + u * self.uy

    def on(self, left: float, up: float, forward: float) -> tuple[float, float, float]:
        """A place on the surface, in radii to the person's left, up and forward."""
        x, y = self.at(left * self.front + forward * self.side, up)
        return x, y, forward * self.front - left * self.side


def draw_head(sketch: Sketch, skeleton: Skeleton, look: Look, pixels: float) -> HeadParts:
    """Draws neck, head and what is on it.

    Args:
        sketch: Where to.
        skeleton: The posed body.
        look: The appearance.
        pixels: Pixels a metre in the picture, which decides the details.
    """
    height = look.build.height
    ry = (0.088 if look.build.child else 0.069) * height
    ball = _Ball(skeleton, ry * (0.8 + 0.06 * abs(math.sin(math.radians(skeleton.head_yaw)))), ry)
    parts = []
    neck = skeleton.joints["neck"]
    parts.append(sketch.capsule((neck[0], neck[1] - 0.012 * height), ball.at(0, -0.4), 0.031 * height, 0.029 * height,
                                shaded(look.skin, 0.9), flat=True))  # fmt: skip
    bald = look.hair_style == "bald"
    if not bald:
        parts += _back_hair(sketch, ball, look)
    if -0.85 < ball.front <= -0.2:
        # Seen from behind and aside: a cheek that the hair does not cover.
        cheek = ball.at(0.34 * ball.side, -0.22)
        parts.append(sketch.ellipse(cheek, ball.rx * 0.8, ball.ry * 0.8, look.skin, turn=ball.turn))
    parts.append(sketch.ellipse(ball.at(0, 0), ball.rx, ball.ry, look.skin if bald else look.hair, turn=ball.turn))
    points = {
        "nose": ball.on(0, -0.1, 1.0), "left_eye": ball.on(0.36, 0.12, 0.86), "right_eye": ball.on(-0.36, 0.12, 0.86),
        "left_ear": ball.on(0.97, 0.0, -0.05), "right_ear": ball.on(-0.97, 0.0, -0.05),
    }  # fmt: skip
    if ball.front > -0.2:
        parts.append(_face(sketch, ball, look, bald))
    for ear in ("left_ear", "right_ear"):
        x, y, z = points[ear]
        if z > 0.25 and (bald or look.hair_style in ("short", "bun", "tail")):
            parts.append(sketch.ellipse((x, y), ball.rx * 0.13, ball.ry * 0.18, shaded(look.skin, 0.88), flat=True))
    if ball.front > -0.2 and pixels * ball.rx > 2.2:
        _features(sketch, ball, look, points, pixels * ball.rx)
    if look.hat:
        parts += _hat(sketch, ball, look)
    return HeadParts(parts, points)


def _back_hair(sketch: Sketch, ball: _Ball, look: Look) -> list[int]:
    back = -0.22 * ball.side
    colour = look.hair
    if look.hair_style == "short":
        return [sketch.ellipse(ball.at(back * 0.6, 0.1), ball.rx * 1.06, ball.ry * 1.02, colour, turn=ball.turn)]
    if look.hair_style == "curly":
        return [sketch.ellipse(ball.at(back, 0.14), ball.rx * 1.36, ball.ry * 1.2, colour, turn=ball.turn)]
    parts = [sketch.ellipse(ball.at(back * 0.7, 0.1), ball.rx * 1.12, ball.ry * 1.06, colour, turn=ball.turn)]
    if look.hair_style == "bob":
        parts.append(sketch.capsule(ball.at(back, 0.0), ball.at(back, -0.62), ball.rx * 1.14, ball.rx * 1.16, colour))
    elif look.hair_style == "long":
        parts.append(
            sketch.capsule(ball.at(back, 0.0), ball.at(back * 1.8, -1.7), ball.rx * 1.14, ball.rx * 0.95, colour)
        )
    elif look.hair_style == "bun":
        parts.append(sketch.ellipse(ball.at(-0.75 * ball.side, 1.05), ball.rx * 0.5, ball.ry * 0.42, colour))
    elif look.hair_style == "tail":
        parts.append(sketch.capsule(ball.at(-0.95 * ball.side, 0.35), ball.at(-1.5 * ball.side + 0.25, -1.1),
                                    ball.rx * 0.34, ball.rx * 0.2, colour))  # fmt: skip
    return parts


def _face(sketch: Sketch, ball: _Ball, look: Look, bald: bool) -> int:
    shift = 0.0 if bald else 0.3 * ball.side
    wide = ball.rx * (0.97 if bald else 0.9 - 0.12 * abs(ball.side))
    center = ball.at(shift, -0.12)
    part = sketch.ellipse(center, wide, ball.ry * 0.88, look.skin, turn=ball.turn)
    if not bald:
        # The forehead line: hair comes down over the face, more on the side away from the viewer's nose.
        fringe = [
            ball.at(shift - 0.94, 0.2), ball.at(shift - 0.5, 0.46), ball.at(shift + 0.1 * ball.side, 0.5),
            ball.at(shift + 0.5, 0.44), ball.at(shift + 0.94, 0.2), ball.at(0.8, 0.7), ball.at(0.35, 1.0),
            ball.at(-0.35, 1.0), ball.at(-0.8, 0.7),
        ]  # fmt: skip
        sketch.polygon(fringe, look.hair, decoration=True)
    if look.beard:
        jaw = [ball.at(shift + x * 0.86, y) for x, y in ((-0.95, -0.2), (-0.5, -0.42), (0.5, -0.42), (0.95, -0.2),
                                                         (0.7, -0.75), (0.0, -1.02), (-0.7, -0.75))]  # fmt: skip
        sketch.polygon(jaw, shaded(look.hair, 0.95), decoration=True)
    return part


def _features(
    sketch: Sketch, ball: _Ball, look: Look, points: dict[str, tuple[float, float, float]], radius: float
) -> None:
    ink: Colour = (38, 28, 28)
    brow = mixed(look.hair, ink, 0.4)
    r = ball.rx
    for name, side in (("left_eye", 1), ("right_eye", -1)):
        x, y, z = points[name]
        if z < 0.12:
            continue
        if radius > 5:
            sketch.ellipse((x, y), r * 0.19 * (0.4 + 0.6 * z), r * 0.13, (244, 242, 238), flat=True, decoration=True)
        pupil = max(0.085 * r, 0.55 * r / radius)
        sketch.ellipse((x + 0.04 * r * ball.side, y), pupil, pupil * 1.15, ink, flat=True, decoration=True)
        if radius > 3.4:
            left, right = ball.on(side * 0.2, 0.34, 0.9), ball.on(side * 0.56, 0.32, 0.78)
            sketch.capsule(left[:2], right[:2], 0.05 * r, 0.04 * r, brow, flat=True, decoration=True)
    nose, bridge = ball.on(0, -0.16, 1.08), ball.on(0, 0.08, 0.96)
    if nose[2] > -0.2 and radius > 2.8:
        sketch.capsule(bridge[:2], nose[:2], 0.05 * r, 0.1 * r, shaded(look.skin, 0.84), flat=True, decoration=True)
    left, right = ball.on(0.26, -0.5, 0.82), ball.on(-0.26, -0.5, 0.82)
    if ball.front > 0.05:
        lip = mixed(look.skin, (150, 44, 52), 0.6)
        sketch.capsule(left[:2], right[:2], 0.055 * r, 0.055 * r, lip, flat=True, decoration=True)
    if look.glasses and ball.front > 0.1:
        for name in ("left_eye", "right_eye"):
            x, y, z = points[name]
            if z > 0.1:
                sketch.ellipse((x, y), r * 0.27 * (0.4 + 0.6 * z), r * 0.22, ink, flat=True, decoration=True)
                sketch.ellipse((x, y), r * 0.2 * (0.4 + 0.6 * z), r * 0.15, (206, 222, 228), flat=True, decoration=True)


_CROWN = ((-1.1, 0.34), (-1.08, 0.78), (-0.7, 1.12), (0.0, 1.24), (0.7, 1.12), (1.08, 0.78), (1.1, 0.34))
_TALL_CROWN = ((-0.9, 0.42), (-0.74, 1.3), (0.0, 1.4), (0.74, 1.3), (0.9, 0.42))


def _hat(sketch: Sketch, ball: _Ball, look: Look) -> list[int]:
    colour = look.colours[3]
    if look.hat == "brim":
        part = sketch.polygon([ball.at(x, y) for x, y in _TALL_CROWN], colour)
        rim = ball.at(-1.6, 0.42), ball.at(1.6, 0.42)
        return [part, sketch.capsule(*rim, ball.ry * 0.1, ball.ry * 0.1, shaded(colour, 0.8), flat=True)]
    parts = [sketch.polygon([ball.at(x, y) for x, y in _CROWN], colour)]
    if look.hat == "cap" and ball.front > -0.6:
        tip = 1.45 * ball.side
        parts.append(sketch.capsule(ball.at(tip - 0.5 * ball.front, 0.36), ball.at(tip + 0.5 * ball.front, 0.36),
                                    ball.ry * 0.13, ball.ry * 0.13, shaded(colour, 0.78), flat=True))  # fmt: skip
    elif look.hat == "wool":
        parts.append(sketch.capsule(ball.at(-0.98, 0.4), ball.at(0.98, 0.4), ball.ry * 0.16, ball.ry * 0.16,
                                    shaded(colour, 0.82), flat=True))  # fmt: skip
        parts.append(sketch.ellipse(ball.at(0, 1.32), ball.rx * 0.26, ball.ry * 0.22, look.colours[4]))
    elif look.hat == "helmet":
        sketch.polygon(
            [ball.at(x, y) for x, y in ((-0.9, 0.7), (0.9, 0.7), (0.8, 0.9), (-0.8, 0.9))],
            look.colours[4],
            decoration=True,
        )
    return parts
