from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.errors import DataError, InputError, UnknownNameError
from cnnkit.visualize.class_activation import class_maps, gradcam, gradcam_figure, heat, overlay
from cnnkit.visualize.tapping import deepest_maps
from tests.visualize.small_networks import images, network, pooled, randomized


def cam(model: keras.Model, x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Zhou et al. 2016: the maps weighed as the dense layer weighs their means; without negative values."""
    maps = np.asarray(keras.Model(model.input, model.get_layer("maps").output)(x))  # (n, h, w, k)
    cells = maps.shape[1] * maps.shape[2]
    return np.maximum(maps @ weights / cells, 0)


@pytest.mark.parametrize("activation", ["softmax", None])
def test_behind_global_average_pooling_it_is_cam(activation: str | None) -> None:
    model, x = pooled(3, activation), images(5)
    kernel = model.get_layer("answer").get_weights()[0]
    for target in range(3):
        expected = cam(model, x, kernel[:, target])
        np.testing.assert_allclose(class_maps(model, x, targets=[target] * 5), expected, rtol=1e-4, atol=1e-5)


def test_one_sigmoid_unit_speaks_for_class_1_and_against_class_0() -> None:
    model, x = pooled(1, "sigmoid"), images(3)
    kernel = model.get_layer("answer").get_weights()[0][:, 0]
    np.testing.assert_allclose(class_maps(model, x, targets=[1] * 3), cam(model, x, kernel), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(class_maps(model, x, targets=[0] * 3), cam(model, x, -kernel), rtol=1e-4, atol=1e-5)


def test_a_certain_answer_keeps_its_map() -> None:
    model, x = pooled(1, "sigmoid"), images(1)
    kernel, bias = model.get_layer("answer").get_weights()
    before = class_maps(model, x, targets=[1])
    model.get_layer("answer").set_weights([kernel, bias + 200])  # the probability is 1.0, its gradient 0
    assert float(model(x)[0, 0]) == 1
    np.testing.assert_allclose(class_maps(model, x, targets=[1]), before, rtol=1e-5)


def test_equations_1_and_2_behind_a_flatten() -> None:
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, 2, padding="same", name="maps")(image)
    y = keras.layers.Dense(2, name="answer")(keras.layers.Flatten()(x))
    model = randomized(keras.Model(image, keras.layers.Softmax()(y)))
    weights = model.get_layer("answer").get_weights()[0].reshape(4, 4, 4, 2)  # dy^c / dA^k_ij, the layer is linear
    pictures = images(2)
    maps = np.asarray(keras.Model(model.input, x)(pictures))
    for target in (0, 1):
        alpha = [weights[:, :, k, target].mean() for k in range(4)]  # equation 1
        expected = np.maximum(sum(alpha[k] * maps[..., k] for k in range(4)), 0)  # equation 2
        np.testing.assert_allclose(class_maps(model, pictures, targets=[target] * 2), expected, rtol=1e-4, atol=1e-5)


def test_the_default_target_is_the_answer() -> None:
    model, x = pooled(3, "softmax"), images(6)
    answers = np.asarray(model(x)).argmax(axis=1).tolist()
    np.testing.assert_array_equal(class_maps(model, x), class_maps(model, x, targets=answers))


def test_the_answer_is_that_of_the_threshold() -> None:
    net = network(["no", "yes"])
    x = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3)).astype(np.uint8)
    p = float(ck.predict(net, x)["yes"].iloc[0])
    for threshold, answer in ((p * 0.9, "yes"), (p + 0.1 * (1 - p), "no")):
        own = dataclasses.replace(net, head=dataclasses.replace(net.head, threshold=threshold))
        assert ck.predict(own, x)["label"].tolist() == [answer]
        np.testing.assert_array_equal(class_maps(own, x), class_maps(net, x, targets=[answer]))


def test_a_frozen_network_has_the_same_map() -> None:
    model, x = pooled(3, "softmax"), images(2)
    before = class_maps(model, x)
    model.trainable = False
    np.testing.assert_array_equal(class_maps(model, x), before)


def test_a_layer_inside_a_branch() -> None:
    image = keras.Input((8, 8, 3))
    left = keras.layers.Conv2D(4, 3, padding="same", name="left")(image)
    right = keras.layers.Conv2D(4, 3, padding="same", name="right")(image)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Concatenate(name="both")([left, right]))
    model = randomized(keras.Model(image, keras.layers.Dense(2)(x)))
    pictures = images(2)
    weights = model.layers[-1].get_weights()[0][:4, 1]
    maps = np.asarray(keras.Model(image, left)(pictures))
    expected = np.maximum(maps @ weights / 64, 0)
    np.testing.assert_allclose(
        class_maps(model, pictures, layer="left", targets=[1, 1]), expected, rtol=1e-4, atol=1e-5
    )


def test_sequential_and_activation_layer() -> None:
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(3, 3, name="maps"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Activation("softmax"),
        ]
    )
    randomized(model)
    maps = np.asarray(model.layers[0](images(1)))[0]
    expected = heat(np.maximum(maps[..., 2], 0), (8, 8))  # alpha is 1/Z for its own map, 0 for the others
    np.testing.assert_allclose(gradcam(model, images(1)[0], target=2), expected, atol=1e-5)


def test_a_network_frames_pictures_of_any_size_and_knows_its_classes() -> None:
    net = network(["no_person", "person"])
    photo = np.random.default_rng(1).integers(0, 256, (30, 50, 3), dtype=np.uint8)
    for target in (None, "no_person", "person", 1):
        result = gradcam(net, photo, target=target)
        assert result.shape == net.size
        assert result.dtype == np.float32
        assert 0 <= result.min() <= result.max() <= 1
    np.testing.assert_array_equal(gradcam(net, photo, target="person"), gradcam(net, photo, target=1))
    np.testing.assert_array_equal(gradcam(net, photo, target="person", layer="conv2"), gradcam(net, photo, target=1))


def test_heat_keeps_nothing_nothing_and_scales_the_peak_to_1() -> None:
    np.testing.assert_array_equal(heat(np.zeros((2, 2), np.float32), (4, 6)), np.zeros((4, 6)))
    cells = np.array([[0, 5], [0, 0]], np.float32)
    enlarged = heat(cells, (40, 40))
    assert enlarged.max() == 1
    assert enlarged[:20, 20:].mean() > 10 * enlarged[20:, :20].mean()


def test_overlay_leaves_the_grey_picture_where_nothing_speaks() -> None:
    picture = np.full((2, 2, 3), (30, 60, 90), np.uint8)
    covered = overlay(picture, np.array([[0, 1], [0, 0]], np.float32))
    assert covered[0, 0].tolist() == [60, 60, 60]
    assert covered[0, 1].max() > 150


def test_the_figure_has_each_picture_above_its_map() -> None:
    net = network(["no", "yes"])
    photos = np.random.default_rng(1).integers(0, 256, (8, 16, 16, 3), dtype=np.uint8)
    made = gradcam_figure(net, photos, [f"picture {number}" for number in range(8)])
    shown = [axes.get_images()[0].get_array() for axes in made.axes]
    assert len(shown) == 16
    np.testing.assert_array_equal(shown[0], photos[0])
    np.testing.assert_array_equal(shown[8], photos[4])  # two rows of four: pictures, maps, pictures, maps
    np.testing.assert_array_equal(shown[4], overlay(photos[0], gradcam(net, photos[0])))
    assert made.axes[8].get_title(loc="center") == "picture 4"
    gradcam_figure(net, photos[:7])  # an incomplete last row
    sizes = [gradcam_figure(net, photos[:count], ["one"] * count).get_size_inches() for count in (1, 2, 6)]
    assert all(width <= 11 and height <= 7.1 for width, height in sizes)


def test_a_network_takes_what_predict_takes() -> None:
    net, photo = network(["no", "yes"]), np.random.default_rng(1).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    expected = gradcam(net, photo)
    np.testing.assert_array_equal(gradcam(net, photo.astype(np.float32)), expected)
    grey = photo[..., 0]
    np.testing.assert_array_equal(gradcam(net, grey), gradcam(net, np.stack([grey] * 3, axis=-1)))
    for looked_into in (net, net.backbone):
        with pytest.raises(DataError, match="multiply by 255"):
            gradcam_figure(looked_into, [photo / 255])
        opaque = np.dstack([photo, np.full(photo.shape[:2], 255, np.uint8)])
        np.testing.assert_array_equal(gradcam(looked_into, opaque), gradcam(looked_into, photo))


def test_a_keras_model_takes_pixels_of_any_range_and_of_its_channels() -> None:
    model = network(["no", "yes"]).model
    assert gradcam(model, np.full((16, 16, 3), 0.5, np.float32)).shape == (16, 16)
    for wrong in (np.zeros((20, 30, 4), np.uint8), np.zeros((16, 16), np.uint8)):
        with pytest.raises(InputError, match=r"a picture \(h, w, 3\)"):
            gradcam(model, wrong)
    grey = keras.Input((8, 8, 1))
    maps = keras.layers.Conv2D(2, 3)(grey)
    with pytest.raises(InputError, match="not resized"):
        gradcam(keras.Model(grey, keras.layers.GlobalMaxPooling2D()(maps)), np.zeros((9, 9, 1), np.uint8))


def test_what_cannot_be_explained() -> None:
    model, picture = pooled(3, "softmax"), images(1)[0]
    with pytest.raises(UnknownNameError, match="maps"):
        gradcam(model, picture, layer="map")
    with pytest.raises(InputError, match="before the pooling"):
        gradcam(model, picture, layer="pool")
    with pytest.raises(InputError, match="from 0 to 2"):
        gradcam(model, picture, target=3)
    with pytest.raises(UnknownNameError, match="person"):
        gradcam(network(["no_person", "person"]), np.zeros((16, 16, 3), np.uint8), target="persona")
    with pytest.raises(InputError, match="Pass one at a time"):
        gradcam(model, images(1))
    with pytest.raises(InputError, match="not resized"):
        gradcam(model, np.zeros((9, 9, 3), np.float32))
    with pytest.raises(InputError, match="one target for each"):
        class_maps(model, images(2), targets=[1])
    with pytest.raises(InputError, match="at least one picture"):
        gradcam_figure(model, [])


def test_the_deepest_layer_that_is_fine_enough() -> None:
    image = keras.Input((32, 32, 3))
    x = image
    for side in (16, 8, 4):
        x = keras.layers.Conv2D(2, 3, 2, padding="same", name=f"maps{side}")(x)
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(x))
    assert [deepest_maps(model, side=side) for side in (4, 5, 16, 17)] == ["maps4", "maps8", "maps16", None]


def test_models_without_maps_or_gradient() -> None:
    image = keras.Input((8, 8, 3))
    flat = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(image)))
    with pytest.raises(InputError, match="convolutional maps"):
        gradcam(flat, images(1)[0])
    maps = keras.layers.Conv2D(2, 3, name="maps")(image)
    stopped = keras.ops.stop_gradient(maps)
    pooled_maps = keras.layers.GlobalAveragePooling2D()(stopped)
    cut_off = keras.Model(image, keras.layers.Dense(2)(pooled_maps))
    with pytest.raises(InputError, match="depends on"):
        gradcam(cut_off, images(1)[0], layer="maps")
    with pytest.raises(InputError, match="one output"):
        gradcam(keras.Model(image, [maps, pooled_maps]), images(1)[0])
    with pytest.raises(InputError, match="2 inputs"):
        gradcam(keras.Model([image, keras.Input((8, 8, 3))], pooled_maps), images(1)[0])


def test_half_precision_keeps_gradients_below_its_smallest_number() -> None:
    """CAM by hand: before weights of 1e-4 the mean over 64² cells has the gradient 2e-8, less than float16 can hold."""
    random = np.random.default_rng(5)
    image = keras.Input((64, 64, 3))
    x = keras.layers.Conv2D(4, 1, activation="relu", name="maps", dtype="mixed_float16")(image)
    x = keras.layers.GlobalAveragePooling2D(dtype="mixed_float16")(x)
    model = keras.Model(image, keras.layers.Dense(2, activation="softmax", dtype="mixed_float16")(x))
    kernel, weights = random.normal(size=(3, 4)), 1e-4 * random.uniform(0.5, 1, (4, 2))
    model.set_weights([kernel[None, None], np.zeros(4), weights, np.zeros(2)])
    picture = random.normal(size=(1, 64, 64, 3))
    expected = np.maximum(picture[0] @ kernel, 0) @ weights[:, 1] / 64**2  # equation 2 with alpha = w / cells
    received = class_maps(model, picture.astype(np.float32), layer="maps", targets=[1])[0]
    np.testing.assert_allclose(received, expected, rtol=0.01, atol=0.01 * expected.max())
