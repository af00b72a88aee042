from __future__ import annotations

import keras
import numpy as np
import pytest

from cnnkit.data.array_images import arrays
from cnnkit.data.augmentation import Augmentation
from cnnkit.data.dataset import Dataset
from cnnkit.data.source import Source
from cnnkit.errors import InputError
from cnnkit.transfer import plans
from cnnkit.transfer.exact_head import Examples, linear_layer, path
from cnnkit.transfer.fitting import fit
from cnnkit.transfer.inference import evaluate
from cnnkit.transfer.plan import Phase, Plan


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("CNNKIT_CACHE", str(tmp_path / "cache"))


def examples(units: int, *, softmax: bool, weighted: bool) -> Examples:
    random = np.random.default_rng(units)
    features = random.normal(3, [1, 5, 0.1, 2], (60, 4)).astype(np.float32)
    scores = (features - 3) @ random.normal(0, 1, (4, units)) + random.normal(0, 1, (60, units))
    targets = np.eye(units)[scores.argmax(axis=1)] if softmax else scores > 0
    weights = random.uniform(0.5, 2, 60).astype(np.float32) if weighted else None
    return Examples(features, targets.astype(np.float32), weights)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("units", "softmax"), [(1, False), (3, False), (4, True)])
def test_no_step_lowers_the_loss_of_keras_any_further(units, softmax, weighted) -> None:
    """The oracle is the gradient of Keras's own loss at the solution, L2 on scaled features added by hand."""
    import tensorflow as tf

    data = examples(units, softmax=softmax, weighted=weighted)
    loss = keras.losses.CategoricalCrossentropy() if softmax else keras.losses.BinaryCrossentropy()
    for linear in path(data, softmax=softmax, strengths=(0.1, 0.001)):
        dense = keras.layers.Dense(units, activation="softmax" if softmax else "sigmoid")
        dense.build((None, 4))
        dense.kernel.assign(linear.kernel)
        dense.bias.assign(linear.bias)
        with tf.GradientTape() as tape:
            scaled = dense.kernel * data.features.std(axis=0)[:, None]
            value = loss(data.targets, dense(data.features), sample_weight=data.weights)
            value += linear.strength / 2 * tf.reduce_sum(scaled**2)
        for gradient in tape.gradient(value, dense.trainable_variables):
            np.testing.assert_allclose(gradient, 0, atol=3e-5)


def test_features_that_do_not_vary_are_left_alone() -> None:
    data = examples(1, softmax=False, weighted=False)
    with_dead = Examples(np.pad(data.features, ((0, 0), (0, 2))), data.targets)
    (plain,), (padded,) = (list(path(each, softmax=False, strengths=(0.01,))) for each in (data, with_dead))
    np.testing.assert_allclose(padded.kernel[:4], plain.kernel, atol=1e-5)
    np.testing.assert_allclose(padded.kernel[4:], 0)
    dead = Examples(np.zeros((60, 2), np.float32), data.targets)
    (linear,) = path(dead, softmax=False, strengths=(0.01,))
    assert 1 / (1 + np.exp(-linear.bias[0])) == pytest.approx(data.targets.mean(), abs=1e-4)  # the prior


def test_label_smoothing_is_that_of_keras() -> None:
    images = Examples(np.zeros((10, 1), np.float32), np.eye(2, dtype=np.float32)[[0] * 10])
    (linear,) = path(images, softmax=True, smoothing=0.2, strengths=(0.1,))
    assert np.exp(linear.bias[0] - linear.bias[1]) == pytest.approx(9, rel=1e-3)  # 0.9 against 0.1


def test_it_is_no_worse_than_steps_and_the_network_is_an_ordinary_one(make, colours) -> None:
    stepped, solved = make(), make(dropout=0.3)
    fit(stepped, colours, plans.probe(epochs=10), progress=False)
    run = fit(solved, colours, plans.probe(solver="lbfgs"), progress=False)
    assert run.history["phase"].tolist() == ["head"]
    row = run.history.iloc[0]
    assert 1e-6 <= row["l2"] <= 1
    score = evaluate(solved, colours.validation)
    assert score["loss"] == pytest.approx(row["val_loss"], rel=1e-3, abs=1e-5)
    assert score["loss"] <= evaluate(stepped, colours.validation)["loss"]
    assert evaluate(solved, colours.train)["loss"] == pytest.approx(row["loss"], rel=1e-3, abs=1e-5)
    assert row["val_accuracy"] == score["accuracy"]


def test_several_classes_with_views_of_each_picture(make) -> None:
    from cnnkit.backbones.extractor import backbone
    from cnnkit.heads.classification import classifier
    from cnnkit.transfer.network import attach
    from tests.transfer.worlds import GRAPHS

    images = np.random.default_rng(0).integers(0, 256, (30, 16, 16, 3)).astype(np.uint8)
    data = arrays(images, np.arange(30) % 3, classes=["a", "b", "c"])
    network = attach(backbone(GRAPHS["residual"]()), classifier(["a", "b", "c"], class_weight="balanced"))
    turned = Augmentation(rotation=90)
    run = fit(network, data, plans.probe(solver="lbfgs"), augment=turned, views=2, progress=False)
    assert np.isfinite(run.history["val_loss"]).all()


def test_a_head_that_is_not_linear_is_refused(make, colours) -> None:
    with pytest.raises(InputError, match=r"head_dense1.*without hidden layers"):
        fit(make(hidden=(3,)), colours, plans.probe(solver="lbfgs"), progress=False)
    with pytest.raises(InputError, match=r"cross-entropy.*'focal'"):
        fit(make(loss="focal"), colours, plans.probe(solver="lbfgs"), progress=False)
    plan = Plan([Phase("deep", train=1, epochs=1, solver="lbfgs")])
    with pytest.raises(InputError, match="a linear head"):
        fit(make(), colours, plan, progress=False)
    image = keras.Input((4,))
    with pytest.raises(InputError, match="a linear head"):
        linear_layer(keras.Model(image, keras.layers.Dense(2, activation="relu")(image)))


def test_it_needs_validation_pictures_and_one_epoch(make, colours) -> None:
    empty = Source.empty(colours.classes)
    data = Dataset(colours.classes, train=colours.train, validation=empty, test=empty)
    with pytest.raises(InputError, match="validation pictures for phase 'head'"):
        fit(make(), data, plans.probe(solver="lbfgs"), progress=False)
    with pytest.raises(InputError, match="epochs=1"):
        Phase("p", epochs=3, solver="lbfgs")
    with pytest.raises(InputError, match="'steps' or 'lbfgs'"):
        Phase("p", epochs=1, solver="newton")
