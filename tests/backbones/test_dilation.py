"""Dilated backbones: the values of the strided network stand at every n-th place, and the weights are the same."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.errors import InputError

SIDE = 64


def lively(model: keras.Model) -> keras.Model:
    """Normalizations that do something; gates that see the whole picture, which has more places, are made constant.

    With kernels as they are initialized the map of MobileNetV2 is nearly the same everywhere: any place would do.
    """
    random = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D):
            layer.set_weights([2 * weight for weight in layer.get_weights()])
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([np.abs(weight) + random.uniform(0, 0.3, weight.shape) for weight in layer.get_weights()])
        if layer.name.endswith("se_expand"):
            layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    return model


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("resnet50", "efficientnet_b0")]  # seconds to build


@pytest.fixture(scope="module", params=["mobilenet_v2", "vgg16", *SLOW])
def body(request: pytest.FixtureRequest) -> ck.backbones.Backbone:
    whole = ck.backbone(request.param, weights=None, input_shape=(SIDE, SIDE, 3), seed=0)
    lively(whole.model)
    return whole


@pytest.mark.parametrize("stride", [16, 8])
def test_the_strided_map_stands_in_the_dilated_one(body: ck.backbones.Backbone, stride: int) -> None:
    """Everywhere, borders too: every n-th place from the one on that symmetric zeros make the first."""
    blocks = np.random.default_rng(1).uniform(0, 255, (1, SIDE // 8, SIDE // 8, 3)).astype(np.float32)
    image = blocks.repeat(8, axis=1).repeat(8, axis=2)
    wide = ck.backbone(body, dilate=stride)
    strided, dilated = body.model(image).numpy(), wide.model(image).numpy()
    rate = 32 // stride
    assert dilated.shape[1:3] == (SIDE // stride, SIDE // stride)
    errors = {
        (row, column): np.abs(dilated[:, row::rate, column::rate] - strided).max()
        for row in range(rate)
        for column in range(rate)
    }
    first, second = sorted(errors, key=errors.__getitem__)[:2]
    assert first[0] == first[1]
    assert errors[first] <= 1e-5 * np.abs(strided).max()
    assert errors[second] >= 100 * errors[first]
    for ours, theirs in zip(wide.model.get_weights(), body.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert [layer.name for layer in body.model.layers if layer.weights] == [
        layer.name for layer in wide.model.layers if layer.weights
    ]
    assert list(wide.pyramid()) == [f"P{level}" for level in range(1, 5 if stride == 16 else 4)]
    assert wide.stages() == body.stages()
    assert wide.settings.dilate == stride
    assert f"dilate={stride}" in repr(wide)


def test_branches_of_other_offsets_meet_at_the_same_place() -> None:
    """Xception adds a 1×1 convolution of stride 2 to a pooling 3×3 of stride 2, half a step apart."""
    image = keras.Input((32, 32, 3), name="image")
    x = keras.layers.Conv2D(4, 8, 8, padding="same", name="stem")(image)
    one = keras.layers.Conv2D(4, 1, 2, name="one")(x)
    three = keras.layers.MaxPooling2D(3, 2, padding="same", name="three")(x)
    x = keras.layers.Add(name="add")([one, three])
    model = keras.Model(image, keras.layers.Conv2D(4, 3, padding="same", name="last")(x))
    wide = ck.backbone(model, dilate=8, preprocessing="inside").model
    picture = np.random.default_rng(2).normal(size=(1, 32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(wide(picture)[:, 1::2, 1::2], model(picture), atol=1e-5)


def test_it_is_saved_and_trains_as_any(tmp_path) -> None:
    body = ck.backbone("nano", input_shape=(64, 64, 3), dilate=16)
    assert body.model.output_shape[1:3] == (4, 4)
    head = ck.heads.deeplab(["below", "above"], rates=(1,), width=8, skip_width=4)
    net = ck.attach(body, head)
    assert net.backbone.model.output_shape[1:3] == (4, 4)
    ck.save(net, tmp_path / "bundle")
    loaded = ck.load(tmp_path / "bundle")
    assert loaded.backbone.settings.dilate == 16
    assert loaded.groups == net.groups
    strided = ck.attach(ck.backbone("nano", input_shape=(64, 64, 3)), head)
    of_body = {layer.name for layer in strided.backbone.model.layers}
    for stage in strided.groups.keys() - {"head"}:  # as many, with the layers that train at the same rate
        assert of_body.intersection(net.groups[stage]) == set(strided.groups[stage])
    picture = np.full((1, 64, 64, 3), 99, np.float32)
    np.testing.assert_array_equal(loaded.model(picture), net.model(picture))


def test_a_dilated_backbone_is_cut_where_its_stages_ended() -> None:
    wide, strided = (ck.backbone("mobilenet", weights=None, input_shape=(64, 64, 3), dilate=d) for d in (8, None))
    assert ck.backbone(wide, cut="stage4").cut == ck.backbone(strided, cut="stage4").cut == "conv_pw_11_relu"
    assert ck.backbone(wide, cut="stage4").stages() == strided.stages()[:4]


def test_what_has_no_dilated_form_is_named() -> None:
    image = keras.Input((32, 32, 3), name="image")
    x = keras.layers.Conv2D(4, 16, 16, name="stem")(image)
    x = keras.layers.Conv2D(4, 2, 2, name="small")(x)
    x = keras.layers.Flatten(name="flat")(x)
    model = keras.Model(image, keras.layers.Dense(3)(x))
    with pytest.raises(InputError, match=r"(?s)Flatten 'flat'.*dilate"):
        ck.backbone(model, dilate=16, preprocessing="inside")
    with pytest.raises(InputError, match="dilate as 8, 16 or None"):
        ck.backbone("nano", dilate=4)


def test_halves_that_are_moved_by_a_pixel_have_no_dilated_form() -> None:
    """NASNet's reduction of the maps of a larger cell: every second pixel, and the same of the map moved by one."""
    layers = keras.layers
    image = keras.Input((32, 32, 3), name="image")
    x = layers.Conv2D(4, 16, 16, name="stem")(image)
    moved = layers.Cropping2D(((1, 0), (1, 0)))(layers.ZeroPadding2D(((0, 1), (0, 1)))(x))
    halves = [layers.AveragePooling2D(1, 2, padding="valid")(half) for half in (x, moved)]
    model = keras.Model(image, layers.Concatenate(name="both")(halves))
    with pytest.raises(InputError, match=r"(?s)dilated behind stride 16.*Concatenate 'both'"):
        ck.backbone(model, dilate=16, preprocessing="inside")
