"""nano: the backbone that ships with cnnkit, weights included, trained by the project itself.

Inverted residuals with linear bottlenecks (Sandler et al., "MobileNetV2", 2018), fused into one ordinary
convolution where the maps are large (Gupta and Akin, "Accelerator-aware Neural Network Design", 2019): on a CPU
a 3×3 depthwise convolution of a 24×24 map costs more time than the ordinary one that replaces it and its
expansion. The stem takes non-overlapping steps of 4 for the same reason.

How the weights came to be, what they reach and where they fail: `nano.md` beside this file.
"""

from __future__ import annotations

from pathlib import Path

import keras
from keras import layers

from cnnkit.errors import WeightsError
from cnnkit.layers.input_shape import check_input_shape

WEIGHTS = Path(__file__).with_name("nano.weights.h5")
MOMENTUM = 0.9  # of moving statistics: Keras's 0.99 lags behind in the few hundred steps of a lesson


def nano(
    *,
    input_shape: tuple[int | None, int | None, int] = (96, 96, 3),
    weights: str | Path | None = "cnnkit",
    name: str = "nano",
) -> keras.Model:
    """The backbone without a top: pictures → maps of 512 features, 32 times smaller.

    Args:
        input_shape: Height, width and 3 channels (RGB, 0…255). Height and width are at least 32 or `None` (any);
            the weights were trained at 96×96.
        weights: `"cnnkit"` for the file that ships with the package, `None` for random ones, or a file of one's
            own that ends in `.weights.h5`.
        name: Name of the model.

    Returns:
        A flat functional model whose output is the last map (height / 32, width / 32, 512).

    Raises:
        InputError: The input shape does not fit.
        WeightsError: The weights file does not exist.
    """
    remedy = "nano's maps are 32 times smaller than its input: (96, 96, 3) is what its weights were trained on."
    check_input_shape(input_shape, least=32, open_sides=True, remedy=remedy)
    file = _weights_file(weights)

    # --- stem: stride 4
    inputs = keras.Input(input_shape, name="image")  # RGB, 0…255
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescaling")(inputs)
    x = _convolution(x, 32, kernel=6, stride=4, name="stem")  # 24 × 24 of 96 × 96

    # --- stride 8: fused inverted residuals
    x = _fused_block(x, expanded=96, filters=64, stride=2, name="block1")  # 12 × 12
    x = _fused_block(x, expanded=96, filters=64, name="block2")

    # --- stride 16
    x = _fused_block(x, expanded=128, filters=96, stride=2, name="block3")  # 6 × 6
    x = _block(x, expanded=288, filters=96, name="block4")
    x = _block(x, expanded=288, filters=96, name="block5")
    x = _block(x, expanded=288, filters=96, name="block6")

    # --- stride 32
    x = _block(x, expanded=384, filters=160, stride=2, name="block7")  # 3 × 3
    x = _block(x, expanded=480, filters=160, name="block8")
    x = _convolution(x, 512, kernel=1, name="top")

    model = keras.Model(inputs, x, name=name)
    if file is not None:
        model.load_weights(file)
    return model


def _convolution(
    x: keras.KerasTensor, filters: int, *, kernel: int, stride: int = 1, name: str, active: bool = True
) -> keras.KerasTensor:
    x = layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if active else x


def _block(x: keras.KerasTensor, *, expanded: int, filters: int, stride: int = 1, name: str) -> keras.KerasTensor:
    """Inverted residual: 1×1 to `expanded` channels, 3×3 depthwise, linear 1×1 back (MobileNetV2, Table 1)."""
    y = _convolution(x, expanded, kernel=1, name=f"{name}_expand")
    y = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False, name=f"{name}_depthwise_conv")(y)
    y = layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_depthwise_bn")(y)
    y = layers.ReLU(name=f"{name}_depthwise_relu")(y)
    y = _convolution(y, filters, kernel=1, name=f"{name}_project", active=False)
    return layers.Add(name=f"{name}_add")([x, y]) if stride == 1 and x.shape[-1] == filters else y


def _fused_block(x: keras.KerasTensor, *, expanded: int, filters: int, stride: int = 1, name: str) -> keras.KerasTensor:
    """Inverted residual whose expansion and depthwise convolution are one 3×3 convolution."""
    y = _convolution(x, expanded, kernel=3, stride=stride, name=f"{name}_expand")
    y = _convolution(y, filters, kernel=1, name=f"{name}_project", active=False)
    return layers.Add(name=f"{name}_add")([x, y]) if stride == 1 and x.shape[-1] == filters else y


def _weights_file(weights: str | Path | None) -> Path | None:
    if weights is None:
        return None
    file = WEIGHTS if weights == "cnnkit" else Path(weights)
    if not file.is_file():
        raise WeightsError(
            'weights="cnnkit", weights=None or an existing .weights.h5 file',
            repr(str(weights)),
            "python -m cnnkit.tasks.nano.distill trains such a file.",
        )
    return file
