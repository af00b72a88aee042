"""Pictures of a public set: not found by hash or thumbnail, and whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cnnkit.course.grading.disguise import Disguise, Picture

Code = Callable[[Picture], NDArray[np.float32]]


def thumbnail(side: int) -> Code:
    """A small picture without its brightness and contrast."""

    def code(picture: Picture) -> NDArray[np.float32]:
        small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
        small -= small.mean()
        return np.asarray(small / (np.linalg.norm(small) + 1e-6), np.float32)

    return code


def perceptual_hash(picture: Picture) -> NDArray[np.float32]:
    """63 bits of the cosine transform, as `imagehash.phash` takes them."""
    grey = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (32, 32), interpolation=cv2.INTER_AREA)
    low = cv2.dct(grey.astype(np.float32))[:8, :8].ravel()[1:]
    return np.where(low > np.median(low), np.float32(1), np.float32(-1))


CODES = {"8 × 8": thumbnail(8), "16 × 16": thumbnail(16), "perceptual hash": perceptual_hash}


def candidates(picture: Picture) -> Iterator[Picture]:
    """What somebody who looks it up would try: mirrored, and cropped in the middle."""
    height, width = picture.shape[:2]
    for side in (picture, picture[:, ::-1]):
        for share in (1, 0.9, 0.8):
            top, left = int(height * (1 - share) / 2), int(width * (1 - share) / 2)
            yield np.ascontiguousarray(side[top : height - top, left : width - left])


def look_up(handed_out: list[Picture], known: list[Picture], code: Code) -> int:
    """How many are nearest to where they are from."""
    codes = np.stack([np.stack([code(each) for each in candidates(picture)]) for picture in known])
    nearest = [int((codes @ code(picture)).max(axis=1).argmax()) for picture in handed_out]
    return sum(place == found for place, found in enumerate(nearest))


@pytest.fixture(scope="module")
def public(shared: Path) -> list[Picture]:
    """60 photographs of COCO, and more than a thousand others among which they are looked for."""
    data = shared / "data"
    folders = (data / "coco128", data / "coco_mini", data / "imagenet_samples_256")
    paths = [path for folder in folders for path in sorted([*folder.rglob("*.jpg"), *folder.rglob("*.JPEG")])]
    assert len(paths) > 1_000
    small = [cv2.resize(cv2.imread(str(path)), (160, 120), interpolation=cv2.INTER_AREA) for path in paths]
    return [np.asarray(picture[:, :, ::-1], np.uint8) for picture in small]


@pytest.mark.parametrize("code", CODES)
def test_public_pictures_are_rarely_found(public: list[Picture], code: str) -> None:
    """All 60 of 60 as they are; changed, a quarter at most, and the more are public the fewer."""
    disguise = Disguise("secret")
    changed = [disguise(picture, str(place)) for place, picture in enumerate(public[:60])]
    assert look_up(public[:60], public, CODES[code]) == 60
    assert look_up(changed, public, CODES[code]) <= 15


def test_nothing_of_a_picture_is_lost() -> None:
    """Colours that are at one corner each are somewhere in what is handed out."""
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]], np.uint8)
    for height, width in ((120, 160), (160, 90)):
        picture = np.zeros((height, width, 3), np.uint8)
        for number, colour in enumerate(colours):
            rows, columns = (slice(0, 8) if end == 0 else slice(-8, None) for end in divmod(number, 2))
            picture[rows, columns] = colour
        for seed in range(20):
            found = Disguise(str(seed))(picture, "x").reshape(-1, 3).astype(int)
            bright, dark = found.max(axis=1) > 40, found.min(axis=1)
            for channel in range(3):
                assert (bright & (found.argmax(axis=1) == channel) & (dark < found.max(axis=1) / 2)).sum() > 15
            assert (bright & (dark > found.max(axis=1) / 3)).sum() > 15


def test_another_secret_or_name_is_another_change() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 50, 3)).astype(np.uint8)
    first = Disguise("a")(picture, "x")
    assert (first == Disguise("a")(picture, "x")).all()
    assert len({Disguise(secret)(picture, name).tobytes() for secret, name in ("ax", "ay", "bx")}) == 3
    assert first.dtype == np.uint8


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 30, 3), (7, 2, 3)])
def test_pictures_of_any_size(shape: tuple[int, int, int]) -> None:
    changed = Disguise("a")(np.full(shape, 90, np.uint8), "x")
    assert changed.ndim == 3
    assert min(changed.shape) >= 1
