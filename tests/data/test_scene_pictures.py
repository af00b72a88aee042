from __future__ import annotations

import numpy as np
import pytest

from cnnkit.data import scene_truth
from cnnkit.data.face_pictures import faces
from cnnkit.data.scene_pictures import drawing_version, scenes
from cnnkit.errors import InputError, UnknownNameError
from cnnkit.scenes import (
    CATEGORIES,
    FACE_ATTRIBUTES,
    SEMANTIC,
    Scene,
    face_attributes,
    render_face,
    render_scene,
)


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


def test_every_target_has_the_same_pictures() -> None:
    plain = scenes(12, 5, size=48)
    for target in ("boxes", "masks", "points", "edges", "depth"):
        photos = scenes(12, 5, size=48, target=target)
        assert [len(part) for part in photos.parts().values()] == [8, 2, 2]
        assert photos.train.ids == plain.train.ids
        assert photos.train.pictures_fingerprint == plain.train.pictures_fingerprint
        assert photos.fingerprint != plain.fingerprint
        np.testing.assert_array_equal(photos.test.image(1), plain.test.image(1))


def test_attributes_of_faces_are_tags_of_the_same_pictures() -> None:
    people, tags = (faces(10, 2, seed=1, size=32, target=target) for target in ("person", "attributes"))
    assert tags.classes == tuple(FACE_ATTRIBUTES)
    assert tags.train.ids == people.train.ids
    assert tags.train.pictures_fingerprint == people.train.pictures_fingerprint
    values = tags.train.targets.values[tags.train.ids.index("face-1-0003-0000")]
    assert values.astype(bool).tolist() == [name in face_attributes(1, 3, 0) for name in tags.classes]
    with pytest.raises(UnknownNameError, match="attributes"):
        faces(2, 2, target="attribute")


def test_a_picture_of_depth_tells_the_metres() -> None:
    photos = scenes(10, 5, size=48, target="depth")
    for index in range(7):
        metres, grey = render_scene(5, index, 48).depth, photos.train.targets.picture(index)
        assert (grey == grey[..., :1]).all()
        np.testing.assert_allclose(100 ** (1 - grey[..., 0] / 255.0), np.clip(metres, 1, 100), rtol=0.01)


def test_maps_are_those_of_the_scene() -> None:
    masks, edges = (scenes(10, 5, size=48, target=target) for target in ("masks", "edges"))
    assert masks.classes == SEMANTIC
    assert edges.classes == ()
    for index in range(7):
        scene = render_scene(5, index, 48)
        np.testing.assert_array_equal(masks.train.targets.mask(index), scene.semantic)
        np.testing.assert_array_equal(edges.train.targets.picture(index), np.stack([scene.edges] * 3, axis=-1))


def test_boxes_have_their_masks_and_joints() -> None:
    truth = scenes(20, 6, size=64, target="boxes").train.targets
    assert truth.names == tuple(CATEGORIES)
    for index in range(len(truth)):
        scene, span = render_scene(6, index, 64), truth.span(index)
        assert [truth.names[label] for label in truth.labels[span]] == list(scene.categories)
        x, y, width, height = scene.boxes.T
        np.testing.assert_array_equal(truth.boxes[span], np.stack([x, y, x + width, y + height], axis=1))
        for row, box in enumerate(range(span.start, span.stop)):
            np.testing.assert_array_equal(truth.masks.mask(box), scene.masks[row])
        shown = scene.keypoints[..., 2]
        np.testing.assert_array_equal(truth.points.shown[span], shown)
        np.testing.assert_array_equal(truth.points.values[span], scene.keypoints[..., :2] * (shown > 0)[..., None])


def test_points_are_those_of_the_largest_person() -> None:
    truth = scenes(20, 6, size=64, target="points").train.targets
    for index in range(len(truth)):
        scene = render_scene(6, index, 64)
        people = [row for row, name in enumerate(scene.categories) if name == "person"]
        if not people:
            assert not truth.shown[index].any()
            continue
        largest = max(people, key=lambda row: scene.boxes[row, 2] * scene.boxes[row, 3])
        np.testing.assert_array_equal(truth.shown[index], scene.keypoints[largest, :, 2])
    assert truth.mirror[:3] == (0, 2, 1)
    assert truth.shown.any()
    assert not truth.shown.any(axis=1).all()


def test_a_scene_is_drawn_once_for_all_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []

    def counted(seed: int, index: int, size: int) -> Scene:
        drawn.append(index)
        return render_scene(seed, index, size)

    monkeypatch.setattr(scene_truth, "render_scene", counted)
    photos = scenes(10, 77, size=32, target="masks")
    assert drawn == []
    photos.train.image(3)
    photos.train.targets.mask(3)
    scenes(10, 77, size=32, target="points")
    scenes(10, 77, size=32, target="boxes")
    assert sorted(drawn) == list(range(10))


def test_another_target_is_unknown() -> None:
    with pytest.raises(UnknownNameError, match="masks"):
        scenes(4, target="mask")


def test_a_report_measures_what_is_drawn() -> None:
    masks, boxes = (scenes(20, 6, size=64, target=target) for target in ("masks", "boxes"))
    report = masks.report()
    pixels = np.stack([render_scene(6, index, 64).semantic for index in range(14)])
    for number, name in enumerate(SEMANTIC):
        assert report.loc[name, "pixels"] == pytest.approx((pixels == number).mean(), abs=1e-4)
    assert report.loc["all", "pixels"] == 1
    report = boxes.report()
    assert report.loc["all", "boxes"] == len(boxes.train.targets.boxes)
    assert list(report.columns[-4:]) == ["boxes", "area", "aspect", "warning"]
    assert list(scenes(20, 6, size=64).report().columns) == ["train", "validation", "test", "total", "share", "warning"]
