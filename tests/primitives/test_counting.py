"""The arithmetic of the lectures."""

from __future__ import annotations

import numpy as np
import pytest

from cnnkit.errors import InputError
from cnnkit.primitives import counting


@pytest.mark.parametrize(
    ("side", "kernel", "stride", "padding", "expected"),
    [
        (7, 3, 1, 0, 5),  # deck 001
        (7, 3, 2, 0, 3),  # deck 001
        (7, 3, 3, 0, 2),  # deck 001: 2.33, the floor of deck 004
        (32, 5, 1, 0, 28),  # deck 001
        (28, 5, 1, 0, 24),  # deck 001
        (227, 11, 4, 0, 55),  # AlexNet
        (55, 3, 2, 0, 27),
        (27, 5, 1, 2, 27),
        (13, 3, 2, 0, 6),
        (224, 7, 2, 3, 112),  # ResNet
        (300, 5, 1, 0, 296),  # deck 004, max pooling
        (300, 10, 1, 0, 291),
        (300, 30, 1, 0, 271),
    ],
)
def test_output_sides_of_the_lectures(side: int, kernel: int, stride: int, padding: int, expected: int) -> None:
    assert counting.output_side(side, kernel, stride=stride, padding=padding) == expected


def test_output_side_counts_the_places_of_a_window() -> None:
    for side, kernel, stride, dilation in [(9, 3, 2, 1), (10, 3, 2, 1), (11, 3, 3, 2), (5, 5, 1, 1)]:
        places = [start for start in range(0, side, stride) if start + (kernel - 1) * dilation < side]
        assert counting.output_side(side, kernel, stride=stride, dilation=dilation) == len(places)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_padding_as_in_keras(stride: int) -> None:
    import keras

    for padding in ("same", "valid"):
        shape = keras.layers.Conv2D(1, 3, strides=stride, padding=padding).compute_output_shape((1, 17, 17, 1))
        assert counting.output_side(17, 3, stride=stride, padding=padding) == shape[1]


def test_a_bad_fit_leaves_pixels() -> None:
    assert counting.remainder(7, 3, stride=3) == 1  # deck 001
    assert counting.remainder(7, 3, stride=2) == 0


@pytest.mark.parametrize(("kernel", "padding"), [(3, 1), (5, 2), (7, 3)])
def test_padding_that_keeps_the_size(kernel: int, padding: int) -> None:
    assert counting.same_padding(kernel) == padding
    assert counting.output_side(32, kernel, padding=padding) == 32


def test_parameters_of_the_lectures() -> None:
    assert counting.dense_parameters(640 * 480 * 3, 1000) == 921_601_000  # deck 000
    assert counting.conv_parameters(11, 3, 96) == 34_944  # AlexNet, CONV1
    # AlexNet in two columns, without biases (deck 004)
    assert counting.conv_parameters(11, 3, 96, bias=False) == 34_848
    assert counting.conv_parameters(5, 96, 256, bias=False, groups=2) == 307_200
    assert counting.conv_parameters(3, 384, 384, bias=False, groups=2) == 663_552
    assert counting.conv_parameters(3, 384, 256, bias=False, groups=2) == 442_368


def test_vgg16_of_the_lectures() -> None:
    blocks = [[(3, 64), (64, 64)], [(64, 128), (128, 128)], [(128, 256), (256, 256), (256, 256)]]
    blocks += [[(256, 512), (512, 512), (512, 512)], [(512, 512)] * 3]
    sums = [sum(counting.conv_parameters(3, *layer) for layer in block) for block in blocks]
    assert sums == [38_720, 221_440, 1_475_328, 5_899_776, 7_079_424]
    classifier = [counting.dense_parameters(*layer) for layer in [(7 * 7 * 512, 4096), (4096, 4096), (4096, 1000)]]
    assert classifier == [102_764_544, 16_781_312, 4_097_000]
    assert sum(sums) + sum(classifier) == 138_357_544
    assert counting.memory_bytes(138_357_544) / 2**20 == pytest.approx(528, abs=1)
    assert counting.memory_bytes(138_357_544) / 1e6 == pytest.approx(552, rel=0.01)


def test_multiply_adds_against_counting_them() -> None:
    """The formulas of deck 003, and each product counted once."""
    height, width, kernel, channels_in, channels_out = 3, 2, 3, 4, 5
    products = np.ones((height, width, channels_out, kernel, kernel, channels_in)).sum()
    output = (height, width)
    assert counting.conv_multiply_adds(kernel, output, channels_in, channels_out) == products
    assert counting.depthwise_multiply_adds(kernel, output, channels_in) == products / channels_out
    assert counting.pointwise_multiply_adds(output, channels_in, channels_out) == products / kernel**2
    assert counting.conv_multiply_adds(kernel, output, 4, 6, groups=2) == 3 * 3 * 3 * 2 * 2 * 6
    assert counting.dense_multiply_adds(10, 3, positions=4) == 120
    assert counting.pooling_operations(2, output, 4) == 96


def test_depthwise_and_batch_norm_parameters_as_in_keras() -> None:
    import keras

    depthwise = keras.layers.DepthwiseConv2D((3, 5), depth_multiplier=2)
    depthwise.build((None, 8, 8, 6))
    assert counting.depthwise_parameters((3, 5), 6, multiplier=2) == depthwise.count_params()
    normalization = keras.layers.BatchNormalization()
    normalization.build((None, 8, 8, 6))
    assert counting.batch_norm_parameters(6) == normalization.count_params()


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(InputError, match="as large as the kernel's 5"):
        counting.output_side(4, 5)
    with pytest.raises(InputError, match="stride 0"):
        counting.output_side(4, 2, stride=0)
    with pytest.raises(InputError, match="an odd kernel"):
        counting.same_padding(4)
    with pytest.raises(InputError, match="divides"):
        counting.conv_parameters(3, 5, 4, groups=2)
