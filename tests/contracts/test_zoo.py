"""What every network of the zoo keeps: it trains, it loads in plain Keras, it is a backbone; a new one brings no test.

Networks take their smallest inputs. Those whose file another one shows carry the slow marker.
"""

from __future__ import annotations

import inspect
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.backbones.graph import dominators
from cnnkit.backbones.naming import canonical
from cnnkit.backbones.table import OWN, ROWS, Row
from cnnkit.backbones.truncation import truncate
from cnnkit.errors import InputError
from cnnkit.export.stock import check_stock
from tests.weightless import weightless

NETWORKS = [name for name in ck.zoo.__all__ if name not in ("nano", "unet")]  # these classify no pictures
# One of each file, the smallest.
DEFAULT = {
    *("mlp", "convnet", "lenet5", "alexnet", "vgg11", "googlenet", "resnet18", "squeezenet1_1"),
    *("mobilenet", "mobilenet_v2", "mobilenet_v3_small", "shufflenet", "shufflenet_v2", "densenet121"),
    "mobilefacenet",
}
TEN_SECONDS = ("shufflenet", "densenet121")  # of training, each
SIGNATURE = ["input_shape", "classes", "weights"]
CLASSES = 4
# Rate and steps of Adam; the others, with normalization and not so deep, take 0.001 and 3.
TRAINING = {
    **dict.fromkeys(("mlp", "convnet", "lenet5"), (3e-3, 6)),
    **dict.fromkeys(("squeezenet1_0", "squeezenet1_1"), (1e-3, 12)),
    **dict.fromkeys(("alexnet", "alexnet_two_columns", "googlenet"), (1e-4, 6)),
    **dict.fromkeys(("vgg11", "vgg13", "vgg16", "vgg19"), (1e-4, 6)),
    **dict.fromkeys(("resnet50", "resnet101", "resnet152"), (1e-4, 3)),
}

PLAIN_KERAS = """
import json, sys, keras, numpy
def difference(folder):
    with open(folder + "/model.json") as file:
        model = keras.models.model_from_json(file.read())
    model.load_weights(folder + "/model.weights.h5")
    answers = numpy.asarray(model(numpy.load(folder + "/images.npy"), training=False))
    return float(numpy.abs(answers - numpy.load(folder + "/answers.npy")).max())
found = {name: difference(folder) for name, folder in json.loads(sys.argv[1]).items()}
assert "cnnkit" not in sys.modules
print(json.dumps(found))
"""


def least(name: str) -> int:
    """The smallest side: of its row, or of the application of the same name, which are built alike."""
    return ROWS[name].minimum


def pictures(side: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Small pictures of four kinds: stripes along or across, bright or dark, with noise; shape (count, s, s, 3)."""
    generator = np.random.default_rng(11)
    labels = np.arange(count) % CLASSES
    waves = np.sin(np.arange(side) * 2 * np.pi / 7)
    along, across = (
        np.broadcast_to(waves[:, None, None], (side, side, 3)),
        np.broadcast_to(waves[:, None], (side, side, 3)),
    )
    images = np.stack([(along, across)[label % 2] * 50 + (90, 160)[label // 2] for label in labels])
    return (images + generator.normal(0, 10, images.shape)).clip(0, 255).astype("float32"), labels


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One folder a network, for the process that loads them; removed afterwards."""
    folder = tmp_path_factory.mktemp("exported")
    yield folder
    shutil.rmtree(folder)


def marked(names: list[str], default: set[str]) -> list[Any]:
    return [pytest.param(name, marks=[] if name in default else [pytest.mark.slow]) for name in names]


def built(name: str) -> tuple[keras.Model, np.ndarray, np.ndarray]:
    """A network with its classifier at the smallest input, GoogLeNet with its auxiliary heads; 32 pictures, labels."""
    heads = {"auxiliary": True} if name == "googlenet" else {}
    side = 65 if heads else least(name)
    model = getattr(ck.zoo, name)(input_shape=(side, side, 3), classes=CLASSES, **heads)
    return model, *pictures(side, 32)


@dataclass(frozen=True)
class Case:
    name: str
    model: keras.Model
    images: np.ndarray
    labels: np.ndarray


@pytest.fixture(scope="module", params=marked(NETWORKS, DEFAULT))
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    keras.utils.set_random_seed(0)
    yield Case(request.param, *built(request.param))
    keras.backend.clear_session()


@pytest.mark.parametrize("name", NETWORKS)
def test_one_signature(name: str) -> None:
    parameters = inspect.signature(getattr(ck.zoo, name)).parameters
    assert list(parameters)[:3] == SIGNATURE
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in parameters.values())
    assert parameters["weights"].default is None


def test_names_are_given_and_the_same_in_every_build(case: Case) -> None:
    assert case.model.name == case.name
    assert case.model.layers[0].name == "image"
    with weightless():
        again = getattr(ck.zoo, case.name)(input_shape=(96, 96, 3), classes=None)
    names = [layer.name for layer in case.model.layers]
    assert [name for name in names if name in {layer.name for layer in again.layers}] == [
        layer.name for layer in again.layers
    ]
    assert canonical(case.model) is case.model  # no layer has a number that Keras gave it


def test_stock_layers_only(case: Case) -> None:
    check_stock(case.model, json.loads(case.model.to_json()))


def test_json_and_h5_can_be_written(case: Case, exported: Path) -> None:
    folder = exported / case.name
    folder.mkdir()
    features = case.model if len(case.model.outputs) == 1 else keras.Model(case.model.input, case.model.outputs[0])
    (folder / "model.json").write_text(features.to_json(), encoding="utf-8")
    features.save_weights(folder / "model.weights.h5")
    np.save(folder / "images.npy", case.images[:2])
    np.save(folder / "answers.npy", np.asarray(features(case.images[:2], training=False)))


def test_plain_keras_gives_the_same_numbers(exported: Path) -> None:
    """JSON + H5 into one process that never imports cnnkit."""
    folders = {folder.name: str(folder) for folder in exported.iterdir()}
    if not folders:
        pytest.skip("no network was exported in this run")
    done = subprocess.run(
        [sys.executable, "-c", PLAIN_KERAS, json.dumps(folders)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == dict.fromkeys(folders, 0.0)


def assert_the_loss_falls(case: Case) -> None:
    rate, steps = TRAINING.get(case.name, (1e-3, 3))
    # Step by step: quicker than to trace 400 layers for three steps, but for convolutions in groups, which Keras
    # compiles anew each time.
    grouped = any(getattr(layer, "groups", 1) > 1 for layer in case.model.layers)
    losses = ["sparse_categorical_crossentropy"] * len(case.model.outputs)
    case.model.compile(keras.optimizers.Adam(rate), losses, run_eagerly=not grouped)
    labels = [case.labels] * len(losses)
    history = case.model.fit(case.images, labels, batch_size=32, epochs=steps, verbose=0).history["loss"]
    assert history[-1] < 0.98 * history[0], history


def test_the_loss_falls(case: Case) -> None:
    """The last test of a network: behind it its weights are others."""
    if case.name not in TEN_SECONDS:
        assert_the_loss_falls(case)


@pytest.mark.slow
@pytest.mark.parametrize("name", TEN_SECONDS)
def test_the_loss_falls_in_ten_seconds(name: str) -> None:
    keras.utils.set_random_seed(0)
    assert_the_loss_falls(Case(name, *built(name)))
    keras.backend.clear_session()


# --- rows


def test_every_network_is_a_backbone() -> None:
    assert set(NETWORKS) <= set(ck.backbones.names())
    assert [row.name for row in OWN] == ck.backbones.names()[40:]


@pytest.mark.parametrize("row", OWN, ids=lambda row: row.name)
def test_the_smallest_input_is_the_one_stated(row: Row) -> None:
    if row.minimum > 1:
        side = row.minimum - 1
        with pytest.raises(InputError):
            getattr(ck.zoo, row.name)(input_shape=(side, side, 3))


@pytest.mark.parametrize("row", OWN, ids=lambda row: row.name)
def test_cuts_and_stages(row: Row) -> None:
    side = max(64, row.minimum)
    with weightless():
        body = ck.backbone(row.name, weights=None, input_shape=(side, side, 3))
    table = body.cuts()
    assert list(table["name"]) == dominators(body.model)
    assert table["name"].iloc[-1] == body.cut
    assert table["receptive_field"].notna().all(), "a layer class without a row in keras_layers.TRANSLATIONS"
    for column in ("parameters", "multiply_adds", "receptive_field"):
        assert (np.diff(table[column].to_numpy(float)) >= 0).all(), column
    stages = body.stages()
    assert (2 <= len(stages) <= 6) if row.name != "mlp" else not stages  # a perceptron has no maps
    for end in stages:
        part = truncate(body.model, end)
        assert part.output_shape[1:] == table.set_index("name")["shape"][end]
        assert len(part.output_shape) == 4


def test_a_head_learns_on_a_network_of_the_zoo() -> None:
    """The road of every backbone: stage, head, plan, fit."""
    images, labels = pictures(32, 32)
    body = ck.backbone("resnet18", weights=None, input_shape=(32, 32, 3), cut="stage3")
    photos = ck.data.arrays(images.astype("uint8"), labels)
    net = ck.attach(body, ck.heads.classifier(photos.classes))
    run = ck.fit(net, photos, ck.plans.probe(epochs=3), cache="none", seed=0)
    assert len(run.history) == 3
