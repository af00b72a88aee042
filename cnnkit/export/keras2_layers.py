"""Keras 2 layers in Keras 3 form: one table row for each class that may be imported.

A row says what the class is called now, which arguments have a new name, which are gone (and the values with which
they meant nothing), and what an old file leaves out although Keras 3 would choose something else. What is not in
the table is refused by name: a model is never built from a guess.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

from cnnkit.errors import InputError, nearest
from cnnkit.layers.carriers import CARRIERS

ANY = object()
"""In `Row.dropped`: the argument changes nothing, whatever its value."""


@dataclass(frozen=True)
class Row:
    """What changes between a Keras 2 and a Keras 3 layer config.

    Attributes:
        renamed: Old argument name → new one.
        dropped: Arguments that Keras 3 does not know → the values that may be dropped (`ANY`: all of them).
        absent: Arguments that old files leave out → the value that Keras 2 meant by that.
        becomes: The class in `keras.layers`, where its name changed.
    """

    renamed: Mapping[str, str] = field(default_factory=dict)
    dropped: Mapping[str, Any] = field(default_factory=dict)
    absent: Mapping[str, Any] = field(default_factory=dict)
    becomes: str | None = None


_PLAIN = Row()
_KERNEL_OF_A_BASE_CLASS = dict.fromkeys(("kernel_initializer", "kernel_regularizer", "kernel_constraint"), ANY)
_SEPARATE = Row(dropped={"groups": (1,), **_KERNEL_OF_A_BASE_CLASS})
_TRANSPOSED = Row(dropped={"groups": (1,)})
_SPATIAL_DROPOUT = Row(dropped={"noise_shape": (None,), "trainable": ANY})
_BATCH_NORM = Row(
    dropped={
        "renorm": (False, None),
        "renorm_clipping": ANY,
        "renorm_momentum": ANY,
        "fused": ANY,
        "virtual_batch_size": (None,),
        "adjustment": (None,),
    },
    becomes="BatchNormalization",
)
_RECURRENT = Row(dropped={"implementation": ANY, "time_major": (False,), "input_dim": ANY, "input_length": ANY})

KERAS2_LAYERS: dict[str, Row] = {
    "Dense": Row(dropped={"input_dim": ANY}),
    **dict.fromkeys(("Conv1D", "Conv2D", "Conv3D"), _PLAIN),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"), _SEPARATE),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), _TRANSPOSED),
    **dict.fromkeys(("BatchNormalization", "BatchNormalizationV1", "BatchNormalizationV2"), _BATCH_NORM),
    **dict.fromkeys(("LayerNormalization", "GroupNormalization", "UnitNormalization", "Normalization"), _PLAIN),
    **dict.fromkeys(("Activation", "ReLU", "ELU", "PReLU", "Softmax"), _PLAIN),
    "LeakyReLU": Row(renamed={"alpha": "negative_slope"}),
    # Keras 2: x where x > θ, else 0. ReLU with a threshold: x where x ≥ θ. They differ on a set of measure zero.
    "ThresholdedReLU": Row(renamed={"theta": "threshold"}, becomes="ReLU"),
    **dict.fromkeys(("Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise"), _PLAIN),
    **dict.fromkeys(("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"), _SPATIAL_DROPOUT),
    "ActivityRegularization": _PLAIN,
    **{f"{kind}Pooling{n}D": _PLAIN for kind in ("Max", "Average") for n in (1, 2, 3)},
    **{f"Global{kind}Pooling{n}D": _PLAIN for kind in ("Max", "Average") for n in (1, 2, 3)},
    **{f"{kind}{n}D": _PLAIN for kind in ("ZeroPadding", "Cropping", "UpSampling") for n in (1, 2, 3)},
    **dict.fromkeys(("Flatten", "Reshape", "Permute", "RepeatVector", "Masking"), _PLAIN),
    **dict.fromkeys(("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"), _PLAIN),
    **dict.fromkeys(("Concatenate", "Dot", "Rescaling", "Resizing", "CenterCrop"), _PLAIN),
    "Embedding": Row(dropped={"input_length": ANY, "sparse": (False,)}),
    **dict.fromkeys(("SimpleRNN", "LSTM"), _RECURRENT),
    # Files older than the argument were trained with the gate before the product: another bias shape.
    "GRU": Row(dropped=_RECURRENT.dropped, absent={"reset_after": False}),
    **dict.fromkeys(("Bidirectional", "TimeDistributed"), _PLAIN),
    "MultiHeadAttention": Row(dropped=dict.fromkeys(("query_shape", "key_shape", "value_shape"), ANY)),
    **dict.fromkeys(("Attention", "AdditiveAttention"), _PLAIN),
}

# Classes that no Keras 3 can run, and the way out. Those that hold code are in `layers.carriers`.
REFUSED = {
    **dict.fromkeys(
        ("CuDNNLSTM", "CuDNNGRU"),
        "It runs on a GPU of TensorFlow 1 only. Load it with TensorFlow 1, move its weights to the layer without"
        " CuDNN and save that.",
    ),
    "Merge": "It is a layer of Keras 1. Save the model with Keras 2 first.",
}

_ACTIVATIONS = {
    **{name: name for name in ("elu", "exponential", "gelu", "linear", "mish", "relu", "selu", "sigmoid")},
    **{name: name for name in ("silu", "softmax", "softplus", "softsign", "tanh", "leaky_relu", "relu6")},
    "swish": "silu",
}
_DESCRIBED = {"_initializer": "initializers", "_regularizer": "regularizers", "_constraint": "constraints"}
# Only these may name a class that Keras builds: no function, no file, no vocabulary.
_OF_EVERY_LAYER = {"name", "trainable", "dtype", "activity_regularizer"}


def convert_layer(class_name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """The Keras 3 form of one layer that is not a model.

    Args:
        class_name: The Keras 2 class, e.g. `"DepthwiseConv2D"`.
        config: Its Keras 2 config.

    Raises:
        InputError: The class is not in the table, or an argument has no meaning in Keras 3.
    """
    name = str(config.get("name", class_name))
    if remedy := _way_out(class_name):
        raise InputError("a model of stock layers", f"{class_name} layer {name!r}", remedy)
    if class_name not in KERAS2_LAYERS:
        close = nearest(class_name, KERAS2_LAYERS)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise InputError(
            "a model of stock layers",
            f"layer {name!r} of class {class_name!r}",
            f"Rebuild the model without it and save it again.{hint} "
            "ck.export.KERAS2_LAYERS lists the classes that can be imported.",
        )
    row = KERAS2_LAYERS[class_name]
    target = row.becomes or class_name
    accepted, open_ended = _arguments(target)
    converted: dict[str, Any] = {"name": keras3_name(name)}
    for argument, value in config.items():
        if argument == "name" or argument in ("batch_input_shape", "input_shape", "input_dtype"):
            continue  # The shape comes from the graph, or from the Sequential that holds the layer.
        if argument in row.dropped:
            harmless = row.dropped[argument]
            if harmless is not ANY and value not in harmless:
                raise InputError(
                    f"{argument}={harmless[0]!r} in layer {name!r}",
                    f"{argument}={value!r}",
                    f"{target} has no such argument in Keras 3: rebuild the model without it.",
                )
            continue
        argument = row.renamed.get(argument, argument)
        if argument not in accepted and not (open_ended and argument in _OF_EVERY_LAYER):
            if value is None or argument in _OF_EVERY_LAYER:
                continue
            raise InputError(
                f"an argument of {target} in layer {name!r}",
                f"{argument}={value!r}",
                "Keras 3 does not know it: save the model again without it, with Keras 2.",
            )
        converted[argument] = _convert_value(argument, value, name)
    for argument, value in row.absent.items():
        converted.setdefault(argument, value)
    if target == "BatchNormalization" and isinstance(converted.get("axis"), list):
        converted["axis"] = _only(converted["axis"], name)
    return stock("keras.layers", target, converted)


def _way_out(class_name: str) -> str | None:
    """What to do about a class that Keras 3 cannot take over; None for all others."""
    carrier = CARRIERS.get(class_name)
    if carrier is None or carrier.load != "code":
        return REFUSED.get(class_name)
    return (
        "It holds Python bytecode, or an operator, of the machine that saved it. "
        f"Rebuild the model with {carrier.instead} in its place and save it again."
    )


def convert_input(config: Mapping[str, Any]) -> dict[str, Any]:
    """The Keras 3 form of an InputLayer: `batch_input_shape` became `batch_shape`."""
    name = str(config.get("name", "input"))
    if config.get("ragged"):
        raise InputError("a dense input", f"ragged input {name!r}", "Pad the examples to one length instead.")
    shape = config.get("batch_input_shape", config.get("batch_shape"))
    if shape is None:
        raise InputError(f"the shape of input {name!r}", "no batch_input_shape", "Save the model again with its shape.")
    return stock(
        "keras.layers",
        "InputLayer",
        {
            "batch_shape": shape,
            "dtype": _convert_dtype(config.get("dtype") or "float32", name),
            "sparse": bool(config.get("sparse", False)),
            "name": keras3_name(name),
        },
    )


def keras3_name(name: str) -> str:
    """A layer name without "/", which Keras 3 forbids and Keras 2's DenseNet used: `conv1/bn` → `conv1_bn`."""
    return name.replace("/", "_")


def stock(module: str, class_name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """How Keras 3 writes an object of its own."""
    return {"module": module, "class_name": class_name, "config": dict(config), "registered_name": None}


def _arguments(class_name: str) -> tuple[set[str], bool]:
    parameters = inspect.signature(getattr(keras.layers, class_name).__init__).parameters
    open_ended = any(value.kind is inspect.Parameter.VAR_KEYWORD for value in parameters.values())
    return set(parameters) - {"self", "kwargs"}, open_ended


def _convert_value(argument: str, value: Any, layer: str) -> Any:
    if value is None:
        return None
    if argument == "dtype":
        return _convert_dtype(value, layer)
    if argument in ("activation", "recurrent_activation"):
        return _convert_activation(argument, value, layer)
    if argument in ("layer", "backward_layer"):  # of Bidirectional and TimeDistributed
        return convert_layer(str(value["class_name"]), value["config"])
    for suffix, module in _DESCRIBED.items():
        if argument.endswith(suffix):
            return _convert_described(argument, module, value, layer)
    if isinstance(value, dict) and value.get("type") == "ndarray":
        return value["value"]  # How Keras 2 wrote a NumPy number, e.g. LeakyReLU's slope.
    return value


def _convert_dtype(value: Any, layer: str) -> Any:
    if isinstance(value, str):
        return value
    name = value.get("config", {}).get("name")
    if not isinstance(name, str):
        raise InputError(f"a dtype policy with a name in layer {layer!r}", repr(value), "Save the model again.")
    return stock("keras", "DTypePolicy", {"name": "float32" if name.startswith("_infer") else name})


def _convert_activation(argument: str, value: Any, layer: str) -> Any:
    if isinstance(value, dict) and value.get("class_name") in KERAS2_LAYERS:
        return convert_layer(value["class_name"], value["config"])
    if value == "hard_sigmoid":
        raise InputError(
            f"{argument} with the same meaning in Keras 3, in layer {layer!r}",
            "'hard_sigmoid', which was clip(x / 5 + 1/2, 0, 1) in Keras 2 and is clip(x / 6 + 1/2, 0, 1) in Keras 3",
            "The numbers would change silently. For a plain activation save the model with Rescaling(0.2, 0.5) and"
            " ReLU(max_value=1) in its place.",
        )
    if not isinstance(value, str) or value not in _ACTIVATIONS:
        given = value.get("config", value) if isinstance(value, dict) else value
        raise InputError(
            f"a stock {argument} in layer {layer!r}", repr(given), f"Known: {', '.join(sorted(_ACTIVATIONS))}."
        )
    return _ACTIVATIONS[value]


def _convert_described(argument: str, module: str, value: Any, layer: str) -> Any:
    """An initializer, regularizer or constraint: by its name, or as class and config."""
    known = getattr(keras, module)
    if isinstance(value, str):
        class_name, settings = value, {}
        snake = value
    else:
        class_name = str(value.get("class_name"))
        settings = dict(value.get("config") or {})
        snake = ""
    settings.pop("dtype", None)  # TensorFlow 1 wrote it into initializers.
    if settings.get("distribution") == "normal":
        settings["distribution"] = "truncated_normal"  # what Keras 2 drew from
    if snake and snake.islower():
        class_name = "".join(part.capitalize() for part in snake.split("_"))
    found = getattr(known, class_name, None) or getattr(known, class_name.upper(), None)
    if not inspect.isclass(found):
        raise InputError(
            f"a stock {argument} in layer {layer!r}",
            repr(class_name),
            f"Save the model with one of keras.{module}: it shapes the training only, never the loaded weights.",
        )
    return stock(f"keras.{module}", found.__name__, settings)


def _only(values: list[int], layer: str) -> int:
    if len(values) != 1:
        raise InputError(
            f"one axis in BatchNormalization {layer!r}", f"axis={values}", "Keras 3 normalizes along one axis."
        )
    return values[0]
