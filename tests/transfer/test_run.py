"""`network.run` is what happened to a network: every `fit`, across saving, loading, interruption and resumption."""

from __future__ import annotations

from dataclasses import replace

import keras
import pandas as pd
import pytest

from cnnkit.errors import InputError, InterruptedTrainingError
from cnnkit.export.bundle import load, save
from cnnkit.transfer.fitting import fit
from cnnkit.transfer.plan import Phase, Plan
from cnnkit.transfer.run import EarlierFit, Run, from_settings

# Keras 3.15.1 reads TensorFlow variables in a way that NumPy 2 deprecates; `save_weights` cannot avoid it.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def record(*phases: str, seed: int = 0, **columns: float) -> Run:
    history = pd.DataFrame({"phase": phases, "epoch": 1, "accuracy": 0.5, "seconds": 1.0, "images_per_second": 1.0})
    plan = Plan([Phase(name, epochs=1) for name in phases])
    return Run(plan, history.assign(**columns), seed, f"data{seed}", dict.fromkeys(phases, 13))


def test_phases_are_appended_under_names_of_their_own() -> None:
    both = record("head", "deep").followed_by(record("head", "head 2", seed=1))
    assert [phase.name for phase in both.plan.phases] == ["head", "deep", "head 2", "head 2 2"]
    assert both.history["phase"].tolist() == ["head", "deep", "head 2", "head 2 2"]
    assert list(both.trained_parameters) == ["head", "deep", "head 2", "head 2 2"]
    assert (both.seed, both.data_fingerprint) == (1, "data1")
    assert both.earlier == (EarlierFit(("head", "deep"), 0, "data0"),)
    three = both.followed_by(record("deep", seed=2))
    assert [fit.phases for fit in three.earlier] == [("head", "deep"), ("head 2", "head 2 2")]
    assert "seeds 0, 1, 2" in repr(three)


def test_settings_are_the_way_back_and_older_ones_are_read() -> None:
    run = record("head").followed_by(record("head", seed=1))
    assert from_settings(run.settings(), run.history).settings() == run.settings()
    old = {name: value for name, value in record("head").settings().items() if name != "earlier"}
    assert from_settings(old, run.history).earlier == ()


def test_accuracy_is_of_the_last_epoch_where_only_earlier_ones_were_validated() -> None:
    both = record("a", val_accuracy=0.9).followed_by(record("b"))
    assert both.accuracy == 0.5
    assert record("a", val_accuracy=0.9).accuracy == 0.9


def test_a_run_without_accuracy_says_what_there_is() -> None:
    run = record("a")
    masks = replace(run, history=run.history[["phase", "epoch"]])
    with pytest.raises(InputError, match=r"history has accuracy.*phase, epoch"):
        _ = masks.accuracy


def test_fit_save_load_and_fit_again(make, colours, tmp_path) -> None:
    network = make()
    first = fit(network, colours, Plan([Phase("head", epochs=2)]), progress=False)
    assert network.run.settings() == first.settings()
    again = load(save(network, tmp_path / "first"))
    pd.testing.assert_frame_equal(again.run.history, first.history)
    second = fit(again, colours, Plan([Phase("head", epochs=1)]), seed=1, progress=False)
    assert second.history["phase"].tolist() == ["head"]
    assert again.run.history["phase"].tolist() == ["head", "head", "head 2"]
    last = load(save(again, tmp_path / "second")).run
    assert last.settings() == again.run.settings()
    pd.testing.assert_frame_equal(last.history, again.run.history)
    assert network.run.history["phase"].tolist() == ["head", "head"]


def test_an_interrupted_training_is_recorded_once(make, colours, tmp_path) -> None:
    def press(epoch, logs) -> None:
        if epoch == 2:
            raise KeyboardInterrupt

    network = make()
    network.record(record("warm"))
    stop = keras.callbacks.LambdaCallback(on_epoch_begin=press)
    plan = Plan([Phase("head", epochs=3)])
    with pytest.raises(InterruptedTrainingError):
        fit(network, colours, plan, resume=tmp_path, callbacks=stop, progress=False)
    assert network.run.history["phase"].tolist() == ["warm", "head", "head"]
    expected = ["warm", "head", "head", "head"]
    fresh = replace(make(), run=None)
    for resumed in (network, fresh):
        run = fit(resumed, colours, plan, resume=tmp_path, progress=False)
        assert len(run.history) == 3
        assert resumed.run.history["phase"].tolist() == expected
