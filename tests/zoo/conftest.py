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


@pytest.fixture(scope="session")
def drawn() -> Mapping[str, keras.Model]:
    """Every network with its default arguments, and the variants."""
    builders = {name: (name, {}) for name in ck.zoo.__all__ if name != "nano"} | VARIANTS
    with weightless():
        return {title: getattr(ck.zoo, name)(**arguments) for title, (name, arguments) in builders.items()}
