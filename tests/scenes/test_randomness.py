from __future__ import annotations

import numpy as np
import pytest

from cnnkit.errors import InputError
from cnnkit.scenes.randomness import Dice


def test_the_stream_is_made_of_raw_words_of_pcg64() -> None:
    words = np.random.PCG64(np.random.SeedSequence((2, 3, 4))).random_raw(512)
    assert Dice(3, 4).unit() == (int(words[-1]) >> 11) / 2**53


def test_other_keys_give_other_streams() -> None:
    streams = {Dice(*key).unit() for key in ((0, 0), (0, 1), (1, 0), (1,), (0,))}
    assert len(streams) == 5


@pytest.mark.parametrize("key", [(-1,), (0, -2), (True,)])
def test_a_key_that_is_no_count_is_refused(key: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="whole numbers"):
        Dice(*key)


def test_numbers_stay_in_their_range_and_fill_it() -> None:
    dice = Dice(1)
    assert {dice.below(4) for _ in range(200)} == {0, 1, 2, 3}
    assert {dice.between(-1, 1) for _ in range(200)} == {-1, 0, 1}
    assert {dice.sign() for _ in range(50)} == {-1, 1}
    drawn = [dice.uniform(2, 5) for _ in range(2000)]
    assert min(drawn) >= 2
    assert max(drawn) < 5
    assert abs(sum(drawn) / 2000 - 3.5) < 5 * 3 / 12**0.5 / 2000**0.5  # five standard errors
    assert all(abs(dice.around(1.0, 0.5) - 1.0) <= 0.5 for _ in range(500))


def test_a_weight_of_zero_is_never_drawn() -> None:
    dice = Dice(2)
    assert {dice.weighted("abc", (1, 0, 2)) for _ in range(300)} == {"a", "c"}


def test_bytes_cover_all_values() -> None:
    assert len(np.unique(Dice(0).bytes(20_000))) == 256
    assert len(Dice(0).bytes(13)) == 13
