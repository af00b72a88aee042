from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from cnnkit.course.submissions.weights_file import Wanted, read_weights

TENSORS = {
    "layers/conv2d/vars/0": (3, 3, 3, 8),
    "layers/conv2d/vars/1": (8,),
    "layers/normalization/vars/2": (),
    "layers/sequential/layers/dense/vars/0": (8, 1),
}
LEGACY = (("conv", ("kernel:0", "bias:0")), ("flat", ()), ("norm", ("count:0",)), ("inner", ("dense/kernel:0",)))
PLENTY = 10**9


def values() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    made = {path: generator.normal(size=shape).astype(np.float32) for path, shape in TENSORS.items()}
    return {**made, "layers/normalization/vars/2": np.array(7, np.int64)}


def wanted(**changes: object) -> Wanted:
    shapes = list(TENSORS.values())
    legacy = [shapes[:2], shapes[2:3], shapes[3:]]
    return Wanted(**{"file": "m.h5", "tensors": TENSORS, "legacy": legacy, "most_bytes": PLENTY, **changes})


def modern(path: Path, **settings: object) -> Path:
    with h5py.File(path, "w") as file:
        for name, value in values().items():
            file.create_dataset(name, data=value, **(settings if value.ndim else {}))
        file.create_dataset("optimizer/vars/0", data=np.int64(3))
        file.create_dataset("optimizer/vars/1", data=np.zeros((3, 3, 3, 8), np.float32))
        file["layers/conv2d"].attrs["name"] = "stem"
    return path


def legacy(path: Path, root: str = "", *, order: tuple[int, ...] = (0, 1, 2, 3), split: bool = False) -> Path:
    arrays = iter(values().values())
    with h5py.File(path, "w") as file:
        group = file.require_group(root or "/")
        for layer, names in LEGACY:
            group.create_group(layer).attrs["weight_names"] = [name.encode() for name in names]
            for name in names:
                group[layer][name] = next(arrays)
        listed = [LEGACY[index][0].encode() for index in order]
        for index, part in enumerate(np.array_split(listed, 2) if split else []):
            group.attrs[f"layer_names{index}"] = part
        if not split:
            group.attrs["layer_names"] = listed
        if root:
            file["optimizer_weights/adam/iteration:0"] = np.int64(3)
            file.attrs["model_config"] = '{"class_name": "Lambda"}'
    return path


def read(path: Path, expected: Wanted | None = None, *, values: bool = True) -> tuple[list[str], str | None]:
    with path.open("rb", buffering=0) as file:
        findings, kept = read_weights(file, expected or wanted(), values=values)
    return [finding.check for finding in findings], kept and kept.digest


def test_the_same_tensors_have_one_digest_in_every_form_of_file(tmp_path: Path) -> None:
    files = [
        modern(tmp_path / "plain.weights.h5"),
        modern(tmp_path / "packed.weights.h5", compression="gzip", shuffle=True, fletcher32=True),
        modern(tmp_path / "double.weights.h5", dtype="float64"),
        modern(tmp_path / "big_endian.weights.h5", dtype=">f4"),
        legacy(tmp_path / "weights.h5"),
        legacy(tmp_path / "split.h5", split=True),
        legacy(tmp_path / "model.h5", "model_weights"),
    ]
    results = [read(path) for path in files]
    assert results == [([], results[0][1])] * len(files)
    assert results[0][1] is not None
    assert len(results[0][1]) == 64


def test_another_value_is_another_digest(tmp_path: Path) -> None:
    before = read(modern(tmp_path / "m.weights.h5"))
    with h5py.File(tmp_path / "m.weights.h5", "r+") as file:
        tensor = file["layers/conv2d/vars/1"]
        tensor[3] = np.nextafter(tensor[3], np.float32(np.inf))
    after = read(tmp_path / "m.weights.h5")
    assert after[0] == []
    assert after != before


def test_the_state_of_the_optimizer_does_not_count(tmp_path: Path) -> None:
    before = read(modern(tmp_path / "m.weights.h5"))
    with h5py.File(tmp_path / "m.weights.h5", "r+") as file:
        del file["optimizer"]
    assert read(tmp_path / "m.weights.h5") == before


def test_large_tensors_are_read_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read(modern(tmp_path / "m.weights.h5"))
    monkeypatch.setattr("cnnkit.course.submissions.weights_file.BLOCK", 20)
    assert read(tmp_path / "m.weights.h5") == whole


def test_without_its_values_a_file_has_no_digest_and_nan_is_not_seen(tmp_path: Path) -> None:
    with h5py.File(modern(tmp_path / "m.weights.h5"), "r+") as file:
        file["layers/conv2d/vars/1"][0] = np.nan
    assert read(tmp_path / "m.weights.h5", values=False) == ([], None)
    assert read(tmp_path / "m.weights.h5") == (["h5-not-finite"], None)


def test_the_groups_of_keras_2_13(tmp_path: Path) -> None:
    path = modern(tmp_path / "m.weights.h5")
    expected = read(path)
    with h5py.File(path, "r+") as file:
        file.move("layers/sequential/layers", "layers/sequential/_layer_checkpoint_dependencies")
        file.move("layers", "_layer_checkpoint_dependencies")
    assert read(path) == expected


def test_declared_bytes_count_whatever_is_stored(tmp_path: Path) -> None:
    path = modern(tmp_path / "m.weights.h5")
    declared = 4 * (216 + 8 + 8) + 8 + 8 + 4 * 216
    assert read(path, wanted(most_bytes=declared))[0] == []
    assert read(path, wanted(most_bytes=declared - 1)) == (["h5-bytes"], None)


@pytest.mark.parametrize("root", ["", "model_weights"])
def test_a_legacy_file_has_the_layers_of_the_model_in_their_order(tmp_path: Path, root: str) -> None:
    assert read(legacy(tmp_path / "m.h5", root, order=(2, 0, 1, 3)))[0] == ["h5-layers"]
    assert read(legacy(tmp_path / "m.h5", root, order=(0, 1, 2)))[0] == ["h5-layers", "h5-unexpected"]
    assert read(legacy(tmp_path / "m.h5", root, order=(0, 1, 2, 3, 3)))[0] == ["h5-layers"]


def test_a_legacy_file_with_other_shapes_or_without_what_it_lists(tmp_path: Path) -> None:
    with h5py.File(legacy(tmp_path / "m.h5"), "r+") as file:
        del file["inner/dense/kernel:0"]
        file["inner/dense/kernel:0"] = np.zeros((1, 8), np.float32)
        del file["conv/bias:0"]
        file["conv/another"] = np.zeros(1, np.float32)
    assert read(tmp_path / "m.h5")[0] == ["h5-missing", "h5-unexpected", "h5-shape"]


def test_a_legacy_list_cannot_lead_out_of_its_group(tmp_path: Path) -> None:
    with h5py.File(legacy(tmp_path / "m.h5"), "r+") as file:
        file.attrs["layer_names"] = [b"conv", b"../norm", b"/inner"]
    assert read(tmp_path / "m.h5")[0] == ["h5-layers", "h5-missing", "h5-unexpected"]


def test_many_places_are_counted_and_five_are_named(tmp_path: Path) -> None:
    with h5py.File(modern(tmp_path / "m.weights.h5"), "r+") as file:
        for index in range(9):
            file[f"link{index}"] = h5py.SoftLink("/layers")
    with (tmp_path / "m.weights.h5").open("rb", buffering=0) as file:
        (finding,), _ = read_weights(file, wanted())
    assert finding.received == "'link0', 'link1', 'link2', 'link3', 'link4', and 4 more"


WRITE = """
import sys
import keras
import numpy as np

keras.utils.set_random_seed(0)
inner = keras.Sequential(
    [keras.Input((6, 6, 4)), keras.layers.SeparableConv2D(4, 3), keras.layers.BatchNormalization()], name="inner"
)
inputs = keras.Input((8, 8, 3))
maps = keras.layers.Dropout(0.5)(keras.layers.Conv2D(4, 3)(keras.layers.Normalization()(inputs)))
outputs = keras.layers.Dense(1, activation="sigmoid")(keras.layers.GlobalAveragePooling2D()(inner(maps)))
model = keras.Model(inputs, outputs)
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
model.fit(np.zeros((2, 8, 8, 3)), np.ones(2), verbose=0)
model.save_weights(sys.argv[1])
model.save(sys.argv[2])
"""


def test_files_that_keras_wrote_after_training(tmp_path: Path) -> None:
    paths = tmp_path / "model.weights.h5", tmp_path / "model.h5"
    subprocess.run([sys.executable, "-c", WRITE, *paths], check=True, capture_output=True)
    # By hand, from the layers above: Normalization keeps mean, variance and count; SeparableConv2D depth, point, bias.
    normalization = {f"layers/normalization/vars/{index}": shape for index, shape in enumerate([(3,), (3,), ()])}
    convolution = {"layers/conv2d/vars/0": (3, 3, 3, 4), "layers/conv2d/vars/1": (4,)}
    separable = dict(enumerate([(3, 3, 4, 1), (1, 1, 4, 4), (4,)]))
    batch = dict(enumerate([(4,)] * 4))
    inside = "layers/sequential/layers"
    nested = {
        **{f"{inside}/separable_conv2d/vars/{index}": shape for index, shape in separable.items()},
        **{f"{inside}/batch_normalization/vars/{index}": shape for index, shape in batch.items()},
    }
    dense = {"layers/dense/vars/0": (4, 1), "layers/dense/vars/1": (1,)}
    layers = (normalization, convolution, nested, dense)
    tensors = {path: shape for layer in layers for path, shape in layer.items()}
    expected = wanted(tensors=tensors, legacy=[list(layer.values()) for layer in layers])
    first, second = (read(path, expected) for path in paths)
    assert first == second
    assert first[0] == []
