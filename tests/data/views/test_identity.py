"""What an augmentation is called in another process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from cnnkit.data import Augmentation, Chain, MixUp
from cnnkit.data.views.identity import identity_of
from cnnkit.errors import InputError


class Nameless:
    """A class without a repr."""

    def apply(self, image: Any, generator: Any) -> Any:
        return image


@dataclass(frozen=True)
class WithFunction:
    """A dataclass that holds what has no name of its own."""

    change: Any

    def apply(self, image: Any, generator: Any) -> Any:
        return self.change(image)


class Named(Nameless):
    def __repr__(self) -> str:
        return "Named(at 0x3, <not a place>)"


def test_a_repr_that_says_everything_is_the_name() -> None:
    for value in (
        None,
        Augmentation.gentle(),
        Chain((Augmentation(), Named())),
        MixUp(),
        WithFunction(Nameless),
        Named(),
    ):
        assert identity_of(value) == repr(value)


LOCAL = type("Local", (Nameless,), {"__qualname__": "f.<locals>.Local"})


@pytest.mark.parametrize(
    "value",
    [
        Nameless(),
        LOCAL(),
        WithFunction(lambda image: image),
        WithFunction(Nameless().apply),
        Chain((Augmentation(), Nameless())),
        Chain((Chain((WithFunction(Nameless()),)),)),
    ],
    ids=["object", "local class", "lambda", "method", "in a chain", "in a field in chains"],
)
def test_a_place_in_memory_is_no_name(value: Any) -> None:
    with pytest.raises(InputError, match=r"__repr__") as caught:
        identity_of(value)
    assert caught.value.received.startswith("<")
    assert " at 0x" in caught.value.received
    assert "Augmentation" not in caught.value.received
