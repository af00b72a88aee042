"""One call or more of every class in the tables of `cnnkit.layers`: of layers, of operations, of slices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from keras.src.applications.convnext import LayerScale, StochasticDepth
from keras.src.applications.inception_resnet_v2 import CustomScaleLayer

MAP, LINE, CUBE, VECTOR, PLACES = (12, 10, 6), (12, 6), (6, 5, 4, 3), (7,), (5, 8)

# What is called, and the shapes that it is called on, the batch left out.
Case = tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]
CASES: dict[str, list[Case]] = {
    "Dense": [(layers.Dense(4), (VECTOR,)), (layers.Dense(4, "relu", use_bias=False), (MAP,))],
    "Conv1D": [
        (layers.Conv1D(4, 3, strides=2), (LINE,)),
        (layers.Conv1D(4, 3, padding="causal", dilation_rate=2), (LINE,)),
    ],
    "Conv2D": [
        (layers.Conv2D(4, 3), (MAP,)),
        (layers.Conv2D(4, (1, 5), strides=(2, 3), padding="same", use_bias=False), (MAP,)),
        (layers.Conv2D(4, 3, dilation_rate=2, activation="relu6"), (MAP,)),
        (layers.Conv2D(6, 3, groups=3, activation=layers.LeakyReLU(0.1)), (MAP,)),
        (layers.Conv2D(4, 3, kernel_regularizer="l2", bias_constraint="non_neg"), (MAP,)),
        (layers.Conv2D(4, 3, kernel_initializer=keras.initializers.HeNormal(seed=3)), (MAP,)),
    ],
    "Conv3D": [(layers.Conv3D(2, 3, padding="same", strides=2), (CUBE,))],
    "Conv1DTranspose": [(layers.Conv1DTranspose(4, 3, strides=2), (LINE,))],
    "Conv2DTranspose": [
        (layers.Conv2DTranspose(4, 3, strides=2, padding="same"), (MAP,)),
        (layers.Conv2DTranspose(4, 2, strides=3), (MAP,)),
        (layers.Conv2DTranspose(4, 5, strides=2, padding="same", output_padding=1), (MAP,)),
        (layers.Conv2DTranspose(4, 5, strides=2, output_padding=(1, 0)), (MAP,)),
    ],
    "Conv3DTranspose": [(layers.Conv3DTranspose(2, 3, strides=2), (CUBE,))],
    "DepthwiseConv1D": [(layers.DepthwiseConv1D(3), (LINE,))],
    "DepthwiseConv2D": [(layers.DepthwiseConv2D(3, strides=2, depth_multiplier=2, padding="same"), (MAP,))],
    "SeparableConv1D": [(layers.SeparableConv1D(4, 3), (LINE,))],
    "SeparableConv2D": [(layers.SeparableConv2D(4, 3, depth_multiplier=2, strides=2), (MAP,))],
    "BatchNormalization": [
        (layers.BatchNormalization(), (MAP,)),
        (layers.BatchNormalization(scale=False), (MAP,)),
        (layers.BatchNormalization(axis=1, center=False), (MAP,)),
    ],
    "LayerNormalization": [(layers.LayerNormalization(axis=[1, -1]), (MAP,)), (layers.LayerNormalization(), (LINE,))],
    "GroupNormalization": [(layers.GroupNormalization(3), (MAP,)), (layers.GroupNormalization(-1), (MAP,))],
    "UnitNormalization": [(layers.UnitNormalization(), (MAP,))],
    "RMSNormalization": [(layers.RMSNormalization(), (MAP,))],
    "Normalization": [
        (layers.Normalization(), (MAP,)),
        (layers.Normalization(axis=None), (MAP,)),
        (layers.Normalization(mean=[1.0] * 6, variance=[2.0] * 6), (MAP,)),
    ],
    **{f"MaxPooling{n}D": [] for n in (1, 2, 3)},
    "Rescaling": [
        (layers.Rescaling(1 / 255), (MAP,)),
        (layers.Rescaling([1.0] * 6, offset=[2.0] * 6), (MAP,)),
    ],
    "Resizing": [(layers.Resizing(7, 9, crop_to_aspect_ratio=True), ((12, 10, 3),))],
    "CenterCrop": [(layers.CenterCrop(7, 5), ((12, 10, 3),))],
    "RandomCrop": [(layers.RandomCrop(7, 5), ((12, 10, 3),))],
    "RandomFlip": [(layers.RandomFlip("horizontal", seed=1), ((12, 10, 3),))],
    "RandomRotation": [(layers.RandomRotation(0.1, fill_mode="nearest"), ((12, 10, 3),))],
    "RandomZoom": [(layers.RandomZoom((-0.1, 0.1)), ((12, 10, 3),))],
    "RandomTranslation": [(layers.RandomTranslation(0.1, 0.2), ((12, 10, 3),))],
    "RandomShear": [(layers.RandomShear(0.1, 0.2), ((12, 10, 3),))],
    "RandomPerspective": [(layers.RandomPerspective(0.1), ((12, 10, 3),))],
    "RandomErasing": [(layers.RandomErasing(0.1), ((12, 10, 3),))],
    "RandomGrayscale": [(layers.RandomGrayscale(0.1), ((12, 10, 3),))],
    "RandomPosterization": [(layers.RandomPosterization(4), ((12, 10, 3),))],
    **{
        name: [(getattr(layers, name)(0.1), ((12, 10, 3),))]
        for name in (
            "RandomBrightness",
            "RandomColorDegeneration",
            "RandomContrast",
            "RandomHue",
            "RandomInvert",
            "RandomSaturation",
            "RandomSharpness",
        )
    },
    "Flatten": [(layers.Flatten(), (MAP,))],
    "Reshape": [(layers.Reshape((-1, 3)), (MAP,)), (layers.Reshape((6, 10, 12)), (MAP,))],
    "Permute": [(layers.Permute((3, 1, 2)), (MAP,))],
    "RepeatVector": [(layers.RepeatVector(4), (VECTOR,))],
    "Activation": [(layers.Activation("gelu"), (MAP,)), (layers.Activation(keras.activations.silu), (MAP,))],
    "ReLU": [(layers.ReLU(6.0, 0.1, 0.2), (MAP,))],
    "LeakyReLU": [(layers.LeakyReLU(0.2), (MAP,))],
    "ELU": [(layers.ELU(0.5), (MAP,))],
    "PReLU": [(layers.PReLU(), (MAP,)), (layers.PReLU(shared_axes=[1, 2]), (MAP,))],
    "Softmax": [(layers.Softmax(), (VECTOR,))],
    "Identity": [(layers.Identity(), (MAP,))],
    "Dropout": [(layers.Dropout(0.5, noise_shape=(None, 1, 1, 6), seed=4), (MAP,))],
    "SpatialDropout1D": [(layers.SpatialDropout1D(0.5), (LINE,))],
    "SpatialDropout2D": [(layers.SpatialDropout2D(0.5), (MAP,))],
    "SpatialDropout3D": [(layers.SpatialDropout3D(0.5), (CUBE,))],
    "AlphaDropout": [(layers.AlphaDropout(0.5), (MAP,))],
    "GaussianDropout": [(layers.GaussianDropout(0.5), (MAP,))],
    "GaussianNoise": [(layers.GaussianNoise(0.5), (MAP,))],
    "ActivityRegularization": [(layers.ActivityRegularization(0.5), (MAP,))],
    **{
        name: [
            (lambda *x, name=name: getattr(layers, name)()(list(x)), (MAP, MAP)),
            (lambda *x, name=name: getattr(layers, name)()(list(x)), (MAP, (1, 1, 6))),
            (lambda *x, name=name: getattr(layers, name)()(list(x)), (MAP, (6,))),
        ]
        for name in ("Add", "Multiply", "Average", "Maximum", "Minimum")
    },
    "Subtract": [(lambda *x: layers.Subtract()(list(x)), (MAP, (12, 1, 1)))],
    "Concatenate": [
        (lambda *x: layers.Concatenate()(list(x)), (MAP, (12, 10, 3), MAP)),
        (lambda *x: layers.Concatenate(axis=1)(list(x)), (MAP, (5, 10, 6))),
    ],
    "Dot": [
        (lambda *x: layers.Dot(axes=1, normalize=True)(list(x)), (VECTOR, VECTOR)),
        (lambda *x: layers.Dot(axes=(2, 1))(list(x)), (PLACES, (8, 3))),
    ],
    "Attention": [
        (lambda *x: layers.Attention(use_scale=True)(list(x)), (PLACES, (4, 8))),
        (lambda *x: layers.Attention(score_mode="concat")(list(x)), (PLACES, (4, 3), (4, 8))),
    ],
    "AdditiveAttention": [(lambda *x: layers.AdditiveAttention()(list(x)), (PLACES, (4, 8)))],
    "MultiHeadAttention": [
        (lambda x: layers.MultiHeadAttention(2, 4)(x, x), (PLACES,)),
        (
            lambda x, y: layers.MultiHeadAttention(3, 4, value_dim=5, output_shape=6, use_bias=False)(x, y),
            (PLACES, (4, 7)),
        ),
        (
            lambda x, y, z: layers.MultiHeadAttention(2, 4)(query=x, value=y, key=z, use_causal_mask=True),
            (PLACES, (4, 7), (4, 9)),
        ),
        (lambda x: layers.MultiHeadAttention(2, 4)(x, x), ((3, 2, 8),)),
    ],
    "LayerScale": [(LayerScale(1e-6, 6), (MAP,))],
    "StochasticDepth": [(StochasticDepth(0.1), (MAP,))],
    "CustomScaleLayer": [(lambda *x: CustomScaleLayer(0.1)(list(x)), (MAP, MAP))],
}
for n, shape in ((1, LINE), (2, MAP), (3, CUBE)):
    for kind in ("Max", "Average"):
        pool = getattr(layers, f"{kind}Pooling{n}D")
        CASES[f"{kind}Pooling{n}D"] = [(pool(2), (shape,)), (pool(3, strides=2, padding="same"), (shape,))]
        whole = getattr(layers, f"Global{kind}Pooling{n}D")
        CASES[f"Global{kind}Pooling{n}D"] = [(whole(), (shape,)), (whole(keepdims=True), (shape,))]
    CASES[f"ZeroPadding{n}D"] = [(getattr(layers, f"ZeroPadding{n}D")(2), (shape,))]
    CASES[f"Cropping{n}D"] = [(getattr(layers, f"Cropping{n}D")(1), (shape,))]
    CASES[f"UpSampling{n}D"] = [(getattr(layers, f"UpSampling{n}D")(3), (shape,))]
CASES["ZeroPadding1D"].append((layers.ZeroPadding1D((1, 0)), (LINE,)))
CASES["Cropping1D"].append((layers.Cropping1D((1, 0)), (LINE,)))
CASES["ZeroPadding2D"] += [
    (layers.ZeroPadding2D((1, 2)), (MAP,)),
    (layers.ZeroPadding2D(((0, 1), (2, 3))), (MAP,)),
]
CASES["Cropping2D"].append((layers.Cropping2D(((0, 1), (2, 3))), (MAP,)))
CASES["UpSampling2D"].append((layers.UpSampling2D((2, 3), interpolation="bilinear"), (MAP,)))

OF_KERAS_2 = {"BatchNormalizationV1", "BatchNormalizationV2", "ThresholdedReLU"}

PREPROCESSING = [
    keras.applications.resnet.preprocess_input,  # 'caffe'
    keras.applications.densenet.preprocess_input,  # 'torch'
    keras.applications.mobilenet_v2.preprocess_input,  # 'tf'
]
EXPRESSIONS: dict[str, Callable[[Any], Any]] = {
    "Add": lambda x: x + np.ones((1, 1, 3), np.float32),
    "Subtract": lambda x: 1.0 - x,
    "Multiply": lambda x: x * 2,
    "Divide": lambda x: ops.divide(x, 2.0),
    "TrueDivide": lambda x: x / ops.convert_to_tensor([1.0, 2.0, 3.0]),
    "Maximum": lambda x: ops.maximum(x, 0.0),
    "Minimum": lambda x: ops.minimum(x, x),
    "Power": lambda x: x**2,
    "Absolute": ops.absolute,
    "Abs": abs,
    "Negative": lambda x: -x,
    "Square": ops.square,
    "Sqrt": ops.sqrt,
    "Exp": ops.exp,
    "Log": ops.log,
    "Tanh": ops.tanh,
    "Clip": lambda x: ops.clip(x, 0.0, 1.0),
    "Relu": ops.relu,
    "Relu6": ops.relu6,
    "Sigmoid": ops.sigmoid,
    "Silu": ops.silu,
    "Softplus": ops.softplus,
    "Softsign": ops.softsign,
    "HardSigmoid": ops.hard_sigmoid,
    "HardSilu": ops.hard_silu,
    "Selu": ops.selu,
    "Gelu": ops.gelu,
    "LeakyRelu": ops.leaky_relu,
    "Elu": ops.elu,
    "Softmax": ops.softmax,
    "Cast": lambda x: ops.cast(x, "float16"),
    "Mean": lambda x: ops.mean(x, axis=[1, 2], keepdims=True),
    "Max": lambda x: ops.max(x, axis=-1),
    "Min": lambda x: ops.min(x, axis=(1, 2)),
    "Sum": lambda x: ops.sum(x, axis=3, keepdims=True),
    "Concatenate": lambda x: ops.concatenate([x, x, x], axis=1),
    "Stack": lambda x: ops.stack([x, x], axis=-2),
    "Reshape": lambda x: ops.reshape(x, (-1, 20, 18)),
    "TopK": lambda x: ops.top_k(x, 2)[0],
    "TakeAlongAxis": lambda x: ops.take_along_axis(x, ops.top_k(x, 2)[1], axis=-1),
    "Cumsum": lambda x: ops.cumsum(x, axis=2),
    "Triu": lambda x: ops.triu(x, k=1),
    "OnesLike": ops.ones_like,
    "Greater": lambda x: ops.cast(ops.greater(x, 0.5), "int32"),
    "Equal": lambda x: ops.cast(ops.equal(x, x), "float32"),
    "Mod": lambda x: ops.mod(x, 3.0),
    "FloorDivide": lambda x: ops.floor_divide(x, 3.0),
    "GetItem": lambda x: x[:, 2:-1, ::3, :],
}
SLICES: list[Callable[[Any], Any]] = [
    lambda x: x[..., ::-1],
    lambda x: x[..., 0],
    lambda x: x[:, 3],
    lambda x: x[:, -1, ..., 1:],
    lambda x: x[:, ::-2, 5:2:-1],
]


def model_of(call: Callable[..., Any], shapes: tuple[tuple[int, ...], ...]) -> keras.Model:
    inputs = [keras.Input(shape) for shape in shapes]
    outputs = call(*inputs)
    return keras.Model(inputs, outputs)
