"""What a model's JSON means and costs, by arithmetic alone: no Keras, nothing built.

One walk through the graph follows the shapes. From it come the parameters, the largest output, the multiply-adds, and
every tensor that a weights file has to hold, by path and shape.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from cnnkit.course.submissions.assignment import Assignment, Limits
from cnnkit.course.submissions.findings import Finding, RefusedError, shown
from cnnkit.course.submissions.graph import Part
from cnnkit.course.submissions.graph_costs import GraphWalk
from cnnkit.course.submissions.model_graph import read_graph
from cnnkit.course.submissions.strict_json import parse_json
from cnnkit.course.submissions.weights_layout import LayerWeights, legacy_layers, parts_of, saved_tensors
from cnnkit.layers.cost import Shape, Weight

FLOAT_BYTES = 4
_SMALLER = "Choose a smaller network or a smaller input."


@dataclass(frozen=True)
class Architecture:
    """A model as its JSON describes it. Numbers are for one picture.

    Attributes:
        name: The model's name.
        inputs: Shapes of its inputs, the open batch (None) in front.
        outputs: Shapes of its outputs.
        layers: Layers, operations and nested models, inner ones included.
        calls: Calls of them in one pass.
        parameters: All weights; those of a shared layer once.
        multiply_adds: Of all calls.
        operations: Comparisons and additions in pooling windows.
        largest_output: Values of the largest array that a layer makes.
        largest_layer: The layer that makes it.
        alive: Values of all arrays that are needed at one time, at the most.
        tensors: Of a `.weights.h5` of Keras 3: path → tensor, in the order of the layers.
        legacy: Of a legacy `.h5`: every layer in order, those without weights included.
    """

    name: str
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    layers: int
    calls: int
    parameters: int
    multiply_adds: int
    operations: int
    largest_output: int
    largest_layer: str
    alive: int
    tensors: dict[str, Weight]
    legacy: tuple[LayerWeights, ...]

    def activation_bytes(self, batch: int) -> int:
        """Bytes of all arrays that are needed at one time for so many pictures, in float32."""
        return self.alive * batch * FLOAT_BYTES


def read_architecture(
    data: bytes, assignment: Assignment, *, file: str = "model.json"
) -> tuple[Architecture | None, tuple[Finding, ...]]:
    """What a submitted JSON means, and all that speaks against it. Never raises, whatever the bytes are.

    Args:
        data: The whole file; its size was limited before it was read.
        assignment: Its limits, and what the model has to take and give.
        file: Its name, for the findings.

    Returns:
        The architecture, or None where it cannot be told; and the findings, none where the model is welcome.
    """
    try:
        architecture = measure(data, assignment.limits)
    except RefusedError as error:
        return None, (error.finding(file),)
    return architecture, tuple(replace(finding, file=file) for finding in _judge(architecture, assignment))


def measure(data: bytes, limits: Limits) -> Architecture:
    """Reads, checks and measures a model, whatever it takes and gives.

    Args:
        data: Its JSON.
        limits: `json_depth`, `layers` and `calls` bound the work; the other budgets are not judged here.

    Raises:
        RefusedError: It is no JSON, no stock model, or does not add up.
    """
    graph = read_graph(parse_json(data, depth=limits.json_depth), most_layers=limits.layers)
    walk = GraphWalk(limits.calls)
    shapes = tuple(_fixed(part) for part in graph.inputs)
    outputs = walk.run(graph, shapes)
    return Architecture(
        name=graph.name,
        inputs=shapes,
        outputs=tuple(outputs),
        layers=sum(1 for _ in parts_of(graph)),
        calls=walk.calls,
        parameters=sum(math.prod(weight.shape) for weights in walk.weights.values() for weight in weights),
        multiply_adds=walk.multiply_adds,
        operations=walk.operations,
        largest_output=walk.largest_output,
        largest_layer=walk.largest_layer,
        alive=walk.alive,
        tensors=dict(saved_tensors(graph, walk.weights)),
        legacy=legacy_layers(graph, walk.weights),
    )


def _fixed(part: Part) -> Shape:
    shape = part.declared or ()
    if len(shape) < 2 or shape[0] is not None or None in shape[1:]:
        raise RefusedError(
            "model-input",
            "an input of fixed height, width and channels with an open batch, (None, 224, 224, 3) say",
            f"{shape} of {part.name!r}",
            "Build the model with keras.Input((height, width, 3)).",
        )
    return shape


def _judge(found: Architecture, assignment: Assignment) -> Iterator[Finding]:
    """All that an architecture of its own right may still have against it."""
    limits, wanted = assignment.limits, assignment.input_shape
    if len(found.inputs) != 1 or len(found.inputs[0]) != 4 or (wanted and found.inputs[0][1:] != wanted):
        yield Finding(
            "model-input",
            "",
            f"one input of pictures, {(None, *wanted) if wanted else '(None, height, width, channels)'}",
            ", ".join(map(str, found.inputs)),
            "Build the model with one keras.Input((height, width, 3)).",
        )
    if found.outputs != ((None, 1),):
        yield Finding(
            "model-output",
            "",
            f"one output of one unit, (None, 1): the probability of {assignment.column!r}",
            ", ".join(map(str, found.outputs)),
            'End the model with Dense(1, activation="sigmoid").',
        )
    side = max((side or 0 for shape in found.inputs for side in shape[1:3]), default=0)
    if side > limits.input_side:
        yield Finding(
            "budget-input",
            "",
            f"an input of at most {limits.input_side:,} × {limits.input_side:,} pixels",
            ", ".join(map(str, found.inputs)),
            _SMALLER,
        )
    for check, what, value, limit in (
        ("budget-parameters", "parameters", found.parameters, limits.parameters),
        (
            "budget-activation",
            f"bytes of arrays at one time for {limits.batch} pictures",
            found.activation_bytes(limits.batch),
            limits.activation_bytes,
        ),
        ("budget-multiply-adds", "multiply-adds for a picture", found.multiply_adds, limits.multiply_adds),
        ("budget-operations", "comparisons and additions in pooling windows", found.operations, limits.multiply_adds),
    ):
        if value > limit:
            where = f"; the largest is made at {shown(found.largest_layer)}" if check == "budget-activation" else ""
            yield Finding(check, "", f"at most {limit:,} {what}", f"{value:,}{where}", _SMALLER)
