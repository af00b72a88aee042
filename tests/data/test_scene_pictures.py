from __future__ import annotations

import numpy as np
import pytest

from cnnkit.data.face_pictures import faces
from cnnkit.data.scene_pictures import drawing_version, scenes
from cnnkit.errors import InputError, UnknownNameError
from cnnkit.scenes import render_face, render_scene


def test_scenes_are_split_by_index_and_drawn_on_demand() -> None:
    photos = scenes(100, 3, size=64)
    assert photos.classes == ("no_person", "person")
    assert [len(part) for part in photos.parts().values()] == [70, 15, 15]
    assert photos.validation.ids[0] == "scene-3-000070"
    np.testing.assert_array_equal(photos.test.image(0), render_scene(3, 85, 64).image)
    assert photos.test.labels is not None
    assert photos.test.labels[0] == render_scene(3, 85, 64).person


def test_labels_are_the_labels_of_the_pictures() -> None:
    photos = scenes(30, size=64)
    assert photos.train.labels is not None
    assert [render_scene(0, i, 64).person for i in range(21)] == photos.train.labels.tolist()


def test_more_scenes_begin_with_the_same() -> None:
    assert scenes(40).train.ids[:20] == scenes(1000).train.ids[:20]


def test_a_digest_is_the_picture_s_key() -> None:
    first, second = scenes(4), scenes(4)
    assert first.fingerprint == second.fingerprint
    assert scenes(4, 1).fingerprint != first.fingerprint != scenes(4, size=96).fingerprint
    assert len(drawing_version()) == 64


@pytest.mark.parametrize("wrong", [{"n": 0}, {"n": 4, "size": 8}, {"n": 4, "seed": -1}])
def test_scenes_refuse_what_cannot_be_drawn(wrong: dict[str, int]) -> None:
    with pytest.raises(InputError):
        scenes(**wrong)


def test_faces_by_shots_show_everyone_everywhere() -> None:
    album = faces(3, 20, 1, size=48)
    assert album.classes == ("person-0000", "person-0001", "person-0002")
    for part in album.parts().values():
        assert set(part.labels.tolist()) == {0, 1, 2}
    np.testing.assert_array_equal(album.test.image(0), render_face(1, 0, 17, 48).image)
    assert album.test.ids[0] == "face-1-0000-0017"
    assert album.fingerprint == faces(3, 20, 1, size=48).fingerprint


def test_faces_by_people_keep_strangers_for_the_test() -> None:
    album = faces(20, 2, split_by="people")
    seen = [set(part.labels.tolist()) for part in album.parts().values()]
    assert [len(group) for group in seen] == [14, 3, 3]
    assert not seen[0] & (seen[1] | seen[2])


@pytest.mark.parametrize("wrong", [{"people": 0}, {"shots": 0}, {"size": 8}, {"seed": -1}])
def test_faces_refuse_what_cannot_be_drawn(wrong: dict[str, int]) -> None:
    with pytest.raises(InputError):
        faces(**({"people": 2, "shots": 2} | wrong))


def test_faces_name_the_splits() -> None:
    with pytest.raises(UnknownNameError, match="people"):
        faces(2, 2, split_by="peoples")


def test_drawn_pictures_have_no_files_whose_size_tells_duplicates_apart() -> None:
    photos = scenes(12, seed=2, size=32)
    assert photos.duplicates().empty
    assert not photos.report().empty
