"""Crops that keep a box, and mosaics: what they show, by pictures whose boxes are painted into them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data.array_images import ArrayReader
from cnnkit.data.pipeline import batch_at
from cnnkit.data.placements import in_crops
from cnnkit.data.targets import Boxes
from cnnkit.data.views.chain import around_boxes
from cnnkit.errors import InputError
from cnnkit.heads.fcos import fcos
from cnnkit.transfer.feed import Feed

SHAPE, SIZE = (90, 120), (40, 48)
NAMES = ("thing",)


def painted(boxes: list[list[list[int]]], shape: tuple[int, int] = SHAPE, **flags: Any) -> ck.data.Source:
    """Black pictures whose boxes are white."""
    pictures = np.zeros((len(boxes), *shape, 3), np.uint8)
    for picture, each in zip(pictures, boxes, strict=True):
        for left, top, right, bottom in each:
            picture[top:bottom, left:right] = 255
    truth = Boxes.of_lists(NAMES, boxes, [[0] * len(each) for each in boxes], **flags)
    return ck.data.Source(tuple(map(str, range(len(boxes)))), truth, ArrayReader(pictures), np.arange(len(boxes)))


def seen(source: ck.data.Source, augment: ck.data.ViewAugmenter, epochs: int = 30) -> list[tuple[Any, Any]]:
    """Picture and boxes of the first example in several epochs, as `fit` makes them."""
    shapes, rows = np.array([SHAPE]), np.arange(1)
    return [
        (
            batch_at(source, rows, ck.data.Framing(), SIZE, augment=augment, epoch=epoch).images[0],
            in_crops(source.take(rows).targets, shapes, rows, SIZE, augment, seed=0, view=epoch),
        )
        for epoch in range(epochs)
    ]


@pytest.mark.parametrize("chained", [False, True])
def test_a_view_shows_a_whole_box(chained: bool) -> None:
    """A box of 12 × 10 pixels in a corner: of plain crops few show it whole."""
    source = painted([[[106, 2, 118, 12]]])
    counts = []
    for keep in (0.0, 1.0):
        augment: Any = ck.data.RandomCrop(SIZE, scale=(0.8, 1.25), horizontal_flip=True, keep=keep)
        augment = ck.data.Chain((augment, ck.data.Augmentation(horizontal_flip=True))) if chained else augment
        views = seen(source, augment)
        whole = [
            len(truth.boxes) == 1 and np.prod(truth.boxes[0, 2:] - truth.boxes[0, :2]) > 0.8**2 * 119
            for _, truth in views
        ]
        counts.append(sum(whole))
        for picture, truth in views:
            assert (len(truth.boxes) > 0) >= bool((picture[..., 0] > 128).sum() > 40)
            if len(truth.boxes):
                (left, top), (right, bottom) = np.ceil(truth.boxes[0, :2]) + 1, np.floor(truth.boxes[0, 2:]) - 1
                assert (picture[int(top) : int(bottom), int(left) : int(right)] > 250).all()
    assert counts[1] == 30
    assert counts[0] < 15


def test_a_box_that_is_larger_than_the_view_fills_it() -> None:
    source = painted([[[10, 10, 110, 80]]])
    for picture, truth in seen(source, ck.data.RandomCrop(SIZE, scale=(1, 1), keep=1)):
        assert (picture == 255).all()
        assert truth.boxes.tolist() == [[0, 0, 48, 40]]


def test_every_box_has_its_turn_but_crowds() -> None:
    source = painted([[[2, 2, 12, 12], [100, 2, 118, 12], [50, 70, 60, 80]]], crowd=[[0, 0, 1]])
    crop = ck.data.RandomCrop((20, 24), scale=(1, 1), keep=1)
    places = set()
    for seed in range(40):
        view = around_boxes(crop, source.targets, 0).view(SHAPE, np.random.default_rng(seed))
        middles = (source.targets.boxes[:, :2] + source.targets.boxes[:, 2:]) / 2 + view.positions[:2, 2]
        places |= set(np.flatnonzero(((middles > 0) & (middles < (24, 20))).all(axis=1)).tolist())
    assert places == {0, 1}


def test_without_boxes_a_view_is_anywhere() -> None:
    source = painted([[]])
    kept, plain = (seen(source, ck.data.RandomCrop(SIZE, keep=keep), 5) for keep in (1, 0))
    assert all((one == other).all() for (one, _), (other, _) in zip(kept, plain, strict=True))


def test_keeping_needs_boxes_and_the_first_place() -> None:
    augment = ck.data.RandomCrop((8, 8), keep=0.5)
    photos = ck.data.arrays(np.zeros((4, 9, 9, 3), np.uint8), [0, 1, 0, 1], split=(1, 0, 0))
    with pytest.raises(InputError, match=r"boxes as the truth.*labels.*keep=0"):
        batch_at(photos.train, [0], ck.data.Framing(), (8, 8), augment=augment)
    with pytest.raises(InputError, match="first step"):
        ck.data.Chain((ck.data.Augmentation(), augment))
    with pytest.raises(InputError, match="keep as a probability"):
        ck.data.RandomCrop((8, 8), keep=2)
    assert ck.data.RandomCrop((8, 8), keep=0).keeps_boxes is False


# ---- Mosaic ----

GRID = [[[4, 6, 24, 30], [30, 10, 44, 36]], [[8, 8, 40, 32]], [], [[2, 20, 30, 38], [34, 2, 46, 12]]]


def mosaics(mix: ck.data.Mosaic, seed: int) -> tuple[np.ndarray, Boxes]:
    source = painted(GRID, SIZE)
    pictures = np.stack([source.image(index) for index in range(4)])
    return mix.apply(pictures, source.targets, np.random.default_rng(seed))


def test_boxes_of_a_mosaic_lie_on_what_they_are_around() -> None:
    several = 0
    for seed in range(20):
        images, truth = mosaics(ck.data.Mosaic(1.0), seed)
        assert images.shape == (4, *SIZE, 3)
        assert images.dtype == np.float32
        assert len(truth) == 4
        for index, picture in enumerate(images):
            covered = np.zeros(SIZE, np.bool_)
            for left, top, right, bottom in truth.boxes[truth.span(index)]:
                inner = picture[int(np.ceil(top)) + 1 : int(bottom) - 1, int(np.ceil(left)) + 1 : int(right) - 1]
                assert (inner > 250).all()
                covered[int(top) : int(np.ceil(bottom)) + 1, int(left) : int(np.ceil(right)) + 1] = True
            # What has no box is a sliver: less than a quarter of a thing of at most 768 pixels, of each of 4 tiles.
            assert (picture[..., 0] > 128)[~covered].sum() <= 4 * 768 / 4
            several += truth.starts[index + 1] - truth.starts[index] > 2
    assert several > 10


def test_no_mosaic_is_the_picture_itself() -> None:
    images, truth = mosaics(ck.data.Mosaic(0.0), 0)
    source = painted(GRID, SIZE)
    assert all((images[index] == source.image(index)).all() for index in range(4))
    assert truth.digest() == source.targets.digest()


def test_a_share_of_the_pictures_becomes_mosaics() -> None:
    source = painted(GRID * 50, SIZE)
    pictures = np.stack([source.image(index) for index in range(200)])
    images, _ = ck.data.Mosaic(0.3).apply(pictures, source.targets, np.random.default_rng(1))
    changed = sum(bool((one != other).any()) for one, other in zip(images, pictures, strict=True))
    assert 40 <= changed <= 80


@pytest.mark.parametrize("wrong", [{"probability": 1.5}, {"probability": "1"}, {"least": 0}, {"least": 0.6}])
def test_wrong_settings(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        ck.data.Mosaic(**wrong)


def test_a_detector_learns_from_mosaics() -> None:
    """What the head encodes of a mosaic is the truth of its pixels: cells that own a box are white."""
    source = painted([[[64 * (index % 2), 0, 64 * (index % 2) + 64, 128]] for index in range(6)], (128, 128))
    head = fcos(NAMES)
    feed = Feed(source, head, ck.data.Framing(), (128, 128), 3, None, mix=ck.data.Mosaic(1.0), weighted=True)
    one, two = list(feed.epoch(0)), list(feed.epoch(0))
    assert all((a.inputs[0] == b.inputs[0]).all() for a, b in zip(one, two, strict=True))
    assert (one[0].inputs[0] != next(iter(feed.epoch(1))).inputs[0]).any()
    for batch in one:
        assert isinstance(batch.targets, dict)
        shown = batch.targets["labels"][:, :256].reshape(-1, 16, 16) == 0  # P3
        pictures = np.asarray(batch.inputs[0])[:, 4::8, 4::8, 0]
        assert (pictures[shown] > 128).all()
        assert (batch.targets["labels"] == 0).any(axis=1).all()
        np.testing.assert_allclose(np.mean(batch.weights), 1, rtol=1e-6)
    # Each photograph has one box, a mosaic of four as many as it shows: it weighs as much.
    assert any(len(np.unique(batch.weights)) > 1 for batch in one)
