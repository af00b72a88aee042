"""How large a layer's output is, how many parameters it has, how many multiply-adds one picture costs.

A multiply-add is one multiplication and the addition of its product: what papers call a "FLOP" or a "MAC".
Biases, activations and normalization are left out, as papers leave them out.

F = kernel side, S = stride, P = padding on each side, H × W = size of the *output*, C_in, C_out = channels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from cnnkit.errors import InputError

Side = int | Sequence[int]
Padding = int | Literal["same", "valid"]


def area(side: Side) -> int:
    """Pixels of a square, of a rectangle (height, width), of a row or of a volume.

    >>> area(3), area((1, 7)), area((2, 2, 2))
    (9, 7, 8)
    """
    return side * side if isinstance(side, int) else math.prod(side)


def effective_kernel(kernel: int, dilation: int = 1) -> int:
    """The side that a dilated kernel spans: a dilation of 2 turns 3 into 5.

    >>> effective_kernel(3, dilation=2)
    5
    """
    return (kernel - 1) * dilation + 1


def output_side(side: int, kernel: int, *, stride: int = 1, padding: Padding = 0, dilation: int = 1) -> int:
    """The output's side, ⌊(W − F + 2P)/S⌋ + 1.

    `padding` is pixels on each side; `"valid"` is 0; `"same"` pads so that the output's side is ⌈W/S⌉.

    >>> output_side(227, 11, stride=4)  # AlexNet, CONV1
    55
    >>> output_side(224, 3, stride=2, padding="same")
    112

    Raises:
        InputError: The kernel is larger than the padded input, or a number is out of range.
    """
    if min(side, kernel, stride, dilation) < 1 or (isinstance(padding, int) and padding < 0):
        raise InputError(
            "side, kernel, stride and dilation of at least 1 and a padding of at least 0",
            f"side {side}, kernel {kernel}, stride {stride}, padding {padding}, dilation {dilation}",
            "Check the order of the arguments.",
        )
    if padding == "same":
        return math.ceil(side / stride)
    room = side + 2 * (0 if padding == "valid" else padding) - effective_kernel(kernel, dilation)
    if room < 0:
        raise InputError(
            f"a padded input at least as large as the kernel's {effective_kernel(kernel, dilation)}",
            f"side {side} with padding {padding}",
            'Pad the input, use padding="same" or a larger picture.',
        )
    return room // stride + 1


def transposed_crop(kernel: int, *, stride: int = 1, padding: Padding = "valid", dilation: int = 1) -> tuple[int, int]:
    """Pixels that a transposed convolution cuts off before and after its stamps; negative: zeros that it adds.

    >>> transposed_crop(4, stride=2, padding="same")
    (1, 1)
    """
    surplus = effective_kernel(kernel, dilation) - stride
    if padding == "same":
        before = max(surplus, 0) // 2
        return before, surplus - before
    return (0, min(surplus, 0)) if padding == "valid" else (padding, padding)


def transposed_side(side: int, kernel: int, *, stride: int = 1, padding: Padding = "valid", dilation: int = 1) -> int:
    """The side of a transposed convolution's output, (W − 1)·S + F − 2P.

    As in Keras, `"same"` gives W·S, and `"valid"` at least W·S, also where the kernel is smaller than the stride.

    >>> transposed_side(2, 3, stride=2, padding=1), transposed_side(2, 3, stride=2, padding="same")
    (3, 4)

    Raises:
        InputError: The padding leaves nothing.
    """
    before, after = transposed_crop(kernel, stride=stride, padding=padding, dilation=dilation)
    output = (side - 1) * stride + effective_kernel(kernel, dilation) - before - after
    if output < 1:
        raise InputError("a padding that leaves pixels", f"padding {padding}, {output} pixels left", "Pad less.")
    return output


def remainder(side: int, kernel: int, *, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Pixels at the far border that no kernel position reaches; 0 is a good fit.

    >>> remainder(7, 3, stride=3)  # (7 − 3)/3 + 1 = 2.33 in the lecture: a bad fit, one column is never seen
    1
    >>> remainder(7, 3, stride=2)
    0
    """
    return (side + 2 * padding - effective_kernel(kernel, dilation)) % stride


def same_padding(kernel: int) -> int:
    """The padding (F − 1)/2 that keeps the size at stride 1; the kernel must be odd.

    >>> [same_padding(kernel) for kernel in (3, 5, 7)]
    [1, 2, 3]

    Raises:
        InputError: An even kernel has no symmetric padding that keeps the size.
    """
    if kernel % 2 == 0:
        raise InputError("an odd kernel", f"{kernel}", 'Use an odd kernel or padding="same".')
    return (kernel - 1) // 2


def _groups_divide(channels_in: int, channels_out: int, groups: int) -> None:
    if groups < 1 or channels_in % groups or channels_out % groups:
        raise InputError(
            "a number of groups that divides the input and the output channels",
            f"{groups} groups, {channels_in} channels in, {channels_out} out",
            "Choose channels that are multiples of the groups.",
        )


def conv_parameters(kernel: Side, channels_in: int, channels_out: int, *, bias: bool = True, groups: int = 1) -> int:
    """Parameters of a convolution, (F·F·C_in/groups + 1)·C_out.

    >>> conv_parameters(11, 3, 96)  # AlexNet, CONV1
    34944
    """
    _groups_divide(channels_in, channels_out, groups)
    return (area(kernel) * (channels_in // groups) + bias) * channels_out


def conv_multiply_adds(kernel: Side, output: Side, channels_in: int, channels_out: int, *, groups: int = 1) -> int:
    """Multiply-adds of a convolution, F·F·H·W·C_in·C_out/groups, with H × W the output.

    >>> conv_multiply_adds(3, 224, 3, 64)  # VGG, block1_conv1
    86704128
    """
    _groups_divide(channels_in, channels_out, groups)
    return area(kernel) * area(output) * (channels_in // groups) * channels_out


def depthwise_parameters(kernel: Side, channels: int, *, multiplier: int = 1, bias: bool = True) -> int:
    """Parameters of a depthwise convolution: one F×F kernel a channel (times `multiplier`).

    >>> depthwise_parameters(3, 32, bias=False)
    288
    """
    return (area(kernel) + bias) * channels * multiplier


def depthwise_multiply_adds(kernel: Side, output: Side, channels: int, *, multiplier: int = 1) -> int:
    """Multiply-adds of a depthwise convolution, F·F·H·W·C_in.

    >>> depthwise_multiply_adds(3, 112, 32)
    3612672
    """
    return area(kernel) * area(output) * channels * multiplier


def pointwise_multiply_adds(output: Side, channels_in: int, channels_out: int) -> int:
    """Multiply-adds of a 1×1 convolution, H·W·C_in·C_out.

    >>> pointwise_multiply_adds(112, 32, 64)
    25690112
    """
    return conv_multiply_adds(1, output, channels_in, channels_out)


def locally_connected_parameters(
    kernel: Side, output: Side, channels_in: int = 1, channels_out: int = 1, *, bias: bool = False
) -> int:
    """Parameters of a layer that looks through windows but shares no weights: a kernel for each place.

    >>> locally_connected_parameters((3,), (3,))  # 7 inputs, 3 units: global 21, local 9, shared 3 (lecture 001)
    9
    """
    return area(output) * conv_parameters(kernel, channels_in, channels_out, bias=bias)


def dense_parameters(units_in: int, units_out: int, *, bias: bool = True) -> int:
    """Parameters of a fully connected layer, (inputs + 1)·outputs.

    >>> dense_parameters(640 * 480 * 3, 1000)  # the lecture's 922 million
    921601000
    """
    return (units_in + bias) * units_out


def dense_multiply_adds(units_in: int, units_out: int, *, positions: int = 1) -> int:
    """Multiply-adds of a fully connected layer, applied at so many positions.

    >>> dense_multiply_adds(4096, 1000)
    4096000
    """
    return positions * units_in * units_out


def pooling_operations(kernel: Side, output: Side, channels: int) -> int:
    """Comparisons (max) or additions (mean) of a pooling layer, F·F·H·W·C: no multiplications, no parameters.

    >>> pooling_operations(2, 112, 64)
    3211264
    """
    return depthwise_multiply_adds(kernel, output, channels)


def batch_norm_parameters(channels: int, *, scale: bool = True, shift: bool = True) -> int:
    """Scale, shift, moving mean and moving variance: 4 a channel, of which the first two are trained.

    >>> batch_norm_parameters(64)
    256
    """
    return (scale + shift + 2) * channels


def memory_bytes(values: int, *, bytes_per_value: int = 4, copies: int = 1) -> int:
    """Memory of so many values; training holds ×2 with plain SGD (gradients), ×4 with Adam (and two moments).

    >>> round(memory_bytes(138_357_544) / 1e6)  # VGG16's parameters in float32: the lecture's ≈ 552 MB
    553
    """
    return values * bytes_per_value * copies
