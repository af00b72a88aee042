from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import cnnkit as ck
from cnnkit.errors import InputError
from cnnkit.transfer.rate_finding import RateCurve
from cnnkit.visualize import rates

RATES = np.geomspace(1e-6, 1, 25)


def curve(loss: np.ndarray, at: int) -> RateCurve:
    return RateCurve(pd.DataFrame({"rate": RATES, "loss": loss}), float(RATES[at]))


def test_the_loss_over_the_rate_and_the_suggestion() -> None:
    loss = 1 - 0.5 / (1 + np.exp(-np.arange(-12, 13)))
    axes = rates(curve(loss, 12)).axes[0]
    line, mark, point = axes.lines
    np.testing.assert_array_equal(line.get_xdata(), RATES)
    np.testing.assert_array_equal(line.get_ydata(), loss)
    assert mark.get_xdata()[0] == point.get_xdata()[0] == RATES[12]
    assert [text.get_text() for text in axes.texts] == ["try rate=1.0e-03"]
    assert axes.get_xscale() == "log"


@pytest.mark.parametrize("at", [0, 24])
def test_the_words_stay_in_the_picture(at: int) -> None:
    made = rates(curve(np.r_[np.linspace(1, 0.5, 20), [1, 5, 25, 100, 1000]], at))
    made.draw_without_rendering()
    box = made.axes[0].texts[0].get_window_extent()
    assert 0 <= box.x0 < box.x1 <= made.bbox.x1
    assert made.axes[0].get_ylim()[1] < 3, "a loss of 1000 would press the fall flat"


def test_what_is_no_range_test() -> None:
    for other in (pd.DataFrame({"rate": RATES}), "curve", RateCurve(pd.DataFrame({"rate": [], "loss": []}), 1.0)):
        with pytest.raises(InputError, match=r"ck\.find_rate"):
            ck.visualize.rates(other)
