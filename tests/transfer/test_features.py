"""What is trained on kept features is what is trained without keeping them."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from cnnkit.backbones.extractor import backbone
from cnnkit.data.array_images import arrays
from cnnkit.data.image_folder import folder as folder_of
from cnnkit.data.views.augmentation import Augmentation
from cnnkit.data.views.chain import Chain
from cnnkit.data.views.framing import Framing
from cnnkit.errors import InputError
from cnnkit.heads.classification import classifier
from cnnkit.transfer import feature_store, plans
from cnnkit.transfer.cache_choice import FeatureCache
from cnnkit.transfer.features import own
from cnnkit.transfer.fitting import fit
from cnnkit.transfer.network import attach
from cnnkit.transfer.plan import Phase, Plan
from cnnkit.transfer.prefix import portable_config
from tests.transfer.store_world import largest_file
from tests.transfer.worlds import pictures

ROOT = Path(__file__).resolve().parents[2]
TWO_PHASES = Plan([Phase("head", epochs=3, rate=0.01), Phase("deep", train=1, epochs=3, rate=0.003)])
TURNED = Augmentation(rotation=30, horizontal_flip=True)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A cache of the test's own."""
    monkeypatch.setenv("CNNKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def pictures_seen(monkeypatch) -> list[int]:
    """How many pictures were decoded in each call of the pipeline."""
    from cnnkit.data import pipeline

    seen: list[int] = []
    original = pipeline.batch_at

    def counting(source, indices, *arguments, **options):
        seen.append(len(indices))
        return original(source, indices, *arguments, **options)

    monkeypatch.setattr(pipeline, "batch_at", counting)
    return seen


def weights(network) -> list[np.ndarray]:
    return [variable.numpy() for variable in network.model.variables]


def assert_close(first, second) -> None:
    for one, other in zip(weights(first), weights(second), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("augment", [None, TURNED])
@pytest.mark.parametrize("graph", ["residual", "inception"])
def test_kept_features_train_the_same_weights(make, colours, graph, augment) -> None:
    networks = []
    for cache in ("none", "disk"):
        network = make(graph, dropout=0.3)
        run = fit(network, colours, TWO_PHASES, batch_size=12, augment=augment, views=2, cache=cache, progress=False)
        networks.append((network, run))
    (plain, first), (kept, second) = networks
    assert_close(plain, kept)
    numbers = ["loss", "accuracy", "val_loss", "val_accuracy", "rate"]
    np.testing.assert_allclose(first.history[numbers], second.history[numbers], rtol=1e-5)


APPLICATIONS = [
    pytest.param("mobilenet", 0.25, 32),
    pytest.param("densenet121", None, 32, marks=pytest.mark.slow),
    pytest.param("mobilenet_v3_small", None, 32, marks=pytest.mark.slow),
    pytest.param("nasnet_mobile", None, 32, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("name", "alpha", "side"), APPLICATIONS)
def test_real_applications_too(name, alpha, side) -> None:
    images, labels = pictures(20, 0)
    data = arrays(images, labels, classes=["grey", "red"], validation=pictures(6, 1))
    trained = []
    for cache in ("none", "disk"):
        keras.utils.set_random_seed(3)
        body = backbone(name, weights=None, alpha=alpha, input_shape=(side, side, 3))
        network = attach(body, classifier(data.classes, dropout=0.2))
        plan = Plan([Phase("head", epochs=2), Phase("deep", train=1, epochs=2, rate=1e-4)])
        fit(network, data, plan, batch_size=8, augment=TURNED, views=2, cache=cache, progress=False)
        trained.append(network)
    assert_close(*trained)


def test_memory_gives_the_same_as_the_disk(make, colours) -> None:
    on_disk, in_memory = make(), make()
    fit(on_disk, colours, TWO_PHASES, augment=TURNED, views=2, cache="disk", progress=False)
    fit(in_memory, colours, TWO_PHASES, augment=TURNED, views=2, cache="memory", progress=False)
    for one, other in zip(weights(on_disk), weights(in_memory), strict=True):
        np.testing.assert_array_equal(one, other)


def test_large_features_are_read_from_the_disk_as_they_are_needed(make, colours, monkeypatch) -> None:
    small, large = make("inception"), make("inception")
    fit(small, colours, TWO_PHASES, cache="disk", progress=False)
    monkeypatch.setattr("cnnkit.transfer.features.IN_MEMORY_BYTES", 0)
    fit(large, colours, TWO_PHASES, cache="disk", progress=False)
    for one, other in zip(weights(small), weights(large), strict=True):
        np.testing.assert_array_equal(one, other)


def test_each_picture_is_decoded_once_and_never_in_the_next_run(make, colours, pictures_seen) -> None:
    fit(make(), colours, plans.probe(epochs=5), progress=False)
    assert sum(pictures_seen) == len(colours.train) + len(colours.validation)
    pictures_seen.clear()
    fit(make(hidden=(4,)), colours, plans.probe(epochs=5), seed=1, progress=False)  # another head, another order
    assert pictures_seen == []


def test_views_take_turns_and_each_is_computed_once(make, colours, pictures_seen) -> None:
    fit(make(), colours, plans.probe(epochs=7), augment=TURNED, views=3, progress=False)
    assert sum(pictures_seen) == 3 * len(colours.train) + len(colours.validation)
    pictures_seen.clear()
    fit(make(), colours, plans.probe(epochs=7), augment=TURNED, views=3, seed=1, progress=False)
    assert sum(pictures_seen) == 2 * len(colours.train)  # other views, but for the first, the picture as it is


def test_without_a_number_of_views_each_epoch_has_new_ones(make, colours, pictures_seen) -> None:
    fit(make(), colours, plans.probe(epochs=4), augment=TURNED, views=None, progress=False)
    assert sum(pictures_seen) == 4 * len(colours.train) + len(colours.validation)


def test_one_epoch_keeps_nothing(make, colours, folder) -> None:
    fit(make(), colours, plans.probe(epochs=1), progress=False)
    assert not folder.exists()


def test_what_changes_features_is_computed_anew(make, colours, pictures_seen) -> None:
    plan = plans.probe(epochs=2)
    fit(make(), colours, plan, progress=False)

    def decoded(network, data=colours) -> int:
        pictures_seen.clear()
        fit(network, data, plan, progress=False)
        return sum(pictures_seen)

    both = len(colours.train) + len(colours.validation)
    assert decoded(make()) == 0
    changed = make()
    kernel = changed.model.get_layer("stem_conv").kernel
    kernel.assign(kernel + 1e-7)  # one bit of one weight is enough
    assert decoded(changed) == both
    assert decoded(replace(make(), framing=Framing("pad"))) == both
    images = np.stack([colours.train.image(index) for index in range(len(colours.train))])
    images[3, 0, 0, 0] ^= 1
    other = arrays(images, colours.train.labels, classes=["grey", "red"], split=(1, 0, 0))
    assert decoded(make(), replace(colours, train=other.train)) == len(colours.train)


def test_a_file_that_changed_is_seen_by_the_same_dataset(make, tmp_path, pictures_seen) -> None:
    images, labels = pictures(24, 0)
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        file = tmp_path / "photos" / ("grey", "red")[label] / f"{index}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file)
    photos = folder_of(tmp_path / "photos", split=(1, 0, 0))
    fit(make(), photos, plans.probe(epochs=2), progress=False)
    Image.fromarray(255 - images[0]).save(tmp_path / "photos" / photos.train.ids[0])
    pictures_seen.clear()
    fit(make(), photos, plans.probe(epochs=2), progress=False)
    assert sum(pictures_seen) == len(photos.train)


@dataclass(frozen=True)
class Inverted:
    """Code of the user's own, whose name says nothing of what it does."""

    def apply(self, image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        del generator
        return 255 - image.astype(np.float32)


def test_views_of_the_users_own_code_are_not_kept_on_the_disk(make, colours, folder, capsys) -> None:
    assert own(Chain((TURNED,)))
    assert not own(Chain((TURNED, Inverted())))
    fit(make(), colours, plans.probe(epochs=3), augment=Inverted(), views=2)
    assert "cannot tell code of the user's own" in capsys.readouterr().err
    entries = list(folder.glob("*/entry.json"))
    assert len(entries) == 1  # of validation, which is not augmented


def test_an_exact_head_keeps_its_features_for_the_next_one(make, colours, pictures_seen) -> None:
    fit(make(), colours, plans.probe(solver="lbfgs"), augment=TURNED, views=2, progress=False)
    assert sum(pictures_seen) == 2 * len(colours.train) + len(colours.validation)
    pictures_seen.clear()
    fit(make(), colours, plans.probe(solver="lbfgs"), augment=TURNED, views=2, progress=False)
    assert pictures_seen == []


@pytest.mark.parametrize(("dtype", "tolerance"), [("float16", 0.01), ("bfloat16", 0.05)])
def test_half_the_size_costs_little_and_depends_on_no_place(make, colours, dtype, tolerance, folder) -> None:
    plan = plans.probe(epochs=4, rate=0.01)
    whole, kept, computed = make(), make(), make()
    fit(whole, colours, plan, cache="none", progress=False)
    fit(kept, colours, plan, cache=FeatureCache("disk", dtype=dtype), progress=False)
    fit(computed, colours, plan, cache=FeatureCache("none", dtype=dtype), progress=False)
    assert_close(kept, computed)
    kernels = [network.model.get_layer("probability").kernel.numpy() for network in (whole, kept)]
    np.testing.assert_allclose(*kernels, atol=tolerance)
    assert not np.array_equal(*kernels)
    assert sum(file.stat().st_size for file in folder.rglob("tensor-*")) == 2 * 12 * 56  # 12 features, 56 pictures


def test_the_phase_says_what_is_kept(make, colours, folder, capsys) -> None:
    fit(make(), colours, plans.probe(epochs=2))
    said = capsys.readouterr().err
    assert f"features kept in {folder}, of at most" in said
    assert "(48 bytes a picture, 1.92 kB)" in said
    fit(make(), colours, plans.probe(epochs=3), augment=TURNED, views=None)
    said = capsys.readouterr().err.splitlines()[0]
    assert "features computed in each epoch, whose views are new; of validation: features kept in" in said


def test_where_all_layers_train_there_is_nothing_to_keep(make, colours, folder) -> None:
    plan = Plan([Phase("all", train="all", batch_norm="train", epochs=2)])
    fit(make(), colours, plan, cache="disk", progress=False)
    assert not folder.exists()


def test_a_folder_that_cannot_be_written_stops_nothing(make, colours, tmp_path, capsys) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = FeatureCache("disk", folder=tmp_path / "file" / "cache")
    kept, plain = make(), make()
    fit(kept, colours, plans.probe(epochs=2), cache=cache)
    assert capsys.readouterr().err.count("features cannot be kept in") == 1
    fit(plain, colours, plans.probe(epochs=2), cache="none", progress=False)
    assert_close(kept, plain)


def test_a_budget_without_room_stops_nothing(make, colours, folder, capsys) -> None:
    fit(make(), colours, plans.probe(epochs=2), cache=FeatureCache("disk", budget_bytes=100))
    assert "exceed 100" in capsys.readouterr().err
    assert list(folder.iterdir()) == []


def test_no_lock_is_left_and_a_kept_entry_can_be_removed(make, colours, folder) -> None:
    fit(make(), colours, plans.probe(epochs=2), progress=False)
    store = feature_store.FeatureStore(folder)
    assert [store.remove(entry.name) for entry in folder.iterdir()] == [True, True]


def test_code_of_the_users_own_is_recognised() -> None:
    image = keras.Input((4, 4, 3))
    plain = keras.Model(image, keras.layers.Conv2D(2, 3, activation="relu")(image))
    assert portable_config(plain.get_config())[1]
    own = keras.Model(image, keras.layers.Lambda(lambda x: x * 2)(image))
    assert not portable_config(keras.saving.serialize_keras_object(own))[1]

    class Twice(keras.layers.Layer):
        def call(self, x):
            return x * 2

    nested = keras.Model(image, Twice()(image))
    assert not portable_config(keras.saving.serialize_keras_object(nested))[1]


def test_flags_do_not_change_a_configuration() -> None:
    frozen = keras.layers.Dense(3, trainable=False, name="d").get_config()
    assert portable_config(frozen) == portable_config(keras.layers.Dense(3, name="d").get_config())


def test_bad_views(make, colours) -> None:
    with pytest.raises(InputError, match="at least 1 view"):
        fit(make(), colours, plans.probe(), views=0, progress=False)


# --- faults, seen from `fit`


def test_damaged_files_are_repaired_and_train_the_same(make, colours, folder, pictures_seen, monkeypatch) -> None:
    monkeypatch.setattr(feature_store, "CHUNK_PICTURES", 10)
    plan = plans.probe(epochs=3)
    first, second = make(), make()
    fit(first, colours, plan, progress=False)
    for file in folder.rglob("tensor-0.bin"):
        content = bytearray(file.read_bytes())
        content[0] ^= 1
        file.write_bytes(content[:-1])  # the first chunk by a bit, the last one by its end
    pictures_seen.clear()
    fit(second, colours, plan, progress=False)
    assert sum(pictures_seen) == (10 + 10) + (10 + 6)
    for one, other in zip(weights(first), weights(second), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_full_disk_stops_nothing_and_keeps_nothing_wrong(make, capsys) -> None:
    data = arrays(*pictures(200, 0), classes=["grey", "red"], validation=pictures(16, 1), test=pictures(4, 2))
    plan = plans.probe(epochs=3)
    kept, plain, later = make(), make(), make()
    with largest_file(5_000):  # 200 pictures take 9,600 bytes, 16 fit
        fit(kept, data, plan, cache="disk")
    fit(plain, data, plan, cache="none", progress=False)
    assert_close(kept, plain)
    assert capsys.readouterr().err.count("features cannot be kept in") == 1
    fit(later, data, plan, cache="disk", progress=False)
    assert_close(later, plain)


KILLED = """
import keras
from cnnkit.backbones.extractor import backbone
from cnnkit.data.array_images import arrays
from cnnkit.heads.classification import classifier
from cnnkit.transfer import feature_store, plans
from cnnkit.transfer.fitting import fit
from cnnkit.transfer.network import attach
from tests.transfer.worlds import GRAPHS, pictures

feature_store.CHUNK_PICTURES = 32
keras.utils.set_random_seed(3)
network = attach(backbone(GRAPHS["inception"]()), classifier(["grey", "red"]))
data = arrays(*pictures(6_000, 0), classes=["grey", "red"], validation=pictures(16, 1), test=pictures(4, 2))
fit(network, data, plans.probe(epochs=2), batch_size=512, cache={cache!r}, progress=False)
network.model.save_weights({weights!r})
"""


@pytest.mark.slow
def test_killed_while_it_computes_features_the_next_run_goes_on(tmp_path, folder) -> None:
    def start(cache: str) -> tuple[subprocess.Popen, Path]:
        file = tmp_path / f"{cache}.weights.h5"
        code = KILLED.format(cache=cache, weights=str(file))
        return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.DEVNULL), file

    def chunks() -> int:
        return sum(file.read_bytes().count(b" ") for file in folder.rglob("chunks"))

    random = np.random.default_rng(0)
    kept = [0]
    for _ in range(3):
        process, killed = start("disk")
        while chunks() <= kept[-1] and process.poll() is None:
            time.sleep(0.01)
        time.sleep(random.uniform(0, 0.2))
        process.kill()
        process.wait()
        kept.append(chunks())
    assert kept[0] < kept[1] <= kept[2] <= kept[3]
    for cache in ("disk", "none"):
        process, file = start(cache)
        assert process.wait() == 0
    assert chunks() == 188 + 1  # of 6,000 training and 16 validation pictures: nothing that was kept was written again
    import h5py

    with h5py.File(file) as plain, h5py.File(killed) as resumed:
        names: list[str] = []
        plain.visititems(lambda name, node: names.append(name) if isinstance(node, h5py.Dataset) else None)
        assert names
        for name in names:
            np.testing.assert_allclose(plain[name][()], resumed[name][()], rtol=1e-6, atol=1e-6, err_msg=name)
