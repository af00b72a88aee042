"""The shape of a network's input: (height, width, channels) in whole numbers, large enough for the network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any

from cnnkit.errors import InputError


def check_input_shape(
    given: object,
    *,
    least: int = 1,
    channels: Sequence[int] = (3,),
    open_sides: bool = False,
    network: str = "",
    remedy: str = "Pictures are RGB, as in (224, 224, 3).",
) -> tuple[int, int, int]:
    """(height, width, channels) as Python integers.

    Args:
        given: What a caller gave as `input_shape`.
        least: The smallest side that leaves a pixel to the last layer.
        channels: The numbers of channels that the network takes.
        open_sides: Whether height and width may be None, which then is returned as it is.
        network: Its name, for the message.
        remedy: What a caller can do about another shape, a sentence.

    Raises:
        InputError: Another form, other channels, or sides that are too small.

    >>> check_input_shape([224, 224, 3], least=32)
    (224, 224, 3)
    """
    sides: tuple[Any, ...] = tuple(given) if isinstance(given, Iterable) else (given,)
    free = (None,) if open_sides else ()
    form = len(sides) == 3 and all(side in free or _is_whole(side) for side in sides[:2]) and _is_whole(sides[-1])
    if not form or sides[2] not in channels or any(side not in free and side < 1 for side in sides[:2]):
        listed = " or ".join(map(str, channels))
        expected = "3): pictures are RGB" if tuple(channels) == (3,) else f"channels) with {listed} channels"
        raise InputError(f"input_shape=(height, width, {expected}", repr(given)[:200], remedy)
    numbers: list[Any] = [side if side is None else int(side) for side in sides]
    height, width, depth = numbers
    if any(side is not None and side < least for side in (height, width)):
        larger = tuple(side if side is None else max(side, least) for side in (height, width))
        raise InputError(
            f"an input of at least {least}×{least}" + (f" for {network}" if network else ""),
            f"{height}×{width}",
            f"Use input_shape=({larger[0]}, {larger[1]}, {depth}) or larger. {remedy}",
        )
    return height, width, depth


def _is_whole(side: object) -> bool:
    return isinstance(side, Integral) and not isinstance(side, bool)
