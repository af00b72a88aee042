"""ResNet (He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", 2015), Table 1.

    layer        output     18-layer    34-layer    50-layer     101-layer    152-layer
    conv1        112×112                7×7, 64, stride 2
    pool1        56×56                  max 3×3, stride 2
    conv2_x      56×56      3×3, 64     3×3, 64     1×1, 64      1×1, 64      1×1, 64
                            3×3, 64     3×3, 64     3×3, 64      3×3, 64      3×3, 64
                                                    1×1, 256     1×1, 256     1×1, 256
                            × 2         × 3         × 3          × 3          × 3
    conv3_x      28×28      128 × 2     128 × 4     128 × 4      128 × 4      128 × 8
    conv4_x      14×14      256 × 2     256 × 6     256 × 6      256 × 23     256 × 36
    conv5_x      7×7        512 × 2     512 × 3     512 × 3      512 × 3      512 × 3
    avg_pool     1×1
    predictions  1000
    FLOPs                   1.8·10⁹     3.6·10⁹     3.8·10⁹      7.6·10⁹      11.3·10⁹
    trained      11,689,512 · 21,797,672 · 25,557,032 · 44,549,160 · 60,192,808 parameters

"FLOPs" are multiply-adds. Where the shape changes, the shortcut is a 1×1 convolution (option B). The layers are called
as in `keras.applications`, whose ResNets have biases beside the normalization; 18 and 34 are in no Keras.
"""

from __future__ import annotations

from typing import Any, Protocol

import keras
from keras import layers

from cnnkit.zoo.building import VGG_MEAN, Shape, Weights, assembled, image, normalized, predictions


def resnet18(*, input_shape: Shape = (224, 224, 3), classes: int | None = 1000, weights: Weights = None) -> keras.Model:
    """The residual network of 18 layers, two 3×3 convolutions a block.

    Args:
        input_shape: Height, width (at least 32 each), 3 channels; RGB 0…255.
        classes: Number of classes; None for the last map, `conv5_block2_out`.
        weights: A weights file, or None for random ones.

    Raises:
        InputError: A shape or number that does not fit.
        WeightsError: A missing file, or one of another network.
    """
    return _resnet("resnet18", _basic_block, (2, 2, 2, 2), input_shape, classes, weights)


def resnet34(*, input_shape: Shape = (224, 224, 3), classes: int | None = 1000, weights: Weights = None) -> keras.Model:
    """The residual network of 34 layers, two 3×3 convolutions a block; arguments as of `resnet18`."""
    return _resnet("resnet34", _basic_block, (3, 4, 6, 3), input_shape, classes, weights)


def resnet50(*, input_shape: Shape = (224, 224, 3), classes: int | None = 1000, weights: Weights = None) -> keras.Model:
    """The residual network of 50 layers, bottleneck blocks; arguments as of `resnet18`."""
    return _resnet("resnet50", _bottleneck_block, (3, 4, 6, 3), input_shape, classes, weights)


def resnet101(
    *, input_shape: Shape = (224, 224, 3), classes: int | None = 1000, weights: Weights = None
) -> keras.Model:
    """The residual network of 101 layers, bottleneck blocks; arguments as of `resnet18`."""
    return _resnet("resnet101", _bottleneck_block, (3, 4, 23, 3), input_shape, classes, weights)


def resnet152(
    *, input_shape: Shape = (224, 224, 3), classes: int | None = 1000, weights: Weights = None
) -> keras.Model:
    """The residual network of 152 layers, bottleneck blocks; arguments as of `resnet18`."""
    return _resnet("resnet152", _bottleneck_block, (3, 8, 36, 3), input_shape, classes, weights)


class _Block(Protocol):
    def __call__(self, x: Any, filters: int, *, stride: int, name: str) -> Any: ...


def _resnet(
    name: str, block: _Block, counts: tuple[int, ...], input_shape: Shape, classes: int | None, weights: Weights
) -> keras.Model:
    inputs = image(input_shape, least=32)
    x = normalized(inputs, mean=VGG_MEAN)

    # --- stride 2 and 4
    x = _convolution(x, 64, 7, stride=2, name="conv1")  # 112 × 112
    x = layers.ReLU(name="conv1_relu")(x)
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    x = layers.MaxPooling2D(3, 2, name="pool1_pool")(x)  # 56 × 56

    # --- stride 4, 8, 16, 32: residual blocks
    for stage, (count, filters) in enumerate(zip(counts, (64, 128, 256, 512), strict=True), start=2):
        for number in range(1, count + 1):
            stride = 2 if number == 1 and stage > 2 else 1
            x = block(x, filters, stride=stride, name=f"conv{stage}_block{number}")

    # --- classifier
    if classes is not None:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        x = predictions(x, classes)
    return assembled(inputs, x, name=name, weights=weights)


def _basic_block(x: Any, filters: int, *, stride: int, name: str) -> Any:
    """Figure 5, left: two 3×3 convolutions."""
    y = _convolution(x, filters, 3, stride=stride, name=f"{name}_1")
    y = layers.ReLU(name=f"{name}_1_relu")(y)
    y = _convolution(y, filters, 3, name=f"{name}_2")
    return _joined(x, y, stride=stride, name=name)


def _bottleneck_block(x: Any, filters: int, *, stride: int, name: str) -> Any:
    """Figure 5, right: 1×1 makes the maps few, 3×3 works on few, 1×1 makes them many again."""
    y = _convolution(x, filters, 1, stride=stride, name=f"{name}_1")
    y = layers.ReLU(name=f"{name}_1_relu")(y)
    y = _convolution(y, filters, 3, name=f"{name}_2")
    y = layers.ReLU(name=f"{name}_2_relu")(y)
    y = _convolution(y, 4 * filters, 1, name=f"{name}_3")
    return _joined(x, y, stride=stride, name=name)


def _joined(x: Any, y: Any, *, stride: int, name: str) -> Any:
    """What a block adds to its input: the input itself, or its projection where the shape changes."""
    if x.shape != y.shape:
        x = _convolution(x, y.shape[-1], 1, stride=stride, name=f"{name}_0")
    x = layers.Add(name=f"{name}_add")([x, y])
    return layers.ReLU(name=f"{name}_out")(x)


def _convolution(x: Any, filters: int, kernel: int, *, stride: int = 1, name: str) -> Any:
    """Convolution and normalization; with a stride the padding is the same on both sides, as in the paper's Caffe."""
    if stride > 1 and kernel > 1:
        x = layers.ZeroPadding2D(kernel // 2, name=f"{name}_pad")(x)
    padding = "valid" if stride > 1 else "same"
    x = layers.Conv2D(filters, kernel, stride, padding=padding, use_bias=False, name=f"{name}_conv")(x)
    return layers.BatchNormalization(epsilon=1.001e-5, name=f"{name}_bn")(x)
