"""Encoded truth: made once for a picture and a view, the same as made anew, within its budget."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnkit.transfer.encoded_truth import EncodedTruth


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize(("budget", "made"), [(None, [[3, 1], [2]]), (0, [[3, 1], [1, 2]]), (24, [[3, 1], [1, 2]])])
def test_what_is_kept_is_not_made_again(named: bool, budget: int | None, made: list[list[int]]) -> None:
    asked = []

    def encode(indices: np.ndarray) -> Any:
        asked.append(indices.tolist())
        array = np.stack([np.full(3, index) for index in indices])  # 24 bytes each
        return {"maps": array, "sizes": array[:, 0]} if named else array

    truth = EncodedTruth(budget)
    for indices in (np.array([3, 1]), np.array([1, 2])):
        expected, received = encode(indices), truth.get(indices, 5, encode)
        asked.remove(indices.tolist())
        for name in expected if named else [slice(None)]:
            assert (received[name] == expected[name]).all()
    assert asked == made


def test_another_view_is_made_anew() -> None:
    truth = EncodedTruth()
    first = truth.get(np.array([0]), 0, lambda indices: np.zeros((1, 2)))
    second = truth.get(np.array([0]), 1, lambda indices: np.ones((1, 2)))
    assert (first.sum(), second.sum()) == (0, 2)
