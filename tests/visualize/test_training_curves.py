from __future__ import annotations

import dataclasses
import itertools

import keras
import numpy as np
import pandas as pd
import pytest

import cnnkit as ck
from cnnkit.errors import InputError
from cnnkit.visualize.style import BANDS
from cnnkit.visualize.training_curves import curves
from tests.visualize.small_networks import network


def history(**phases: int) -> pd.DataFrame:
    names = [name for name, count in phases.items() for _ in range(count)]
    falling = np.linspace(1, 0.2, len(names))
    return pd.DataFrame(
        {
            "phase": names,
            "epoch": [epoch + 1 for count in phases.values() for epoch in range(count)],
            "loss": falling,
            "accuracy": 1 - falling / 2,
            "val_loss": falling + 0.1,
            "val_accuracy": 0.95 - falling / 2,
            "rate": 1e-3 * falling,
            "seconds": 1.0,
            "images_per_second": 100.0,
        }
    )


def test_lines_are_the_columns_of_the_history() -> None:
    table = history(head=3, deep=4)
    accuracy, loss, rate = curves(table).axes
    for panel, columns in ((accuracy, ["accuracy", "val_accuracy"]), (loss, ["loss", "val_loss"]), (rate, ["rate"])):
        for line, column in zip(panel.get_lines(), columns, strict=True):
            np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3, 4, 5, 6, 7])
            np.testing.assert_array_equal(line.get_ydata(), table[column])
    assert [panel.get_ylabel() for panel in (accuracy, loss, rate)] == ["accuracy", "loss", "rate"]


def test_each_phase_is_a_band_with_its_name() -> None:
    top = curves(history(head=3, deep=4, all=5)).axes[0]
    bands = [(band.get_x(), band.get_x() + band.get_width()) for band in top.patches]
    np.testing.assert_allclose(bands, [(0.5, 3.5), (3.5, 7.5), (7.5, 12.5)])
    assert [text.get_text() for text in top.texts] == ["head", "deep", "all"]
    assert len(set(BANDS)) == 2


def test_a_run_of_one_epoch_without_validation_or_rate() -> None:
    table = history(head=1).drop(columns=["val_loss", "val_accuracy", "rate"])
    run = ck.Run(ck.Plan([ck.Phase("head")]), table, 0, "", {})
    accuracy, loss = curves(run).axes
    assert len(accuracy.get_lines()) == len(loss.get_lines()) == 1


def test_loss_alone() -> None:
    assert [panel.get_ylabel() for panel in curves(history(head=2)[["phase", "loss"]]).axes] == ["loss"]


def test_a_network_draws_the_run_that_it_knows() -> None:
    net = network(["no", "yes"])
    trained = dataclasses.replace(net, run=ck.Run(ck.Plan([ck.Phase("head")]), history(head=3), 0, "", {}))
    np.testing.assert_array_equal(curves(trained).axes[1].get_lines()[0].get_ydata(), history(head=3)["loss"])
    for nothing in (net, None):
        with pytest.raises(InputError, match=r"Pass what ck\.fit returned"):
            curves(nothing)


def test_what_keras_returns_is_one_phase() -> None:
    returned = keras.callbacks.History()
    returned.history = {
        "accuracy": [0.5, 0.9],
        "loss": [0.7, 0.2],
        "val_loss": [0.8, 0.4],
        "learning_rate": [0.1, 0.01],
    }
    accuracy, loss, rate = curves(returned).axes
    assert [line.get_ydata().tolist() for line in loss.get_lines()] == [[0.7, 0.2], [0.8, 0.4]]
    assert rate.get_lines()[0].get_ydata().tolist() == [0.1, 0.01]
    assert [text.get_text() for text in accuracy.texts] == ["fit"]
    with pytest.raises(InputError, match=r"model\.fit"):
        curves(keras.callbacks.History())


@pytest.mark.parametrize("table", [history(head=2).drop(columns="loss"), history(head=1).iloc[:0], "run"])
def test_a_table_that_is_no_history(table: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="phase, loss"):
        curves(table)


@pytest.mark.parametrize("count", [3, 8])
def test_names_of_phases_do_not_meet(count: int) -> None:
    made = curves(history(**{f"stage {number} of the whole network": 2 for number in range(count)}))
    made.draw_without_rendering()
    boxes = sorted((text.get_window_extent() for text in made.axes[0].texts), key=lambda box: (round(box.y0), box.x0))
    for left, right in itertools.pairwise(boxes):
        assert abs(left.y0 - right.y0) > 5 or left.x1 <= right.x0
