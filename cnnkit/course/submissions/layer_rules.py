"""The layers that a submission may have: for each class where it comes from, its arguments and its arithmetic.

What is not in the tables is refused: everything that carries code, a file or a vocabulary, and everything that an image
classifier does not need.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from cnnkit.course.submissions import layer_arguments as kinds
from cnnkit.course.submissions import layer_arithmetic as arithmetic
from cnnkit.course.submissions.layer_arguments import (
    ACTIVATION,
    BORDER,
    CHANNELS_LAST,
    CONSTRAINT,
    COUNT,
    FLAG,
    INITIALIZER,
    NUMBER,
    NUMBERS,
    PLAIN,
    REGULARIZER,
    Arguments,
    Kind,
    Settings,
)
from cnnkit.course.submissions.layer_arithmetic import Cost, Inputs


@dataclass(frozen=True)
class Row:
    """One class.

    Attributes:
        compute: From its arguments and inputs to its cost; raises `RefusedError` where they do not fit.
        arguments: Those in its config, besides the ones that every layer has.
        modules: Where the class is exported; None in the files of Keras 2.
        layer: Whether it is a layer; otherwise it is an operation on tensors, which has neither dtype nor weights.
        listed: Whether the tensors of a call come in a list.
        keywords: Tensors and constants that a call may name.
        registered: Whether Keras writes the class name as `registered_name`, for what it does not export.
    """

    compute: Callable[[Settings, Inputs], Cost]
    arguments: Arguments = field(default_factory=dict)
    modules: tuple[str | None, ...] = (None, "keras.layers")
    layer: bool = True
    listed: bool = False
    keywords: tuple[str, ...] = ()
    registered: bool = False


_KERNEL = {"kernel_initializer": INITIALIZER | None, "kernel_regularizer": REGULARIZER | None} | {
    "kernel_constraint": CONSTRAINT | None
}
_BIAS: dict[str, Kind] = {
    "use_bias": FLAG | True,
    "bias_initializer": INITIALIZER | None,
    "bias_regularizer": REGULARIZER | None,
    "bias_constraint": CONSTRAINT | None,
}
_DEPTHWISE: dict[str, Kind] = {
    "depth_multiplier": COUNT | 1,
    "depthwise_initializer": INITIALIZER | None,
    "depthwise_regularizer": REGULARIZER | None,
    "depthwise_constraint": CONSTRAINT | None,
    "groups": kinds.one_of(1) | 1,  # Keras 2 wrote it where it has no meaning
}
_POINTWISE: dict[str, Kind] = {
    "filters": COUNT,
    "pointwise_initializer": INITIALIZER | None,
    "pointwise_regularizer": REGULARIZER | None,
    "pointwise_constraint": CONSTRAINT | None,
}
_WINDOW: dict[str, Kind] = {
    "strides": kinds.sides() | 1,
    "padding": kinds.one_of("valid", "same") | "valid",
    "data_format": CHANNELS_LAST | None,
}
_SLIDING: dict[str, Kind] = {
    **_WINDOW,
    **_BIAS,
    "kernel_size": kinds.sides(),
    "dilation_rate": kinds.sides() | 1,
    "activation": ACTIVATION | None,
}
_LEARNED: dict[str, Kind] = {
    "center": FLAG | True,
    "scale": FLAG | True,
    "epsilon": NUMBER | 1e-3,
    **{f"{name}_initializer": INITIALIZER | None for name in ("beta", "gamma")},
    **{f"{name}_regularizer": REGULARIZER | None for name in ("beta", "gamma")},
    **{f"{name}_constraint": CONSTRAINT | None for name in ("beta", "gamma")},
}
_RANDOM: dict[str, Kind] = {"seed": kinds.integer(0) | None}
_AUGMENTATION: dict[str, Kind] = {
    **_RANDOM,
    "data_format": CHANNELS_LAST | None,
    **dict.fromkeys(("factor", "height_factor", "width_factor", "x_factor", "y_factor", "value_range"), PLAIN | None),
    **dict.fromkeys(("mode", "fill_mode", "fill_value", "interpolation", "scale"), PLAIN | None),
}
_CONV = {**_SLIDING, **_KERNEL, "filters": COUNT, "groups": COUNT | 1}
_TRANSPOSED = {**_SLIDING, **_KERNEL, "filters": COUNT, "output_padding": kinds.sides(0) | None} | {
    "groups": kinds.one_of(1) | 1
}
_SEPARATE = {**_SLIDING, **_DEPTHWISE, **{name: kind | None for name, kind in _KERNEL.items()}}
_POOLING = {**_WINDOW, "pool_size": kinds.sides() | 2, "strides": kinds.sides() | None}
_BATCH_NORM: dict[str, Kind] = {
    **_LEARNED,
    "axis": kinds.axes() | (-1,),
    "momentum": NUMBER | 0.99,
    "moving_mean_initializer": INITIALIZER | None,
    "moving_variance_initializer": INITIALIZER | None,
    "synchronized": FLAG | False,
    "renorm": kinds.one_of(False) | False,
    "renorm_clipping": PLAIN | None,
    "renorm_momentum": PLAIN | None,
    "fused": PLAIN | None,
    "virtual_batch_size": kinds.one_of() | None,
    "adjustment": kinds.one_of() | None,
}
_SIZE: dict[str, Kind] = {"height": COUNT, "width": COUNT, "data_format": CHANNELS_LAST | None}
_AXIS: dict[str, Kind] = {"axis": kinds.integer(-8, 8) | -1}

_RANKS: Mapping[str, tuple[Callable[..., Cost], Arguments]] = {
    "Conv{}D": (arithmetic.convolution, _CONV),
    "Conv{}DTranspose": (arithmetic.transposed, _TRANSPOSED),
    "DepthwiseConv{}D": (arithmetic.depthwise, _SEPARATE),
    "SeparableConv{}D": (arithmetic.separable, {**_SEPARATE, **_POINTWISE}),
    "MaxPooling{}D": (arithmetic.pooling, _POOLING),
    "AveragePooling{}D": (arithmetic.pooling, _POOLING),
    "GlobalMaxPooling{}D": (arithmetic.global_pooling, {"data_format": CHANNELS_LAST | None, "keepdims": FLAG | False}),
    "GlobalAveragePooling{}D": (
        arithmetic.global_pooling,
        {"data_format": CHANNELS_LAST | None, "keepdims": FLAG | False},
    ),
    "UpSampling{}D": (
        arithmetic.upsampling,
        {
            "size": kinds.sides() | 2,
            "data_format": CHANNELS_LAST | None,
            "interpolation": kinds.one_of("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5") | "nearest",
        },
    ),
}

LAYERS: dict[str, Row] = {
    "Dense": Row(
        arithmetic.dense,
        {**_KERNEL, **_BIAS, "units": COUNT, "activation": ACTIVATION | None}
        | {"quantization_config": kinds.one_of() | None},
    ),
    **{
        pattern.format(rank): Row(partial(compute, rank), arguments)
        for pattern, (compute, arguments) in _RANKS.items()
        for rank in (1, 2, 3)
        if not (rank == 3 and compute in (arithmetic.depthwise, arithmetic.separable))
    },
    **{
        f"ZeroPadding{rank}D": Row(
            partial(arithmetic.bordered, rank, 1, "padding"),
            {"padding": BORDER | 1, "data_format": CHANNELS_LAST | None},
        )
        for rank in (1, 2, 3)
    },
    **{
        f"Cropping{rank}D": Row(
            partial(arithmetic.bordered, rank, -1, "cropping"),
            {"cropping": BORDER, "data_format": CHANNELS_LAST | None},
        )
        for rank in (1, 2, 3)
    },
    **dict.fromkeys(
        ("BatchNormalization", "BatchNormalizationV1", "BatchNormalizationV2"), Row(arithmetic.batch_norm, _BATCH_NORM)
    ),
    "LayerNormalization": Row(
        arithmetic.layer_norm, {**_LEARNED, "axis": kinds.axes() | (-1,), "rms_scaling": kinds.one_of(False) | False}
    ),
    "GroupNormalization": Row(arithmetic.group_norm, {**_LEARNED, **_AXIS, "groups": kinds.integer(-1) | 32}),
    "UnitNormalization": Row(arithmetic.unchanged, {"axis": kinds.axes() | (-1,)}),
    "RMSNormalization": Row(arithmetic.rms_norm, {"axis": kinds.axes() | (-1,), "epsilon": NUMBER | 1e-6}),
    "Normalization": Row(
        arithmetic.normalization,
        {
            "axis": kinds.axes(fewest=0) | None,
            "invert": FLAG | False,
            "mean": NUMBERS | None,
            "variance": NUMBERS | None,
        },
    ),
    "Rescaling": Row(arithmetic.rescaling, {"scale": NUMBERS, "offset": NUMBERS | ()}),
    "Resizing": Row(
        arithmetic.resizing,
        {
            **_SIZE,
            **dict.fromkeys(("interpolation", "fill_mode", "fill_value"), PLAIN | None),
            **dict.fromkeys(("crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias"), FLAG | False),
        },
    ),
    "CenterCrop": Row(arithmetic.resizing, _SIZE),
    "RandomCrop": Row(arithmetic.resizing, {**_SIZE, **_RANDOM}),
    **dict.fromkeys(
        kinds.words(
            "RandomBrightness RandomColorDegeneration RandomContrast RandomErasing RandomFlip "
            "RandomGrayscale RandomHue RandomInvert RandomPerspective RandomPosterization RandomRotation "
            "RandomSaturation RandomSharpness RandomShear RandomTranslation RandomZoom"
        ),
        Row(arithmetic.unchanged, _AUGMENTATION),
    ),
    "Flatten": Row(arithmetic.flatten, {"data_format": CHANNELS_LAST | None}),
    "Reshape": Row(arithmetic.reshape, {"target_shape": kinds.dimensions(-1)}),
    "Permute": Row(arithmetic.permute, {"dims": kinds.dimensions(1)}),
    "RepeatVector": Row(arithmetic.repeat, {"n": COUNT}),
    "Activation": Row(arithmetic.unchanged, {"activation": ACTIVATION}),
    "ReLU": Row(
        arithmetic.unchanged, {"max_value": NUMBER | None, "negative_slope": NUMBER | 0.0, "threshold": NUMBER | 0.0}
    ),
    "LeakyReLU": Row(arithmetic.unchanged, {"negative_slope": NUMBER | 0.3, "alpha": NUMBER | 0.3}),
    "ThresholdedReLU": Row(arithmetic.unchanged, {"theta": NUMBER | 1.0}),
    "ELU": Row(arithmetic.unchanged, {"alpha": NUMBER | 1.0}),
    "PReLU": Row(
        arithmetic.prelu,
        {
            "alpha_initializer": INITIALIZER | None,
            "alpha_regularizer": REGULARIZER | None,
            "alpha_constraint": CONSTRAINT | None,
            "shared_axes": kinds.axes() | None,
        },
    ),
    "Softmax": Row(arithmetic.unchanged, {"axis": kinds.axes() | (-1,)}),
    "Identity": Row(arithmetic.unchanged),
    **dict.fromkeys(
        ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout", "GaussianDropout"),
        Row(
            arithmetic.unchanged,
            {**_RANDOM, "rate": NUMBER, "noise_shape": PLAIN | None, "data_format": CHANNELS_LAST | None},
        ),
    ),
    "GaussianNoise": Row(arithmetic.unchanged, {**_RANDOM, "stddev": NUMBER}),
    "ActivityRegularization": Row(arithmetic.unchanged, {"l1": NUMBER | 0.0, "l2": NUMBER | 0.0}),
    **dict.fromkeys(
        ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"), Row(arithmetic.merged, listed=True)
    ),
    "Concatenate": Row(arithmetic.concatenated, _AXIS, listed=True),
    "Dot": Row(arithmetic.dot, {"axes": kinds.axes(), "normalize": FLAG | False}, listed=True),
    "Attention": Row(
        partial(arithmetic.attention, False),
        {**_RANDOM, "use_scale": FLAG | False, "score_mode": kinds.one_of("dot", "concat") | "dot"}
        | {"dropout": NUMBER | 0.0, "causal": FLAG | False},
        listed=True,
        keywords=("use_causal_mask",),
    ),
    "AdditiveAttention": Row(
        partial(arithmetic.attention, True),
        {**_RANDOM, "use_scale": FLAG | True, "dropout": NUMBER | 0.0, "causal": FLAG | False},
        listed=True,
        keywords=("use_causal_mask",),
    ),
    "MultiHeadAttention": Row(
        arithmetic.multi_head_attention,
        {
            **_KERNEL,
            **_BIAS,
            **_RANDOM,
            "num_heads": COUNT,
            "key_dim": COUNT,
            "value_dim": COUNT | None,
            "dropout": NUMBER | 0.0,
            "use_gate": kinds.one_of(False) | False,
            "output_shape": kinds.sides() | None,
            "attention_axes": kinds.axes() | None,
            "sliding_window": kinds.one_of() | None,
            **dict.fromkeys(("query_shape", "key_shape", "value_shape"), PLAIN | None),
        },
        keywords=("query", "value", "key", "use_causal_mask"),
    ),
    "LayerScale": Row(
        arithmetic.layer_scale,
        {"init_values": NUMBER, "projection_dim": COUNT},
        modules=("keras.src.applications.convnext",),
        registered=True,
    ),
    "CustomScaleLayer": Row(
        arithmetic.scaled_sum,
        {"scale": NUMBER},
        modules=("keras.src.applications.inception_resnet_v2",),
        listed=True,
        registered=True,
    ),
}


def _operations(
    module: str, names: str, compute: Callable[[Settings, Inputs], Cost], arguments: Arguments
) -> dict[tuple[str, str], Row]:
    row = Row(compute, arguments, (f"keras.src.ops.{module}",), layer=False, registered=True)
    return {(f"keras.src.ops.{module}", name): row for name in names.split()}


OPERATIONS: dict[tuple[str, str], Row] = {
    **_operations("numpy", "Add Subtract Multiply Divide TrueDivide Maximum Minimum Power", arithmetic.elementwise, {}),
    **_operations(
        "numpy",
        "Absolute Abs Negative Square Sqrt Exp Log Tanh Clip",
        arithmetic.unary,
        dict.fromkeys(("x_min", "x_max"), PLAIN | None),
    ),
    **_operations("nn", "Relu Relu6 Sigmoid Silu Softplus Softsign HardSigmoid HardSilu Selu", arithmetic.unary, {}),
    **_operations(
        "nn",
        "Gelu LeakyRelu Elu Softmax",
        arithmetic.unary,
        dict.fromkeys(("approximate", "negative_slope", "alpha", "axis"), PLAIN | None),
    ),
    **_operations("core", "Cast", arithmetic.unary, {"dtype": kinds.one_of("float32", "float16", "bfloat16")}),
    **_operations(
        "numpy",
        "Mean Max Min Sum",
        arithmetic.reduced,
        {"axis": kinds.axes() | None, "keepdims": FLAG | False, "initial": kinds.one_of() | None},
    ),
    **_operations("numpy", "Concatenate", arithmetic.joined, {"axis": kinds.integer(-8, 8)}),
    **_operations("numpy", "Stack", arithmetic.stacked, {"axis": kinds.integer(-8, 8)}),
    **_operations("numpy", "Reshape", arithmetic.reshaped_tensor, {"newshape": kinds.dimensions(-1)}),
    **_operations("numpy", "GetItem", arithmetic.sliced, {}),
}
