"""Bundles of version 1 (see bundle_version_1/make.py) load and give the numbers that their version gave."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cnnkit as ck

FILES = Path(__file__).parent / "bundle_version_1"
NAMES = ("two_classes", "tags")
# Keras 3.15.1 reads TensorFlow variables in a way that NumPy 2 deprecates; `save_weights` cannot avoid it.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def manifest(name: str) -> dict[str, Any]:
    return json.loads((FILES / name / "manifest.json").read_text())


@pytest.fixture(scope="module")
def expected() -> dict[str, np.ndarray]:
    with np.load(FILES / "expected.npz") as file:
        return dict(file)


@pytest.fixture(params=["as it was saved", "saved again"])
def way(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def load(way: str, tmp_path: Path):
    """Loads a bundle of version 1, or what the present version saves of it."""

    def loaded(name: str) -> ck.Network:
        bundle = Path(shutil.copytree(FILES / name, tmp_path / name))
        if way == "as it was saved":
            return ck.load(bundle)
        return ck.load(ck.save(ck.load(bundle), tmp_path / "again"))

    return loaded


def test_they_are_of_version_1() -> None:
    assert {manifest(name)["version"] for name in NAMES} == {1}


@pytest.mark.parametrize("name", NAMES)
def test_the_numbers_are_those_of_their_version(name: str, load, expected: dict[str, np.ndarray]) -> None:
    net, images = load(name), expected["images"]
    outputs = net.model.predict(images.astype(np.float32), verbose=0)
    np.testing.assert_allclose(outputs, expected[f"{name}/outputs"], rtol=1e-5, atol=1e-6)
    table = ck.predict(net, images)
    assert table["label"].tolist() == expected[f"{name}/labels"].tolist()
    np.testing.assert_allclose(table[list(net.classes)], expected[f"{name}/probabilities"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_scores_are_those_of_their_version(name: str, load, expected: dict[str, np.ndarray]) -> None:
    net = load(name)
    labels = expected["tags"] if name == "tags" else expected["tags"][:, 0]
    source = ck.data.arrays(expected["images"], labels, classes=net.classes, split=(1, 0, 0)).train
    scores = ck.evaluate(net, source)
    names, values = expected[f"{name}/score names"], expected[f"{name}/scores"]
    assert {known: scores[known] for known in names} == pytest.approx(dict(zip(names, values, strict=True)), rel=1e-5)


def test_the_head_decides_as_it_did(load) -> None:
    head, told = load("two_classes").head, manifest("two_classes")["head"]
    calibration = head.calibration
    assert head.classes == ("dark", "red")
    assert head.class_weight == "balanced"
    assert (head.loss_name, head.gamma) == ("focal", 1.5)
    assert head.threshold == told["threshold"] != 0.5
    assert calibration is not None
    assert calibration.temperature == told["calibration"]["temperature"] != 1
    assert calibration.pictures == 16
    tags = load("tags").head
    assert tags.multi_label
    assert tags.threshold == (0.4, 0.5, 0.6)
    assert tags.pooling == "max"


def test_backbone_and_framing(load) -> None:
    net = load("two_classes")
    assert net.cut == "conv1"
    assert net.size == (8, 8)
    assert net.framing == ck.data.Framing("pad", "area")
    assert net.backbone.model.output_shape == (None, 4, 4, 3)


def test_the_run_is_told(load) -> None:
    run = load("two_classes").run
    assert run is not None
    assert [phase.name for phase in run.plan.phases] == ["head", "deep"]
    assert [fit.phases for fit in run.earlier] == [("head",)]
    history = pd.read_parquet(FILES / "two_classes" / "history.parquet")
    pd.testing.assert_frame_equal(run.history, history)
    assert load("tags").run is None


def test_training_goes_on(load, expected: dict[str, np.ndarray]) -> None:
    net = load("two_classes")
    photos = ck.data.arrays(expected["images"], expected["tags"][:, 0], classes=net.classes, split=(1, 0, 0))
    ck.fit(net, photos, ck.plans.probe(epochs=1), progress=False)
    assert net.run is not None
    assert [phase.name for phase in net.run.plan.phases] == ["head", "deep", "head 2"]
