"""A view as a value, what makes one, and what is refused where truth has to move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import cnnkit as ck
from cnnkit.data import Augmentation, Chain, RandomErasing, View, ViewAugmenter
from cnnkit.data.views.affine import forward, matrix, mirror
from cnnkit.data.views.chain import placing, require_views
from cnnkit.errors import InputError

PICTURE = np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)


@dataclass(frozen=True)
class UpsideDown(ViewAugmenter):
    """The example of the base class's docstring."""

    def view(self, size: tuple[int, int], chance: np.random.Generator) -> View:
        positions = np.array([[1.0, 0, 0], [0, -1, size[0]], [0, 0, 1]])
        return View(positions, lambda picture: picture[::-1].astype(np.float32))


@dataclass(frozen=True)
class Darker:
    """A user's own that only has `apply`."""

    part: float = 0.5

    def apply(self, image: NDArray[Any], generator: np.random.Generator) -> NDArray[np.float32]:
        return image.astype(np.float32) * np.float32(self.part * generator.random())


@dataclass(frozen=True)
class Overridden(Augmentation):
    """Its pixels are not those of the view that it inherits."""

    def apply(self, image: NDArray[Any], generator: np.random.Generator) -> NDArray[np.float32]:
        return super().apply(image, generator)[:, ::-1]


class Both:
    """Without the base class."""

    def view(self, size: tuple[int, int], chance: np.random.Generator) -> View:
        return View.identity()

    def apply(self, image: NDArray[Any], generator: np.random.Generator) -> NDArray[np.float32]:
        return self.view((image.shape[0], image.shape[1]), generator).pixels(image)


def test_the_identity_is_a_copy() -> None:
    view = View.identity()
    pixels = view.pixels(PICTURE)
    assert (view.positions == np.eye(3)).all()
    assert (pixels == PICTURE).all()
    floats = PICTURE.astype(np.float32)
    assert view.pixels(floats) is not floats


def test_the_view_of_a_view() -> None:
    """To the right by 2 and then twice as wide is twice as wide and then to the right by 4."""
    shifted = View(np.array([[1.0, 0, 2], [0, 1, 0], [0, 0, 1]]), lambda picture: picture.astype(np.float32) + 1)
    doubled = View(np.diag([2.0, 1, 1]), lambda picture: picture.astype(np.float32) * 2)
    assert shifted.then(doubled).positions.tolist() == [[2, 0, 4], [0, 1, 0], [0, 0, 1]]
    assert doubled.then(shifted).positions.tolist() == [[2, 0, 2], [0, 1, 0], [0, 0, 1]]
    assert (shifted.then(doubled).pixels(PICTURE) == (PICTURE.astype(int) + 1) * 2).all()
    assert (doubled.then(shifted).pixels(PICTURE) == PICTURE.astype(int) * 2 + 1).all()
    assert shifted.then(doubled).inverse() @ [8, 1, 1] == pytest.approx([2, 1, 1])


@pytest.mark.parametrize(
    ("positions", "pixels", "message"),
    [
        (np.eye(2), len, r"shape \(3, 3\).*shape \(2, 2\).*np\.eye"),
        (np.ones((3, 3)), len, "last row is 0, 0, 1"),
        ("turned", len, "affine matrix"),
        (np.eye(3), np.eye(3), "function of a picture"),
    ],
    ids=["two rows", "perspective", "text", "no function"],
)
def test_what_is_no_view_is_refused(positions: Any, pixels: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        View(positions, pixels)


def test_what_gives_something_else_is_refused() -> None:
    class Wrong(UpsideDown):
        def view(self, size: tuple[int, int], chance: np.random.Generator) -> Any:
            return np.eye(3)

    with pytest.raises(InputError, match=r"a view from Wrong.*shape \(3, 3\).*ck\.data\.View"):
        Chain((Wrong(),)).view((8, 12), np.random.default_rng(0))


def test_what_a_warp_does_to_points() -> None:
    """By the definition: from corners to centres, the inverse, and back."""
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    for seed in range(20):
        theta, shear, tx, ty = np.random.default_rng(seed).uniform(-40, 40, 4)
        one = matrix(middle=(11, 7.5), theta=theta, shear=shear, tx=tx, ty=ty, zx=-0.7, zy=1.3)
        assert forward(one) == pytest.approx(half @ np.linalg.inv(one) @ np.linalg.inv(half), abs=1e-9)
    mirrored = forward(mirror((8, 12), horizontal=True, vertical=False))
    assert mirrored @ [0, 3, 1] == pytest.approx([12, 3, 1])  # the left edge becomes the right one


def test_an_augmenter_of_ones_own_gives_pixels_by_its_view() -> None:
    assert (UpsideDown().apply(PICTURE, np.random.default_rng(0)) == PICTURE[::-1]).all()
    with pytest.raises(TypeError, match="view"):
        type("Nothing", (ViewAugmenter,), {})()


@pytest.mark.parametrize(
    ("augment", "expected"),
    [
        (Augmentation(), True),
        (UpsideDown(), True),
        (Both(), True),
        (Chain(()), True),
        (Chain((UpsideDown(), Chain((RandomErasing(),)))), True),
        (Darker(), False),
        (Overridden(), False),
        (Chain((UpsideDown(), Darker())), False),
        (Chain((UpsideDown(), Chain((Augmentation(), Overridden())))), False),
        (None, False),
        (type("Field", (), {"view": 3, "apply": Darker.apply})(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_who_says_where_things_go(augment: Any, expected: bool) -> None:
    assert placing(augment) == expected
    if expected:
        assert require_views(augment) is augment
    else:
        with pytest.raises(InputError, match=r"view\(size, chance\).*ViewAugmenter"):
            require_views(augment)


def test_the_step_that_does_not_is_named() -> None:
    chain = Chain((UpsideDown(), Chain((Augmentation(), Darker(0.25)))))
    for refused in (lambda: require_views(chain), lambda: chain.view((8, 12), np.random.default_rng(0))):
        with pytest.raises(InputError) as caught:
            refused()
        assert "Darker(part=0.25)" in caught.value.received
        assert "Chain" not in caught.value.received


def test_a_chain_with_a_step_that_only_has_apply_still_makes_pixels() -> None:
    steps = (RandomErasing(1.0), Darker(), Augmentation.gentle())
    chance, expected = np.random.default_rng(3), PICTURE.astype(np.float32)
    for step in steps:
        expected = step.apply(expected, chance)
    assert (Chain(steps).apply(PICTURE, np.random.default_rng(3)) == expected).all()


def test_an_augmenter_that_only_has_apply_works_in_batches() -> None:
    photos = ck.data.arrays(np.stack([PICTURE] * 6), [0, 1] * 3)
    for augment in (Darker(), UpsideDown(), Both()):
        (batch,) = ck.data.batches(photos.train, ck.data.Framing(), (8, 12), augment=augment)
        assert batch.images.dtype == np.float32
