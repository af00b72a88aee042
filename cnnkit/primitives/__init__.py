"""How a convolutional network works, by hand: plain Python and NumPy, no framework.

Each module is one idea, small enough to read in a lecture, and is what the rest of cnnkit computes with.
"""

from __future__ import annotations

from cnnkit._lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    modules={
        "counting": "cnnkit.primitives.counting",
        "receptive_field": "cnnkit.primitives.receptive_field",
    },
    names={},
)
