"""From a model's JSON to its graph: which layers there are, and which call takes which tensors.

Keras 3 writes a call as `{"args": …, "kwargs": …}` with each tensor as a `__keras_tensor__`; Keras 2 wrote
`[[layer, call, tensor, kwargs], …]` and counted the calls of a nested model from 1. Both become the same graph.
Nothing is built and nothing is trusted: what the rules of `layer_rules` do not name is refused.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeVar

from cnnkit.course.submissions import layer_arguments as kinds
from cnnkit.course.submissions.findings import RefusedError, shown
from cnnkit.course.submissions.layer_arguments import Settings, read_arguments
from cnnkit.course.submissions.layer_arithmetic import Operand, Shape
from cnnkit.course.submissions.layer_rules import LAYERS, OPERATIONS, Row
from cnnkit.errors import nearest

FUNCTIONAL = ("Functional", "Model")
SEQUENTIAL = ("Sequential",)
INPUT = "InputLayer"
_MODEL_MODULES = (
    None,
    "keras",
    "keras.models",
    "keras.src.models.functional",
    "keras.src.models.sequential",
    "keras.src.engine.functional",
    "keras.src.engine.sequential",
    "keras.engine.functional",
    "keras.engine.sequential",
)
_INPUT_MODULES = (None, "keras.layers")

_TENSOR_DTYPES = ("float32", "float16", "bfloat16", "uint8", "int32")
_OF_EVERY_LAYER = {"name", "trainable", "dtype", "activity_regularizer", "batch_input_shape", "autocast"}
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-/]{0,199}")
_CODE = {
    "Lambda": "Rescaling for a scale and offset, Reshape, Activation or Cropping2D",
    "__lambda__": "a stock layer",
    "TorchModuleWrapper": "keras.layers",
    "FlaxLayer": "keras.layers",
    "JaxLayer": "keras.layers",
    "TFOpLambda": "Rescaling for arithmetic with numbers, Add or Multiply between tensors",
    "SlicingOpLambda": "Cropping2D",
    "TensorFlowOpLayer": "Rescaling for arithmetic with numbers, Add or Multiply between tensors",
}
_FILES = {"TFSMLayer": "the layers of the model that it wraps"}
_VOCABULARIES = dict.fromkeys(
    ("StringLookup", "IntegerLookup", "TextVectorization", "Hashing", "HashedCrossing"), "class indices in the data"
)
_COMPILE_MODULES = ("keras.losses", "keras.metrics", "keras.optimizers", "keras.optimizers.schedules")
_FUNCTION = ("builtins", "function")  # one's own loss or metric: its name alone
_TO_JSON = "Write the file with model.to_json()."
_MOST_OPERANDS = 16  # an array is one, a slice has one an axis

LeafT = TypeVar("LeafT")


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


def read_graph(document: Any, *, most_layers: int) -> Graph:
    """The graph of a whole model.

    Args:
        document: What `parse_json` gave.
        most_layers: Layers it may have, those of nested models included.

    Raises:
        RefusedError: The document is no stock model, or its graph does not add up.
    """
    model = _object(document, "a model")
    _refuse_foreign(model)
    class_name = model.get("class_name")
    if class_name not in (*FUNCTIONAL, *SEQUENTIAL):
        raise RefusedError(
            "json-not-a-model",
            "the JSON of a functional or Sequential model",
            f"class {shown(class_name)}" if "class_name" in model else "an object without class_name",
            f"A subclassed model has no architecture. {_TO_JSON}",
        )
    _known_keys(model, {"keras_version", "backend"}, "the model")
    return _Reader(most_layers).model(model)


def _refuse_foreign(document: Any) -> None:
    """Code, files, vocabularies and objects that are not Keras's own, wherever they are, each with its explanation."""
    waiting = [(document, "the model")]
    while waiting:
        node, layer = waiting.pop()
        if isinstance(node, list):
            waiting += [(item, layer) for item in node]
        elif isinstance(node, dict):
            if isinstance(node.get("config"), dict) and "class_name" in node:
                layer = shown(node["config"].get("name", layer))
            _refuse_class(node, layer)
            for key, item in node.items():
                if key == "compile_config":
                    _check_compile(item)
                else:
                    waiting.append((item, layer))


def _refuse_class(node: Mapping[str, Any], layer: str) -> None:
    class_name, module = node.get("class_name"), node.get("module")
    for check, classes, what in (
        ("layer-code", _CODE, "code"),
        ("layer-file", _FILES, "a file"),
        ("layer-vocabulary", _VOCABULARIES, "a vocabulary"),
    ):
        if isinstance(class_name, str) and class_name in classes:
            raise RefusedError(
                check,
                f"stock layers without {what}",
                f"{class_name} in {layer}",
                f"Use {classes[class_name]} in its place and train again.",
            )
    if "__lambda__" in node:
        raise RefusedError("layer-code", "stock layers without code", f"__lambda__ in {layer}", "Use a stock layer.")
    if class_name is None:
        return
    registered = node.get("registered_name")
    known = registered in (None, class_name, node.get("config") if class_name == "function" else class_name)
    if not known or not (module is None or (isinstance(module, str) and _of_keras(module, class_name))):
        raise RefusedError(
            "layer-custom",
            "objects of Keras itself",
            f"{shown(class_name)} of module {shown(module)}, registered as {shown(registered)}, in {layer}",
            "Build the model from keras.layers: a grader has none of your own classes.",
        )


def _of_keras(module: str, class_name: Any) -> bool:
    return module == "keras" or module.startswith("keras.") or (module == "builtins" and class_name == "function")


@dataclass
class _Reader:
    """Reads the models of one document; counts their layers."""

    most_layers: int
    layers: int = 0

    def model(self, entry: Mapping[str, Any]) -> Graph:
        class_name, module = entry["class_name"], entry.get("module")
        if module not in _MODEL_MODULES:
            raise _unknown(class_name, module, "model")
        config = _object(entry.get("config"), f"the config of a {class_name}")
        name = check_name(config.get("name", "model"))
        layers = _list(config.get("layers"), f"the layers of model {name!r}")
        self.layers += len(layers)
        if self.layers > self.most_layers:
            raise RefusedError(
                "budget-layers",
                f"at most {self.most_layers:,} layers",
                f"{self.layers:,} or more",
                "Choose a smaller network.",
            )
        kinds_of_config = {"name", "trainable", "layers", "dtype"}
        kinds_of_config |= {"build_input_shape"} if class_name in SEQUENTIAL else {"input_layers", "output_layers"}
        if unknown := sorted(config.keys() - kinds_of_config):
            raise _form(f"the config of a {class_name}", f"{shown(unknown[0])} in model {name!r}")
        if config.get("dtype") is not None:
            _read(kinds.POLICY, config["dtype"], f"the dtype of model {name!r}")
        trainable = _flag(config.get("trainable", True), f"trainable of model {name!r}")
        if class_name in SEQUENTIAL:
            return self._sequential(name, layers, config.get("build_input_shape"), trainable)
        return self._functional(name, layers, config, trainable)

    def _sequential(self, name: str, layers: list[Any], built: Any, trainable: bool) -> Graph:
        parts = [self._part(_object(entry, f"a layer of model {name!r}")) for entry in layers]
        if not parts:
            raise _form(f"layers in model {name!r}", "none")
        if parts[0].class_name != INPUT:
            # Keras ≤ 2.3 kept the input's shape in the first layer.
            first = _object(layers[0], "a layer").get("config")
            shape = built if built is not None else first.get("batch_input_shape") if isinstance(first, dict) else None
            if shape is None and parts[0].graph is not None:
                declared = parts[0].graph.inputs[0].declared
            else:
                declared = _shape(shape, f"the input of model {name!r}")
            parts.insert(0, Part(f"{parts[0].name}_input", INPUT, declared=declared))
        elif built is not None and _shape(built, f"the input of model {name!r}") != parts[0].declared:
            raise RefusedError(
                "build-config",
                f"build_input_shape of model {name!r} as its input, {parts[0].declared}",
                shown(built),
                _TO_JSON,
            )
        _unique_names(parts, name)
        if any(part.class_name == INPUT for part in parts[1:]):
            raise _form(f"one input of model {name!r}, its first layer", "another behind it")
        parts[0].calls = (Call((), ()),)
        for before, part in pairwise(parts):
            tensor = Reference(before.name, 0, 0)
            part.calls = (Call((tensor,), (tensor,)),)
        schedule = tuple((part, 0) for part in parts)
        return Graph(name, True, tuple(parts), schedule, (parts[0],), (Reference(parts[-1].name, 0, 0),), trainable)

    def _functional(self, name: str, layers: list[Any], config: Mapping[str, Any], trainable: bool) -> Graph:
        entries = [_object(entry, f"a layer of model {name!r}") for entry in layers]
        if nameless := next((entry for entry in entries if "name" not in entry), None):
            raise _form(f"a name for each layer of model {name!r}", f"none for a {shown(nameless.get('class_name'))}")
        parts = [self._part(entry) for entry in entries]
        _unique_names(parts, name)
        nodes = [
            _list(entry.get("inbound_nodes"), f"the calls of {part.name!r}")
            for entry, part in zip(entries, parts, strict=True)
        ]
        old = any(isinstance(node, list) for calls in nodes for node in calls)
        first = {part.name: _first_call(entry) if old else 0 for entry, part in zip(entries, parts, strict=True)}
        for part, calls in zip(parts, nodes, strict=True):
            read = _old_call if old else _new_call
            part.calls = tuple(_bound(read(node, part), part, first) for node in calls)
            if part.class_name == INPUT:
                if part.calls:
                    raise _form(f"no calls of input {part.name!r}", f"{len(part.calls)}")
                part.calls = (Call((), ()),)
        # At a model's ends, and only there, Keras 3 counts the calls of a functional model from 1, as Keras 2 did.
        ends = first if old else {part.name: int(part.class_name in FUNCTIONAL) for part in parts}
        inputs = _ends(config.get("input_layers"), ends, f"input_layers of model {name!r}")
        outputs = _ends(config.get("output_layers"), ends, f"output_layers of model {name!r}")
        by_name = {part.name: part for part in parts}
        schedule = _schedule(parts, by_name, name)
        _require_tensors((*inputs, *outputs), by_name, f"the ends of model {name!r}")
        sources = tuple(by_name[reference.layer] for reference in inputs)
        if sorted(part.name for part in sources) != sorted(part.name for part in parts if part.class_name == INPUT):
            raise _form(f"the input layers of model {name!r} as its inputs", "others")
        ordered = _keras_order(by_name, outputs)
        if len(ordered) < len(parts):
            unused = next(part for part in parts if part not in ordered)
            raise RefusedError(
                "graph-unused-layer",
                f"layers that the output of model {name!r} depends on",
                f"{unused.name!r}, on which nothing depends",
                "Build the model again with keras.Model(inputs, outputs).",
            )
        return Graph(name, False, tuple(ordered), schedule, sources, outputs, trainable)

    def _part(self, entry: Mapping[str, Any]) -> Part:
        class_name, module = entry.get("class_name"), entry.get("module")
        config = _object(entry.get("config"), f"the config of a {shown(class_name)}")
        name = check_name(config.get("name", entry.get("name")))
        if entry.get("name", name) != name:
            raise _form("one name for a layer", f"{name!r} and {shown(entry['name'])}")
        _known_keys(entry, {"name", "inbound_nodes", "shared_object_id"}, f"layer {name!r}")
        built = _built(entry.get("build_config"), name)
        if class_name in (*FUNCTIONAL, *SEQUENTIAL):
            graph = self.model(entry)
            return Part(name, class_name, graph=graph, trainable=graph.trainable, built=built)
        if class_name == INPUT and module in _INPUT_MODULES:
            return Part(name, INPUT, declared=_input_shape(config, name))
        row = LAYERS.get(class_name) if isinstance(class_name, str) else None
        if row is None or module not in row.modules:
            row = OPERATIONS.get((str(module), str(class_name)))
        if row is None:
            raise _unknown(class_name, module, name)
        if row.registered != (entry.get("registered_name") == class_name) and entry.get("registered_name") is not None:
            raise _unknown(class_name, module, name)
        own = {key: value for key, value in config.items() if key in row.arguments or key not in _OF_EVERY_LAYER}
        settings = read_arguments(own, row.arguments, layer=name, class_name=str(class_name))
        for key, kind in (("dtype", kinds.POLICY), ("activity_regularizer", kinds.REGULARIZER)):
            if key not in row.arguments and config.get(key) is not None:
                _read(kind, config[key], f"{key} of layer {name!r}")
        trainable = _flag(config.get("trainable", True), f"trainable of layer {name!r}")
        return Part(name, str(class_name), row, settings, trainable=trainable, built=built)


# --- pieces of a layer's entry


def check_name(value: Any) -> str:
    """A name of letters, digits and `_ . - /`, without `..`: it becomes a path in the weights file.

    Raises:
        RefusedError: `name-characters`.
    """
    if not isinstance(value, str) or not _NAME.fullmatch(value) or ".." in value or "//" in value or value[-1] == "/":
        raise RefusedError(
            "name-characters",
            "names of at most 200 letters, digits, '_', '-', '.' and '/', without '..'",
            shown(value),
            "Give the layer another name: layer.name = ...",
        )
    return value


def _unique_names(parts: list[Part], model: str) -> None:
    seen: set[str] = set()
    for part in parts:
        if part.name in seen:
            raise RefusedError(
                "name-duplicate", f"layers of model {model!r} with different names", f"{part.name!r} twice", _TO_JSON
            )
        seen.add(part.name)


def _input_shape(config: Mapping[str, Any], name: str) -> Shape:
    known = {"batch_shape", "batch_input_shape", "dtype", "sparse", "ragged", "name", "optional"}
    if unknown := sorted(config.keys() - known):
        raise _form(f"the arguments of input {name!r}", shown(unknown[0]))
    for argument in ("sparse", "ragged", "optional"):
        if config.get(argument) not in (None, False):
            raise _form(f"a plain input {name!r}", f"{argument}={shown(config[argument])}")
    dtype = config.get("dtype")
    if dtype not in (None, "float32", "uint8", "int32") and not isinstance(dtype, dict):
        raise _form(f"a dtype of float32, uint8 or int32 for input {name!r}", shown(dtype))
    if isinstance(dtype, dict):
        _read(kinds.POLICY, dtype, f"the dtype of input {name!r}")
    return _shape(config.get("batch_shape", config.get("batch_input_shape")), f"input {name!r}")


def _shape(value: Any, what: str) -> Shape:
    if (
        not isinstance(value, list)
        or not 2 <= len(value) <= 5
        or any(side is not None and (type(side) is not int or not 1 <= side <= kinds.LARGEST) for side in value)
    ):
        raise _form(f"a shape of 2 to 5 sides for {what}", shown(value))
    return tuple(value)


def _built(build_config: Any, name: str) -> tuple[Shape, ...]:
    """The shapes in a build_config: Keras would build for them before it looks at the graph."""
    if build_config is None:
        return ()
    config = _object(build_config, f"build_config of layer {name!r}")
    if not config.keys() <= {"input_shape", "shapes_dict"}:
        raise _form(f"input_shape or shapes_dict in build_config of {name!r}", shown(sorted(config)[0]))
    stated = [config.get("input_shape")]
    if "shapes_dict" in config:
        stated += _object(config["shapes_dict"], f"shapes_dict of layer {name!r}").values()
    shapes: list[Shape] = []
    for value in stated:
        if isinstance(value, list) and value and isinstance(value[0], list):
            shapes += [_shape(item, f"build_config of layer {name!r}") for item in value]
        elif value is not None:
            shapes.append(_shape(value, f"build_config of layer {name!r}"))
    return tuple(shapes)


def _check_compile(config: Any) -> None:
    """Optimizer, losses and metrics of Keras and nothing that could be a layer: loading a model builds them all."""
    if not isinstance(config, dict | None):
        raise _form("an object for compile_config", shown(config))
    waiting: list[Any] = [config]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            module, class_name = node.get("module"), node.get("class_name")
            registered = node.get("registered_name")
            if "class_name" in node and (
                not (module in _COMPILE_MODULES or (module, class_name) == _FUNCTION)
                or registered not in (None, class_name, node.get("config") if class_name == "function" else None)
            ):
                raise RefusedError(
                    "compile-config",
                    "a compile_config with optimizer, loss and metrics of Keras, or none",
                    f"{shown(class_name)} of module {shown(module)}",
                    "Write the JSON before model.compile(), or of keras.Model(model.inputs, model.outputs).",
                )
            waiting += node.values()
        elif not (node is None or isinstance(node, str | int | float)):
            raise _form("plain values in compile_config", shown(node))


# --- calls


def _new_call(node: Any, part: Part) -> tuple[list[Any], dict[str, Any]]:
    """Keras 3: `{"args": […], "kwargs": {…}}`."""
    call = _object(node, f"a call of layer {part.name!r}")
    if call.keys() != {"args", "kwargs"}:
        raise _form(f"args and kwargs in a call of layer {part.name!r}", shown(", ".join(sorted(call))))
    arguments = [_argument(value, part.name) for value in _list(call.get("args"), f"args of layer {part.name!r}")]
    keywords = _object(call.get("kwargs"), f"kwargs of layer {part.name!r}")
    return arguments, {key: _argument(value, part.name) for key, value in keywords.items()}


def _argument(value: Any, layer: str) -> Any:
    if isinstance(value, list):
        if value and not any(isinstance(item, list | dict) for item in value):
            return _operand(value)
        return [_argument(item, layer) for item in value]
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            config = _object(value.get("config"), f"a tensor of layer {layer!r}")
            _shape(config.get("shape"), f"a tensor of layer {layer!r}")
            if config.get("dtype") not in _TENSOR_DTYPES:
                raise _form(f"a stock dtype for a tensor of layer {layer!r}", shown(config.get("dtype")))
            return _reference(config.get("keras_history"), layer)
        if value.get("class_name") not in ("__tensor__", "__numpy__", "__slice__", "__ellipsis__"):
            raise _form(f"tensors and numbers in a call of layer {layer!r}", shown(value.get("class_name")))
    return _operand(value)


def _operand(value: Any) -> Operand:
    numbers = value
    if isinstance(value, dict) and isinstance(value.get("config"), dict):
        numbers = value["config"].get("value")  # of a __tensor__
    try:
        return Operand(value, kinds.nested_shape(numbers))
    except ValueError:
        return Operand(value, None)


def _old_call(node: Any, part: Part) -> tuple[list[Any], dict[str, Any]]:
    """Keras 2: `[[layer, call, tensor, kwargs], …]`."""
    tensors: list[Any] = []
    keywords: dict[str, Any] = {}
    for item in _list(node, f"a call of layer {part.name!r}"):
        value = _list(item, f"a tensor of layer {part.name!r}")
        tensors.append(_reference(value[:3], part.name))
        if len(value) > 3:
            for key, given in _object(value[3] or {}, f"kwargs of layer {part.name!r}").items():
                keywords[key] = _reference(given, part.name) if isinstance(given, list) else _operand(given)
    return [tensors] if len(tensors) > 1 else tensors, keywords


def _reference(value: Any, layer: str) -> Reference:
    if (
        not isinstance(value, list)
        or len(value) != 3
        or not isinstance(value[0], str)
        or any(type(number) is not int or not 0 <= number <= kinds.LARGEST for number in value[1:])
    ):
        raise _form(f"[layer, call, tensor] as an input of layer {layer!r}", shown(value))
    return Reference(*value)


def _bound(call: tuple[list[Any], dict[str, Any]], part: Part, first: Mapping[str, int]) -> Call:
    """A call with its tensors counted from 0, and with what it may name and nothing else."""
    arguments, keywords = call
    counted = [_from_zero(value, first) for value in arguments]
    if part.row is not None and not part.row.layer:
        if keywords:
            raise _form(f"arguments by place in operation {part.name!r}", shown(sorted(keywords)[0]))
        if sum(1 for _ in _leaves(counted, Operand)) > _MOST_OPERANDS:
            raise _form(f"at most {_MOST_OPERANDS} numbers and slices in a call of {part.name!r}", "more")
        return Call(tuple(counted), tuple(_references(counted)))
    allowed = part.row.keywords if part.row else ()
    for key, value in keywords.items():
        plain = not isinstance(value, Reference) and not list(_references(value))
        if not (key in ("training", "mask", *allowed) and (_is_switch(value) if plain else key in allowed)):
            raise _form(f"tensors, training and no mask in a call of layer {part.name!r}", f"{shown(key)}")
    named = [_from_zero(keywords[key], first) for key in allowed if isinstance(keywords.get(key), Reference)]
    listed = part.row is not None and part.row.listed
    several = part.graph is not None and len(part.graph.inputs) > 1
    for value in counted:
        if isinstance(value, Operand) or isinstance(value, list) != (listed or several):
            raise _form(
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


def _ends(value: Any, ends: Mapping[str, int], what: str) -> tuple[Reference, ...]:
    """One tensor stands alone, several in a list; a dictionary of them has no order and is no submission's."""
    given = _list(value, what)
    if len(given) == 3 and isinstance(given[0], str):
        given = [given]
    if not given:
        raise _form(what, "none")
    return tuple(_from_zero(_reference(item, what), ends) for item in given)


# --- the graph


def _require_tensors(references: Iterable[Reference], by_name: Mapping[str, Part], what: str) -> None:
    for reference in references:
        part = by_name.get(reference.layer)
        outputs = len(part.graph.outputs) if part is not None and part.graph else 1
        if part is None or not (0 <= reference.call < len(part.calls) and reference.tensor < outputs):
            raise RefusedError(
                "graph-missing-layer",
                f"a tensor that exists as an input of {what}",
                f"output {reference.tensor} of call {reference.call} of {shown(reference.layer)}",
                f"The file is damaged. {_TO_JSON}",
            )


def _schedule(parts: list[Part], by_name: Mapping[str, Part], model: str) -> tuple[tuple[Part, int], ...]:
    """All calls in an order in which each has what it takes (Kahn 1962): time grows with the number of tensors."""
    missing: dict[tuple[str, int], int] = {}
    waiting_for: dict[tuple[str, int], list[tuple[str, int]]] = {}
    for part in parts:
        for number, call in enumerate(part.calls):
            _require_tensors(call.tensors, by_name, f"{part.name!r}")
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
            "graph-cycle", f"a graph without loops in model {model!r}", f"{stuck!r} needs its own result", _TO_JSON
        )
    return tuple(order)


def _keras_order(by_name: Mapping[str, Part], outputs: tuple[Reference, ...]) -> list[Part]:
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


# --- what is wrong


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _form(f"an object for {what}", shown(value))
    return value


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise _form(f"a list for {what}", shown(value))
    return value


def _flag(value: Any, what: str) -> bool:
    if not isinstance(value, bool):
        raise _form(f"true or false for {what}", shown(value))
    return value


def _read(kind: kinds.Kind, value: Any, what: str) -> None:
    try:
        kind.read(value)
    except ValueError as error:
        raise RefusedError("layer-argument", f"{what} to be {kind.words}", shown(value), _TO_JSON) from error


def _known_keys(entry: Mapping[str, Any], more: set[str], what: str) -> None:
    known = {"module", "class_name", "config", "registered_name", "build_config", "compile_config"} | more
    if unknown := sorted(entry.keys() - known):
        raise _form(f"the keys of Keras's JSON in {what}", shown(unknown[0]))


def _form(expected: str, received: str) -> RefusedError:
    return RefusedError("json-form", expected, received, _TO_JSON)


def _unknown(class_name: Any, module: Any, where: str) -> RefusedError:
    close = nearest(str(class_name)[:60], LAYERS)
    hint = f"Did you mean {close[0]}? " if close and close[0] != class_name else ""
    return RefusedError(
        "layer-unknown",
        "the stock layers of image classifiers",
        f"{shown(class_name)} of module {shown(module)} in {where!r}",
        f"{hint}ck.course.submissions.LAYERS lists the layers that may be handed in.",
    )
