"""The kinds of head, by the name that a bundle's manifest holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cnnkit.errors import unknown_name
from cnnkit.heads.classification import classifier
from cnnkit.heads.head import Head

KINDS: dict[str, Callable[..., Head]] = {"classifier": classifier}


def from_settings(settings: Mapping[str, Any]) -> Head:
    """The head that `Head.settings` described.

    Raises:
        UnknownNameError: The kind of head does not exist in this version.
    """
    arguments = dict(settings)
    kind = arguments.pop("kind", None)
    if kind not in KINDS:
        raise unknown_name("a head", str(kind), KINDS)
    return KINDS[kind](**arguments)
