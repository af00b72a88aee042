"""Arguments of the room's functions: a value of the right type, or an error that says what was expected."""

from __future__ import annotations

import os
from collections.abc import Sequence
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from cnnkit.errors import InputError


def said(value: object) -> str:
    """What an error says was received: the type, and the value in one short line."""
    shape = getattr(value, "shape", ())
    shown = f"shape {tuple(shape)}" if shape else (repr(value).splitlines() or [""])[0][:80]
    return f"{type(value).__name__}: {shown}"


def path_of(value: object, what: str) -> Path:
    """The path that a caller gives; `~` is the home folder.

    Args:
        value: A text or a path.
        what: What an error calls it, e.g. `"a folder of pictures"`.

    Raises:
        InputError: Something else, or an empty text.
    """
    if not isinstance(value, str | os.PathLike) or not (text := os.fspath(value)) or not isinstance(text, str):
        raise InputError(f"the path of {what}", said(value), "Give a text or a pathlib.Path.")
    if "\0" in text:
        raise InputError(f"the path of {what}", ascii(text)[:80], "A path has no zero bytes.")
    path = Path(text)
    try:
        return path.expanduser()
    except RuntimeError:  # nobody's home: a folder may be called "~x"
        return path


def whole_number(value: object, name: str, *, least: int = 0, remedy: str = "Give a whole number.") -> int:
    """A whole number of Python or NumPy.

    Args:
        value: What was given.
        name: The argument.
        least: The smallest that is allowed.
        remedy: What an error proposes.

    Raises:
        InputError: Something else (16.0 and True too), or a number below.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer) or int(value) < least:
        raise InputError(f"{name} as a whole number of at least {least}", f"{name}={_short(value)}", remedy)
    return int(value)


def number(value: object, name: str, expected: str, remedy: str) -> float:
    """A finite real number of Python or NumPy.

    Raises:
        InputError: Something else.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real | np.number) or not np.isfinite(float(value)):
        raise InputError(expected, f"{name}={_short(value)}", remedy)
    return float(value)


def names_of(value: object, what: str) -> tuple[str, ...]:
    """Names in their order.

    Raises:
        InputError: One text, whose letters would be the names; no texts; or a name twice.
    """
    listed = isinstance(value, Sequence | np.ndarray) and not isinstance(value, str | bytes)
    names: list[Any] = list(value) if listed else []  # type: ignore[call-overload]
    if not names or not all(isinstance(name, str) and name for name in names) or len(set(names)) != len(names):
        raise InputError(f"{what} as a list of different names", said(value), 'For example ["ants", "bees"].')
    return tuple(str(name) for name in names)


def _short(value: object) -> str:
    return (repr(value).splitlines() or [""])[0][:80]
