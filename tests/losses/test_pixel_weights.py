"""Weights of classes and pixels against scikit-learn, the papers, and distances between all pixels."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import cnnkit as ck
from cnnkit.data.targets.masks import Masks
from cnnkit.errors import DataError, InputError, UnknownNameError

VOID = 255


def test_inverse_weights_are_balanced_as_scikit_learn_does_it() -> None:
    reference = pytest.importorskip("sklearn.utils.class_weight")
    labels = np.repeat([0, 1, 3], [40, 9, 1])
    expected = reference.compute_class_weight("balanced", classes=np.array([0, 1, 3]), y=labels)
    found = ck.losses.balance_weights(np.bincount(labels), by="inverse")
    np.testing.assert_allclose(found[[0, 1, 3]], expected)
    assert found[2] == found.max() == found[3]  # it does not occur, and weighs as the rarest
    assert np.mean(found[labels]) == pytest.approx(1)


def test_median_frequencies_are_of_the_pictures_that_show_a_class() -> None:
    """Eigen & Fergus: the pixels of class c by all pixels in images where c is present."""
    masks = Masks.of_arrays(("ground", "car", "cat"), [[[0, 0, 0, 1]], [[0, 0, 0, 2], [0, 0, 2, VOID]]])
    of_each = [[3, 1, 0], [5, 0, 2]]
    frequencies = np.array([8 / 11, 1 / 4, 2 / 7])
    found = ck.losses.balance_weights(of_each, by="median_frequency")
    np.testing.assert_allclose(found, (2 / 7) / frequencies)
    np.testing.assert_allclose(ck.losses.balance_weights(of_each), np.sqrt((2 / 7) / frequencies))
    whole = ck.losses.balance_weights(masks.pixels(), by="median_frequency")  # of all pictures as one
    np.testing.assert_allclose(whole, (2 / 11) / (np.array([8, 1, 2]) / 11))


@pytest.mark.parametrize("by", ["inverse", "square_root", "median_frequency"])
def test_rare_classes_weigh_more_and_equal_ones_the_same(by: Any) -> None:
    weights = ck.losses.balance_weights([1000, 10, 100, 0], by=by)
    assert weights[0] < weights[2] < weights[1] == weights[3]
    assert ck.losses.balance_weights([7, 7, 7], by=by).tolist() == [1, 1, 1]
    assert ck.losses.balance_weights([5], by=by).tolist() == [1]
    assert ck.losses.balance_weights([[0, 5]], by=by).tolist() == [1, 1]


@pytest.mark.parametrize("counts", [None, "ab", [], [0, 0], [-1, 2], [np.nan, 1], [[[1]]], [[1], [1, 2]], 3])
def test_counts_that_are_none(counts: object) -> None:
    with pytest.raises(DataError):
        ck.losses.balance_weights(counts)


def test_a_balance_that_does_not_exist() -> None:
    with pytest.raises(UnknownNameError, match=r"'median'.*'median_frequency'"):
        ck.losses.balance_weights([1, 2], by="median")


def slow_edges(mask: NDArray[Any], width: float, strength: float) -> NDArray[np.float64]:
    """Distances from each pixel to each that has another class beside it."""
    height, length = mask.shape
    beside = [
        (y, x)
        for y, x in np.ndindex(mask.shape)
        if any(
            0 <= y + dy < height and 0 <= x + dx < length and mask[y + dy, x + dx] != mask[y, x]
            for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0))
        )
    ]
    distance = np.array(
        [[min(np.hypot(y - v, x - u) for v, u in beside) for x in range(length)] for y in range(height)]
    )
    return 1 + strength * np.exp(-(distance**2) / (2 * width**2))


@pytest.mark.parametrize("seed", [0, 1])
def test_edges_are_weighed_by_their_distance(seed: int) -> None:
    random = np.random.default_rng(seed)
    mask = random.integers(0, 3, (4, 5)).repeat(6, 0).repeat(5, 1)
    found = ck.losses.edge_weights(mask, width=2.5, strength=4)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, slow_edges(mask, 2.5, 4), rtol=1e-5)


def test_a_void_seam_hides_a_border_but_does_not_remove_it() -> None:
    """VOC and CamVid draw void between things: the border is the middle of it, and void itself weighs nothing."""
    mask = np.zeros((3, 20), np.uint8)
    mask[:, 10:] = 1
    seam = mask.copy()
    seam[:, 8:12] = VOID
    expected = slow_edges(mask, 3, 10)
    found = ck.losses.edge_weights(seam, width=3, strength=10)
    np.testing.assert_allclose(found[:, :8], expected[:, :8], rtol=1e-5)
    np.testing.assert_allclose(found[:, 12:], expected[:, 12:], rtol=1e-5)
    assert (found[:, 8:12] == 0).all()


def test_masks_without_a_border() -> None:
    assert ck.losses.edge_weights([[3]]).tolist() == [[1]]
    assert ck.losses.edge_weights([[0, 0], [VOID, 0]]).tolist() == [[1, 1], [0, 1]]
    assert ck.losses.edge_weights([[VOID, VOID]]).tolist() == [[0, 0]]


def slow_gaps(things: NDArray[Any], width: float, strength: float) -> NDArray[np.float64]:
    """Equation 2 of U-Net, pixel by pixel: distances from the nearest pixel on the other side of each border."""
    weights = np.ones(things.shape)
    numbers = [number for number in np.unique(things) if number]
    places = list(np.ndindex(things.shape))
    for y, x in places:
        distances = []
        for number in numbers:
            inside = things[y, x] == number
            beyond = [np.hypot(y - v, x - u) for v, u in places if (things[v, u] == number) != inside]
            distances.append(min(beyond, default=np.inf))
        first, second = [*sorted(distances), np.inf, np.inf][:2]
        weights[y, x] += strength * np.exp(-((first + second) ** 2) / (2 * width**2))
    return weights


@pytest.mark.parametrize("numbers", [(1, 2, 3), (7, 300, 40_000)])
def test_gaps_between_things_are_equation_2_of_u_net(numbers: tuple[int, int, int]) -> None:
    things = np.zeros((14, 22), np.int64)
    things[2:8, 2:9] = numbers[0]
    things[3:9, 11:15] = numbers[1]
    things[3:5, 15:20] = numbers[2]  # it touches the one before
    found = ck.losses.instance_edge_weights(things, width=3, strength=10)
    np.testing.assert_allclose(found, slow_gaps(things, 3, 10), rtol=1e-5)
    assert found[5, 9:11].min() > found[0, 0]
    near = ck.losses.instance_edge_weights(things, width=1, strength=10)  # things are looked at within 6 pixels
    np.testing.assert_allclose(near, slow_gaps(things, 1, 10), rtol=1e-5)


def test_gaps_where_there_are_none() -> None:
    one = np.zeros((5, 5), int)
    for things in (one, one + 4, np.pad([[2]], 2)):
        assert (ck.losses.instance_edge_weights(things) == 1).all()
    split = one + 1
    split[:, 3:] = 2  # no ground
    np.testing.assert_allclose(ck.losses.instance_edge_weights(split), slow_gaps(split, 5, 10), rtol=1e-5)


MAPS = (None, "ab", [], [1, 2], [[0.5]], [[-1]], [[1], [1, 2]], np.zeros((1, 2, 2), int))


@pytest.mark.parametrize(
    ("function", "given"),
    [*itertools.product(("edge_weights", "instance_edge_weights"), MAPS), ("edge_weights", [[256]])],
)
def test_maps_that_are_none(function: str, given: object) -> None:
    with pytest.raises(DataError):
        getattr(ck.losses, function)(given)


@pytest.mark.parametrize("function", ["edge_weights", "instance_edge_weights"])
@pytest.mark.parametrize("options", [{"width": 0}, {"width": "a"}, {"strength": -1}, {"strength": None}])
def test_widths_and_strengths_that_are_none(function: str, options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(options))):
        getattr(ck.losses, function)([[0, 1]], **options)
