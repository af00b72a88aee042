"""SPP-net: linear machines on a pyramid of each region."""

from __future__ import annotations

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data.targets import Boxes
from cnnkit.heads.region_targets import padded
from cnnkit.heads.spp_net import SPPNet

NAMES = ("a", "b")
TRUTH = Boxes.of_lists(NAMES, [[[4, 4, 40, 30], [30, 20, 60, 62]]], [[0, 1]])
REGIONS = np.float32([[[4, 4, 40, 30], [50, 0, 60, 10], [0, 0, 0, 0], [28, 22, 60, 60]]])
SHOWN = [0, -1, -2, 1]


def test_the_loss_is_the_squared_hinge_of_each_machine_and_the_offsets_of_the_own_class() -> None:
    random = np.random.default_rng(0)
    margins = random.normal(size=(1, 4, 2)).astype(np.float32)
    offsets = random.normal(size=(1, 4, 2, 4)).astype(np.float32)
    head = SPPNet(NAMES)
    found = head.losses(padded(TRUTH), {"regions": REGIONS, "classes": margins, "offsets": offsets})
    hinge, smooth = 0.0, 0.0
    for place in (0, 1, 3):
        for machine in range(2):
            side = 1 if machine == SHOWN[place] else -1
            hinge += max(0.0, 1 - side * float(margins[0, place, machine])) ** 2
    for place, label in ((0, 0), (3, 1)):
        x1, y1, x2, y2 = REGIONS[0, place].astype(float)
        left, top, right, bottom = TRUTH.boxes[label]
        across, down = (left + right - x1 - x2) / 2 / (x2 - x1) / 0.1, (top + bottom - y1 - y2) / 2 / (y2 - y1) / 0.1
        wide, high = np.log((right - left) / (x2 - x1)) / 0.2, np.log((bottom - top) / (y2 - y1)) / 0.2
        far = np.abs(np.array([across, down, wide, high]) - offsets[0, place, label])
        smooth += np.where(far < 1, far**2 / 2, far - 0.5).sum()
    assert float(found["classes"][0]) == pytest.approx(hinge / 3, rel=1e-5)
    assert float(found["offsets"][0]) == pytest.approx(smooth / 3, rel=1e-5)


def test_each_class_of_a_region_has_a_box_of_its_own() -> None:
    offsets = np.zeros((1, 1, 2, 4), np.float32)
    offsets[0, 0, 1, 0] = 10 * 0.25  # a quarter of the width to the right
    outputs = {"regions": np.float32([[[10, 10, 30, 30]]]), "classes": np.zeros((1, 1, 2), np.float32)}
    found = SPPNet(NAMES).decode(outputs | {"offsets": offsets}, (64, 64))
    assert {int(label): box.tolist() for label, box in zip(found.labels, found.boxes, strict=True)} == {
        0: [10, 10, 30, 30],
        1: [15, 10, 35, 30],
    }
    assert found.scores is not None
    assert found.scores.tolist() == [0.5, 0.5]


def test_features_of_a_region_are_50_bins_of_one_length() -> None:
    body = ck.backbone("nano", weights=None, input_shape=(64, 64, 3))
    net = ck.tasks.spp_net(body, NAMES)
    assert net.framing.resize == "pad"
    assert net.model.get_layer("region_features").output.shape[-1] == 50 * body.pyramid()["P4"].shape[-1]
    assert "P4" in net.taps
