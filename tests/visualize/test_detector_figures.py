"""Figures of a detector's inside: its anchors, and the scores of its boxes over the picture."""

from __future__ import annotations

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.errors import InputError, UnknownNameError
from cnnkit.visualize.score_maps import score_map

PHOTO = np.random.default_rng(0).integers(0, 256, (80, 70, 3), np.uint8)
NAMES = ("$cat$", "dog", "hen", "owl")
SIZE = (64, 64)


def network(head: object) -> ck.Network:
    return ck.attach(ck.backbone("nano", weights=None, input_shape=(*SIZE, 3), seed=1), head)


def test_anchors_of_a_cell_on_every_level() -> None:
    net = network(ck.heads.retinanet(NAMES, levels=("P3", "P4", "P5"), width=8))
    figure = ck.visualize.anchors(net, PHOTO, (1, 62))
    told = [axes.get_title() for axes in figure.axes]
    # Four strides times 1, 2^(1/3) and 2^(2/3) (Lin et al. 2017, section 4).
    assert told == [
        "P3: 8 × 8 cells\n9 anchors of 32 to 51 pixels",
        "P4: 4 × 4 cells\n9 anchors of 64 to 102 pixels",
        "P5: 2 × 2 cells\n9 anchors of 128 to 203 pixels",
    ]
    for axes, middle in zip(figure.axes, (4, 8, 16), strict=True):
        assert len(axes.lines[0].get_xdata()) == (64 // (2 * middle)) ** 2
        frames = [patch for patch in axes.patches if patch.get_linewidth() == 1.4]
        assert len(frames) == 9
        for frame in frames:  # around the middle of the upper right cell
            assert frame.get_x() + frame.get_width() / 2 == pytest.approx(64 - middle - 0.5)
            assert frame.get_y() + frame.get_height() / 2 == pytest.approx(middle - 0.5)
    ck.visualize.style.png(figure, dpi=40)


def test_each_head_with_anchors_shows_them() -> None:
    shapes = [(0.25, 0.25), (0.5, 0.25)]
    for head, levels in ((ck.heads.ssd(NAMES, width=8), 5), (ck.heads.yolo_v2(NAMES, anchors=shapes, width=8), 1)):
        figure = ck.visualize.anchors(network(head), PHOTO)
        assert len([axes for axes in figure.axes if axes.get_title()]) == levels
    assert figure.axes[0].get_title() == "P4: 4 × 4 cells\n2 anchors of 16 to 23 pixels"
    with pytest.raises(InputError, match="retinanet"):
        ck.visualize.anchors(network(ck.heads.fcos(NAMES, width=8)), PHOTO)
    with pytest.raises(InputError, match="64 × 64"):
        ck.visualize.anchors(network(head), PHOTO, (64, 0))


def test_a_place_has_the_highest_score_of_the_boxes_in_it() -> None:
    net = network(ck.heads.fcos(NAMES, width=8))
    chance = np.random.default_rng(2)
    layer = net.model.get_layer("classes_of_cells")
    kernel, bias = layer.get_weights()
    layer.set_weights([chance.normal(0, 2, kernel.shape), bias])
    photo = PHOTO[:64, :64]
    maps = score_map(net, photo)
    outputs = net.model.predict(photo[None].astype(np.float32), verbose=0)
    scores = 1 / (1 + np.exp(-outputs["classes"][0]))
    expected, start = np.zeros((8, 8, 4)), 0
    for stride in (8, 16, 32):
        for row, column in np.ndindex(64 // stride, 64 // stride):
            x, y = np.add((column + 0.5, row + 0.5), outputs["boxes"][0, start, :2]) * stride
            place = min(max(int(y // 8), 0), 7), min(max(int(x // 8), 0), 7)
            expected[place] = np.maximum(expected[place], scores[start])
            start += 1
    np.testing.assert_allclose(maps, expected, atol=1e-5)
    assert 0.1 < maps.max() < 1
    figure = ck.visualize.score_maps(net, photo)
    order = np.argsort(-maps.max(axis=(0, 1)))
    names = [axes.get_title().split(":")[0].replace("\\", "") for axes in figure.axes if axes.get_title()]
    assert names == ["the picture", *(NAMES[label] for label in order[:3])]
    assert len(ck.visualize.score_maps(net, photo, ["dog"]).axes) == 2
    with pytest.raises(UnknownNameError, match="dog"):
        ck.visualize.score_maps(net, photo, ["dig"])
    with pytest.raises(InputError, match="fcos"):
        ck.visualize.score_maps(network(ck.heads.localizer(NAMES)), photo)
