"""What a layer's arguments may be: numbers, flags, words from fixed lists; nothing that names code or a file.

A `Kind` reads one value of a configuration: of JSON, with lists, or of a live layer, with tuples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

LARGEST = 2**31 - 1
REQUIRED = object()
"""As a default: the config has to say it."""


@dataclass(frozen=True)
class Kind:
    """A kind of value.

    Attributes:
        words: What it is, as the end of a sentence that begins with "Expected".
        read: The value that the arithmetic works with; raises `ValueError` for any other.
        default: What an absent argument means.
    """

    words: str
    read: Callable[[Any], Any]
    default: Any = REQUIRED

    def __or__(self, default: Any) -> Kind:
        """The same with a default: `COUNT | 1`. A default of None makes null a legal value too."""
        return Kind(self.words, _nullable(self.read) if default is None else self.read, default)


Arguments = Mapping[str, Kind]
Settings = dict[str, Any]


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


def _nullable(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


def require(condition: bool) -> None:
    """Refuses a value.

    Raises:
        ValueError: The condition is false.
    """
    if not condition:
        raise ValueError


def integer(low: int, high: int = LARGEST) -> Kind:
    """Whole numbers from `low` to `high`; `true` is none."""

    def read(value: Any) -> int:
        require(type(value) is int and low <= value <= high)
        return int(value)

    return Kind(f"a whole number from {low} to {high}", read)


def one_of(*words: Any) -> Kind:
    """One of these values, of the same type."""

    def read(value: Any) -> Any:
        require(any(type(value) is type(word) and value == word for word in words))
        return value

    return Kind(f"one of {', '.join(map(repr, words))}", read)


def sides(low: int = 1) -> Kind:
    """A whole number for all axes, or a list with one for each axis."""
    side = integer(low)

    def read(value: Any) -> int | tuple[int, ...]:
        return _tuple(value, side, 3) if isinstance(value, list | tuple) else int(side.read(value))

    return Kind(f"a whole number of at least {low}, or one for each axis", read)


def axes(fewest: int = 1) -> Kind:
    """One axis, or a list of axes; negative ones count from the end."""
    axis = integer(-8, 8)

    def read(value: Any) -> tuple[int, ...]:
        if fewest == 0 and isinstance(value, list | tuple) and not value:
            return ()
        return _tuple(value, axis, 8) if isinstance(value, list | tuple) else (int(axis.read(value)),)

    return Kind("an axis or a list of axes", read)


def dimensions(low: int) -> Kind:
    """A list of whole numbers."""
    each = integer(low)
    return Kind(f"a list of whole numbers of at least {low}", lambda value: _tuple(value, each, 8))


def _tuple(value: Any, kind: Kind, longest: int) -> tuple[int, ...]:
    require(isinstance(value, list | tuple) and 1 <= len(value) <= longest)
    return tuple(kind.read(item) for item in value)


def _border(value: Any) -> Any:
    """Padding or cropping: one number, one per axis, or (before, after) per axis."""
    whole = integer(0)
    if not isinstance(value, list | tuple):
        return whole.read(value)
    require(1 <= len(value) <= 3)
    return tuple(_tuple(item, whole, 2) if isinstance(item, list | tuple) else whole.read(item) for item in value)


def number(value: Any) -> float:
    """A number, also as Keras 2 wrote one of NumPy.

    Raises:
        ValueError: Something else.
    """
    # How Keras 2 wrote a NumPy number, e.g. the slope of a LeakyReLU.
    if isinstance(value, dict) and value.get("type") == "ndarray":
        value = value.get("value")
    require(type(value) in (int, float))
    return float(value)


def nested_shape(value: Any) -> tuple[int, ...]:
    """The shape of numbers in nested lists; () for one number.

    Raises:
        ValueError: They are no numbers, or no array.

    >>> nested_shape([[1.0, 2.0, 3.0]])
    (1, 3)
    """
    if not isinstance(value, list | tuple):
        number(value)
        return ()
    require(bool(value))
    shapes = {nested_shape(item) for item in value}
    require(len(shapes) == 1)
    return (len(value), *shapes.pop())


def plain(value: Any) -> Any:
    """A setting that no arithmetic here depends on: a number, a flag, a stock word, null or a short list of them.

    Raises:
        ValueError: Something else.
    """
    if isinstance(value, list):
        require(len(value) <= 16)
        return [plain(item) for item in value]
    require(value is None or type(value) in (bool, int, float) or (isinstance(value, str) and value in WORDS))
    return value


WORDS = words(
    "fan_in fan_out fan_avg normal uniform truncated_normal untruncated_normal rows columns "
    "nearest bilinear bicubic area lanczos3 lanczos5 reflect constant wrap horizontal vertical horizontal_and_vertical "
    "dot concat float32 float16 bfloat16"
)


COUNT = integer(1)
FLAG = one_of(True, False)
NUMBER = Kind("a number", number)
NUMBERS = Kind("a number, or numbers in lists of one length", nested_shape)
"""Read as their shape: no arithmetic on shapes needs the numbers."""
BORDER = Kind("whole numbers of at least 0, one or two for each axis", _border)
PLAIN = Kind("numbers, flags and stock words", plain)
CHANNELS_LAST = one_of("channels_last")
