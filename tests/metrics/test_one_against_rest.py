"""Scores of each class against scikit-learn, with ties, absent classes and classes that are never decided."""

from __future__ import annotations

import numpy as np
import pytest

from cnnkit.errors import DataError
from cnnkit.metrics import average_precision_score, class_scores, macro_means, precision_recall_f1

reference = pytest.importorskip("sklearn.metrics")
NAMES = ["ant", "bee", "cat", "dog"]


def world(seed: int, *, absent: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities of four classes, rounded so that many tie."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 4, 200)
    if absent is not None:
        labels[labels == absent] = (absent + 1) % 4
    logits = random.normal(size=(200, 4)) + 1.5 * np.eye(4)[labels]
    logits[:, 3] -= 9  # never decided
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return labels, probabilities.round(1 + seed)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("absent", [None, 1])
def test_scikit_learn_agrees_on_one_label(seed: int, absent: int | None) -> None:
    labels, probabilities = world(seed, absent=absent)
    decided = probabilities.argmax(axis=1)
    scores = class_scores(np.eye(4)[labels], np.eye(4)[decided], probabilities, NAMES)
    present = sorted(set(labels.tolist()))
    assert list(scores) == [NAMES[label] for label in present]
    expected = reference.precision_recall_fscore_support(labels, decided, labels=present, zero_division=0)
    for name, values in zip(("precision", "recall", "f1", "examples"), expected, strict=True):
        assert [row[name] for row in scores.values()] == pytest.approx(values.tolist(), abs=1e-12)
    for label in present:
        one, score = labels == label, probabilities[:, label]
        row = scores[NAMES[label]]
        assert row["auc"] == pytest.approx(reference.roc_auc_score(one, score), abs=1e-12)
        assert row["average_precision"] == pytest.approx(reference.average_precision_score(one, score), abs=1e-12)
        assert row["accuracy"] == pytest.approx(reference.accuracy_score(one, decided == label))
    means = macro_means(scores, {name: name for name in ("precision", "recall", "f1", "auc")})
    assert means["f1"] == pytest.approx(
        reference.f1_score(labels, decided, labels=present, average="macro", zero_division=0)
    )
    assert np.isfinite(list(means.values())).all()
    if absent is None:
        auc = np.mean([reference.roc_auc_score(labels == label, probabilities[:, label]) for label in present])
        assert means["auc"] == pytest.approx(auc)


def test_scikit_learn_agrees_on_several_labels() -> None:
    random = np.random.default_rng(4)
    truth = random.random((150, 4)) < [0.1, 0.5, 0.9, 0.3]
    probabilities = (0.4 * truth + 0.6 * random.random((150, 4))).round(1)
    decided = probabilities >= 0.5
    scores = class_scores(truth, decided, probabilities, NAMES)
    means = macro_means(scores, {name: name for name in ("f1", "average_precision", "auc")})
    assert means["f1"] == pytest.approx(reference.f1_score(truth, decided, average="macro"))
    assert means["average_precision"] == pytest.approx(reference.average_precision_score(truth, probabilities))
    assert means["auc"] == pytest.approx(reference.roc_auc_score(truth, probabilities))


def test_average_precision_is_the_sum_of_its_definition() -> None:
    labels, scores = np.array([1, 0, 1, 0, 1]), np.array([0.9, 0.9, 0.5, 0.5, 0.1])
    steps, before = [], 0.0
    for threshold in (0.9, 0.5, 0.1):  # the steps of the curve: two examples, two more, one more
        taken = scores >= threshold
        recall, precision = labels[taken].sum() / 3, labels[taken].mean()
        steps.append((recall - before) * precision)
        before = recall
    assert average_precision_score(labels, scores) == pytest.approx(sum(steps))


def test_what_has_no_value() -> None:
    assert precision_recall_f1([1, 1], [0, 0]) == (0.0, 0.0, 0.0)
    assert precision_recall_f1([0, 0], [0, 1]) == (0.0, 0.0, 0.0)
    scores = class_scores([[1, 0], [1, 0]], [[1, 0], [1, 0]], [[0.9, 0.1], [0.8, 0.2]], ["all", "none"])
    assert list(scores) == ["all"]
    assert "auc" not in scores["all"]
    assert macro_means(scores, {"auc": "auc", "recall": "mean"}) == {"mean": 1.0}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: precision_recall_f1([0, 2], [0, 1]), "0 and 1"),
        (lambda: precision_recall_f1(["a", "b"], ["a", "b"]), "0 and 1"),
        (lambda: average_precision_score([0, 0], [0.1, 0.2]), "class 1"),
        (lambda: average_precision_score([0, 1], [0.1, np.inf]), "finite"),
        (lambda: class_scores([0, 1], [0, 1], [0.5, 0.5], ["a", "b"]), r"\(n, 2\).*np\.eye"),
        (lambda: class_scores(np.eye(2), np.eye(2), np.ones((3, 2)), ["a", "b"]), "one shape"),
        (lambda: class_scores([[1, 0], [1]], np.eye(2), np.eye(2), ["a", "b"]), "one length"),
    ],
)
def test_what_cannot_be_scored(call, message: str) -> None:
    with pytest.raises(DataError, match=message):
        call()
