from __future__ import annotations

import numpy as np
import pytest

from cnnkit.errors import InputError
from cnnkit.scenes import FACE_ATTRIBUTES, face_attributes, render_face
from cnnkit.scenes.face_drawing import LANDMARKS


def test_same_bytes_again_and_other_bytes_for_other_keys() -> None:
    first = render_face(0, 1, 2)
    assert first.image.tobytes() == render_face(0, 1, 2).image.tobytes()
    assert len({render_face(*key).image.tobytes() for key in ((0, 1, 2), (0, 2, 1), (1, 1, 2), (0, 1, 3))}) == 4
    assert (first.image.shape, first.image.dtype) == ((96, 96, 3), np.uint8)
    assert (first.person, first.shot) == (1, 2)


def test_landmarks_lie_where_a_face_has_them() -> None:
    assert LANDMARKS == ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
    for person in range(30):
        face = render_face(0, person, 0, 128)
        left, right, nose, mouth_left, mouth_right = face.landmarks
        assert (face.landmarks >= 0).all()
        assert (face.landmarks < 128).all()
        assert left[0] > right[0]
        assert mouth_left[0] > mouth_right[0]
        assert max(left[1], right[1]) < (mouth_left[1] + mouth_right[1]) / 2
        assert min(left[1], right[1]) < nose[1]


def test_people_differ_more_than_shots() -> None:
    # Brightness and background are the shot's; the places of the features, straightened, are the person's.
    def shape(person: int, shot: int) -> np.ndarray:
        face = render_face(0, person, shot, 64)
        points = face.landmarks - face.landmarks.mean(0)
        return points / np.linalg.norm(points)

    shapes = np.array([[shape(person, shot) for shot in range(6)] for person in range(12)])
    straight = shapes[..., 1].std(axis=1).mean()
    assert shapes.mean(axis=1)[..., 1].std(axis=0).mean() > 0.4 * straight


@pytest.mark.parametrize(("key", "size"), [((-1, 0, 0), 96), ((0, -1, 0), 96), ((0, 0, 0), 8)])
def test_arguments_out_of_range_are_refused(key: tuple[int, int, int], size: int) -> None:
    with pytest.raises(InputError):
        render_face(*key, size)


def test_attributes_are_of_the_person_or_of_the_shot() -> None:
    many = [[set(face_attributes(4, person, shot)) for shot in range(6)] for person in range(60)]
    assert set().union(*(shown for shots in many for shown in shots)) == set(FACE_ATTRIBUTES)
    momentary = {"glasses", "smile", "open mouth"}  # people take their glasses off
    for shots in many:
        assert len({frozenset(shown - momentary) for shown in shots}) == 1
        assert not any({"bald", "long hair"} <= shown for shown in shots)
    assert any(len({frozenset(shown & momentary) for shown in shots}) > 1 for shots in many)
