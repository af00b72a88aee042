"""Skeletons, curves and heatmaps: what is drawn where, in which colour."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data.targets import Points
from cnnkit.data.targets.bones import bones_of
from cnnkit.errors import DataError, InputError, UnknownNameError
from cnnkit.scenes.skeleton import BONES, KEYPOINTS
from cnnkit.visualize import style
from cnnkit.visualize.point_drawing import SIDES

COUNT = len(KEYPOINTS)
IMAGES = np.full((2, 40, 40, 3), 100, np.uint8)


def truth() -> Points:
    values = np.random.default_rng(0).uniform(2, 38, (2, COUNT, 2))
    shown = np.full((2, COUNT), 2)
    shown[1, :] = 0
    shown[0, KEYPOINTS.index("left_wrist")] = 1
    return Points(KEYPOINTS, values, shown)


def source() -> ck.data.Source:
    return replace(ck.data.arrays(IMAGES, [0, 1], split=(1, 0, 0)).train, targets=truth())


def test_a_skeleton_has_cocos_bones_where_both_ends_are_shown() -> None:
    assert bones_of(KEYPOINTS) == tuple((one - 1, other - 1) for one, other in BONES)
    assert bones_of(("left_knee", "left_ankle", "tail")) == ((1, 0),)
    panels = ck.visualize.pictures(source()).axes
    lines = [line for line in panels[0].lines if line.get_linestyle() != "None"]
    assert len(lines) == len(BONES)
    one, other = bones_of(KEYPOINTS)[0]
    np.testing.assert_allclose(lines[0].get_xydata(), truth().values[0, [one, other]] - 0.5)
    assert lines[0].get_color() == SIDES["left"]  # from the left ankle to the left knee
    assert not panels[1].lines


def test_hidden_points_are_hollow() -> None:
    dots = [line for line in ck.visualize.pictures(source()).axes[0].lines if line.get_linestyle() == "None"]
    hollow = [line.get_markerfacecolor() == style.PAPER for line in dots]
    assert [name for name, one in zip(KEYPOINTS, hollow, strict=True) if one] == ["left_wrist"]


def test_wrong_points_are_orange_and_tied_to_the_true_ones() -> None:
    known = truth()
    moved = known.values.copy()
    moved[0, 0] += 30
    said = Points(KEYPOINTS, moved, np.full((2, COUNT), 2), np.ones((2, COUNT)))
    table = said.table(["0", "1"])
    whole = replace(source(), ids=("0", "1"))
    axes = ck.visualize.predictions(whole, table, count=2).axes[3]
    wrong = [line for line in axes.lines if line.get_color() == style.WRONG]
    np.testing.assert_allclose(wrong[0].get_xydata(), np.stack([known.values[0, 0], moved[0, 0]]) - 0.5)
    assert sum(line.get_color() == style.RIGHT for line in axes.lines) == COUNT - 1


def test_a_table_gives_the_points_again() -> None:
    said = replace(truth(), scores=np.random.default_rng(1).random((2, COUNT)).astype(np.float32))
    again = Points.from_table(KEYPOINTS, said.table(["b", "a"]), ["a", "b"])
    np.testing.assert_allclose(again.values, said.values[::-1])
    np.testing.assert_allclose(again.scores, said.scores[::-1])  # type: ignore[index]
    assert (again.shown > 0).tolist() == (said.shown[::-1] > 0).tolist()


def test_curves_are_shares_within_a_distance() -> None:
    known = truth()
    nose, rest = known.values.copy(), np.zeros((2, COUNT, 2))
    rest[0, 0] = (4, 0)
    said = Points(KEYPOINTS, nose + rest, np.full((2, COUNT), 2))
    axes = ck.visualize.point_curves(known, said, scale="box").axes[0]
    curves = {line.get_label(): line for line in axes.lines}
    sides = known.values[0].max(axis=0) - known.values[0].min(axis=0)
    x, y = curves["nose"].get_xdata(), curves["nose"].get_ydata()
    np.testing.assert_array_equal(y, (np.asarray(x) * sides.max() >= 4).astype(float))
    assert (np.asarray(curves["shoulder"].get_ydata()) == 1).all()
    assert curves["all points"].get_ydata()[0] == pytest.approx((COUNT - 1) / COUNT)
    with pytest.raises(DataError, match="none that counts"):
        ck.visualize.point_curves(known.take([1]), said.take([1]))


def test_heatmaps_have_a_row_per_stage(network: ck.Network) -> None:
    figure = ck.visualize.heatmaps(network, IMAGES[0], ["nose", "left_hand"])
    assert len(figure.axes) == 4
    assert [axes.get_title(loc="center") for axes in figure.axes[:2]] == ["nose", "left hand"]
    assert [axes.get_ylabel() for axes in figure.axes[::2]] == ["stage1", "stage2"]
    with pytest.raises(UnknownNameError, match="left_hand"):
        ck.visualize.heatmaps(network, IMAGES[0], ["left_hands"])


@pytest.fixture(scope="module")
def network() -> ck.Network:
    body = ck.backbone("nano", weights=None, input_shape=(64, 64, 3))
    return ck.attach(body, ck.heads.pose_machine(("nose", "left_hand", "right_hand"), stages=2, width=8))


def test_heatmaps_are_of_heads_of_points() -> None:
    net = ck.attach(ck.backbone("nano", weights=None, input_shape=(64, 64, 3)), ck.heads.classifier(["a", "b"]))
    with pytest.raises(InputError, match="head of points"):
        ck.visualize.heatmaps(net, IMAGES[0])
