"""Poses and the skeleton: joint angles in, 3-D joints out, projected to the plane of the picture.

In the body's own frame x points to its left, y up and z forward. `yaw` turns it: 0 faces the viewer, 90 faces
right in the picture, 180 shows its back. Lengths are shares of the body height (Drillis and Contini 1966).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from cnnkit.scenes.randomness import Dice

Point3 = tuple[float, float, float]

KEYPOINTS: tuple[str, ...] = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee",
    "left_ankle", "right_ankle",
)  # fmt: skip
"""COCO's order; left and right are the person's own."""

BONES: tuple[tuple[int, int], ...] = (
    (16, 14), (14, 12), (17, 15), (15, 13), (12, 13), (6, 12), (7, 13), (6, 7), (6, 8), (7, 9), (8, 10),
    (9, 11), (2, 3), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7),
)  # fmt: skip
"""COCO's skeleton, pairs of positions counted from 1."""


@dataclass(frozen=True)
class Arm:
    """Upper arm and forearm, each by its own direction in degrees: 0, 0 hangs down, 90 forward, 90 outward."""

    forward: float
    out: float
    fore_forward: float
    fore_out: float


@dataclass(frozen=True)
class Leg:
    """Thigh forward and outward, knee bent, in degrees."""

    forward: float
    out: float
    bend: float


@dataclass(frozen=True)
class Pose:
    """One row of the table of poses; the left and right limbs are swapped by chance.

    Args:
        name: What the person does.
        weight: How often, in proportion.
        lean: Forward lean of the trunk in degrees.
        arms: Left and right.
        legs: Left and right.
        spread: How far every angle may differ, in degrees.
        seat: What the person sits on: "" nothing, "chair", "floor".
        yaws: Lowest and highest turn away from the viewer's axis that shows the pose; () for any.
    """

    name: str
    weight: float
    lean: float
    arms: tuple[Arm, Arm]
    legs: tuple[Leg, Leg]
    spread: float = 7.0
    seat: str = ""
    yaws: tuple[float, float] | tuple[()] = ()


_DOWN = Arm(2, 9, 10, 4)
_HIP = Arm(-18, 42, 18, -48)
_STRAIGHT = Leg(0, 4, 2)
_WIDE = Leg(0, 11, 3)

POSES: tuple[Pose, ...] = (
    Pose("standing", 5, 0, (_DOWN, _DOWN), (_STRAIGHT, _STRAIGHT)),
    Pose("at ease", 3, -2, (_DOWN, _HIP), (_STRAIGHT, Leg(12, 12, 14))),
    Pose("hands on hips", 2, 0, (_HIP, _HIP), (_WIDE, _WIDE)),
    Pose("walking", 6, 4, (Arm(-24, 7, -6, 5), Arm(26, 7, 48, 4)), (Leg(27, 2, 6), Leg(-16, 2, 16))),
    Pose("strolling", 4, 2, (Arm(-14, 8, -2, 6), Arm(14, 8, 30, 4)), (Leg(16, 3, 5), Leg(-11, 3, 8))),
    Pose("running", 4, 13, (Arm(-52, 8, 24, 4), Arm(40, 8, 125, 2)),
         (Leg(58, 2, 62), Leg(-24, 2, 58)), 9, "", (40, 140)),
    Pose("waving", 4, 0, (_DOWN, Arm(10, 112, 6, 162)), (_STRAIGHT, _WIDE), 9),
    Pose("arms raised", 3, -3, (Arm(4, 145, 4, 168), Arm(4, 145, 4, 168)), (_WIDE, _WIDE), 12),
    Pose("arms spread", 2, 0, (Arm(0, 88, 0, 92), Arm(0, 88, 0, 92)), (_WIDE, _WIDE), 14),
    Pose("pointing", 2, 0, (_DOWN, Arm(82, 14, 86, 8)), (_STRAIGHT, Leg(8, 6, 4)), 9, "", (20, 100)),
    Pose("on the phone", 2, 1, (_DOWN, Arm(22, 24, 148, -6)), (_STRAIGHT, Leg(6, 5, 6)), 6),
    Pose("arms crossed", 2, -2, (Arm(18, 16, 62, -58), Arm(18, 16, 66, -54)), (_STRAIGHT, _WIDE), 5),
    Pose("bending", 2, 62, (Arm(18, 6, 24, 4), Arm(28, 6, 32, 4)),
         (Leg(14, 4, 14), Leg(-4, 4, 8)), 9, "", (50, 130)),
    Pose("squatting", 2, 24, (Arm(48, 12, 70, -8), Arm(48, 12, 70, -8)),
         (Leg(98, 18, 128), Leg(90, 18, 124)), 8),
    Pose("jumping", 2, 4, (Arm(10, 118, 10, 140), Arm(10, 118, 10, 140)),
         (Leg(34, 14, 66), Leg(4, 18, 46)), 14),
    Pose("kicking", 1, -8, (Arm(-30, 40, -10, 40), Arm(40, 34, 60, 20)),
         (Leg(62, 6, 22), Leg(-8, 4, 10)), 8, "", (40, 130)),
    Pose("sitting", 5, -2, (Arm(24, 10, 62, -8), Arm(24, 10, 62, -8)),
         (Leg(84, 7, 84), Leg(84, 7, 84)), 6, "chair"),
    Pose("sitting, legs out", 1, -8, (Arm(-34, 12, -30, 8), Arm(26, 10, 52, -4)),
         (Leg(82, 8, 34), Leg(82, 8, 12)), 6, "chair", (35, 90)),
    Pose("on the ground", 2, -6, (Arm(-32, 14, -28, 10), Arm(50, 10, 74, -8)),
         (Leg(112, 9, 92), Leg(84, 9, 6)), 6, "floor", (35, 90)),
)  # fmt: skip


@dataclass(frozen=True)
class Build:
    """The measures of one body.

    Args:
        height: Standing height in metres.
        width: Breadth against an average adult.
        child: Whether the proportions are a child's: a large head, short limbs.
    """

    height: float
    width: float
    child: bool


@dataclass(frozen=True)
class Skeleton:
    """Joints in the picture plane: x right, y up in metres, z toward the viewer.

    Args:
        joints: Name → (x, y, z); COCO's names from shoulder to ankle with "left_" and "right_", and
            "pelvis", "neck", "chin", "head", "left_hand", "left_heel", "left_toe" and so on.
        yaw: Of the body, degrees.
        head_yaw: Of the head, degrees.
        pose: The row it was posed by.
    """

    joints: dict[str, Point3]
    yaw: float
    head_yaw: float
    pose: Pose


def _direction(side: int, forward: float, out: float) -> Point3:
    f, o = math.radians(forward), math.radians(out)
    return side * math.sin(o), -math.cos(o) * math.cos(f), math.cos(o) * math.sin(f)


def _step(start: Point3, direction: Point3, length: float) -> Point3:
    return (
        start[0] + direction[0] * length,
        start[1] + direction[1] * length,
        start[2] + direction[2] * length,
    )


def some_yaw(dice: Dice, pose: Pose) -> float:
    """A turn in degrees that fits the pose: front, three quarters, side or back."""
    if pose.yaws:
        return dice.sign() * dice.uniform(*pose.yaws)
    kind = dice.weighted(("front", "quarter", "side", "back"), (4, 4, 3, 2))
    low, high = {"front": (-20, 20), "quarter": (20, 65), "side": (65, 110), "back": (130, 180)}[kind]
    return dice.sign() * dice.uniform(low, high)


def posed(dice: Dice, build: Build, pose: Pose, yaw: float, tilt: float) -> Skeleton:
    """The joints of a body in a pose.

    Args:
        dice: Random choices: which side is which, and how far every angle is from the table's.
        build: Measures of the body.
        pose: A row of the table.
        yaw: Turn of the body in degrees.
        tilt: How much lower near points lie than far ones, metres a metre: the view from above.
    """
    h = build.height
    trunk, head, limb = (0.29, 0.098, 0.9) if build.child else (0.285, 0.068, 1.0)
    wide = build.width * h
    wobble = pose.spread
    joints: dict[str, Point3] = {"pelvis": (0.0, 0.0, 0.0)}
    lean = math.radians(dice.around(pose.lean, wobble * 0.5))
    sway = math.radians(dice.around(0.0, 3.0))
    up = (math.sin(sway), math.cos(lean) * math.cos(sway), math.sin(lean))
    joints["neck"] = neck = _step((0.0, 0.0, 0.0), up, trunk * h)
    twist = math.radians(dice.around(0.0, 12.0))
    nod = math.radians(dice.around(pose.lean * 0.5 + 4, 9.0))
    tip = math.radians(dice.around(0.0, 8.0))
    head_up = (math.sin(tip), math.cos(nod) * math.cos(tip), math.sin(nod))
    joints["chin"] = _step(neck, head_up, 0.042 * h)
    joints["head"] = _step(neck, head_up, 0.034 * h + head * h)
    swap = dice.chance(0.5)
    for name, side in (("left", 1), ("right", -1)):
        row = (side < 0) != swap
        arm, leg = pose.arms[row], pose.legs[row]
        shoulder = (
            neck[0] + side * 0.102 * wide * math.cos(twist) - up[0] * 0.025 * h,
            neck[1] - up[1] * 0.028 * h,
            neck[2] + side * 0.102 * wide * math.sin(twist) - up[2] * 0.025 * h,
        )
        upper = _direction(side, dice.around(arm.forward, wobble), dice.around(arm.out, wobble))
        fore = _direction(side, dice.around(arm.fore_forward, wobble), dice.around(arm.fore_out, wobble))
        elbow = _step(shoulder, upper, 0.172 * h * limb)
        wrist = _step(elbow, fore, 0.148 * h * limb)
        hip = (side * 0.056 * wide, -0.012 * h, 0.0)
        forward = dice.around(leg.forward, wobble)
        out = dice.around(leg.out, wobble * 0.5)
        bend = max(0.0, dice.around(leg.bend, wobble))
        knee = _step(hip, _direction(side, forward, out), 0.245 * h * limb)
        shin = _direction(side, forward - bend, out * 0.6)
        ankle = _step(knee, shin, 0.232 * h * limb)
        pitch = math.radians(max(-35.0, min(50.0, (forward - bend) * 0.7)))
        toe = (0.25 * side * math.cos(pitch), math.sin(pitch), 0.97 * math.cos(pitch))
        heel = _step(ankle, shin, 0.026 * h)
        joints |= {
            f"{name}_shoulder": shoulder, f"{name}_elbow": elbow, f"{name}_wrist": wrist,
            f"{name}_hand": _step(wrist, fore, 0.036 * h), f"{name}_hip": hip, f"{name}_knee": knee,
            f"{name}_ankle": ankle, f"{name}_heel": heel, f"{name}_toe": _step(heel, toe, 0.088 * h),
        }  # fmt: skip
    return _projected(dice, joints, h, pose, yaw, tilt)


def _projected(dice: Dice, joints: dict[str, Point3], h: float, pose: Pose, yaw: float, tilt: float) -> Skeleton:
    cos, sin = math.cos(math.radians(yaw)), math.sin(math.radians(yaw))
    turned: dict[str, Point3] = {}
    for name, (x, y, z) in joints.items():
        depth = z * cos - x * sin
        turned[name] = (x * cos + z * sin, y - depth * tilt, depth)
    floor = min(turned[f"{side}_{end}"][1] for side in ("left", "right") for end in ("heel", "toe"))
    floor -= 0.018 * h
    if pose.seat == "floor":
        floor = min(floor, turned["pelvis"][1] - 0.075 * h)
    if pose.name == "jumping":
        floor -= dice.uniform(0.05, 0.22) * h
    grounded = {name: (x, y - floor, z) for name, (x, y, z) in turned.items()}
    return Skeleton(grounded, yaw, yaw + dice.around(0.0, 28.0), pose)
