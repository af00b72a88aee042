"""Scores of translations: means of the metrics of single pictures, of those that are large enough for them."""

from __future__ import annotations

import numpy as np
import pytest

from cnnkit.data.targets import Pictures
from cnnkit.heads.translation_score import TranslationScore
from cnnkit.metrics.picture_quality import absolute_error, peak_signal_to_noise, structural_similarity


def pictures(*sides: int, seed: int) -> Pictures:
    chance = np.random.default_rng(seed)
    return Pictures.of_arrays([chance.integers(0, 256, (side, side + 3, 3), np.uint8) for side in sides])


def result_of(*sides: int) -> tuple[dict[str, float], list[np.ndarray], list[np.ndarray]]:
    truth, said = pictures(*sides, seed=0), pictures(*sides, seed=1)
    score = TranslationScore()
    score.add(truth, said)
    both = [[part.picture(index)[None] for index in range(len(sides))] for part in (truth, said)]
    return score.result(), both[0], both[1]


def test_they_are_means_over_the_pictures() -> None:
    found, truth, said = result_of(16, 20)
    for name, metric in (("l1", absolute_error), ("psnr", peak_signal_to_noise), ("ssim", structural_similarity)):
        expected = np.mean([metric(*pair)[0] for pair in zip(truth, said, strict=True)])
        assert found[name] == pytest.approx(expected)


def test_pictures_without_room_for_a_window_count_in_the_other_scores() -> None:
    found, truth, said = result_of(10, 16)
    assert found["ssim"] == pytest.approx(structural_similarity(truth[1], said[1])[0])
    assert found["l1"] == pytest.approx(np.mean([absolute_error(truth[i], said[i])[0] for i in (0, 1)]))
    assert "ssim" not in result_of(10)[0]
    assert set(result_of(1)[0]) == {"l1", "psnr"}
