"""Arguments of the room's functions: a value of the right type, or an error that says what was expected."""

from __future__ import annotations

import os
from collections.abc import Iterable
from numbers import Real
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cnnkit.errors import InputError, unknown_name


def said(value: object) -> str:
    """What an error says was received: the type, and the value in one short line."""
    shape = getattr(value, "shape", ())
    shown = f"shape {tuple(shape)}" if shape and not callable(shape) else (repr(value).splitlines() or [""])[0][:80]
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
    if not _is_whole(value) or value < least:
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


def listed(value: object) -> list[Any] | None:
    """The parts of a list, a tuple or an array of one axis; None of anything else."""
    if isinstance(value, tuple | list) or (isinstance(value, np.ndarray) and value.ndim == 1):
        return list(value)
    return None


def names_of(value: object, what: str) -> tuple[str, ...]:
    """Names in their order.

    Raises:
        InputError: One text, whose letters would be the names; no texts; or a name twice.
    """
    names = listed(value) or []
    if not names or not all(isinstance(name, str) and name for name in names) or len(set(names)) != len(names):
        raise InputError(f"{what} as a list of different names", said(value), 'For example ["ants", "bees"].')
    return tuple(str(name) for name in names)


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _short(value: object) -> str:
    return (repr(value).splitlines() or [""])[0][:80]


def one_of(value: object, kind: str, names: Iterable[object]) -> None:
    """Refuses what is none of the names.

    Args:
        value: What was given.
        kind: What an error calls it, e.g. `"a resize"`.
        names: All that exist; None may be one.

    Raises:
        UnknownNameError: It is none of them.
    """
    known = list(names)
    if not (value is None or isinstance(value, str)) or value not in known:
        raise unknown_name(kind, str(value), [str(name) for name in known])


def pair_of(value: object, name: str, expected: str, remedy: str) -> tuple[float, float]:
    """Two finite numbers.

    Raises:
        InputError: Something else.
    """
    if (two := listed(value)) is None or len(two) != 2:
        raise InputError(expected, f"{name}={_short(value)}", remedy)
    return number(two[0], name, expected, remedy), number(two[1], name, expected, remedy)


def require_rgb(image: object) -> None:
    """Refuses what is no picture of (h, w, 3) uint8 with at least one pixel.

    Raises:
        InputError: It is something else.
    """
    array: NDArray[Any] = image if isinstance(image, np.ndarray) and image.dtype == np.uint8 else np.zeros(0)
    if array.ndim != 3 or array.shape[2] != 3 or not array.size:
        raise InputError("a picture (h, w, 3) of uint8", said(image), "ck.data.as_source(image).image(0) makes one.")


def size_of(value: object, name: str = "size") -> tuple[int, int]:
    """(height, width) in pixels.

    Raises:
        InputError: Something else, or less than 1 × 1.
    """
    expected, remedy = f"{name} as (height, width), whole numbers of at least 1", "For example (224, 224)."
    sides = listed(value) or []
    if len(sides) != 2 or not all(_is_whole(side) and side >= 1 for side in sides):
        raise InputError(expected, f"{name}={_short(value)}", remedy)
    return int(sides[0]), int(sides[1])


def flag(value: object, name: str) -> bool:
    """A yes or no.

    Raises:
        InputError: Neither; a probability is none.
    """
    if not isinstance(value, bool | np.bool_ | int) or value not in (0, 1):
        raise InputError(f"{name} as True or False", f"{name}={_short(value)}", "Give one of them.")
    return bool(value)


def shares_of(value: object) -> NDArray[np.float64]:
    """The shares of the parts of a split.

    Raises:
        InputError: No numbers, one below 0, or another sum than 1.
    """
    try:
        shares = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        shares = np.empty(0)
    if shares.ndim != 1 or not (shares >= 0).all() or not abs(shares.sum() - 1) < 1e-6:
        raise InputError("shares of 0 or more that add up to 1", _short(value), "For example split=(0.7, 0.15, 0.15).")
    return shares


def seed_of(value: object) -> int:
    """A seed.

    Raises:
        InputError: No whole number from 0.
    """
    return whole_number(value, "seed", remedy="Any whole number from 0 will do; the same seed gives the same result.")


def augmenter(value: object) -> None:
    """Refuses what makes no views.

    Raises:
        InputError: It has no `apply`.
    """
    # A class is not one of its values, and pandas has an apply of its own.
    if not callable(getattr(value, "apply", None)) or isinstance(value, type | pd.Series | pd.DataFrame):
        raise InputError(
            "an augmentation",
            said(value),
            "ck.data.Augmentation(horizontal_flip=True) is one; a function or a Keras layer becomes one as a frozen "
            "dataclass with apply(image, generator).",
        )
