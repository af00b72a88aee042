from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest

from cnnkit.backbones.extractor import backbone
from cnnkit.data.array_images import arrays
from cnnkit.data.dataset import Dataset
from cnnkit.data.source import Source
from cnnkit.data.views.augmentation import Augmentation
from cnnkit.errors import InputError
from cnnkit.heads.classification import classifier
from cnnkit.transfer import plans
from cnnkit.transfer.exact_head import STRENGTHS, Examples, folds, linear_layer, path, solve
from cnnkit.transfer.fitting import fit
from cnnkit.transfer.inference import evaluate
from cnnkit.transfer.network import attach
from cnnkit.transfer.plan import Phase, Plan
from cnnkit.transfer.whitening import ROWS, Scaling
from tests.transfer.worlds import GRAPHS


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


def require_optima(data: Examples, units: int, *, softmax: bool) -> None:
    """The oracle is the gradient of Keras's own loss at each solution, L2 on scaled features added by hand."""
    import tensorflow as tf

    loss = keras.losses.CategoricalCrossentropy() if softmax else keras.losses.BinaryCrossentropy()
    for linear in path(data, softmax=softmax, strengths=(0.1, 0.001)):
        dense = keras.layers.Dense(units, activation="softmax" if softmax else "sigmoid")
        dense.build((None, data.features.shape[1]))
        dense.kernel.assign(linear.kernel)
        dense.bias.assign(linear.bias)
        with tf.GradientTape() as tape:
            scaled = dense.kernel * data.features.std(axis=0)[:, None]
            value = loss(data.targets, dense(data.features), sample_weight=data.weights)
            value += linear.strength / 2 * tf.reduce_sum(scaled**2)
        for gradient in tape.gradient(value, dense.trainable_variables):
            np.testing.assert_allclose(gradient, 0, atol=3e-5)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("units", "softmax"), [(1, False), (3, False), (4, True)])
def test_no_step_lowers_the_loss_of_keras_any_further(units, softmax, weighted) -> None:
    data = examples(units, softmax=softmax, weighted=weighted)
    require_optima(data, units, softmax=softmax)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("units", "softmax"), [(1, False), (4, True)])
def test_of_fewer_pictures_than_features_it_is_the_optimum_too(units, softmax, weighted) -> None:
    """60 pictures by 90 features, and a copy of one picture among them."""
    few = examples(units, softmax=softmax, weighted=weighted)
    more = np.random.default_rng(9).normal(-1, 2, (60, 86)).astype(np.float32)
    features = np.concatenate([few.features, more], axis=1)
    features[1] = features[0]
    data = replace(few, features=features)
    require_optima(data, units, softmax=softmax)


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


def test_it_takes_one_epoch() -> None:
    with pytest.raises(InputError, match="epochs=1"):
        Phase("p", epochs=3, solver="lbfgs")
    with pytest.raises(InputError, match="'steps' or 'lbfgs'"):
        Phase("p", epochs=1, solver="newton")


def without_validation(data: Dataset) -> Dataset:
    return replace(data, validation=Source.empty(data.classes))


@pytest.mark.parametrize("count", [40, 4])
def test_without_validation_pictures_those_to_train_on_choose_the_strength(make, colours, count) -> None:
    """A slow definition: the strength with the least sum of losses on fifths that the optimum has not seen."""
    few = replace(colours, train=colours.train.take(np.arange(count)))
    solved = make()
    row = fit(solved, without_validation(few), plans.probe(solver="lbfgs"), progress=False).history.iloc[0]
    assert "val_loss" not in row
    features = keras.Model(solved.model.input, solved.model.layers[-1].input)
    pixels = np.stack([solved.framing.apply(few.train.image(index), solved.size) for index in range(count)])
    x, y = features.predict(pixels.astype(np.float32), verbose=0), few.train.labels
    rank = np.empty(count, np.int64)
    rank[np.lexsort((x.sum(axis=1), y))] = np.arange(count)
    losses = np.zeros(len(STRENGTHS))
    for fifth in range(min(5, count)):
        out = rank % 5 == fifth
        inside = Examples(x[~out], y[~out, None].astype(np.float32))
        for index, linear in enumerate(path(inside, softmax=False)):
            logits = linear.logits(x[out])[:, 0]
            losses[index] += np.sum(np.logaddexp(0, logits) - y[out] * logits)
    falling = np.flatnonzero(np.diff(losses) > 0)  # the path ends after two rises: the first minimum counts
    assert row["l2"] == pytest.approx(STRENGTHS[falling[0] if len(falling) else -1])
    assert evaluate(solved, few.train)["accuracy"] == 1


def test_each_picture_is_held_out_once_and_each_class_is_spread() -> None:
    labels = (np.random.default_rng(0).permutation(23) < 8).astype(np.float32)[:, None]
    seen = Examples(np.arange(23, dtype=np.float32)[:, None], labels, np.arange(23, dtype=np.float32))
    outsides = []
    for inside, outside in folds(seen):
        assert sorted([*inside.features[:, 0], *outside.features[:, 0]]) == list(range(23))
        assert 1 <= outside.targets.sum() <= 2  # of eight pictures of a class in five parts
        np.testing.assert_array_equal(outside.weights, outside.features[:, 0])
        outsides += outside.features[:, 0].tolist()
    assert sorted(outsides) == list(range(23))


@pytest.mark.parametrize(("count", "asked"), [(10, True), (100, False)])
def test_few_validation_pictures_do_not_choose_the_strength_alone(make, count, asked) -> None:
    """Any head tells validation apart; the training pictures say that larger weights only learn their noise."""
    random = np.random.default_rng(0)
    labels = np.arange(60) % 2
    x = random.normal(0, 1, (60, 8)).astype(np.float32)
    x[:, 0] += 1.2 * labels
    seen = Examples(x, labels[:, None].astype(np.float32))
    truth = (np.arange(count) % 2).astype(np.float32)[:, None]
    held_out = Examples(np.pad(4 * truth - 2, ((0, 0), (0, 7))).astype(np.float32), truth)
    network = make()
    strength = solve(network.head, seen, held_out).strength
    alone = solve(network.head, seen, None).strength
    assert (strength >= alone / 10) == asked


def test_a_picture_for_each_of_many_classes_is_enough(make) -> None:
    """No fifth of them shows a class that the others show: the strongest regularisation is the safest."""
    random = np.random.default_rng(0)
    images = np.kron(random.integers(0, 256, (6, 2, 2, 3)), np.ones((1, 8, 8, 1))).astype(np.uint8)
    names = list("abcdef")
    data = without_validation(arrays(images, np.arange(6), classes=names, split=(1, 0, 0)))
    network = attach(backbone(GRAPHS["residual"]()), classifier(names))
    row = fit(network, data, plans.probe(solver="lbfgs"), progress=False).history.iloc[0]
    assert row["l2"] == 1
    assert row["accuracy"] == 1


@pytest.mark.parametrize("validated", [False, True])
def test_one_picture_cannot_be_held_out(make, validated) -> None:
    head = make().head
    one = Examples(np.float32([[1, 2, 3]]), np.float32([[1]]))
    held_out = Examples(np.float32([[1, 2, 2], [3, 0, 0]]), np.float32([[1], [0]])) if validated else None
    linear = solve(head, one, held_out)
    assert linear.logits(one.features)[0, 0] > 0
    assert linear.strength == STRENGTHS[0]


def test_scaling_is_that_of_all_rows_at_once() -> None:
    x = np.random.default_rng(0).normal(30, [1, 5, 0], (2 * ROWS + 7, 3)).astype(np.float32)
    scaling = Scaling.of(x)
    np.testing.assert_allclose(scaling.mean, np.mean(x, axis=0, dtype=np.float64))
    deviation = np.std(x, axis=0, dtype=np.float64)
    np.testing.assert_allclose(scaling.deviation, [*deviation[:2], 1e-4 * deviation[1]])


def test_several_labels_at_once() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, (30, 2))
    images = random.integers(0, 100, (30, 16, 16, 3)) + 120 * np.pad(labels, ((0, 0), (0, 1)))[:, None, None]
    data = arrays(images.astype(np.uint8), labels, classes=["red", "green"], split=(0.8, 0.2, 0))
    for dataset in (data, without_validation(data)):
        network = attach(backbone(GRAPHS["residual"]()), classifier(["red", "green"], multi_label=True, dropout=0.5))
        fit(network, dataset, plans.probe(solver="lbfgs"), progress=False)
        assert evaluate(network, data.train)["accuracy"] > 0.9
