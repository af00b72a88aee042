"""Networks to count on: their shapes without their weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import pytest

import cnnkit as ck
from tests.weightless import weightless

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "googlenet, auxiliary": ("googlenet", {"auxiliary": True}),
    **{f"shufflenet, {groups} groups": ("shufflenet", {"groups": groups}) for groups in (1, 2, 4, 8)},
    **{f"shufflenet_v2, {alpha}": ("shufflenet_v2", {"alpha": alpha}) for alpha in (0.5, 1.5, 2.0)},
}


class Drawn(dict[str, keras.Model]):
    """Title → network. Each is built when a test first asks for it: two processes do not both build all."""

    def __missing__(self, title: str) -> keras.Model:
        name, arguments = VARIANTS.get(title, (title, {}))
        with weightless():
            self[title] = getattr(ck.zoo, name)(**arguments)
        return self[title]


@pytest.fixture(scope="session")
def drawn() -> Mapping[str, keras.Model]:
    """Every network with its default arguments, and the variants."""
    return Drawn()
