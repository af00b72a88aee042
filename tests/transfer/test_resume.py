"""A resumed training is the uninterrupted one: what callbacks counted, the rate they set and the loss scale as well."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator

import keras
import numpy as np
import pandas as pd
import pytest

from cnnkit.errors import InputError, InterruptedTrainingError
from cnnkit.transfer.callback_counters import counters, packed, restore, unpacked
from cnnkit.transfer.fitting import fit
from cnnkit.transfer.plan import Phase, Plan

# Keras 3.15.1 reads TensorFlow variables in a way that NumPy 2 deprecates; `save_weights` cannot avoid it.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

callbacks = keras.callbacks


class Own(keras.callbacks.Callback):
    """Counts as users do."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs = 0
        self.sums = {"loss": np.zeros(1)}
        self.pairs: list[tuple] = []

    def on_epoch_end(self, epoch, logs=None) -> None:
        self.epochs += 1
        self.sums["loss"] = self.sums["loss"] + logs["loss"]
        self.pairs.append((epoch, None))


class Press(keras.callbacks.Callback):
    """Ctrl-C before the fourth epoch."""

    def on_epoch_begin(self, epoch, logs=None) -> None:
        if epoch == 3:
            raise KeyboardInterrupt


def usual(folder) -> list[keras.callbacks.Callback]:
    """No epoch but the first is better by 10: the rate falls after the third, the training ends after the fifth."""
    folder.mkdir(exist_ok=True)
    return [
        callbacks.EarlyStopping(monitor="val_loss", min_delta=10, patience=4, restore_best_weights=True),
        callbacks.ReduceLROnPlateau(monitor="loss", min_delta=10, patience=2, factor=0.5),
        callbacks.ModelCheckpoint(
            str(folder / "{epoch:02d}.weights.h5"),
            monitor="accuracy",
            mode="min",
            save_best_only=True,
            save_weights_only=True,
        ),
        callbacks.CSVLogger(str(folder / "log.csv")),
        callbacks.History(),
        Own(),
    ]


def test_callbacks_go_on_where_they_stood(make, colours, tmp_path) -> None:
    plan = Plan([Phase("head", epochs=2, rate=0.01), Phase("deep", train=1, epochs=9, rate=0.01)])

    def run(network, name, *more, **options):
        given = usual(tmp_path / name)
        return fit(network, colours, plan, callbacks=[*more, *given], progress=False, **options), given

    whole, resumed = make(), make()
    expected, theirs = run(whole, "whole")
    with pytest.raises(InterruptedTrainingError):
        run(make(), "cut", Press(), resume=tmp_path / "checkpoints")
    result, ours = run(resumed, "cut", resume=tmp_path / "checkpoints")
    assert expected.history["rate"].tolist() == pytest.approx([0.01, 0.01, 0.01, 0.005, 0.005])
    times = ["seconds", "images_per_second"]
    pd.testing.assert_frame_equal(result.history.drop(columns=times), expected.history.drop(columns=times))
    assert all(
        np.array_equal(a, b) for a, b in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True)
    )
    early, own = ours[0], ours[-1]
    assert (early.stopped_epoch, early.best_epoch) == (theirs[0].stopped_epoch, 0)
    assert (own.epochs, own.pairs) == (5, [(epoch, None) for epoch in range(5)])
    np.testing.assert_array_equal(own.sums["loss"], theirs[-1].sums["loss"])
    assert ours[-2].history == theirs[-2].history
    assert (tmp_path / "cut" / "log.csv").read_text() == (tmp_path / "whole" / "log.csv").read_text()
    assert {file.name for file in (tmp_path / "cut").iterdir()} == {
        file.name for file in (tmp_path / "whole").iterdir()
    }


def test_the_loss_scale_of_float16_is_kept(make, colours, tmp_path) -> None:
    scales = []

    class Scale(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None) -> None:
            scales.append(float(self.model.optimizer.dynamic_scale.numpy()))
            if epoch == 1:
                self.model.optimizer.dynamic_scale.assign(64.0)

    plan = Plan([Phase("deep", train="all", epochs=5, rate=0.001, rate_decay=0.5)])
    keras.config.set_dtype_policy("mixed_float16")
    try:
        with pytest.raises(InterruptedTrainingError):
            fit(make(), colours, plan, callbacks=[Press(), Scale()], resume=tmp_path, progress=False)
        run = fit(make(), colours, plan, callbacks=[Scale()], resume=tmp_path, progress=False)
    finally:
        keras.config.set_dtype_policy("float32")
    assert scales == [2.0**15, 2.0**15, 64.0, 64.0, 64.0]
    assert np.isfinite(run.history["loss"]).all()


class Holding(keras.callbacks.Callback):
    def __init__(self, value) -> None:
        super().__init__()
        self.value = value


def numbers() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize(
    "callback",
    [
        Holding({1}),
        Holding(deque()),
        Holding(numbers()),
        Holding(random.Random(0)),  # noqa: S311
        Holding(np.random.default_rng(0)),
        Holding(keras.metrics.Mean()),
        callbacks.BackupAndRestore("backup"),
    ],
)
def test_what_a_checkpoint_cannot_hold_is_refused_before_anything_trains(make, colours, tmp_path, callback) -> None:
    network = make()
    before = network.model.get_weights()
    with pytest.raises(InputError, match="resume"):
        fit(network, colours, Plan([Phase("p")]), callbacks=[callback], resume=tmp_path / "new", progress=False)
    assert all(np.array_equal(a, b) for a, b in zip(network.model.get_weights(), before, strict=True))
    assert not (tmp_path / "new").exists()


def test_counters_survive_json() -> None:
    import json

    first, second = Holding([1, (2.5, None), {"a": np.arange(3.0), 7: "x"}, np.float32(2)]), Holding(0)
    values, arrays = packed(counters([first]))
    restore([second], unpacked(json.loads(json.dumps(values)), arrays))
    one, two, three, four = second.value
    assert (one, two, three[7], four) == (1, (2.5, None), "x", 2.0)
    np.testing.assert_array_equal(three["a"], np.arange(3.0))
