"""Raw RGB 0…255 in, whatever the architecture: the preprocessing is part of the graph, made of stock layers.

'tf' and 'torch' networks get a `Rescaling` in front. 'caffe' networks want BGR: the means are subtracted in RGB
order and the input channels of the first kernel are reversed, which is the same sum in another order; no layer
that a saved model would have to carry. EfficientNet's published weights want a factor a channel between its
normalization and its first convolution, which goes into the first kernel too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias, get_args

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.backbones.graph import nodes
from cnnkit.backbones.table import Preprocessing, Row
from cnnkit.errors import InputError

# ImageNet statistics in RGB order, as keras.applications.imagenet_utils states them (there BGR for 'caffe').
CAFFE_MEAN = (123.68, 116.779, 103.939)
TORCH_MEAN = (0.485, 0.456, 0.406)
TORCH_DEVIATION = (0.229, 0.224, 0.225)

Factor: TypeAlias = float | Sequence[float]
Given: TypeAlias = Preprocessing | tuple[Factor, Factor]
"""What a caller says of a model of his own: a name, or (scale, offset), one number each or one for each channel."""

INPUT_NAME = "image"
LAYER_NAME = "preprocessing"


def image_input(input_shape: tuple[int, int, int]) -> Any:
    """The input of every backbone: `image`, float32 RGB in 0…255, shape (n, height, width, 3)."""
    return keras.Input(shape=input_shape, name=INPUT_NAME, dtype="float32")


def preprocess(image: Any, kind: Given) -> Any:
    """What the network wants, from raw RGB; for 'caffe' still in RGB order.

    The layer stays in float32 under mixed precision: half precision has no room for 255 steps and a mean.
    """
    if kind == "inside":
        return image
    if isinstance(kind, tuple):
        scale, offset = (list(part) if isinstance(part, Sequence) else part for part in kind)
        layer = keras.layers.Rescaling(scale, offset=offset, name=LAYER_NAME, dtype="float32")
    elif kind == "tf":
        layer = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name=LAYER_NAME, dtype="float32")
    elif kind == "torch":
        layer = keras.layers.Rescaling(
            [1 / (255 * deviation) for deviation in TORCH_DEVIATION],
            offset=[-mean / deviation for mean, deviation in zip(TORCH_MEAN, TORCH_DEVIATION, strict=True)],
            name=LAYER_NAME,
            dtype="float32",
        )
    else:
        layer = keras.layers.Rescaling(1.0, offset=[-mean for mean in CAFFE_MEAN], name=LAYER_NAME, dtype="float32")
    return layer(image)


def check_preprocessing(given: object) -> Given:
    """What a caller says that his model wants, checked.

    Raises:
        InputError: Neither a name nor (scale, offset) of finite numbers, the scale not 0.
    """
    if isinstance(given, str) and given in get_args(Preprocessing):
        return given  # type: ignore[return-value]  # it is one of the names
    if isinstance(given, tuple | list) and len(given) == 2:
        scale, offset = (_factor(part) for part in given)
        if scale and offset and 0.0 not in scale:
            return scale, offset
    raise InputError(
        'preprocessing="inside", "tf", "caffe", "torch" or (scale, offset)', repr(given)[:200], PREPROCESSING_WORDS
    )


PREPROCESSING_WORDS = (
    '"inside": the model takes RGB 0…255 as it is; "tf": [-1, 1]; "caffe": BGR minus the mean of ImageNet; "torch": '
    "mean and deviation of ImageNet; (1/255, 0): [0, 1], in general pictures · scale + offset."
)


def _factor(value: object) -> tuple[float, ...] | None:
    """One number or three, finite; None is anything else."""
    numbers = [value] if isinstance(value, int | float | np.number) else value
    if not isinstance(numbers, tuple | list | np.ndarray) or len(numbers) not in (1, 3):
        return None
    fine = all(isinstance(part, int | float | np.number) and not isinstance(part, bool) for part in numbers)
    return tuple(float(part) for part in numbers) if fine and all(map(math.isfinite, numbers)) else None


def reversed_channels(image: Any) -> Any:
    """RGB → BGR, for a model whose first kernel belongs to someone else and is not turned round."""
    return image[..., ::-1]


def first_kernel(model: keras.Model) -> Any:
    """The variable of the first convolution's kernel, shape (F, F, 3, C_out).

    Raises:
        InputError: The model has no convolution.
    """
    for call in nodes(model):
        if isinstance(call.layer, keras.layers.Conv2D):
            return call.layer.kernel
    raise InputError("a model with a Conv2D layer", f"{model.name!r} without one", "Choose another backbone.")


def fold(model: keras.Model, row: Row, *, published: bool) -> None:
    """Adapt loaded weights of `keras.applications` to the graph's own preprocessing, in place.

    Args:
        model: The full network, with the weights of the original just loaded.
        row: Its row.
        published: The weights are the ImageNet ones that Keras publishes.
    """
    if row.preprocessing == "caffe":
        kernel = first_kernel(model)
        kernel.assign(kernel.numpy()[:, :, ::-1, :])
    elif published and row.builder.startswith("EfficientNetB"):
        # keras.applications adds Rescaling(1/√deviation) only with weights="imagenet" (tensorflow#49930).
        kernel = first_kernel(model)
        factor: NDArray[np.float64] = np.array([1 / math.sqrt(deviation) for deviation in TORCH_DEVIATION])
        kernel.assign((kernel.numpy() * factor[:, None]).astype("float32"))
