"""Bends: displacements by a slow definition, their way back, and truth that follows them."""

from __future__ import annotations

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data.placements import in_crops, in_view
from cnnkit.data.random_streams import picture_bits
from cnnkit.data.targets import Boxes, Masks, Points
from cnnkit.data.targets.bends import STEEPEST, Bend, centres, displacements, steepness
from cnnkit.data.views.placement import placement
from cnnkit.errors import DataError, InputError

SIZE = (40, 60)
VOID = 255


def bend(seed: int = 0, sigma: float = 2.0, size: tuple[int, int] = SIZE) -> Bend:
    (drawn,) = ck.data.Elastic(sigma).view(size, np.random.default_rng(seed)).bends
    return drawn


def keys(distance: float) -> float:
    """The kernel of cubic convolution, a = −1/2 (Keys, 1981, equation 15)."""
    s = abs(distance)
    if s < 1:
        return 1.5 * s**3 - 2.5 * s**2 + 1
    return -0.5 * s**3 + 2.5 * s**2 - 4 * s + 2 if s < 2 else 0.0


def slow_displacement(nodes: np.ndarray, size: tuple[int, int], x: float, y: float) -> np.ndarray:
    """Node by node, the grid continued by its border."""
    rows, columns = nodes.shape[:2]
    down, across = y / size[0] * (rows - 1), x / size[1] * (columns - 1)
    total = np.zeros(2)
    for row in range(-2, rows + 2):
        for column in range(-2, columns + 2):
            node = nodes[min(max(row, 0), rows - 1), min(max(column, 0), columns - 1)]
            total += keys(down - row) * keys(across - column) * node
    return total


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (5, 3)])
def test_displacements_are_those_of_cubic_convolution(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    nodes, places = random.normal(size=(*shape, 2)), random.uniform(0, 1, (40, 2)) * SIZE[::-1]
    found = displacements(nodes, SIZE, places[:, 0], places[:, 1])
    assert found == pytest.approx(np.array([slow_displacement(nodes, SIZE, x, y) for x, y in places]))
    beyond = displacements(nodes, SIZE, np.array([-9.0, 99.0]), np.array([-9.0, 99.0]))
    assert beyond == pytest.approx(nodes[[0, -1], [0, -1]])


def test_every_point_comes_back() -> None:
    points = np.random.default_rng(1).uniform(-5, 65, (200, 2))
    framed = bend(sigma=50).framed(np.array([[0.6, 0.4, 3], [-0.5, 0.8, 9], [0, 0, 1]]))  # as steep as may be
    for one in (bend(), bend(sigma=50), framed):
        assert np.abs(one.origins(one.moved(points)) - points).max() < 1e-3
        assert np.abs(one.moved(one.origins(points)) - points).max() < 1e-3


def test_large_displacements_are_made_smaller_and_small_ones_are_those_drawn() -> None:
    drawn = np.random.default_rng(3).normal(0, 1, (3, 3, 2))
    assert (bend(3, sigma=1, size=(300, 300)).nodes == drawn).all()
    shrunk = bend(3, sigma=80)
    assert shrunk.steepness == pytest.approx(STEEPEST)
    assert shrunk.nodes / shrunk.nodes[0, 0, 0] == pytest.approx(drawn / drawn[0, 0, 0])
    with pytest.raises(InputError, match="nodes"):
        Bend(2 * shrunk.nodes, SIZE)


def test_steepness_is_the_norm_of_the_derivative() -> None:
    """Of u = (a y, b x), linear between two nodes a side in the middle of the picture: there a and b."""
    nodes = np.array([[[-1.0, -2], [-1, 2]], [[1, -2], [1, 2]]])
    assert steepness(nodes, (10, 10)) == pytest.approx(1.25 * 0.4, rel=0.01)  # of convolution, clamped beyond


def test_a_mask_is_bent_pixel_by_pixel() -> None:
    """Each pixel has the class of the pixel in which its centre was, void where that is outside."""
    random = np.random.default_rng(0)
    mask, one = random.integers(0, 9, SIZE).astype(np.uint8), bend(5, sigma=4)
    matrix = np.array([[0.9, 0.2, 3], [-0.1, 1.1, 2], [0, 0, 1]])
    truth = Masks.of_arrays(tuple("abcdefghi"), [mask]).moved(matrix, (44, 50), [(one,)])
    found, outside = truth.mask(0), 0
    for row in range(44):
        for column in range(50):
            own = np.array([column + 0.5, row + 0.5])
            x, y, _ = np.linalg.solve(
                matrix, [*(own + slow_displacement(one.nodes, SIZE, *np.clip(own, 0, (60, 40)))), 1]
            )
            inside = 0 <= x < 60 and 0 <= y < 40
            outside += not inside
            assert found[row, column] == (mask[int(y), int(x)] if inside else VOID)
    assert 0 < outside < 1100


def test_what_left_a_bent_view_does_not_come_back() -> None:
    mask = np.zeros(SIZE, np.uint8)
    truth = Masks.of_arrays(("a",), [mask]).moved(np.eye(3), SIZE, [(bend(),)])
    shift = np.array([[1.0, 0, 20], [0, 1, 0], [0, 0, 1]])
    back = truth.moved(shift, SIZE).moved(np.linalg.inv(shift), SIZE).mask(0)
    assert (back[:, 40:] == VOID).all()
    assert (back[:, :40] == truth.mask(0)[:, :40]).all()


def test_boxes_hold_their_bent_points_and_hashes_tell_bends_apart() -> None:
    random = np.random.default_rng(2)
    corners, one = np.array([20.0, 12, 41, 30]), bend(7, sigma=4)
    points = Points(tuple(map(str, range(50))), random.uniform([20, 12], [41, 30], (1, 50, 2)), np.full((1, 50), 2))
    masks = Masks.of_arrays(("no", "yes"), [np.ones(SIZE, np.uint8)])
    truth = Boxes.of_lists(("thing",), [[corners]], [[0]], points=points, masks=masks)
    moved = truth.moved(np.eye(3), SIZE, [(one,)])
    assert moved.points is not None
    x1, y1, x2, y2 = moved.boxes[0]
    x, y = moved.points.values[0].T
    assert (x1 <= x).all() & (x <= x2).all() & (y1 <= y).all() & (y <= y2).all()
    assert moved.points.values[0] == pytest.approx(one.moved(points.values[0]))
    # No larger than the box of many points of its border.
    side = np.linspace(0, 1, 200)[:, None]
    border = np.concatenate([(20, 12) + side * (21, 0), (20, 30) + side * (21, 0), (20, 12) + side * (0, 18),
                             (41, 12) + side * (0, 18)])  # fmt: skip
    dense = one.moved(border)
    assert moved.boxes[0] == pytest.approx([*dense.min(axis=0), *dense.max(axis=0)], abs=0.1)
    digests = {truth.moved(np.eye(3), SIZE, [bends]).digest() for bends in ((), (one,), (bend(8),))}
    assert len(digests) == 3


def test_truth_of_training_is_that_of_the_view() -> None:
    """What `fit` asks for, of framed pictures and of crops."""
    elastic = ck.data.Elastic(3)
    masks = Masks.of_arrays(tuple("abc"), np.random.default_rng(0).integers(0, 3, (4, *SIZE)).astype(np.uint8))
    indices = np.array([2, 0])
    views = [elastic.view(SIZE, np.random.Generator(picture_bits(5, 1, int(index)))) for index in indices]
    found = in_view(masks.take(indices), indices, SIZE, elastic, seed=5, view=1)
    shapes = np.array([SIZE, SIZE])
    cropped = in_crops(masks.take(indices), shapes, indices, SIZE, elastic, seed=5, view=1)
    for place, index in enumerate(indices):
        x, y = np.floor(views[place].origins(centres(SIZE))).astype(int).transpose(2, 0, 1)
        inside = (x >= 0) & (x < SIZE[1]) & (y >= 0) & (y < SIZE[0])
        expected = np.where(inside, masks.mask(index)[y.clip(0, SIZE[0] - 1), x.clip(0, SIZE[1] - 1)], VOID)
        assert (found.mask(place) == expected).all()
        assert (cropped.mask(place) == expected).all()
    assert (masks.mask(2) != found.mask(0)).any()


@pytest.mark.parametrize(
    "settings",
    [{"sigma": -1}, {"sigma": "large"}, {"sigma": float("inf")}, {"nodes": 1}, {"nodes": 2.5}, {"fill": "x"}],
)
def test_wrong_settings_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises((InputError, ck.errors.UnknownNameError)):
        ck.data.Elastic(**settings)  # type: ignore[arg-type]


def test_a_bent_view_has_no_matrix() -> None:
    with pytest.raises(InputError, match="1 bends"):
        placement(SIZE, ck.data.Framing(), SIZE, augment=ck.data.Elastic())


@pytest.mark.parametrize("nodes", [np.zeros((3, 3)), np.zeros((1, 3, 2)), np.full((3, 3, 2), np.nan)])
def test_wrong_nodes_are_refused(nodes: np.ndarray) -> None:
    with pytest.raises((InputError, DataError)):
        Bend(nodes, SIZE)
    with pytest.raises(InputError, match="bends"):
        Masks.of_arrays(("a",), [[[0]]]).moved(np.eye(3), (1, 1), [nodes])  # type: ignore[list-item]
    with pytest.raises(InputError, match="bends"):
        ck.data.View(np.eye(3), lambda picture: picture.astype(np.float32), bends=[bend()])  # type: ignore[arg-type]
