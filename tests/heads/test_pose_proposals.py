"""Pose proposals by their definition: what cells say, and people put together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data.targets import Boxes, Points
from cnnkit.data.targets.points import mirror_of
from cnnkit.errors import InputError

LEG = ("left_hip", "left_knee", "left_ankle", "right_hip", "right_knee", "right_ankle")
SIZE = (64, 96)
ONE = [[10, 6], [14, 30], [10, 54], [22, 6], [26, 30], [22, 54]]
OTHER = [[62, 10], [50, 30], [70, 58], [78, 10], [82, 34], [86, 58]]


def legs() -> Boxes:
    """Two pairs of legs in the first picture, none in the second."""
    points = Points(LEG, np.array([ONE, OTHER]), np.full((2, 6), 2), mirror=mirror_of(LEG))
    return Boxes.of_lists(("person",), [[[10, 6, 26, 54], [50, 10, 86, 58]], []], [[0, 0], []], points=points)


def test_a_cell_says_its_joint_and_where_its_bones_end() -> None:
    head = ck.heads.pose_proposals(["person"], LEG, reach=3)
    encoded = head.encode(legs(), SIZE)
    assert encoded["joints"].sum() == 12
    assert not encoded["bones"][1].any()
    row, column = 30 // 8, 14 // 8  # the left knee of the first
    assert encoded["joints"][0, row, column].tolist() == [0, 1, 0, 0, 0, 0]
    x, y, side = encoded["places"][0, row, column].reshape(6, 3)[1].tolist()
    assert (x, y) == (14 / 8 - 1, 30 / 8 - 3)
    assert side == pytest.approx(0.2 * np.sqrt(16 * 48) / 96)
    bone = head.bones.index((1, 0))  # from the knee to the hip, three cells up
    window = encoded["bones"][0, row, column].reshape(len(head.bones), 7, 7)[bone]
    assert np.argwhere(window).tolist() == [[0, 3]]


@pytest.mark.parametrize("assembly", ["greedy", "hungarian"])
def test_truth_gives_the_people_again(assembly: Any) -> None:
    head = ck.heads.pose_proposals(["person"], LEG, assembly=assembly)
    found = head.decode(head.perfect(head.encode(legs(), SIZE)), SIZE)
    assert found.starts.tolist() == [0, 2, 2]
    assert found.points is not None
    np.testing.assert_allclose(found.points.values, [ONE, OTHER], atol=1e-5)


def test_bones_beyond_the_reach_are_not_said() -> None:
    head = ck.heads.pose_proposals(["person"], LEG, reach=1)
    found = head.decode(head.perfect(head.encode(legs(), SIZE)), SIZE)
    assert not len(found.boxes)  # but for hips no joints are that near, and two are no person


def test_neighbouring_cells_that_say_one_joint_are_one() -> None:
    head = ck.heads.pose_proposals(["person"], LEG)
    outputs: dict[str, Any] = head.perfect(head.encode(legs(), SIZE))
    outputs["joints"][0, 3, 2, 1] = 1  # beside the left knee, its box at the same place
    outputs["places"].reshape(2, 8, 12, 6, 3)[0, 3, 2, 1] = (0, 0.75, 0.2)
    found = head.decode(outputs, SIZE)
    assert len(found.boxes) == 2


def test_the_loss_of_what_is_said_is_nothing() -> None:
    head = ck.heads.pose_proposals(["person"], LEG)
    encoded = head.encode(legs(), SIZE)
    np.testing.assert_allclose(head.loss(encoded, head.perfect(encoded)), 0, atol=1e-5)


def test_a_reach_is_a_whole_number() -> None:
    with pytest.raises(InputError, match="reach"):
        ck.heads.pose_proposals(["person"], LEG, reach=0)
