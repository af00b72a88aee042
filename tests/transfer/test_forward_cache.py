"""What is made once for a network is never out of date, and goes with it."""

from __future__ import annotations

import copy
import gc
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnnkit.backbones.extractor import backbone
from cnnkit.engines import forward_cache
from cnnkit.engines.runtimes import ENGINES
from cnnkit.engines.unchanged import WeightValues
from cnnkit.export.prediction_parts import predict_to_parquet
from cnnkit.export.prediction_table import read_predictions
from cnnkit.heads.classification import classifier
from cnnkit.transfer.fitting import fit
from cnnkit.transfer.inference import evaluate, predict
from cnnkit.transfer.network import Network, attach
from cnnkit.transfer.plans import freeze_then_finetune
from tests.transfer.worlds import SIZE

FRAMES = np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE, 3), dtype=np.uint8)


class Traced(keras.layers.Layer):
    """Passes its input on, times an attribute; Python runs its call when the model is traced and not otherwise."""

    calls: list[str] = []  # noqa: RUF012  (one list for all, on purpose)

    def __init__(self, factor: float = 1.0, **settings) -> None:
        super().__init__(**settings)
        self.factor = factor

    def call(self, inputs):
        self.calls.append(self.name)
        return inputs * self.factor

    def compute_output_shape(self, input_shape):
        return input_shape


def build() -> Network:
    """A small network with a layer that counts how often it is traced, on its own and inside of another model."""
    keras.utils.set_random_seed(5)
    # A name that is outside too keeps the inner model from being opened.
    inner = keras.Sequential([keras.layers.Dense(4, name="conv"), Traced(name="nested")])
    image = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.Conv2D(4, 3, name="conv")(keras.layers.Rescaling(1 / 255)(image))
    x = keras.layers.BatchNormalization(name="bn")(x)
    x = inner(Traced(name="traced")(keras.layers.ReLU(name="relu")(x)))
    return attach(backbone(keras.Model(image, x)), classifier(["grey", "red"]))


@pytest.fixture
def network() -> Network:
    return build()


@pytest.fixture(params=["few", "many"])
def way(request, monkeypatch) -> str:
    """Few pictures, whose graph reads the weights; or many, whose graph is folded."""
    monkeypatch.setattr(forward_cache, "FEW_PICTURES", len(FRAMES) if request.param == "few" else 0)
    return str(request.param)


def of_keras(network: Network) -> np.ndarray:
    return np.asarray(network.model(FRAMES.astype(np.float32), training=False))[:, 0]


def agrees(network: Network) -> None:
    np.testing.assert_allclose(predict(network, FRAMES)["red"], of_keras(network), atol=1e-5)


@pytest.mark.usefixtures("way")
def test_a_network_is_traced_once(network, colours, tmp_path) -> None:
    predict(network, FRAMES)
    Traced.calls.clear()
    for _ in range(3):
        predict(network, FRAMES)
    evaluate(network, colours.test, batch_size=5)
    predict_to_parquet(network, FRAMES, tmp_path / "p.parquet")
    network.model.layers[-1].set_weights([2 * weight for weight in network.model.layers[-1].get_weights()])
    predict(network, FRAMES)
    network.model.trainable = False
    predict(network, FRAMES)
    assert not Traced.calls


def assign_one(network: Network) -> None:
    bias = network.model.get_layer("conv").bias
    bias.assign(bias + 1.0)


def set_weights(network: Network) -> None:
    network.model.set_weights([weight + 0.1 for weight in network.model.get_weights()])


def load_weights(network: Network, folder: Path) -> None:
    weights = network.model.get_weights()
    network.model.set_weights([weight + 0.1 for weight in weights])
    network.model.save_weights(folder / "other.weights.h5")
    network.model.set_weights(weights)
    predict(network, FRAMES)
    network.model.load_weights(folder / "other.weights.h5")


def scatter(network: Network) -> None:
    kernel = network.model.layers[-1].kernel.value
    kernel.scatter_update(tf.IndexedSlices(tf.ones((1, kernel.shape[1])), [0]))


def statistics(network: Network) -> None:
    network.model.get_layer("bn").moving_mean.assign_add(np.full(4, 0.5, np.float32))


def by_keras(network: Network) -> None:
    network.model.compile("adam", "binary_crossentropy", jit_compile=False)
    network.model.fit(FRAMES, np.array([0, 1, 1]), epochs=1, verbose=0)


def one_batch_in_a_graph(network: Network) -> None:
    network.model.compile(keras.optimizers.SGD(0.5, momentum=0.9), "binary_crossentropy", jit_compile=True)
    network.model.train_on_batch(FRAMES, np.array([0, 1, 1]))
    predict(network, FRAMES)
    network.model.train_on_batch(FRAMES, np.array([0, 1, 1]))


def through_another_network(network: Network) -> None:
    shared = attach(network.backbone, classifier(["other", "head"]))
    shared.model.get_layer("conv").kernel.assign_add(np.ones(shared.model.get_layer("conv").kernel.shape))


def another_activation(network: Network) -> None:
    network.model.get_layer("conv").activation = keras.activations.tanh


def an_attribute_inside(network: Network) -> None:
    next(layer for layer in network.model.layers if isinstance(layer, keras.Sequential)).get_layer("nested").factor = 3


def more_weights(network: Network) -> None:
    dense = network.model.layers[-1]
    dense.enable_lora(1)
    dense.lora_kernel_b.assign(np.ones(dense.lora_kernel_b.shape))


CHANGES: list[Callable[..., None]] = [
    assign_one,
    set_weights,
    load_weights,
    scatter,
    statistics,
    by_keras,
    one_batch_in_a_graph,
    through_another_network,
    another_activation,
    an_attribute_inside,
    more_weights,
]


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("change", CHANGES)
def test_predictions_are_those_of_the_present_weights(network, change, tmp_path) -> None:
    agrees(network)
    before = predict(network, FRAMES)["red"]
    change(*((network, tmp_path) if change is load_weights else (network,)))
    assert np.abs(predict(network, FRAMES)["red"] - before).max() > 1e-4
    agrees(network)
    agrees(network)  # and once more, from what is there by now


@pytest.mark.usefixtures("way")
def test_after_a_training_too(make, colours) -> None:
    network = make()
    agrees(network)
    fit(network, colours, freeze_then_finetune(head_epochs=1, deep_epochs=1), progress=False)
    agrees(network)


@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "tensorflow"])
def test_other_engines_are_made_anew_where_a_weight_was_written_to(network, engine, monkeypatch) -> None:
    for package in ENGINES[engine].missing():
        pytest.skip(f"{package} is not installed: pip install '.[fast]'")
    starts = []
    start = ENGINES[engine].start
    monkeypatch.setitem(vars(ENGINES[engine]), "start", lambda *given: starts.append(1) or start(*given))
    for _ in range(2):
        predict(network, FRAMES, engine=engine)
    assert len(starts) == 1
    assign_one(network)
    np.testing.assert_allclose(predict(network, FRAMES, engine=engine)["red"], of_keras(network), atol=1e-4)
    assert len(starts) == 2


@pytest.mark.parametrize(
    ("optimizer", "mode"),
    [
        ("sgd", {"jit_compile": True}),
        ("adam", {"jit_compile": True}),
        ("adam", {"jit_compile": False}),
        ("rmsprop", {"run_eagerly": True}),
    ],
)
def test_every_write_to_a_weight_is_seen(optimizer, mode) -> None:
    """TensorFlow's compilers and optimizers write in place where nobody holds the tensor; here somebody does."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.BatchNormalization(), keras.layers.Dense(2)])
    model.compile(optimizer, "mse", **mode)
    x, y = np.eye(3), np.ones((3, 2))
    model.train_on_batch(x, y)
    for _ in range(3):
        values, numbers = WeightValues(model), model.get_weights()
        assert values.same()
        model.train_on_batch(x, y)
        assert any(not np.array_equal(*pair) for pair in zip(numbers, model.get_weights(), strict=True))
        assert not values.same()


def test_a_weight_of_a_type_without_a_place_is_never_taken_for_unchanged() -> None:
    layer = keras.layers.Dense(2, dtype="bfloat16")
    model = keras.Sequential([keras.Input((3,)), layer])
    assert not WeightValues(model).same()


@pytest.mark.usefixtures("way")
def test_several_threads_at_once(network) -> None:
    expected = of_keras(network)
    with ThreadPoolExecutor(4) as pool:
        for table in pool.map(lambda _: predict(network, FRAMES), range(12)):
            np.testing.assert_allclose(table["red"], expected, atol=1e-5)


@pytest.mark.usefixtures("way")
def test_it_goes_with_the_network() -> None:
    network = build()  # a fixture would be held by pytest
    predict(network, FRAMES)
    gone = weakref.ref(network), weakref.ref(network.model.get_layer("conv")), weakref.ref(network.forward_cache)
    weights = weakref.ref(network.model.get_layer("conv").kernel.value)
    model = network.model
    del network
    gc.collect()
    assert (gone[0](), gone[2]()) == (None, None)
    del model
    keras.backend.clear_session()
    gc.collect()
    assert (gone[1](), weights()) == (None, None)


@pytest.mark.usefixtures("way")
def test_a_copy_of_a_network_has_its_own(make) -> None:
    network = make()
    agrees(network)
    other = copy.deepcopy(network)
    set_weights(other)
    agrees(other)
    agrees(network)


def test_a_stop_changes_no_number(network, tmp_path, monkeypatch) -> None:
    """The last parts of a run are computed as the first were, however few pictures they have."""
    monkeypatch.setattr(forward_cache, "FEW_PICTURES", 4)
    frames = np.repeat(FRAMES, 4, axis=0)
    predict_to_parquet(network, frames, tmp_path / "whole.parquet", batch_size=2, part_rows=4)
    assert list(network.forward_cache._forwards) == [("tensorflow", "float32", True)]
    assert len(read_predictions(tmp_path / "whole.parquet").table) == 12
