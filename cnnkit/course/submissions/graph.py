"""The graph of a model: its parts, their calls, and the tensors between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cnnkit.layers.configuration import Settings
from cnnkit.layers.cost import Shape
from cnnkit.layers.row import Row

FUNCTIONAL = ("Functional", "Model")
SEQUENTIAL = ("Sequential",)
INPUT = "InputLayer"


@dataclass(frozen=True)
class Reference:
    """A tensor: what one call of a layer gave.

    Attributes:
        layer: Name of the layer.
        call: Which of its calls, from 0.
        tensor: Which of its outputs, from 0.
    """

    layer: str
    call: int
    tensor: int


@dataclass(frozen=True)
class Call:
    """One call of a layer.

    Attributes:
        inputs: Of a layer or model its tensors; of an operation tensors, operands and lists of tensors.
        tensors: All tensors among them, in the order in which Keras walks back through them.
    """

    inputs: tuple[Any, ...]
    tensors: tuple[Reference, ...]


@dataclass(eq=False)
class Part:
    """A layer, an operation or a nested model of a graph.

    Attributes:
        name: Unique in its graph.
        class_name: As in the file.
        row: Its arithmetic; None for an input and for a nested model.
        settings: Its arguments.
        graph: The nested model.
        calls: In order.
        declared: Of an input its shape, batch included.
        trainable: Whether its weights train.
        built: Shapes that the file says it was built for.
    """

    name: str
    class_name: str
    row: Row | None = None
    settings: Settings = field(default_factory=dict)
    graph: Graph | None = None
    calls: tuple[Call, ...] = ()
    declared: Shape | None = None
    trainable: bool = True
    built: tuple[Shape, ...] = ()

    @property
    def outputs(self) -> int:
        """How many tensors a call gives."""
        if self.graph is not None:
            return len(self.graph.outputs)
        return 1 if self.row is None else self.row.outputs


@dataclass(eq=False)
class Graph:
    """A model.

    Attributes:
        name: Its name.
        sequential: Whether it is a Sequential, whose input is no layer.
        parts: In the order in which Keras holds them, which its weights files follow.
        schedule: Every call, none before what it takes.
        inputs: Its input layers.
        outputs: Its output tensors.
        trainable: Whether its weights train.
    """

    name: str
    sequential: bool
    parts: tuple[Part, ...]
    schedule: tuple[tuple[Part, int], ...]
    inputs: tuple[Part, ...]
    outputs: tuple[Reference, ...]
    trainable: bool
