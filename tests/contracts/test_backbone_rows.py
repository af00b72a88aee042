"""What every row of the table of backbones keeps: a new row brings no test code.

Networks have random weights and small inputs. The large ones, and those whose architecture another row shows,
carry the slow marker.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
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
from numpy.typing import NDArray

from cnnkit.backbones.cuts import cut_table
from cnnkit.backbones.extractor import Backbone, backbone, build
from cnnkit.backbones.families import FAMILIES
from cnnkit.backbones.flattening import flattened
from cnnkit.backbones.graph import dominators
from cnnkit.backbones.recognition import openings
from cnnkit.backbones.table import APPLICATIONS, Row, find_row
from cnnkit.backbones.truncation import truncate
from tests.weightless import weightless

# One row of each family, small widths where there are widths.
DEFAULT = (
    "vgg16",
    "resnet50",
    "mobilenet",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "densenet121",
    "inception_v3",
    "xception",
    "nasnet_mobile",
    "efficientnet_b0",
    "efficientnet_v2_b0",
    "convnext_tiny",
)
# Legal cuts (the dominators of the output in the layer graph) and layers, measured on the applications of Keras 3.15.1
# without classifier and without cnnkit's preprocessing layer.
CUTS_OF_LAYERS = {
    "vgg16": (19, 19),
    "resnet50": (39, 175),
    "mobilenet": (86, 86),
    "mobilenet_v2": (74, 154),
    "efficientnet_b0": (83, 237),
    "densenet121": (79, 427),
    "inception_v3": (29, 311),
    "xception": (25, 132),
    "convnext_tiny": (25, 133),
    "nasnet_mobile": (5, 769),
}

NAMES = """
import json, sys, keras
from cnnkit.backbones.extractor import build
from cnnkit.backbones.table import find_row
def names(model):
    return [(layer.name, [weight.path for weight in layer.weights]) for layer in model.layers]
with keras.StatelessScope(initialize_variables=False):
    print(json.dumps({name: names(build(find_row(name), tuple(shape), alpha, top=False))
                      for name, shape, alpha in json.loads(sys.argv[1])}))
"""

PLAIN_KERAS = """
import json, sys, keras, numpy
def difference(folder):
    with open(folder + "/model.json") as file:
        model = keras.models.model_from_json(file.read())
    model.load_weights(folder + "/model.weights.h5")
    images = numpy.load(folder + "/images.npy")
    features = keras.ops.convert_to_numpy(model(images, training=False))
    return float(numpy.abs(features - numpy.load(folder + "/features.npy")).max())
found = {name: difference(folder) for name, folder in json.loads(sys.argv[1]).items()}
assert "cnnkit" not in sys.modules
print(json.dumps(found))
"""


def alpha_of(row: Row) -> float | None:
    return min(row.alphas, default=None)


def shape_of(row: Row) -> tuple[int, int, int]:
    side = max(row.minimum, 64)
    return side, side, 3


def pictures(row: Row, count: int = 2) -> NDArray[np.float32]:
    """Smooth pictures with noise, all of 0…255, shape (count, h, w, 3)."""
    height, width, _ = shape_of(row)
    generator = np.random.default_rng(7)
    y, x = np.mgrid[0:height, 0:width] / height
    smooth = np.stack([x, y, (x + y) / 2], axis=-1) * 200
    return (smooth + generator.integers(0, 56, (count, height, width, 3))).astype(np.float32)


def child(code: str, argument: object) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(argument)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def answer(model: keras.Model, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a network says of pictures, layer by layer: `predict` first makes a graph, many times as slow."""
    return keras.ops.convert_to_numpy(model(images, training=False))


@dataclass(frozen=True)
class Case:
    row: Row
    body: Backbone  # the original's weights, loaded through weights=path
    images: NDArray[np.float32]
    features: NDArray[np.float32]  # of cnnkit's network on the raw pictures
    reference: NDArray[np.float32]  # of the original on what its preprocess_input gives
    original: keras.Model


def original(row: Row) -> tuple[keras.Model, Any]:
    """The network as Keras Applications builds it, and its own preprocess_input."""
    builder = getattr(keras.applications, row.builder)
    width = {} if alpha_of(row) is None else {"alpha": alpha_of(row)}
    model = builder(include_top=False, weights=None, input_shape=shape_of(row), **width)
    module = importlib.import_module(builder.__module__)
    if not hasattr(module, "preprocess_input"):
        pytest.fail(f"no preprocess_input beside {row.builder}")
    return model, module.preprocess_input


def make_case(row: Row, folder: Path) -> Case:
    keras.utils.set_random_seed(3)
    model, preprocess_input = original(row)
    images = pictures(row)
    reference = answer(model, preprocess_input(images.copy()))
    file = folder / f"{row.name}.weights.h5"
    model.save_weights(file)
    body = backbone(row.name, weights=file, input_shape=shape_of(row), alpha=alpha_of(row))
    file.unlink()
    return Case(row, body, images, answer(body.model, images), reference, model)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(row, id=row.name, marks=[] if row.name in DEFAULT else [pytest.mark.slow]) for row in APPLICATIONS
    ],
)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    yield make_case(request.param, tmp_path_factory.mktemp("case"))
    keras.backend.clear_session()  # the next build starts from other counters all the same: names must not care


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One folder a row, for the process that loads them; removed afterwards, they are half a gigabyte."""
    folder = tmp_path_factory.mktemp("exported")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def other_process() -> Any:
    """Names of the default rows from a process that builds them in another order."""
    rows = [find_row(name) for name in reversed(DEFAULT)]
    return child(NAMES, [(row.name, shape_of(row), alpha_of(row)) for row in rows])


def names(model: keras.Model) -> list[list[Any]]:
    return stable([[layer.name, [weight.path for weight in layer.weights]] for layer in model.layers])


def stable(found: list[Any]) -> list[list[Any]]:
    """Without the number of an unnamed variable: Keras's LayerScale (ConvNeXt) gives its variable no name."""
    return [[name, [re.sub(r"/variable(_\d+)?$", "/variable", path) for path in paths]] for name, paths in found]


def test_there_are_forty() -> None:
    builders = {
        name for name, value in vars(keras.applications).items() if callable(value) and not name.startswith("_")
    }
    assert {row.builder for row in APPLICATIONS} == builders
    assert len(APPLICATIONS) == 40


def test_names_are_the_same_in_every_build_and_process(case: Case, request: pytest.FixtureRequest) -> None:
    row = case.row
    with weightless():
        again = build(row, shape_of(row), alpha_of(row), top=False)
    assert names(again) == names(case.body.model)
    if row.name in DEFAULT:
        other = request.getfixturevalue("other_process")[row.name]
    else:
        other = child(NAMES, [(row.name, shape_of(row), alpha_of(row))])[row.name]
    assert stable(other) == names(case.body.model)


def test_preprocessing_is_that_of_the_original(case: Case) -> None:
    scale = np.abs(case.reference).max()
    np.testing.assert_allclose(case.features / scale, case.reference / scale, rtol=0, atol=1e-4)


def test_the_original_is_recognised_and_gets_its_preprocessing(case: Case) -> None:
    body = backbone(case.original)
    family = FAMILIES[body.settings.family or ""]
    assert case.row.name in family.rows
    early, deep = openings(flattened(case.original)[0], widths=family.widths)
    assert set(early) <= family.early, early
    assert set(deep) <= family.deep, deep
    scale = np.abs(case.reference).max()
    features = answer(body.model, case.images)
    np.testing.assert_allclose(features / scale, case.reference / scale, rtol=0, atol=1e-4)


def test_predict_leaves_the_pictures_unchanged(case: Case) -> None:
    np.testing.assert_array_equal(case.images, pictures(case.row))


def test_the_input_is_called_image(case: Case) -> None:
    assert case.body.model.inputs[0].shape == (None, *shape_of(case.row))
    assert case.body.model.layers[0].name == "image"


def test_number_of_cuts(case: Case) -> None:
    ours = int(case.row.preprocessing != "inside")
    found = (len(dominators(case.body.model)) - ours, len(case.body.model.layers) - ours)
    if case.row.name in CUTS_OF_LAYERS:
        assert found == CUTS_OF_LAYERS[case.row.name]


def test_every_cut_is_a_prefix(case: Case) -> None:
    model = case.body.model
    table = cut_table(model)
    assert list(table["name"]) == dominators(model)
    assert table["name"].iloc[-1] == case.body.cut
    for cut in table.itertuples():
        part = truncate(model, cut.name)
        assert part.output_shape[1:] == cut.shape
        assert part.count_params() == cut.parameters
        assert {id(layer) for layer in part.layers} <= {id(layer) for layer in model.layers}
    # The rest of the network, fed with the cut's features, gives the network's own output.
    whole = keras.ops.convert_to_numpy(model(case.images, training=False))
    for index in np.linspace(1, len(table) - 2, 3).astype(int):
        part = truncate(model, table["name"][index])
        rest = keras.Model(part.outputs[0], model.outputs[0])
        result = rest(part(case.images, training=False), training=False)
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(result), whole)


def test_costs_grow_along_the_cuts(case: Case) -> None:
    table = case.body.cuts()
    for column in ("stride", "receptive_field", "parameters", "multiply_adds"):
        values = table[column].dropna().to_numpy(dtype=float)
        assert (np.diff(values) >= 0).all(), column
    assert table["receptive_field"].notna().all(), "a layer class without a row in keras_layers.TRANSLATIONS"
    stages = case.body.stages()
    assert 2 <= len(stages) <= 6  # two in NASNet, whose cells all read the two cells before
    strides = table.set_index("name")["stride"][list(stages)]
    assert list(strides) == sorted(set(strides))


def export(case: Case, folder: Path) -> None:
    folder.mkdir()
    (folder / "model.json").write_text(case.body.model.to_json(), encoding="utf-8")
    case.body.model.save_weights(folder / "model.weights.h5")
    np.save(folder / "images.npy", case.images)
    np.save(folder / "features.npy", case.features)


def test_json_and_h5_can_be_written(case: Case, exported: Path) -> None:
    folder = exported / case.row.name
    export(case, folder)
    if case.row.name not in DEFAULT:
        assert child(PLAIN_KERAS, {case.row.name: str(folder)}) == {case.row.name: 0.0}
        shutil.rmtree(folder)


def test_plain_keras_gives_the_same_numbers(exported: Path) -> None:
    """JSON + H5 into one process that never imports cnnkit, for all rows of the default run."""
    folders = {folder.name: str(folder) for folder in exported.iterdir()}
    if not folders:
        pytest.skip("no row was exported in this run")
    assert child(PLAIN_KERAS, folders) == dict.fromkeys(folders, 0.0)


@pytest.mark.parametrize("row", APPLICATIONS, ids=lambda row: row.name)
def test_hashes_are_those_that_keras_states(row: Row) -> None:
    source = inspect.getsource(importlib.import_module(getattr(keras.applications, row.builder).__module__))
    if row.name.startswith("resnet"):
        source = inspect.getsource(importlib.import_module(keras.applications.ResNet50.__module__))
    for alpha in row.alphas or (None,):
        for file in row.files(alpha=alpha, side=row.side, top=False):
            assert (file.digest is None) == (row.name in ("mobilenet", "mobilenet_v2"))
            assert file.digest is None or file.digest in source


class AskedForError(Exception):
    """What Keras would download."""


@pytest.mark.slow
@pytest.mark.parametrize("top", [False, True])
@pytest.mark.parametrize("row", APPLICATIONS, ids=lambda row: row.name)
def test_files_are_those_that_keras_asks_for(row: Row, top: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def get_file(name: str, url: str, *, cache_subdir: str, file_hash: str | None = None) -> None:
        raise AskedForError(name, url, file_hash, cache_subdir)

    builder = getattr(keras.applications, row.builder)
    # Keras's builders call this function through its module; a test may look there, the package may not.
    monkeypatch.setattr(importlib.import_module("keras.src.utils.file_utils"), "get_file", get_file)
    for alpha in row.alphas or (None,):
        width = {} if alpha is None else {"alpha": alpha}
        with pytest.raises(AskedForError) as asked:
            builder(include_top=top, weights="imagenet", input_shape=(row.side, row.side, 3), **width)
        file = row.files(alpha=alpha, side=row.side, top=top)[0]
        assert asked.value.args == (file.name, file.url, file.digest, "models")
