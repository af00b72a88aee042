"""What a layer's arguments may be: numbers, flags, words from fixed lists; nothing that names code or a file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from cnnkit.course.submissions.findings import RefusedError, shown

LARGEST = 2**31 - 1
REQUIRED = object()
"""As a default: the config has to say it."""


@dataclass(frozen=True)
class Kind:
    """A kind of value.

    Attributes:
        words: What it is, as the end of a sentence that begins with "Expected".
        read: The value that the arithmetic works with; raises `ValueError` for any other.
        default: What an absent argument means.
    """

    words: str
    read: Callable[[Any], Any]
    default: Any = REQUIRED

    def __or__(self, default: Any) -> Kind:
        """The same with a default: `COUNT | 1`. A default of None makes null a legal value too."""
        return Kind(self.words, _nullable(self.read) if default is None else self.read, default)


Arguments = Mapping[str, Kind]
Settings = dict[str, Any]


def read_arguments(config: Mapping[str, Any], arguments: Arguments, *, layer: str, class_name: str) -> Settings:
    """The arguments of a layer that its shape arithmetic needs.

    Args:
        config: From the file.
        arguments: Those that the class has.
        layer: Its name, for the finding.
        class_name: Its class, for the finding.

    Raises:
        RefusedError: `layer-argument`: one is missing, unknown or of another kind.
    """
    settings: Settings = {}
    for name, value in config.items():
        if name not in arguments:
            raise RefusedError(
                "layer-argument",
                f"arguments of {class_name} in layer {layer!r}",
                f"{shown(name)}",
                "Write the architecture with model.to_json() of a stock model.",
            )
        try:
            settings[name] = arguments[name].read(value)
        except ValueError as error:
            raise RefusedError(
                "layer-argument",
                f"{name} of {class_name} {layer!r} to be {arguments[name].words}",
                shown(value),
                "Use a value that Keras's documentation of the layer names.",
            ) from error
    for name, kind in arguments.items():
        if name not in settings:
            if kind.default is REQUIRED:
                raise RefusedError(
                    "layer-argument", f"{name} of {class_name} {layer!r}", "nothing", "Write it with model.to_json()."
                )
            settings[name] = kind.default
    return settings


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


def _nullable(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


def _require(condition: bool) -> None:
    if not condition:
        raise ValueError


def integer(low: int, high: int = LARGEST) -> Kind:
    """Whole numbers from `low` to `high`; `true` is none."""

    def read(value: Any) -> int:
        _require(type(value) is int and low <= value <= high)
        return int(value)

    return Kind(f"a whole number from {low} to {high}", read)


def one_of(*words: Any) -> Kind:
    """One of these values, of the same type."""

    def read(value: Any) -> Any:
        _require(any(type(value) is type(word) and value == word for word in words))
        return value

    return Kind(f"one of {', '.join(map(repr, words))}", read)


def sides(low: int = 1) -> Kind:
    """A whole number for all axes, or a list with one an axis."""
    side = integer(low)

    def read(value: Any) -> int | tuple[int, ...]:
        return _tuple(value, side, 3) if isinstance(value, list) else int(side.read(value))

    return Kind(f"a whole number of at least {low}, or one for each axis", read)


def axes(fewest: int = 1) -> Kind:
    """One axis, or a list of axes; negative ones count from the end."""
    axis = integer(-8, 8)

    def read(value: Any) -> tuple[int, ...]:
        if value == [] and fewest == 0:
            return ()
        return _tuple(value, axis, 8) if isinstance(value, list) else (int(axis.read(value)),)

    return Kind("an axis or a list of axes", read)


def dimensions(low: int) -> Kind:
    """A list of whole numbers."""
    each = integer(low)
    return Kind(f"a list of whole numbers of at least {low}", lambda value: _tuple(value, each, 8))


def _tuple(value: Any, kind: Kind, longest: int) -> tuple[int, ...]:
    _require(isinstance(value, list) and 1 <= len(value) <= longest)
    return tuple(kind.read(item) for item in value)


def _border(value: Any) -> Any:
    """Padding or cropping: one number, one an axis, or (before, after) an axis."""
    whole = integer(0)
    if not isinstance(value, list):
        return whole.read(value)
    _require(1 <= len(value) <= 3)
    return tuple(_tuple(item, whole, 2) if isinstance(item, list) else whole.read(item) for item in value)


def _float(value: Any) -> float:
    # How Keras 2 wrote a NumPy number, e.g. the slope of a LeakyReLU.
    if isinstance(value, dict) and value.get("type") == "ndarray":
        value = value.get("value")
    _require(type(value) in (int, float))
    return float(value)


def nested_shape(value: Any) -> tuple[int, ...]:
    """The shape of numbers in nested lists; () for one number.

    Raises:
        ValueError: They are no numbers, or no array.

    >>> nested_shape([[1.0, 2.0, 3.0]])
    (1, 3)
    """
    if not isinstance(value, list):
        _float(value)
        return ()
    _require(bool(value))
    shapes = {nested_shape(item) for item in value}
    _require(len(shapes) == 1)
    return (len(value), *shapes.pop())


def _plain(value: Any) -> Any:
    """A setting that no arithmetic here depends on: a number, a flag, a stock word, null or a short list of them."""
    if isinstance(value, list):
        _require(len(value) <= 16)
        return [_plain(item) for item in value]
    _require(value is None or type(value) in (bool, int, float) or (isinstance(value, str) and value in WORDS))
    return value


WORDS = words(
    "fan_in fan_out fan_avg normal uniform truncated_normal untruncated_normal rows columns "
    "nearest bilinear bicubic area lanczos3 lanczos5 reflect constant wrap horizontal vertical horizontal_and_vertical "
    "dot concat float32 float16 bfloat16"
)


def _described(modules: Collection[str], classes: Collection[str]) -> Callable[[Any], None]:
    """A stock object without numbers of its own: by its name, or as class and config of plain settings."""
    names = {_letters(name) for name in classes}

    def read(value: Any) -> None:
        if isinstance(value, str):
            _require(_letters(value) in names)
            return
        _require(isinstance(value, dict) and isinstance(value.get("class_name"), str))
        _require(_letters(value["class_name"]) in names and value.get("module") in (None, *modules))
        config = value.get("config")
        _require(isinstance(config, dict) and len(config) <= 16)
        for item in config.values():
            _plain(item)

    return read


def _letters(name: str) -> str:
    """`glorot_uniform`, `GlorotUniform` and `glorotuniform` are one name."""
    return name.replace("_", "").lower()


def _activation(value: Any) -> None:
    """A stock function by name, or a layer that only activates."""
    if isinstance(value, dict) and value.get("class_name") == "function":
        _require(value.get("module") in (None, "builtins", "keras.activations"))
        value = value.get("config")
    if isinstance(value, str):
        _require(value in ACTIVATIONS)
        return
    _require(isinstance(value, dict) and value.get("module") in (None, "keras.layers"))
    _require(value.get("class_name") in ACTIVATION_LAYERS and isinstance(value.get("config"), dict))
    for name, item in value["config"].items():
        if name == "dtype":
            POLICY.read(item)
        elif name != "name":
            _float(item) if isinstance(item, dict) else _plain(item)


def _policy(value: Any) -> None:
    if isinstance(value, dict):
        _require(value.get("class_name") in ("DTypePolicy", "Policy") and isinstance(value.get("config"), dict))
        _require(value.get("module") in (None, "keras", "keras.mixed_precision"))
        value = value["config"].get("name")
    _require(isinstance(value, str) and value in POLICIES)


ACTIVATIONS = words(
    "celu elu exponential gelu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear "
    "log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus "
    "squareplus swish tanh tanh_shrink"
)
ACTIVATION_LAYERS = ("ReLU", "LeakyReLU", "ELU", "Softmax", "ThresholdedReLU")
# In the mixed policies the variables are float32, as the H5 file wants them: what Colab's GPUs are trained with.
POLICIES = frozenset({"float32", "mixed_float16", "mixed_bfloat16", "_infer"})

COUNT = integer(1)
FLAG = one_of(True, False)
NUMBER = Kind("a number", _float)
NUMBERS = Kind("a number, or numbers in lists of one length", nested_shape)
"""Read as their shape: no arithmetic on shapes needs the numbers."""
BORDER = Kind("whole numbers of at least 0, one or two for each axis", _border)
PLAIN = Kind("numbers, flags and stock words", _plain)
CHANNELS_LAST = one_of("channels_last")
POLICY = Kind("one of the dtypes float32, mixed_float16 and mixed_bfloat16", _policy)
ACTIVATION = Kind("one of keras.activations by name", _activation)
NAME = Kind("a name", lambda value: value)  # was checked before

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
