"""The receptive field of the lectures, and a slow definition: which input pixels change an output."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest

from cnnkit.errors import InputError
from cnnkit.primitives.counting import output_side
from cnnkit.primitives.receptive_field import Field, meet, receptive_fields

STRIDES = [1, 2, 1, 1, 2, 1, 1, 2]


def test_the_table_of_the_lecture() -> None:
    """Deck 003: kernels of 3, input 256."""
    assert receptive_fields([3] * 8, strides=STRIDES) == [3, 5, 9, 13, 17, 25, 33, 41]
    sides = list(
        itertools.accumulate(
            STRIDES, lambda side, stride: output_side(side, 3, stride=stride, padding="same"), initial=256
        )
    )
    assert sides[1:] == [256, 128, 128, 128, 64, 64, 64, 32]


def test_a_dilation_of_two_turns_three_into_five() -> None:
    assert receptive_fields([3], dilations=[2]) == [5]


@pytest.mark.parametrize(
    "layers",
    [[(3, 1, 1)], [(3, 2, 1), (3, 1, 1)], [(5, 2, 1), (2, 2, 1), (3, 1, 2)], [(1, 2, 1), (3, 1, 3), (3, 2, 1)]],
)
def test_against_the_pixels_that_change_an_output(layers: list[tuple[int, int, int]]) -> None:
    """Follow one output back to the inputs that it reads, layer by layer."""
    reads = {0}
    for kernel, stride, dilation in reversed(layers):
        reads = {place * stride + tap * dilation for place in reads for tap in range(kernel)}
    expected = max(reads) - min(reads) + 1
    kernels, strides, dilations = (list(column) for column in zip(*layers, strict=True))
    assert receptive_fields(kernels, strides, dilations)[-1] == expected


def test_transposed_convolution_against_its_definition() -> None:
    """Output o of a transposed convolution reads input i where o = i·S + tap; on average around o/S − (F − 1)/2S."""
    for kernel, stride in [(2, 2), (3, 2), (4, 2), (3, 1), (5, 3)]:
        outputs = range(60, 60 + stride)
        reads = [[place for place in range(100) if 0 <= output - place * stride < kernel] for output in outputs]
        field = Field().through_transposed(kernel, stride=stride)
        assert (field.size, field.stride) == (max(map(len, reads)), Fraction(1, stride))
        offsets = [sum(read) / len(read) - output / stride for read, output in zip(reads, outputs, strict=True)]
        assert float(field.centre) == pytest.approx(sum(offsets) / stride)


def test_meeting_branches_see_what_any_branch_saw() -> None:
    assert meet([Field(3, Fraction(2)), Field(7, Fraction(2))]) == Field(7, Fraction(2))
    shifted = meet([Field(3, Fraction(2)), Field(7, Fraction(2)).shifted(-2)])  # pixels −1…1 and 1…7
    assert shifted == Field(9, Fraction(2), Fraction(3))
    assert np.isinf(meet([Field(3), Field().whole()]).size)
    assert np.isnan(meet([Field().unknown(), Field().whole()]).size)


def test_the_whole_picture_stays_whole() -> None:
    assert np.isinf(Field(5).whole().through(3, stride=2).size)


def test_lists_of_other_lengths_are_refused() -> None:
    with pytest.raises(InputError, match="2 kernels, 1 strides"):
        receptive_fields([3, 3], strides=[1])
