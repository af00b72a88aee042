"""Values and gradients against Keras's layers and TensorFlow's automatic differentiation, on random inputs.

200 random combinations of options of the sliding layers, each seeded by its number, then every other primitive. What
Keras refuses (mirror padding, a stride with a dilation) is compared with TensorFlow's own gradients of a longer way.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import cnnkit as ck
from cnnkit.primitives.padding import borders

p = ck.primitives
Array = np.ndarray[Any, Any]
Forward = Callable[..., Any]

CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def random_array(generator: np.random.Generator, *shape: int) -> Array:
    return generator.normal(size=shape).astype(np.float32)


def reference(
    forward: Forward, inputs: Sequence[Array], generator: np.random.Generator | None = None
) -> tuple[Array, Array, Any]:
    """Output, an upstream gradient of its shape (random, or 1), and TensorFlow's gradients for the inputs."""
    variables = [tf.Variable(array) for array in inputs]
    with tf.GradientTape() as tape:
        y = forward(*variables)
    upstream = np.ones(y.shape, np.float32) if generator is None else random_array(generator, *y.shape)
    gradients = tape.gradient(y, variables, output_gradients=tf.constant(upstream))
    return y.numpy(), upstream, [tf.convert_to_tensor(gradient).numpy() for gradient in gradients]


def layer_call(layer: keras.Layer, *parameters: str) -> Forward:
    """A built layer as a function of its input and parameters."""

    def call(x: Any, *values: Any) -> Any:
        if not layer.built:
            layer.build(x.shape)
        names = [variable.path for variable in layer.variables]
        assert len(names) == len(values), names
        y, _ = layer.stateless_call(list(values), [], x)
        return y

    return call


def assert_equal(ours: Any, gradients: Any, theirs: tuple[Array, Array, Any]) -> None:
    y, _, expected = theirs
    assert ours.shape == y.shape
    scale = max(1.0, float(np.abs(y).max()))
    np.testing.assert_allclose(ours / scale, y / scale, **CLOSE)
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    for mine, autodiff in zip(gradients, expected, strict=True):
        assert mine.shape == autodiff.shape
        scale = max(1.0, float(np.abs(autodiff).max()))
        np.testing.assert_allclose(mine / scale, autodiff / scale, **CLOSE)


CONV = {1: (p.conv1d, p.conv1d_backward), 2: (p.conv2d, p.conv2d_backward), 3: (p.conv3d, p.conv3d_backward)}
LAYOUT = {1: "NWC", 2: "NHWC", 3: "NDHWC"}
KERAS_CONV = {1: keras.layers.Conv1D, 2: keras.layers.Conv2D, 3: keras.layers.Conv3D}


def sides(generator: np.random.Generator, rank: int, low: int, high: int) -> tuple[int, ...]:
    return tuple(int(side) for side in generator.integers(low, high, rank))


def sliding_options(generator: np.random.Generator, rank: int) -> dict[str, Any]:
    """Stride, padding, border and dilation, all that `conv2d` takes; half of the time one number for all axes."""
    options: dict[str, Any] = {
        "stride": sides(generator, rank, 1, 4) if generator.random() < 0.5 else int(generator.integers(1, 4)),
        "dilation": sides(generator, rank, 1, 3) if generator.random() < 0.5 else int(generator.integers(1, 4)),
        "border": str(generator.choice(["zero", "mirror"])),
    }
    kinds: list[Any] = ["same", "valid", int(generator.integers(0, 3))]
    kinds.append([tuple(int(side) for side in generator.integers(0, 3, 2)) for _ in range(rank)])
    options["padding"] = kinds[int(generator.integers(len(kinds)))]
    return options


def full(value: Any, rank: int) -> tuple[int, ...]:
    return (value,) * rank if isinstance(value, int) else tuple(value)


def padded(x: Any, taps: Sequence[int], options: dict[str, Any]) -> Any:
    """The border put around the picture by TensorFlow; what `"same"` means is Keras's own in `keras_form`."""
    around = borders(options["padding"], x.shape[1:-1], taps, options["stride"], options["dilation"])
    mode = "REFLECT" if options["border"] == "mirror" else "CONSTANT"
    return tf.pad(x, [(0, 0), *around, (0, 0)], mode=mode)


def keras_form(options: dict[str, Any], rank: int) -> bool:
    """Whether a Keras layer takes the options as they are."""
    strides, dilations = full(options["stride"], rank), full(options["dilation"], rank)
    named = options["padding"] in ("same", "valid") and (options["border"] == "zero" or options["padding"] == "valid")
    # Keras refuses a stride together with a dilation, and TensorFlow unequal depthwise strides.
    return named and (max(strides) == 1 or max(dilations) == 1)


def with_holes(kernel: Any, dilations: Sequence[int]) -> Any:
    """The dilated kernel written out: zeros between its taps."""
    rank = len(dilations)
    for axis, dilation in enumerate(dilations):
        taps = [tf.expand_dims(tap, axis) for tap in tf.unstack(kernel, axis=axis)]
        hole = tf.zeros_like(taps[0])
        spread = [part for tap in taps for part in (tap, *(hole,) * (dilation - 1))][: (len(taps) - 1) * dilation + 1]
        kernel = tf.concat(spread, axis=axis)
    assert kernel.shape.rank == rank + 2
    return kernel


@pytest.mark.parametrize("seed", range(110))
def test_convolution(seed: int) -> None:
    generator = np.random.default_rng(seed)
    rank, groups = int(generator.integers(1, 4)), int(generator.integers(1, 4))
    channels, filters = groups * int(generator.integers(1, 4)), groups * int(generator.integers(1, 4))
    taps, options = sides(generator, rank, 1, 4), sliding_options(generator, rank)
    x = random_array(generator, 2, *sides(generator, rank, 7, 11), channels)
    kernel, bias = random_array(generator, *taps, channels // groups, filters), random_array(generator, filters)
    strides, dilations = full(options["stride"], rank), full(options["dilation"], rank)

    def forward(x: Any, kernel: Any, bias: Any) -> Any:
        if keras_form(options, rank):
            whole = KERAS_CONV[rank](
                filters, taps, strides, padding=options["padding"], dilation_rate=dilations, groups=groups
            )
            return layer_call(whole)(x, kernel, bias)
        parts = [
            tf.nn.convolution(part, with_holes(weights, dilations), strides=strides, data_format=LAYOUT[rank])
            for part, weights in zip(
                tf.split(padded(x, taps, options), groups, axis=-1), tf.split(kernel, groups, axis=-1), strict=True
            )
        ]
        return tf.concat(parts, axis=-1) + bias

    theirs = reference(forward, [x, kernel, bias], generator)
    run, back = CONV[rank]
    ours = run(x, kernel, bias, groups=groups, **options)
    assert_equal(ours, back(theirs[1], x, kernel, groups=groups, **options), theirs)


@pytest.mark.parametrize("seed", range(110, 130))
def test_depthwise_convolution(seed: int) -> None:
    generator = np.random.default_rng(seed)
    channels, multiplier = (int(number) for number in generator.integers(1, 4, 2))
    taps, options = sides(generator, 2, 1, 4), sliding_options(generator, 2)
    x = random_array(generator, 2, *sides(generator, 2, 7, 11), channels)
    kernel, bias = random_array(generator, *taps, channels, multiplier), random_array(generator, channels * multiplier)
    strides, dilations = full(options["stride"], 2), full(options["dilation"], 2)

    def forward(x: Any, kernel: Any, bias: Any) -> Any:
        if keras_form(options, 2) and strides[0] == strides[1]:
            layer = keras.layers.DepthwiseConv2D(
                taps, strides, options["padding"], depth_multiplier=multiplier, dilation_rate=dilations
            )
            return layer_call(layer)(x, kernel, bias)
        parts = [
            tf.nn.convolution(part, tf.expand_dims(with_holes(kernel, dilations)[:, :, c], 2), strides=strides)
            for c, part in enumerate(tf.split(padded(x, taps, options), channels, axis=-1))
        ]
        return tf.concat(parts, axis=-1) + bias

    theirs = reference(forward, [x, kernel, bias], generator)
    ours = p.depthwise_conv2d(x, kernel, bias, **options)
    assert_equal(ours, p.depthwise_conv2d_backward(theirs[1], x, kernel, **options), theirs)


def max_of_slices(taps, stride, padding):
    """Maxima over three axes as the maximum of shifted pictures.

    TensorFlow 2.21 gives others on some processors where a stride is larger than its tap, with and without oneDNN.
    """
    strides = taps if stride is None else stride

    def forward(x):
        sides = x.shape[1:4]
        counts = [
            -(-n // s) if padding == "same" else (n - k) // s + 1 for n, k, s in zip(sides, taps, strides, strict=False)
        ]
        whole = [(c - 1) * s + k for c, k, s in zip(counts, taps, strides, strict=False)]
        before = [max(w - n, 0) // 2 if padding == "same" else 0 for w, n in zip(whole, sides, strict=False)]
        after = [max(w - n - b, 0) for w, n, b in zip(whole, sides, before, strict=False)]
        x = tf.pad(x, [(0, 0), *zip(before, after, strict=False), (0, 0)], constant_values=-np.inf)
        shifted = [
            x[
                (
                    slice(None),
                    *(slice(a, a + (c - 1) * s + 1, s) for a, c, s in zip(start, counts, strides, strict=False)),
                )
            ]
            for start in itertools.product(*(range(k) for k in taps))
        ]
        return tf.reduce_max(tf.stack(shifted), axis=0)

    return forward


POOL = {
    ("max", 1): (p.max_pool1d, p.max_pool1d_backward, keras.layers.MaxPooling1D),
    ("max", 2): (p.max_pool2d, p.max_pool2d_backward, keras.layers.MaxPooling2D),
    ("max", 3): (p.max_pool3d, p.max_pool3d_backward, max_of_slices),
    ("mean", 1): (p.average_pool1d, p.average_pool1d_backward, keras.layers.AveragePooling1D),
    ("mean", 2): (p.average_pool2d, p.average_pool2d_backward, keras.layers.AveragePooling2D),
    ("mean", 3): (p.average_pool3d, p.average_pool3d_backward, keras.layers.AveragePooling3D),
}


@pytest.mark.parametrize("seed", range(130, 165))
def test_pooling(seed: int) -> None:
    generator = np.random.default_rng(seed)
    rank = int(generator.integers(1, 4))
    forward, backward, layer = POOL[str(generator.choice(["max", "mean"])), rank]
    taps, padding = sides(generator, rank, 1, 4), str(generator.choice(["same", "valid"]))
    stride = None if generator.random() < 0.3 else sides(generator, rank, 1, 4)
    x = random_array(generator, 2, *sides(generator, rank, 5, 9), 3)
    theirs = reference(layer(taps, stride, padding=padding), [x], generator)
    ours = forward(x, taps, stride=stride, padding=padding)
    assert_equal(ours, backward(theirs[1], x, taps, stride=stride, padding=padding), theirs)


TRANSPOSED = {
    1: (p.transposed_conv1d, p.transposed_conv1d_backward, keras.layers.Conv1DTranspose),
    2: (p.transposed_conv2d, p.transposed_conv2d_backward, keras.layers.Conv2DTranspose),
}


@pytest.mark.parametrize("seed", range(165, 200))
def test_transposed_convolution(seed: int) -> None:
    generator = np.random.default_rng(seed)
    rank = int(generator.integers(1, 3))
    channels, filters = (int(number) for number in generator.integers(1, 4, 2))
    taps, stride = sides(generator, rank, 1, 6), sides(generator, rank, 1, 4)
    padding: Any = str(generator.choice(["same", "valid"]))
    x = random_array(generator, 2, *sides(generator, rank, 2, 6), channels)
    kernel, bias = random_array(generator, *taps, filters, channels), random_array(generator, filters)
    run, back, layer = TRANSPOSED[rank]
    theirs = reference(layer_call(layer(filters, taps, stride, padding)), [x, kernel, bias], generator)
    options = {"stride": stride, "padding": padding}
    assert_equal(run(x, kernel, bias, **options), back(theirs[1], x, kernel, **options), theirs)


KERAS_ACTIVATIONS: dict[str, tuple[Forward, dict[str, float]]] = {
    "sigmoid": (keras.activations.sigmoid, {}),
    "tanh": (keras.activations.tanh, {}),
    "relu": (keras.activations.relu, {}),
    "leaky_relu": (lambda x: keras.activations.leaky_relu(x, 0.3), {"slope": 0.3}),
    "elu": (lambda x: keras.activations.elu(x, alpha=0.7), {"alpha": 0.7}),
    "swish": (keras.activations.silu, {}),
    "softmax": (keras.activations.softmax, {}),
}


@pytest.mark.parametrize("name", KERAS_ACTIVATIONS)
def test_activations(name: str) -> None:
    generator = np.random.default_rng(200)
    x = 3 * random_array(generator, 5, 4, 6)
    forward, options = KERAS_ACTIVATIONS[name]
    theirs = reference(forward, [x], generator)
    backward = getattr(p, f"{name}_backward")(theirs[1], x, **options)
    assert_equal(getattr(p, name)(x, **options), backward, theirs)


def test_swish_with_beta() -> None:
    generator = np.random.default_rng(201)
    x = random_array(generator, 4, 5)
    theirs = reference(lambda x: x * tf.sigmoid(1.7 * x), [x], generator)
    assert_equal(p.swish(x, beta=1.7), p.swish_backward(theirs[1], x, beta=1.7), theirs)


def test_dense_and_pointwise_convolution() -> None:
    generator = np.random.default_rng(202)
    x, kernel, bias = (random_array(generator, *shape) for shape in [(2, 5, 4, 6), (6, 3), (3,)])
    theirs = reference(layer_call(keras.layers.Dense(3)), [x, kernel, bias], generator)
    assert_equal(p.dense(x, kernel, bias), p.dense_backward(theirs[1], x, kernel), theirs)
    kernel = kernel[None, None]
    theirs = reference(layer_call(keras.layers.Conv2D(3, 1)), [x, kernel, bias], generator)
    assert_equal(p.pointwise_conv2d(x, kernel, bias), p.pointwise_conv2d_backward(theirs[1], x, kernel), theirs)


def test_maxout() -> None:
    generator = np.random.default_rng(203)
    x, kernel, bias = (random_array(generator, *shape) for shape in [(7, 4), (3, 4, 5), (3, 5)])
    theirs = reference(
        lambda x, kernel, bias: tf.reduce_max(tf.einsum("nc,pcu->pnu", x, kernel) + bias[:, None], axis=0),
        [x, kernel, bias],
        generator,
    )
    assert_equal(p.maxout(x, kernel, bias), p.maxout_backward(theirs[1], x, kernel, bias), theirs)


@pytest.mark.parametrize("kind", ["max", "average"])
def test_global_pooling(kind: str) -> None:
    generator = np.random.default_rng(204)
    x = random_array(generator, 2, 5, 4, 3)
    layer = {"max": keras.layers.GlobalMaxPooling2D, "average": keras.layers.GlobalAveragePooling2D}[kind]
    theirs = reference(layer(), [x], generator)
    forward, backward = getattr(p, f"global_{kind}_pool2d"), getattr(p, f"global_{kind}_pool2d_backward")
    assert_equal(forward(x), backward(theirs[1], x), theirs)


@pytest.mark.parametrize("size", [None, 2, 3])
def test_pooling_over_depth(size: int | None) -> None:
    generator = np.random.default_rng(205)
    x = random_array(generator, 2, 3, 4, 6)
    theirs = reference(lambda x: tf.reduce_max(tf.reshape(x, (2, 3, 4, -1, size or 6)), axis=-1), [x], generator)
    assert_equal(p.max_pool_depth(x, size), p.max_pool_depth_backward(theirs[1], x, size), theirs)


def test_spatial_pyramid_pooling() -> None:
    """On a side of 8 each level is a max pooling of its own; on others Keras's adaptive pooling knows the cells."""
    generator = np.random.default_rng(206)
    x = random_array(generator, 2, 8, 8, 3)

    def pyramid(x: Any) -> Any:
        return tf.concat([tf.reshape(tf.nn.max_pool2d(x, 8 // n, 8 // n, "VALID"), (2, -1)) for n in (1, 2, 4)], axis=1)

    theirs = reference(pyramid, [x], generator)
    assert_equal(p.spatial_pyramid_pool(x), p.spatial_pyramid_pool_backward(theirs[1], x), theirs)


@pytest.mark.parametrize("level", [2, 3, 4, 5])
def test_the_cells_of_a_pyramid(level: int) -> None:
    generator = np.random.default_rng(207)
    x = random_array(generator, 2, 7, 11, 3)
    layer = keras.layers.AdaptiveMaxPooling2D(level)
    theirs = reference(lambda x: tf.reshape(layer(x), (2, -1)), [x], generator)
    ours = p.spatial_pyramid_pool(x, (level,))
    assert_equal(ours, p.spatial_pyramid_pool_backward(theirs[1], x, (level,)), theirs)


@pytest.mark.parametrize("factor", [2, 3])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_resizing(factor: int, interpolation: Any) -> None:
    generator = np.random.default_rng(208)
    x, kernel, bias = (random_array(generator, *shape) for shape in [(2, 4, 5, 3), (3, 3, 3, 2), (2,)])
    enlarge = keras.layers.UpSampling2D(factor, interpolation=interpolation)
    theirs = reference(enlarge, [x], generator)
    assert_equal(p.resize2d(x, factor, interpolation), p.resize2d_backward(theirs[1], x, factor, interpolation), theirs)

    convolution = layer_call(keras.layers.Conv2D(2, 3, padding="same"))
    theirs = reference(lambda x, kernel, bias: convolution(enlarge(x), kernel, bias), [x, kernel, bias], generator)
    options: dict[str, Any] = {"factor": factor, "interpolation": interpolation}
    ours = p.resize_conv2d(x, kernel, bias, **options)
    assert_equal(ours, p.resize_conv2d_backward(theirs[1], x, kernel, **options), theirs)


@pytest.mark.parametrize("factor", [2, 3])
def test_subpixel_convolution(factor: int) -> None:
    generator = np.random.default_rng(209)
    filters = 2 * factor**2
    x, kernel, bias = (random_array(generator, *shape) for shape in [(2, 4, 5, 3), (3, 3, 3, filters), (filters,)])
    convolution = layer_call(keras.layers.Conv2D(filters, 3, padding="same"))
    theirs = reference(
        lambda x, kernel, bias: tf.nn.depth_to_space(convolution(x, kernel, bias), factor), [x, kernel, bias], generator
    )
    ours = p.subpixel_conv2d(x, kernel, bias, factor=factor)
    assert_equal(ours, p.subpixel_conv2d_backward(theirs[1], x, kernel, factor=factor), theirs)


def test_channel_shuffle() -> None:
    """The equivalence of ShuffleNet, figure 1: a reshape, a transpose, a reshape."""
    generator = np.random.default_rng(210)
    x = random_array(generator, 2, 3, 4, 12)
    theirs = reference(
        lambda x: tf.reshape(tf.transpose(tf.reshape(x, (2, 3, 4, 3, 4)), (0, 1, 2, 4, 3)), x.shape), [x], generator
    )
    assert_equal(p.channel_shuffle(x, 3), p.channel_shuffle_backward(theirs[1], 3), theirs)


def batch_norm_layer(momentum: float = 0.9) -> keras.layers.BatchNormalization:
    layer = keras.layers.BatchNormalization(momentum=momentum, epsilon=1e-2)
    layer.build((None, None, None, 4))
    return layer


@pytest.mark.parametrize("training", [True, False])
def test_batch_normalization(training: bool) -> None:
    generator = np.random.default_rng(211)
    x, scale, shift, mean = (random_array(generator, *shape) for shape in [(3, 5, 4, 4), (4,), (4,), (4,)])
    variance = np.square(random_array(generator, 4)) + 0.1
    layer = batch_norm_layer()

    def forward(x: Any, scale: Any, shift: Any) -> Any:
        return layer.stateless_call([scale, shift], [mean, variance], x, training=training)[0]

    theirs = reference(forward, [x, scale, shift], generator)
    if training:
        ours = p.batch_norm_training(x, scale, shift, epsilon=1e-2)
        gradients = p.batch_norm_training_backward(theirs[1], x, scale, epsilon=1e-2)
    else:
        ours = p.batch_norm_inference(x, scale, shift, mean, variance, epsilon=1e-2)
        gradients = p.batch_norm_inference_backward(theirs[1], x, scale, mean, variance, epsilon=1e-2)
    assert_equal(ours, gradients, theirs)


def test_moving_averages_after_a_training_step() -> None:
    x = random_array(np.random.default_rng(212), 3, 5, 4, 4)
    layer = batch_norm_layer(momentum=0.9)
    layer(x, training=True)
    mean, variance = p.batch_statistics(x)
    np.testing.assert_allclose(p.moving_average(np.zeros(4), mean, momentum=0.9), layer.moving_mean, **CLOSE)
    np.testing.assert_allclose(p.moving_average(np.ones(4), variance, momentum=0.9), layer.moving_variance, **CLOSE)


def test_dropout() -> None:
    """Keras's own mask, read off a layer that drops from ones; ours has the same two values."""
    generator = np.random.default_rng(213)
    x = random_array(generator, 40, 50)
    mask = keras.layers.Dropout(0.3, seed=1)(np.ones((40, 50), np.float32), training=True).numpy()
    theirs = reference(lambda x: keras.layers.Dropout(0.3, seed=1)(x, training=True), [x], generator)
    assert_equal(p.dropout(x, mask), p.dropout_backward(theirs[1], mask), theirs)
    ours = p.dropout_mask((40, 50), 0.3, generator)
    np.testing.assert_allclose(np.unique(ours), np.unique(mask), rtol=1e-6)
    assert ours.mean() == pytest.approx(1, abs=0.05)


def test_cross_entropy() -> None:
    generator = np.random.default_rng(214)
    scores, labels = 3 * random_array(generator, 9, 5), generator.integers(0, 5, 9)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    y, _, gradients = reference(lambda scores: loss(labels, scores), [scores])
    np.testing.assert_allclose(p.cross_entropy_loss(scores, labels), y, **CLOSE)
    np.testing.assert_allclose(p.cross_entropy_loss_backward(scores, labels), gradients[0], **CLOSE)


def test_binary_cross_entropy() -> None:
    generator = np.random.default_rng(215)
    scores, targets = 3 * random_array(generator, 9, 2), generator.random((9, 2)).astype(np.float32)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    y, _, gradients = reference(lambda scores: loss(targets, scores), [scores])
    np.testing.assert_allclose(p.binary_cross_entropy_loss(scores, targets), y, **CLOSE)
    np.testing.assert_allclose(p.binary_cross_entropy_loss_backward(scores, targets), gradients[0], **CLOSE)


def test_hinge_losses() -> None:
    generator = np.random.default_rng(216)
    scores, signs = random_array(generator, 30), generator.choice([-1.0, 1.0], 30).astype(np.float32)
    y, _, gradients = reference(lambda scores: keras.losses.Hinge()(signs, scores), [scores])
    np.testing.assert_allclose(p.binary_hinge_loss(scores, signs), y, **CLOSE)
    np.testing.assert_allclose(p.binary_hinge_loss_backward(scores, signs), gradients[0], **CLOSE)

    scores, labels = random_array(generator, 9, 5), generator.integers(0, 5, 9)

    def several(scores: Any) -> Any:
        right = tf.gather(scores, labels, axis=1, batch_dims=1)[:, None]
        wrong = 1 - tf.one_hot(labels, 5)
        return tf.reduce_mean(tf.reduce_sum(tf.nn.relu(scores - right + 1) * wrong, axis=1))

    y, _, gradients = reference(several, [scores])
    np.testing.assert_allclose(p.hinge_loss(scores, labels), y, **CLOSE)
    np.testing.assert_allclose(p.hinge_loss_backward(scores, labels), gradients[0], **CLOSE)


def test_the_hinge_loss_of_two_classes_is_that_of_keras() -> None:
    generator = np.random.default_rng(217)
    # Keras takes the largest of the wrong scores and 0: with positive scores, the wrong one.
    scores, labels = np.abs(random_array(generator, 9, 2)), generator.integers(0, 2, 9)
    y = keras.losses.CategoricalHinge()(np.eye(2)[labels], scores)
    assert p.hinge_loss(scores, labels) == pytest.approx(float(y), rel=1e-5)
