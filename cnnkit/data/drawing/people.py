"""People: a posed skeleton gets limbs with thickness, clothes, hands, shoes and a head."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from cnnkit.data.drawing.heads import draw_head
from cnnkit.data.drawing.looks import Look
from cnnkit.data.drawing.palette import shaded
from cnnkit.data.drawing.skeleton import KEYPOINTS, Point3, Skeleton
from cnnkit.data.drawing.sketch import Point, Sketch


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
        joints, look, w = self.skeleton.joints, self.look, self.w
        hip, knee, ankle = (joints[f"{side}_{name}"] for name in ("hip", "knee", "ankle"))
        bare = look.bottom != "trousers" or look.top == "dress"
        cloth = look.colours[1]
        wide = 1.0 if bare else 1.12
        shoe = look.colours[2]
        foot = self.sketch.capsule(
            _flat(joints[f"{side}_heel"]), _flat(joints[f"{side}_toe"]), 0.024 * self.h, 0.02 * self.h, shoe
        )
        shin = self.sketch.capsule(
            _flat(knee), _flat(ankle), 0.034 * w * wide, 0.022 * w * wide, look.skin if bare else cloth
        )
        self.show(foot, f"{side}_ankle")
        self.show(shin, f"{side}_ankle", f"{side}_knee")
        thigh = self.sketch.capsule(
            _flat(hip),
            _flat(knee),
            0.052 * w * wide,
            0.036 * w * wide,
            look.skin if bare and look.bottom != "shorts" else cloth,
        )
        if look.bottom == "shorts" and look.top != "dress":
            thigh_end = _toward(hip, knee, 0.72)
            bare_knee = self.sketch.capsule(thigh_end, _flat(knee), 0.037 * w, 0.035 * w, look.skin)
            self.show(bare_knee, f"{side}_knee")
            leg = self.sketch.capsule(_flat(hip), thigh_end, 0.056 * w, 0.047 * w, cloth)
            self.show(leg, f"{side}_hip")
        self.show(thigh, f"{side}_hip", f"{side}_knee")

    def arm(self, side: str) -> None:
        joints, look, w = self.skeleton.joints, self.look, self.w
        shoulder, elbow, wrist, hand = (joints[f"{side}_{name}"] for name in ("shoulder", "elbow", "wrist", "hand"))
        cloth = look.colours[0]
        long = look.sleeve > 0.6
        wide = 1.15 if look.top == "coat" else 1.0
        palm = self.sketch.capsule(_flat(wrist), _flat(hand), 0.018 * self.h, 0.017 * self.h, look.skin)
        upper = self.sketch.capsule(
            _flat(shoulder), _flat(elbow), 0.033 * w * wide, 0.026 * w * wide, cloth if long else look.skin
        )
        fore = self.sketch.capsule(
            _flat(elbow), _flat(wrist), 0.026 * w * wide, 0.019 * w * wide, cloth if long else look.skin
        )
        self.show(palm, f"{side}_wrist")
        self.show(upper, f"{side}_shoulder", f"{side}_elbow")
        self.show(fore, f"{side}_elbow", f"{side}_wrist")
        if 0 < look.sleeve <= 0.6:
            sleeve = self.sketch.capsule(
                _flat(shoulder), _toward(shoulder, elbow, look.sleeve * 2), 0.037 * w, 0.034 * w, cloth
            )
            self.show(sleeve, f"{side}_shoulder")
            if look.sleeve > 0.42:
                self.show(sleeve, f"{side}_elbow")

    def _levels(self) -> list[tuple[float, float, float]]:
        """Cross-sections of the trunk from the hips up: middle x, y, half width across the picture."""
        joints, look = self.skeleton.joints, self.look
        pelvis, neck = joints["pelvis"], joints["neck"]
        yaw = math.radians(self.skeleton.yaw)
        fat = max(0.0, look.build.width - 1.1)
        # (share of the way from pelvis to neck, half width, half depth) in body heights
        rows = ((-0.12, 0.082, 0.066), (0.12, 0.082, 0.066), (0.4, 0.074 + 0.1 * fat, 0.06 + 0.16 * fat),
                (0.7, 0.092, 0.07), (0.92, 0.1, 0.058), (1.03, 0.052, 0.04))  # fmt: skip
        wide = 1.12 if look.top == "coat" else 1.0
        levels = []
        for share, half, depth in rows:
            across = math.hypot(half * math.cos(yaw), depth * math.sin(yaw)) * self.w * wide
            x, y = _toward(pelvis, neck, share)
            levels.append((x, y, across))
        return levels

    def trunk(self, _: str) -> None:
        sketch, look, joints = self.sketch, self.look, self.skeleton.joints
        levels = self._levels()
        if look.bottom != "shorts" or look.top == "dress":
            self._skirt(levels)
        cloth = look.colours[0]
        if look.top in ("shirt", "jumper", "vest"):
            waist = sketch.column(levels[:2], look.colours[1])
            self.show(waist, "left_hip", "right_hip")
            body = levels[1:]
        else:
            body = levels
        part = sketch.polygon(_outline(body), shaded(cloth, sketch.dark))
        lit = (-0.55, 0.93) if sketch.lit > 0 else (-0.93, 0.55)
        sketch.polygon(
            _outline([(x + half * (lit[0] + lit[1]) / 2, y, half * (lit[1] - lit[0]) / 2) for x, y, half in body]),
            cloth,
            decoration=True,
        )
        self.show(part, "left_shoulder", "right_shoulder", "left_hip", "right_hip")
        self._pattern(levels)
        if abs(self.skeleton.yaw) < 100 and look.top in ("shirt", "vest", "dress", "coat"):
            x, y = _flat(joints["neck"])
            collar = look.skin if look.top != "coat" else look.colours[4]
            half = levels[-1][2]
            sketch.polygon(
                ((x - half * 0.7, y + 0.01 * self.h), (x + half * 0.7, y + 0.01 * self.h), (x, y - 0.045 * self.h)),
                collar,
                decoration=True,
            )

    def _skirt(self, levels: list[tuple[float, float, float]]) -> None:
        look, joints = self.look, self.skeleton.joints
        if look.top == "coat":
            length, flare, colour = 0.55, 0.35, look.colours[0]
        elif self.covered:
            length, flare, colour = 0.85, 0.75, look.colours[0] if look.top == "dress" else look.colours[1]
        else:
            return
        x, y, half = levels[1]
        (lx, ly), (rx, ry) = (_toward(joints[f"{s}_hip"], joints[f"{s}_knee"], length) for s in ("left", "right"))
        if lx > rx:
            lx, ly, rx, ry = rx, ry, lx, ly
        grown = half * flare
        hem = ((lx - grown, ly), (rx + grown, ry))
        part = self.sketch.polygon(((x - half, y), hem[0], hem[1], (x + half, y)), shaded(colour, self.sketch.dark))
        inner = 0.35 * (hem[1][0] - hem[0][0])
        if self.sketch.lit > 0:
            lit = ((x - half * 0.3, y), (hem[0][0] + inner, ly), hem[1], (x + half, y))
        else:
            lit = ((x - half, y), hem[0], (hem[1][0] - inner, ry), (x + half * 0.3, y))
        self.sketch.polygon(lit, colour, decoration=True)
        self.show(part, "left_hip", "right_hip")

    def _pattern(self, levels: list[tuple[float, float, float]]) -> None:
        look, sketch = self.look, self.sketch
        second = look.colours[4]
        if look.pattern == "stripes" and self.pixels * 0.05 * self.h > 1.2:
            for share in (0.25, 0.42, 0.59, 0.76):
                sketch.polygon(_slice(levels, share, share + 0.075), second, decoration=True)
        elif look.pattern == "band":
            sketch.polygon(_slice(levels, 0.45, 0.7), second, decoration=True)
        elif look.pattern == "open" and abs(self.skeleton.yaw) < 75:
            turn = math.sin(math.radians(self.skeleton.yaw)) * 0.6
            strip = [(x + half * turn, y, half * 0.2) for x, y, half in levels[1:-1]]
            sketch.polygon(_outline(strip), second, decoration=True)

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


def _outline(levels: list[tuple[float, float, float]]) -> list[Point]:
    return [(x - half, y) for x, y, half in levels] + [(x + half, y) for x, y, half in reversed(levels)]


def _slice(levels: list[tuple[float, float, float]], low: float, high: float) -> list[Point]:
    """The piece of a trunk between two shares of its way up."""
    shares = (-0.12, 0.12, 0.4, 0.7, 0.92, 1.03)
    cut = []
    for share in (low, high):
        above = next(i for i in range(1, 6) if shares[i] >= share)
        t = (share - shares[above - 1]) / (shares[above] - shares[above - 1])
        a, b = levels[above - 1], levels[above]
        cut.append((a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, (a[2] + (b[2] - a[2]) * t) * 0.97))
    return _outline(cut)


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
