"""What all networks share: the checked input, preprocessing, classes, weights from a file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.errors import InputError, WeightsError
from cnnkit.zoo.building import IMAGENET_DEVIATION, IMAGENET_MEAN, VGG_MEAN, normalized


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (64, "\\(224, 224, 3\\)"),
        ((64, 64), "input_shape=\\(height, width, 3\\)"),
        ((None, None, 3), "pictures are RGB"),
        ((64, 64, 1), "Pictures are RGB"),
        ((31, 64, 3), "at least 32×32.*input_shape=\\(32, 64, 3\\)"),
    ],
)
def test_a_shape_that_does_not_fit_is_refused(shape: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ck.zoo.resnet18(input_shape=shape)


def test_handwriting_may_be_grey_or_coloured() -> None:
    for channels in (1, 3):
        assert ck.zoo.lenet5(input_shape=(32, 32, channels)).output_shape == (None, 10)
    with pytest.raises(InputError, match="1 or 3 channels"):
        ck.zoo.mlp(input_shape=(28, 28, 2))


@pytest.mark.parametrize("classes", [0, -1, 2.5, "ten"])
def test_a_number_of_classes_that_is_none_is_refused(classes: Any) -> None:
    with pytest.raises(InputError, match="at least 1"):
        ck.zoo.convnet(classes=classes)


def test_numpy_numbers_count() -> None:
    assert ck.zoo.mlp(classes=np.int64(3)).output_shape == (None, 3)


def test_other_numbers_that_do_not_exist_are_refused() -> None:
    with pytest.raises(InputError, match="groups=1, 2, 3, 4 or 8"):
        ck.zoo.shufflenet(groups=5)
    with pytest.raises(InputError, match=r"alpha=0\.5, 1, 1\.5 or 2"):
        ck.zoo.shufflenet_v2(alpha=0.75)
    with pytest.raises(InputError, match="at least 65×65"):
        ck.zoo.googlenet(input_shape=(64, 64, 3), auxiliary=True)


@pytest.mark.parametrize(
    ("mean", "deviation", "mode"), [(127.5, 127.5, "tf"), (IMAGENET_MEAN, IMAGENET_DEVIATION, "torch")]
)
def test_preprocessing_is_that_of_keras(mean: Any, deviation: Any, mode: str) -> None:
    images = np.random.default_rng(1).integers(0, 256, (2, 4, 4, 3)).astype("float32")
    expected = keras.applications.imagenet_utils.preprocess_input(images.copy(), mode=mode)
    np.testing.assert_allclose(normalized(images, mean=mean, deviation=deviation), expected, atol=1e-5)


def test_the_mean_of_vgg_is_subtracted_in_rgb() -> None:
    images = np.random.default_rng(2).integers(0, 256, (2, 4, 4, 3)).astype("float32")
    expected = keras.applications.imagenet_utils.preprocess_input(images.copy(), mode="caffe")[..., ::-1]
    np.testing.assert_allclose(normalized(images, mean=VGG_MEAN), expected, atol=1e-4)


def test_lenet_takes_ink_as_1_175_and_paper_as_minus_0_1() -> None:
    """LeCun et al., II.A."""
    model = ck.zoo.lenet5()
    scaled = model.get_layer("preprocessing")(np.array([0.0, 255.0]))
    np.testing.assert_allclose(scaled, [-0.1, 1.175], atol=1e-6)


def test_weights_come_back(tmp_path: Path) -> None:
    file = tmp_path / "mine.weights.h5"
    model = ck.zoo.lenet5()
    model.save_weights(file)
    images = np.random.default_rng(3).integers(0, 256, (2, 32, 32, 1)).astype("float32")
    expected = model.predict(images, verbose=0)
    np.testing.assert_array_equal(ck.zoo.lenet5(weights=str(file)).predict(images, verbose=0), expected)


def test_a_file_with_the_classifier_serves_the_features(tmp_path: Path) -> None:
    file = tmp_path / "mine.weights.h5"
    model = ck.zoo.resnet18(input_shape=(32, 32, 3), classes=4)
    model.save_weights(file)
    images = np.random.default_rng(4).integers(0, 256, (2, 32, 32, 3)).astype("float32")
    expected = ck.truncate(model, "conv5_block2_out").predict(images, verbose=0)
    body = ck.backbone("resnet18", input_shape=(32, 32, 3), weights=file)
    assert (body.settings.weights, body.settings.weights_file) == ("file", "mine.weights.h5")
    np.testing.assert_array_equal(body.model.predict(images, verbose=0), expected)


def test_a_missing_file_and_one_of_another_network_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="Check the path"):
        ck.zoo.lenet5(weights=tmp_path / "absent.weights.h5")
    file = tmp_path / "mine.weights.h5"
    ck.zoo.lenet5(classes=3).save_weights(file)
    with pytest.raises(WeightsError, match=r"'lenet5'.*classes, width, input_shape"):
        ck.zoo.lenet5(classes=4, weights=file)


def test_a_network_without_published_weights_says_so() -> None:
    with pytest.raises(WeightsError, match=r"weights=None.*'resnet18'"):
        ck.backbone("resnet18")
    with pytest.raises(InputError, match=r"extractor only\. ck\.zoo\.resnet18\(classes=1000\)"):
        ck.backbone("resnet18", weights=None, top=True)


def test_googlenet_trains_with_its_auxiliary_heads_and_works_without() -> None:
    model = ck.zoo.googlenet(input_shape=(65, 65, 3), classes=3, auxiliary=True)
    assert [output.name for output in model.outputs] == [
        model.get_layer(name).output.name for name in ("predictions", "auxiliary1", "auxiliary2")
    ]
    alone = keras.Model(model.input, model.outputs[0])
    assert alone.count_params() == ck.zoo.googlenet(input_shape=(65, 65, 3), classes=3).count_params()


def test_one_network_costs_the_import_of_its_own_file_only() -> None:
    code = (
        "import sys, cnnkit as ck; ck.zoo.lenet5; print(sorted(m for m in sys.modules if m.startswith('cnnkit.zoo.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = ["building", "channels", "lenets"]
    assert done.stdout.strip() == str([f"cnnkit.zoo.{name}" for name in loaded])


def test_the_list_of_networks_needs_no_keras() -> None:
    code = "import sys, cnnkit as ck; dir(ck.zoo); print(sorted({'keras', 'tensorflow'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_functions_stay_functions_once_their_files_are_imported() -> None:
    for name in ck.zoo.__all__:
        assert getattr(ck.zoo, name).__name__ == name
        assert set(dir(ck.zoo)) >= {name}
