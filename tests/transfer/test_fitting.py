"""Training does what the plan says, the same every time, and goes on after a kill."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from cnnkit.data.array_images import arrays
from cnnkit.data.dataset import Dataset
from cnnkit.data.source import Source
from cnnkit.data.views.augmentation import Augmentation
from cnnkit.errors import DataError, InputError, InterruptedTrainingError
from cnnkit.heads.classification import classifier
from cnnkit.transfer import plans
from cnnkit.transfer.fitting import fit
from cnnkit.transfer.inference import evaluate
from cnnkit.transfer.plan import Phase, Plan

ROOT = Path(__file__).resolve().parents[2]
TWO_PHASES = Plan([Phase("head", epochs=2, rate=0.01), Phase("deep", train=1, epochs=2, rate=0.003, schedule="cosine")])


def weights(network) -> list[np.ndarray]:
    return [variable.numpy() for variable in network.model.variables]


def assert_same(first, second) -> None:
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_it_learns(make, colours) -> None:
    network = make()
    run = fit(network, colours, plans.probe(epochs=15, rate=0.05), batch_size=8, progress=False)
    assert run.history["loss"].iloc[-1] < 0.8 * run.history["loss"].iloc[0]
    assert run.accuracy > 0.9


def test_the_history_has_a_row_an_epoch(make, colours) -> None:
    run = fit(make(), colours, TWO_PHASES, progress=False)
    assert run.history["phase"].tolist() == ["head", "head", "deep", "deep"]
    assert run.history["epoch"].tolist() == [1, 2, 1, 2]
    assert {"loss", "accuracy", "val_loss", "val_accuracy", "rate", "seconds", "images_per_second"} < set(run.history)
    # 12 features × 1 unit + bias; then 3·3·8·12 weights of block2_conv more (its BatchNormalization stays frozen)
    assert run.trained_parameters == {"head": 13, "deep": 13 + 864}


@pytest.mark.parametrize("graph", ["residual", "inception"])
def test_a_frozen_prefix_trains_as_plain_keras_does(make, colours, graph) -> None:
    """The oracle is Keras on the whole model with the same flags, order and optimizer."""
    plan = Plan([Phase("deep", train=1, epochs=2, rate=0.01)])
    ours, theirs = make(graph), make(graph)
    fit(ours, colours, plan, batch_size=40, progress=False)
    images = np.stack([colours.train.image(index) for index in range(len(colours.train))]).astype(np.float32)
    from cnnkit.transfer.freeze import set_flags

    if graph == "residual":  # Keras drops in a frozen layer too; a cnnkit prefix only runs
        theirs.model.get_layer("block1_drop").rate = 0
    set_flags(theirs, plan.phases[0])
    theirs.model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    targets = np.asarray(colours.train.labels, np.float32)[:, None]
    theirs.model.fit(images, targets, batch_size=40, epochs=2, verbose=0)
    for one, other in zip(ours.model.get_weights(), theirs.model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-4)


@pytest.mark.parametrize("augment", [None, Augmentation(rotation=20, horizontal_flip=True)])
def test_one_seed_fixes_everything(make, colours, augment) -> None:
    runs = []
    for seed in (5, 5, 6):
        network = make("residual", dropout=0.5)
        fit(network, colours, TWO_PHASES, batch_size=16, augment=augment, seed=seed, progress=False)
        runs.append(weights(network))
    assert_same(runs[0], runs[1])
    assert any(not np.array_equal(one, other) for one, other in zip(runs[0], runs[2], strict=True))


def test_compiling_leaves_the_network_plain(make, colours) -> None:
    network = make()
    fit(network, colours, plans.probe(epochs=1), progress=False)
    assert not network.model.compiled


def test_early_stopping_restores_the_best_weights(make, colours) -> None:
    network = make()
    plan = Plan([Phase("wild", train="all", epochs=30, rate=0.3, patience=2)])
    run = fit(network, colours, plan, progress=False)
    assert len(run.history) < 30
    from cnnkit.transfer.inference import evaluate

    restored = evaluate(network, colours.validation)["loss"]
    assert restored == pytest.approx(run.history["val_loss"].min(), rel=1e-4)


def test_only_what_moves_is_remembered_for_the_end_of_a_phase(make, colours, tmp_path) -> None:
    fit(make(), colours, Plan([Phase("head", epochs=1, patience=1)]), resume=tmp_path, progress=False)
    with np.load(next(tmp_path.glob("checkpoint-*")) / "arrays.npz") as file:
        best = [name for name in file if name.startswith("best/")]
    assert len(best) == 2  # kernel and bias of the head


def test_class_weights_reach_the_loss(make) -> None:
    images = np.full((12, 16, 16, 3), 128, np.uint8)
    labels = np.array([0] * 2 + [1] * 10)
    data = arrays(images, labels, classes=["grey", "red"], validation=(images, labels), test=(images, labels))
    plan = Plan([Phase("head", epochs=60, rate=0.05)])
    for weight, expected in ((None, 10 / 12), ("balanced", 0.5)):
        network = make(class_weight=weight)
        fit(network, data, plan, progress=False)
        probability = float(network.model(images[:1].astype(np.float32), training=False)[0, 0])
        assert probability == pytest.approx(expected, abs=0.03)  # equal pictures: the best answer is the prior


def test_keras_callbacks_see_every_epoch_and_may_stop(make, colours) -> None:
    seen = []

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None) -> None:
            seen.append((epoch, sorted(logs)))
            self.model.stop_training = epoch == 1

    run = fit(make(), colours, plans.probe(epochs=5), callbacks=[Stop()], progress=False)
    assert [epoch for epoch, _ in seen] == [0, 1]
    assert seen[0][1] == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert len(run.history) == 2


def test_a_callback_that_moves_frozen_weights_is_caught(make, colours) -> None:
    network = make()

    class Meddle(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None) -> None:
            kernel = network.model.get_layer("stem_conv").kernel
            kernel.assign(kernel * 2)

    with pytest.raises(RuntimeError, match="stem_conv/kernel unchanged"):
        fit(network, colours, plans.probe(epochs=1), callbacks=[Meddle()], progress=False)


def test_progress_says_what_trains_in_one_line_an_epoch_when_not_a_terminal(make, colours, capsys) -> None:
    fit(make(), colours, plans.probe(epochs=2))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert "head: 13 of" in lines[0]
    assert "images/s" in lines[1]


def test_ctrl_c_keeps_the_checkpoint_and_says_so(make, colours, tmp_path) -> None:
    def press(epoch, logs) -> None:
        if epoch == 1:
            raise KeyboardInterrupt

    stop = keras.callbacks.LambdaCallback(on_epoch_end=press)
    with pytest.raises(InterruptedTrainingError, match=str(tmp_path)):
        fit(make(), colours, plans.probe(epochs=3), callbacks=[stop], resume=tmp_path, progress=False)
    resumed = make()
    run = fit(resumed, colours, plans.probe(epochs=3), resume=tmp_path, progress=False)
    whole = make()
    fit(whole, colours, plans.probe(epochs=3), progress=False)
    assert_same(weights(resumed), weights(whole))
    assert len(run.history) == 3
    with pytest.raises(InterruptedTrainingError, match="resume=folder"):
        fit(make(), colours, plans.probe(epochs=3), callbacks=[stop], progress=False)


def test_a_checkpoint_of_another_training_is_refused(make, colours, tmp_path) -> None:
    fit(make(), colours, plans.probe(epochs=1), resume=tmp_path, progress=False)
    with pytest.raises(InputError, match="the same seed as in the checkpoint"):
        fit(make(), colours, plans.probe(epochs=1), resume=tmp_path, seed=1, progress=False)


KILLED = """
import keras
from tests.transfer.worlds import GRAPHS, pictures
from cnnkit.backbones.extractor import backbone
from cnnkit.data.array_images import arrays
from cnnkit.data.views.augmentation import Augmentation
from cnnkit.heads.classification import classifier
from cnnkit.transfer.fitting import fit
from cnnkit.transfer.network import attach
from cnnkit.transfer.plan import Phase, Plan

keras.utils.set_random_seed(3)
network = attach(backbone(GRAPHS["residual"]()), classifier(["grey", "red"], dropout=0.5))
data = arrays(*pictures(1600, 0), classes=["grey", "red"], validation=pictures(16, 1), test=pictures(16, 2))
plan = Plan([
    Phase("head", epochs=4, rate=0.01),
    Phase("deep", train="all", epochs=4, rate=0.003, rate_decay=0.5, schedule="cosine", patience=3),
])
fit(network, data, plan, batch_size=16, augment=Augmentation(rotation=20), resume={folder!r})
network.model.save_weights({weights!r})
"""


@pytest.mark.slow
def test_killed_at_any_moment_and_resumed_the_weights_are_those_of_one_run(tmp_path) -> None:
    def start(name: str) -> tuple[subprocess.Popen, Path]:
        file = tmp_path / f"{name}.weights.h5"
        code = KILLED.format(folder=str(tmp_path / name), weights=str(file))
        return subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL, cwd=ROOT), file

    process, whole = start("whole")
    assert process.wait() == 0
    random = np.random.default_rng(0)
    folder = tmp_path / "killed"
    kills, seen = 0, set()
    finished = False
    while not finished:
        process, killed = start("killed")
        while kills < 4 and process.poll() is None:
            found = set(folder.glob("checkpoint-*"))
            if found - seen:  # an epoch has ended: it dies at some moment of the next one
                seen |= found
                time.sleep(random.uniform(0, 0.5))
                process.kill()
                kills += 1
                break
            time.sleep(0.01)
        finished = process.wait() == 0
    assert kills >= 2
    import h5py

    with h5py.File(whole) as one, h5py.File(killed) as other:
        names: list[str] = []
        one.visititems(lambda name, node: names.append(name) if isinstance(node, h5py.Dataset) else None)
        assert names
        for name in names:
            np.testing.assert_array_equal(one[name][()], other[name][()], err_msg=name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda net, data: (net, data, Plan([Phase("p", train="nowhere")])), "layer or stage"),
        (lambda net, data: (net, arrays(*_pair(), classes=["a", "b"]), plans.probe()), "classes of the network"),
        (lambda net, data: (net, data.train, plans.probe()), "a dataset or the path"),
        (lambda net, data: (net.model, data, plans.probe()), "ck.attach"),
        (lambda net, data: (net, data, Phase("p")), "ck.Plan"),
        (lambda net, data: (net, data, plans.probe), "probe()"),
    ],
)
def test_bad_input(make, colours, change, message) -> None:
    with pytest.raises((InputError, DataError), match=message):
        fit(*change(make(), colours), progress=False)


@pytest.mark.parametrize("name", ["batch_size", "views"])
def test_numbers_below_one(make, colours, name: str) -> None:
    for value in (0, -1):
        with pytest.raises(InputError, match=rf"at least 1.*{value}"):
            fit(make(), colours, plans.probe(), progress=False, **{name: value})


def test_a_phase_that_watches_validation_needs_some(make, colours) -> None:
    empty = Source.empty(colours.classes)
    data = Dataset(colours.classes, train=colours.train, validation=empty, test=empty)
    with pytest.raises(InputError, match="validation pictures for phase 'p'"):
        fit(make(), data, Plan([Phase("p", patience=1)]), progress=False)


def test_a_loss_that_is_not_finite_stops_with_a_remedy(make, colours) -> None:
    plan = Plan([Phase("p", train="all", epochs=5, rate=1e30, optimizer="sgd")])
    with pytest.raises(DataError, match="a finite loss"):
        fit(make(), colours, plan, progress=False)


def _pair() -> tuple[np.ndarray, np.ndarray]:
    from tests.transfer.worlds import pictures

    return pictures(40, 0)


def test_multi_class(make) -> None:
    from cnnkit.backbones.extractor import backbone
    from cnnkit.transfer.network import attach
    from tests.transfer.worlds import GRAPHS

    images = np.random.default_rng(0).integers(0, 256, (30, 16, 16, 3)).astype(np.uint8)
    data = arrays(images, np.arange(30) % 3, classes=["a", "b", "c"])
    network = attach(backbone(GRAPHS["residual"]()), classifier(["a", "b", "c"]))
    run = fit(network, data, plans.probe(epochs=2), progress=False)
    assert np.isfinite(run.history["loss"]).all()


def test_a_phase_that_only_makes_it_worse_leaves_the_weights_before_it(make, colours) -> None:
    network = make()
    fit(network, colours, plans.probe(epochs=15, rate=0.05), progress=False)
    before = network.model.get_weights()
    run = fit(network, colours, Plan([Phase("wild", train="all", epochs=6, rate=2.0, patience=2)]), progress=False)
    assert len(run.history) < 6
    assert_same(before, network.model.get_weights())


def test_a_phase_that_has_not_earned_its_place_leaves_the_weights_before_it(make, colours, capsys) -> None:
    network = make()
    fit(network, colours, plans.probe(epochs=15, rate=0.05), progress=False)
    before = network.model.get_weights()
    wild = Plan([Phase("wild", train="all", epochs=3, rate=2.0, earned=True)])
    run = fit(network, colours, wild)
    assert len(run.history) == 3
    assert_same(before, network.model.get_weights())
    assert "wild: validation is not clearly better than before it" in capsys.readouterr().err


def test_a_phase_that_earns_its_place_ends_with_its_last_weights_not_with_its_luckiest(make, colours) -> None:
    """The same phase without `earned` is the oracle."""
    kind = Phase("deep", train="all", epochs=4, rate=0.01)
    for monitor in ("loss", "accuracy"):
        plain, earned = make(), make()
        run = fit(plain, colours, Plan([kind]), progress=False)
        fit(earned, colours, Plan([replace(kind, earned=True, monitor=monitor)]), progress=False)
        assert run.history["val_loss"].iloc[-1] < run.history["val_loss"].iloc[0]
        assert_same(plain.model.get_weights(), earned.model.get_weights())


def test_a_phase_goes_half_way_to_where_the_same_phase_ends(make, colours) -> None:
    """The mean of the weights before the phase and those after it, as WiSE-FT defines it."""
    kind = Phase("deep", train="all", epochs=3, rate=0.01)
    plain, mixed = make(), make()
    before = plain.model.get_weights()
    fit(plain, colours, Plan([kind]), progress=False)
    run = fit(mixed, colours, Plan([replace(kind, revert=True, mixing=0.5)]), progress=False)
    half_way = [(first + last) / 2 for first, last in zip(before, plain.model.get_weights(), strict=True)]
    for said, true in zip(mixed.model.get_weights(), half_way, strict=True):
        np.testing.assert_allclose(said, true, rtol=1e-6, atol=1e-7)
    assert run.history["val_loss"].iloc[-1] == pytest.approx(evaluate(mixed, colours.validation)["loss"], rel=1e-5)


def test_a_phase_that_is_clearly_worse_reverts(make, colours, capsys) -> None:
    network = make()
    fit(network, colours, plans.probe(epochs=15, rate=0.05), progress=False)
    before = network.model.get_weights()
    fit(network, colours, Plan([Phase("wild", train="all", epochs=2, rate=2.0, revert=True, mixing=0.5)]))
    assert_same(before, network.model.get_weights())
    assert "wild: validation is clearly worse than before it" in capsys.readouterr().err


def test_without_validation_pictures_nothing_speaks_against_a_phase_that_may_revert(make, colours) -> None:
    empty = Source.empty(colours.classes)
    data = Dataset(colours.classes, train=colours.train, validation=empty, test=empty)
    kind = Phase("deep", train="all", epochs=2, rate=0.01)
    plain, free = make(), make()
    fit(plain, data, Plan([kind]), progress=False)
    fit(free, data, Plan([replace(kind, revert=True)]), progress=False)
    assert_same(plain.model.get_weights(), free.model.get_weights())


def test_a_mixed_phase_resumed_is_the_uninterrupted_one(make, colours, tmp_path) -> None:
    def press(epoch, logs) -> None:
        if epoch == 1:
            raise KeyboardInterrupt

    stop = keras.callbacks.LambdaCallback(on_epoch_end=press)
    plan = Plan([Phase("deep", train="all", epochs=4, rate=0.01, revert=True, mixing=0.5)])
    whole, resumed = make(), make()
    fit(whole, colours, plan, progress=False)
    with pytest.raises(InterruptedTrainingError):
        fit(make(), colours, plan, callbacks=stop, resume=tmp_path, progress=False)
    fit(resumed, colours, plan, resume=tmp_path, progress=False)
    assert_same(whole.model.get_weights(), resumed.model.get_weights())


def test_without_validation_pictures_a_phase_that_has_to_earn_its_place_is_left_out(make, colours, capsys) -> None:
    empty = Source.empty(colours.classes)
    data = Dataset(colours.classes, train=colours.train, validation=empty, test=empty)
    deep = Phase("deep", train="all", epochs=1, rate=0.01, earned=True)
    run = fit(make(), data, Plan([Phase("head", epochs=1), deep]))
    assert run.history["phase"].tolist() == ["head"]
    assert "deep: left out, no validation pictures" in capsys.readouterr().err
    with pytest.raises(InputError, match=r"validation pictures.*earned=False"):
        fit(make(), data, Plan([deep]), progress=False)
