"""Which points a skeleton joins."""

from __future__ import annotations

from collections.abc import Sequence

from cnnkit.scenes.skeleton import BONES, KEYPOINTS


def bones_of(names: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Pairs of points, by their places: COCO's bones of a person, of those whose ends are among these names.

    >>> bones_of(("left_ankle", "left_knee", "tail"))
    ((0, 1),)
    """
    pairs = [(KEYPOINTS[one - 1], KEYPOINTS[other - 1]) for one, other in BONES]
    return tuple((names.index(one), names.index(other)) for one, other in pairs if one in names and other in names)
