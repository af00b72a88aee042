"""Whole models: the forty applications, bundles, files of Keras 2, shared and nested ones, against Keras itself."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras import layers

import cnnkit as ck
from cnnkit.backbones.table import APPLICATIONS, Row
from cnnkit.course.submissions.architecture import Architecture, measure, read_architecture
from cnnkit.course.submissions.assignment import Assignment, Limits
from cnnkit.course.submissions.findings import RefusedError
from cnnkit.export.keras2_import import import_keras2
from tests.course.submissions.keras_json import body, functional, image, layer, tensor
from tests.course.submissions.saved_tensors import legacy_layers_of, tensors_of
from tests.course.submissions.valid import ASSIGNMENT, TENSORS, write_valid
from tests.export.tiny_network import network

# Keras 3.15.1 reads TensorFlow variables in a way that NumPy 2 deprecates; `save_weights` cannot avoid it.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

KERAS_2_FILES = Path(__file__).parents[2] / "export" / "keras2_files"
LIMITS = Limits()
LARGE = Limits(layers=10_000, calls=100_000)

DEFAULT = ("mobilenet", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "resnet50", "nasnet_mobile")

# Multiply-adds for one picture at the native size, as the papers print them, and where.
PUBLISHED = {
    "vgg19": 19.6e9,  # He et al. 2016, section 3.3
    "resnet50": 3.8e9,  # He et al. 2016, Table 1; also the next two
    "resnet101": 7.6e9,
    "resnet152": 11.3e9,
    "mobilenet": 569e6,  # Howard et al. 2017, Table 4
    "mobilenet_v2": 300e6,  # Sandler et al. 2018, Table 4
    "nasnet_mobile": 564e6,  # Zoph et al. 2018, Tables 1 and 2; also the next three
    "nasnet_large": 23.8e9,
    "inception_v3": 5.72e9,
    "inception_resnet_v2": 13.2e9,
    "xception": 8.4e9,
    "efficientnet_b0": 0.39e9,  # Tan and Le 2019, Table 2; also the next two
    "efficientnet_b4": 4.2e9,
    "efficientnet_b7": 37e9,
    "efficientnet_v2_s": 8.8e9,  # Tan and Le 2021, Table 7
    "convnext_tiny": 4.5e9,  # Liu et al. 2022, Table 1; also the rest
    "convnext_small": 8.7e9,
    "convnext_base": 15.4e9,
    "convnext_large": 34.4e9,
    "convnext_xlarge": 60.9e9,
}


@dataclass(frozen=True)
class Built:
    """An application, what Keras says about it and what the arithmetic says."""

    row: Row
    parameters: int
    outputs: list[int]
    tensors: dict[str, tuple[int, ...]]
    legacy: list[tuple[str, list[tuple[int, ...]]]]
    measured: Architecture


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(row, id=row.name, marks=[] if row.name in DEFAULT else [pytest.mark.slow]) for row in APPLICATIONS
    ],
)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    row: Row = request.param
    builder = getattr(keras.applications, row.builder)
    model = builder(weights=None, input_shape=(row.side, row.side, 3))
    file = tmp_path_factory.mktemp("built") / "model.weights.h5"
    model.save_weights(file)
    yield Built(
        row,
        model.count_params(),
        [math.prod(node.shape[1:]) for operation in model.operations for node in operation._inbound_nodes[0].outputs],
        tensors_of(file),
        legacy_of(model),
        measure(model.to_json().encode(), LIMITS),
    )
    file.unlink()
    keras.backend.clear_session()


def legacy_of(model: keras.Model) -> list[tuple[str, list[tuple[int, ...]]]]:
    """The order in which Keras writes and reads a legacy file (`_legacy_weights`)."""
    return [
        (part.name, [tuple(weight.shape) for weight in part.trainable_weights + part.non_trainable_weights])
        for part in model.layers
    ]


def ours(found: Architecture) -> tuple[dict[str, Any], list[Any]]:
    tensors = {path: weight.shape for path, weight in found.tensors.items()}
    return tensors, [(each.name, [weight.shape for weight in each.weights]) for each in found.legacy]


def test_parameters_are_those_of_keras(built: Built) -> None:
    assert built.measured.parameters == built.parameters


def test_tensors_are_those_that_keras_saves(built: Built) -> None:
    assert ours(built.measured) == (built.tensors, built.legacy)


def test_the_largest_output_is_that_of_keras(built: Built) -> None:
    # Between the two halves of a separable convolution lies an array that Keras shows nobody.
    separable = built.row.name in ("xception", "nasnet_mobile", "nasnet_large")
    largest = max(built.outputs)
    assert built.measured.largest_output >= largest if separable else built.measured.largest_output == largest


def test_multiply_adds_are_those_of_the_papers(built: Built) -> None:
    if built.row.name in PUBLISHED:
        assert built.measured.multiply_adds == pytest.approx(PUBLISHED[built.row.name], rel=0.05)


def check_saved(model: keras.Model, folder: Path) -> Architecture:
    """Compares both forms of file; returns what the arithmetic says."""
    found = measure(model.to_json().encode(), LARGE)
    assert found.parameters == model.count_params()
    model.save_weights(folder / "model.weights.h5")
    model.save(folder / "model.h5")
    assert ours(found) == (tensors_of(folder / "model.weights.h5"), legacy_layers_of(folder / "model.h5"))
    assert found.outputs == tuple(tuple(output.shape) for output in model.outputs)
    return found


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
class TestModelsOfKeras3:
    def test_the_valid_submission_loads(self, tmp_path: Path) -> None:
        folder = write_valid(tmp_path / "ada")
        model = keras.models.model_from_json((folder / "model.json").read_text())
        model.load_weights(folder / "model.weights.h5")
        found = check_saved(model, tmp_path)
        assert {path: weight.shape for path, weight in found.tensors.items()} == TENSORS
        probability = model.predict(np.zeros((2, 32, 32, 3), np.float32), verbose=0)
        assert probability.shape == (2, 1)

    def test_a_frozen_base_in_a_sequential(self, tmp_path: Path) -> None:
        picture = keras.Input((16, 16, 3))
        x = layers.BatchNormalization()(layers.Conv2D(4, 3)(picture))
        base = keras.Model(picture, layers.DepthwiseConv2D(3)(x), name="base")
        base.trainable = False
        model = keras.Sequential([base, layers.Flatten(), layers.Dropout(0.3), layers.Dense(1)])
        check_saved(model, tmp_path)

    def test_partly_frozen(self, tmp_path: Path) -> None:
        picture = keras.Input((16, 16, 3))
        x = layers.BatchNormalization()(layers.Conv2D(4, 3)(picture))
        base = keras.Model(picture, layers.Conv2D(5, 3)(x), name="base")
        base.layers[1].trainable = False
        head = keras.Sequential([layers.GlobalMaxPooling2D(), layers.BatchNormalization(), layers.Dense(1)])
        check_saved(keras.Sequential([base, head]), tmp_path)

    def test_models_in_models_called_several_times(self, tmp_path: Path) -> None:
        picture = keras.Input((8, 8, 4))
        inner = keras.Sequential([layers.Conv2D(4, 3, padding="same"), layers.ReLU()])
        middle_input = keras.Input((8, 8, 4))
        middle = keras.Model(middle_input, layers.Add()([inner(inner(middle_input)), middle_input]))
        model = keras.Model(picture, layers.Dense(1)(layers.Flatten()(middle(middle(picture)))))
        found = check_saved(model, tmp_path)
        # The convolution is called twice in each of two calls of `middle`.
        assert found.multiply_adds == 4 * (9 * 64 * 4 * 4) + 256
        assert found.parameters == 9 * 16 + 4 + 256 + 1

    def test_what_two_models_share_is_written_twice_and_loads_as_two(self) -> None:
        """Keras's JSON does not say that a layer of an inner model is one of the outer model too."""
        picture = keras.Input((4,))
        shared = layers.Dense(4)
        inner = keras.Model(picture, shared(picture))
        model = keras.Model(picture, shared(inner(picture)))
        loaded = keras.models.model_from_json(model.to_json())
        assert (model.count_params(), loaded.count_params()) == (20, 40)
        assert measure(model.to_json().encode(), LIMITS).parameters == 40

    def test_one_layer_at_several_depths(self, tmp_path: Path) -> None:
        picture = keras.Input((8, 8, 4), name="picture")
        shared, other = layers.Conv2D(4, 3, padding="same"), layers.Conv2D(4, 1)
        x = shared(picture)
        x = layers.Concatenate()([other(x), shared(other(shared(x)))])
        check_saved(keras.Model(picture, layers.GlobalAveragePooling2D()(x)), tmp_path)

    def test_many_branches_keep_the_order_of_keras(self, tmp_path: Path) -> None:
        picture = keras.Input((8, 8, 4), name="picture")
        branches = [layers.Conv2D(n + 1, 1, name=f"b{n}")(picture) for n in range(4)]
        deep = layers.Conv2D(7, 1)(layers.Conv2D(6, 1)(branches[2]))
        x = layers.Concatenate()([deep, branches[3], branches[0], layers.Conv2D(2, 1)(branches[1])])
        check_saved(keras.Model(picture, [layers.Conv2D(3, 1)(x), deep]), tmp_path)

    def test_an_inner_layer_of_another_model_is_an_output(self, tmp_path: Path) -> None:
        picture = keras.Input((8, 8, 4))
        inner_input = keras.Input((8, 8, 4))
        first = layers.Conv2D(2, 3)(inner_input)
        inner = keras.Model(inner_input, [first, layers.Conv2D(3, 3)(first)])
        one, two = inner(picture)
        pooled = [layers.GlobalAveragePooling2D()(each) for each in (two, one)]
        check_saved(keras.Model(picture, layers.Concatenate()(pooled)), tmp_path)

    def test_compiled_and_trained(self, tmp_path: Path) -> None:
        model = keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(1, "sigmoid")])
        metrics = ["accuracy", keras.metrics.AUC(), keras.metrics.BinaryAccuracy(threshold=0.4)]
        model.compile(keras.optimizers.Adam(1e-3), keras.losses.BinaryCrossentropy(), metrics=metrics)
        model.fit(np.zeros((4, 8, 8, 3)), np.zeros((4, 1)), verbose=0)
        found, findings = read_architecture(model.to_json().encode(), ASSIGNMENT)
        assert not findings
        model.save_weights(tmp_path / "model.weights.h5")
        assert found is not None
        assert ours(found)[0] == tensors_of(tmp_path / "model.weights.h5")

    def test_compiled_with_a_schedule_and_a_loss_of_ones_own(self) -> None:
        def own(truth, found):
            return keras.losses.binary_focal_crossentropy(truth, found) / 2

        model = keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(1, "sigmoid")])
        rate = keras.optimizers.schedules.PiecewiseConstantDecay((10, 20), (0.1, 0.01, 0.001))
        optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(rate, momentum=0.9))
        model.compile(optimizer, loss=own, metrics=(keras.metrics.MeanMetricWrapper(own), "accuracy"))
        text = model.to_json()
        assert '"config": "own"' in text
        assert read_architecture(text.encode(), ASSIGNMENT)[1] == ()

    def test_a_bundle(self, tmp_path: Path) -> None:
        ck.save(network(), tmp_path / "bundle")
        found = measure((tmp_path / "bundle" / "model.json").read_bytes(), LIMITS)
        assert ours(found)[0] == tensors_of(tmp_path / "bundle" / "model.weights.h5")

    def test_a_network_for_the_assignment(self, tmp_path: Path) -> None:
        head = ck.heads.classifier(["no_person", "person"], hidden=(16,), dropout=0.3)
        net = ck.attach(ck.backbone("nano"), head)
        found = check_saved(net.model, tmp_path)
        assert read_architecture(net.model.to_json().encode(), ASSIGNMENT)[1] == ()
        assert found.inputs == ((None, 96, 96, 3),)


class TestFilesOfKeras2:
    """`_legacy_weights` of Keras 2 had the same order: what trains, then what does not."""

    def check(self, file: Path, document: str) -> Architecture:
        found = measure(document.encode(), LIMITS)
        there = [(name, shapes) for name, shapes in legacy_layers_of(file) if name != "top_level_model_weights"]
        filled = [(name, shapes) for name, shapes in ours(found)[1] if shapes]
        assert filled == [(name, shapes) for name, shapes in there if shapes]
        return found

    @pytest.mark.parametrize("name", ["sequential", "deferred", "branches", "nested", "shared", "attention", "half"])
    def test_made_with_keras_2(self, name: str) -> None:
        file = KERAS_2_FILES / f"{name}.h5"
        with h5py.File(file, "r") as opened:
            document = opened.attrs["model_config"]
        found = self.check(file, document)
        model = import_keras2(None, file)
        assert found.parameters == model.count_params()
        assert found.outputs == tuple(tuple(output.shape) for output in model.outputs)

    @pytest.mark.parametrize("name", ["nested", "shared"])
    def test_json_and_weights(self, name: str) -> None:
        self.check(KERAS_2_FILES / f"{name}_weights.h5", (KERAS_2_FILES / f"{name}.json").read_text())

    @pytest.mark.parametrize(("name", "check"), [("operator", "layer-code"), ("recurrent", "layer-unknown")])
    def test_what_is_refused(self, name: str, check: str) -> None:
        if name == "operator":
            document = (KERAS_2_FILES / "operator.json").read_text()
        else:
            with h5py.File(KERAS_2_FILES / f"{name}.h5", "r") as opened:
                document = opened.attrs["model_config"]
        with pytest.raises(RefusedError) as refused:
            measure(document.encode(), LIMITS)
        assert refused.value.check == check

    @pytest.mark.parametrize(
        ("name", "parameters", "classes"),
        [
            ("mlperf_tiny/visual_wake_words/trained_models/vww_96.h5", 221_794, 2),  # the data's own README
            ("teachable_machine/keras_model.h5", None, 4),
        ],
    )
    def test_from_the_wild(self, shared: Path, name: str, parameters: int | None, classes: int) -> None:
        file = shared / "data" / name
        with h5py.File(file, "r") as opened:
            document = opened.attrs["model_config"]
        found = self.check(file, document)
        model = import_keras2(None, file)
        assert found.parameters == model.count_params()
        assert parameters in (None, found.parameters)
        assert found.outputs == ((None, classes),)
        _, findings = read_architecture(document.encode(), ASSIGNMENT)
        assert [finding.check for finding in findings] == ["model-output"]


class TestWhatTheAssignmentSays:
    def test_an_input_shape(self) -> None:
        assignment = Assignment(name="a", title="A", input_shape=(64, 64, 3))
        _, findings = read_architecture(json.dumps(functional(body())).encode(), assignment)
        assert [finding.check for finding in findings] == ["model-input"]

    def test_every_budget_is_said_at_once(self) -> None:
        limits = Limits(parameters=264, activation_bytes=98_303, multiply_adds=2047)
        assignment = Assignment(name="a", title="A", limits=limits)
        found, findings = read_architecture(json.dumps(functional(body())).encode(), assignment)
        budgets = ["budget-parameters", "budget-activation", "budget-multiply-adds", "budget-operations"]
        assert [finding.check for finding in findings] == budgets
        assert found is not None
        # 3·3·3·8 + 8, 4·8, 8 + 1; the input and what Rescaling makes of it, 2·32·32·3 float32 for 8 pictures;
        # 27·16·16·8 + 8; the mean of 16·16·8
        assert (found.parameters, found.activation_bytes(8)) == (224 + 32 + 9, 196_608)
        assert (found.multiply_adds, found.operations) == (55_296 + 8, 2048)

    def test_what_is_just_within(self) -> None:
        limits = Limits(parameters=265, activation_bytes=196_608, multiply_adds=55_304, layers=7, calls=13)
        assignment = Assignment(name="a", title="A", limits=limits)
        assert read_architecture(json.dumps(functional(body())).encode(), assignment)[1] == ()

    def test_a_long_chain_costs_no_recursion(self) -> None:
        parts = [image()]
        for number in range(3000):
            parts.append(layer("ReLU", f"r{number}", parts[-1]["name"]))
        assert measure(json.dumps(functional(parts)).encode(), LARGE).calls == 3001
        backwards = functional([parts[0], *reversed(parts[1:])], output="r2999")
        assert measure(json.dumps(backwards).encode(), LARGE).calls == 3001

    def test_work_is_bounded_by_the_calls(self) -> None:
        shared = layer("ReLU", "r", "image")
        shared["inbound_nodes"] += [{"args": [tensor("r", number)], "kwargs": {}} for number in range(9000)]
        document = functional([image(), shared])
        document["config"]["output_layers"] = [["r", 9000, 0]]
        started = time.process_time()
        with pytest.raises(RefusedError) as refused:
            measure(json.dumps(document).encode(), LIMITS)
        assert refused.value.check == "budget-calls"
        # CPU seconds: 1.7 on a slow core, 2.9 on one that is shared.
        assert time.process_time() - started < 8


# --- whatever the bytes are

ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from(["Lambda", "keras.layers", "../x", "Dense", "relu", [None, 4, 4, 3], {"class_name": "Dense"}]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
RICH = functional(
    [
        *body()[:-2],
        layer("MaxPooling2D", "p", "relu", pool_size=[2, 2], strides=[2, 2], padding="valid"),
        layer("Reshape", "shape", "p", target_shape=[-1, 8]),
        layer("Add", "sum", "shape", "shape"),
        layer("GlobalAveragePooling1D", "pool", "sum", keepdims=False),
        body()[-1],
    ]
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


PLACES = list(places(RICH))[1:]


def replaced(path: tuple[Any, ...], value: Any) -> Any:
    document = json.loads(json.dumps(RICH))
    node = document
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return document


def assert_said(data: bytes) -> None:
    found, findings = read_architecture(data, ASSIGNMENT)
    assert found is not None or findings
    for finding in findings:
        assert str(finding).isprintable()
        assert len(str(finding)) < 2000


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(PLACES), ODD)
def test_any_value_in_any_place_ends_in_a_finding(path: tuple[Any, ...], value: Any) -> None:
    assert_said(json.dumps(replaced(path, value)).encode())


@settings(max_examples=200, deadline=None)
@given(ODD)
def test_any_json_ends_in_a_finding(value: Any) -> None:
    assert_said(json.dumps(value).encode())


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_end_in_a_finding(data: bytes) -> None:
    assert_said(data)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(json.dumps(RICH)) - 1), st.integers(0, 255))
def test_any_changed_byte_ends_in_a_finding_or_a_model(place: int, byte: int) -> None:
    data = bytearray(json.dumps(RICH).encode())
    data[place] = byte
    assert_said(bytes(data))
