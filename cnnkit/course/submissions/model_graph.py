"""From a model's JSON to its graph: which layers there are, and which call takes which tensors.

Nothing is built and nothing is trusted: what the rows of `cnnkit.layers` do not name is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from cnnkit.course.submissions.findings import RefusedError, shown
from cnnkit.course.submissions.foreign_objects import refuse_foreign
from cnnkit.course.submissions.graph import FUNCTIONAL, INPUT, SEQUENTIAL, Call, Graph, Part, Reference
from cnnkit.course.submissions.graph_calls import end_tensors, read_calls
from cnnkit.course.submissions.graph_order import keras_order, require_tensors, scheduled_calls
from cnnkit.course.submissions.json_form import (
    TO_JSON,
    as_flag,
    as_list,
    as_object,
    as_shape,
    check_keys,
    check_kind,
    form_error,
)
from cnnkit.course.submissions.layer_entries import (
    INPUT_MODULES,
    built_shapes,
    check_name,
    check_unique,
    input_shape,
    read_layer,
    unknown_layer,
)
from cnnkit.layers.stock_objects import POLICY

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


def read_graph(document: Any, *, most_layers: int) -> Graph:
    """The graph of a whole model.

    Args:
        document: What `parse_json` gave.
        most_layers: Layers it may have, those of nested models included.

    Raises:
        RefusedError: The document is no stock model, or its graph does not add up.
    """
    model = as_object(document, "a model")
    refuse_foreign(model)
    class_name = model.get("class_name")
    if class_name not in (*FUNCTIONAL, *SEQUENTIAL):
        raise RefusedError(
            "json-not-a-model",
            "the JSON of a functional or Sequential model",
            f"class {shown(class_name)}" if "class_name" in model else "an object without class_name",
            f"A subclassed model has no architecture. {TO_JSON}",
        )
    check_keys(model, {"keras_version", "backend"}, "the model")
    return _Reader(most_layers).model(model)


@dataclass
class _Reader:
    """Reads the models of one document; counts their layers."""

    most_layers: int
    layers: int = 0

    def model(self, entry: Mapping[str, Any]) -> Graph:
        class_name, module = entry["class_name"], entry.get("module")
        if module not in _MODEL_MODULES:
            raise unknown_layer(class_name, module, "model")
        config = as_object(entry.get("config"), f"the config of a {class_name}")
        name = check_name(config.get("name", "model"))
        layers = as_list(config.get("layers"), f"the layers of model {name!r}")
        self.layers += len(layers)
        if self.layers > self.most_layers:
            raise RefusedError(
                "budget-layers",
                f"at most {self.most_layers:,} layers",
                f"{self.layers:,} or more",
                "Choose a smaller network.",
            )
        known = {"name", "trainable", "layers", "dtype"}
        known |= {"build_input_shape"} if class_name in SEQUENTIAL else {"input_layers", "output_layers"}
        if unknown := sorted(config.keys() - known):
            raise form_error(f"the config of a {class_name}", f"{shown(unknown[0])} in model {name!r}")
        if config.get("dtype") is not None:
            check_kind(POLICY, config["dtype"], f"the dtype of model {name!r}")
        trainable = as_flag(config.get("trainable", True), f"trainable of model {name!r}")
        if class_name in SEQUENTIAL:
            return self._sequential(name, layers, config.get("build_input_shape"), trainable)
        return self._functional(name, layers, config, trainable)

    def _sequential(self, name: str, layers: list[Any], built: Any, trainable: bool) -> Graph:
        parts = [self._part(as_object(entry, f"a layer of model {name!r}")) for entry in layers]
        if not parts:
            raise form_error(f"layers in model {name!r}", "none")
        if parts[0].class_name != INPUT:
            # Keras ≤ 2.3 kept the input's shape in the first layer.
            first = as_object(layers[0], "a layer").get("config")
            shape = built if built is not None else first.get("batch_input_shape") if isinstance(first, dict) else None
            if shape is None and parts[0].graph is not None:
                declared = parts[0].graph.inputs[0].declared
            else:
                declared = as_shape(shape, f"the input of model {name!r}")
            parts.insert(0, Part(f"{parts[0].name}_input", INPUT, declared=declared))
        elif built is not None and as_shape(built, f"the input of model {name!r}") != parts[0].declared:
            raise RefusedError(
                "build-config",
                f"build_input_shape of model {name!r} as its input, {parts[0].declared}",
                shown(built),
                TO_JSON,
            )
        check_unique(parts, name)
        if any(part.class_name == INPUT for part in parts[1:]):
            raise form_error(f"one input of model {name!r}, its first layer", "another behind it")
        parts[0].calls = (Call((), ()),)
        for before, part in pairwise(parts):
            tensor = Reference(before.name, 0, 0)
            part.calls = (Call((tensor,), (tensor,)),)
        schedule = tuple((part, 0) for part in parts)
        return Graph(name, True, tuple(parts), schedule, (parts[0],), (Reference(parts[-1].name, 0, 0),), trainable)

    def _functional(self, name: str, layers: list[Any], config: Mapping[str, Any], trainable: bool) -> Graph:
        entries = [as_object(entry, f"a layer of model {name!r}") for entry in layers]
        if nameless := next((entry for entry in entries if "name" not in entry), None):
            raise form_error(
                f"a name for each layer of model {name!r}", f"none for a {shown(nameless.get('class_name'))}"
            )
        parts = [self._part(entry) for entry in entries]
        check_unique(parts, name)
        ends = read_calls(entries, parts)
        inputs = end_tensors(config.get("input_layers"), ends, f"input_layers of model {name!r}")
        outputs = end_tensors(config.get("output_layers"), ends, f"output_layers of model {name!r}")
        by_name = {part.name: part for part in parts}
        schedule = scheduled_calls(parts, by_name, name)
        require_tensors((*inputs, *outputs), by_name, f"the ends of model {name!r}")
        sources = tuple(by_name[reference.layer] for reference in inputs)
        if sorted(part.name for part in sources) != sorted(part.name for part in parts if part.class_name == INPUT):
            raise form_error(f"the input layers of model {name!r} as its inputs", "others")
        ordered = keras_order(by_name, outputs)
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
        config = as_object(entry.get("config"), f"the config of a {shown(class_name)}")
        name = check_name(config.get("name", entry.get("name")))
        if entry.get("name", name) != name:
            raise form_error("one name for a layer", f"{name!r} and {shown(entry['name'])}")
        check_keys(entry, {"name", "inbound_nodes", "shared_object_id"}, f"layer {name!r}")
        built = built_shapes(entry.get("build_config"), name)
        if class_name in (*FUNCTIONAL, *SEQUENTIAL):
            graph = self.model(entry)
            return Part(name, class_name, graph=graph, trainable=graph.trainable, built=built)
        if class_name == INPUT and module in INPUT_MODULES:
            return Part(name, INPUT, declared=input_shape(config, name))
        return read_layer(entry, name, built)
