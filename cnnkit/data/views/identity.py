"""What an augmentation or a mixer is called where results of it are kept or a training goes on from them."""

from __future__ import annotations

import re

from cnnkit.errors import InputError

# The place of an object in memory, as Python writes it where a class has no `__repr__`: another in each process.
ADDRESS = re.compile(r"<[^<>]*(?:<\w+>[^<>]*)* at 0x[0-9a-fA-F]+>")


def identity_of(value: object) -> str:
    """The `repr` of an augmentation, a mixer or None: the same text in each process stands for the same versions.

    Raises:
        InputError: A part of it is written as a place in memory, which says nothing in another process.

    >>> identity_of(None)
    'None'
    """
    text = repr(value)
    if (place := ADDRESS.search(text)) is not None:
        raise InputError(
            "an augmentation or a mixer that is named by its repr, the same in each process",
            place.group(),
            "Make it a frozen dataclass whose fields are numbers and texts, or give its class a __repr__ of all that "
            "its results depend on.",
        )
    return text
