"""`backbone`: names, shapes, widths, cuts, weights from files, models of one's own."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.backbones.extractor import Backbone, build
from cnnkit.backbones.table import find_row
from cnnkit.errors import InputError, UnknownNameError, WeightsError


@pytest.fixture(scope="module")
def mobilenet() -> keras.Model:
    """Keras's own small MobileNet with classifier, random weights."""
    keras.utils.set_random_seed(1)
    return keras.applications.MobileNet(alpha=0.25, weights=None, input_shape=(64, 64, 3), classes=7)


def small(weights: Path | None = None, *, top: bool = False, cut: str | None = None) -> Backbone:
    return ck.backbone("mobilenet", alpha=0.25, weights=weights, input_shape=(64, 64, 3), top=top, cut=cut)


PICTURES = np.random.default_rng(3).integers(0, 256, (2, 64, 64, 3)).astype(np.uint8)


def test_names_need_no_keras() -> None:
    code = "import sys, cnnkit; print(len(cnnkit.backbones.names()), 'keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["56", "False"]


def test_settings_are_json() -> None:
    body = small(cut="conv_pw_3_relu")
    assert json.loads(json.dumps(dataclasses.asdict(body.settings))) == {
        "name": "mobilenet",
        "alpha": 0.25,
        "weights": None,
        "input_shape": [64, 64, 3],
        "top": False,
        "weights_file": None,
        "preprocessing": "tf",
        "family": None,
        "dilate": None,
    }
    assert body.cut == "conv_pw_3_relu"
    assert body.model.name == "mobilenet"
    assert body.cuts()["name"].iloc[-1] == "conv_pw_3_relu"
    assert repr(body) == (
        "Backbone('mobilenet', 64×64×3 → 16×16×32 at 'conv_pw_3_relu', weights=None, "
        f"{body.model.count_params():,} parameters)"
    )


def test_a_stage_is_a_cut() -> None:
    body = small(cut="stage3")
    assert body.cut == "conv_pw_5_relu"
    assert body.stages()[-1] == body.cut


@pytest.mark.parametrize("suffix", [".weights.h5", ".h5"])
@pytest.mark.parametrize("top", [True, False])
def test_weights_from_a_file_with_top(mobilenet: keras.Model, suffix: str, top: bool, tmp_path: Path) -> None:
    """One file with a classifier of 7 classes serves both; `.h5` is the layout of Keras 2."""
    path = tmp_path / f"mine{suffix}"
    mobilenet.save_weights(path) if suffix == ".weights.h5" else mobilenet.save(path)
    body = small(path, top=top)
    assert body.settings.weights == "file"
    assert body.settings.weights_file == path.name
    reference = mobilenet if top else keras.Model(mobilenet.inputs[0], mobilenet.get_layer("conv_pw_13_relu").output)
    expected = reference(PICTURES / np.float32(127.5) - 1, training=False).numpy()
    received = body.model(PICTURES.astype(np.float32), training=False).numpy()
    np.testing.assert_allclose(received, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(body.model.predict(PICTURES, verbose=0), received, rtol=1e-4, atol=1e-6)


def test_a_file_of_another_width_or_without_top_is_refused(mobilenet: keras.Model, tmp_path: Path) -> None:
    path = tmp_path / "mine.weights.h5"
    mobilenet.save_weights(path)
    with pytest.raises(WeightsError, match=r"lacks \d+ of them"):
        ck.backbone("mobilenet", alpha=0.5, weights=path, input_shape=(64, 64, 3))
    bare = tmp_path / "bare.weights.h5"
    small().model.save_weights(bare)
    with pytest.raises(WeightsError, match="those of its classifier"):
        small(bare, top=True)
    small(bare)


def test_a_file_that_is_no_hdf5_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page.h5").write_text("<html>404</html>")
    with pytest.raises(WeightsError, match="HDF5"):
        small(tmp_path / "page.h5")
    with pytest.raises(WeightsError, match="Check the path"):
        small(tmp_path / "nothing.h5")


def test_published_weights_without_their_no_top_file(keras_home: Path) -> None:
    """Only the file with classifier is here for α = 0.75: the network without it is a prefix."""
    assert not (keras_home / "models" / "mobilenet_7_5_224_tf_no_top.h5").exists()
    bare = ck.backbone("mobilenet", alpha=0.75, input_shape=(96, 96, 3))
    assert bare.settings.weights_file == "mobilenet_7_5_224_tf.h5"
    full = ck.backbone("mobilenet", alpha=0.75, top=True)
    for mine, theirs in zip(bare.model.weights, full.model.weights, strict=False):
        np.testing.assert_array_equal(mine.numpy(), theirs.numpy())
    assert bare.model.output_shape == (None, 3, 3, 768)


def test_the_no_top_file_holds_the_same_as_the_one_with_top(keras_home: Path) -> None:
    with_both = ck.backbone("mobilenet", alpha=0.25)
    assert with_both.settings.weights_file == "mobilenet_2_5_224_tf_no_top.h5"
    (keras_home / "models" / "mobilenet_2_5_224_tf_no_top.h5").unlink()
    from_top = ck.backbone("mobilenet", alpha=0.25)
    for mine, theirs in zip(with_both.model.get_weights(), from_top.model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_size_without_its_own_file_takes_the_native_one(keras_home: Path) -> None:
    body = ck.backbone("mobilenet_v2", alpha=0.35, input_shape=(160, 160, 3), cut="stage2")
    assert "224" in str(body.settings.weights_file)


def test_a_cut_by_position_is_refused_before_weights_are_looked_for(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(InputError, match=r"name of a layer or stage\. Received: -2"):
        ck.backbone("vgg16", cut=-2)


def test_a_backbone_can_be_cut_further() -> None:
    body = small()
    shorter = ck.backbone(body, cut="conv_pw_3_relu")
    assert (shorter.name, shorter.cut, shorter.settings) == ("mobilenet", "conv_pw_3_relu", body.settings)
    assert shorter.model.get_layer("conv1") is body.model.get_layer("conv1")
    with pytest.raises(InputError, match=r"only cut= beside.*with a Backbone"):
        ck.backbone(body, alpha=0.5)


def test_unknown_names() -> None:
    with pytest.raises(UnknownNameError, match=r"'vgg16'.*names\(\)"):
        ck.backbone("vgg_16", weights=None)
    with pytest.raises(UnknownNameError, match=r"'conv_pw_3_relu'.*cuts\(\)"):
        small(cut="conv_pw_3_rel")


def test_widths() -> None:
    with pytest.raises(InputError, match=r"0\.25, 0\.5, 0\.75, 1\.0"):
        ck.backbone("mobilenet", alpha=0.3)
    with pytest.raises(InputError, match=r"no width for vgg16.*mobilenet_v2"):
        ck.backbone("vgg16", alpha=0.5)
    with pytest.raises(InputError, match="above 0"):
        ck.backbone("mobilenet", alpha=-1, weights=None)
    assert ck.backbone("mobilenet", alpha=0.3, weights=None, input_shape=(32, 32, 3)).settings.alpha == 0.3


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("xception", (70, 80, 3), "at least 71×71.*input_shape=\\(71, 80, 3\\)"),
        ("vgg16", (31, 31, 3), "at least 32×32"),
        ("vgg16", (64, 64), "input_shape=\\(height, width, 3\\)"),
        ("vgg16", 224, "\\(224, 224, 3\\)"),
        ("nano", 96, "\\(96, 96, 3\\)"),
        ("vgg16", (64, 64, 1), "pictures are RGB"),
        ("vgg16", (None, None, 3), "pictures are RGB"),
    ],
)
def test_shapes(name: str, shape: tuple[int, int, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ck.backbone(name, weights=None, input_shape=shape)


def test_a_dense_classifier_is_bound_to_its_size() -> None:
    with pytest.raises(InputError, match="bound to it"):
        ck.backbone("vgg16", top=True, input_shape=(64, 64, 3))


def test_any_functional_model_is_a_backbone(mobilenet: keras.Model) -> None:
    body = ck.backbone(mobilenet, cut="conv_pw_2_relu")
    assert body.settings.weights == "model"
    assert body.name == mobilenet.name
    assert (body.settings.preprocessing, body.settings.family) == ("tf", "MobileNet")
    assert body.model.get_layer("conv1") is mobilenet.get_layer("conv1")
    assert ck.backbone(mobilenet).cut == "predictions"
    with pytest.raises(InputError, match="only cut="):
        ck.backbone(mobilenet, alpha=0.5)


def test_a_model_of_two_inputs_or_without_pictures_is_refused() -> None:
    left, right = keras.Input((4,)), keras.Input((4,))
    with pytest.raises(InputError, match="2 inputs"):
        ck.backbone(keras.Model([left, right], keras.layers.Add()([left, right])))
    with pytest.raises(InputError, match="takes pictures"):
        ck.backbone(keras.Model(left, keras.layers.Dense(1)(left)))


def test_nano_is_imported_when_asked_for() -> None:
    body = ck.backbone("nano", weights=None, input_shape=(64, 64, 3))
    assert body.settings.weights is None
    assert body.model.layers[0].name == "image"
    assert body.model(PICTURES.astype(np.float32)).shape == body.model.compute_output_shape((2, 64, 64, 3))
    with pytest.raises(InputError, match="extractor only"):
        ck.backbone("nano", top=True)


def test_rows_build_without_a_change_of_the_random_seed_between_processes() -> None:
    row = find_row("mobilenet")
    keras.utils.set_random_seed(4)
    first = build(row, (32, 32, 3), 0.25, top=False).get_weights()
    keras.utils.set_random_seed(4)
    for one, other in zip(first, build(row, (32, 32, 3), 0.25, top=False).get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
