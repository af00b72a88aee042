"""What one pass through a graph costs: shapes are followed from the inputs, and what each call costs is added up.

The work is bounded by the calls of layers that Keras itself would make, and those are limited: a model nested twice in
each of twenty others is refused, not walked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cnnkit.course.submissions.findings import RefusedError
from cnnkit.course.submissions.graph import INPUT, Graph, Part, Reference
from cnnkit.layers.cost import Cost, MisfitError, Shape, Weight, misfit, size


@dataclass
class GraphWalk:
    """Follows shapes through a graph and adds up what the calls cost.

    Attributes:
        most_calls: Calls and tensors that they take, at most.
        calls: So far, as all that follow.
        tensors: That the calls take.
        multiply_adds: Of all calls.
        operations: Comparisons and additions in pooling windows.
        largest_output: Values of the largest array that a layer makes.
        largest_layer: The layer that makes it.
        alive: Values of all arrays that are needed at one time, at the most.
        weights: Of each part, by its identity.
    """

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
        """The shapes of the outputs for inputs of these shapes.

        Raises:
            RefusedError: `layer-shape`, `build-config`, `budget-calls`.
        """
        outputs, peak = self._run(graph, inputs)
        self.alive = max(self.alive, peak)
        return outputs

    def _run(self, graph: Graph, inputs: Sequence[Shape]) -> tuple[list[Shape], int]:
        """The shapes of the outputs, and the values that are needed at one time at the most.

        Branches are followed side by side, as TensorFlow runs them: an array is there from the call that makes it to
        the last that takes it.
        """
        if len(inputs) != len(graph.inputs):
            raise _misfit(f"{len(graph.inputs)} inputs for model {graph.name!r}", len(inputs))
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
                outputs, inner = [cost.output, *cost.others], cost.inner
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
            raise _misfit("a layer", part.class_name)
        try:
            cost = part.row.cost(part.settings, taken)
        except MisfitError as error:
            where = f"{error.expected} in {part.class_name} {part.name!r}"
            raise RefusedError("layer-shape", where, error.received, error.remedy) from error
        if self.weights.setdefault(id(part), cost.weights) != cost.weights:
            raise _misfit(f"inputs of one form in all calls of {part.name!r}", "inputs that want other weights")
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
        raise _misfit(f"{declared} for input {part.name!r}", shape)


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


def _misfit(expected: str, received: object) -> RefusedError:
    """The finding for a call that Keras could not make."""
    error = misfit(expected, received)
    return RefusedError("layer-shape", error.expected, error.received, error.remedy)
