"""A Keras model as one graph of constants, its normalizations folded into its convolutions.

Keras reads every weight from a variable and computes batch normalization in inference as x · s + o behind each
convolution: three passes over the activations where one would do. Here variables become constants, what follows from
constants alone is computed once, and a chain of per-channel multiplications and additions behind a convolution
becomes (w · s) ∗ x + o (Jacob et al. 2018, https://arxiv.org/abs/1712.05877, section 3.2). TensorFlow then runs
convolution, bias and activation as one kernel; OpenVINO and ONNX read the same graph.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

INPUT = "images"
BYTES = "bytes"  # the input of a session that takes uint8
LINEAR = {"Conv2D": 4, "DepthwiseConv2dNative": 4, "MatMul": 2}  # weights are the second input; rank of the output


@dataclass(frozen=True, eq=False)
class FoldedGraph:
    """A graph without variables, from float32 pictures (n, h, w, 3) to the outputs of a model.

    Attributes:
        definition: As a GraphDef of TensorFlow.
        inputs: The name of the tensor of pictures, alone in a tuple.
        outputs: The names of the output tensors, in the order of the model's.
    """

    definition: Any
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def trace(model: keras.Model) -> Any:
    """A model in inference mode as a concrete function, float32 (n, h, w, 3) for any n → a list of its outputs.

    Outputs by name come in the order of `keras.tree.flatten`; `keras.tree.pack_sequence_as` gives them their names.

    `model.predict` in a loop traces anew and grows (keras#13118), and Keras's default, XLA, is nine times slower on
    depthwise convolutions on a processor.

    Args:
        model: One input, (batch, height, width, 3); one output or several.
    """

    def run(images: Any) -> list[Any]:
        return list(keras.tree.flatten(model(images, training=False)))

    pictures = tf.TensorSpec(tuple(model.input.shape), tf.float32, name=INPUT)
    return tf.function(run, input_signature=[pictures], autograph=False, jit_compile=False).get_concrete_function()


def fold(traced: Any) -> FoldedGraph:
    """The folded graph of a traced model, with the weights that it has now.

    Args:
        traced: From `trace`.

    Raises:
        NotImplementedError: A layer reads its weights in a function of its own.
    """
    definition = traced.graph.as_graph_def()
    _freeze(definition, traced)
    names = [f"output_{number}" for number, _ in enumerate(traced.outputs)]
    for name, tensor in zip(names, traced.outputs, strict=True):
        # An end for each output: OpenVINO takes the ends of a graph for its outputs.
        definition.node.append(_node(name, "Identity", [tensor.name.removesuffix(":0")], T=tensor.dtype))
    _skip_identities(definition)
    _prune(definition, names)
    _compute_constants(
        definition, {operation.name for operation in traced.graph.get_operations() if _varies(operation)}
    )
    _skip_identities(definition)
    _fold_chains(definition)
    _prune(definition, names)
    return FoldedGraph(definition, (f"{INPUT}:0",), tuple(f"{name}:0" for name in names))


def session(definition: Any, *, take_bytes: bool = False, fuse: bool = False, bfloat16: bool = False) -> Any:
    """What runs a graph without variables.

    Args:
        definition: A GraphDef.
        take_bytes: Whether pictures are fed as uint8, to `bytes:0` instead of `images:0`. What is fed is copied, and of
            float32 there is four times as much.
        fuse: Runs convolution, bias and activation as one kernel. TensorFlow's other rewrites are left out: on a folded
            graph they cost seconds at the start and a quarter of the speed (MobileNetV2, TensorFlow 2.21).
        bfloat16: Rounds to bfloat16 where TensorFlow finds that it is faster and does no harm.
    """
    config = tf.compat.v1.ConfigProto()
    rewrites = config.graph_options.rewrite_options
    rewrites.disable_meta_optimizer = not fuse
    rewrites.meta_optimizer_iterations = 1  # RewriterConfig.ONE
    if bfloat16:
        rewrites.auto_mixed_precision_onednn_bfloat16 = 1  # RewriterConfig.ON
        rewrites.optimizers.append("auto_mixed_precision_onednn_bfloat16")
    rewrites.optimizers.append("remap")
    graph = tf.Graph()
    with graph.as_default():
        feeds = {}
        if take_bytes:
            shape = next(node.attr["shape"].shape for node in definition.node if node.name == INPUT)
            pictures = tf.compat.v1.placeholder(tf.uint8, shape, name=BYTES)
            feeds[f"{INPUT}:0"] = tf.cast(pictures, tf.float32)
        tf.graph_util.import_graph_def(definition, feeds, name="")
    return tf.compat.v1.Session(graph=graph, config=config)


def _freeze(definition: Any, traced: Any) -> None:
    """Puts constants in the place of what a traced function captured: variables, and arrays of the layers' own."""
    captured = dict(zip((tensor.op.name for tensor in traced.inputs[1:]), traced.captured_inputs, strict=True))
    for node in definition.node:
        if node.op == "StatefulPartitionedCall":
            # Keras puts grouped convolutions into one on processors, for XLA.
            raise NotImplementedError(f"{node.name} computes in a function of its own")
        if node.op == "ReadVariableOp" and node.input[0] in captured:
            dtype = tf.as_dtype(node.attr["dtype"].type)
            value = tf.raw_ops.ReadVariableOp(resource=captured[node.input[0]], dtype=dtype)
            node.CopyFrom(_constant(node.name, value.numpy()))
        elif node.name in captured and captured[node.name].dtype != tf.resource:
            node.CopyFrom(_constant(node.name, captured[node.name].numpy()))


def _varies(operation: Any) -> bool:
    """Whether an operation may give something else each time, its inputs being the same."""
    return operation.type == "Placeholder" or bool(operation.op_def.is_stateful and operation.type != "ReadVariableOp")


def _skip_identities(definition: Any) -> None:
    """Lets each node read what the identities before it read; without variables nothing needs an order of its own."""
    nodes = {node.name: node for node in definition.node}

    def origin(tensor: str) -> str:
        while (passed := _passed(nodes[_name(tensor)], tensor, nodes)) is not None:
            tensor = passed
        return tensor

    for node in definition.node:
        _set_inputs(node, [origin(tensor) for tensor in node.input if not tensor.startswith("^")])


def _passed(node: Any, tensor: str, nodes: Mapping[str, Any]) -> str | None:
    """The input that an output of a node equals, if it equals one."""
    if node.op in ("Identity", "IdentityN"):  # IdentityN: around a gradient of one's own
        return str(node.input[int(tensor.partition(":")[2] or 0)])
    if node.op == "Mul":  # by 1, the beta of Keras's silu
        for one, other in (node.input, reversed(node.input)):
            found = nodes[_name(one)]
            if found.op == "Const" and tf.make_ndarray(found.attr["value"].tensor).tolist() == 1:
                return str(other)
    return None


def _compute_constants(definition: Any, varying: set[str]) -> None:
    """Puts constants in the place of tensors that depend on constants alone."""
    varying = set(varying)
    for node in definition.node:  # a node comes after those that it reads
        if any(_name(tensor) in varying for tensor in node.input):
            varying.add(node.name)
    constant = {node.name for node in definition.node if node.op == "Const"}
    reads = (tensor for node in definition.node if node.name in varying for tensor in node.input)
    wanted = sorted({tensor for tensor in reads if _name(tensor) not in varying | constant})
    part = tf.compat.v1.GraphDef()
    part.CopyFrom(definition)
    _prune(part, [_name(tensor) for tensor in wanted])
    with session(part) as running:
        values = running.run([tensor if ":" in tensor else f"{tensor}:0" for tensor in wanted])
    names = {tensor: f"{tensor.replace(':', '_')}/computed" for tensor in wanted}
    for node in definition.node:
        if node.name in varying:
            _set_inputs(node, [names.get(tensor, tensor) for tensor in node.input])
    definition.node.extend(_constant(name, value) for name, value in zip(names.values(), values, strict=True))


def _fold_chains(definition: Any) -> None:
    """Gives each convolution and matrix product the multiplications and additions that follow it."""
    constants = {node.name: node for node in definition.node if node.op == "Const"}
    readers = defaultdict(list)
    for node in definition.node:
        for tensor in node.input:
            readers[_name(tensor)].append(node)
    for node in list(definition.node):
        if not _foldable(node, constants):
            continue
        weights = tf.make_ndarray(constants[node.input[1]].attr["value"].tensor)
        channels = math.prod(weights.shape[2:]) if node.op == "DepthwiseConv2dNative" else weights.shape[-1]
        scale, offset = np.ones(channels), np.zeros(channels)
        last = node
        while len(readers[last.name]) == 1:
            reader = readers[last.name][0]
            number = _per_channel(reader, last, constants, channels, LINEAR[node.op])
            if number is None:
                break
            times, plus = (number, 0.0) if reader.op == "Mul" else (1.0, number)
            scale, offset, last = scale * times, offset * times + plus, reader
        if last is node:
            continue
        scaled = (weights.reshape(-1, channels) * scale).reshape(weights.shape)
        definition.node.append(_constant(f"{node.name}/scaled", scaled.astype(np.float32)))
        definition.node.append(_constant(f"{node.name}/offset", offset.astype(np.float32)))
        _set_inputs(node, [node.input[0], f"{node.name}/scaled"])
        # In place, for the sake of its readers. The bias of TensorFlow's fused kernels is a BiasAdd, not an AddV2.
        last.CopyFrom(_node(last.name, "BiasAdd", [node.name, f"{node.name}/offset"], T=tf.float32))


def _foldable(node: Any, constants: Mapping[str, Any]) -> bool:
    return (
        node.op in LINEAR
        and node.attr["T"].type == tf.float32.as_datatype_enum
        and ("data_format" not in node.attr or node.attr["data_format"].s == b"NHWC")
        and not ("transpose_b" in node.attr and node.attr["transpose_b"].b)
        and node.input[1] in constants
    )


def _per_channel(
    node: Any, before: Any, constants: Mapping[str, Any], channels: int, rank: int
) -> NDArray[np.float64] | None:
    """(channels,) what a node adds to, or multiplies with, the output of the one before; None for any other node."""
    if node.op not in ("Mul", "AddV2", "BiasAdd") or len(node.input) != 2:
        return None
    other = node.input[1] if node.input[0] == before.name else node.input[0]
    if other not in constants or before.name not in node.input:
        return None
    value = tf.make_ndarray(constants[other].attr["value"].tensor).astype(np.float64)
    if value.ndim > rank or value.size not in (1, channels) or (value.size > 1 and value.shape[-1] != channels):
        return None
    return np.broadcast_to(value.reshape(-1), (channels,))


def _prune(definition: Any, outputs: Iterable[str]) -> None:
    """Drops what no output depends on."""
    nodes = {node.name: node for node in definition.node}
    needed, waiting = set(), list(outputs)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting.extend(_name(tensor) for tensor in nodes[name].input)
    kept = [node for node in definition.node if node.name in needed]
    del definition.node[:]
    definition.node.extend(kept)


def _name(tensor: str) -> str:
    """Of the node that a tensor, "name:1", or a control input, "^name", comes from."""
    return tensor.removeprefix("^").split(":")[0]


def _set_inputs(node: Any, inputs: Iterable[str]) -> None:
    inputs = list(inputs)
    del node.input[:]
    node.input.extend(inputs)


def _node(name: str, operation: str, inputs: Iterable[str], **types: Any) -> Any:
    node = tf.compat.v1.NodeDef(name=name, op=operation, input=inputs)
    for attribute, dtype in types.items():
        node.attr[attribute].type = dtype.as_datatype_enum
    return node


def _constant(name: str, value: NDArray[Any]) -> Any:
    node = _node(name, "Const", [], dtype=tf.as_dtype(np.asarray(value).dtype))
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
    return node
