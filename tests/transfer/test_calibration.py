"""Temperatures and thresholds against slow definitions, on networks that are sure and often wrong."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data.array_images import arrays
from cnnkit.data.targets.tags import labels_or_tags
from cnnkit.errors import CnnkitError, DataError, InputError, UnknownNameError
from cnnkit.transfer.calibration import calibration_in_force
from tests.transfer.worlds import GRAPHS

COUNT = 60
KINDS = {
    "two": {"classes": ["a", "b"]},
    "three": {"classes": ["a", "b", "c"]},
    "several": {"classes": ["a", "b", "c"], "multi_label": True},
}


def world(kind: str) -> tuple[ck.Network, ck.data.Source]:
    """A network whose logits are spread, and pictures labelled by chance as half those logits say: it is too sure."""
    keras.utils.set_random_seed(1)
    random = np.random.default_rng(1)
    network = ck.attach(ck.backbone(GRAPHS["residual"]()), ck.heads.classifier(**KINDS[kind]))
    images = random.integers(0, 256, (COUNT, 1, 1, 3)) + random.integers(-90, 90, (COUNT, 16, 16, 3))
    images = np.clip(images, 0, 255).astype(np.uint8)
    dense = network.model.layers[-1]
    logits = logits_of(network, images)
    dense.set_weights([weight * 4 / logits.std(axis=0) for weight in dense.get_weights()])
    dense.bias.assign(-logits_of(network, images).mean(axis=0))
    logits = logits_of(network, images) / 2
    if kind == "three":
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        labels = np.array([random.choice(3, p=row) for row in p])
    else:
        flags = random.random(logits.shape) < 1 / (1 + np.exp(-logits))
        labels = flags.astype(np.int64) if kind == "several" else flags[:, 0].astype(np.int64)
    return network, arrays(images, labels, classes=network.classes, split=(1, 0, 0)).train


def logits_of(network: ck.Network, images: np.ndarray) -> np.ndarray:
    dense = network.model.layers[-1]
    features = keras.Model(network.model.input, dense.input)(images.astype(np.float32), training=False).numpy()
    return features.astype(np.float64) @ dense.kernel.numpy() + dense.bias.numpy()


def answers(network: ck.Network, source: ck.data.Source) -> np.ndarray:
    return ck.predict(network, source)[list(network.classes)].to_numpy(np.float64)


def entropy(p: np.ndarray, labels: np.ndarray) -> float:
    p = np.clip(p, 1e-12, 1 - 1e-12)
    if labels.ndim == 2:
        return float(-np.where(labels == 1, np.log(p), np.log(1 - p)).mean())
    return float(-np.log(p[np.arange(len(p)), labels]).mean())


@pytest.fixture(scope="module")
def two() -> tuple[ck.Network, ck.data.Source]:
    """For what trains nothing and changes nothing."""
    return world("two")


@pytest.fixture(scope="module", params=KINDS)
def calibrated(request: pytest.FixtureRequest) -> tuple[ck.Network, ck.Network, ck.data.Source]:
    network, source = world(request.param)
    return network, ck.calibrate(network, source, progress=False), source


def test_no_temperature_of_a_fine_grid_is_better(calibrated) -> None:
    network, cooler, source = calibrated
    images = np.stack([source.image(index) for index in range(len(source))])
    logits = logits_of(network, images)

    def loss(temperature: float) -> float:
        z = logits / temperature
        if network.head.softmax:
            p = np.exp(z - z.max(axis=1, keepdims=True))
            return entropy(p / p.sum(axis=1, keepdims=True), source.labels)
        p = 1 / (1 + np.exp(-z))
        return entropy(p if network.head.multi_label else np.concatenate([1 - p, p], axis=1), source.labels)

    grid = np.geomspace(0.2, 20, 4001)
    best = min(grid, key=loss)
    record = cooler.head.calibration
    assert record.temperature == pytest.approx(best, rel=2e-3)
    assert record.temperature > 1.3
    assert record.loss_before == pytest.approx(loss(1), rel=1e-4)
    assert record.loss_after == pytest.approx(loss(best), rel=1e-4)
    assert entropy(answers(cooler, source), source.labels) == pytest.approx(record.loss_after, rel=1e-3)


def test_the_record_holds_the_errors_and_no_decision_changes(calibrated) -> None:
    network, cooler, source = calibrated
    before, after = ck.predict(network, source), ck.predict(cooler, source)
    assert before["label"].tolist() == after["label"].tolist()
    record = cooler.head.calibration
    assert record.calibration_error_after < record.calibration_error_before
    for table, told in ((before, record.calibration_error_before), (after, record.calibration_error_after)):
        p = table[list(source.classes)].to_numpy(np.float64)
        if source.multi_label:
            right, sure = (p >= 0.5) == source.labels, np.where(p >= 0.5, p, 1 - p)
        else:
            right, sure = p.argmax(axis=1) == source.labels, p.max(axis=1)
        right, sure = right.ravel(), sure.ravel()
        bins = np.minimum((sure * 15).astype(int), 14)
        slow = sum(abs(sure[bins == b].sum() - right[bins == b].sum()) for b in set(bins.tolist())) / len(sure)
        assert told == pytest.approx(slow, abs=1e-4)


def test_the_old_network_stays_and_the_new_one_is_plain_keras(calibrated, tmp_path) -> None:
    network, cooler, source = calibrated
    assert network.head.calibration is None
    ck.save(cooler, tmp_path / "bundle")
    again = ck.load(tmp_path / "bundle")
    assert again.head == cooler.head
    assert calibration_in_force(again) == cooler.head.calibration
    plain = keras.models.model_from_json((tmp_path / "bundle/model.json").read_text())
    plain.load_weights(tmp_path / "bundle/model.weights.h5")
    images = np.stack([source.image(index) for index in range(4)]).astype(np.float32)
    np.testing.assert_allclose(plain(images), cooler.model(images), atol=1e-6)
    with pytest.raises(InputError, match="not calibrated yet"):
        ck.calibrate(again, source, progress=False)
    again.model.layers[-1].bias.assign(again.model.layers[-1].bias + 1)  # as more training would
    assert calibration_in_force(again) is None


@pytest.mark.parametrize("kind", ["two", "several"])
def test_a_shift_makes_a_half_the_best_threshold(kind: str) -> None:
    network, source = world(kind)
    shifted = ck.calibrate(network, source, shift="f1", progress=False)
    carried = ck.choose_threshold(network, source, by="f1")
    assert shifted.head.threshold == 0.5
    assert any(shifted.head.calibration.shift)
    assert ck.predict(shifted, source)["label"].tolist() == ck.predict(carried, source)["label"].tolist()
    assert ck.evaluate(shifted, source)["macro_f1"] == ck.evaluate(carried, source)["macro_f1"]


def test_a_threshold_keeps_its_decisions_through_a_temperature() -> None:
    network, source = world("two")
    network = replace(network, head=replace(network.head, threshold=0.2))
    cooler = ck.calibrate(network, source, progress=False)
    assert 0.2 < cooler.head.threshold < 0.5
    assert ck.predict(network, source)["label"].tolist() == ck.predict(cooler, source)["label"].tolist()


def test_the_chosen_threshold_is_the_best_and_is_saved(tmp_path) -> None:
    reference = pytest.importorskip("sklearn.metrics")
    network, source = world("two")
    chosen = ck.choose_threshold(network, source, by="f1")
    p = answers(network, source)[:, 1]
    tried = [reference.f1_score(source.labels, p >= limit) for limit in np.unique(p)]
    assert ck.evaluate(chosen, source)["f1/b"] == pytest.approx(max(tried))
    assert chosen.model is network.model
    ck.save(chosen, tmp_path / "bundle")
    again = ck.load(tmp_path / "bundle")
    assert again.head.threshold == chosen.head.threshold
    assert ck.predict(again, source)["label"].tolist() == ck.predict(chosen, source)["label"].tolist()


def test_each_label_has_a_threshold_of_its_own() -> None:
    network, source = world("several")
    labels = np.array(source.labels)
    labels[:, 2] = 1  # nothing to choose by
    chosen = ck.choose_threshold(
        network, replace(source, targets=labels_or_tags(source.classes, labels)), by="accuracy"
    )
    p = answers(network, source)
    for unit, limit in enumerate(chosen.head.threshold[:2]):
        best = max(((p[:, unit] >= each) == labels[:, unit]).mean() for each in [0, *np.unique(p[:, unit]), 2])
        assert ((p[:, unit] >= limit) == labels[:, unit]).mean() == best
    assert chosen.head.threshold[2] == 0.5


def test_without_a_mistake_the_temperature_stays() -> None:
    network, source = world("two")
    right = (answers(network, source)[:, 1] >= 0.5).astype(np.int64)
    cooler = ck.calibrate(network, replace(source, targets=labels_or_tags(source.classes, right)), progress=False)
    assert cooler.head.calibration.temperature == 1.0


def test_what_cannot_be_calibrated_is_said() -> None:
    network, source = world("two")
    wrong = (answers(network, source)[:, 1] < 0.5).astype(np.int64)
    with pytest.raises(DataError, match="than chance"):
        ck.calibrate(network, replace(source, targets=labels_or_tags(source.classes, wrong)), progress=False)
    three, of_three = world("three")
    for call in (lambda: ck.choose_threshold(three, of_three), lambda: ck.calibrate(three, of_three, shift="f1")):
        with pytest.raises(InputError, match="a head with a threshold"):
            call()
    with pytest.raises(UnknownNameError, match=r"'f2'.*'f1'"):
        ck.choose_threshold(network, source, by="f2")


@pytest.mark.parametrize("given", [3, "runs/photos", [None], object()])
@pytest.mark.parametrize("function", [ck.calibrate, ck.choose_threshold])
def test_every_argument_refuses_other_types_in_words(function, given, two) -> None:
    network, source = two
    for arguments in ({"network": given}, {"source": given}, {"costs": given}, {"at": given}):
        criterion = {"by" if function is ck.choose_threshold else "shift": "f1"}
        with pytest.raises(CnnkitError):
            function(**{"network": network, "source": source, "progress": False, **criterion, **arguments})
