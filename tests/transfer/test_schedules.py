from __future__ import annotations

import math

import keras
import numpy as np
import pytest

from cnnkit.transfer.plan import Phase
from cnnkit.transfer.schedules import plateau, rate_factor


def test_cosine_is_kerass() -> None:
    theirs = keras.optimizers.schedules.CosineDecay(1.0, decay_steps=10)
    phase = Phase("p", epochs=10, schedule="cosine")
    for epoch in range(10):
        assert rate_factor(phase, epoch) == pytest.approx(float(theirs(epoch)), abs=1e-6)


def test_warmup_rises_linearly_then_the_schedule_begins() -> None:
    phase = Phase("p", epochs=6, schedule="cosine", warmup_epochs=2)
    assert [rate_factor(phase, epoch) for epoch in (0, 0.5, 1, 2)] == [0, 0.25, 0.5, 1]
    assert rate_factor(phase, 4) == pytest.approx(0.5)


def test_step_takes_a_tenth_after_each_third() -> None:
    phase = Phase("p", epochs=3, schedule="step")
    assert [rate_factor(phase, epoch) for epoch in (0, 0.9, 1, 2, 2.9)] == pytest.approx([1, 1, 0.1, 0.01, 0.01])


def test_one_cycle_peaks_at_three_tenths() -> None:
    phase = Phase("p", epochs=10, schedule="one_cycle")
    factors = [rate_factor(phase, epoch) for epoch in np.linspace(0, 9.99, 200)]
    assert factors[0] == pytest.approx(1 / 25)
    assert math.isclose(max(factors), 1, abs_tol=1e-3)
    assert rate_factor(phase, 3) == 1
    assert factors[-1] < 1e-3


@pytest.mark.parametrize(
    ("losses", "factor"),
    [([], 1), ([3, 2, 1], 1), ([1, 2], 1), ([1, 2, 2], 0.1), ([1, 2, 2, 2, 2], 0.01), ([1, 2, 2, 0.5, 1], 0.1)],
)
def test_plateau_takes_a_tenth_after_two_epochs_without_progress(losses, factor) -> None:
    assert plateau(losses) == pytest.approx(factor)
    assert rate_factor(Phase("p", schedule="plateau"), 1, losses) == pytest.approx(factor)


def test_constant() -> None:
    assert rate_factor(Phase("p"), 3.3) == 1
