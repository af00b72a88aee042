"""Models of the caller's own: recognised, told or refused, never fed with values that they do not take."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.errors import InputError

SIDE = 64
PICTURES = np.random.default_rng(3).integers(0, 256, (2, SIDE, SIDE, 3)).astype(np.float32)
TF = PICTURES / np.float32(127.5) - 1


@pytest.fixture(scope="module")
def mobilenet() -> keras.Model:
    """A width that nobody publishes, with a classifier."""
    keras.utils.set_random_seed(1)
    return keras.applications.MobileNet(alpha=0.1, weights=None, input_shape=(SIDE, SIDE, 3), classes=7)


@pytest.fixture(scope="module")
def vgg() -> keras.Model:
    keras.utils.set_random_seed(1)
    return keras.applications.VGG16(include_top=False, weights=None, input_shape=(SIDE, SIDE, 3))


def own(*, shape: tuple[int | None, ...] = (SIDE, SIDE, 3), first: keras.Layer | None = None) -> keras.Model:
    """Two convolutions named as VGG16's are, and nothing else of it."""
    image = x = keras.Input(shape)
    x = x if first is None else first(x)
    x = keras.layers.Conv2D(4, 3, activation="relu", padding="same", name="block1_conv1")(x)
    x = keras.layers.Conv2D(4, 3, activation="relu", padding="same", name="block1_conv2")(x)
    return keras.Model(image, x, name="own")


def same(body: ck.backbones.Backbone, expected: object) -> None:
    received, scale = np.asarray(body.model(PICTURES, training=False)), np.abs(expected).max()
    assert np.std(expected) > 0
    np.testing.assert_allclose(received / scale, np.asarray(expected) / scale, rtol=0, atol=1e-5)


def up_to(model: keras.Model, layer: str) -> keras.Model:
    return keras.Model(model.inputs[0], model.get_layer(layer).output)


# ---- Recognised ----


def test_with_its_classifier(mobilenet: keras.Model) -> None:
    body = ck.backbone(mobilenet)
    same(body, mobilenet(TF, training=False))
    assert "preprocessing='tf' of MobileNet" in repr(body)


def test_a_short_cut_by_its_published_names(mobilenet: keras.Model) -> None:
    cut = up_to(mobilenet, "conv_pw_2_relu")
    same(ck.backbone(cut), cut(TF, training=False))
    same(ck.backbone(ck.truncate(mobilenet, "conv_pw_2_relu")), cut(TF, training=False))


def test_a_cut_inside_and_behind_a_head_of_ones_own(mobilenet: keras.Model) -> None:
    x = mobilenet.get_layer("conv_pw_9").output
    model = keras.Model(mobilenet.inputs[0], keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(x)))
    same(ck.backbone(model), model(TF, training=False))


def test_inside_another_model_it_is_opened(mobilenet: keras.Model) -> None:
    outer = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            keras.Sequential([keras.layers.RandomFlip(name="flip")], name="augment"),
            up_to(mobilenet, "conv_pw_5_relu"),
            keras.layers.GlobalAveragePooling2D(name="pool"),
        ]
    )
    body = ck.backbone(outer)
    same(body, outer(TF, training=False))
    names = [layer.name for layer in body.model.layers]
    # Random versions are made of 0…255, so the preprocessing comes behind.
    assert names[:4] == ["image", "flip", "preprocessing", "conv1"]
    assert body.model.get_layer("conv1") is mobilenet.get_layer("conv1")
    assert ck.backbone(outer, cut="conv_pw_2_relu").cut == "conv_pw_2_relu"
    assert ck.backbone(outer, cut="augment").cut == "flip"


def test_under_other_names_it_is_recognised_where_it_is_unmistakable() -> None:
    renamed = keras.applications.MobileNet(alpha=0.1, weights=None, include_top=False, input_shape=(SIDE, SIDE, 3))
    for layer in renamed.layers:
        layer.name = f"my_{layer.name}"
    body = ck.backbone(keras.Model(renamed.inputs[0], renamed.outputs[0], name="mine"))
    same(body, renamed(TF, training=False))
    with pytest.raises(InputError, match="to be told what values"):
        ck.backbone(ck.truncate(renamed, "my_conv_pw_1_relu"))


def test_bgr_is_made_of_stock_operations_and_the_kernel_stays(vgg: keras.Model) -> None:
    kernel = vgg.get_layer("block1_conv1").kernel.numpy()
    body = ck.backbone(vgg, cut="block2_pool")
    wanted = up_to(vgg, "block2_pool")(keras.applications.vgg16.preprocess_input(PICTURES.copy()))
    same(body, wanted)
    np.testing.assert_array_equal(vgg.get_layer("block1_conv1").kernel.numpy(), kernel)
    plain = keras.models.model_from_json(body.model.to_json())
    plain.set_weights(body.model.get_weights())
    np.testing.assert_allclose(np.asarray(plain(PICTURES)), np.asarray(wanted), rtol=1e-4, atol=1e-5)


def test_its_framing_is_that_of_its_published_accuracy(mobilenet: keras.Model) -> None:
    net = ck.attach(up_to(mobilenet, "conv_pw_3_relu"), ck.heads.classifier(["a", "b"]))
    assert net.framing.fraction == 0.875


def test_an_open_size_is_the_native_one_or_that_of_input_shape() -> None:
    model = keras.applications.MobileNet(alpha=0.1, weights=None, include_top=False)
    assert model.input_shape == (None, None, None, 3)
    assert ck.backbone(model).settings.input_shape == (224, 224, 3)
    body = ck.backbone(model, input_shape=(SIDE, SIDE, 3))
    assert body.model.input_shape == (None, SIDE, SIDE, 3)
    same(body, model(TF, training=False))
    net = ck.attach(body, ck.heads.classifier(["a", "b"]))
    assert "None" not in str(net.summary()["output"].tolist())


# ---- Told ----


def normalization() -> keras.Layer:
    return keras.layers.Normalization(mean=[120.0, 110, 100], variance=[3600.0, 3600, 3600])


@pytest.mark.parametrize("first", [lambda: keras.layers.Rescaling(1 / 255), normalization])
def test_preprocessing_in_the_model_is_left_alone(first: Callable[[], keras.Layer]) -> None:
    model = own(first=first())
    body = ck.backbone(model)
    assert body.settings.preprocessing == "inside"
    same(body, model(PICTURES))
    assert body.model.get_layer("block1_conv1") is model.get_layer("block1_conv1")
    ck.backbone(model, preprocessing="inside")
    with pytest.raises(InputError, match="preprocessed once"):
        ck.backbone(model, preprocessing="tf")


def test_preprocess_input_of_keras_in_the_model_is_seen(mobilenet: keras.Model) -> None:
    image = keras.Input((SIDE, SIDE, 3))
    cut = up_to(mobilenet, "conv_pw_2_relu")
    model = keras.Model(image, cut(keras.applications.mobilenet.preprocess_input(image)))
    same(ck.backbone(model), cut(TF))


TORCH = (PICTURES / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
CAFFE = PICTURES[..., ::-1] - (103.939, 116.779, 123.68)


@pytest.mark.parametrize(
    ("preprocessing", "taken"),
    [
        ("inside", PICTURES),
        ("tf", TF),
        ("torch", TORCH),
        ("caffe", CAFFE),
        ((1 / 255, 0), PICTURES / 255),
        ((np.float32(2), [1.0, 2, 3]), PICTURES * 2 + (1, 2, 3)),
    ],
)
def test_what_a_model_takes_can_be_said(preprocessing: object, taken: np.ndarray) -> None:
    """The networks' own formulas: keras.applications.imagenet_utils; scale and offset as keras.layers.Rescaling."""
    model = own()
    same(ck.backbone(model, preprocessing=preprocessing), model(taken.astype(np.float32)))


def test_scale_and_offset_are_printed() -> None:
    assert "preprocessing='pictures · 0.00392157 + 0'" in repr(ck.backbone(own(), preprocessing=(1 / 255, 0)))


def test_finetune_passes_it_on() -> None:
    labels = np.arange(8) % 2
    photos = ck.data.arrays(np.repeat(PICTURES, 4, axis=0).astype(np.uint8), labels, classes=["a", "b"])
    plan = ck.Plan([ck.Phase("head", epochs=1)])
    net = ck.finetune(photos, backbone=own(), preprocessing="tf", plan=plan, progress=False)
    assert net.backbone.settings.preprocessing == "tf"
    with pytest.raises(InputError, match=r"ck\.finetune\(\.\.\., preprocessing"):
        ck.finetune(photos, backbone=own(), plan=plan, progress=False)


def test_a_model_that_says_nothing_is_asked() -> None:
    for use in (ck.backbone, lambda model: ck.attach(model, ck.heads.classifier(["a", "b"]))):
        with pytest.raises(InputError, match=r"no preprocessing=.*ck\.backbone\(model, preprocessing=\.\.\.\)"):
            use(own())


@pytest.mark.parametrize(
    "value", ["imagenet", "TF", 1, 1.0, (1,), (0, 1), (1, 2, 3), ("a", 0), (float("nan"), 0), ([1, 2], 0), {}, True, []]
)
def test_other_words_are_refused(value: object) -> None:
    with pytest.raises(InputError, match=r'preprocessing="inside", "tf", "caffe", "torch" or \(scale, offset\)'):
        ck.backbone(own(), preprocessing=value)


def test_a_name_and_a_backbone_have_theirs() -> None:
    with pytest.raises(InputError, match="leave it out"):
        ck.backbone("nano", preprocessing="tf")
    with pytest.raises(InputError, match="only cut= beside a backbone"):
        ck.backbone(ck.backbone(own(), preprocessing="inside"), preprocessing="inside")


# ---- Refused ----


@pytest.fixture
def channels_first() -> Iterator[None]:
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format("channels_last")


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((28, 28, 1), r"RGB pictures.*\(28, 28, 1\).*keras\.ops\.mean"),
        ((28, 28, 4), r"RGB pictures.*\(28, 28, 4\)"),
        ((28, 28, None), "RGB pictures"),
        ((3, 28, 28), "channels last"),
        ((None, None, 3), r"fixed input size.*input_shape=\(224, 224, 3\)"),
        ((28, None, 3), "fixed input size.*28 × None"),
        ((28, 3), "takes pictures"),
        ((2, 28, 28, 3), "takes pictures"),
    ],
)
def test_inputs_that_are_no_rgb_pictures(shape: tuple[int | None, ...], message: str) -> None:
    image = keras.Input(shape)
    flat = keras.layers.Activation("relu")(image)
    with pytest.raises(InputError, match=message):
        ck.backbone(keras.Model(image, flat), preprocessing="inside")


def test_the_remedy_for_grey_works() -> None:
    model = own(shape=(SIDE, SIDE, 1))
    image = keras.Input((SIDE, SIDE, 3))
    grey = keras.ops.mean(image, axis=-1, keepdims=True)
    body = ck.backbone(keras.Model(image, model(grey)), preprocessing="inside")
    same(body, model(PICTURES.mean(axis=-1, keepdims=True)))


def test_channels_first(channels_first: None) -> None:
    for given in ("nano", keras.Model(image := keras.Input((3, 8, 8)), keras.layers.Conv2D(2, 3)(image))):
        with pytest.raises(InputError, match="set_image_data_format"):
            ck.backbone(given, weights=None)


def test_a_layer_with_channels_first() -> None:
    image = keras.Input((3, 3, 3))
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D(data_format="channels_first", name="p")(image))
    with pytest.raises(InputError, match="layer 'p' with channels first"):
        ck.backbone(model, preprocessing="inside")


@pytest.mark.parametrize("shape", [(), (2, 4, 4, 3)])
def test_outputs_that_are_no_features(shape: tuple[int, ...]) -> None:
    image = keras.Input((4, 8, 3))
    model = keras.Model(image, keras.layers.Reshape(shape)(image) if shape else keras.ops.mean(image, axis=(1, 2, 3)))
    with pytest.raises(InputError, match="features of each picture"):
        ck.backbone(model, preprocessing="inside")


def test_a_size_that_is_fixed_stays() -> None:
    assert ck.backbone(own(), preprocessing="inside", input_shape=[SIDE, SIDE, 3]).settings.input_shape[0] == SIDE
    with pytest.raises(InputError, match=r"input_shape=\(64, 64, 3\), which 'own' was built for"):
        ck.backbone(own(), preprocessing="inside", input_shape=(32, 32, 3))


def test_inner_models_with_equal_names_stay_closed() -> None:
    def block(name: str) -> keras.Model:
        image = keras.Input((None, None, 3))
        return keras.Model(image, keras.layers.Conv2D(3, 3, padding="same", name="conv")(image), name=name)

    image = keras.Input((SIDE, SIDE, 3))
    model = keras.Model(image, block("b")(block("a")(keras.layers.Rescaling(1 / 255)(image))))
    body = ck.backbone(model)
    assert [layer.name for layer in body.model.layers][2:] == ["a", "b"]
    same(body, model(PICTURES))
