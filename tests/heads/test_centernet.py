"""CenterNet: the radius by its definition, equation 1 by hand, peaks instead of suppression."""

from __future__ import annotations

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data.targets import Boxes
from cnnkit.errors import InputError
from cnnkit.heads.centernet import draw_gaussian, gaussian_radius

NAMES = ("a", "b")
SIZE = (64, 96)
TRUTH = Boxes.of_lists(NAMES, [[[8, 8, 40, 40], [50, 20, 90, 44]], []], [[1, 0], []])


@pytest.mark.parametrize("sides", [(10.0, 10.0), (3.0, 40.0), (25.0, 12.0)])
def test_the_radius_is_the_largest_with_an_iou_of_7_tenths(sides: tuple[float, float]) -> None:
    w, h = sides
    radius = gaussian_radius(np.array([sides]))[0]

    def worst(r: float) -> float:
        moved = [[r, r, w + r, h + r], [r, r, w - r, h - r], [-r, -r, w + r, h + r]]
        return float(ck.metrics.box_iou([[0, 0, w, h]], moved).min())

    assert worst(radius) == pytest.approx(0.7, abs=1e-9)
    assert worst(1.01 * radius) < 0.7 < worst(0.99 * radius)


def test_a_gaussian_ends_at_its_radius_and_only_raises() -> None:
    heatmap = np.zeros((7, 9), np.float32)
    heatmap[2, 4] = 0.9
    heatmap[3, 3] = -1
    draw_gaussian(heatmap, (3, 4), 2)
    sigma = 5 / 6
    assert heatmap[3, 4] == 1
    assert heatmap[2, 4] == np.float32(0.9)
    assert heatmap[3, 3] == -1
    assert heatmap[4, 5] == pytest.approx(np.exp(-2 / (2 * sigma**2)))
    assert heatmap[3, 7] == 0
    draw_gaussian(heatmap, (0, 0), 3)  # beyond the border
    assert heatmap[0, 0] == 1


def test_the_loss_is_equation_1_with_l1_of_sizes_and_offsets() -> None:
    head = ck.heads.centernet(NAMES)
    encoded, random = head.encode(TRUTH, SIZE), np.random.default_rng(0)
    outputs = {"heatmaps": random.normal(size=(2, 16, 24, 2)), "boxes": random.normal(size=(2, 16, 24, 4))}
    outputs = {name: values.astype(np.float32) for name, values in outputs.items()}
    losses = np.asarray(head.loss(encoded, outputs))
    for picture, number in ((0, 2), (1, 0)):
        y = encoded["heatmaps"][picture]
        p = 1 / (1 + np.exp(-outputs["heatmaps"][picture].astype(float)))
        assert (y == 1).sum() == number
        elsewhere = -((1 - y) ** 4) * p**2 * np.log(1 - p)
        expected = np.where(y == 1, -((1 - p) ** 2) * np.log(p), elsewhere).sum()
        for x1, y1, x2, y2 in TRUTH.boxes[TRUTH.span(picture)]:
            column, row = (x1 + x2) / 8, (y1 + y2) / 8
            dx, dy, w, h = outputs["boxes"][picture, int(row), int(column)]
            expected += abs(dx - column % 1) + abs(dy - row % 1)
            expected += 0.1 * (abs(w - (x2 - x1) / 4) + abs(h - (y2 - y1) / 4))
        assert losses[picture] == pytest.approx(expected / max(number, 1), rel=1e-5)


def test_a_peak_is_one_box_and_its_neighbours_are_none() -> None:
    heatmaps = np.full((1, 16, 24, 2), -9.0, np.float32)
    heatmaps[0, 5, 6, 1], heatmaps[0, 5, 7, 1], heatmaps[0, 5, 7, 0] = 2.0, 1.0, 1.5
    boxes = np.tile(np.array([0.5, 0.5, 4, 2], np.float32), (1, 16, 24, 1))
    found = ck.heads.centernet(NAMES).decode({"heatmaps": heatmaps, "boxes": boxes}, SIZE)
    assert found.labels[:2].tolist() == [1, 0]
    np.testing.assert_allclose(found.scores[:2], 1 / (1 + np.exp([-2.0, -1.5])), rtol=1e-6)
    assert found.scores[2] < 0.01
    assert found.boxes[0].tolist() == [6.5 * 4 - 8, 5.5 * 4 - 4, 6.5 * 4 + 8, 5.5 * 4 + 4]


def test_crowds_do_not_count_but_what_stands_in_them_does() -> None:
    truth = Boxes.of_lists(NAMES, [[[0, 0, 60, 60], [16, 16, 24, 24]]], [[0, 1]], crowd=[[1, 0]])
    heatmaps = ck.heads.centernet(NAMES).encode(truth, SIZE)["heatmaps"][0]
    assert (heatmaps[:15, :15, 0] == -1).all()
    assert heatmaps[5, 5, 1] == 1
    assert (heatmaps[:, 15:] == 0).all()


def test_two_middles_in_one_cell_are_one() -> None:
    truth = Boxes.of_lists(NAMES, [[[0, 0, 8, 8], [1, 1, 7, 7]]], [[0, 0]])
    assert ck.heads.representable(ck.heads.centernet(NAMES), truth, SIZE).sum() == 1


@pytest.mark.parametrize("setting", [{"stride": 16}, {"width": 0}, {"size_weight": 0}, {"iou": -1}])
def test_settings_out_of_their_range_are_named(setting: dict[str, object]) -> None:
    with pytest.raises(InputError, match=next(iter(setting))):
        ck.heads.centernet(NAMES, **setting)


def test_sizes_that_are_no_multiple_of_32_are_named() -> None:
    head = ck.heads.centernet(NAMES)
    outputs = {"heatmaps": np.zeros((2, 17, 24, 2), np.float32), "boxes": np.zeros((2, 17, 24, 4), np.float32)}
    with pytest.raises(InputError, match="multiples of 32"):
        head.loss(head.encode(TRUTH, SIZE), outputs)
