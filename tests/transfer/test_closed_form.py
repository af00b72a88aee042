"""The closed form as a phase of a plan, and the threshold from people who are left out of it."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.errors import DataError, InputError
from cnnkit.transfer.feed import Feed
from cnnkit.transfer.grouped_order import side_by_side
from tests.transfer.people import network, people

CLOSED = ck.Phase("closed", epochs=1, solver="closed_form")


def fit(net: ck.Network, photos: ck.data.Dataset, plan: ck.Plan, **options) -> ck.Run:
    return ck.fit(net, photos, plan, **{"progress": False, "cache": "none"} | options)


def test_the_phase_puts_in_what_the_head_solves_for() -> None:
    photos = people(5, 4)
    net = network(photos.train)
    images = np.stack([photos.train.image(index) for index in range(20)]).astype(np.float32)
    features = keras.Model(net.model.input, net.model.get_layer("embedding_projection").input)(images)
    expected = net.head.closed_form(np.asarray(features), photos.train.labels)
    run = fit(net, photos, ck.plans.whiten())
    assert run.history["phase"].tolist() == ["whiten"]
    for layer, weights in expected.items():
        for found, array in zip(net.model.get_layer(layer).get_weights(), weights, strict=True):
            np.testing.assert_allclose(found, array, rtol=1e-2, atol=1e-2 * np.abs(array).max())
    outputs = net.model.predict(images, verbose=0)
    losses = np.asarray(net.head.loss(photos.train.labels, outputs))
    assert run.history["loss"].iloc[0] == pytest.approx(losses.mean(), rel=1e-3)


def test_people_who_were_not_trained_on_are_told_apart() -> None:
    photos = people(12, 6, split=(6, 0))
    net = network(photos.train)
    before = ck.evaluate(net, photos.test)
    fit(net, photos, ck.plans.whiten())
    after = ck.evaluate(net, photos.test, flip=True)
    assert "loss" not in after
    assert "loss" in ck.evaluate(net, photos.train)
    assert after["equal_error_rate"] < before["equal_error_rate"]
    assert ck.predict(net, photos.test).columns.tolist() == ["id", *(f"v{place}" for place in range(6))]


def test_the_loss_goes_on_from_there_and_the_best_epoch_for_strangers_is_kept() -> None:
    photos = people(10, 4, split=(5, 3))
    net = network(photos.train, loss="triplet")
    run = fit(net, photos, ck.plans.whiten(epochs=2, patience=2), batch_size=8)
    assert run.history["phase"].tolist() == ["whiten", "margin", "margin"]
    kept = ck.evaluate(net, photos.validation)["equal_error_rate"]
    assert kept == pytest.approx(run.history["val_equal_error_rate"].min(), abs=1e-6)


def test_a_phase_that_could_not_be_solved_is_refused_before_anything_trains() -> None:
    photos = people(4, 3)
    body = network(photos.train).backbone
    labels = ck.data.Dataset(photos.classes, photos.train, photos.validation, photos.test)
    with pytest.raises(InputError, match="with a closed form"):
        fit(ck.attach(body, ck.heads.classifier(photos.classes)), labels, ck.Plan([CLOSED]))
    with pytest.raises(InputError, match="one vector of features"):
        fit(network(photos.train), photos, ck.Plan([ck.Phase("all", train="all", epochs=1, solver="closed_form")]))
    with pytest.raises(InputError, match="epochs=1 with solver='closed_form'"):
        ck.Phase("closed", epochs=2, solver="closed_form")


def test_strangers_among_those_to_train_on_are_refused() -> None:
    photos = people(4, 3)
    with pytest.raises(DataError, match="pictures of 'p2'"):
        fit(network(photos.train.take(photos.train.labels < 2)), photos, ck.plans.whiten())


def test_finetune_takes_the_closed_form_of_an_embedding() -> None:
    photos = people(4, 3)
    net = ck.finetune(
        photos,
        backbone=network(photos.train).backbone,
        head=ck.heads.embedding(photos.train, size=4),
        views=2,
        cache="none",
        progress=False,
    )
    assert net.run.plan == ck.plans.whiten()


def test_a_held_out_threshold_is_that_of_networks_without_those_people() -> None:
    photos = people(6, 4)
    train, nobody = photos.train, photos.test
    strange = []
    for fold in range(3):
        outside = np.isin(train.labels, np.arange(6)[fold::3])
        rest = network(train.take(~outside))
        fit(rest, ck.data.Dataset(photos.classes, train.take(~outside), nobody, nobody), ck.plans.whiten())
        vectors = ck.predict(rest, train.take(outside), flip=True).iloc[:, 1:].to_numpy()
        shown = train.labels[outside]
        strange += [vectors[i] @ vectors[j] for i in range(8) for j in range(i) if shown[i] != shown[j]]
    net = network(train)
    fit(net, photos, ck.plans.whiten())
    before = net.model.get_weights()
    found = ck.held_out_threshold(net, train, far=0.1, folds=3, flip=True)
    assert found == pytest.approx(ck.metrics.accept_threshold(strange, far=0.1), abs=1e-3)
    for array, kept in zip(net.model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(array, kept)


def test_a_held_out_threshold_needs_a_closed_form_and_people() -> None:
    photos = people(4, 3)
    net = network(photos.train)
    for folds in (1, 3, 4, 5):
        with pytest.raises(InputError, match=f"two people or more in each.*{folds} folds of 4 people"):
            ck.held_out_threshold(net, photos.train, folds=folds)
    with pytest.raises(DataError, match=r"4 identities.*'p4'"):
        ck.held_out_threshold(net, people(8, 1).train, folds=2)
    with pytest.raises(InputError, match="with a closed form"):
        ck.held_out_threshold(ck.attach(net.backbone, ck.heads.classifier(photos.classes)), photos.train)


def test_pictures_of_one_person_stand_side_by_side_and_each_is_visited_once() -> None:
    random = np.random.default_rng(3)
    visits, labels = random.permutation(200), random.integers(0, 17, 200)
    found = side_by_side(visits, labels, 4)
    assert sorted(found) == list(range(200))
    runs = np.split(labels[found], np.flatnonzero(np.diff(labels[found])) + 1)
    in_full = sum(len(run) // 4 for run in runs)
    assert in_full == sum(int((labels == label).sum()) // 4 for label in range(17))


def test_batches_of_a_loss_of_pairs_show_people_several_times() -> None:
    photos = people(8, 4)
    net = network(photos.train, loss="triplet")
    feed = Feed(photos.train, net.head, net.framing, net.size, 8, None, shuffle=True, seed=1)
    for batch in feed.epoch(0):
        assert np.unique(batch.targets, return_counts=True)[1].tolist() == [4, 4]
