"""The order of a graph's calls: one in which each has what it takes, and the one in which Keras holds its layers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from cnnkit.course.submissions.findings import RefusedError, shown
from cnnkit.course.submissions.graph import Part, Reference
from cnnkit.course.submissions.json_form import TO_JSON


def require_tensors(references: Iterable[Reference], by_name: Mapping[str, Part], what: str) -> None:
    """Refuses references to tensors that no call gives.

    Raises:
        RefusedError: `graph-missing-layer`.
    """
    for reference in references:
        part = by_name.get(reference.layer)
        if part is None or not (0 <= reference.call < len(part.calls) and reference.tensor < part.outputs):
            raise RefusedError(
                "graph-missing-layer",
                f"a tensor that exists as an input of {what}",
                f"output {reference.tensor} of call {reference.call} of {shown(reference.layer)}",
                f"The file is damaged. {TO_JSON}",
            )


def scheduled_calls(parts: list[Part], by_name: Mapping[str, Part], model: str) -> tuple[tuple[Part, int], ...]:
    """All calls in an order in which each has what it takes (Kahn 1962): time grows with the number of tensors.

    Raises:
        RefusedError: `graph-missing-layer`, `graph-cycle`.
    """
    missing: dict[tuple[str, int], int] = {}
    waiting_for: dict[tuple[str, int], list[tuple[str, int]]] = {}
    for part in parts:
        for number, call in enumerate(part.calls):
            require_tensors(call.tensors, by_name, f"{part.name!r}")
            sources = {(tensor.layer, tensor.call) for tensor in call.tensors}
            missing[part.name, number] = len(sources)
            for source in sources:
                waiting_for.setdefault(source, []).append((part.name, number))
    ready = deque(node for node, count in missing.items() if count == 0)
    order: list[tuple[Part, int]] = []
    while ready:
        node = ready.popleft()
        order.append((by_name[node[0]], node[1]))
        for other in waiting_for.get(node, ()):
            missing[other] -= 1
            if missing[other] == 0:
                ready.append(other)
    if len(order) < len(missing):
        stuck = next(name for (name, _), count in missing.items() if count)
        raise RefusedError(
            "graph-cycle", f"a graph without loops in model {model!r}", f"{stuck!r} needs its own result", TO_JSON
        )
    return tuple(order)


def keras_order(by_name: Mapping[str, Part], outputs: tuple[Reference, ...]) -> list[Part]:
    """The parts as `map_graph` of Keras 3 orders them: by depth below the output, then as a walk back meets them."""
    met: dict[str, int] = {}
    finished: dict[tuple[str, int], None] = {}
    for output in outputs:
        stack = [((output.layer, output.call), iter(by_name[output.layer].calls[output.call].tensors))]
        met.setdefault(output.layer, len(met))
        while stack:
            node, tensors = stack[-1]
            for tensor in tensors:
                source = (tensor.layer, tensor.call)
                if source not in finished:
                    met.setdefault(tensor.layer, len(met))
                    stack.append((source, iter(by_name[tensor.layer].calls[tensor.call].tensors)))
                    break
            else:
                finished[node] = None
                stack.pop()
    depths = dict.fromkeys(finished, 0)
    deepest = dict.fromkeys(met, 0)
    for node in reversed(finished):
        depth = deepest[node[0]] = max(depths[node], deepest[node[0]])
        for tensor in by_name[node[0]].calls[node[1]].tensors:
            source = (tensor.layer, tensor.call)
            depths[source] = max(depths[source], depth + 1)
    return [by_name[name] for name in sorted(met, key=lambda name: (-deepest[name], met[name]))]
