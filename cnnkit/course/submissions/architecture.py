"""What a model's JSON means and costs, by arithmetic alone: no Keras, nothing built.

One walk through the graph follows the shapes. From it come the parameters, the largest output, the multiply-adds, and
every tensor that a weights file has to hold, by path and shape. The work is bounded by the calls of layers that Keras
itself would make, and those are limited: a model nested twice in each of twenty others is refused, not walked.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cnnkit.course.submissions.assignment import Assignment, Limits
from cnnkit.course.submissions.findings import Finding, RefusedError, shown
from cnnkit.course.submissions.layer_arithmetic import Cost, Shape, Weight, misfit, size
from cnnkit.course.submissions.model_graph import INPUT, Graph, Part, Reference, read_graph
from cnnkit.course.submissions.strict_json import parse_json

FLOAT_BYTES = 4
_SMALLER = "Choose a smaller network or a smaller input."


@dataclass(frozen=True)
class LayerWeights:
    """The tensors of one layer in a legacy H5 file, which lists them by layer and loads them by order.

    Attributes:
        name: The layer's name, and that of its group.
        weights: First those that train, then the others; of a nested model those of all its layers.
    """

    name: str
    weights: tuple[Weight, ...]


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
    walk = _Walk(limits.calls)
    shapes = tuple(_fixed(part) for part in graph.inputs)
    outputs = walk.run(graph, shapes)
    return Architecture(
        name=graph.name,
        inputs=shapes,
        outputs=tuple(outputs),
        layers=sum(1 for _ in _parts(graph)),
        calls=walk.calls,
        parameters=sum(math.prod(weight.shape) for weights in walk.weights.values() for weight in weights),
        multiply_adds=walk.multiply_adds,
        operations=walk.operations,
        largest_output=walk.largest_output,
        largest_layer=walk.largest_layer,
        alive=walk.alive,
        tensors=dict(_tensors(graph, walk.weights)),
        legacy=tuple(
            LayerWeights(part.name, _trained_first(part, graph.trainable, walk.weights)) for part in _layers(graph)
        ),
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


@dataclass
class _Walk:
    """Follows shapes through a graph and adds up what the calls cost."""

    most_calls: int
    calls: int = 0
    tensors: int = 0
    multiply_adds: int = 0
    operations: int = 0
    largest_output: int = 0
    largest_layer: str = ""
    alive: int = 0
    weights: dict[int, tuple[Weight, ...]] = field(default_factory=dict)

    def run(self, graph: Graph, inputs: Sequence[Shape]) -> list[Shape]:
        """The shapes of the outputs for inputs of these shapes."""
        outputs, peak = self._run(graph, inputs)
        self.alive = max(self.alive, peak)
        return outputs

    def _run(self, graph: Graph, inputs: Sequence[Shape]) -> tuple[list[Shape], int]:
        """The shapes of the outputs, and the values that are needed at one time at the most.

        Branches are followed side by side, as TensorFlow runs them: an array is there from the call that makes it to
        the last that takes it.
        """
        if len(inputs) != len(graph.inputs):
            raise misfit(f"{len(graph.inputs)} inputs for model {graph.name!r}", len(inputs))
        given = {part.name: shape for part, shape in zip(graph.inputs, inputs, strict=True)}
        made: dict[tuple[str, int], list[Shape]] = {}
        schedule = _side_by_side(graph)
        last = _last_uses(graph, schedule)
        alive = peak = 0
        for place, (part, number) in enumerate(schedule):
            call = part.calls[number]
            taken = _resolve(call.inputs, made)
            self._count(part, len(call.tensors))
            inner = 0
            if part.class_name == INPUT:
                _require_fit(part, given[part.name])
                outputs = [given[part.name]]
            elif part.graph is not None:
                outputs, inner = self._run(part.graph, taken)
            else:
                cost = self._cost(part, taken)
                outputs, inner = [cost.output], cost.inner
            if number == 0:
                _require_built(part, taken)
            self._largest(part, max(size(shape) for shape in outputs))
            made[part.name, number] = outputs
            values = sum(map(size, outputs))
            peak = max(peak, alive + max(values, inner))
            alive += values
            for used in last[place]:
                alive -= sum(map(size, made[used]))
        return [made[tensor.layer, tensor.call][tensor.tensor] for tensor in graph.outputs], peak

    def _count(self, part: Part, tensors: int) -> None:
        self.calls += 1
        self.tensors += tensors
        if self.calls + self.tensors > self.most_calls:
            raise RefusedError(
                "budget-calls",
                f"at most {self.most_calls:,} calls of layers and tensors that they take",
                f"more, at {part.name!r}",
                "Do not nest models that are called several times; build one flat model.",
            )

    def _cost(self, part: Part, taken: Sequence[Any]) -> Cost:
        if part.row is None:
            raise misfit("a layer", part.class_name)
        try:
            cost = part.row.compute(part.settings, taken)
        except RefusedError as error:
            where = f"{error.expected} in {part.class_name} {part.name!r}"
            raise RefusedError(error.check, where, error.received, error.remedy) from error
        if self.weights.setdefault(id(part), cost.weights) != cost.weights:
            raise misfit(f"inputs of one form in all calls of {part.name!r}", "inputs that want other weights")
        self.multiply_adds += cost.multiply_adds
        self.operations += cost.operations
        self._largest(part, cost.inner)
        return cost

    def _largest(self, part: Part, values: int) -> None:
        if values > self.largest_output:
            self.largest_output, self.largest_layer = values, part.name


def _side_by_side(graph: Graph) -> list[tuple[Part, int]]:
    """The schedule in the order of the longest way from an input: branches advance together."""
    depth: dict[tuple[str, int], int] = {}
    for part, number in graph.schedule:
        taken = (depth[tensor.layer, tensor.call] for tensor in part.calls[number].tensors)
        depth[part.name, number] = 1 + max(taken, default=0)
    return sorted(graph.schedule, key=lambda step: depth[step[0].name, step[1]])


def _last_uses(graph: Graph, schedule: Sequence[tuple[Part, int]]) -> list[list[tuple[str, int]]]:
    """For each step the calls whose outputs nobody needs after it; the model's outputs are needed to its end."""
    last = {(part.name, number): place for place, (part, number) in enumerate(schedule)}
    for place, (part, number) in enumerate(schedule):
        for tensor in part.calls[number].tensors:
            last[tensor.layer, tensor.call] = place
    for tensor in graph.outputs:
        last.pop((tensor.layer, tensor.call), None)
    ended: list[list[tuple[str, int]]] = [[] for _ in schedule]
    for call, place in last.items():
        ended[place].append(call)
    return ended


def _resolve(inputs: Sequence[Any], made: dict[tuple[str, int], list[Shape]]) -> list[Any]:
    """What a call takes, with shapes in the place of tensors."""
    taken: list[Any] = []
    for value in inputs:
        if isinstance(value, Reference):
            taken.append(made[value.layer, value.call][value.tensor])
        else:
            taken.append(_resolve(value, made) if isinstance(value, list) else value)
    return taken


def _require_fit(part: Part, shape: Shape) -> None:
    declared = part.declared or ()
    if len(declared) != len(shape) or any(
        side is not None and side != given for side, given in zip(declared, shape, strict=True)
    ):
        raise misfit(f"{declared} for input {part.name!r}", shape)


def _require_built(part: Part, taken: Sequence[Any]) -> None:
    """A build_config says what the first call says: Keras would make weights for it before it looks at the graph."""
    agrees = len(part.built) <= len(taken) and all(
        len(built) == len(shape) and all(one in (None, two) for one, two in zip(built, shape, strict=True))
        for built, shape in zip(part.built, taken, strict=False)
    )
    if not agrees:
        raise RefusedError(
            "build-config",
            f"the build_config of {part.name!r} for its inputs {list(taken[:4])}",
            str(list(part.built[:4])),
            "Write the file with model.to_json().",
        )


# --- the tensors of a weights file


def _parts(graph: Graph) -> Iterator[Part]:
    for part in graph.parts:
        yield part
        if part.graph is not None:
            yield from _parts(part.graph)


def _layers(graph: Graph) -> Iterator[Part]:
    """As `model.layers` has them: no operations, and no input of a Sequential."""
    for part in graph.parts:
        if (part.row is None or part.row.layer) and not (graph.sequential and part.class_name == INPUT):
            yield part


def _tensors(graph: Graph, weights: dict[int, tuple[Weight, ...]], prefix: str = "") -> Iterator[tuple[str, Weight]]:
    """Paths as Keras 3 saves them: layers are called by their class and numbered within their model."""
    count: Counter[str] = Counter()
    for part in _layers(graph):
        class_name = part.class_name if part.graph is None or part.graph.sequential else "Functional"
        stem = _snake_case(class_name)
        path = f"{prefix}layers/{stem}" + (f"_{count[stem]}" if count[stem] else "")
        count[stem] += 1
        if part.graph is not None:
            yield from _tensors(part.graph, weights, f"{path}/")
        for weight in weights.get(id(part), ()):
            yield f"{path}/{weight.path}", weight


def _snake_case(name: str) -> str:
    """`to_snake_case` of Keras: `PReLU` is `p_re_lu`.

    >>> _snake_case("DepthwiseConv2D")
    'depthwise_conv2d'
    """
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _trained_first(part: Part, trainable: bool, weights: dict[int, tuple[Weight, ...]]) -> tuple[Weight, ...]:
    every = list(_flagged(part, trainable, weights))
    return tuple(
        [weight for weight, trained in every if trained] + [weight for weight, trained in every if not trained]
    )


def _flagged(part: Part, trainable: bool, weights: dict[int, tuple[Weight, ...]]) -> Iterator[tuple[Weight, bool]]:
    """The weights of a layer, each with whether it trains; a model that does not train freezes its layers."""
    trainable = trainable and part.trainable
    for weight in weights.get(id(part), ()):
        yield weight, weight.trained and trainable
    if part.graph is not None:
        for inner in _layers(part.graph):
            yield from _flagged(inner, trainable, weights)


# --- what the assignment says


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
