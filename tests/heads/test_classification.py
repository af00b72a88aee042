from __future__ import annotations

import inspect

import keras
import numpy as np
import pytest

from cnnkit.data.array_images import arrays
from cnnkit.data.targets.labels import Labels
from cnnkit.data.targets.tags import Tags
from cnnkit.errors import DataError, InputError, UnknownNameError
from cnnkit.heads.classification import Classifier, classifier
from cnnkit.heads.table import from_settings

FEATURES = np.arange(2 * 3 * 3 * 4, dtype=np.float32).reshape(2, 3, 3, 4)


def build(head, shape=(3, 3, 4)) -> keras.Model:
    features = keras.Input(shape)
    return keras.Model(features, head.build(features))


def decided(head: Classifier, outputs) -> list[str]:
    return head.decode(np.array(outputs)).table([str(place) for place in range(len(outputs))])["label"].tolist()


def scores_of(head: Classifier, truth: Labels | Tags, outputs: np.ndarray) -> dict[str, float]:
    """Of two batches: what is counted does not depend on where they end."""
    score = head.score()
    for part in (np.arange(1), np.arange(1, len(truth))):
        score.add(truth.take(part), head.decode(outputs[part]))
    return score.result()


def test_two_classes_are_one_sigmoid_unit_of_the_second_class() -> None:
    head = classifier(["no", "yes"])
    model = build(head)
    assert model.output.shape == (None, 1)
    assert model.layers[-1].activation is keras.activations.sigmoid
    probabilities = head.probabilities(np.array([[0.2], [0.5]], np.float32))
    np.testing.assert_allclose(probabilities, [[0.8, 0.2], [0.5, 0.5]])
    assert decided(head, [[0.2], [0.5]]) == ["no", "yes"]  # p >= 0.5, the rule of the assignment


def test_more_classes_are_a_softmax() -> None:
    head = classifier(["a", "b", "c"])
    outputs = build(head)(FEATURES).numpy()
    np.testing.assert_allclose(outputs.sum(axis=1), 1, rtol=1e-6)
    assert decided(head, [[0.2, 0.5, 0.3]]) == ["b"]
    np.testing.assert_array_equal(head.encode(Labels(head.classes, np.array([2, 0]))), [[0, 0, 1], [1, 0, 0]])


def test_several_labels_are_independent_sigmoids() -> None:
    head = classifier(["a", "b", "c"], multi_label=True)
    assert decided(head, [[0.9, 0.1, 0.5], [0, 0, 0]]) == ["a|c", ""]
    with pytest.raises(DataError, match=r"tags.*labels of 3 classes.*0/1 column"):
        head.encode(Labels(head.classes, np.array([0, 1])))
    with pytest.raises(DataError, match=r"\['a', 'b', 'c'\].*\['x'\]"):
        head.encode(Tags(("x",), np.array([[0.0]])))


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [("average", FEATURES.mean(axis=(1, 2))), ("max", FEATURES.max(axis=(1, 2))), ("flatten", FEATURES.reshape(2, -1))],
)
def test_pooling(pooling, expected) -> None:
    model = build(classifier(["no", "yes"], pooling=pooling))
    pooled = keras.Model(model.input, model.get_layer("head_pool").output)
    np.testing.assert_allclose(pooled(FEATURES).numpy(), expected, rtol=1e-6)


def test_layers_and_seed() -> None:
    head = classifier(["no", "yes"], hidden=(np.int64(5),), dropout=0.3, seed=7)
    model = build(head)
    names = ["head_pool", "head_dropout1", "head_dense1", "head_dropout", "probability"]
    assert [layer.name for layer in model.layers[1:]] == names
    for first, second in zip(model.get_weights(), build(head).get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_vectors_need_no_pooling() -> None:
    assert len(build(classifier(["no", "yes"]), shape=(8,)).layers) == 2


def test_balanced_weights_give_each_class_the_same_total() -> None:
    head = classifier(["rare", "common"], class_weight="balanced")
    labels = np.array([0] * 2 + [1] * 6)
    weights = head.weights(Labels(head.classes, labels))
    assert weights[labels == 0].sum() == pytest.approx(weights[labels == 1].sum())
    assert weights.mean() == pytest.approx(1)


def test_given_weights_and_none() -> None:
    labels = Labels(("a", "b"), np.array([0, 1, 1]))
    assert classifier(["a", "b"]).weights(labels) is None
    weights = classifier(["a", "b"], class_weight=[1, 3]).weights(labels)
    assert weights.tolist() == [1, 3, 3]


@pytest.mark.parametrize("given", [{"b": 3, "a": 1}, {1: 3.0, 0: 1.0}, np.array([1, 3])])
def test_weights_by_name_by_index_as_in_keras_or_as_an_array(given) -> None:
    assert classifier(["a", "b"], class_weight=given).class_weight == (1.0, 3.0)


def test_one_hidden_layer_may_be_a_number() -> None:
    assert classifier(["a", "b"], hidden=256) == classifier(["a", "b"], hidden=(256,))


def test_losses_are_cross_entropies() -> None:
    binary = classifier(["a", "b"], label_smoothing=0.1)
    # target 1 smoothed to 0.95: −(0.95 ln 0.8 + 0.05 ln 0.2)
    expected = -(0.95 * np.log(0.8) + 0.05 * np.log(0.2))
    targets, outputs = np.array([[1.0], [0.0]]), np.array([[0.8], [0.2]])
    np.testing.assert_allclose(binary.loss(targets, outputs), [expected, expected], atol=1e-6)
    assert float(binary.keras_loss()(targets, outputs)) == pytest.approx(expected, abs=1e-6)
    many = classifier(["a", "b", "c"])
    np.testing.assert_allclose(many.loss(np.array([[0.0, 1, 0]]), np.array([[0.2, 0.5, 0.3]])), [np.log(2)], atol=1e-6)


@pytest.mark.parametrize(
    "head",
    [
        classifier(["a", "b"], hidden=(8, 4), dropout=0.1, class_weight=[1, 2]),
        classifier(["a", "b", "c"], pooling="max", label_smoothing=0.1, class_weight="balanced", seed=3),
        classifier(["a"], multi_label=True),
        classifier(["a", "b"], loss="class_balanced_focal", gamma=1, beta=0.9, threshold=0.3),
        classifier(["a", "b"], multi_label=True, loss="focal", threshold={"b": 0.2, "a": 0.7}),
    ],
)
def test_settings_round_trip(head) -> None:
    assert from_settings(head.settings()) == head


def test_what_an_older_version_saved() -> None:
    settings = {"kind": "classifier", "classes": ["a", "b"], "class_weight": [1.0, 2.0], "seed": 3}
    assert from_settings(settings) == classifier(["a", "b"], class_weight=[1, 2], seed=3)


WRONG = ["three", None, object(), [None], {"x": "y"}, 1 + 2j]


@pytest.mark.parametrize("given", WRONG)
@pytest.mark.parametrize("name", sorted(inspect.signature(classifier).parameters))
def test_every_argument_refuses_other_types_in_words(name, given) -> None:
    """Whatever it is, it is accepted for what it says or refused by a cnnkit error, never by a raw one."""
    arguments = {"classes": ["a", "b"], name: given}
    fine = (name, given) in [("class_weight", None)] or (name == "classes" and given == ["three"])
    if fine:
        classifier(**arguments)
        return
    with pytest.raises(InputError):
        classifier(**arguments)


def test_the_threshold_decides() -> None:
    probabilities = np.array([[0.75, 0.25], [0.6, 0.4]])
    assert decided(classifier(["no", "yes"], threshold=0.3), probabilities[:, 1:]) == ["no", "yes"]
    head = classifier(["a", "b"], multi_label=True, threshold={"b": 0.3, "a": 0.7})
    assert decided(head, probabilities) == ["a", "b"]
    metric = head.metrics()[0]
    metric.update_state(np.array([[1.0, 0], [1, 1]]), probabilities)
    assert float(metric.result()) == pytest.approx(3 / 4)


def test_scores_of_one_label_are_those_of_scikit_learn() -> None:
    reference = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 90)
    p = (0.3 * labels + 0.7 * random.random(90)).round(1)
    head = classifier(["no", "yes"], threshold=0.4)
    scores = scores_of(head, Labels(head.classes, labels), p[:, None])
    decided = p >= 0.4
    assert scores["accuracy"] == pytest.approx(reference.accuracy_score(labels, decided))
    assert scores["precision/yes"] == pytest.approx(reference.precision_score(labels, decided))
    assert scores["recall/no"] == pytest.approx(reference.recall_score(labels, decided, pos_label=0))
    assert scores["macro_f1"] == pytest.approx(reference.f1_score(labels, decided, average="macro"))
    assert scores["auc/no"] == scores["auc/yes"] == pytest.approx(reference.roc_auc_score(labels, p))


def test_scores_of_several_labels_are_those_of_scikit_learn() -> None:
    reference = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(1)
    truth = (random.random((80, 3)) < [0.2, 0.5, 0.8]).astype(np.float32)
    p = 0.4 * truth + 0.6 * random.random((80, 3))
    head = classifier(["a", "b", "c"], multi_label=True, threshold=[0.3, 0.5, 0.6])
    scores = scores_of(head, Tags(head.classes, truth), p)
    decided = p >= [0.3, 0.5, 0.6]
    assert scores["accuracy"] == pytest.approx((truth == decided).mean())
    assert scores["exact_match"] == pytest.approx(reference.accuracy_score(truth, decided))
    assert scores["micro_f1"] == pytest.approx(reference.f1_score(truth, decided, average="micro"))
    assert scores["macro_f1"] == pytest.approx(reference.f1_score(truth, decided, average="macro"))
    assert scores["mean_average_precision"] == pytest.approx(reference.average_precision_score(truth, p))
    assert scores["accuracy/c"] == pytest.approx(reference.accuracy_score(truth[:, 2], decided[:, 2]))
    assert scores["average_precision/a"] == pytest.approx(reference.average_precision_score(truth[:, 0], p[:, 0]))
    absent = scores_of(head, Tags(head.classes, np.zeros((4, 3), np.float32)), p[:4])
    assert np.isfinite(list(absent.values())).all()
    assert not [name for name in absent if "/" in name or name.startswith("macro")]


def test_unknown_kind() -> None:
    with pytest.raises(UnknownNameError, match="classifier"):
        from_settings({"kind": "clasifier"})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"classes": ["only"]}, "at least two classes"),
        ({"classes": ["a", "a"]}, "different names"),
        ({"classes": ["a", "b"], "dropout": 1.0}, "0 <= dropout < 1"),
        ({"classes": ["a", "b"], "label_smoothing": -0.1}, "label_smoothing"),
        ({"classes": ["a", "b"], "pooling": "mean"}, "a pooling.*'mean'"),
        ({"classes": ["a", "b"], "loss": "focl"}, "a loss.*'focl'.*focal"),
        ({"classes": ["a", "b"], "loss": "focal", "gamma": -1}, "gamma of at least 0"),
        ({"classes": ["a", "b"], "loss": "class_balanced", "beta": 1}, "0 <= beta < 1"),
        ({"classes": ["a", "b"], "gamma": 1}, "gamma with a focal loss"),
        ({"classes": ["a", "b"], "beta": 0.9}, "beta with a class-balanced loss"),
        ({"classes": ["a", "b"], "loss": "class_balanced", "class_weight": "balanced"}, "from one place"),
        ({"classes": ["a", "b"], "loss": "class_balanced", "multi_label": True}, "multi-label"),
        ({"classes": ["a", "b"], "threshold": 1}, "0 < threshold < 1"),
        ({"classes": ["a", "b"], "threshold": [0.2, 0.3]}, "one threshold"),
        ({"classes": ["a", "b", "c"], "threshold": 0.3}, "no threshold for one label of 3"),
        ({"classes": ["a", "b"], "multi_label": True, "threshold": [0.3]}, "for each of the 2"),
        ({"classes": ["a", "b"], "multi_label": True, "threshold": {"a": 0.3}}, "by name or by index"),
        ({"classes": ["a|c", "b"], "multi_label": True}, "joins several"),
        ({"classes": ["a", ""]}, "with names"),
        ({"classes": ["label", "passport"]}, r"\['label'\].*Rename"),
        ({"classes": ["id", "passport"]}, r"\['id'\].*Rename"),
        ({"classes": ["a", "b"], "hidden": (0,)}, "hidden units"),
        ({"classes": ["a", "b"], "class_weight": "even"}, "balanced"),
        ({"classes": ["a", "b"], "class_weight": [1, 2, 3]}, "one weight for each"),
        ({"classes": ["a", "b"], "class_weight": 2.0}, "one weight for each"),
        ({"classes": ["a", "b"], "class_weight": {0: 1.0}}, r"'a', 'b'.*by name or by index"),
        ({"classes": ["a", "b"], "class_weight": {"a": 1.0, "b": 1.0, "c": 1.0}}, r"weights of \['a', 'b', 'c'\]"),
        ({"classes": ["a", "b"], "class_weight": [0, 1]}, "above 0"),
        ({"classes": ["a", "b"], "class_weight": [1, np.inf]}, "finite"),
        ({"classes": ["a", "b"], "class_weight": [np.nan, 1]}, "finite"),
        ({"classes": "ab"}, r"'ab'.*photos\.classes"),
        (
            {"classes": arrays(np.zeros((4, 8, 8, 3), np.uint8), [0, 1] * 2, split=(1, 0, 0))},
            r"Dataset.*photos\.classes",
        ),
        ({"classes": ["a", "b"], "multi_label": True, "class_weight": "balanced"}, "multi-label"),
    ],
)
def test_bad_arguments(arguments, message) -> None:
    with pytest.raises(InputError, match=message):
        classifier(**arguments)
