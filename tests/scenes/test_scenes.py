"""The scenes: same bytes everywhere, annotations that agree, a label that colour and place do not give away."""

from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from scipy.optimize import minimize

from cnnkit.errors import InputError
from cnnkit.scenes import CATEGORIES, SEMANTIC, Scene, render_scene, render_scenes, shows_person
from cnnkit.scenes.backdrops import SCENE_KINDS
from cnnkit.scenes.difficulty import DIFFICULTY
from cnnkit.scenes.lookalikes import THINGS

SIZE = 160
COUNTS = [pytest.param(300), pytest.param(1000, marks=pytest.mark.slow)]


def digest(scene: Scene) -> str:
    whole = hashlib.sha256()
    for array in (scene.image, scene.boxes, scene.masks, scene.semantic, scene.keypoints, scene.edges):
        whole.update(np.ascontiguousarray(array).tobytes())
    return whole.hexdigest()


PROCESSORS: dict[str, tuple[dict[str, str], int]] = {
    "one thread": ({}, 1),
    "four threads": ({}, 4),
    # Every library without its vector instructions: a processor of another make rounds like this one.
    "no vector instructions": (
        {
            "OPENCV_CPU_DISABLE": "AVX512-SKX,AVX2,AVX,FMA3,FP16,SSE4.2,SSE4.1,SSSE3",
            "OPENCV_IPP": "disabled",
            "JSIMD_FORCENONE": "1",
            "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
        },
        1,
    ),
}
DIGESTS = "import cv2; cv2.setNumThreads({threads}); import hashlib; from cnnkit.scenes import render_scene; " + (
    "print(*[hashlib.sha256(render_scene(7, i).image.tobytes()).hexdigest() for i in range(4)])"
)


@pytest.fixture(scope="module", params=COUNTS, ids=str)
def many(request: pytest.FixtureRequest) -> list[Scene]:
    """The first scenes of series 0: 300, and with `-m slow` the 1,000 of the bar."""
    return list(render_scenes(request.param, 0, size=SIZE))


def people(scenes: list[Scene]) -> Iterator[tuple[Scene, int]]:
    for scene in scenes:
        for row, category in enumerate(scene.categories):
            if category == "person":
                yield scene, row


@pytest.mark.parametrize("processor", PROCESSORS)
def test_same_bytes_in_another_process(processor: str) -> None:
    environment, threads = PROCESSORS[processor]
    code = [sys.executable, "-W", "ignore", "-c", DIGESTS.format(threads=threads)]
    done = subprocess.run(code, capture_output=True, text=True, check=True, env=os.environ | environment)
    assert done.stdout.split() == [hashlib.sha256(render_scene(7, i).image.tobytes()).hexdigest() for i in range(4)]


def test_same_bytes_again_and_other_bytes_for_other_keys() -> None:
    threads = cv2.getNumThreads()
    assert digest(render_scene(1, 2)) == digest(render_scene(1, 2))
    assert len({digest(render_scene(*key)) for key in ((1, 2), (2, 1), (1, 3))}) == 3
    assert cv2.getNumThreads() == threads


def test_another_size_is_the_same_scene() -> None:
    small, large = render_scene(0, 3, 96), render_scene(0, 3, 192)
    assert (small.person, small.place) == (large.person, large.place)
    shrunk = cv2.resize(large.image, (24, 24), interpolation=cv2.INTER_AREA).astype(float)
    assert np.abs(cv2.resize(small.image, (24, 24), interpolation=cv2.INTER_AREA) - shrunk).mean() < 12


@pytest.mark.parametrize(("seed", "index", "size"), [(-1, 0, 160), (0, -1, 160), (0, 0, 16)])
def test_arguments_out_of_range_are_refused(seed: int, index: int, size: int) -> None:
    with pytest.raises(InputError):
        render_scene(seed, index, size)


def test_shapes_and_types(many: list[Scene]) -> None:
    for scene in many[:50]:
        n = len(scene.categories)
        assert (scene.image.shape, scene.image.dtype) == ((SIZE, SIZE, 3), np.uint8)
        assert (scene.boxes.shape, scene.boxes.dtype) == ((n, 4), np.float32)
        assert (scene.masks.shape, scene.masks.dtype) == ((n, SIZE, SIZE), np.bool_)
        assert (scene.keypoints.shape, scene.keypoints.dtype) == ((n, 17, 3), np.float32)
        assert (scene.semantic.shape, scene.semantic.dtype) == ((SIZE, SIZE), np.uint8)
        assert (scene.edges.shape, scene.edges.dtype) == ((SIZE, SIZE), np.uint8)
        assert set(np.unique(scene.edges)) <= {0, 255}
        assert scene.semantic.max() < len(SEMANTIC)
        assert set(scene.categories) <= set(CATEGORIES)


def test_boxes_hold_their_masks_exactly(many: list[Scene]) -> None:
    for scene in many:
        for box, mask in zip(scene.boxes, scene.masks, strict=True):
            x, y, w, h = box.astype(int)
            assert x >= 0
            assert y >= 0
            assert x + w <= SIZE
            assert y + h <= SIZE
            inside = mask[y : y + h, x : x + w]
            assert inside.sum() == mask.sum() > 0
            assert all(edge.any() for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]))


def test_masks_do_not_overlap_and_people_are_people_in_the_semantic_map(many: list[Scene]) -> None:
    for scene in many:
        assert scene.masks.sum(axis=0).max(initial=0) <= 1
    for scene, row in people(many):
        assert (scene.semantic[scene.masks[row]] == SEMANTIC.index("person")).all()


def test_visible_keypoints_lie_on_their_person(many: list[Scene]) -> None:
    seen = hidden = 0
    for scene, row in people(many):
        for x, y, visibility in scene.keypoints[row]:
            if visibility == 0:
                assert (x, y) == (0, 0)
                continue
            assert 0 <= x < SIZE
            assert 0 <= y < SIZE
            if visibility == 2:
                seen += 1
                assert scene.masks[row][int(y), int(x)]
            else:
                hidden += 1
    assert seen > hidden > 0


def test_only_people_have_keypoints(many: list[Scene]) -> None:
    for scene in many:
        for row, category in enumerate(scene.categories):
            assert category == "person" or not scene.keypoints[row].any()


def test_left_and_right_are_the_persons_own(many: list[Scene]) -> None:
    # Whose both eyes are seen faces the viewer: the left eye is on the right of the picture.
    facing = [table for scene, row in people(many) if (table := scene.keypoints[row])[1:3, 2].min() == 2]
    assert len(facing) > 40
    assert np.mean([table[1, 0] > table[2, 0] for table in facing]) > 0.97


def test_the_label_is_the_rule_of_coco_and_known_before_drawing(many: list[Scene]) -> None:
    for index, scene in enumerate(many):
        areas = [w * h for (_, _, w, h), name in zip(scene.boxes, scene.categories, strict=True) if name == "person"]
        assert scene.person == (max(areas, default=0.0) > 0.005 * SIZE * SIZE) == shows_person(0, index)


def test_half_show_people_of_many_sizes(many: list[Scene]) -> None:
    assert abs(np.mean([scene.person for scene in many]) - DIFFICULTY.person_share) < 5 * 0.5 / len(many) ** 0.5
    heights = np.array([scene.boxes[row, 3] / SIZE for scene, row in people(many) if scene.person])
    assert 0.4 < np.median(heights) < 0.65
    assert np.mean((heights > 0.25) & (heights < 0.85)) > 0.75


def test_every_thing_and_place_appears(many: list[Scene]) -> None:
    assert {scene.place for scene in many} == {kind.name for kind in SCENE_KINDS}
    assert {name for scene in many for name in scene.categories} == {row.category for row in THINGS} | {"person"}
    assert {row.category for row in THINGS} <= set(CATEGORIES)
    assert len(set(CATEGORIES.values())) == len(CATEGORIES)


def test_counts_and_brightness_do_not_give_the_label_away(many: list[Scene]) -> None:
    label = np.array([scene.person for scene in many])
    for measure in (
        [len(scene.categories) for scene in many],
        [scene.image.mean() for scene in many],
        [scene.masks.sum() for scene in many],
        [(scene.edges == 0).sum() for scene in many],
    ):
        assert abs(np.corrcoef(label, measure)[0, 1]) < 5 / len(many) ** 0.5  # five standard errors


@pytest.mark.slow
def test_a_linear_model_on_pixels_stays_under_70_percent() -> None:
    train, scenes = 2000, list(render_scenes(3000, 0, size=SIZE))
    small = [cv2.resize(scene.image, (32, 32), interpolation=cv2.INTER_AREA).ravel() for scene in scenes]
    x = np.array(small, np.float32)
    x = (x - x[:train].mean(0)) / (x[:train].std(0) * np.float32(x.shape[1] ** 0.5))
    sign = np.where([scene.person for scene in scenes], 1, -1).astype(np.float32)
    reached = {}
    for penalty in (1e-6, 1e-5, 1e-4, 1e-3):

        def loss(v: np.ndarray, penalty: float = penalty) -> tuple[float, np.ndarray]:
            w = v.astype(np.float32)
            margin = sign[:train] * (x[:train] @ w[:-1] + w[-1])
            pull = -sign[:train] / (1 + np.exp(np.clip(margin, -50, 50))) / train
            gradient = np.append(x[:train].T @ pull + penalty * w[:-1], pull.sum())
            return float(np.logaddexp(0, -margin).mean() + penalty * w[:-1] @ w[:-1] / 2), gradient.astype(np.float64)

        w = minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
        reached[penalty] = float(np.mean((x[train:] @ w[:-1] + w[-1] > 0) == (sign[train:] > 0)))
    print("linear probe, test accuracy by penalty:", reached)
    assert max(reached.values()) < 0.70


def test_what_hides_something_is_nearer() -> None:
    for scene in render_scenes(12, 3, size=96):
        assert scene.depth.shape == (96, 96)
        assert (scene.depth > 0).all()
        assert np.isinf(scene.depth[scene.semantic == SEMANTIC.index("sky")]).all()
        metres = [np.unique(scene.depth[mask]) for mask in scene.masks]
        assert all(len(values) == 1 for values in metres), "a thing stands in one place"
        assert all(far >= near for (far,), (near,) in itertools.pairwise(metres)), "far ones first"


def test_the_ground_is_flat() -> None:
    """Of a plane seen in perspective 1 / depth falls evenly from row to row, to 0 at the horizon, in every column."""
    grounds = [SEMANTIC.index(name) for name in ("ground", "road", "sidewalk", "floor", "water")]
    for scene in render_scenes(12, 3, size=96):
        shown = np.isin(scene.semantic, grounds)
        rows = [row for row in range(96) if shown[row].any()]
        inverse = [1 / np.unique(scene.depth[row][shown[row]]) for row in rows]
        assert all(len(values) == 1 for values in inverse)
        line = np.polynomial.Polynomial.fit(rows[5:], np.concatenate(inverse)[5:], 1)
        np.testing.assert_allclose(np.concatenate(inverse)[5:], line(np.array(rows[5:])), rtol=1e-3)
