"""SqueezeNet (Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters", 2016).

A fire module squeezes its maps into few by 1×1 and expands these by 1×1 and 3×3 side by side.

    version 1.0 (Table 1)                         version 1.1 (2.4 times less computation)
    layer   output        fire       parameters   layer   output        fire       parameters
    image   227×227×3                         0   image   227×227×3                         0
    conv1   111×111×96   7×7, /2         14,208   conv1   113×113×64   3×3, /2          1,792
    pool1   55×55×96     3×3, /2              0   pool1   56×56×64     3×3, /2              0
    fire2   55×55×128    16 → 64         11,920   fire2   56×56×128    16 → 64         11,408
    fire3   55×55×128    16 → 64         12,432   fire3   56×56×128    16 → 64         12,432
    fire4   55×55×256    32 → 128        45,344   pool3   27×27×128    3×3, /2              0
    pool4   27×27×256    3×3, /2              0   fire4   27×27×256    32 → 128        45,344
    fire5   27×27×256    32 → 128        49,440   fire5   27×27×256    32 → 128        49,440
    fire6   27×27×384    48 → 192       104,880   pool5   13×13×256    3×3, /2              0
    fire7   27×27×384    48 → 192       111,024   fire6   13×13×384    48 → 192       104,880
    fire8   27×27×512    64 → 256       188,992   fire7   13×13×384    48 → 192       111,024
    pool8   13×13×512    3×3, /2              0   fire8   13×13×512    64 → 256       188,992
    fire9   13×13×512    64 → 256       197,184   fire9   13×13×512    64 → 256       197,184
    conv10  13×13×1000   1×1            513,000   conv10  13×13×1000   1×1            513,000
            mean                      1,248,424           mean                      1,235,496

Table 1 writes an input of 224; its 111×111 comes from 227, as in the authors' files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import keras
from keras import layers

from cnnkit.zoo.building import Shape, Weights, assembled, class_count, image, normalized

CAFFE_MEAN = (123.0, 117.0, 104.0)  # RGB; the authors' train_val.prototxt has it as BGR


def squeezenet1_0(
    *, input_shape: Shape = (227, 227, 3), classes: int | None = 1000, weights: Weights = None
) -> keras.Model:
    """SqueezeNet 1.0, the network of the paper.

    Args:
        input_shape: Height, width (at least 35 each), 3 channels; RGB 0…255.
        classes: Number of classes; None for the last map, `fire9`.
        weights: A weights file, or None for random ones. Files in the layout of Keras 2 are taken for conversions of
            the authors' Caffe model, whose first kernel reads BGR; it is turned round.

    Raises:
        InputError: A shape or number that does not fit.
        WeightsError: A missing file, or one of another network.
    """
    inputs = image(input_shape, least=35)
    x = normalized(inputs, mean=CAFFE_MEAN)
    x = layers.Conv2D(96, 7, 2, activation="relu", name="conv1")(x)  # 111 × 111
    x = layers.MaxPooling2D(3, 2, name="pool1")(x)  # 55 × 55
    x = _fire(x, 16, 64, name="fire2")
    x = _fire(x, 16, 64, name="fire3")
    x = _fire(x, 32, 128, name="fire4")
    x = layers.MaxPooling2D(3, 2, name="pool4")(x)  # 27 × 27
    x = _fire(x, 32, 128, name="fire5")
    x = _fire(x, 48, 192, name="fire6")
    x = _fire(x, 48, 192, name="fire7")
    x = _fire(x, 64, 256, name="fire8")
    x = layers.MaxPooling2D(3, 2, name="pool8")(x)  # 13 × 13
    x = _fire(x, 64, 256, name="fire9")
    return _with_weights(inputs, _classified(x, classes), "squeezenet1_0", weights)


def squeezenet1_1(
    *, input_shape: Shape = (227, 227, 3), classes: int | None = 1000, weights: Weights = None
) -> keras.Model:
    """SqueezeNet 1.1, which pools earlier; arguments as of `squeezenet1_0`, sides of at least 31.

    `weights="squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5"` with `classes=None`, or the file without
    "notop", are what the authors trained on ImageNet, converted by R. C. Malli.
    """
    inputs = image(input_shape, least=31)
    x = normalized(inputs, mean=CAFFE_MEAN)
    x = layers.Conv2D(64, 3, 2, activation="relu", name="conv1")(x)  # 113 × 113
    x = layers.MaxPooling2D(3, 2, name="pool1")(x)  # 56 × 56
    x = _fire(x, 16, 64, name="fire2")
    x = _fire(x, 16, 64, name="fire3")
    x = layers.MaxPooling2D(3, 2, name="pool3")(x)  # 27 × 27
    x = _fire(x, 32, 128, name="fire4")
    x = _fire(x, 32, 128, name="fire5")
    x = layers.MaxPooling2D(3, 2, name="pool5")(x)  # 13 × 13
    x = _fire(x, 48, 192, name="fire6")
    x = _fire(x, 48, 192, name="fire7")
    x = _fire(x, 64, 256, name="fire8")
    x = _fire(x, 64, 256, name="fire9")
    return _with_weights(inputs, _classified(x, classes), "squeezenet1_1", weights)


def _fire(x: Any, squeezed: int, expanded: int, *, name: str) -> Any:
    """Figure 1: 1×1 to few maps, then 1×1 and 3×3 of these side by side."""
    x = layers.Conv2D(squeezed, 1, activation="relu", name=f"{name}_squeeze1x1")(x)
    one = layers.Conv2D(expanded, 1, activation="relu", name=f"{name}_expand1x1")(x)
    three = layers.Conv2D(expanded, 3, padding="same", activation="relu", name=f"{name}_expand3x3")(x)
    return layers.Concatenate(name=name)([one, three])


def _classified(x: Any, classes: int | None) -> Any:
    """One map a class, and its mean: no fully connected layer."""
    if classes is None:
        return x
    x = layers.Dropout(0.5, name="drop9")(x)
    x = layers.Conv2D(class_count(classes), 1, activation="relu", name="conv10")(x)
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    return layers.Softmax(name="predictions")(x)


def _with_weights(inputs: Any, outputs: Any, name: str, weights: Weights) -> keras.Model:
    model = assembled(inputs, outputs, name=name, weights=weights)
    if weights is not None and _from_caffe(Path(weights).expanduser()):
        kernel = model.get_layer("conv1").kernel
        kernel.assign(kernel.numpy()[:, :, ::-1, :])
    return model


def _from_caffe(file: Path) -> bool:
    """A weights file of Keras 2 names its layers at its root."""
    with h5py.File(file, "r") as content:
        return "layer_names" in content.attrs
