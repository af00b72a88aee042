"""The public names of a room: what its `__init__.pyi` lists, imported on first use.

A type checker and an editor read the stub; at run time `lazy_loader` reads the same file, so `import cnnkit` stays
instant and the two cannot disagree.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import lazy_loader

from cnnkit._backend import with_tensorflow
from cnnkit._quiet import quietly

# Names of version 0.1 that moved to another room: they still work, and stubs list only the new place.
MOVED = {
    "cnnkit": {"submissions": "cnnkit.course", "grading": "cnnkit.course"},
    "cnnkit.data": {"ImageDataGenerator": "cnnkit.keras_generator"},
    "cnnkit.export": {"write_submission": "cnnkit.course"},
    "cnnkit.visualize": dict.fromkeys(
        (
            "architecture",
            "block",
            "convolution",
            "convolution_animation",
            "costs",
            "pooling",
            "pooling_animation",
            "transposed_convolution",
            "transposed_convolution_animation",
        ),
        "cnnkit.diagrams",
    ),
}


def front_door(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """The `__getattr__`, `__dir__` and `__all__` of a package whose names are loaded on first use (PEP 562).

    Args:
        package: The package's own `__name__`.
        file: Its `__file__`; the stub is beside it.
    """
    load, names_of, names = lazy_loader.attach_stub(package, file)
    moved = MOVED.get(package, {})

    def get(name: str) -> Any:
        if name in names:
            return with_tensorflow(lambda: quietly(lambda: load(name)))
        if name in moved:
            return getattr(with_tensorflow(lambda: quietly(lambda: importlib.import_module(moved[name]))), name)
        # The interpreter adds "Did you mean" to an AttributeError by looking at `dir`.
        raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name)

    return get, names_of, names
