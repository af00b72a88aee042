"""Keras's own callbacks over several phases: one training, epochs counted through, the whole network."""

from __future__ import annotations

import json

import keras
import numpy as np
import pandas as pd
import pytest

from cnnkit.errors import InputError
from cnnkit.transfer.fitting import fit
from cnnkit.transfer.inference import evaluate
from cnnkit.transfer.plan import Phase, Plan

# Keras 3.15.1 reads TensorFlow variables in a way that NumPy 2 deprecates; `save_weights` cannot avoid it.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

callbacks = keras.callbacks
TWO_PHASES = Plan(
    [Phase("head", epochs=2, rate=0.01), Phase("deep", train="all", epochs=2, rate=0.004, rate_decay=0.5)]
)


class Diary(keras.callbacks.Callback):
    """Every hook that is called, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple] = []
        self.models: set[int] = set()

    def _note(self, *line) -> None:
        self.lines.append(line)
        self.models.add(id(self.model))

    def on_train_begin(self, logs=None) -> None:
        self._note("train begin", dict(self.params), len(self.model.layers))

    def on_train_end(self, logs=None) -> None:
        self._note("train end", sorted(logs))

    def on_epoch_begin(self, epoch, logs=None) -> None:
        self._note("epoch begin", epoch)

    def on_epoch_end(self, epoch, logs=None) -> None:
        self._note("epoch end", epoch, sorted(logs))

    def on_train_batch_begin(self, batch, logs=None) -> None:
        self._note("batch begin", batch)

    def on_train_batch_end(self, batch, logs=None) -> None:
        self._note("batch end", batch, sorted(logs))

    def on_test_begin(self, logs=None) -> None:
        self._note("test begin")

    def on_test_batch_end(self, batch, logs=None) -> None:
        self._note("test batch end", batch, sorted(logs))

    def on_test_end(self, logs=None) -> None:
        self._note("test end", sorted(logs))


def epoch_lines(epoch: int) -> list[tuple]:
    names = ["accuracy", "loss"]
    batches = [line for step in (0, 1) for line in (("batch begin", step), ("batch end", step, names))]
    return [
        ("epoch begin", epoch),
        *batches,
        ("test begin",),
        ("test batch end", 0, names),
        ("test end", names),
        ("epoch end", epoch, ["accuracy", "loss", "val_accuracy", "val_loss"]),
    ]


def test_the_hooks_are_those_of_one_training(make, colours, tmp_path, capsys) -> None:
    """Several of Keras's callbacks in one training, which is what costs: a test for each would train each anew."""
    network, diary, history = make(), Diary(), callbacks.History()
    seen = []
    run = fit(
        network,
        colours,
        TWO_PHASES,
        batch_size=20,
        callbacks=[
            diary,
            history,
            callbacks.CSVLogger(str(tmp_path / "log.csv")),
            callbacks.ModelCheckpoint(str(tmp_path / "{epoch:02d}.weights.h5"), save_weights_only=True),
            callbacks.ModelCheckpoint(
                str(tmp_path / "best-{epoch:02d}-{val_accuracy:.2f}.keras"), monitor="val_accuracy", save_best_only=True
            ),
            callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(network.model.get_weights())),
            callbacks.TerminateOnNaN(),
            callbacks.ProgbarLogger(),
        ],
        progress=False,
    )
    whole = len(network.model.layers)
    begin = ("train begin", {"epochs": 4, "steps": 2, "verbose": 0}, whole)
    middle = [line for epoch in range(4) for line in epoch_lines(epoch)]
    assert diary.lines[0] == begin
    assert diary.lines[1:-1] == middle
    assert diary.lines[-1] == ("train end", ["accuracy", "loss", "val_accuracy", "val_loss"])
    assert len(diary.models) == 1
    assert not network.model.compiled
    assert history.epoch == [0, 1, 2, 3]
    log = pd.read_csv(tmp_path / "log.csv")
    assert log["epoch"].tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(log["val_loss"], run.history["val_loss"])
    assert history.history["loss"] == run.history["loss"].tolist()
    assert sorted(path.name for path in tmp_path.glob("0*")) == [f"0{n}.weights.h5" for n in (1, 2, 3, 4)]
    other = make()
    other.model.load_weights(tmp_path / "03.weights.h5")
    assert all(np.array_equal(one, two) for one, two in zip(other.model.get_weights(), seen[2], strict=True))
    best = sorted(tmp_path.glob("best-*.keras"))[-1]
    epoch = int(best.name.split("-")[1]) - 1
    loaded = keras.models.load_model(best)
    assert all(np.array_equal(one, two) for one, two in zip(loaded.get_weights(), seen[epoch], strict=True))
    assert f"{run.history['val_accuracy'].max():.2f}" in best.name


def test_early_stopping_ends_the_training_and_restores_the_whole_network(make, colours) -> None:
    network = make()
    stop = callbacks.EarlyStopping(monitor="val_loss", patience=1, restore_best_weights=True)
    wild = Plan([Phase("wild", train="all", epochs=20, rate=0.5), Phase("never", epochs=5)])
    run = fit(network, colours, wild, callbacks=[stop], progress=False)
    assert set(run.history["phase"]) == {"wild"}
    assert len(run.history) < 20
    restored = evaluate(network, colours.validation)["loss"]
    assert restored == pytest.approx(run.history["val_loss"].min(), rel=1e-4)


def test_the_rate_of_an_epoch_is_the_one_that_trained_it(make, colours) -> None:
    rates = [0.01, 0.02, 0.03]
    trained = []

    class Spy(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None) -> None:
            trained.append(float(self.model.optimizer.learning_rate))

    scheduler = callbacks.LearningRateScheduler(lambda epoch, rate: rates[epoch])
    run = fit(
        make(), colours, Plan([Phase("p", epochs=3)]), batch_size=40, callbacks=[scheduler, Spy()], progress=False
    )
    np.testing.assert_allclose(run.history["rate"], rates)
    np.testing.assert_allclose(trained, rates)

    trained.clear()
    plateau = callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=1, min_delta=10.0)
    run = fit(
        make(),
        colours,
        Plan([Phase("p", epochs=3, rate=0.01)]),
        batch_size=40,
        callbacks=[plateau, Spy()],
        progress=False,
    )
    np.testing.assert_allclose(run.history["rate"], [0.01, 0.01, 0.005])
    np.testing.assert_allclose(trained, [0.01, 0.01, 0.005])


def test_rates_of_several_groups_are_halved_by_a_plateau(make, colours) -> None:
    plan = Plan([Phase("p", train="all", epochs=3, rate=0.01, rate_decay=0.5)])
    plateau = callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=1, min_delta=10.0)
    rates = []

    class Spy(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None) -> None:
            rates.append(sorted(float(inner.learning_rate) for inner in self.model.optimizer.optimizers))

    fit(make(), colours, plan, callbacks=[plateau, Spy()], progress=False)
    np.testing.assert_allclose(rates[1], [0.5 * rate for rate in rates[0]])


def test_rates_of_several_groups_under_a_loss_scale_are_out_of_reach_of_callbacks(make, colours) -> None:
    """Keras 3.15.1 raises AttributeError there: its callbacks look for several optimizers behind no loss scale."""
    keras.config.set_dtype_policy("mixed_float16")
    try:
        with pytest.raises(InputError, match=r"rate_decay=1 in phase 'p'.*ReduceLROnPlateau.*mixed_float16"):
            fit(
                make(),
                colours,
                Plan([Phase("p", train="all", rate_decay=0.5)]),
                callbacks=[callbacks.ReduceLROnPlateau()],
                progress=False,
            )
    finally:
        keras.config.set_dtype_policy("float32")


class Own(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None) -> None:
        if epoch == 1:
            self.model.optimizer.learning_rate = 0.5


@pytest.mark.parametrize(
    "callback", [callbacks.ReduceLROnPlateau(), callbacks.LearningRateScheduler(lambda epoch, rate: 0.1), Own()]
)
def test_a_schedule_and_a_callback_do_not_both_set_the_rate(make, colours, callback) -> None:
    plan = Plan([Phase("p", epochs=3, schedule="cosine")])
    with pytest.raises(InputError, match=r"schedule='constant'.*whose rate .* sets"):
        fit(make(), colours, plan, callbacks=[callback], progress=False)


def test_a_callback_that_ends_an_epoch_ends_the_training_there(make, colours) -> None:
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None) -> None:
            self.model.stop_training = batch == 1

    run = fit(make(), colours, TWO_PHASES, batch_size=8, callbacks=Stop(), progress=False)
    assert len(run.history) == 1
    assert np.isfinite(run.history["loss"]).all()


def test_a_model_of_several_rates_is_saved_without_code(make, colours, tmp_path) -> None:
    """Keras writes the map of a `MultiOptimizer` as a lambda, which `load_model` then refuses."""
    network = make()
    checkpoint = callbacks.ModelCheckpoint(str(tmp_path / "model.keras"))
    plan = Plan([Phase("p", train="all", epochs=1, rate_decay=0.5)])
    fit(network, colours, plan, callbacks=[checkpoint], progress=False)
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert all(np.array_equal(a, b) for a, b in zip(loaded.get_weights(), network.model.get_weights(), strict=True))


def test_tensorboard_counts_epochs_over_the_phases(make, colours, tmp_path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = callbacks.TensorBoard(log_dir=str(tmp_path), write_graph=False)
    fit(make(), colours, TWO_PHASES, callbacks=[board], progress=False)
    events = EventAccumulator(str(tmp_path / "train"))
    events.Reload()
    assert [event.step for event in events.Tensors("epoch_loss")] == [0, 1, 2, 3]


def test_a_backup_holds_the_whole_network(make, colours, tmp_path) -> None:
    network = make()
    backup = callbacks.BackupAndRestore(str(tmp_path), delete_checkpoint=False)
    fit(network, colours, Plan([Phase("p", epochs=2)]), callbacks=[backup], progress=False)
    assert json.loads((tmp_path / "training_metadata.json").read_text())["epoch"] == 2
    other = make()
    other.model.load_weights(tmp_path / "latest.weights.h5")
    assert all(
        np.array_equal(a, b) for a, b in zip(other.model.get_weights(), network.model.get_weights(), strict=True)
    )
    with pytest.raises(InputError, match=r"an empty backup folder.*resume"):
        fit(make(), colours, Plan([Phase("p", epochs=2)]), callbacks=[backup], progress=False)
