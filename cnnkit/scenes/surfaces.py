"""Textures: a bank of noise in whole numbers, made once from a fixed key and cut at random places."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from cnnkit.scenes.randomness import Dice

BANK = 512  # side of every texture, a power of two so that a position wraps with &


def _smoothed(values: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    rows = np.roll(values, 1, 0) + 2 * values + np.roll(values, -1, 0)
    return np.asarray((np.roll(rows, 1, 1) + 2 * rows + np.roll(rows, -1, 1)) >> 4, np.int32)


@lru_cache(maxsize=1)
def noise() -> npt.NDArray[np.int16]:
    """Cloudy noise (512, 512), −128…127: five octaves, each twice as fine and 0.7 as strong; wraps around."""
    dice = Dice(20_250_101)
    total = np.zeros((BANK, BANK), np.int32)
    for octave, weight in enumerate((5, 7, 9, 10, 11)):
        side = 32 << octave
        coarse = dice.bytes(side * side).astype(np.int32).reshape(side, side) - 128
        grown = coarse.repeat(BANK // side, 0).repeat(BANK // side, 1)
        for _ in range((BANK // side) // 2):
            grown = _smoothed(grown)
        total += grown * weight
    return np.clip(total // 14, -128, 127).astype(np.int16)


@lru_cache(maxsize=1)
def grain() -> npt.NDArray[np.int16]:
    """Sensor grain (512, 512, 3), nearly normal, standard deviation 37: the sum of four bytes, a colour each."""
    dice = Dice(20_250_102)
    total = np.zeros((BANK, BANK, 3), np.int32)
    for _ in range(4):
        total += dice.bytes(BANK * BANK * 3).reshape(BANK, BANK, 3)
    return ((total - 510) // 4).astype(np.int16)


@lru_cache(maxsize=2)
def _twice(of_grain: bool) -> npt.NDArray[np.int16]:
    # A bank beside itself, so that a piece that wraps is a slice and not a gather.
    bank = grain() if of_grain else noise()
    return np.concatenate([np.concatenate([bank, bank], 0)] * 2, 1)


def cut(bank: npt.NDArray[np.int16], dice: Dice, height: int, width: int) -> npt.NDArray[np.int16]:
    """A random piece (height, width, …) of a bank; wraps where the picture is larger than the bank."""
    top, left = dice.below(BANK), dice.below(BANK)
    if height <= BANK and width <= BANK:
        return _twice(bank is grain())[top : top + height, left : left + width]
    rows = (np.arange(height) + top) % BANK
    columns = (np.arange(width) + left) % BANK
    return bank[rows[:, None], columns[None, :]]
