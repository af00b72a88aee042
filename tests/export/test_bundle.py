"""Bundles: what is saved is what is loaded, anything else is refused, and a failure costs nothing."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pandas as pd
import pytest

import cnnkit as ck
from cnnkit.data.views.framing import Framing
from cnnkit.errors import BundleError
from cnnkit.export.bundle import FILES, load, save
from cnnkit.export.manifest import Manifest, read_manifest
from cnnkit.export.tensors import model_hash, named_weights, tensor_records
from cnnkit.heads.classification import Classifier
from cnnkit.transfer.network import Network
from cnnkit.transfer.run import Run
from tests.export.tiny_network import network, tiny_model

# Keras 3.15.1 reads TensorFlow variables in a way that NumPy 2 deprecates; `save_weights` cannot avoid it.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

PICTURES = np.random.default_rng(0).uniform(0, 255, (4, 16, 16, 3)).astype(np.float32)


def record() -> Run:
    history = pd.DataFrame(
        {
            "phase": ["head", "head"],
            "epoch": [1, 2],
            "loss": [0.5, 0.25],
            "seconds": [1.0, 1.5],
            "images_per_second": 9.0,
        }
    )
    plan = ck.Plan([ck.Phase("head", epochs=2), ck.Phase("deep", train="conv2", rate=1e-5, rate_decay=0.5)])
    return Run(plan=plan, history=history, seed=3, data_fingerprint="ab" * 32, trained_parameters={"head": 41})


def predictions(model: keras.Model) -> np.ndarray:
    return np.asarray(model(PICTURES, training=False))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Network, Path]:
    net = network()
    return net, save(net, tmp_path_factory.mktemp("bundle") / "bees", run=record())


@pytest.fixture
def bundle(saved: tuple[Network, Path], tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(saved[1], tmp_path / "bees"))


def reseal(folder: Path, **changes: Any) -> None:
    """A manifest that fits the changed files and itself: only what it says of the network can tell."""
    from cnnkit.export.bundle import _sha256

    manifest = read_manifest(folder)
    files = {name: _sha256(folder / name) for name in manifest.files}
    text = manifest.model_copy(update={"files": files, **changes}).sealed().to_json()
    (folder / "manifest.json").write_text(text)


# ---- The way there and back ----


def test_what_is_loaded_is_what_was_saved(saved: tuple[Network, Path]) -> None:
    net, folder = saved
    again = load(folder)
    np.testing.assert_array_equal(predictions(again.model), predictions(net.model))
    assert again.classes == ("ant", "bee")
    assert again.head == net.head
    assert again.framing == Framing("pad", "area")
    assert again.backbone.settings == net.backbone.settings
    assert (again.cut, again.size, again.model.name) == ("conv2", (16, 16), net.model.name)
    features = np.asarray(net.backbone.model(PICTURES))
    np.testing.assert_array_equal(np.asarray(again.backbone.model(PICTURES)), features)
    assert again.backbone.model.get_layer("conv1") is again.model.get_layer("conv1")
    pd.testing.assert_frame_equal(again.summary(), net.summary())


def test_the_run_comes_back(saved: tuple[Network, Path]) -> None:
    run, again = record(), load(saved[1]).run
    assert again is not None
    assert again.settings() == run.settings()
    assert again.plan == run.plan
    pd.testing.assert_frame_equal(again.history, run.history)


def test_a_training_is_saved_without_asking(tmp_path: Path) -> None:
    net = network()
    photos = ck.data.arrays(
        np.rint(PICTURES).astype(np.uint8), np.arange(len(PICTURES)) % 2, classes=net.classes, split=(1, 0, 0)
    )
    run = ck.fit(net, photos, ck.Plan([ck.Phase("head", epochs=2)]), progress=False)
    again = ck.load(ck.save(net, tmp_path / "bees")).run
    assert again is not None
    assert again.settings() == run.settings()
    pd.testing.assert_frame_equal(again.history, run.history)


def test_what_finetune_knows_is_saved_without_asking(tmp_path: Path) -> None:
    again = load(save(replace(network(), run=record()), tmp_path / "b"))
    assert again.run is not None
    assert again.run.seed == 3
    assert load(save(network(), tmp_path / "c")).run is None
    assert not (tmp_path / "c" / "history.parquet").exists()


def test_the_manifest_says_what_the_network_is(saved: tuple[Network, Path]) -> None:
    net, folder = saved
    manifest = json.loads((folder / "manifest.json").read_text())
    assert sorted(entry.name for entry in folder.iterdir()) == sorted(FILES)
    assert manifest["input"]["shape"] == [16, 16, 3]
    assert manifest["input"]["range"] == [0, 255]
    assert manifest["input"]["framing"] == {"resize": "pad", "interpolation": "area", "fraction": 1.0}
    assert (manifest["cut"], manifest["classes"]) == ("conv2", ["ant", "bee"])
    assert manifest["training"]["seed"] == 3
    assert manifest["keras"] == keras.version()
    paths = [row["path"] for row in manifest["tensors"]]
    assert paths[:4] == ["conv1/kernel", "conv1/bias", "bn1/gamma", "bn1/beta"]
    assert len(paths) == len(net.model.weights)
    assert manifest["model_hash"] == model_hash(tensor_records(net.model))


@pytest.mark.parametrize("classes", [("a", "b", "c"), ("a", "b")])
def test_other_heads(tmp_path: Path, classes: tuple[str, ...]) -> None:
    limits = dict.fromkeys(classes, 0.25)
    head = ck.heads.classifier(classes, multi_label=True, pooling="flatten", loss="focal", gamma=1, threshold=limits)
    net = ck.attach(ck.backbone(tiny_model()), head)
    again = load(save(net, tmp_path / "b"))
    assert again.head == head
    np.testing.assert_array_equal(predictions(again.model), predictions(net.model))


def test_an_application_and_a_cut_inside_it(tmp_path: Path) -> None:
    body = ck.backbone("mobilenet", alpha=0.25, weights=None, input_shape=(32, 32, 3), cut="stage3")
    net = ck.attach(body, ck.heads.classifier(["a", "b", "c"]))
    again = load(save(net, tmp_path / "deep" / "er" / "m"))
    assert again.backbone.settings == body.settings
    assert again.cut == body.cut
    assert list(again.groups.items()) == list(net.groups.items())
    x = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(again.model(x)), np.asarray(net.model(x)))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["convnext_tiny", "nasnet_mobile", "mobilenet_v3_small", "efficientnet_v2_b0"])
def test_applications_with_operators_and_layers_of_their_own(tmp_path: Path, name: str) -> None:
    body = ck.backbone(name, weights=None, input_shape=(64, 64, 3))
    net = ck.attach(body, ck.heads.classifier(["a", "b"]))
    again = load(save(net, tmp_path / name))
    x = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 3)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(again.model(x)), np.asarray(net.model(x)), atol=1e-6)


def test_plain_keras_gives_the_same_numbers(saved: tuple[Network, Path], tmp_path: Path) -> None:
    """In a process that never imports cnnkit."""
    net, folder = saved
    np.save(tmp_path / "x.npy", PICTURES)
    code = f"""
import sys, keras, numpy as np
model = keras.models.model_from_json(open({str(folder / "model.json")!r}).read())
model.load_weights({str(folder / "model.weights.h5")!r})
np.save({str(tmp_path / "y.npy")!r}, model.predict(np.load({str(tmp_path / "x.npy")!r}), verbose=0))
assert not [name for name in sys.modules if name.startswith("cnnkit")]
"""
    subprocess.run([sys.executable, "-P", "-c", code], check=True, cwd=tmp_path, capture_output=True)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), predictions(net.model), atol=1e-5)


def test_saving_leaves_the_living_model_alone(tmp_path: Path) -> None:
    """`model.save` of Keras 3.15.1 would take the optimizer out of the compile config."""
    net = network()
    net.model.get_layer("conv1").trainable = False
    net.model.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy")
    net.model.fit(PICTURES, np.array([[0], [1], [0], [1]], np.float32), verbose=0)

    def state() -> tuple[Any, ...]:
        slots = [np.array(value.numpy()).tobytes() for value in net.model.optimizer.variables]
        return json.dumps(net.model.get_compile_config()), slots, [layer.trainable for layer in net.model.layers]

    before, weights = state(), [record.sha256 for record in tensor_records(net.model)]
    drawn_from = random.getstate()
    folder = save(net, tmp_path / "b")
    assert random.getstate() == drawn_from
    assert state() == before
    assert [record.sha256 for record in tensor_records(net.model)] == weights
    net.model.fit(PICTURES, np.array([[0], [1], [0], [1]], np.float32), verbose=0)  # it still trains
    with h5py.File(folder / "model.weights.h5") as file:
        assert "optimizer" not in file
    drawn_from = random.getstate()
    again = load(folder)
    assert random.getstate() == drawn_from
    assert not again.model.get_layer("conv1").trainable
    assert again.model.get_layer("conv2").trainable
    assert not again.model.compiled


def test_paths_of_weights_in_nested_models_and_layers_with_equal_names() -> None:
    query = keras.Input((4, 6))
    mixed = keras.layers.MultiHeadAttention(2, 3, name="attention")(query, query)
    core = keras.Model(query, mixed, name="core")
    outer = keras.Input((4, 6))
    model = keras.Model(outer, core(core(outer)))
    paths = [path for path, _ in named_weights(model)]
    assert paths[:2] == ["core/attention/0/kernel", "core/attention/1/bias"]
    assert len(set(paths)) == len(paths) == 8


# ---- What load refuses ----


def edit_json(name: str, change: Callable[[Any], None]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        values = json.loads((folder / name).read_text())
        change(values)
        (folder / name).write_text(json.dumps(values))

    return edit


def change_tensor(folder: Path) -> None:
    with h5py.File(folder / "model.weights.h5", "a") as file:
        kernel = file["layers/conv2d_1/vars/0"]
        kernel[0, 0, 0, 0] += 1e-6


def rewrite_weights(folder: Path) -> None:
    path = folder / "model.weights.h5"
    with h5py.File(path, "a") as file:
        file.attrs["note"] = "hello"


def truncate_weights(folder: Path) -> None:
    path = folder / "model.weights.h5"
    path.write_bytes(path.read_bytes()[:-3000])


def rename_layer(model: Any) -> None:
    layer = next(layer for layer in model["config"]["layers"] if layer["name"] == "minus")
    layer["name"] = layer["config"]["name"] = "less"


def swap_layers(model: Any) -> None:
    layers = model["config"]["layers"]
    first, second = (next(i for i, layer in enumerate(layers) if layer["name"] == name) for name in ("left", "right"))
    layers[first], layers[second] = layers[second], layers[first]


def change_activation(model: Any) -> None:
    next(layer for layer in model["config"]["layers"] if layer["name"] == "left")["config"]["activation"] = "relu"


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (change_tensor, "left/kernel has other values|right/kernel has other values"),
        (rewrite_weights, "written again, with the same tensors"),
        (truncate_weights, "weights of this model in"),
        (lambda folder: (folder / "model.weights.h5").write_bytes(b""), "weights of this model in"),
        (remove("model.weights.h5"), "the file model.weights.h5.*missing"),
        (remove("model.json"), "the file model.json.*missing"),
        (remove("history.parquet"), "the file history.parquet.*missing"),
        (remove("manifest.json"), "a bundle, with manifest.json"),
        (shutil.rmtree, "does not exist"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "JSON in"),
        (lambda folder: (folder / "manifest.json").write_text("[]"), "the manifest of a cnnkit bundle"),
        (lambda folder: (folder / "model.json").write_text("{"), "not the JSON of a model"),
        (lambda folder: (folder / "history.parquet").write_bytes(b"x"), "history.parquet as it was saved"),
        (edit_json("model.json", rename_layer), "'minus' renamed to 'less'"),
        (edit_json("model.json", swap_layers), "another order, from '(left|right|relu)' on"),
        (edit_json("model.json", change_activation), "same layers with other settings"),
        (edit_json("model.json", lambda model: model["config"]["layers"].pop()), "'probability' missing"),
        (edit_json("manifest.json", lambda m: m.update(version=3)), "format version 1 to 2.*version 3"),
        (edit_json("manifest.json", lambda m: m.update(classes=["bee", "ant"])), "class list was changed"),
        (edit_json("manifest.json", lambda m: m.update(cut="conv1")), "manifest.json in .* as it was saved"),
        (edit_json("manifest.json", lambda m: m.pop("cut")), "cut in .*manifest.json.*Field required"),
        (edit_json("manifest.json", lambda m: m.update(extra=1)), "extra in .*manifest.json"),
        (edit_json("manifest.json", lambda m: m["head"].update(kind="oracle")), "head that this version.*oracle"),
    ],
)
def test_a_changed_bundle_is_refused(bundle: Path, damage: Callable[[Path], None], message: str) -> None:
    damage(bundle)
    with pytest.raises(BundleError, match=message):
        load(bundle)


def test_a_reordered_model_with_right_hashes_is_refused(saved: tuple[Network, Path], bundle: Path) -> None:
    """Keras loads it without a word and gives other numbers: weights go by class and order."""

    def swap_inputs(model: Any) -> None:
        minus = next(layer for layer in model["config"]["layers"] if layer["name"] == "minus")
        minus["inbound_nodes"][0]["args"][0].reverse()

    edit_json("model.json", swap_inputs)(bundle)
    reseal(bundle)
    silently = keras.models.model_from_json((bundle / "model.json").read_text())
    silently.load_weights(bundle / "model.weights.h5")
    assert np.abs(predictions(silently) - predictions(saved[0].model)).max() > 0
    with pytest.raises(BundleError, match="left/bias has other values; left/kernel has other values"):
        load(bundle)


def test_a_renamed_layer_with_right_hashes_is_refused(bundle: Path) -> None:
    def rename(text: str) -> str:
        return text.replace('"conv2"', '"convolution"')

    (bundle / "model.json").write_text(rename((bundle / "model.json").read_text()))
    reseal(bundle)
    with pytest.raises(BundleError, match="conv2/bias is missing"):
        load(bundle)


def test_a_class_list_that_does_not_fit_the_output_is_refused(bundle: Path) -> None:
    manifest = read_manifest(bundle)
    names = ["a", "b", "c"]
    reseal(bundle, classes=tuple(names), head={**manifest.head, "classes": names})
    with pytest.raises(BundleError, match="classes for the 1 output units"):
        load(bundle)


def test_hashes_cover_the_manifest(saved: tuple[Network, Path]) -> None:
    manifest = read_manifest(saved[1])
    assert manifest.digest == manifest.compute_digest()
    for changed in ({"classes": ("x", "y")}, {"cut": "conv1"}, {"training": None}):
        assert manifest.model_copy(update=changed).compute_digest() != manifest.digest
    assert Manifest.model_validate_json(manifest.to_json()) == manifest


# ---- What save refuses ----


class Doubling(keras.layers.Layer):
    def call(self, x: Any) -> Any:
        return x * 2


def strange(x: Any) -> Any:
    return x


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (lambda: keras.layers.Lambda(strange, name="odd"), "layer 'odd' with Lambda.*Rescaling"),
        (lambda: Doubling(name="odd"), r"layer 'odd' with .*Doubling.*keras\.layers"),
        (lambda: keras.layers.Dense(6, activation=strange, name="odd"), "layer 'odd' with the function.*strange"),
    ],
)
@pytest.mark.filterwarnings("ignore:The object being serialized")
def test_layers_that_plain_keras_cannot_load_are_refused(tmp_path: Path, layer: Any, message: str) -> None:
    base = tiny_model()
    model = keras.Model(base.input, layer()(base.output), name="odd_one")
    with pytest.raises(BundleError, match=message):
        save(network(model=model), tmp_path / "b")
    assert not list(tmp_path.iterdir())


def test_operators_on_tensors_are_stock(tmp_path: Path) -> None:
    base = tiny_model()
    net = network(model=keras.Model(base.input, base.output / 2.0 + 1.0, name="operators"))
    np.testing.assert_array_equal(predictions(load(save(net, tmp_path / "b")).model), predictions(net.model))


def test_other_files_are_never_overwritten(saved: tuple[Network, Path], bundle: Path, tmp_path: Path) -> None:
    net = saved[0]
    (bundle / "notes.txt").write_text("mine")
    with pytest.raises(BundleError, match=r"notes\.txt.*Saving would delete that"):
        save(net, bundle)
    assert (bundle / "notes.txt").read_text() == "mine"
    load(bundle)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BundleError, match="a file or a link"):
        save(net, tmp_path / "file")
    with pytest.raises(BundleError, match="to write"):
        save(net, tmp_path / "file" / "below")
    (tmp_path / "empty").mkdir()
    save(net, tmp_path / "empty")


def test_a_bundle_is_replaced(bundle: Path) -> None:
    save(network(("x", "y", "z")), bundle)
    assert load(bundle).classes == ("x", "y", "z")
    assert not (bundle / "history.parquet").exists()
    assert [entry.name for entry in bundle.parent.iterdir()] == ["bees"]


# ---- When something fails ----

IN_A_PROCESS = f"""
import os, resource, sys
sys.path.insert(0, {str(Path(__file__).resolve().parents[2])!r})
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
from tests.export.tiny_network import network
from cnnkit.export.bundle import save
net, folder = network(("x", "y", "z")), sys.argv[1]
"""

FAILING = """
def limit(size):
    # Fails as a full disk does: in the middle of writing.
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

def attempt():
    try:
        save(net, folder)
    except OSError as error:
        print(type(error).__name__, error)

for size in (100, 40_000):
    limit(size)
    attempt()
limit(resource.RLIM_INFINITY)
if os.getuid() == 0:
    os.setuid(65534)
    attempt()
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any user may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_full_disk_and_no_permission_leave_the_old_bundle_whole(saved: tuple[Network, Path], open_folder: Path) -> None:
    folder = Path(shutil.copytree(saved[1], open_folder / "mine" / "bees"))
    done = subprocess.run([sys.executable, "-c", IN_A_PROCESS + FAILING, str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    for line in said:
        assert line.startswith("BundleError Expected")
        assert "What was there before is untouched" in line
    assert ["room on the disk" in line for line in said[:2]] == [True, True]
    if os.getuid() == 0:  # the third attempt is that of a user who may only read
        assert "permission to write in" in said[2]
    assert load(folder).classes == ("ant", "bee")
    assert [entry.name for entry in folder.parent.iterdir()] == ["bees"]


def test_a_disk_that_is_really_full(saved: tuple[Network, Path], tmp_path: Path) -> None:
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(tmp_path)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small disk is not permitted here")
    try:
        with pytest.raises(BundleError, match=r"room on the disk.*No space left on device.*Nothing was written"):
            save(saved[0], tmp_path / "b")
        assert not list(tmp_path.iterdir())
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_crash_between_the_two_renames_is_recovered(saved: tuple[Network, Path], bundle: Path) -> None:
    previous = bundle.with_name(".bees.previous")
    bundle.rename(previous)
    assert load(bundle).classes == ("ant", "bee")  # puts it back
    assert not previous.exists()
    bundle.rename(previous)
    save(network(("x", "y", "z")), bundle)
    assert load(bundle).classes == ("x", "y", "z")
    shutil.copytree(bundle, previous)  # a crash before the old one was removed
    save(saved[0], bundle)
    assert not previous.exists()


def test_a_kill_at_any_moment_leaves_a_bundle_that_loads(bundle: Path) -> None:
    looping = "while True:\n    save(net, folder)\n    print('saved', flush=True)"
    process = subprocess.Popen(
        [sys.executable, "-c", IN_A_PROCESS + looping, str(bundle)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"saved\n"
    time.sleep(0.123)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert load(bundle).classes == ("x", "y", "z")
    save(network(), bundle)
    assert load(bundle).classes == ("ant", "bee")
    assert [entry.name for entry in bundle.parent.iterdir()] == ["bees"]  # what the killed one left is gone


# ---- Heads of one's own ----


@dataclass(frozen=True)
class OwnHead(Classifier):
    """A head of a user's own."""

    kind: str = "own"

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "kind": self.kind}


@pytest.mark.parametrize(
    ("kind", "reason"), [("own", "they give Expected the name of a head"), ("classifier", "Classifier")]
)
def test_a_head_that_load_would_not_give_back_is_not_saved(tmp_path: Path, kind: str, reason: str) -> None:
    net = replace(network(), head=OwnHead(("ant", "bee"), hidden=(5,), dropout=0.25, kind=kind))
    with pytest.raises(BundleError, match=rf"a head that ck.load can make again.*OwnHead.*{reason}"):
        save(net, tmp_path / "own")
    assert not (tmp_path / "own").exists()


@pytest.mark.parametrize(
    ("version", "remedy"), [(ck.__version__, "code of whoever saved it"), ("9.9", "cnnkit 9.9 saved it")]
)
def test_a_head_that_nobody_knows_here_is_told_as_what_it_is(bundle: Path, version: str, remedy: str) -> None:
    manifest = read_manifest(bundle)
    reseal(bundle, head={**manifest.head, "kind": "own"}, cnnkit=version)
    with pytest.raises(
        BundleError, match=rf"a head that this version of cnnkit, {ck.__version__}, knows.*'own'.*{remedy}.*plain Keras"
    ):
        load(bundle)
