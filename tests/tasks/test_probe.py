"""The linear probe against a slow definition, and the pictures that it reads."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.optimize import minimize

from cnnkit.errors import DataError, ImageFileError
from cnnkit.tasks import probe


def test_it_is_the_minimum_of_the_objective_that_it_documents() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 5)) * [1, 5, 0.1, 2, 1]
    labels = (features[:, 0] + rng.normal(size=60) > 0).astype(np.int64)
    found = probe.fit_probe(features, labels, penalties=[0.1])
    inputs = (features - features.mean(axis=0)) / features.std(axis=0)
    signs = 2.0 * labels - 1

    def objective(solution: np.ndarray) -> float:
        losses = np.logaddexp(0, -signs * (inputs @ solution[:-1] + solution[-1]))
        return float(losses.mean() + 0.05 * np.sum(solution[:-1] ** 2))

    slow = minimize(objective, np.zeros(6), method="BFGS", options={"gtol": 1e-7}).x
    np.testing.assert_allclose([*found.weights, found.bias], slow, atol=1e-4)
    assert found.accuracy(features, labels) > 0.7


def test_noise_gets_a_large_penalty_and_a_clear_case_a_small_one() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(80) % 2
    noise = rng.normal(size=(80, 200))
    clear = noise.copy()
    clear[:, :20] += 3 * labels[:, None]
    assert probe.fit_probe(clear, labels).penalty < probe.fit_probe(noise, labels).penalty


def test_more_features_than_examples_and_separable() -> None:
    labels = np.arange(40) % 2
    features = np.random.default_rng(0).normal(size=(40, 300)) + labels[:, None]
    assert probe.fit_probe(features, labels).accuracy(features, labels) == 1


def test_too_few_of_one_class() -> None:
    with pytest.raises(DataError, match="3 of the rarer one"):
        probe.fit_probe(np.zeros((20, 2)), np.array([1] * 3 + [0] * 17))


def test_folds_are_stratified() -> None:
    labels = np.array([0] * 50 + [1] * 10)
    part = probe.stratified_folds(labels, 5, seed=1)
    assert [int(labels[part == fold].sum()) for fold in range(5)] == [2] * 5


def test_the_middle_or_the_whole(tmp_path: Path) -> None:
    picture = np.zeros((60, 120, 3), np.uint8)
    picture[:, 30:90] = (0, 0, 255)  # red in OpenCV's order, the middle square
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    assert (probe.read_image(tmp_path / "a.png", 60) == [255, 0, 0]).all()
    assert probe.read_image(tmp_path / "a.png", 60, whole=True)[:, :, 0].mean() == pytest.approx(127.5, abs=1)
    assert probe.read_image(tmp_path / "a.png", 200).shape == (200, 200, 3)


def test_a_file_that_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no")
    with pytest.raises(ImageFileError, match=r"a\.jpg"):
        probe.read_image(tmp_path / "a.jpg", 32)


def test_the_folders(shared: Path) -> None:
    counts = [np.bincount(probe.ants_bees(shared / "data", split)[1]).tolist() for split in ("train", "val")]
    assert counts == [[123, 121], [70, 83]]
    files, labels = probe.people(shared / "data")
    assert len(files) == len(labels) == 128 + 79
    assert 0.4 < labels[:128].mean() < 0.44  # README of the data: 42 % show a person
