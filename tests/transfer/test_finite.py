"""A training that diverges leaves finite weights; what is not finite is refused in words, wherever it comes in."""

from __future__ import annotations

import math
from dataclasses import dataclass

import keras
import numpy as np
import pytest

from cnnkit.backbones.extractor import backbone
from cnnkit.data.array_images import arrays
from cnnkit.errors import BundleError, DataError, InputError, InterruptedTrainingError
from cnnkit.export.bundle import load, save
from cnnkit.heads.classification import Classifier
from cnnkit.transfer import plans
from cnnkit.transfer.finite import all_finite
from cnnkit.transfer.fitting import fit
from cnnkit.transfer.inference import evaluate, predict
from cnnkit.transfer.network import attach
from cnnkit.transfer.plan import Phase, Plan
from cnnkit.transfer.rate_finding import find_rate
from tests.transfer.worlds import GRAPHS, pictures

# Keras 3.15.1 reads TensorFlow variables in a way that NumPy 2 deprecates; `save_weights` cannot avoid it.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

WILD = Phase("wild", train="all", epochs=3, rate=1e30, optimizer="sgd")


def spoil(network, value: float = math.nan) -> None:
    kernel = network.model.get_layer("block1_conv").kernel
    values = kernel.numpy()
    values[0, 0, 0, 0] = value
    kernel.assign(values)


def same(first, second) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("patience", [None, 2])
def test_a_rate_that_is_too_large_leaves_the_weights_before_it(make, colours, patience) -> None:
    network = make()
    plan = Plan([Phase("head", epochs=1), Phase("wild", train="all", epochs=3, rate=1e30, patience=patience)])
    after_head = []

    class Note(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None) -> None:
            after_head.append(self.model.get_weights())

    with pytest.raises(DataError, match=r"finite loss in phase 'wild'.*too large.*last finite weights"):
        fit(network, colours, plan, callbacks=[Note()], progress=False)
    assert same(network.model.get_weights(), after_head[0])
    assert network.run.history["phase"].tolist() == ["head"]
    assert math.isfinite(evaluate(network, colours.validation)["loss"])


def test_a_last_step_that_breaks_the_weights_is_seen_without_validation(make) -> None:
    """The loss of a step is that before it: one step an epoch, and the only epoch looks fine."""
    images, labels = pictures(8, 0)
    data = arrays(images, labels, classes=["grey", "red"], split=(1, 0, 0))
    network = make()
    before = network.model.get_weights()
    with pytest.raises(DataError, match="in the weights after its last step"):
        fit(network, data, Plan([Phase("p", train="all", epochs=1, rate=1e39)]), progress=False)
    assert same(before, network.model.get_weights())


def test_a_network_that_is_not_finite_is_refused_everywhere(make, colours, tmp_path) -> None:
    network = make()
    folder = save(network, tmp_path / "good")
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    spoil(network, math.inf)
    for use in (
        lambda: predict(network, colours.test),
        lambda: evaluate(network, colours.test),
        lambda: fit(network, colours, plans.probe(epochs=1), progress=False),
    ):
        with pytest.raises(InputError, match=r"finite weights.*block1_conv/kernel"):
            use()
    with pytest.raises(BundleError, match=r"finite weights.*block1_conv/kernel"):
        save(network, folder)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == files


def test_a_bundle_with_weights_that_are_not_finite_is_refused(make, tmp_path, monkeypatch) -> None:
    network = make()
    spoil(network)
    with monkeypatch.context() as patch:  # as cnnkit saved it before it looked
        patch.setattr("cnnkit.export.bundle_checks.not_finite", lambda model: None)
        save(network, tmp_path / "old")
    with pytest.raises(BundleError, match=r"finite weights.*block1_conv/kernel"):
        load(tmp_path / "old")


def test_features_that_overflow_are_named_by_every_solver(make, colours) -> None:
    network = make()
    network.model.get_layer("stem_bn").moving_variance.assign(-np.ones(8))
    for plan in (plans.probe(epochs=1), plans.probe(solver="lbfgs")):
        with pytest.raises(DataError, match=r"finite features.*variance of stem_bn is negative"):
            fit(network, colours, plan, progress=False)
    with pytest.raises(DataError, match=r"finite outputs.*16 of 16 pictures.*variance of stem_bn"):
        predict(network, colours.test)


def test_an_overflow_of_float16_is_called_so(make, colours) -> None:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        network = make()
    finally:
        keras.config.set_dtype_policy("float32")
    network.model.get_layer("block2_bn").gamma.assign(np.full(12, 1e6))
    with pytest.raises(DataError, match=r"finite features.*float16 overflows.*mixed_bfloat16"):
        fit(network, colours, plans.probe(epochs=1), progress=False)


@dataclass(frozen=True)
class Broken(Classifier):
    """A head whose loss is no number."""

    def loss(self, encoded, outputs):
        return keras.ops.sum(outputs, -1) * math.nan


def test_a_loss_that_is_never_finite_is_not_blamed_on_the_rate(colours) -> None:
    network = attach(backbone(GRAPHS["residual"]()), Broken(("grey", "red")))
    with pytest.raises(DataError, match=r"mend its loss\(\)"):
        fit(network, colours, plans.probe(epochs=1), progress=False)


@pytest.mark.parametrize(
    ("error", "told", "message"),
    [(KeyboardInterrupt, InterruptedTrainingError, "last whole epoch"), (RuntimeError("mine"), RuntimeError, "mine")],
)
def test_an_end_within_an_epoch_leaves_the_epoch_before(make, colours, error, told, message) -> None:
    network, weights = make(), []

    class Press(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None) -> None:
            weights.append(self.model.get_weights())

        def on_train_batch_end(self, batch, logs=None) -> None:
            if len(weights) == 1 and batch == 1:
                assert not same(self.model.get_weights(), weights[0])
                raise error

    with pytest.raises(told, match=message):
        fit(network, colours, plans.probe(epochs=3), batch_size=8, callbacks=Press(), progress=False)
    assert same(network.model.get_weights(), weights[0])
    assert len(network.run.history) == 1


def test_find_rate_leaves_a_network_that_it_drove_to_infinity(make, colours) -> None:
    network = make()
    before = network.model.get_weights()
    find_rate(network, colours, WILD, highest=1e30, steps=20)
    with pytest.raises(InputError, match="a lowest rate at which the loss stays finite"):
        find_rate(network, colours, WILD, lowest=1e30, highest=1e35)
    assert same(before, network.model.get_weights())


def test_a_validation_loss_that_is_not_finite_ends_the_training(make, colours) -> None:
    network = make()

    class Spoil(keras.callbacks.Callback):
        def on_test_begin(self, logs=None) -> None:
            if len(self.model.history.epoch) == 1:
                kernel = self.model.get_layer("probability").kernel
                kernel.assign(kernel * math.nan)

    with pytest.raises(DataError, match=r"finite loss.*nan for the validation pictures"):
        fit(network, colours, plans.probe(epochs=3), callbacks=[keras.callbacks.History(), Spoil()], progress=False)
    assert len(network.run.history) == 1
    assert math.isfinite(evaluate(network, colours.validation)["loss"])


def test_all_finite_knows_bfloat16_and_whole_numbers() -> None:
    import ml_dtypes

    assert all_finite([np.array([1, 2]), np.array([1.0], ml_dtypes.bfloat16)])
    assert not all_finite([np.array([np.inf], ml_dtypes.bfloat16)])
    assert not all_finite({"a": np.array([np.nan], np.float16)})
