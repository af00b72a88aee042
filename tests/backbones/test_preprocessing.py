"""Raw RGB in: the graph's own preprocessing against `preprocess_input`, on real photographs."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from cnnkit.backbones.extractor import backbone
from cnnkit.backbones.preprocessing import TORCH_DEVIATION, first_kernel, fold, image_input, preprocess
from cnnkit.backbones.table import find_row
from cnnkit.data.decode import decode_file
from cnnkit.data.views.framing import Framing
from cnnkit.errors import InputError

KINDS = {"caffe": keras.applications.vgg16, "tf": keras.applications.mobilenet, "torch": keras.applications.densenet}


@pytest.fixture(scope="module")
def photographs(shared: Path) -> NDArray[np.uint8]:
    """Eight photographs, 96×96."""
    files = sorted((shared / "data" / "imagenet_samples_256").iterdir())[::125]
    return np.stack([Framing().apply(decode_file(file), (96, 96)) for file in files])


@pytest.mark.parametrize("kind", KINDS)
def test_the_layer_against_preprocess_input(kind: str) -> None:
    images = np.random.default_rng(0).uniform(0, 255, (2, 8, 8, 3)).astype(np.float32)
    image = image_input((8, 8, 3))
    ours = keras.Model(image, preprocess(image, kind))(images).numpy()  # type: ignore[arg-type]
    theirs = KINDS[kind].preprocess_input(images.copy())
    np.testing.assert_allclose(ours[..., ::-1] if kind == "caffe" else ours, theirs, atol=2e-5)


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("vgg16", keras.applications.vgg16),
        ("resnet50", keras.applications.resnet50),
        ("densenet121", keras.applications.densenet),
        ("mobilenet_v2", keras.applications.mobilenet_v2),
    ],
)
def test_networks_on_photographs(name: str, module: object, photographs: NDArray[np.uint8], tmp_path: Path) -> None:
    row = find_row(name)
    original = getattr(keras.applications, row.builder)(include_top=False, weights=None, input_shape=(96, 96, 3))
    original.save_weights(tmp_path / "random.weights.h5")
    body = backbone(name, weights=tmp_path / "random.weights.h5", input_shape=(96, 96, 3))
    expected = original(module.preprocess_input(photographs.astype(np.float32)), training=False).numpy()  # type: ignore[attr-defined]
    received = body.model(photographs.astype(np.float32), training=False).numpy()
    np.testing.assert_allclose(received, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_efficientnet_gets_the_factor_of_its_published_weights() -> None:
    """Keras inserts a Rescaling only with weights="imagenet": the same network written out by hand."""
    row = find_row("efficientnet_b0")
    image = image_input((32, 32, 3))
    model = keras.applications.EfficientNetB0(include_top=False, weights=None, input_tensor=image)
    images = np.random.default_rng(0).uniform(0, 255, (1, 32, 32, 3)).astype(np.float32)
    normalized = keras.Model(model.inputs[0], model.layers[2].output)(images)
    assert isinstance(model.layers[2], keras.layers.Normalization)
    assert isinstance(model.layers[3], keras.layers.ZeroPadding2D)
    stem = keras.Sequential([model.get_layer("stem_conv_pad"), model.get_layer("stem_conv")])
    expected = stem(normalized.numpy() / np.sqrt(np.array(TORCH_DEVIATION, np.float32))).numpy()
    fold(model, row, published=False)
    assert np.abs(stem(normalized).numpy() - expected).max() > 1e-3
    fold(model, row, published=True)
    np.testing.assert_allclose(stem(normalized).numpy(), expected, atol=1e-5)


def test_half_precision_keeps_the_pictures_exact() -> None:
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        layer = preprocess(image_input((8, 8, 3)), "caffe")
    finally:
        keras.config.set_dtype_policy(policy)
    assert layer.dtype == "float32"


def test_a_network_without_convolution_cannot_be_folded() -> None:
    image = keras.Input((4,))
    with pytest.raises(InputError, match="Conv2D"):
        first_kernel(keras.Model(image, keras.layers.Dense(1)(image)))


@pytest.mark.parametrize(("alpha", "accuracy"), [(0.75, 0.84), (0.25, 0.592)])
def test_top_1_on_imagenet_samples(shared: Path, keras_home: Path, alpha: float, accuracy: float) -> None:
    """Short side to 256, centre crop of 224 (fraction 0.875); sorted file names give the class index."""
    files = sorted((shared / "data" / "imagenet_samples_256").iterdir())
    framing = Framing(fraction=find_row("mobilenet").fraction)
    images = np.stack([framing.apply(decode_file(file), (224, 224)) for file in files])
    body = backbone("mobilenet", alpha=alpha, top=True)
    predicted = body.model.predict(images, batch_size=50, verbose=0).argmax(axis=1)
    assert np.mean(predicted == np.arange(1000)) == pytest.approx(accuracy, abs=0.005)
