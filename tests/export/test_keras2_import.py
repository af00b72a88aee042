"""Files of genuine Keras 2 (see keras2_files/make.py) and hand-written ones in older forms."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from PIL import Image

from cnnkit.errors import InputError, WeightsError
from cnnkit.export.keras2_import import build_keras2, import_keras2
from cnnkit.scenes.large_enough import large_enough

# Keras 3.15.1 reads TensorFlow variables in a way that NumPy 2 deprecates; `save_weights` cannot avoid it.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

FILES = Path(__file__).parent / "keras2_files"
EXPECTED = dict(np.load(FILES / "expected.npz"))
MODELS = ["sequential", "deferred", "branches", "nested", "shared", "recurrent", "attention", "half"]


def arrays(name: str, kind: str) -> list[np.ndarray]:
    return [EXPECTED[key] for key in sorted(EXPECTED) if key.startswith(f"{name}/{kind}")]


def outputs(model: keras.Model, name: str) -> list[np.ndarray]:
    inputs = arrays(name, "input")
    found = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    return [np.asarray(value) for value in (found if isinstance(found, (list, tuple)) else [found])]


def assert_same_numbers(model: keras.Model, name: str) -> None:
    found, wanted = outputs(model, name), arrays(name, "output")
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


# ---- What Keras 2.15 wrote ----


@pytest.mark.parametrize("name", MODELS)
def test_full_h5_gives_the_numbers_of_keras_2(name: str) -> None:
    assert_same_numbers(import_keras2(None, FILES / f"{name}.h5"), name)


@pytest.mark.parametrize("name", ["nested", "shared"])
def test_json_and_weights_give_the_numbers_of_keras_2(name: str) -> None:
    model = import_keras2(FILES / f"{name}.json", FILES / f"{name}_weights.h5")
    assert_same_numbers(model, name)


@pytest.mark.parametrize("name", ["nested", "branches", "shared"])
def test_what_was_imported_saves_and_loads_as_a_model_of_keras_3(name: str, tmp_path: Path) -> None:
    model = import_keras2(None, FILES / f"{name}.h5")
    model.save_weights(tmp_path / "m.weights.h5")
    again = keras.models.model_from_json(model.to_json())
    again.load_weights(tmp_path / "m.weights.h5")
    assert_same_numbers(again, name)


def test_structure_and_flags_survive() -> None:
    model = import_keras2(None, FILES / "nested.h5")
    assert [layer.name for layer in model.layers] == ["image", "scale", "base", "head", "out"]
    assert not model.get_layer("base").trainable
    assert model.get_layer("head").trainable
    half = import_keras2(None, FILES / "half.h5")
    assert half.get_layer("conv").dtype_policy.name == "mixed_float16"
    assert half.get_layer("out").dtype_policy.name == "float32"
    twins = import_keras2(None, FILES / "shared.h5")
    assert twins.count_params() == 5 * 4 + 4 + 4 * 3 + 3  # each shared layer once


@pytest.mark.parametrize(
    "file", ["mlperf_tiny/visual_wake_words/trained_models/vww_96.h5", "teachable_machine/keras_model.h5"]
)
def test_the_two_old_files_give_the_numbers_of_keras_2(shared: Path, file: str) -> None:
    model = import_keras2(None, shared / "data" / file)
    noise = np.random.default_rng(7).uniform(-1, 1, (2, *model.input_shape[1:])).astype(np.float32)
    wanted = EXPECTED[f"{Path(file).stem}/output0"]
    np.testing.assert_allclose(np.asarray(model(noise)), wanted, atol=1e-6)


@pytest.mark.parametrize(("folder", "accuracy"), [("coco128", 0.852), ("coco_mini", 0.797)])
def test_visual_wake_words_scores_as_published(shared: Path, folder: str, accuracy: float) -> None:
    model = import_keras2(None, shared / "data/mlperf_tiny/visual_wake_words/trained_models/vww_96.h5")
    root = shared / "data" / folder
    coco = json.loads((root / "annotations" / "instances_val2017.json").read_text())
    person = next(row["id"] for row in coco["categories"] if row["name"] == "person")
    files = {file.name: file for file in root.rglob("*.jpg")}
    images, labels = [], []
    for image in coco["images"]:
        small = Image.open(files[image["file_name"]]).convert("RGB").resize((96, 96), Image.Resampling.BILINEAR)
        images.append(np.asarray(small, np.float32) / 255)
        whole = image["height"] * image["width"]
        labels.append(
            any(
                row["image_id"] == image["id"]
                and row["category_id"] == person
                and large_enough(row["bbox"][2] * row["bbox"][3], whole)
                for row in coco["annotations"]
            )
        )
    probabilities = model.predict(np.stack(images), verbose=0)
    assert (probabilities.argmax(axis=1) == labels).mean() == pytest.approx(accuracy, abs=0.0005)


# ---- What older versions wrote, by hand ----


def dense(name: str, units: int, **settings: Any) -> dict[str, Any]:
    return {"class_name": "Dense", "config": {"name": name, "trainable": True, "units": units, **settings}}


def as_json(class_name: str, config: Any) -> str:
    return json.dumps({"class_name": class_name, "config": config, "keras_version": "2.2.4"})


def legacy(path: Path, groups: dict[str, dict[str, np.ndarray]], *, pieces: int = 1) -> Path:
    """An H5 file in the legacy layout; with `pieces` its name lists are split as Keras does beyond 64 KB."""
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = np.bytes_("2.2.4")

        def write(group: h5py.Group, attribute: str, names: list[str]) -> None:
            encoded = [name.encode() for name in names]
            if pieces == 1:
                group.attrs[attribute] = encoded
                return
            for number, piece in enumerate(np.array_split(np.asarray(encoded), pieces)):
                group.attrs[f"{attribute}{number}"] = piece

        write(file, "layer_names", list(groups))
        for name, tensors in groups.items():
            group = file.create_group(name)
            write(group, "weight_names", list(tensors))
            for tensor, values in tensors.items():
                group[tensor] = values
    return path


KERNEL = np.arange(12, dtype=np.float32).reshape(4, 3) / 10
BIAS = np.array([1, 2, 3], np.float32)
ONE_DENSE = [dense("a", 3, batch_input_shape=[None, 4])]


def test_sequential_of_keras_2_2_is_a_bare_list_without_an_input_layer(tmp_path: Path) -> None:
    text = tmp_path / "m.json"
    text.write_text(as_json("Sequential", ONE_DENSE))
    model = import_keras2(text, legacy(tmp_path / "w.h5", {"a": {"a/kernel:0": KERNEL, "a/bias:0": BIAS}}))
    x = np.ones((1, 4), np.float32)
    np.testing.assert_allclose(np.asarray(model(x)), x @ KERNEL + BIAS, rtol=1e-6)


def test_names_find_their_variables_whatever_the_order_and_the_numbering(tmp_path: Path) -> None:
    """Bias before kernel, names that TensorFlow 1 numbered, a list of names in two pieces."""
    text = tmp_path / "m.json"
    text.write_text(as_json("Sequential", ONE_DENSE))
    tensors = {"a_1/bias_1:0": BIAS, "a_1/kernel_1:0": KERNEL}
    model = import_keras2(text, legacy(tmp_path / "w.h5", {"a": tensors}, pieces=2))
    np.testing.assert_array_equal(np.asarray(model.get_layer("a").kernel), KERNEL)


def nested_twins() -> dict[str, Any]:
    """Functional, in the form of Keras 2.2: "Model", two Sequentials with a layer of the same name each."""

    def inner(name: str) -> dict[str, Any]:
        return {
            "class_name": "Sequential",
            "name": name,
            "config": {"name": name, "layers": [dense("same", 4, use_bias=False, batch_input_shape=[None, 4])]},
            "inbound_nodes": [[["x", 0, 0, {}]]],
        }

    return {
        "class_name": "Model",
        "name": "outer",
        "config": {
            "name": "outer",
            "layers": [
                {
                    "class_name": "InputLayer",
                    "name": "x",
                    "config": {"name": "x", "batch_input_shape": [None, 4], "dtype": "float32", "sparse": False},
                    "inbound_nodes": [],
                },
                inner("one"),
                inner("two"),
                {
                    "class_name": "Subtract",
                    "name": "minus",
                    "config": {"name": "minus"},
                    "inbound_nodes": [[["one", 1, 0, {}], ["two", 1, 0, {}]]],
                },
            ],
            "input_layers": [["x", 0, 0]],
            "output_layers": [["minus", 0, 0]],
        },
    }


def test_layers_of_the_same_name_in_two_nested_models(tmp_path: Path) -> None:
    outer = nested_twins()
    text = tmp_path / "m.json"
    text.write_text(as_json("Model", outer["config"]))
    one, two = np.random.default_rng(0).normal(size=(2, 4, 4)).astype(np.float32)
    groups = {"two": {"same/kernel:0": two}, "one": {"same/kernel:0": one}, "x": {}, "minus": {}}
    model = import_keras2(text, legacy(tmp_path / "w.h5", groups))
    x = np.eye(4, dtype=np.float32)
    np.testing.assert_allclose(np.asarray(model(x)), one - two, rtol=1e-5)


def test_deeper_twins_are_told_apart_by_the_path_or_refused(tmp_path: Path) -> None:
    outer = nested_twins()
    text = tmp_path / "m.json"
    text.write_text(
        as_json(
            "Sequential",
            {
                "name": "s",
                "layers": [
                    {
                        "class_name": "InputLayer",
                        "config": {"name": "i", "batch_input_shape": [None, 4], "dtype": "float32"},
                    },
                    {"class_name": "Model", "config": outer["config"]},
                ],
            },
        )
    )
    one, two = np.random.default_rng(0).normal(size=(2, 4, 4)).astype(np.float32)
    told = {"outer": {"outer/one/same/kernel:0": one, "outer/two/same/kernel:0": two}}
    model = import_keras2(text, legacy(tmp_path / "told.h5", told))
    np.testing.assert_allclose(np.asarray(model(np.eye(4))), one - two, rtol=1e-5)
    untold = {"outer": {"same/kernel:0": one, "same_1/kernel:0": two}}
    with pytest.raises(WeightsError, match="one/same/kernel' or 'two/same/kernel"):
        import_keras2(text, legacy(tmp_path / "untold.h5", untold))


def test_slashes_in_names_as_in_densenet(tmp_path: Path) -> None:
    text = tmp_path / "m.json"
    text.write_text(as_json("Sequential", [dense("conv1/a", 3, batch_input_shape=[None, 4])]))
    tensors = {"conv1/a/kernel:0": KERNEL, "conv1/a/bias:0": BIAS}
    model = import_keras2(text, legacy(tmp_path / "w.h5", {"conv1/a": tensors}))
    np.testing.assert_array_equal(np.asarray(model.get_layer("conv1_a").kernel), KERNEL)


def test_two_names_that_slashes_alone_tell_apart_are_refused() -> None:
    layers = [dense("b/a", 3, batch_input_shape=[None, 4]), dense("b_a", 3)]
    with pytest.raises(InputError, match="'b_a' twice"):
        build_keras2(as_json("Sequential", layers))


def test_a_gru_older_than_reset_after_keeps_its_meaning() -> None:
    gru = {"class_name": "GRU", "config": {"name": "g", "units": 2, "batch_input_shape": [None, 3, 2]}}
    assert build_keras2(as_json("Sequential", [gru])).get_layer("g").reset_after is False


def layer(class_name: str, **config: Any) -> str:
    shape = config.pop("shape", [None, 4, 4, 2])
    return as_json(
        "Sequential",
        [{"class_name": class_name, "config": {"name": "it", "batch_input_shape": shape, **config}}],
    )


def test_arguments_with_a_new_name_or_form() -> None:
    x = np.linspace(-2, 2, 32, dtype=np.float32).reshape(1, 4, 4, 2)
    leaky = build_keras2(layer("LeakyReLU", alpha={"type": "ndarray", "value": 0.25}))
    np.testing.assert_allclose(np.asarray(leaky(x)), np.where(x > 0, x, 0.25 * x), rtol=1e-6)
    threshold = build_keras2(layer("ThresholdedReLU", theta=0.5))
    np.testing.assert_allclose(np.asarray(threshold(x)), np.where(x > 0.5, x, 0), rtol=1e-6)
    swish = build_keras2(layer("Activation", activation="swish"))
    np.testing.assert_allclose(np.asarray(swish(x)), x / (1 + np.exp(-x)), rtol=1e-5, atol=1e-6)
    norm = build_keras2(layer("BatchNormalization", axis=[3], fused=True, gamma_initializer="ones"))
    assert norm.get_layer("it").axis == 3
    drop = build_keras2(layer("SpatialDropout2D", rate=0.5, noise_shape=None, trainable=True))
    assert drop.get_layer("it").rate == 0.5
    conv = build_keras2(
        layer(
            "Conv2D",
            filters=2,
            kernel_size=3,
            kernel_initializer={
                "class_name": "VarianceScaling",
                "config": {"distribution": "normal", "dtype": "float32"},
            },
            kernel_regularizer={"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.5}},
            kernel_constraint="max_norm",
            activation={"class_name": "LeakyReLU", "config": {"name": "act", "alpha": 0.25}},
        )
    ).get_layer("it")
    assert conv.activation.negative_slope == 0.25
    assert conv.kernel_regularizer.l2 == 0.5


# ---- What is refused ----


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ((FILES / "operator.json").read_text(), r"TFOpLambda layer 'tf.math.truediv'.*Rescaling"),
        (layer("Lambda", function=["4wEAAAA=", None, None]), "Lambda layer 'it'.*bytecode"),
        (layer("CuDNNLSTM", units=2), "CuDNNLSTM layer 'it'"),
        (layer("Conv2d", filters=2), "layer 'it' of class 'Conv2d'.*Did you mean Conv2D"),
        (layer("StringLookup", vocabulary="/etc/passwd"), "class 'StringLookup'"),
        (layer("Activation", activation="hard_sigmoid"), "hard_sigmoid.*x / 6"),
        (layer("Activation", activation="os.system"), "stock activation in layer 'it'.*os.system"),
        (layer("DepthwiseConv2D", kernel_size=3, groups=2), "groups=1 in layer 'it'.*groups=2"),
        (layer("BatchNormalization", renorm=True), "renorm=False"),
        (layer("BatchNormalization", axis=[1, 2]), r"one axis.*axis=\[1, 2\]"),
        (layer("Conv2D", filters=2, kernel_size=3, colour="red"), "argument of Conv2D.*colour='red'"),
        (layer("Dense", units=2, kernel_initializer="mine"), "kernel_initializer in layer 'it'.*'Mine'"),
        (layer("Dense", units=2, kernel_regularizer={"class_name": "get_file"}), "kernel_regularizer"),
        (layer("Dense", units=2, dtype={"class_name": "Policy"}), "dtype policy with a name"),
        (layer("Conv2D", filters=2, kernel_size=9), "Sequential that Keras"),
        (layer("Dense", shape=None, units=2), "input shape of Sequential"),
        (as_json("Sequential", [{"class_name": "InputLayer", "config": {"name": "i"}}]), "shape of input 'i'"),
        (
            as_json(
                "Sequential",
                [{"class_name": "InputLayer", "config": {"batch_input_shape": [None, 2], "ragged": True}}],
            ),
            "dense input",
        ),
        (as_json("MyModel", {}), "class 'MyModel'.*rebuild it from code"),
        (as_json("Functional", {"name": "x"}), "config with layers, input_layers"),
        (as_json("Sequential", {"layers": [{"config": {}}]}), "complete Keras 2 config"),
        ("not json", "JSON of a Keras 2 model"),
        ("[]", "JSON of a Keras 2 model"),
        ("[" * 100_000, "JSON of a Keras 2 model"),
    ],
)
def test_refused_by_name_with_a_remedy(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        build_keras2(text)


def test_a_reference_to_nowhere_is_refused() -> None:
    config = nested_twins()["config"]
    for reference, message in ((["three", 1, 0, {}], "'three'"), (["one", 2, 0, {}], "calls of layer 'one'")):
        broken = copy.deepcopy(config)
        broken["layers"][3]["inbound_nodes"][0][0] = reference
        with pytest.raises(InputError, match=message):
            build_keras2(as_json("Model", broken))
    broken = copy.deepcopy(config)
    broken["layers"][3]["inbound_nodes"][0][0] = ["_CONSTANT_VALUE", -1, 2.0, {}]
    with pytest.raises(InputError, match=r"the constant 2\.0"):
        build_keras2(as_json("Model", broken))
    broken["layers"][3]["inbound_nodes"][0][0] = 7
    with pytest.raises(InputError, match="the input 7 of layer 'minus'"):
        build_keras2(as_json("Model", broken))
    broken = copy.deepcopy(config)
    broken["output_layers"] = ["minus"]
    with pytest.raises(InputError, match="the end 'minus'"):
        build_keras2(as_json("Model", broken))


def test_nesting_without_end_is_refused() -> None:
    config: Any = [dense("a", 2, batch_input_shape=[None, 4])]
    for _ in range(60):
        config = [{"class_name": "Sequential", "config": config}]
    with pytest.raises(InputError, match="at most 50 deep"):
        build_keras2(as_json("Sequential", config))


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"a/kernel:0": KERNEL.T, "a/bias:0": BIAS}, r"shape \(4, 3\) for 'kernel' of layer 'a'.*\(3, 4\)"),
        ({"a/kernel:0": KERNEL}, "a tensor for 'bias' of layer 'a'"),
        ({"a/kernel:0": KERNEL, "a/bias:0": BIAS, "a/scale:0": BIAS}, "tensor 'a/scale:0'"),
        ({"a/kernel:0": KERNEL, "a/bias:0": BIAS, "b/bias:0": BIAS}, "'a/bias:0' and 'b/bias:0'"),
        ({"a/kernel:0": np.full((4, 3), b"x"), "a/bias:0": BIAS}, "dtype"),
        ({}, "weights for layer 'a'.*no weights at all"),
    ],
)
def test_weights_that_do_not_fit_are_refused(tmp_path: Path, tensors: dict[str, Any], message: str) -> None:
    text = tmp_path / "m.json"
    text.write_text(as_json("Sequential", ONE_DENSE))
    with pytest.raises(WeightsError, match=message):
        import_keras2(text, legacy(tmp_path / "w.h5", {"a": tensors}))


def test_weights_of_another_layer_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "m.json"
    text.write_text(as_json("Sequential", ONE_DENSE))
    good = {"a/kernel:0": KERNEL, "a/bias:0": BIAS}
    with pytest.raises(WeightsError, match="weights for 'z' as well"):
        import_keras2(text, legacy(tmp_path / "w.h5", {"a": good, "z": {"z/kernel:0": KERNEL}}))


def test_links_out_of_the_file_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "m.json"
    text.write_text(as_json("Sequential", ONE_DENSE))
    legacy(tmp_path / "other.h5", {"a": {"a/kernel:0": KERNEL}})
    weights = legacy(tmp_path / "w.h5", {"a": {"a/bias:0": BIAS}})
    with h5py.File(weights, "a") as file:
        file["a"].attrs["weight_names"] = [b"a/kernel:0", b"a/bias:0"]
        file["a/a/kernel:0"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/a/a/kernel:0")
    with pytest.raises(WeightsError, match="ExternalLink"):
        import_keras2(text, weights)


def test_files_that_are_not_what_they_should_be(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no such file"):
        import_keras2(None, tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("hello")
    with pytest.raises(WeightsError, match="H5 file"):
        import_keras2(None, tmp_path / "text.h5")
    truncated = tmp_path / "cut.h5"
    truncated.write_bytes((FILES / "nested.h5").read_bytes()[:9000])
    with pytest.raises(WeightsError, match="H5 file"):
        import_keras2(None, truncated)
    with pytest.raises(WeightsError, match="attribute model_config"):
        import_keras2(None, FILES / "nested_weights.h5")
    with pytest.raises(WeightsError, match="JSON file"):
        import_keras2(tmp_path / "none.json", FILES / "nested_weights.h5")
    with pytest.raises(WeightsError):  # JSON of one model, weights of another
        import_keras2(FILES / "shared.json", FILES / "nested_weights.h5")


def test_files_of_other_versions_and_layouts_are_named(tmp_path: Path) -> None:
    for version, message in ((b"3.3.0", "keras.models.load_model"), (b"1.2.2", "Save the model with Keras 2")):
        other = shutil.copy(FILES / "nested.h5", tmp_path / "other.h5")
        with h5py.File(other, "a") as file:
            file.attrs["keras_version"] = version
        with pytest.raises(WeightsError, match=message):
            import_keras2(None, other)
    model = import_keras2(None, FILES / "nested.h5")
    model.save_weights(tmp_path / "new.weights.h5")
    with pytest.raises(WeightsError, match="has no names to check by"):
        import_keras2(FILES / "nested.json", tmp_path / "new.weights.h5")
