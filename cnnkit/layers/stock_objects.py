"""Objects in a layer's configuration that change its numbers and never its shapes: stock ones only, by their names.

Activations, initializers, regularizers, constraints and dtype policies. Their kinds are read for the check alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from cnnkit.layers.configuration import Kind, number, plain, require, words

ACTIVATIONS = words(
    "celu elu exponential gelu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear "
    "log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus "
    "squareplus swish tanh tanh_shrink"
)
ACTIVATION_LAYERS = ("ReLU", "LeakyReLU", "ELU", "Softmax", "ThresholdedReLU")
# In the mixed policies the variables are float32, as the H5 file wants them: what Colab's GPUs are trained with.
POLICIES = frozenset({"float32", "mixed_float16", "mixed_bfloat16", "_infer"})


def _described(modules: Collection[str], classes: Collection[str]) -> Callable[[Any], None]:
    """A stock object without numbers of its own: by its name, or as class and config of plain settings."""
    names = {_letters(name) for name in classes}

    def read(value: Any) -> None:
        if isinstance(value, str):
            require(_letters(value) in names)
            return
        require(isinstance(value, dict) and isinstance(value.get("class_name"), str))
        require(_letters(value["class_name"]) in names and value.get("module") in (None, *modules))
        config = value.get("config")
        require(isinstance(config, dict) and len(config) <= 16)
        for item in config.values():
            plain(item)

    return read


def _letters(name: str) -> str:
    """`glorot_uniform`, `GlorotUniform` and `glorotuniform` are one name."""
    return name.replace("_", "").lower()


def _activation(value: Any) -> None:
    """A stock function by name, or a layer that only activates."""
    if isinstance(value, dict) and value.get("class_name") == "function":
        require(value.get("module") in (None, "builtins", "keras.activations"))
        value = value.get("config")
    if isinstance(value, str):
        require(value in ACTIVATIONS)
        return
    require(isinstance(value, dict) and value.get("module") in (None, "keras.layers"))
    require(value.get("class_name") in ACTIVATION_LAYERS and isinstance(value.get("config"), dict))
    for name, item in value["config"].items():
        if name == "dtype":
            POLICY.read(item)
        elif name != "name":
            number(item) if isinstance(item, dict) else plain(item)


def _policy(value: Any) -> None:
    if isinstance(value, dict):
        require(value.get("class_name") in ("DTypePolicy", "Policy") and isinstance(value.get("config"), dict))
        require(value.get("module") in (None, "keras", "keras.mixed_precision"))
        value = value["config"].get("name")
    require(isinstance(value, str) and value in POLICIES)


POLICY = Kind("one of the dtypes float32, mixed_float16 and mixed_bfloat16", _policy)
ACTIVATION = Kind("one of keras.activations by name", _activation)
INITIALIZER = Kind(
    "one of keras.initializers",
    _described(
        ("keras.initializers",),
        words(
            "Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity LecunNormal LecunUniform Ones Orthogonal "
            "OrthogonalInitializer RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros"
        ),
    ),
)
REGULARIZER = Kind(
    "one of keras.regularizers", _described(("keras.regularizers",), ("L1", "L2", "L1L2", "OrthogonalRegularizer"))
)
CONSTRAINT = Kind(
    "one of keras.constraints",
    _described(("keras.constraints",), ("MaxNorm", "MinMaxNorm", "NonNeg", "NonNegative", "UnitNorm")),
)
