"""A corpus of masks that are none: whatever is wrong with one, an error of `ck.data.masks` or of reading names it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import cnnkit as ck
from cnnkit.errors import DataError, ImageFileError

SIZE = (9, 14)
NAMES = ["ground", "cat", "dog"]
COLOURS = {"ground": (0, 0, 0), "cat": (128, 0, 0), "dog": (0, 128, 64)}
GOOD = np.random.default_rng(0).integers(0, 3, SIZE).astype(np.uint8)
RGB = np.array(list(COLOURS.values()), np.uint8)[GOOD]


def png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    """A PNG with any header, true or not."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def image(array: np.ndarray, mode: str | None = None, **options: object) -> Callable[[Path], None]:
    return lambda path: (Image.fromarray(array).convert(mode) if mode else Image.fromarray(array)).save(path, **options)


def content(of: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(of)


def other_format(name: str) -> Callable[[Path], None]:
    """A file of another format behind the suffix .png."""
    return lambda path: Image.fromarray(GOOD).convert("RGB").save(path, format=name)


def whole(path: Path) -> bytes:
    noise = np.random.default_rng(1).integers(0, 3, SIZE).astype(np.uint8)
    Image.fromarray(noise).save(path)
    return path.read_bytes()


def cut(path: Path) -> None:
    path.write_bytes(whole(path)[:-30])


def flipped_bit(path: Path) -> None:
    """One bit of the pixels, which the checksum tells."""
    data = bytearray(whole(path))
    data[data.index(b"IDAT") + 9] ^= 4
    path.write_bytes(data)


def pages(path: Path) -> None:
    first, second = Image.fromarray(GOOD), Image.fromarray(2 - GOOD)
    first.save(path, format="TIFF", save_all=True, append_images=[second])


def frames(path: Path) -> None:
    first, second = Image.fromarray(GOOD), Image.fromarray(2 - GOOD)
    first.save(path, format="PNG", save_all=True, append_images=[second])


def transparent_index(path: Path) -> None:
    picture = Image.fromarray(GOOD)
    picture.putpalette(np.array(list(COLOURS.values()), np.uint8).tobytes())
    picture.save(path, transparency=1)


def folder(path: Path) -> None:
    path.mkdir()


def twice(path: Path) -> None:
    Image.fromarray(GOOD).save(path)
    Image.fromarray(GOOD).save(path.with_suffix(".bmp"))


def alone(path: Path) -> None:
    Image.fromarray(GOOD).save(path)
    Image.fromarray(GOOD).save(path.with_name("c.png"))


# What is wrong → how the file comes about, the classes, and what an error says beside its name.
Bad = tuple[Callable[[Path], object], object, str]
CORPUS: dict[str, Bad] = {
    "missing": (lambda path: None, NAMES, "a mask in .* for every picture"),
    "a mask without a picture": (alone, NAMES, "a picture in .* for every mask"),
    "two of one name": (twice, NAMES, "one file called b"),
    "a folder": (folder, NAMES, "a mask in .* for every picture"),
    "a link to nothing": (lambda path: path.symlink_to("nowhere.png"), NAMES, "No such file"),
    "smaller than its picture": (image(GOOD[:-1]), NAMES, "height 9 and width 14"),
    "turned": (image(GOOD.T), NAMES, "height 9 and width 14"),
    "no pixels": (content(png(0, 0, 8, 0, b"")), NAMES, "Received"),
    "a header that promises a gigapixel": (content(png(60_000, 60_000, 8, 0, b"")), NAMES, "Received"),
    "an unknown number": (image(GOOD + np.uint8(1)), NAMES, "3 at column"),
    "an unknown index": (image(GOOD + np.uint8(1), "P"), NAMES, "3 at column"),
    "an unknown colour": (image(RGB + np.uint8(1)), COLOURS, "at column"),
    "an unknown colour of a palette": (image(GOOD, "P"), COLOURS, r"\(2, 2, 2\) at column"),
    "colours for numbers": (image(RGB), NAMES, "colours: "),
    "16 bits": (image(GOOD.astype(np.uint16)), NAMES, "16 bits"),
    "16 bits of colours": (content(bytes(cv2.imencode(".png", RGB.astype(np.uint16))[1])), COLOURS, "16 bits"),
    "32 bits": (image(GOOD.astype(np.int32), None, format="TIFF"), NAMES, "mode I"),
    "float": (image(GOOD.astype(np.float32), None, format="TIFF"), NAMES, "mode F"),
    "alpha": (image(np.dstack([RGB, np.full(SIZE, 120, np.uint8)])), COLOURS, "transparent"),
    "grey and alpha": (image(np.dstack([GOOD, np.full(SIZE, 120, np.uint8)])), NAMES, "transparent"),
    "CMYK": (image(np.dstack([RGB, GOOD]), "CMYK", format="TIFF"), COLOURS, "mode CMYK"),
    "a JPEG": (other_format("JPEG"), COLOURS, "JPEG does not keep"),
    "a WebP": (other_format("WEBP"), COLOURS, "WEBP does not keep"),
    "a GIF": (other_format("GIF"), COLOURS, "GIF does not keep"),
    "several pages": (pages, NAMES, "2 pictures"),
    "an animation": (frames, NAMES, "2 pictures"),
    "empty": (content(b""), NAMES, "cannot identify"),
    "text": (content(b"road, car"), NAMES, "cannot identify"),
    "the beginning of a PNG": (content(b"\x89PNG\r\n\x1a\n"), NAMES, "Replace the file"),
    "cut": (cut, NAMES, "Replace the file"),
    "a flipped bit": (flipped_bit, NAMES, "Replace the file"),
}


@pytest.mark.parametrize("kind", CORPUS)
def test_each_error_names_the_file(kind: str, tmp_path: Path) -> None:
    make, classes, words = CORPUS[kind]
    (tmp_path / "i").mkdir(), (tmp_path / "m").mkdir()
    for name in "ab":
        Image.fromarray(np.zeros((*SIZE, 3), np.uint8)).save(tmp_path / "i" / f"{name}.jpg")
    good = GOOD if isinstance(classes, list) else RGB
    Image.fromarray(good).save(tmp_path / "m" / "a.png")
    make(tmp_path / "m" / "b.png")
    with pytest.raises((DataError, ImageFileError), match=words) as caught:
        ck.data.masks(tmp_path / "i", tmp_path / "m", classes, split=(1, 0, 0)).train.targets.pixels()  # type: ignore[arg-type, union-attr]
    file = {"a mask without a picture": "m/c.png", "missing": "i/b.jpg", "a folder": "i/b.jpg"}.get(kind, "b.png")
    assert file in str(caught.value)


@pytest.mark.parametrize("kind", ["numbers", "colours", "transparency that is not used"])
def test_what_the_corpus_is_made_from_is_fine(kind: str, tmp_path: Path) -> None:
    (tmp_path / "i").mkdir(), (tmp_path / "m").mkdir()
    Image.fromarray(np.zeros((*SIZE, 3), np.uint8)).save(tmp_path / "i" / "a.jpg")
    if kind == "transparency that is not used":
        transparent_index(tmp_path / "m" / "a.png")
    else:
        Image.fromarray(GOOD if kind == "numbers" else RGB).save(tmp_path / "m" / "a.png")
    classes = COLOURS if kind == "colours" else NAMES
    truth = ck.data.masks(tmp_path / "i", tmp_path / "m", classes, split=(1, 0, 0)).train.targets
    assert (truth.mask(0) == GOOD).all()  # type: ignore[union-attr]


@pytest.mark.parametrize("empty", ["i", "m"])
def test_an_empty_folder_is_named(empty: str, tmp_path: Path) -> None:
    (tmp_path / "i").mkdir(), (tmp_path / "m").mkdir()
    Image.fromarray(np.zeros((*SIZE, 3), np.uint8)).save(tmp_path / ("m" if empty == "i" else "i") / "a.png")
    with pytest.raises(DataError, match=f"{tmp_path.name}/{empty}"):
        ck.data.masks(tmp_path / "i", tmp_path / "m", NAMES)
