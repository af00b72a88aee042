"""Which value or colour of a mask file means which class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.arguments import listed, names_of, said
from cnnkit.data.targets.column import content_digest
from cnnkit.errors import InputError
from cnnkit.metrics.label_maps import VOID

Colour = tuple[int, int, int]
Value = int | Colour

# In tables of 256 values: no class, and not void either.
UNKNOWN = -1
EXAMPLE = 'For example ["road", "car"], {"road": 7, "car": 26} or {"road": (128, 64, 128), "car": (0, 0, 142)}.'


@dataclass(frozen=True, eq=False)
class Palette:
    """The classes of mask files, and what stands for them.

    Attributes:
        names: The class names.
        values: What stands for each class: for all of them a number 0…255, or for all of them (red, green, blue).
        void: Numbers and colours of pixels of which nothing is known. A number is a grey value where the files hold
            colours. The number 255 may be a class all the same.

    Raises:
        InputError: A value that stands for two classes, or for a class and for void; or more than 255 classes.
    """

    names: tuple[str, ...]
    values: tuple[Value, ...]
    void: tuple[Value, ...] = (VOID,)
    numbers: NDArray[np.int16] = field(init=False)
    codes: NDArray[np.uint32] = field(init=False)
    labels: NDArray[np.uint8] = field(init=False)

    def __post_init__(self) -> None:
        if len(self.names) > VOID:
            raise InputError(f"up to {VOID} classes", f"{len(self.names)}", f"{VOID} is a pixel of no known class.")
        for index, value in enumerate(self.values):
            if value in self.values[:index]:
                two = f"{self.names[self.values.index(value)]!r} and {self.names[index]!r}"
                raise InputError("another value for each class", f"{value} for {two}", EXAMPLE)
            if value in self.void and value != VOID:
                received = f"{value} for {self.names[index]!r} and for void"
                raise InputError("another value for void than for the classes", received, "void=None: all is known.")
        table = dict.fromkeys(self.void, VOID) | {value: index for index, value in enumerate(self.values)}
        numbers = np.full(256, UNKNOWN, np.int16)
        for value, label in table.items():
            if isinstance(value, int):
                numbers[value] = label
        object.__setattr__(self, "numbers", numbers)
        colours = {(value,) * 3 if isinstance(value, int) else value: label for value, label in table.items()}
        colours |= {value: index for index, value in enumerate(self.values) if not isinstance(value, int)}
        pairs = sorted((code_of(colour), label) for colour, label in colours.items())
        object.__setattr__(self, "codes", np.array([code for code, _ in pairs], np.uint32))
        object.__setattr__(self, "labels", np.array([label for _, label in pairs], np.uint8))

    @property
    def coloured(self) -> bool:
        """Whether colours stand for the classes."""
        return bool(self.values) and not isinstance(self.values[0], int)

    def digest(self) -> str:
        """A sha256 over what stands for what."""
        return content_digest("palette", self.names, (str(self.values), str(sorted(map(str, self.void)))))

    def of_colours(self, codes: NDArray[np.uint32]) -> tuple[NDArray[np.uint8], NDArray[np.bool_] | None]:
        """The class of each colour.

        Args:
            codes: (h, w), as of `code_of`.

        Returns:
            (h, w) classes, and (h, w) whether a colour is known; None where all are.
        """
        flat = codes.ravel()
        # Masks are areas of one colour: where it changes along a row is looked up, one in 30 pixels or fewer.
        starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
        lengths = np.diff(starts, append=flat.size)
        runs = flat[starts]
        places = np.minimum(np.searchsorted(self.codes, runs), len(self.codes) - 1)
        known = self.codes[places] == runs
        labels = np.repeat(self.labels[places], lengths).reshape(codes.shape)
        return labels, None if known.all() else np.repeat(known, lengths).reshape(codes.shape)

    def of_numbers(self, colours: NDArray[np.uint32]) -> NDArray[np.int16]:
        """(256,) the class of each number of a file, `UNKNOWN` where it is none.

        Args:
            colours: (k,) codes of the colours that the file shows for the first k numbers.
        """
        table = self.numbers.copy()
        if self.coloured:
            labels, known = self.of_colours(colours[None])
            known = np.ones(labels.shape, np.bool_) if known is None else known
            table[: len(colours)][known[0]] = labels[known]
        return table


def code_of(colour: Colour) -> int:
    """A colour as one number: red + 2⁸ green + 2¹⁶ blue.

    >>> code_of((1, 2, 0))
    513
    """
    red, green, blue = colour
    return red | green << 8 | blue << 16


def colour_of(code: int) -> Colour:
    """The colour of a code."""
    return code & 255, code >> 8 & 255, code >> 16 & 255


def palette_of(classes: object, void: object) -> Palette:
    """What a caller says of classes and void.

    Args:
        classes: Names, whose places are the values of pixels; or name → number 0…255; or name → (red, green, blue).
        void: None; a number; a tuple (red, green, blue); or a list of these.

    Raises:
        InputError: Something else.
    """
    unknown = _void(void)
    if not isinstance(classes, Mapping):
        names = names_of(classes, "classes")
        return Palette(names, tuple(range(len(names))), unknown)
    names = names_of(list(classes), "classes")
    values = tuple(_value(value) for value in classes.values())
    kinds = {type(value) for value in values}
    if None in values or len(kinds) != 1:
        raise InputError("a number 0…255 for each class, or a colour for each", said(dict(classes)), EXAMPLE)
    return Palette(names, tuple(value for value in values if value is not None), unknown)


def _void(void: object) -> tuple[Value, ...]:
    values = void if isinstance(void, list) else [] if void is None else [void]
    read = [_value(value) for value in values]
    if None in read:
        remedy = "For example void=255, void=(224, 224, 192), void=[0, 255] or void=None."
        raise InputError(
            "void as a number 0…255, a tuple (red, green, blue), a list of these, or None", said(void), remedy
        )
    return tuple(value for value in read if value is not None)


def _value(value: object) -> Value | None:
    """A number or a colour; None of anything else."""
    parts = [value] if isinstance(value, int | np.integer) else listed(value) or []
    whole = [isinstance(part, int | np.integer) and not isinstance(part, bool) and 0 <= part <= 255 for part in parts]
    if len(parts) not in (1, 3) or not all(whole):
        return None
    if len(parts) == 1:
        return int(parts[0])
    red, green, blue = (int(part) for part in parts)
    return red, green, blue
