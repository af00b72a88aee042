from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import cnnkit as ck
from cnnkit.errors import DataError, InputError
from cnnkit.visualize.given_pictures import levels, one_picture, refuse_scaled, several_pictures
from tests.visualize.small_networks import network

PHOTOS = np.random.default_rng(0).integers(0, 256, (6, 8, 9, 3), dtype=np.uint8)
DATASET = ck.data.arrays(PHOTOS, [0, 1] * 3)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(PHOTOS[0]).save(path)
    return path


@pytest.mark.parametrize("given", [PHOTOS, list(PHOTOS), [PHOTOS[0], PHOTOS[0, :4]], DATASET.train, None])
def test_what_is_not_one_picture(given: Any) -> None:
    with pytest.raises(InputError, match=r"photos\.test\.image\(0\)"):
        one_picture(given)


@pytest.mark.parametrize("given", [DATASET, None, 3, [3], [PHOTOS, PHOTOS]])
def test_what_is_not_several_pictures(given: Any) -> None:
    with pytest.raises(InputError):
        several_pictures(given)


@pytest.mark.parametrize("read", [one_picture, several_pictures])
def test_a_path_without_a_file(read: Any) -> None:
    with pytest.raises(DataError, match=r"nowhere\.jpg"):
        read("nowhere.jpg")


def test_pictures_of_any_kind() -> None:
    for given in (PHOTOS, list(PHOTOS), tuple(PHOTOS), iter(PHOTOS), [Image.fromarray(photo) for photo in PHOTOS]):
        np.testing.assert_array_equal(several_pictures(given), PHOTOS)
    assert [picture.shape for picture in several_pictures(PHOTOS[..., 0])] == [(8, 9)] * 6
    train = DATASET.train
    np.testing.assert_array_equal(several_pictures(train), [train.image(index) for index in range(len(train))])


def test_one_picture_of_any_kind(file: Path) -> None:
    for given in (PHOTOS[0], Image.fromarray(PHOTOS[0]), file, str(file)):
        np.testing.assert_array_equal(one_picture(given), PHOTOS[0])
        np.testing.assert_array_equal(several_pictures(given), PHOTOS[:1])
        np.testing.assert_array_equal(several_pictures([given, given]), PHOTOS[[0, 0]])
    np.testing.assert_array_equal(one_picture(DATASET.train.take([0])), DATASET.train.image(0))


def test_fractions_are_refused_where_all_end_at_1() -> None:
    for scaled in (PHOTOS / 255, [PHOTOS[0] / 127.5 - 1], [PHOTOS[0], PHOTOS[1] > 127]):
        with pytest.raises(DataError, match="multiply by 255"):
            refuse_scaled(list(scaled))
    refuse_scaled([PHOTOS[0].astype(np.float32), PHOTOS[0] / 255, np.zeros((4, 4))])  # side by side, on purpose
    assert levels(np.array([[-3, 0.6, 300]])).tolist() == [[0, 1, 255]]


@pytest.mark.parametrize("name", ["activations", "activation_maps", "dream", "gradcam", "receptive_field"])
def test_all_figures_take_the_same_pictures(name: str) -> None:
    net, layer = network(["no", "yes"]), "conv2"
    function = getattr(ck.visualize, name)
    for image, error in ((PHOTOS, InputError), ("a.jpg", DataError), (PHOTOS[0] / 255, DataError)):
        given = {"activations": (image, layer), "activation_maps": (image, layer), "gradcam": (image,)}
        with pytest.raises(error):
            function(net, *given.get(name, (layer, image)))


@pytest.mark.parametrize("name", ["architecture", "costs", "filters"])
def test_all_figures_take_the_same_networks(name: str) -> None:
    function, net = getattr(ck.visualize, name), network(["no", "yes"])
    for looked_into in (net, net.backbone, net.model):
        assert function(looked_into).axes
    with pytest.raises(InputError, match=r"ck\.backbone\(name\)"):
        function("vgg16")
