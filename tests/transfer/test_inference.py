from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cnnkit.data.source import Source
from cnnkit.data.targets.labels import Labels
from cnnkit.engines.forward import Forward
from cnnkit.errors import DataError, InputError
from cnnkit.heads.classification import classifier
from cnnkit.transfer.fitting import fit
from cnnkit.transfer.inference import evaluate, predict
from cnnkit.transfer.network import attach
from cnnkit.transfer.plan import Phase, Plan
from tests.transfer.worlds import pictures


class Own:
    """A head of a user's own: the protocol and nothing else, with the names as given."""

    taps = ()

    def __init__(self, head, names) -> None:
        self._head = head
        self.names = names

    target = property(lambda self: self._head.target)
    build = property(lambda self: self._head.build)
    loss = property(lambda self: self._head.loss)
    encode = property(lambda self: self._head.encode)
    weights = property(lambda self: self._head.weights)
    decode = property(lambda self: self._head.decode)
    score = property(lambda self: self._head.score)
    settings = property(lambda self: self._head.settings)


def test_predict_keeps_the_order_and_gives_a_column_a_class(make, colours) -> None:
    network = make()
    table = predict(network, colours.test, batch_size=5)
    images = np.stack([colours.test.image(index) for index in range(len(colours.test))])
    expected = network.model(images.astype(np.float32), training=False).numpy()[:, 0]
    assert list(table.columns) == ["id", "label", "grey", "red"]
    assert table["id"].tolist() == list(colours.test.ids)
    np.testing.assert_allclose(table["red"], expected, atol=1e-6)
    assert table["red"].dtype == np.float32
    assert (table["label"] == np.where(table["red"] >= 0.5, "red", "grey")).all()


def test_evaluate_is_the_mean_over_the_pictures(make, colours) -> None:
    network = make()
    probability = predict(network, colours.test)["red"].to_numpy(np.float64)
    labels = np.asarray(colours.test.labels)
    result = evaluate(network, colours.test, batch_size=5)
    assert result["accuracy"] == pytest.approx(((probability >= 0.5) == labels).mean())
    likelihood = np.where(labels == 1, probability, 1 - probability)
    assert result["loss"] == pytest.approx(-np.log(likelihood).mean(), rel=1e-4)
    assert result["images"] == len(colours.test)
    reference = pytest.importorskip("sklearn.metrics")
    decided = probability >= 0.5
    assert result["precision/red"] == pytest.approx(reference.precision_score(labels, decided, zero_division=0))
    assert result["recall/grey"] == pytest.approx(reference.recall_score(labels, decided, pos_label=0))
    assert result["macro_f1"] == pytest.approx(reference.f1_score(labels, decided, average="macro", zero_division=0))
    assert result["macro_auc"] == pytest.approx(reference.roc_auc_score(labels, probability))


def test_a_threshold_is_used_wherever_something_is_decided(make, colours) -> None:
    network = make()
    p = np.sort(predict(network, colours.test)["red"].to_numpy())
    limit = float(p[5])
    other = make(threshold=limit)
    assert (predict(other, colours.test)["label"] == "red").sum() == len(p) - 5
    labels = np.asarray(colours.test.labels)
    decided = predict(network, colours.test)["red"].to_numpy() >= limit
    assert evaluate(other, colours.test)["accuracy"] == (decided == labels).mean()


def test_a_head_of_ones_own_gives_its_loss_and_the_scores_that_it_names(make, colours) -> None:
    network = make()
    own = replace(network, head=Own(network.head, network.classes))
    assert evaluate(own, colours.test) == evaluate(network, colours.test)


def test_arrays_are_pictures_too(make, colours) -> None:
    network = make()
    images = np.stack([colours.test.image(index) for index in range(4)])
    from_array, from_source = predict(network, images), predict(network, colours.test.take(range(4)))
    np.testing.assert_array_equal(from_array["red"], from_source["red"])


def test_pictures_scaled_to_one_are_refused(make) -> None:
    with pytest.raises(DataError, match="255"):
        predict(make(), np.random.default_rng(0).random((2, 16, 16, 3)).astype(np.float32))


def test_an_empty_or_unlabelled_source(make, colours) -> None:
    empty = Source.empty(colours.classes)
    with pytest.raises(DataError, match="empty"):
        evaluate(make(), empty)
    with pytest.raises(DataError, match="empty: take another"):
        predict(make(), empty)
    for ask in (predict, evaluate):
        with pytest.raises(InputError, match=r"one part of a dataset.*\.test \(16 pictures\)"):
            ask(make(), colours)


def test_labels_of_other_classes_are_refused(make, colours) -> None:
    """Turned round, the accuracy would be 1 − accuracy, without a word."""
    turned = replace(colours.test, targets=Labels(tuple(reversed(colours.classes)), colours.test.labels))
    with pytest.raises(DataError, match=r"\['grey', 'red'\].*\['red', 'grey'\]"):
        evaluate(make(), turned)
    with pytest.raises(InputError, match=r"a source.*str"):
        evaluate(make(), "photos")


def test_what_is_no_network_is_told_how_to_become_one(make, colours) -> None:
    for ask in (predict, evaluate):
        with pytest.raises(InputError, match=r"ck\.load\('runs/photos'\)"):
            ask("runs/photos", colours.test)
        with pytest.raises(InputError, match=r"ck\.attach"):
            ask(make().model, colours.test)


@pytest.mark.parametrize("taken", ["label", "id"])
def test_a_class_with_the_name_of_a_column_is_refused_where_the_network_is_made(make, taken: str) -> None:
    with pytest.raises(InputError, match=rf"\['{taken}'\].*Rename"):
        classifier(["no", taken])
    network = make()
    with pytest.raises(InputError, match=rf"\['{taken}'\].*Rename"):
        attach(network.backbone, Own(network.head, [taken, "passport"]))


def test_a_head_of_ones_own_may_have_a_list_of_classes(make, colours, tmp_path) -> None:
    """Trained, evaluated, predicted and reported as with a tuple; a text is no list."""
    network = make()
    own = attach(network.backbone, Own(network.head, list(colours.classes)))
    run = fit(own, colours, Plan([Phase("head", epochs=1)]), progress=False)
    assert len(run.history) == 1
    assert evaluate(own, colours.test)["images"] == len(colours.test)
    assert list(predict(own, colours.test)) == ["id", "label", "grey", "red"]
    with pytest.raises(InputError, match="a list of class names"):
        attach(network.backbone, Own(network.head, "ab"))


def test_files_by_name_come_in_the_order_given(make, tmp_path) -> None:
    for name, value in (("a.png", 0), ("b.png", 255), ("c.png", 90)):
        Image.fromarray(np.full((16, 16, 3), value, np.uint8)).save(tmp_path / name)
    files = [tmp_path / "c.png", str(tmp_path / "a.png")]
    network = make()
    table = predict(network, files)
    assert table["id"].tolist() == [str(file) for file in files]
    alone = pd.concat([predict(network, file) for file in files])
    np.testing.assert_allclose(table["red"], alone["red"], atol=1e-6)
    with pytest.raises(DataError, match=r"missing\.png"):
        predict(network, [tmp_path / "missing.png"])
    with pytest.raises(DataError, match="Received: none"):
        predict(network, [])
    mixed = predict(network, [files[1], np.asarray(Image.open(files[0])), Image.open(files[0])])
    np.testing.assert_allclose(mixed["red"], table["red"].to_numpy()[[1, 0, 0]], atol=1e-6)


def test_forward_is_traced_once_for_every_batch_size_and_leaves_its_input_alone(make) -> None:
    traces = []

    class Counting:
        def __init__(self, model) -> None:
            self.input = model.input
            self._model = model

        def __call__(self, images, *, training):
            traces.append(images.shape)
            return self._model(images, training=training)

    forward = Forward(Counting(make().model))
    images = np.random.default_rng(0).integers(0, 256, (7, 16, 16, 3)).astype(np.float32)
    before = images.copy()
    for count in (1, 3, 7):
        forward(images[:count])
    assert len(traces) == 1
    np.testing.assert_array_equal(images, before)


def test_probabilities_of_a_network_of_half_precision_are_float32(make) -> None:
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        network = make()
        assert network.model.get_layer("stem_conv").compute_dtype == "float16"
        table = predict(network, pictures(4, 0)[0])
        assert str(network.model.output.dtype) == "float32"
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert set(table.dtypes[2:].astype(str)) == {"float32"}
