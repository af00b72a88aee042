"""Points: partners of a mirror, what leaves, there and back."""

from __future__ import annotations

import numpy as np

from cnnkit.data.targets import Points

NAMES = ("nose", "left", "right")
MIRROR = (0, 2, 1)
FLIP = [[-1, 0, 20], [0, 1, 0], [0, 0, 1]]


def body(**fields: object) -> Points:
    return Points(NAMES, [[[10, 2], [4, 5], [15, 6]]], [[2, 1, 2]], mirror=MIRROR, **fields)  # type: ignore[arg-type]


def test_a_mirror_swaps_partners() -> None:
    moved = body(scores=[[0.1, 0.2, 0.3]]).moved(FLIP, (10, 20))
    assert moved.values.tolist() == [[[10, 2], [5, 6], [16, 5]]]
    assert moved.shown.tolist() == [[2, 2, 1]]
    assert moved.scores is not None
    np.testing.assert_allclose(moved.scores, [[0.1, 0.3, 0.2]])
    # Without partners each stays what it is.
    alone = Points(NAMES, body().values, body().shown).moved(FLIP, (10, 20))
    assert alone.values.tolist() == [[[10, 2], [16, 5], [5, 6]]]


def test_a_turn_swaps_nobody() -> None:
    moved = body().moved(np.array([[-1, 0, 20], [0, -1, 10], [0, 0, 1]]), (10, 20))
    assert moved.values.tolist() == [[[10, 8], [16, 5], [5, 4]]]


def test_each_example_has_its_own_matrix() -> None:
    two = Points.joined([body(), body()]).moved([np.eye(3), FLIP], (10, 20))
    assert two.digest() == Points.joined([body(), body().moved(FLIP, (10, 20))]).digest()


def test_what_leaves_is_absent() -> None:
    moved = body().moved([[1, 0, -5], [0, 1, 0], [0, 0, 1]], (10, 20))
    assert moved.shown.tolist() == [[2, 0, 2]]
    assert moved.values.tolist() == [[[5, 2], [0, 0], [10, 6]]]
    back = moved.moved([[1, 0, 5], [0, 1, 0], [0, 0, 1]], (10, 20))
    assert back.shown.tolist() == [[2, 0, 2]]
    assert back.values.tolist() == [[[10, 2], [0, 0], [15, 6]]]
    assert body().moved(np.eye(3), (6, 20)).shown.tolist() == [[2, 1, 2]]  # on the border
    assert body().moved(np.eye(3), (5, 20)).shown.tolist() == [[2, 1, 0]]


def test_there_and_back_loses_no_point_that_stayed() -> None:
    dice = np.random.default_rng(0)
    matrices = np.eye(3)[None].repeat(50, axis=0)
    matrices[:, :2] += dice.normal(0, 0.4, (50, 2, 3))
    truth = Points(NAMES, dice.uniform(0, 20, (50, 3, 2)), np.full((50, 3), 2), mirror=MIRROR)
    there = truth.moved(matrices, (25, 25))
    back = there.moved(np.linalg.inv(matrices), (20, 20))
    places = np.einsum("nij,nkj->nki", matrices[:, :2, :2], truth.values) + matrices[:, None, :2, 2]
    stayed = ((places >= 0) & (places <= 25)).all(axis=2)
    assert 0.5 < stayed.mean() < 1
    np.testing.assert_array_equal(back.shown, np.where(stayed, 2, 0))
    np.testing.assert_allclose(back.values[stayed], truth.values[stayed], atol=0.02)
    assert (back.values[~stayed] == 0).all()


def test_a_point_on_the_border_has_a_pixel() -> None:
    corner = Points(("corner",), [[[0, 0]]], [[2]]).moved([[-1, 0, 224], [0, -1, 224], [0, 0, 1]], (224, 224))
    assert corner.shown.tolist() == [[2]]
    assert np.floor(corner.values.astype(np.float32)).tolist() == [[[223, 223]]]
    np.testing.assert_allclose(corner.values, 224, atol=0.002)


def test_absent_points_may_be_anywhere() -> None:
    nan = float("nan")
    truth = Points(("a", "b"), [[[nan, nan], [1, 2]]], [[0, 2]])
    assert truth.values.tolist() == [[[0, 0], [1, 2]]]
    assert truth.counts().tolist() == [0, 1]
    assert truth.strata().tolist() == [1]


def test_tables() -> None:
    names = [f"{name}_{part}" for name in NAMES for part in ("x", "y", "shown")]
    table = body().table(["p"])
    assert list(table) == ["id", *names]
    assert table.iloc[0].tolist() == ["p", 10, 2, 2, 4, 5, 1, 15, 6, 2]
    said = body(scores=[[0.5, 0.25, 0.75]]).table(["p"])
    assert said.iloc[0].tolist() == ["p", 10, 2, 0.5, 4, 5, 0.25, 15, 6, 0.75]
    assert said["left_score"].dtype == np.float32
