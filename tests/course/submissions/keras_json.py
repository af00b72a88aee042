"""Model JSON in the form that Keras 3.15 writes, by hand: tests make submissions without TensorFlow.

`test_architecture` proves on real models that the form is Keras's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]

POLICY = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": None}


def initializer(class_name: str = "GlorotUniform", **config: Any) -> Json:
    return {"module": "keras.initializers", "class_name": class_name, "config": config, "registered_name": None}


def tensor(layer: str, call: int = 0, index: int = 0, shape: Sequence[int | None] = (None, 1)) -> Json:
    config = {"shape": list(shape), "dtype": "float32", "keras_history": [layer, call, index]}
    return {"class_name": "__keras_tensor__", "config": config}


def image(name: str = "image", shape: Sequence[int | None] = (None, 32, 32, 3)) -> Json:
    config = {"batch_shape": list(shape), "dtype": "float32", "sparse": False, "ragged": False, "name": name}
    return {
        "module": "keras.layers",
        "class_name": "InputLayer",
        "config": config,
        "registered_name": None,
        "name": name,
        "inbound_nodes": [],
    }


def layer(class_name: str, name: str, *sources: str, module: str = "keras.layers", **config: Any) -> Json:
    """A layer called once, on the first outputs of other layers."""
    tensors = [tensor(source) for source in sources]
    arguments = [tensors] if len(tensors) > 1 else tensors
    return {
        "module": module,
        "class_name": class_name,
        "config": {"name": name, "trainable": True, "dtype": POLICY, **config},
        "registered_name": None,
        "name": name,
        "inbound_nodes": [{"args": arguments, "kwargs": {}}] if sources else [],
    }


def functional(layers: Sequence[Json], *, name: str = "functional", output: str = "", source: str = "") -> Json:
    """A functional model from its first layer, or `source`, to its last, or `output`."""
    config = {
        "name": name,
        "trainable": True,
        "layers": list(layers),
        "input_layers": [[source or layers[0]["name"], 0, 0]],
        "output_layers": [[output or layers[-1]["name"], 0, 0]],
    }
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": config,
        "registered_name": "Functional",
        "build_config": {"input_shape": None},
        "compile_config": {},
    }


def sequential(layers: Sequence[Json], *, name: str = "sequential") -> Json:
    entries = [{key: value for key, value in entry.items() if key not in ("name", "inbound_nodes")} for entry in layers]
    config = {"name": name, "trainable": True, "dtype": POLICY, "layers": entries}
    return {"module": "keras", "class_name": "Sequential", "config": config, "registered_name": None}


def dense(name: str, *sources: str, units: Any = 1, activation: Any = "sigmoid") -> Json:
    return layer(
        "Dense",
        name,
        *sources,
        units=units,
        activation=activation,
        use_bias=True,
        kernel_initializer=initializer(),
        bias_initializer=initializer("Zeros"),
        kernel_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        quantization_config=None,
    )


def convolution(name: str, *sources: str, filters: Any = 8, kernel: Any = 3, strides: Any = 1) -> Json:
    return layer(
        "Conv2D",
        name,
        *sources,
        filters=filters,
        kernel_size=[kernel, kernel],
        strides=[strides, strides],
        padding="same",
        data_format="channels_last",
        dilation_rate=[1, 1],
        groups=1,
        activation="linear",
        use_bias=True,
        kernel_initializer=initializer(seed=None),
        bias_initializer=initializer("Zeros"),
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
    )


def body() -> list[Json]:
    """The layers of a small classifier of persons: 265 parameters."""
    return [
        image(),
        layer("Rescaling", "scale", "image", scale=1 / 127.5, offset=-1.0),
        convolution("conv", "scale", strides=2),
        layer("BatchNormalization", "norm", "conv", axis=-1, momentum=0.99, epsilon=0.001, center=True, scale=True),
        layer("ReLU", "relu", "norm", max_value=None, negative_slope=0.0, threshold=0.0),
        layer("GlobalAveragePooling2D", "pool", "relu", data_format="channels_last", keepdims=False),
        dense("probability", "pool"),
    ]
