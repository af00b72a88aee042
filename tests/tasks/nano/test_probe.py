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
    train, test, _ = ck.data.arrays(images, labels, split=(0.5, 0.5, 0)).parts().values()
    photos = ck.data.Dataset(train.classes, train, ck.data.Source.empty(train.classes), test)
    body = ck.backbone("nano", weights=None, input_shape=(32, 32, 3))
    assert probe.accuracy(body, photos, ck.data.Framing()) == 1


def test_folds_are_stratified_and_each_picture_is_tested_once() -> None:
    images = np.zeros((60, 8, 8, 3), np.uint8)
    whole = ck.data.arrays(images, [0] * 50 + [1] * 10, split=(1, 0, 0)).train
    parts = list(probe.folds(whole))
    assert [part.test.counts().tolist() for part in parts] == [[10, 2]] * 5
    assert sorted(name for part in parts for name in part.test.ids) == sorted(whole.ids)
    assert all(not set(part.train.ids) & set(part.test.ids) and not len(part.validation) for part in parts)


def test_the_folders(shared: Path) -> None:
    photos = probe.ants_bees(shared / "data")
    counts = photos.counts()
    assert counts["train"].tolist() == [123, 121]
    assert counts["test"].tolist() == [70, 83]
    assert not len(photos.validation)
    people = probe.people(shared / "data")
    assert len(people) == 128 + 79
    assert people.classes == ("no_person", "person")
    assert people.labels is not None
    of_coco128 = ["coco128" in name for name in people.ids]
    assert 0.4 < people.labels[of_coco128].mean() < 0.44  # README of the data: 42 % show a person
