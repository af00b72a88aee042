"""Alignment: against linear least squares and against where points of drawn faces come to lie."""

from __future__ import annotations

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data.alignment import FIVE_POINTS
from cnnkit.data.targets import Points
from cnnkit.errors import DataError, InputError
from cnnkit.scenes import render_face

RANDOM = np.random.default_rng(8)
NAMES = ("eye_1", "eye_2", "nose", "mouth_1", "mouth_2")


@pytest.fixture(scope="module")
def faces() -> tuple[ck.data.Source, Points]:
    """Three drawn faces with their points, from the left of the picture to its right."""
    drawn = [render_face(3, person, 1, 96) for person in range(3)]
    source = ck.data.arrays(np.stack([face.image for face in drawn]), [0, 1, 1], split=(1, 0, 0)).train
    order = [1, 0, 2, 4, 3]  # landmarks name the sides of the person
    return source, Points(NAMES, [face.landmarks[order] for face in drawn], np.full((3, 5), 2))


def test_the_transform_has_the_least_squares() -> None:
    """Of all [[a, −b, x], [b, a, y]], which are linear in a, b, x and y."""
    points, target = RANDOM.normal(size=(5, 2)) * 30, RANDOM.normal(size=(5, 2)) * 20
    target[:, 0] += 2 * points[:, 0]
    rows = [row for x, y in points for row in ([x, -y, 1, 0], [y, x, 0, 1])]
    a, b, x, y = np.linalg.lstsq(np.array(rows), target.ravel(), rcond=None)[0]
    found = ck.data.similarity_transform(points, target)
    np.testing.assert_allclose(found, [[a, -b, x], [b, a, y], [0, 0, 1]], atol=1e-9)


def test_what_was_turned_scaled_and_moved_is_found() -> None:
    points = RANDOM.normal(size=(4, 2))
    turn = 1.7 * np.array([[np.cos(2), -np.sin(2)], [np.sin(2), np.cos(2)]])
    found = ck.data.similarity_transform(points, points @ turn.T + (3, -5))
    np.testing.assert_allclose(found, [[*turn[0], 3], [*turn[1], -5], [0, 0, 1]], atol=1e-12)


def test_a_mirrored_target_is_not_mirrored() -> None:
    points = RANDOM.normal(size=(5, 2))
    found = ck.data.similarity_transform(points, points * (-1, 1))
    assert np.linalg.det(found[:2, :2]) > 0


def test_points_of_a_picture_come_to_lie_on_the_template() -> None:
    """A white dot at each point, moved with a picture that is turned and twice as large as the result."""
    template = np.array(FIVE_POINTS)
    angle, picture = np.deg2rad(20), np.zeros((300, 300, 3), np.uint8)
    turn = 2 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    places = np.rint((template - 56) @ turn.T + 150) + 0.5  # on centres of pixels
    for x, y in places:
        picture[int(y) - 2 : int(y) + 3, int(x) - 2 : int(x) + 3] = 255
    source = ck.data.as_source(picture)
    result = ck.data.aligned(source, Points(NAMES, [places], np.full((1, 5), 2))).image(0)
    assert result.shape == (112, 112, 3)
    for x, y in template:
        around = result[int(y) - 4 : int(y) + 5, int(x) - 4 : int(x) + 5, 0].astype(float)
        rows, columns = (np.arange(int(value) - 4, int(value) + 5) + 0.5 for value in (y, x))
        middle = around.sum(axis=0) @ columns / around.sum(), around.sum(axis=1) @ rows / around.sum()
        np.testing.assert_allclose(middle, (x, y), atol=0.5)


def test_a_pixel_of_a_smaller_picture_is_the_mean_of_its_area() -> None:
    picture = RANDOM.integers(0, 256, (448, 448, 3), dtype=np.uint8)
    points = Points(NAMES, [4 * np.array(FIVE_POINTS)], np.full((1, 5), 2))
    result = ck.data.aligned(ck.data.as_source(picture), points).image(0)
    means = picture.reshape(112, 4, 112, 4, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(result, means, atol=1)


def test_labels_ids_and_the_size_go_along(faces: tuple[ck.data.Source, Points]) -> None:
    source, points = faces
    result = ck.data.aligned(source, points, size=(64, 48))
    assert result.ids == source.ids
    assert result.labels.tolist() == [0, 1, 1]
    assert result.shape(0) == result.image(0).shape[:2] == (64, 48)


def test_another_transform_is_another_picture(faces: tuple[ck.data.Source, Points]) -> None:
    source, points = faces
    moved = Points(NAMES, points.values + 1, points.shown)
    one, other = ck.data.aligned(source, points), ck.data.aligned(source, moved)
    assert one.fingerprint == ck.data.aligned(source, points).fingerprint
    assert set(one.digests()).isdisjoint(other.digests())


def test_points_that_are_not_shown_do_not_count(faces: tuple[ck.data.Source, Points]) -> None:
    source, points = faces
    shown = np.array(points.shown)
    shown[:, 4] = 0
    partly = ck.data.aligned(source, Points(NAMES, points.values, shown))
    elsewhere = np.array(points.values)
    elsewhere[:, 4] = 7
    np.testing.assert_array_equal(partly.image(1), ck.data.aligned(source, Points(NAMES, elsewhere, shown)).image(1))


def test_what_cannot_be_aligned_is_refused(faces: tuple[ck.data.Source, Points]) -> None:
    source, points = faces
    with pytest.raises(DataError, match="of 2"):
        ck.data.aligned(source, points.take([0, 1]))
    with pytest.raises(DataError, match="two points"):
        ck.data.aligned(source, Points(NAMES, points.values, np.eye(3, 5)))
    with pytest.raises(DataError, match="template"):
        ck.data.aligned(source, points, template=[[1, 1]])
    with pytest.raises(InputError, match="a source"):
        ck.data.aligned(source.image(0), points)
    placed = ck.data.Source(source.ids, points, source.reader, source.positions)
    with pytest.raises(DataError, match="without a place"):
        ck.data.aligned(placed, points)


def test_points_that_have_no_transform_are_refused() -> None:
    with pytest.raises(DataError, match="that differ"):
        ck.data.similarity_transform([[1, 1], [1, 1]], [[0, 0], [1, 1]])
    with pytest.raises(DataError, match="target"):
        ck.data.similarity_transform([[1, 1]], [[0, 0], [1, 1]])
