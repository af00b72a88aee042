"""Embeddings: the closed form against scikit-learn, what strangers are to the loss, scores against the metrics."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import shrunk_covariance
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

import cnnkit as ck
from cnnkit.data.targets import Labels, Tags, Vectors
from cnnkit.errors import DataError, InputError, UnknownNameError
from cnnkit.heads.embedding_losses import LOSSES
from cnnkit.heads.within_class import principal_components, within_class_whitening

RANDOM = np.random.default_rng(9)
CLASSES, SHOTS, FEATURES = 5, 8, 10
LABELS = np.arange(CLASSES).repeat(SHOTS)
MIXED = RANDOM.normal(size=(FEATURES, FEATURES))
X = 3 * RANDOM.normal(size=(CLASSES, FEATURES))[LABELS] + RANDOM.normal(size=(CLASSES * SHOTS, FEATURES)) @ MIXED + 7
NAMES = tuple("abcde")


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_whitening_is_scikit_learns_discriminant_analysis() -> None:
    found = within_class_whitening(X, LABELS, CLASSES - 1, shrinkage=1e-12).directions(X)
    theirs = LinearDiscriminantAnalysis(solver="eigen").fit(X, LABELS)
    expected = unit((X - X.mean(axis=0)) @ theirs.scalings_[:, : CLASSES - 1])
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-6)


@pytest.mark.parametrize("shrinkage", [1e-12, 0.3])
def test_pictures_of_one_person_vary_alike_in_all_directions(shrinkage: float) -> None:
    found = within_class_whitening(X, LABELS, FEATURES, shrinkage=shrinkage)
    apart = X - np.stack([X[label == LABELS].mean(axis=0) for label in LABELS])
    within = shrunk_covariance(apart.T @ apart / (len(X) - CLASSES), shrinkage)
    np.testing.assert_allclose(found.kernel.T @ within @ found.kernel, np.eye(FEATURES), atol=1e-7)
    np.testing.assert_allclose((X @ found.kernel + found.bias).mean(axis=0), 0, atol=1e-9)


def test_principal_components_are_scikit_learns() -> None:
    found = principal_components(X, 3).directions(X)
    expected = unit(PCA(3).fit_transform(X))
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-8)


def test_the_closed_form_begins_with_the_mean_directions() -> None:
    head = ck.heads.embedding(NAMES, size=4)
    weights = head.closed_form(X.astype(np.float32), LABELS)
    kernel, bias = weights["embedding_projection"]
    vectors = unit(X @ kernel + bias)
    expected = unit(np.stack([vectors[label == LABELS].mean(axis=0) for label in range(CLASSES)])).T
    np.testing.assert_allclose(weights["cosines"][0], expected, atol=1e-4)


def test_someone_without_pictures_has_a_direction_all_the_same() -> None:
    (directions,) = ck.heads.embedding((*NAMES, "f"), size=4).closed_form(X.astype(np.float32), LABELS)["cosines"]
    np.testing.assert_allclose(np.linalg.norm(directions, axis=0), np.ones(6))


def test_a_vector_is_no_longer_than_the_features() -> None:
    with pytest.raises(InputError, match="size=10"):
        ck.heads.embedding(NAMES, size=11).closed_form(X.astype(np.float32), LABELS)


def test_one_picture_of_each_does_not_say_how_a_person_varies() -> None:
    with pytest.raises(DataError, match="two pictures"):
        within_class_whitening(X[::SHOTS], LABELS[::SHOTS], 4, shrinkage=0.1)


def test_identities_are_those_whom_a_source_shows() -> None:
    photos = ck.data.faces(10, 2, size=32, split_by="people")
    head = ck.heads.embedding(photos.train)
    assert head.names == photos.classes[:7]
    assert head.encode(photos.test.targets).min() >= 7


def test_names_count_and_not_their_order() -> None:
    head = ck.heads.embedding(["ann", "bob"])
    assert head.encode(Labels(("eve", "bob", "ann"), [0, 1, 2, 1])).tolist() == [2, 1, 0, 1]


def test_a_stranger_has_no_loss_where_identities_have_vectors() -> None:
    truth = Labels(("a", "stranger", "b"), [0, 1, 2])
    cosines = {"embedding": unit(RANDOM.normal(size=(3, 4))), "cosines": RANDOM.uniform(-1, 1, (3, 2))}
    head = ck.heads.embedding(["a", "b"])
    losses = np.asarray(head.loss(head.encode(truth), cosines))
    assert losses[1] == 0
    assert (losses[[0, 2]] > 0).all()
    expected = ck.losses.arcface([0, 1], cosines["cosines"][[0, 2]], scale=30)
    np.testing.assert_allclose(losses[[0, 2]], expected)
    assert head.judges(truth)
    assert not head.judges(truth.take([1]))
    assert ck.heads.embedding(["a", "b"], loss="triplet").judges(truth.take([1]))


@pytest.mark.parametrize("name", LOSSES)
def test_a_head_has_the_loss_and_the_margin_of_its_name(name: str) -> None:
    vectors, cosines = unit(RANDOM.normal(size=(6, 4))), RANDOM.uniform(-0.9, 0.9, (6, 2))
    labels = np.array([0, 1, 0, 1, 1, 0])
    head = ck.heads.embedding(["a", "b"], loss=name, margin=2, scale=5)
    function = LOSSES[name].function
    if LOSSES[name].identities:
        found, expected = (
            head.loss(labels, {"embedding": vectors, "cosines": cosines}),
            function(labels, cosines, margin=2, scale=5),
        )
    else:
        found, expected = head.loss(labels, vectors), function(labels, vectors, margin=2)
    np.testing.assert_allclose(found, expected)


def test_the_mean_of_two_vectors_is_made_a_direction_again() -> None:
    head = ck.heads.embedding(["a", "b"], size=2)
    np.testing.assert_allclose(head.decode(np.array([[0.3, 0.4]], np.float32)).values, [[0.6, 0.8]], rtol=1e-6)


def test_scores_are_the_metrics_of_all_pairs_and_of_first_pictures() -> None:
    vectors = unit(X @ RANDOM.normal(size=(FEATURES, 4)) - 9).astype(np.float32)
    truth, score = Labels(NAMES, LABELS), ck.heads.embedding(NAMES).score()
    for rows in (slice(0, 17), slice(17, None)):
        score.add(truth.take(np.arange(40)[rows]), Vectors(vectors[rows]))
    result, similar = score.result(), vectors @ vectors.T
    pairs = [(i, j) for i in range(40) for j in range(i)]
    same, values = [LABELS[i] == LABELS[j] for i, j in pairs], [similar[i, j] for i, j in pairs]
    assert result["equal_error_rate"] == pytest.approx(ck.metrics.equal_error_rate(same, values), abs=1e-6)
    assert result["true_accept_rate@0.01"] == pytest.approx(ck.metrics.true_accept_rate(same, values), abs=1e-6)
    right = [np.argmax(similar[n, ::SHOTS]) == LABELS[n] for n in range(40) if n % SHOTS]
    assert result["rank1"] == pytest.approx(np.mean(right))
    known, asked = np.arange(0, 40, 2 * SHOTS), [n for n in range(40) if n % (2 * SHOTS)]
    expected = ck.metrics.detection_identification_rate(similar[np.ix_(asked, known)], LABELS[asked], LABELS[known])
    assert result["detection_identification_rate@0.01"] == pytest.approx(expected)


def test_how_wrong_a_picture_is_goes_with_the_nearest_stranger() -> None:
    score = ck.heads.embedding(["a", "b"]).score()
    vectors = Vectors([[1, 0], [0.6, 0.8], [1, 0], [0, 1]])
    wrong = score.add(Labels(("a", "b", "c"), [0, 0, 1, 2]), vectors)
    np.testing.assert_allclose(wrong, [1 + 1 - 0.6, 1 + 0.8 - 0.6, 0, 0], rtol=1e-6)


def test_too_few_pictures_have_no_scores() -> None:
    score = ck.heads.embedding(["a", "b"]).score()
    assert score.result() == {}
    score.add(Labels(("a", "b"), [0, 1]), Vectors([[1, 0], [0, 1]]))
    assert score.result() == {}


def test_scores_take_labels_and_vectors() -> None:
    with pytest.raises(DataError, match="as many pictures"):
        ck.heads.embedding(["a", "b"]).score().add(Labels(("a", "b"), [0]), Vectors([[1, 0], [0, 1]]))


def test_truth_is_labels_of_those_to_train_on() -> None:
    head = ck.heads.embedding(["a", "b"])
    with pytest.raises(DataError, match="for this head"):
        head.encode(Tags(("a", "b"), [[0, 1]]))
    with pytest.raises(DataError, match="pictures of 'c'"):
        head.weights(Labels(("a", "b", "c"), [0, 2]))


WRONG = {
    "two or more": {"identities": ["a"]},
    "size": {"size": 1},
    "whiten": {"whiten": 2},
    "margin of at least": {"margin": -1},
    "whole margin": {"margin": 1.5, "loss": "sphereface"},
    "scale": {"scale": 0},
    "shrinkage": {"shrinkage": 0},
    "seed": {"seed": -1},
}


@pytest.mark.parametrize("expected", WRONG)
def test_a_setting_out_of_its_range_is_refused(expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        ck.heads.embedding(**{"identities": ["a", "b"]} | WRONG[expected])


@pytest.mark.parametrize("settings", [{"loss": "arcfase"}, {"pooling": "mean"}])
def test_a_mistyped_name_is_told_the_nearest(settings: dict) -> None:
    with pytest.raises(UnknownNameError):
        ck.heads.embedding(["a", "b"], **settings)
