"""The probe: which photographs it is fitted to, and that it tells apart what is plain to see."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import cnnkit as ck
from cnnkit.tasks.nano import probe


def test_red_and_blue_are_told_apart() -> None:
    chance = np.random.default_rng(0)
    labels = np.arange(24) % 2
    images = chance.integers(0, 60, (24, 32, 32, 3)).astype(np.uint8)
    images[labels == 0, ..., 0] += 150
    images[labels == 1, ..., 2] += 150
    source = ck.data.arrays(images, labels, split=(1, 0, 0)).train
    body = ck.backbone("nano", weights=None, input_shape=(32, 32, 3))
    (examples,) = probe.examples_of(body, ck.data.Framing(), source)
    expected = body.model.predict(images, verbose=0).mean(axis=(1, 2))
    np.testing.assert_allclose(examples.features, expected, rtol=1e-4, atol=1e-5)
    known = np.arange(24) < 12
    assert probe.accuracy(examples.take(known), examples.take(~known), source.classes) == 1


def test_folds_are_stratified() -> None:
    labels = np.array([0] * 50 + [1] * 10, np.float32)
    fold = probe.stratified_folds(labels, seed=1)
    assert [int(labels[fold == number].sum()) for number in range(5)] == [2] * 5
    assert np.bincount(fold).tolist() == [12] * 5
    assert not np.array_equal(fold, probe.stratified_folds(labels, seed=2))


def test_the_folders(shared: Path) -> None:
    photos = ck.data.folder(shared / "data" / "ants_bees_256")
    assert [part.counts().tolist() for part in (photos.train, photos.validation)] == [[123, 121], [70, 83]]
    people = probe.people(shared / "data")
    assert len(people) == 128 + 79
    assert people.classes == ("no_person", "person")
    assert people.labels is not None
    of_coco128 = ["coco128" in name for name in people.ids]
    assert 0.4 < people.labels[of_coco128].mean() < 0.44  # README of the data: 42 % show a person
