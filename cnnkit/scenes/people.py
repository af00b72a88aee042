"""People: a posed skeleton gets limbs with thickness, clothes, hands, shoes and a head."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cnnkit.scenes.heads import draw_head
from cnnkit.scenes.looks import Look
from cnnkit.scenes.palette import Colour, shaded
from cnnkit.scenes.skeleton import KEYPOINTS, Point3, Skeleton
from cnnkit.scenes.sketch import Point, Sketch


@dataclass(frozen=True)
class Keypoint:
    """One of COCO's seventeen in a sketch.

    Args:
        x: Metres right of the origin of the sketch.
        y: Metres above it.
        parts: Parts of the sketch that show it; it is visible where one of them is.
        faces: False where it is on the side turned away from the viewer.
    """

    x: float
    y: float
    parts: frozenset[int]
    faces: bool


def _flat(joint: Point3) -> Point:
    return joint[0], joint[1]


def _toward(start: Point3, end: Point3, share: float) -> Point:
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


# Share of the way from pelvis to neck; half width and half depth in body heights (of a medium build).
_TRUNK = ((0.0, 0.083, 0.068), (0.16, 0.08, 0.066), (0.42, 0.073, 0.06), (0.7, 0.092, 0.072), (0.9, 0.1, 0.06),
          (0.97, 0.078, 0.05), (1.03, 0.04, 0.036))  # fmt: skip
_BELLY = 0.42


@dataclass(frozen=True)
class _Level:
    """One cross-section of the trunk: where it is and how wide.

    Args:
        share: Of the way from the pelvis to the neck.
        middle: Its middle.
        across: Unit vector across the trunk.
        half: Half its width in metres.
    """

    share: float
    middle: Point
    across: Point
    half: float

    def at(self, side: float) -> Point:
        """The point at a share of the half width, −1 … 1."""
        reach = self.half * side
        return self.middle[0] + self.across[0] * reach, self.middle[1] + self.across[1] * reach


class _Body:
    """One person being drawn: the sketch, and which parts show which joint."""

    def __init__(self, sketch: Sketch, skeleton: Skeleton, look: Look, pixels: float) -> None:
        self.sketch, self.skeleton, self.look, self.pixels = sketch, skeleton, look, pixels
        self.h = look.build.height * (1.12 if look.build.child else 1.0)
        self.w = self.h * (0.55 + 0.45 * look.build.width)
        self.shown: dict[str, set[int]] = {name: set() for name in KEYPOINTS}
        self.points: dict[str, Point3] = {}
        self.covered = look.top == "dress" or look.bottom == "skirt"

    def show(self, part: int, *names: str) -> None:
        for name in names:
            self.shown[name].add(part)

    def leg(self, side: str) -> None:
        sketch, joints, look, h, w = self.sketch, self.skeleton.joints, self.look, self.h, self.w
        hip, knee, ankle = (joints[f"{side}_{name}"] for name in ("hip", "knee", "ankle"))
        heel, toe = _flat(joints[f"{side}_heel"]), _flat(joints[f"{side}_toe"])
        self.show(sketch.capsule(heel, toe, 0.024 * h, 0.019 * h, look.colours[2]), f"{side}_ankle")
        bare = look.bottom != "trousers" or look.top == "dress"
        wide = w if bare else 1.12 * w
        bones = (_flat(hip), _flat(knee), _flat(ankle))
        colour = look.skin if bare else look.colours[1]
        limb = sketch.limb(bones, (0.052 * wide, 0.036 * wide, 0.023 * wide), colour)
        self.show(limb, f"{side}_hip", f"{side}_knee", f"{side}_ankle")
        covered, cloth = self._hem()
        if covered > 0:
            radius = 0.056 if look.bottom == "shorts" else 0.054
            end = _toward(hip, knee, covered)
            part = sketch.limb((_flat(hip), end), (radius * w * 1.08, (radius - 0.012 * covered) * w * 1.08), cloth)
            self.show(part, f"{side}_hip")
            if covered > 0.65:  # its round end lies over the knee
                self.show(part, f"{side}_knee")

    def _hem(self) -> tuple[float, Colour]:
        """How far down the thigh a garment reaches, as a share, and its colour."""
        look = self.look
        if look.top == "dress":
            return 0.85, look.colours[0]
        if look.bottom == "skirt":
            return 0.8, look.colours[1]
        if look.top == "coat":
            return 0.5, look.colours[0]
        return (0.72, look.colours[1]) if look.bottom == "shorts" else (0.0, look.colours[1])

    def arm(self, side: str) -> None:
        sketch, joints, look, h, w = self.sketch, self.skeleton.joints, self.look, self.h, self.w
        shoulder, elbow, wrist, hand = (joints[f"{side}_{name}"] for name in ("shoulder", "elbow", "wrist", "hand"))
        long = look.sleeve > 0.6
        wide = 1.15 * w if look.top == "coat" else w
        self.show(sketch.capsule(_flat(wrist), _flat(hand), 0.019 * h, 0.017 * h, look.skin), f"{side}_wrist")
        bones = (_flat(shoulder), _flat(elbow), _flat(wrist))
        colour = look.colours[0] if long else look.skin
        limb = sketch.limb(bones, (0.034 * wide, 0.027 * wide, 0.019 * wide), colour)
        self.show(limb, f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist")
        if 0 < look.sleeve <= 0.6:
            end = _toward(shoulder, elbow, look.sleeve * 2)
            sleeve = sketch.capsule(_flat(shoulder), end, 0.037 * w, 0.035 * w, look.colours[0])
            self.show(sleeve, f"{side}_shoulder")
            if look.sleeve > 0.42:
                self.show(sleeve, f"{side}_elbow")

    def _levels(self) -> list[_Level]:
        """Cross-sections of the trunk from the hips up."""
        joints, look = self.skeleton.joints, self.look
        pelvis, neck = joints["pelvis"], joints["neck"]
        yaw = math.radians(self.skeleton.yaw)
        dx, dy = neck[0] - pelvis[0], neck[1] - pelvis[1]
        length = math.hypot(dx, dy) or 1.0
        across = (dy / length, -dx / length)
        fat = max(0.0, look.build.width - 1.1)
        wide = (1.12 if look.top == "coat" else 1.0) * self.w
        levels = []
        for share, half, depth in _TRUNK:
            belly = 1.0 + (2.2 * fat if share == _BELLY else 0.0)
            reach = math.hypot(half * math.cos(yaw), depth * belly * math.sin(yaw)) * wide
            levels.append(_Level(share, _toward(pelvis, neck, share), across, reach))
        return levels

    def hips(self, _: str) -> None:
        look = self.look
        colour = look.colours[0] if look.top in ("coat", "dress") else look.colours[1]
        pelvis = _flat(self.skeleton.joints["pelvis"])
        part = self.sketch.ellipse(pelvis, self._levels()[0].half, 0.06 * self.w, colour)
        self.show(part, "left_hip", "right_hip")

    def trunk(self, _: str) -> None:
        sketch, look, joints, h = self.sketch, self.look, self.skeleton.joints, self.h
        levels = self._levels()
        cloth = look.colours[0]
        if look.top in ("coat", "dress") or look.bottom == "skirt":
            self._skirt(levels[0])
        part = sketch.polygon(_strip(levels, -1.0, 1.0), shaded(cloth, sketch.dark))
        left, right = (-0.5, 0.94) if sketch.lit > 0 else (-0.94, 0.5)
        sketch.polygon(_strip(levels, left, right), cloth, decoration=True)
        self.show(part, "left_shoulder", "right_shoulder", "left_hip", "right_hip")
        self._pattern(levels)
        if abs(self.skeleton.yaw) < 100 and look.top != "jumper":
            x, y = _flat(joints["neck"])
            half = levels[-1].half
            collar = look.colours[4] if look.top == "coat" else look.skin
            neckline = ((x - half * 0.75, y + 0.01 * h), (x + half * 0.75, y + 0.01 * h), (x, y - 0.045 * h))
            sketch.polygon(neckline, collar, decoration=True)

    def _skirt(self, waist: _Level) -> None:
        joints, sketch = self.skeleton.joints, self.sketch
        length, colour = self._hem()
        flare = 0.3 if self.look.top == "coat" else 0.6
        x, y = waist.middle
        ends = [_toward(joints[f"{side}_hip"], joints[f"{side}_knee"], length) for side in ("left", "right")]
        (lx, ly), (rx, ry) = sorted(ends)
        half, grown = waist.half, waist.half * flare
        left, right = (lx - grown, ly), (rx + grown, ry)
        part = sketch.polygon(((x - half, y), left, right, (x + half, y)), shaded(colour, sketch.dark))
        inner = 0.3 * (right[0] - left[0])
        if sketch.lit > 0:
            lit = ((x - half * 0.4, y), (left[0] + inner, ly), right, (x + half, y))
        else:
            lit = ((x - half, y), left, (right[0] - inner, ry), (x + half * 0.4, y))
        sketch.polygon(lit, colour, decoration=True)
        self.show(part, "left_hip", "right_hip")

    def _pattern(self, levels: list[_Level]) -> None:
        look, sketch = self.look, self.sketch
        second = look.colours[4]
        if look.pattern == "stripes" and self.pixels * 0.05 * self.h > 1.2:
            for share in (0.2, 0.38, 0.56, 0.74):
                sketch.polygon(_slice(levels, share, share + 0.08), second, decoration=True)
        elif look.pattern == "band":
            sketch.polygon(_slice(levels, 0.45, 0.68), second, decoration=True)
        elif look.pattern == "open" and abs(self.skeleton.yaw) < 75:
            turn = math.sin(math.radians(self.skeleton.yaw)) * 0.6
            sketch.polygon(_strip(levels[:-1], turn - 0.2, turn + 0.2), second, decoration=True)

    def backpack(self, _: str) -> None:
        look, sketch, joints = self.look, self.sketch, self.skeleton.joints
        if look.bag != "backpack":
            return
        yaw = math.radians(self.skeleton.yaw)
        x, y = _toward(joints["pelvis"], joints["neck"], 0.62)
        x -= math.sin(yaw) * 0.1 * self.w
        half = (0.05 + 0.03 * abs(math.cos(yaw))) * self.w
        top = y + 0.1 * self.h
        levels = [(x, y - 0.11 * self.h, half * 0.95), (x, y + 0.07 * self.h, half), (x, top, half * 0.6)]
        sketch.column(levels, look.colours[3])

    def shoulder_bag(self, _: str) -> None:
        look, sketch, joints = self.look, self.sketch, self.skeleton.joints
        if look.bag != "shoulder":
            return
        start, end = joints["left_shoulder"], joints["right_hip"]
        width = 0.009 * self.h
        strap = _toward(start, end, 0.1), _toward(start, end, 0.95)
        sketch.capsule(*strap, width, width, look.colours[3], flat=True, decoration=True)
        x, y = _toward(start, end, 1.15)
        sketch.column([(x, y - 0.07 * self.h, 0.05 * self.h), (x, y + 0.03 * self.h, 0.045 * self.h)], look.colours[3])

    def head(self, _: str) -> None:
        drawn = draw_head(self.sketch, self.skeleton, self.look, self.pixels)
        for name, point in drawn.points.items():
            self.points[name] = point
            self.shown[name].update(drawn.parts)


def _strip(levels: Sequence[_Level], left: float, right: float) -> list[Point]:
    """The part of the trunk between two shares of its half width, as a polygon."""
    return [level.at(left) for level in levels] + [level.at(right) for level in reversed(levels)]


def _slice(levels: Sequence[_Level], low: float, high: float) -> list[Point]:
    """The piece of the trunk between two shares of its way up."""
    cut = []
    for share in (low, high):
        below, above = next((a, b) for a, b in pairwise(levels) if b.share >= share)
        t = (share - below.share) / (above.share - below.share)
        middle = (
            below.middle[0] + (above.middle[0] - below.middle[0]) * t,
            below.middle[1] + (above.middle[1] - below.middle[1]) * t,
        )
        cut.append(_Level(share, middle, below.across, below.half + (above.half - below.half) * t))
    return _strip(cut, -0.97, 0.97)


def draw_person(sketch: Sketch, skeleton: Skeleton, look: Look, pixels: float) -> tuple[Keypoint, ...]:
    """Draws one person; far parts first. Returns the seventeen keypoints in COCO's order.

    Args:
        sketch: Where to.
        skeleton: The posed body.
        look: The appearance.
        pixels: Pixels a metre in the picture, which decides the details.
    """
    body = _Body(sketch, skeleton, look, pixels)
    joints = skeleton.joints
    facing_back = abs(((skeleton.yaw + 180) % 360) - 180) > 90
    lower = 0.05 if body.covered else 0.0
    head_depth = joints["head"][2]
    pieces: list[tuple[float, Callable[[str], None], str]] = [
        (-0.9, body.hips, ""),
        (lower, body.trunk, ""),
        (head_depth + 0.03 if facing_back else max(0.01, head_depth), body.head, ""),
        (-1.0 if not facing_back else lower + 0.001, body.backpack, ""),
        (lower + 0.002, body.shoulder_bag, ""),
    ]
    for side in ("left", "right"):
        pieces.append((joints[f"{side}_knee"][2] * 0.6 - 0.03, body.leg, side))
        depth = 0.6 * joints[f"{side}_elbow"][2] + 0.4 * joints[f"{side}_wrist"][2]
        pieces.append((depth + (-0.02 if facing_back else 0.02), body.arm, side))
    for _, draw, side in sorted(pieces, key=lambda piece: piece[0]):
        draw(side)
    keypoints = []
    for name in KEYPOINTS:
        x, y, z = body.points.get(name) or joints[name]
        faces = z > -0.1 if name in body.points else True
        keypoints.append(Keypoint(x, y, frozenset(body.shown[name]), faces))
    return tuple(keypoints)
