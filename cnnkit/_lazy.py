"""Public names that import their module on first use (PEP 562), so that `import cnnkit` stays instant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cnnkit._backend import with_tensorflow
from cnnkit._quiet import import_quietly


def lazy_exports(
    package: str, *, names: Mapping[str, str], modules: Mapping[str, str] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """The `__getattr__`, `__dir__` and `__all__` of a package whose names are loaded on first use.

    Args:
        package: The package's own `__name__`.
        names: Public name → the module that defines it. A module may not have the name of what it exports:
            the import system would put the module itself in the name's place.
        modules: Public name → the module that it stands for.
    """
    module_of = dict(modules or {})
    exported = sorted([*names, *module_of])

    def get(name: str) -> Any:
        if name in module_of:
            return with_tensorflow(lambda: import_quietly(module_of[name]))
        if name in names:
            return getattr(with_tensorflow(lambda: import_quietly(names[name])), name)
        # The interpreter adds "Did you mean" to an AttributeError by looking at `dir`.
        raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name)

    return get, lambda: exported, exported
