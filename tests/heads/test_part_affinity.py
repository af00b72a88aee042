"""Part affinity fields by their definition, people put together, mirrored outputs, and who is paired with whom."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data.targets import Boxes, Points
from cnnkit.data.targets.points import mirror_of
from cnnkit.errors import DataError, InputError, UnknownNameError
from cnnkit.heads.part_assembly import assembled, bone_scores, greedy, hungarian, peaks
from cnnkit.scenes.skeleton import KEYPOINTS

LEG = ("left_hip", "left_knee", "left_ankle", "right_hip", "right_knee", "right_ankle")
SIZE = (64, 96)


def legs() -> Boxes:
    """Two pairs of legs that cross in the first picture, none in the second."""
    one = [[10, 6], [14, 30], [10, 54], [22, 6], [26, 30], [22, 54]]
    other = [[62, 10], [50, 30], [70, 58], [78, 10], [82, 34], [86, 58]]
    points = Points(LEG, np.array([one, other]), np.full((2, 6), 2), mirror=mirror_of(LEG))
    return Boxes.of_lists(("person",), [[[10, 6, 26, 54], [50, 10, 86, 58]], []], [[0, 0], []], points=points)


def head(**settings: Any) -> ck.heads.PartAffinity:
    return ck.heads.part_affinity(["person"], LEG, **settings)


def test_a_field_is_the_unit_vector_along_its_bone_and_zero_elsewhere() -> None:
    """Equations 6 to 9, cell by cell."""
    one = head()
    encoded = one.encode(legs(), SIZE)
    fields = encoded["fields"].reshape(2, 16, 24, len(one.bones), 2)
    assert not encoded["heatmaps"][1].any()
    assert not fields[1].any()
    for bone, (start, end) in enumerate(one.bones):
        for row in range(16):
            for column in range(24):
                vectors = []
                for person in legs().points.values / 4:  # type: ignore[union-attr]
                    away = person[end] - person[start]
                    length = np.hypot(*away)
                    v = away / length
                    p = np.array([column + 0.5, row + 0.5]) - person[start]
                    if -0.5 <= p @ v <= length + 0.5 and abs(p @ [-v[1], v[0]]) <= 1:
                        vectors.append(v)
                expected = np.mean(vectors, axis=0) if vectors else np.zeros(2)
                np.testing.assert_allclose(fields[0, row, column, bone], expected, atol=1e-6)


@pytest.mark.parametrize("assembly", ["greedy", "hungarian"])
def test_truth_gives_the_people_again(assembly: Any) -> None:
    one = head(assembly=assembly)
    found = one.decode(one.perfect(one.encode(legs(), SIZE)), SIZE)
    assert found.starts.tolist() == [0, 2, 2]
    np.testing.assert_allclose(found.points.values, legs().points.values, atol=2)  # type: ignore[union-attr]
    np.testing.assert_allclose(found.scores, 1)
    joined = {"heatmaps": np.full((1, 16, 24, 6), -9.0), "fields": np.zeros((1, 16, 24, 2 * len(one.bones)))}
    assert len(one.decode(joined, SIZE).boxes) == 0


def test_people_of_scenes_survive_encoding_and_decoding() -> None:
    photos = ck.data.with_classes(ck.data.scenes(30, seed=2, size=192, target="boxes"), "person").train
    one = ck.heads.part_affinity(["person"], KEYPOINTS)
    truth = photos.targets
    assert isinstance(truth, Boxes)
    found = one.decode(one.perfect(one.encode(truth, (192, 192))), (192, 192))
    score = one.score()
    wrong = score.add(truth, found)
    assert wrong.shape == (len(photos),)
    assert score.result()["AR50"] > 0.8  # small people have several joints of a kind in a cell


def test_a_person_whose_joints_lie_on_a_line_has_a_box() -> None:
    line = Points(LEG[:3], [[[32, 10], [32, 30], [32, 50]]], np.full((1, 3), 2), mirror=mirror_of(LEG[:3]))
    truth = Boxes.of_lists(("person",), [[[30, 10, 34, 50]]], [[0]], points=line)
    one = ck.heads.part_affinity(["person"], LEG[:3])
    found = one.decode(one.perfect(one.encode(truth, SIZE)), SIZE)
    joints = found.points.values[0]  # type: ignore[union-attr]
    expected = np.concatenate([joints.min(axis=0) - 2, joints.max(axis=0) + 2])  # half of a cell of 4 pixels
    np.testing.assert_allclose(found.boxes, [expected])
    assert len(found.moved([np.eye(3)], SIZE).boxes) == 1


def test_joints_come_back_where_a_picture_is_no_multiple_of_the_stride() -> None:
    """The last cells reach beyond the picture by as much as decoding takes all of them to be narrower."""
    one, size = head(), (61, 89)
    found = one.decode(one.perfect(one.encode(legs(), size)), size)
    assert found.starts.tolist() == [0, 2, 2]
    np.testing.assert_allclose(found.points.values, legs().points.values, atol=2)  # type: ignore[union-attr]


def test_mirrored_outputs_are_those_of_the_mirrored_truth() -> None:
    one = head()
    flipped = legs().moved([[-1, 0, SIZE[1]], [0, 1, 0], [0, 0, 1]], SIZE)
    here, there = (one.encode(truth, SIZE) for truth in (legs(), flipped))
    back = one.mirrored(there)
    np.testing.assert_allclose(back["heatmaps"], here["heatmaps"], atol=1e-6)
    np.testing.assert_allclose(back["fields"], here["fields"], atol=1e-6)


def test_hungarian_pairs_have_the_largest_sum_and_greedy_ones_need_not() -> None:
    scores = np.array([[0.9, 0.8], [0.8, 0.1]])
    assert sorted(greedy(scores)) == [(0, 0), (1, 1)]
    assert sorted(hungarian(scores)) == [(0, 1), (1, 0)]
    random = np.random.default_rng(0)
    for _ in range(10):
        table = random.random((4, 4))
        best = max(sum(table[row, column] for row, column in enumerate(order)) for order in permutations(range(4)))
        assert sum(table[pair] for pair in hungarian(table)) == pytest.approx(best)
        assert sum(table[pair] for pair in greedy(table)) <= best + 1e-12
    assert greedy(np.zeros((0, 3))) == hungarian(np.zeros((0, 3))) == []
    assert greedy(np.zeros((2, 2))) == hungarian(np.zeros((2, 2))) == []


def test_a_field_joins_what_it_leads_to() -> None:
    field = np.zeros((8, 12, 2))
    field[3, 2:9, 0] = 1  # to the right along one row
    starts, ends = np.array([[2.5, 3.5]]), np.array([[8.5, 3.5], [8.5, 6.5]])
    scores = bone_scores(field, starts, ends)
    assert scores[0, 0] == pytest.approx(1)
    assert scores[0, 1] == 0
    assert bone_scores(field, ends, starts).max() == 0  # the other way round
    assert bone_scores(field, starts, starts).max() == 0


def test_peaks_are_no_less_than_their_neighbours() -> None:
    heat = np.zeros((6, 6))
    heat[1, 1], heat[1, 2], heat[4, 4] = 0.9, 0.5, 0.3
    places, heights = peaks(heat, 0.2, 5)
    assert places.tolist() == [[1.75, 1.5], [4.5, 4.5]]
    assert heights.tolist() == [0.9, 0.3]
    corner = np.full((3, 3), 1e-9)
    corner[0, 0] = 1
    assert peaks(corner, 0.5, 1)[0].tolist() == [[0.5, 0.5]]  # nothing lies outside that it could go away from
    assert len(peaks(heat, 0.2, 1)[0]) == len(peaks(heat, 0.5, 5)[0]) == 1


def test_two_halves_become_one_and_a_second_knee_does_not() -> None:
    ones = np.ones((2, 2))
    people = assembled([(0, 1), (2, 3), (1, 2)], [[(0, 0)], [(0, 0)], [(0, 0)]], [ones] * 3)
    assert [person.joints for person in people] == [{0: 0, 1: 0, 2: 0, 3: 0}]
    assert people[0].score == 3
    apart = assembled([(0, 1), (2, 1), (0, 2)], [[(0, 0)], [(0, 1)], [(0, 0)]], [ones] * 3)
    assert [person.joints for person in apart] == [{0: 0, 1: 0}, {2: 0, 1: 1}]


def test_words_for_what_is_wrong() -> None:
    for settings in (
        {"stride": 2},
        {"width": 0},
        {"assembly": "best"},
        {"least": 2},
        {"most": 0},
        {"bones": ((0, 9),)},
        {"bones": ((0, 1), (1, 2))},  # of the left leg alone
    ):
        with pytest.raises(InputError):
            head(**settings)
    with pytest.raises(InputError, match="bones"):
        ck.heads.part_affinity(["thing"], ["a", "b"])
    with pytest.raises(InputError, match="one class"):
        ck.heads.part_affinity(["a", "b"], LEG)
    with pytest.raises(DataError, match="with_classes"):
        ck.heads.part_affinity(["person"], KEYPOINTS).encode(legs(), SIZE)
    with pytest.raises(DataError, match="people with points"):
        head().score().add(legs(), None)
    photos = ck.data.scenes(3, size=64, target="boxes")
    with pytest.raises(UnknownNameError):
        ck.data.with_classes(photos, "persons")
    with pytest.raises(InputError, match="a dataset"):
        ck.data.with_classes(photos.train, "person")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="boxes as truth"):
        ck.data.with_classes(ck.data.scenes(8, size=64), "person")
