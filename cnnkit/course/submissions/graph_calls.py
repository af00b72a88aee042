"""The calls of a model's layers: which tensors each takes.

Keras 3 writes a call as `{"args": …, "kwargs": …}` with each tensor as a `__keras_tensor__`; Keras 2 wrote
`[[layer, call, tensor, kwargs], …]` and counted the calls of a nested model from 1. Both become the same `Call`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from cnnkit.course.submissions.findings import shown
from cnnkit.course.submissions.graph import FUNCTIONAL, INPUT, SEQUENTIAL, Call, Part, Reference
from cnnkit.course.submissions.json_form import as_list, as_object, as_shape, form_error
from cnnkit.layers.configuration import LARGEST, nested_shape
from cnnkit.layers.cost import Operand

_TENSOR_DTYPES = ("float32", "float16", "bfloat16", "uint8", "int32", "bool")
_MOST_OPERANDS = 16  # an array is one, a slice has one per axis

LeafT = TypeVar("LeafT")


def read_calls(entries: Sequence[Mapping[str, Any]], parts: Sequence[Part]) -> dict[str, int]:
    """Gives the parts of a functional model their calls.

    Args:
        entries: Of the JSON.
        parts: One for each of them.

    Returns:
        For each part the number that the model's ends give to its first call.

    Raises:
        RefusedError: `json-form`.
    """
    nodes = [
        as_list(entry.get("inbound_nodes"), f"the calls of {part.name!r}")
        for entry, part in zip(entries, parts, strict=True)
    ]
    old = any(isinstance(node, list) for calls in nodes for node in calls)
    first = {part.name: _first_call(entry) if old else 0 for entry, part in zip(entries, parts, strict=True)}
    for part, calls in zip(parts, nodes, strict=True):
        read = _old_call if old else _new_call
        part.calls = tuple(_bound(read(node, part), part, first) for node in calls)
        if part.class_name == INPUT:
            if part.calls:
                raise form_error(f"no calls of input {part.name!r}", f"{len(part.calls)}")
            part.calls = (Call((), ()),)
    # At a model's ends, and only there, Keras 3 counts the calls of a functional model from 1, as Keras 2 did.
    return first if old else {part.name: int(part.class_name in FUNCTIONAL) for part in parts}


def _new_call(node: Any, part: Part) -> tuple[list[Any], dict[str, Any]]:
    """Keras 3: `{"args": […], "kwargs": {…}}`."""
    call = as_object(node, f"a call of layer {part.name!r}")
    if call.keys() != {"args", "kwargs"}:
        raise form_error(f"args and kwargs in a call of layer {part.name!r}", shown(", ".join(sorted(call))))
    arguments = [_argument(value, part.name) for value in as_list(call.get("args"), f"args of layer {part.name!r}")]
    keywords = as_object(call.get("kwargs"), f"kwargs of layer {part.name!r}")
    return arguments, {key: _argument(value, part.name) for key, value in keywords.items()}


def _argument(value: Any, layer: str) -> Any:
    if isinstance(value, list):
        if value and not any(isinstance(item, list | dict) for item in value):
            return _operand(value)
        return [_argument(item, layer) for item in value]
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            config = as_object(value.get("config"), f"a tensor of layer {layer!r}")
            as_shape(config.get("shape"), f"a tensor of layer {layer!r}")
            if config.get("dtype") not in _TENSOR_DTYPES:
                raise form_error(f"a stock dtype for a tensor of layer {layer!r}", shown(config.get("dtype")))
            return _reference(config.get("keras_history"), layer)
        if value.get("class_name") not in ("__tensor__", "__numpy__", "__slice__", "__ellipsis__"):
            raise form_error(f"tensors and numbers in a call of layer {layer!r}", shown(value.get("class_name")))
    return _operand(value)


def _operand(value: Any) -> Operand:
    numbers = value
    if isinstance(value, dict) and isinstance(value.get("config"), dict):
        numbers = value["config"].get("value")  # of a __tensor__
    try:
        return Operand(value, nested_shape(numbers))
    except ValueError:
        return Operand(value, None)


def _old_call(node: Any, part: Part) -> tuple[list[Any], dict[str, Any]]:
    """Keras 2: `[[layer, call, tensor, kwargs], …]`."""
    tensors: list[Any] = []
    keywords: dict[str, Any] = {}
    for item in as_list(node, f"a call of layer {part.name!r}"):
        value = as_list(item, f"a tensor of layer {part.name!r}")
        tensors.append(_reference(value[:3], part.name))
        if len(value) > 3:
            for key, given in as_object(value[3] or {}, f"kwargs of layer {part.name!r}").items():
                keywords[key] = _reference(given, part.name) if isinstance(given, list) else _operand(given)
    return [tensors] if len(tensors) > 1 else tensors, keywords


def _reference(value: Any, layer: str) -> Reference:
    if (
        not isinstance(value, list)
        or len(value) != 3
        or not isinstance(value[0], str)
        or any(type(number) is not int or not 0 <= number <= LARGEST for number in value[1:])
    ):
        raise form_error(f"[layer, call, tensor] as an input of layer {layer!r}", shown(value))
    return Reference(*value)


def _bound(call: tuple[list[Any], dict[str, Any]], part: Part, first: Mapping[str, int]) -> Call:
    """A call with its tensors counted from 0, and with what it may name and nothing else."""
    arguments, keywords = call
    counted = [_from_zero(value, first) for value in arguments]
    if part.row is not None and not part.row.layer:
        if keywords:
            raise form_error(f"arguments by place in operation {part.name!r}", shown(sorted(keywords)[0]))
        if sum(1 for _ in _leaves(counted, Operand)) > _MOST_OPERANDS:
            raise form_error(f"at most {_MOST_OPERANDS} numbers and slices in a call of {part.name!r}", "more")
        return Call(tuple(counted), tuple(_references(counted)))
    allowed = part.row.keywords if part.row else ()
    for key, value in keywords.items():
        plain = not isinstance(value, Reference) and not list(_references(value))
        if not (key in ("training", "mask", *allowed) and (_is_switch(value) if plain else key in allowed)):
            raise form_error(f"tensors, training and no mask in a call of layer {part.name!r}", f"{shown(key)}")
    named = [_from_zero(keywords[key], first) for key in allowed if isinstance(keywords.get(key), Reference)]
    listed = part.row is not None and part.row.listed
    several = part.graph is not None and len(part.graph.inputs) > 1
    for value in counted:
        if isinstance(value, Operand) or isinstance(value, list) != (listed or several):
            raise form_error(
                f"{'a list of tensors' if listed or several else 'tensors'} as input of layer {part.name!r}",
                "a constant" if isinstance(value, Operand) else "a list" if isinstance(value, list) else "a tensor",
            )
    # Keras walks back through keywords in alphabetical order; what the layer takes has its own.
    met = [_from_zero(keywords[key], first) for key in sorted(keywords)]
    return Call(tuple(_references([*counted, *named])), tuple(_references([*counted, *met])))


def _from_zero(value: Any, first: Mapping[str, int]) -> Any:
    if isinstance(value, list):
        return [_from_zero(item, first) for item in value]
    if isinstance(value, Reference):
        return Reference(value.layer, value.call - first.get(value.layer, 0), value.tensor)
    return value


def _references(value: Any) -> Iterator[Reference]:
    return _leaves(value, Reference)


def _leaves(value: Any, kind: type[LeafT]) -> Iterator[LeafT]:
    """All of a kind in nested lists."""
    if isinstance(value, kind):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, kind)


def _is_switch(value: Any) -> bool:
    """`training=False`, `mask=None`, `mask=[None, None]`."""
    given = value.value if isinstance(value, Operand) else None
    return all(item is None or type(item) is bool for item in (given if isinstance(given, list) else [given]))


def _first_call(entry: Mapping[str, Any]) -> int:
    """The number that Keras 2 gave to the first call of this part: 1 for a model that began with inputs."""
    if entry["class_name"] in FUNCTIONAL:
        return 1
    if entry["class_name"] not in SEQUENTIAL:
        return 0
    inner = entry["config"]["layers"][0]  # was read before
    return int(inner["class_name"] == INPUT or "batch_input_shape" in inner["config"])


def end_tensors(value: Any, ends: Mapping[str, int], what: str) -> tuple[Reference, ...]:
    """The tensors at an end of a model: one stands alone, several in a list; a dictionary of them has no order.

    Args:
        value: `input_layers` or `output_layers`.
        ends: What `read_calls` gave.
        what: For the finding.

    Raises:
        RefusedError: `json-form`.
    """
    given = as_list(value, what)
    if len(given) == 3 and isinstance(given[0], str):
        given = [given]
    if not given:
        raise form_error(what, "none")
    return tuple(_from_zero(_reference(item, what), ends) for item in given)
