"""Convolution against SciPy, against its own definition in loops, against its matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.signal

import cnnkit as ck
from cnnkit.errors import InputError

p = ck.primitives


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def test_cross_correlation_and_true_convolution_against_scipy(generator: np.random.Generator) -> None:
    image, kernel = generator.normal(size=(9, 8)), generator.normal(size=(4, 3))
    np.testing.assert_allclose(p.conv2d(image, kernel), scipy.signal.correlate2d(image, kernel, "valid"))
    np.testing.assert_allclose(p.conv2d(image, p.flipped(kernel)), scipy.signal.convolve2d(image, kernel, "valid"))
    np.testing.assert_allclose(
        p.conv1d(image[0], p.flipped(kernel[0], rank=1)), np.convolve(image[0], kernel[0], "valid")
    )


@pytest.mark.parametrize("options", [{}, {"stride": 2, "padding": 1}, {"dilation": 2}, {"stride": 3, "padding": 2}])
def test_the_loops_are_the_definition(options: dict[str, int], generator: np.random.Generator) -> None:
    x, kernel = generator.normal(size=(8, 9, 2)), generator.normal(size=(3, 2, 2, 3))
    np.testing.assert_allclose(p.conv2d(x, kernel, **options), p.conv2d_loops(x, kernel, **options))


def test_pooling_loops_are_the_definition(generator: np.random.Generator) -> None:
    x = generator.normal(size=(7, 9, 2))
    np.testing.assert_array_equal(p.max_pool2d(x, 3, stride=2), p.max_pool2d_loops(x, 3, stride=2))
    np.testing.assert_array_equal(p.max_pool2d(x), p.max_pool2d_loops(x))


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_transposed_loops_are_the_definition(stride: int, generator: np.random.Generator) -> None:
    x, kernel = generator.normal(size=(4, 3, 2)), generator.normal(size=(4, 3, 5, 2))
    expected = p.transposed_conv2d_loops(x, kernel, stride=stride)
    np.testing.assert_allclose(p.transposed_conv2d(x, kernel, stride=stride), expected)


@pytest.mark.parametrize("padding", [0, 1, "same", "valid"])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_a_transposed_convolution_is_the_transposed_matrix(
    stride: int, padding: Any, generator: np.random.Generator
) -> None:
    options = {"stride": stride, "padding": padding}
    x, kernel = generator.normal(size=(3, 4, 2)), generator.normal(size=(3, 4, 5, 2))
    np.testing.assert_allclose(
        p.transposed_conv2d(x, kernel, **options), p.transposed_conv_by_matrix(x, kernel, **options), atol=1e-12
    )
    row, weights = generator.normal(size=6), generator.normal(size=3)
    np.testing.assert_allclose(
        p.transposed_conv1d(row, weights, **options), p.transposed_conv_by_matrix(row, weights, **options), atol=1e-12
    )


def test_a_transposed_convolution_is_the_backward_of_a_convolution(generator: np.random.Generator) -> None:
    x, kernel = generator.normal(size=(2, 9, 9, 3)), generator.normal(size=(3, 3, 3, 4))
    y = p.conv2d(x, kernel, stride=2, padding=1)
    upstream = generator.normal(size=y.shape)
    backward = p.conv2d_backward(upstream, x, kernel, stride=2, padding=1).x
    np.testing.assert_allclose(p.transposed_conv2d(upstream, kernel, stride=2, padding=1), backward)


def test_a_dilated_transposed_convolution_runs_a_dilated_convolution_backwards(generator: np.random.Generator) -> None:
    x, kernel = generator.normal(size=(9, 9, 1)), generator.normal(size=(3, 3, 1, 2))
    upstream = generator.normal(size=p.conv2d(x, kernel, stride=2, dilation=2).shape)
    backward = p.conv2d_backward(upstream, x, kernel, stride=2, dilation=2).x
    np.testing.assert_allclose(p.transposed_conv2d(upstream, kernel, stride=2, dilation=2), backward)


def test_the_matrix_of_a_convolution(generator: np.random.Generator) -> None:
    x, kernel = generator.normal(size=(5, 6, 2)), generator.normal(size=(3, 2, 2, 3))
    y = p.conv2d(x, kernel, stride=2, padding="same")
    matrix = p.convolution_matrix(kernel, (5, 6), stride=2, padding="same")
    np.testing.assert_allclose(matrix @ x.ravel(), y.ravel())


def test_one_picture_a_batch_and_a_batch_of_batches_agree(generator: np.random.Generator) -> None:
    x, kernel = generator.normal(size=(2, 3, 6, 6, 4)), generator.normal(size=(3, 3, 2, 6))
    whole = p.conv2d(x, kernel, groups=2)
    for index in np.ndindex(2, 3):
        np.testing.assert_allclose(whole[index], p.conv2d(x[index], kernel, groups=2))
    gradients = p.conv2d_backward(np.ones_like(whole), x, kernel, groups=2)
    parts = [p.conv2d_backward(np.ones((4, 4, 6)), x[index], kernel, groups=2) for index in np.ndindex(2, 3)]
    np.testing.assert_allclose(gradients.kernel, sum(part.kernel for part in parts))
    np.testing.assert_allclose(gradients.x[1, 2], parts[-1].x)


def test_without_channels_is_with_one_channel(generator: np.random.Generator) -> None:
    x, kernel = generator.normal(size=(6, 7)), generator.normal(size=(3, 3))
    cases = [
        (p.conv2d, p.conv2d_backward, {"stride": 2, "padding": 1}),
        (p.transposed_conv2d, p.transposed_conv2d_backward, {"stride": 2}),
    ]
    for forward, backward, options in cases:
        y = forward(x, kernel, **options)
        with_channels = x[..., None], kernel[..., None, None]
        np.testing.assert_allclose(y, forward(*with_channels, **options)[..., 0])
        plain, full = backward(y, x, kernel, **options), backward(y[..., None], *with_channels, **options)
        np.testing.assert_allclose(plain.x, full.x[..., 0])
        np.testing.assert_allclose(plain.kernel, full.kernel[..., 0, 0])
        np.testing.assert_allclose(plain.bias, full.bias)
    for forward, backward in [
        (p.max_pool2d, p.max_pool2d_backward),
        (p.average_pool2d, p.average_pool2d_backward),
    ]:
        y = forward(x, 3)
        np.testing.assert_allclose(y, forward(x[..., None], 3)[..., 0])
        np.testing.assert_allclose(backward(y, x, 3), backward(y[..., None], x[..., None], 3)[..., 0])


def test_whole_numbers_stay_whole_and_float32_stays_float32() -> None:
    assert p.conv2d(np.ones((3, 3), np.int64), np.ones((2, 2), np.int64)).dtype == np.int64
    x, kernel = np.ones((4, 4, 2), np.float32), np.ones((3, 3, 2, 2), np.float32)
    assert p.conv2d(x, kernel).dtype == np.float32
    assert {array.dtype for array in p.conv2d_backward(np.ones((2, 2, 2), np.float32), x, kernel)} == {x.dtype}
    assert p.average_pool2d(x).dtype == p.resize2d(x).dtype == p.sigmoid(x).dtype == np.float32
    assert p.max_pool2d(np.ones((5, 5), np.uint8), 2, padding="same").dtype == np.uint8


def test_a_pointwise_and_a_depthwise_convolution_make_a_convolution(generator: np.random.Generator) -> None:
    """A kernel that is a product of the two: depthwise[u, v, c] · pointwise[c, o] (lecture 003)."""
    x = generator.normal(size=(6, 7, 3))
    depthwise, pointwise = generator.normal(size=(3, 3, 3, 1)), generator.normal(size=(1, 1, 3, 5))
    split = p.pointwise_conv2d(p.depthwise_conv2d(x, depthwise), pointwise)
    np.testing.assert_allclose(split, p.conv2d(x, depthwise * pointwise))


def test_shuffling_twice_gives_the_channels_back() -> None:
    channels = np.arange(12)
    np.testing.assert_array_equal(p.channel_shuffle(p.channel_shuffle(channels, 3), 4), channels)


def test_sub_pixel_convolution_lays_channels_out_and_collects_them(generator: np.random.Generator) -> None:
    x = generator.normal(size=(2, 3, 4, 18))
    np.testing.assert_array_equal(p.space_to_depth(p.depth_to_space(x, 3), 3), x)


def test_a_kernel_that_is_no_multiple_of_the_stride_leaves_a_checkerboard() -> None:
    """Odena et al. 2016, and resize convolution as their remedy."""
    flat = np.ones((6, 6))
    assert np.unique(p.transposed_conv2d(flat, np.ones((3, 3)), stride=2)[3:-3, 3:-3]).tolist() == [1, 2, 4]
    assert np.unique(p.transposed_conv2d(flat, np.ones((4, 4)), stride=2)[3:-3, 3:-3]).tolist() == [4]
    resized = p.resize_conv2d(flat[..., None], np.ones((3, 3, 1, 1)))
    assert np.unique(resized[1:-1, 1:-1]).tolist() == [9]


def test_dropout_rates() -> None:
    generator = np.random.default_rng(1)
    assert (p.dropout_mask((2000,), 0.25, generator) == 0).mean() == pytest.approx(0.25, abs=0.03)
    assert p.dropout_mask((3,), 0, generator).tolist() == [1, 1, 1]


def test_the_margin_of_the_hinge_loss() -> None:
    """cs231n's example: scores 3.2, 5.1, −1.7, the first class is right: 2.9."""
    assert p.hinge_loss([[3.2, 5.1, -1.7]], [0]) == pytest.approx(2.9)
    assert p.hinge_loss([[3.2, 5.1, -1.7]], [0], margin=0) == pytest.approx(1.9)
    assert p.hinge_loss([[2.2, 2.5, -3.1]], [2]) == pytest.approx(12.9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: p.conv2d(np.ones((5, 5, 3)), np.ones((3, 3, 4, 2))), r"picture \(5, 5, 3\), a kernel \(3, 3, 4, 2\)"),
        (lambda: p.conv2d(np.ones((5, 5, 3)), np.ones((3, 3))), "The kernel's last axis but one"),
        (lambda: p.conv2d(np.ones((5, 5, 4)), np.ones((3, 3, 2, 3)), groups=2), "2 groups"),
        (lambda: p.conv2d(np.ones((5, 5)), np.ones((3, 3)), border="reflect"), "'reflect'"),
        (lambda: p.conv2d_backward(np.ones((3, 3)), np.ones((5, 5, 3)), np.ones((3, 3, 4, 2))), "a kernel"),
        (lambda: p.conv2d_backward(np.ones((3, 3)), np.ones((5, 5)), np.ones((3, 3)), stride=2), r"shape \(2, 2, 1\)"),
        (lambda: p.max_pool2d_backward(np.ones((3, 3)), np.ones((4, 4))), r"shape \(2, 2, 1\)"),
        (lambda: p.average_pool2d_backward(np.ones((3, 3)), np.ones((4, 4))), r"shape \(2, 2, 1\)"),
        (lambda: p.transposed_conv2d_backward(np.ones((3, 3)), np.ones((4, 4)), np.ones((3, 3))), r"\(6, 6, 1\)"),
        (
            lambda: p.depthwise_conv2d_backward(np.ones((3, 3, 4)), np.ones((4, 4, 2)), np.ones((3, 3, 2, 2))),
            r"shape \(2, 2, 4\)",
        ),
        (lambda: p.conv2d(np.ones((2, 2)), np.ones((3, 3))), "as large as the kernel's 3"),
        (lambda: p.conv2d(np.ones((5, 5)), np.ones((3, 3)), stride=0), "at least 1"),
        (lambda: p.conv2d(np.ones((5, 5)), np.ones((3, 3)), stride=(1, 1, 1)), "a number or 2 numbers"),
        (lambda: p.conv2d(np.ones((5, 5)), np.ones((3, 3)), padding=-1), "a padding"),
        (lambda: p.conv2d(np.ones((5, 5)), np.ones((3, 3)), padding="full"), "'full'"),
        (lambda: p.depthwise_conv2d(np.ones((5, 5, 3)), np.ones((3, 3, 2, 1))), "same number of channels"),
        (lambda: p.pointwise_conv2d(np.ones((5, 5, 3)), np.ones((3, 3, 3, 1))), "1, 1, channels"),
        (lambda: p.transposed_conv2d(np.ones((5, 5, 3)), np.ones((3, 3, 3, 2))), "last axis"),
        (lambda: p.transposed_conv2d(np.ones((1, 1)), np.ones((3, 3)), padding=2), "leaves pixels"),
        (lambda: p.channel_shuffle(np.ones(5), 2), "divide"),
        (lambda: p.depth_to_space(np.ones((2, 2, 6)), 2), "divides"),
        (lambda: p.space_to_depth(np.ones((3, 2, 6)), 2), "3 × 2"),
        (lambda: p.enlarging_matrix(2, 2, "cubic"), "cubic"),
        (lambda: p.max_pool_depth(np.ones((2, 2, 6)), 4), "divides"),
        (lambda: p.spatial_pyramid_pool(np.ones((3, 3, 1))), "fewer cells"),
        (lambda: p.dense(np.ones(4), np.ones((3, 2))), "Flatten"),
        (lambda: p.dropout_mask((2,), 1.0, np.random.default_rng(0)), "a rate"),
        (lambda: p.hinge_loss([[1.0, 2.0]], [2]), "from 0 to classes"),
        (lambda: p.cross_entropy_loss([[1.0, 2.0]], [[0, 1]]), "argmax"),
    ],
)
def test_what_does_not_fit_is_refused(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
