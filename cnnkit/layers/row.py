"""A row of the tables: one Keras class, from its configuration to what it costs and sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cnnkit.layers.configuration import REQUIRED, Arguments, Settings
from cnnkit.layers.cost import Cost, Inputs
from cnnkit.layers.views import unknown
from cnnkit.primitives.layers import Layer

KERAS_LAYERS = (None, "keras.layers")
"""Where Keras 3 exports its layers; in the files of Keras 2 no module is named."""


@dataclass(frozen=True)
class Row:
    """One class of Keras.

    Attributes:
        cost: From its settings and inputs to its cost; raises `MisfitError` where they do not fit.
        view: From its settings to a layer of `primitives.layers` that tells what its outputs see of its inputs.
        arguments: Those in its config that its cost or its view depends on.
        others: Those that change its numbers only, besides the ones that every layer has.
        modules: Where the class is exported; None in the files of Keras 2.
        layer: Whether it is a layer; otherwise it is an operation on tensors, which has neither dtype nor weights.
        listed: Whether the tensors of a call come in a list.
        keywords: Tensors and constants that a call may name.
        outputs: How many tensors a call gives.
        registered: Whether Keras writes the class name as `registered_name`, for what it does not export.
    """

    cost: Callable[[Settings, Inputs], Cost]
    view: Callable[[Settings], Layer] = unknown
    arguments: Arguments = field(default_factory=dict)
    others: Arguments = field(default_factory=dict)
    modules: tuple[str | None, ...] = KERAS_LAYERS
    layer: bool = True
    listed: bool = False
    keywords: tuple[str, ...] = ()
    outputs: int = 1
    registered: bool = False

    def settings(self, config: Mapping[str, Any]) -> Settings:
        """The arguments that cost and view depend on, from a config that Keras wrote.

        Raises:
            ValueError: One is of a kind that the arithmetic does not know, channels first for example.
        """
        settings = {
            name: kind.read(config[name]) if name in config else kind.default for name, kind in self.arguments.items()
        }
        if REQUIRED in settings.values():
            raise ValueError
        return settings
