"""A value of the wrong type is refused in words, by its name, before anything happens: every argument of the room."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnnkit.data.views.augmentation import Augmentation
from cnnkit.data.views.mixing import MixUp
from cnnkit.data.views.random_crop import RandomCrop
from cnnkit.errors import CnnkitError, InputError
from cnnkit.export.bundle import load, save
from cnnkit.transfer import plans
from cnnkit.transfer.cache_choice import FeatureCache
from cnnkit.transfer.fit_checks import callbacks_of
from cnnkit.transfer.fitting import fit
from cnnkit.transfer.network import Network
from cnnkit.transfer.plan import Phase, Plan
from cnnkit.transfer.rate_finding import find_rate
from cnnkit.transfer.run import Run


def function(*values: object) -> None:
    """Stands for what a user may have at hand."""


FIT = {
    "dataset": [None, 5, [1, 2], function],
    "plan": [None, "probe", plans.probe, Phase("p"), [Phase("p")]],
    "augment": [function, lambda image: image, keras.layers.RandomFlip(), "flip", Augmentation, 1],
    "mix": [function, keras.layers.MixUp(), "mixup", MixUp, 0.2],
    "cache": [None, True, 1, FeatureCache, "disc"],
    "views": [0, -1, 2.0, "8", True, [8]],
    "engine": [None, 1, "tensorflw", tf],
    "precision": [None, 16, "float64"],
    "batch_size": [0, -1, 16.0, "16", None, True, np.float32(16)],
    "seed": [None, -1, 1.5, "0", True, 2**64],
    "resume": [5, True, ["folder"]],
    "callbacks": [
        function,
        [function],
        keras.callbacks.History,
        "history",
        5,
        [None],
        {"a": 1},
        keras.callbacks.SwapEMAWeights(),
    ],
    "progress": [None, "no", 1],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in FIT.items() for value in values])
def test_fit(make_once, colours, name, value) -> None:
    given = {"dataset": colours, "plan": plans.probe(epochs=1), "progress": False, name: value}
    before = make_once.model.get_weights()
    with pytest.raises(CnnkitError):
        fit(make_once, given.pop("dataset"), given.pop("plan"), **given)
    assert make_once.run is None
    assert all(np.array_equal(a, b) for a, b in zip(before, make_once.model.get_weights(), strict=True))


@pytest.mark.parametrize("value", [None, "net", keras.Sequential(), 5])
def test_fit_a_network(colours, value) -> None:
    with pytest.raises(InputError, match="a network"):
        fit(value, colours, plans.probe(), progress=False)


def test_one_callback_is_a_list_of_it() -> None:
    one, two = keras.callbacks.History(), keras.callbacks.TerminateOnNaN()
    assert callbacks_of(one) == (one,)
    assert callbacks_of(callback for callback in (one, two)) == (one, two)
    assert callbacks_of(keras.callbacks.CallbackList([one, two])) == (one, two)
    assert callbacks_of(None) == callbacks_of([]) == ()


WRONG_NUMBERS = ["5", None, [1], True, float("nan"), float("inf"), function]
PHASE = {
    "train": [None, -1, 1.0, True, ["head"], function],
    "epochs": [*WRONG_NUMBERS, 2.5, 2.0, -1],
    "rate": [*WRONG_NUMBERS, 0, -1.0],
    "rate_decay": [*WRONG_NUMBERS, 0, 1.5],
    "schedule": [None, "linear", 1, ["cosine"], function],
    "warmup_epochs": [*WRONG_NUMBERS, -1],
    "views": [*(value for value in WRONG_NUMBERS if value is not None), 0, 1.5],
    "batch_norm": [None, True, "thaw"],
    "optimizer": [None, "adamm", keras.optimizers.Adam, keras.optimizers.Adam()],
    "momentum": [*WRONG_NUMBERS, -0.1, 1.0],
    "weight_decay": [*WRONG_NUMBERS, -1],
    "clip_norm": [*(value for value in WRONG_NUMBERS if value is not None), 0],
    "patience": [*(value for value in WRONG_NUMBERS if value is not None), 0, 1.5],
    "earned": [None, 0, 1, "yes", [True]],
    "revert": [None, 0, 1, "yes", [True]],
    "mixing": [*WRONG_NUMBERS, 0, -0.5, 1.5],
    "monitor": [None, "", ["loss"]],
    "solver": [None, "lbgfs", 1],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in PHASE.items() for value in values])
def test_phase(name, value) -> None:
    sgd = {"optimizer": "sgd"} if name == "momentum" else {}
    with pytest.raises(InputError, match=rf"\b{name}\b"):
        Phase("p", **sgd, **{name: value})


def test_every_field_of_a_phase_is_tried() -> None:
    assert set(PHASE) | {"name"} == {field for field in Phase.__dataclass_fields__ if field != "_"}


@pytest.mark.parametrize("name", [None, 5, b"head", ["head"]])
def test_the_name_of_a_phase(name) -> None:
    with pytest.raises(InputError, match="name of the phase"):
        Phase(name)


@pytest.mark.parametrize(
    "phases", [None, 5, "head", Phase("a"), Phase, ["head"], [None], {"a": 1}, [], [Phase("a")] * 2]
)
def test_plan(phases) -> None:
    with pytest.raises(InputError):
        Plan(phases)


def test_numbers_of_numpy_are_numbers() -> None:
    phase = Phase("p", train=np.int64(2), epochs=np.int32(3), rate=np.float32(0.5), patience=np.int8(2))
    assert (phase.train, phase.epochs, phase.rate, phase.patience) == (2, 3, 0.5, 2)
    assert {type(phase.train), type(phase.epochs), type(phase.patience)} == {int}
    assert type(phase.rate) is float


@pytest.mark.parametrize("folder", [None, 5, ["a"], function, ""])
def test_folders_of_bundles(make_once, folder) -> None:
    with pytest.raises(CnnkitError, match="folder"):
        save(make_once, folder)
    with pytest.raises(CnnkitError, match="folder"):
        load(folder)


@pytest.mark.parametrize("run", ["run", 5, Run, Plan([Phase("p")])])
def test_the_run_of_a_bundle(make_once, tmp_path, run) -> None:
    with pytest.raises(InputError, match=r"ck\.fit"):
        save(make_once, tmp_path / "b", run=run)
    assert not (tmp_path / "b").exists()


def test_a_plan_without_epochs_trains_nothing(make_once, colours) -> None:
    plan = Plan([Phase("a", epochs=0), Phase("b", train="all", epochs=0)])
    with pytest.raises(InputError, match=r"at least one epoch.*'a', 'b'"):
        fit(make_once, colours, plan, progress=False)


def test_a_phase_without_epochs_is_left_out(make, colours) -> None:
    exact = Phase("exact", train="all", epochs=0, solver="lbfgs")
    run = fit(make(), colours, Plan([exact, Phase("head", epochs=1), Phase("deep", epochs=0)]), progress=False)
    assert run.history["phase"].tolist() == ["head"]
    assert list(run.trained_parameters) == ["head"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_strategy_is_refused(make, make_once, colours) -> None:
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        with pytest.raises(InputError, match="MirroredStrategy"):
            fit(make_once, colours, plans.probe(epochs=1), progress=False)
        mirrored = make()
    with pytest.raises(InputError, match="MirroredStrategy"):
        fit(mirrored, colours, plans.probe(epochs=1), progress=False)


LATER = {
    "layer": (Phase("later", train="nowhere"), "a layer or stage to train from"),
    "stages": (Phase("later", train=9), "at most .* stages"),
    "solver": (Phase("later", train=1, epochs=1, solver="lbfgs"), "a linear head"),
}


@pytest.mark.parametrize("case", LATER)
def test_a_later_phase_is_checked_before_the_first_trains(make_once, colours, case) -> None:
    phase, message = LATER[case]
    flags = [layer.trainable for layer in make_once.model.layers]
    with pytest.raises(InputError, match=message):
        fit(make_once, colours, Plan([Phase("first", epochs=12), phase]), progress=False)
    assert make_once.run is None
    assert flags == [layer.trainable for layer in make_once.model.layers]


@pytest.fixture(scope="module")
def make_once() -> Network:
    """One network for all that must leave it as it was."""
    from cnnkit.backbones.extractor import backbone
    from cnnkit.heads.classification import classifier
    from cnnkit.transfer.network import attach
    from tests.transfer.worlds import GRAPHS

    return attach(backbone(GRAPHS["residual"]()), classifier(["grey", "red"]))


FIND_RATE = {
    "phase": [5, "head", Phase, plans.probe(), Phase("p", solver="lbfgs", epochs=1)],
    "lowest": ["1e-6", None, 0, float("nan"), 2.0],
    "highest": ["1", None, float("inf"), 1e-9],
    "steps": [2, 10.0, "60", None],
    "batch_size": FIT["batch_size"],
    "seed": FIT["seed"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in FIND_RATE.items() for value in values])
def test_find_rate(make_once, colours, name, value) -> None:
    with pytest.raises(InputError):
        find_rate(make_once, colours, **{name: value})


def test_crops_have_a_size_that_halves_without_a_remainder(make_once, colours) -> None:
    height, width = make_once.size
    crop = RandomCrop((height, width + 1))
    with pytest.raises(
        InputError, match=rf"multiples of 32.*{height} × {width + 1} for an input of {height} × {width}"
    ):
        fit(make_once, colours, plans.probe(epochs=1), augment=crop, progress=False)
