"""Networks that Keras Applications has too: the same layers, and with the same weights the same numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import cnnkit as ck

# Ours, Keras's, width.
PAIRS = [
    ("vgg16", "VGG16", None),
    ("resnet50", "ResNet50", None),
    ("mobilenet", "MobileNet", 0.25),
    ("mobilenet_v2", "MobileNetV2", 0.35),
    ("mobilenet_v3_small", "MobileNetV3Small", 0.75),
    ("mobilenet_v3_large", "MobileNetV3Large", None),
    ("densenet121", "DenseNet121", None),
    *(
        pytest.param(*pair, marks=pytest.mark.slow)
        for pair in (
            ("vgg19", "VGG19", None),
            ("resnet101", "ResNet101", None),
            ("resnet152", "ResNet152", None),
            ("mobilenet_v3_small", "MobileNetV3Small", None),
            ("mobilenet_v2", "MobileNetV2", 1.4),
            ("densenet169", "DenseNet169", None),
            ("densenet201", "DenseNet201", None),
        )
    ),
]


def weights_for(layer: keras.Layer, theirs: keras.Model) -> list[np.ndarray]:
    """The weights of their layer of the same name, as ours takes them."""
    weights = theirs.get_layer(layer.name).get_weights()
    before = layer.name.removesuffix("_bn") + "_conv"
    if isinstance(layer, keras.layers.Conv2D) and not layer.use_bias:
        return weights[:1]
    if isinstance(layer, keras.layers.BatchNormalization) and any(each.name == before for each in theirs.layers):
        convolution = theirs.get_layer(before)
        if convolution.use_bias:  # Keras's ResNets: a bias before a normalization is one with its mean
            scale, shift, mean, variance = weights
            return [scale, shift, mean - convolution.bias.numpy(), variance]
    return weights


def shaken(model: keras.Model) -> None:
    """Scales, shifts and statistics away from 1 and 0, where a mistake in them would not show."""
    generator = np.random.default_rng(5)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([generator.uniform(0.7, 1.3, weight.shape) for weight in layer.get_weights()])


@pytest.mark.parametrize(("name", "builder", "alpha"), PAIRS)
def test_the_same_layers_and_numbers(name: str, builder: str, alpha: float | None) -> None:
    width: dict[str, Any] = {} if alpha is None else {"alpha": alpha}
    wide = classes = None if name.startswith("vgg") else 5  # the classifier of VGG is two of its three gigabytes
    theirs = getattr(keras.applications, builder)(
        input_shape=(64, 64, 3), weights=None, include_top=wide is not None, classes=classes or 1000, **width
    )
    ours = getattr(ck.zoo, name)(input_shape=(64, 64, 3), classes=classes, **width)
    shaken(theirs)
    assert [layer.name for layer in ours.layers if layer.weights] == [
        layer.name for layer in theirs.layers if layer.weights
    ]
    for layer in ours.layers:
        if layer.weights:
            layer.set_weights(weights_for(layer, theirs))
    images = np.random.default_rng(6).uniform(-1, 1, (2, 64, 64, 3)).astype("float32")
    raw = name.startswith("mobilenet_v3")  # the one that scales its pictures itself
    expected = theirs.predict((images + 1) * 127.5 if raw else images, verbose=0)
    behind = keras.Model(ours.get_layer("preprocessing").output, ours.output)
    np.testing.assert_allclose(behind.predict(images, verbose=0), expected, rtol=1e-3, atol=1e-4 * expected.max())


@pytest.mark.parametrize(
    ("name", "alpha", "file", "classes"),
    [
        ("mobilenet", 0.25, "mobilenet_2_5_224_tf.h5", 1000),
        ("mobilenet", 0.25, "mobilenet_2_5_224_tf_no_top.h5", None),
        ("mobilenet_v2", 0.35, "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5", None),
    ],
)
def test_the_files_of_keras_applications_fit(
    shared: Path, name: str, alpha: float, file: str, classes: int | None
) -> None:
    path = shared / "weights" / file
    shape = (64, 64, 3)
    ours = getattr(ck.zoo, name)(input_shape=shape, classes=classes, weights=path, alpha=alpha)
    theirs = ck.backbone(name, input_shape=shape, weights=path, alpha=alpha, top=classes is not None).model
    images = np.random.default_rng(7).integers(0, 256, (2, *shape)).astype("float32")
    expected = theirs.predict(images, verbose=0)
    np.testing.assert_allclose(ours.predict(images, verbose=0), expected, rtol=1e-4, atol=1e-5 * expected.max())
