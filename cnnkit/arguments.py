"""Arguments of public functions: what each takes, in a table, and the error for a value that is none of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from cnnkit.errors import InputError


@dataclass(frozen=True)
class Argument:
    """One argument of a function.

    Attributes:
        name: Its name.
        fine: Whether a value may be given.
        expected: What may be, for the message.
        remedy: What to do about another.
    """

    name: str
    fine: Callable[[Any], bool]
    expected: str
    remedy: str


def check_arguments(arguments: Iterable[Argument], given: Mapping[str, object]) -> None:
    """Refuses values that a function does not take.

    Args:
        arguments: Its table.
        given: Name → value, of some of them.

    Raises:
        InputError: The first of them is named.
    """
    for argument in arguments:
        if argument.name in given and not argument.fine(given[argument.name]):
            value = given[argument.name]
            received = f"{argument.name}={value!r}, {type(value).__name__}"
            raise InputError(argument.expected, received[:200], argument.remedy)


def whole(value: object, least: int) -> bool:
    """Whether a value is a whole number of at least `least`; True and False are none."""
    return isinstance(value, Integral) and not isinstance(value, bool) and least <= int(value) < 2**63


def list_of(value: object, kinds: type | tuple[type, ...]) -> bool:
    """Whether a value is a list or tuple whose items are all of these kinds."""
    return isinstance(value, list | tuple) and all(isinstance(item, kinds) for item in value)
