"""Fast R-CNN: windows of its own, and proposals that somebody else makes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.errors import InputError, MissingExtraError
from cnnkit.heads.fast_rcnn import FastRCNN

SIDE = 64


@pytest.fixture(scope="module")
def net() -> ck.Network:
    body = ck.backbone("nano", weights=None, input_shape=(SIDE, SIDE, 3))
    return ck.tasks.fast_rcnn(body, ("a", "b"), width=8, units=16)


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)


def test_windows_are_of_three_sizes_and_shapes_and_cover_the_picture() -> None:
    windows = FastRCNN(("a",)).proposed("regions", {"maps": np.zeros((2, 1))}, (128, 128))
    assert windows.shape == (2, 3 * (8**2 + 4**2 + 2**2), 4)
    np.testing.assert_array_equal(windows[0], windows[1])
    assert windows[0].min() == 0
    assert windows[0].max() == 128
    inner = windows[0][3 * (8 * 4 + 4)]  # the first shape of one of the middle cells, half as wide as high
    width, height = inner[2:] - inner[:2]
    assert width * height == pytest.approx(32**2, rel=1e-5)
    assert height == pytest.approx(2 * width, rel=1e-5)


def test_its_own_windows_as_proposals_are_what_it_predicts(net: ck.Network, pictures: np.ndarray) -> None:
    windows = net.head.proposed("regions", {"maps": np.zeros((1, 1))}, (SIDE, SIDE))[0]
    given = ck.tasks.detect(net, pictures, lambda _picture: windows, batch_size=2)
    expected = ck.predict(net, pictures)
    assert given[["id", "label"]].equals(expected[["id", "label"]])
    columns = ["score", "x", "y", "width", "height"]
    np.testing.assert_allclose(given[columns], expected[columns], atol=2e-3)


def test_pictures_may_have_different_numbers_of_proposals(net: ck.Network, pictures: np.ndarray) -> None:
    numbers = iter((2, 0, 1))
    found = ck.tasks.detect(net, pictures, lambda _picture: [[4, 4, 40, 30], [30, 20, 60, 62]][: next(numbers)])
    assert found["id"].value_counts().to_dict() == {"0": 4, "2": 2}  # one box per region and class, apart enough


def test_other_networks_and_no_functions_are_refused(net: ck.Network, pictures: np.ndarray) -> None:
    other = ck.attach(net.backbone, ck.heads.classifier(("a", "b")))
    with pytest.raises(InputError, match="looks at regions"):
        ck.tasks.detect(other, pictures, lambda _picture: [])
    with pytest.raises(InputError, match="function of a picture"):
        ck.tasks.detect(net, pictures, [[0, 0, 4, 4]])


def test_selective_search_names_its_install_line(pictures: np.ndarray) -> None:
    if hasattr(cv2, "ximgproc"):
        found = ck.tasks.selective_search(pictures[0], most=20)
        assert found.shape[1] == 4
        assert (found[:, 2:] > found[:, :2]).all()
        return
    with pytest.raises(MissingExtraError, match="opencv-contrib-python-headless"):
        ck.tasks.selective_search(pictures[0])
