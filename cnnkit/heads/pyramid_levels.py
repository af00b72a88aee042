"""Which levels of a pyramid a detector looks at, and which of them a backbone has."""

from __future__ import annotations

from collections.abc import Sequence

from cnnkit.arguments import Argument

LEVELS = ("P3", "P4", "P5", "P6", "P7")
# Deeper levels are made from this one: no backbone of the table has a larger stride than 32.
DEEPEST = 5


def pyramid_levels(name: str) -> Argument:
    """The row of a setting that lists levels, fine to coarse, without a gap, of which the backbone has one at least."""
    return Argument(
        name,
        _without_gap,
        f"{name} without a gap, from P2 … P5 on, fine to coarse",
        '("P3", "P4", "P5") are those of a backbone; P6 and P7 are made.',
    )


def of_backbone(levels: Sequence[str]) -> tuple[str, ...]:
    """Those up to stride 32."""
    return tuple(level for level in levels if int(level[1:]) <= DEEPEST)


def _without_gap(levels: object) -> bool:
    if not isinstance(levels, tuple) or not levels:
        return False
    first = next((number for number in range(2, DEEPEST + 1) if levels[0] == f"P{number}"), None)
    return first is not None and levels == tuple(f"P{first + place}" for place in range(len(levels)))
