"""RandAugment, random erasing, MixUp and CutMix against their papers, by pictures whose result is known by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps
from scipy import ndimage

from cnnkit.data import Augmentation, Chain, CutMix, Framing, MixUp, RandAugment, RandomErasing, Source, batches
from cnnkit.data.array_images import ArrayReader
from cnnkit.data.views.mixing import require_mixable
from cnnkit.data.views.rand_augment import GREY, OPERATIONS
from cnnkit.errors import InputError

SIDE = 24
NOISE = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
ROWS, COLUMNS = np.mgrid[0:SIDE, 0:SIDE]
SMOOTH = np.stack([ROWS * 5 + 40, COLUMNS * 5 + 40, ROWS + COLUMNS + 60], axis=-1).astype(np.uint8)


def view_of(augment: Any, seed: int, image: np.ndarray = NOISE) -> np.ndarray:
    view = augment.apply(image, np.random.default_rng(seed))
    assert (view.shape, view.dtype) == (image.shape, np.float32)
    assert view.min() >= 0
    assert view.max() <= 255
    return view


EVERY = [
    RandAugment(),
    RandAugment(3, 30),
    RandomErasing(1.0),
    Chain((Augmentation.lecture(), RandAugment(), RandomErasing())),
]


@pytest.mark.parametrize("augment", EVERY, ids=lambda augment: type(augment).__name__)
def test_views_are_a_function_of_the_generator_and_leave_the_picture_alone(augment: Any) -> None:
    before = NOISE.copy()
    assert (view_of(augment, 1) == view_of(augment, 1)).all()
    assert len({view_of(augment, seed).tobytes() for seed in range(12)}) > 6
    assert (before == NOISE).all()


@pytest.mark.parametrize("augment", EVERY, ids=lambda augment: type(augment).__name__)
def test_batches_are_the_same_on_any_number_of_threads(augment: Any) -> None:
    images = np.random.default_rng(0).integers(0, 256, (9, 12, 12, 3), dtype=np.uint8)
    source = Source(tuple(map(str, range(9))), None, ArrayReader(images), np.arange(9))
    one, many = (
        [
            batch.images.tobytes()
            for batch in batches(source, Framing(), (8, 8), batch_size=2, augment=augment, threads=threads)
        ]
        for threads in (1, 4)
    )
    assert one == many


def done(name: str, strength: float, image: np.ndarray = SMOOTH) -> np.ndarray:
    return np.asarray(OPERATIONS[name](Image.fromarray(image), strength)).astype(float)


def test_randaugment_draws_from_the_fourteen_of_the_paper() -> None:
    assert len(OPERATIONS) == 14
    drawn = set()
    for seed in range(200):
        first = np.random.default_rng(seed).random((1, 2))[0, 0]
        name = list(OPERATIONS)[int(first * 14)]
        sign = 1 if np.random.default_rng(seed).random((1, 2))[0, 1] >= 0.5 else -1
        assert (view_of(RandAugment(1, 15), seed, SMOOTH) == done(name, sign * 0.5)).all()
        drawn.add(name)
    assert drawn == set(OPERATIONS)


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - {"auto_contrast", "equalize"}))
def test_at_no_strength_nothing_changes(name: str) -> None:
    assert (done(name, 0.0) == SMOOTH).all()


@pytest.mark.parametrize("sign", [-1, 1])
def test_colours_at_full_strength(sign: int) -> None:
    """By hand: enhancers are 1 ± 0.9, all is inverted, four bits are left."""
    assert np.abs(done("brightness", sign) - np.clip(SMOOTH * (1 + 0.9 * sign), 0, 255)).max() <= 1
    assert (done("solarize", sign) == 255 - SMOOTH.astype(float)).all()
    assert (done("posterize", sign) == (SMOOTH & 0xF0)).all()
    grey = np.asarray(ImageOps.grayscale(Image.fromarray(SMOOTH)), float)
    mean = float(int(grey.mean() + 0.5))
    assert np.abs(done("contrast", sign) - np.clip(mean + (SMOOTH - mean) * (1 + 0.9 * sign), 0, 255)).max() <= 1
    coloured = np.clip(grey[..., None] + (SMOOTH - grey[..., None]) * (1 + 0.9 * sign), 0, 255)
    assert np.abs(done("color", sign) - coloured).max() <= 1


def test_contrast_is_stretched_to_the_whole_range() -> None:
    assert [done("auto_contrast", 0.3)[..., channel].min() for channel in range(3)] == [0, 0, 0]
    assert [done("auto_contrast", 0.3)[..., channel].max() for channel in range(3)] == pytest.approx(
        [255, 255, 255], abs=1
    )


@pytest.mark.parametrize("strength", [-1.0, 0.4, 1.0])
def test_moves_are_those_of_scipy(strength: float) -> None:
    """150 / 331 of a side, 0.3 of shear, 30 degrees; what is uncovered is grey."""
    turned = np.deg2rad(30 * strength)
    cos, sin = np.cos(turned), np.sin(turned)
    middle = np.array([SIDE - 1, SIDE - 1]) / 2
    rotation = np.array([[cos, sin], [-sin, cos]])  # rows, columns: against the clock, as Pillow turns
    half = np.array([0.5, 0.5])  # Pillow's shears are about the corner of the corner pixel, not its middle
    moves = {
        "translate_x": (np.eye(2), [0, 150 / 331 * strength * SIDE]),
        "translate_y": (np.eye(2), [150 / 331 * strength * SIDE, 0]),
        "shear_x": (shear := np.array([[1, 0], [0.3 * strength, 1]]), shear @ half - half),
        "shear_y": (shear := np.array([[1, 0.3 * strength], [0, 1]]), shear @ half - half),
        "rotate": (rotation, middle - rotation @ middle),
    }
    for name, (linear, offset) in moves.items():
        result = done(name, strength)
        for channel in range(3):
            picture = SMOOTH[..., channel].astype(float)
            expected = ndimage.affine_transform(picture, linear, offset, order=1, cval=np.nan)
            inside = ~np.isnan(expected)
            assert inside.mean() > 0.3
            assert np.abs(result[..., channel] - expected)[inside].max() <= 1.01, name
    assert (done("translate_x", 1.0)[:, -8:] == GREY).all()


@pytest.mark.parametrize("augment", [{"operations": 0}, {"magnitude": -1}, {"magnitude": 31}])
def test_randaugment_off_its_scale_is_refused(augment: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"operation|magnitude"):
        RandAugment(**augment)


def test_erasing_takes_a_rectangle_of_the_drawn_area_and_leaves_the_rest() -> None:
    black = np.zeros((60, 80, 3), np.uint8)
    parts = []
    for seed in range(60):
        erased = view_of(RandomErasing(1.0, area=(0.1, 0.3), aspect=(0.5, 2.0)), seed, black).sum(axis=2) > 0
        rows, columns = np.flatnonzero(erased.any(axis=1)), np.flatnonzero(erased.any(axis=0))
        high, wide = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert erased.sum() >= high * wide - 1  # noise is black in one of 256³
        assert 0.4 < high / wide < 2.5
        parts.append(high * wide / black[..., 0].size)
    assert 0.09 < min(parts) < 0.14
    assert 0.26 < max(parts) < 0.31


def test_erasing_happens_as_often_as_asked() -> None:
    happened = [(view_of(RandomErasing(0.3), seed) != NOISE).any() for seed in range(300)]
    assert np.mean(happened) == pytest.approx(0.3, abs=0.08)
    assert (view_of(RandomErasing(0.0), 0) == NOISE).all()


def test_a_rectangle_never_leaves_the_picture() -> None:
    narrow = np.zeros((4, 90, 3), np.uint8)
    assert view_of(RandomErasing(1.0, area=(1, 1), aspect=(9, 9)), 0, narrow).any()


@pytest.mark.parametrize(
    "wrong", [{"probability": 2}, {"area": (0, 0.1)}, {"area": (0.4, 0.2)}, {"aspect": (0, 1)}, {"aspect": (2, 1)}]
)
def test_erasing_out_of_range_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        RandomErasing(**wrong)


def test_a_chain_hands_one_generator_on() -> None:
    steps = (Augmentation(rotation=30), RandomErasing(1.0))
    chance = np.random.default_rng(4)
    expected = steps[1].apply(steps[0].apply(NOISE, chance), chance)
    assert (view_of(Chain(steps), 4) == expected).all()


def numbered(count: int, side: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of one value each, and one-hot targets: a blend says what it is made of."""
    values = np.arange(count) * 10 + 20
    images = np.broadcast_to(values[:, None, None, None], (count, side, side, 3)).astype(np.uint8)
    return images, np.eye(count, dtype=np.float32)


def test_mixup_blends_pictures_and_targets_by_one_weight() -> None:
    images, targets = numbered(12)
    blended, mixed = MixUp(alpha=1.0).apply(images, targets, np.random.default_rng(0))
    assert (blended.dtype, mixed.dtype, blended.shape) == (np.float32, np.float32, images.shape)
    assert mixed.sum(axis=1) == pytest.approx(1)
    assert ((mixed > 0).sum(axis=1) <= 2).all()
    values = images[:, 0, 0, 0].astype(float)
    assert blended == pytest.approx(np.broadcast_to((mixed @ values)[:, None, None, None], images.shape), abs=1e-3)
    assert len({round(float(weight), 3) for weight in mixed.max(axis=1)}) > 4


def test_cutmix_weighs_targets_by_area() -> None:
    images, targets = numbered(12, side=64)
    blended, mixed = CutMix().apply(images, targets, np.random.default_rng(1))
    for index, (picture, weights) in enumerate(zip(blended[..., 0], mixed, strict=True)):
        own = picture == images[index, 0, 0, 0]
        others = np.unique(picture[~own])
        assert len(others) <= 1  # one rectangle of one other picture
        assert weights[index] == pytest.approx(own.mean() if others.size else weights[index], abs=0.06)
        rows, columns = np.nonzero(~own)
        if len(rows):
            assert (np.ptp(rows) + 1) * (np.ptp(columns) + 1) == len(rows)


@pytest.mark.parametrize("mix", [MixUp(), CutMix()], ids=lambda mix: type(mix).__name__)
def test_a_blend_is_a_function_of_the_generator(mix: Any) -> None:
    images, targets = numbered(8)
    one, same, other = (mix.apply(images, targets, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert (one[0] == same[0]).all()
    assert (one[1] == same[1]).all()
    assert (one[0] != other[0]).any()


@pytest.mark.parametrize("wrong", [lambda: MixUp(0), lambda: CutMix(0), lambda: CutMix(1.5)])
def test_an_alpha_out_of_range_is_refused(wrong: Any) -> None:
    with pytest.raises(InputError, match="alpha"):
        wrong()


class OwnMixer:
    """A mixer of the user's own."""

    def apply(self, images: Any, targets: Any, generator: Any) -> Any:
        return images, targets


class VectorMixer(OwnMixer):
    kinds = ("labels", "vectors")


def test_labels_and_tags_are_blended_and_what_has_a_place_is_not() -> None:
    for mix in (MixUp(), CutMix(), OwnMixer()):
        for kind in ("labels", "tags"):
            require_mixable(mix, kind)
        for kind in ("boxes", "masks", "points", "pictures", "vectors"):
            with pytest.raises(InputError, match=rf"labels or tags.*{type(mix).__name__}.*{kind}.*Leave mix out"):
                require_mixable(mix, kind)
    require_mixable(VectorMixer(), "vectors")
    with pytest.raises(InputError, match="labels or vectors"):
        require_mixable(VectorMixer(), "tags")
    assert (repr(MixUp()), repr(CutMix())) == ("MixUp(alpha=0.2)", "CutMix(alpha=1.0)")  # as in kept checkpoints
