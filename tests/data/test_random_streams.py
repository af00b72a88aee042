"""Streams of random bits, written out: a number that changes would change every training."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from cnnkit.data.random_streams import batch_bits, epoch_order, picture_bits, stratum_order
from cnnkit.errors import InputError


def raw(seed: int, *key: int, count: int = 4) -> list[int]:
    bits: list[int] = np.random.Philox(np.random.SeedSequence(seed, spawn_key=key)).random_raw(count).tolist()
    return bits


@pytest.mark.parametrize("seed", [0, 7, 2**40])
def test_each_is_philox_of_the_seed_and_a_key(seed: int) -> None:
    assert picture_bits(seed, 3, 12).random_raw(4).tolist() == raw(seed, 1, 3, 12)
    assert batch_bits(seed, 3, 12).random_raw(4).tolist() == raw(seed, 2, 3, 12)
    assert epoch_order(50, seed=seed, epoch=3).tolist() == np.argsort(raw(seed, 0, 3, count=50)).tolist()
    assert stratum_order(50, seed=seed, stratum=3).tolist() == np.argsort(raw(seed, 3, count=50)).tolist()


def test_no_two_meet() -> None:
    numbers = range(6)
    first = [bits(0, *key).random_raw() for bits in (picture_bits, batch_bits) for key in product(numbers, numbers)]
    first += [raw(0, 0, epoch)[0] for epoch in numbers] + [raw(0, stratum)[0] for stratum in numbers]
    assert len(set(first)) == len(first)


def test_orders_hold_each_once() -> None:
    assert sorted(epoch_order(30, seed=1, epoch=0).tolist()) == list(range(30))
    assert sorted(stratum_order(30, seed=1, stratum=0).tolist()) == list(range(30))
    assert epoch_order(0, seed=1, epoch=0).tolist() == []


def test_a_seed_is_a_whole_number() -> None:
    with pytest.raises(InputError, match="seed"):
        picture_bits(-1, 0, 0)
