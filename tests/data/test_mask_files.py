"""Masks in files of every kind that holds classes; the others are refused by name."""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from cnnkit.data.mask_files import MaskReader, mask_shape, read_mask
from cnnkit.data.palettes import palette_of
from cnnkit.errors import DataError, ImageFileError

NAMES = ["ground", "cat", "dog"]
COLOURS = {"ground": (0, 0, 0), "cat": (128, 0, 0), "dog": (0, 128, 64)}
CLASSES = np.array([[0, 1, 1, 2], [2, 255, 0, 1], [0, 0, 2, 255]], np.uint8)
COLOUR_OF = {0: (0, 0, 0), 1: (128, 0, 0), 2: (0, 128, 64), 255: (224, 224, 192)}
RGB = np.array([[COLOUR_OF[int(value)] for value in row] for row in CLASSES], np.uint8)


def indexed(path: Path, values: np.ndarray = CLASSES) -> Path:
    image = Image.fromarray(values)
    palette = np.zeros((256, 3), np.uint8)
    for value, colour in COLOUR_OF.items():
        palette[value] = colour
    image.putpalette(palette.ravel().tolist())
    assert image.mode == "P"
    image.save(path)
    return path


def saved(array: np.ndarray, path: Path, mode: str | None = None, **options: Any) -> Path:
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_grey_values_are_classes(tmp_path: Path, suffix: str) -> None:
    path = saved(CLASSES, tmp_path / f"m{suffix}")
    np.testing.assert_array_equal(read_mask(path, palette_of(NAMES, 255)), CLASSES)
    assert mask_shape(path) == (3, 4)


def test_indices_of_a_palette_are_classes(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read_mask(indexed(tmp_path / "m.png"), palette_of(NAMES, 255)), CLASSES)


@pytest.mark.parametrize("void", [(224, 224, 192), [(1, 2, 3), (224, 224, 192)]])
def test_colours_are_classes(tmp_path: Path, void: object) -> None:
    palette = palette_of(COLOURS, void)
    for path in (saved(RGB, tmp_path / "rgb.png"), saved(RGB, tmp_path / "a.png", "RGBA"), indexed(tmp_path / "p.png")):
        np.testing.assert_array_equal(read_mask(path, palette), CLASSES, path.name)


def test_void_may_be_an_index_where_colours_are_classes(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read_mask(indexed(tmp_path / "p.png"), palette_of(COLOURS, 255)), CLASSES)


def test_grey_masks_saved_in_colours(tmp_path: Path) -> None:
    for mode in ("RGB", "RGBA", "LA"):
        path = saved(CLASSES, tmp_path / f"{mode}.png", mode)
        np.testing.assert_array_equal(read_mask(path, palette_of(NAMES, 255)), CLASSES)


def test_grey_colours_in_grey_files(tmp_path: Path) -> None:
    path = saved(np.array([[0, 255], [128, 7]], np.uint8), tmp_path / "m.png")
    palette = palette_of({"dark": (0, 0, 0), "light": (255, 255, 255), "middle": (128, 128, 128)}, 7)
    assert read_mask(path, palette).tolist() == [[0, 1], [2, 255]]


def test_numbers_of_classes_and_of_void(tmp_path: Path) -> None:
    path = saved(np.array([[0, 255], [11, 7]], np.uint8), tmp_path / "m.png")
    assert read_mask(path, palette_of({"no": 0, "yes": 255}, [7, 11])).tolist() == [[0, 1], [255, 255]]
    assert read_mask(path, palette_of({"no": 0, "yes": 255, "seven": 7, "eleven": 11}, None)).tolist() == [
        [0, 1],
        [3, 2],
    ]


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_values_of_few_bits_are_as_they_are_stored(tmp_path: Path, bits: int) -> None:
    values = np.random.default_rng(bits).integers(0, 2**bits, (5, 9)).astype(np.uint8)
    header = np.array([9, 5], ">u4").tobytes() + bytes([bits, 0, 0, 0, 0])
    packed = [
        np.packbits(((row[:, None] >> np.arange(bits - 1, -1, -1)) & 1).astype(np.uint8).ravel()) for row in values
    ]
    path = tmp_path / "m.png"
    path.write_bytes(png_of(header, b"".join(b"\0" + row.tobytes() for row in packed)))
    names = [str(number) for number in range(2**bits)]
    np.testing.assert_array_equal(read_mask(path, palette_of(names, None)), values)


def png_of(header: bytes, rows: bytes) -> bytes:
    """A PNG by hand (W3C PNG, chapter 11)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def test_random_colours_are_those_of_a_slow_look_up(tmp_path: Path) -> None:
    dice = np.random.default_rng(0)
    colours = np.unique(dice.integers(0, 256, (40, 3)), axis=0)[dice.permutation(40)]
    values = dice.integers(0, 40, (30, 20))
    path = saved(colours[values].astype(np.uint8), tmp_path / "m.png")
    palette = palette_of({str(index): tuple(colour) for index, colour in enumerate(colours.tolist())}, None)
    np.testing.assert_array_equal(read_mask(path, palette), values)


def refused(path: Path, words: str, classes: object = NAMES, void: object = 255) -> None:
    with pytest.raises(ImageFileError, match=words) as caught:
        read_mask(path, palette_of(classes, void))
    assert str(path) in str(caught.value)
    with pytest.raises(ImageFileError, match=words):
        mask_shape(path)


def test_files_that_hold_no_classes(tmp_path: Path) -> None:
    refused(saved(CLASSES, tmp_path / "m.jpg"), "JPEG does not keep the values")
    refused(saved(RGB, tmp_path / "m.webp"), "WEBP does not keep the values")
    refused(saved(CLASSES, tmp_path / "m.gif"), "GIF does not keep the values")
    saved(CLASSES, tmp_path / "hidden.jpg").rename(tmp_path / "hidden.png")
    refused(tmp_path / "hidden.png", "a JPEG")
    refused(saved(CLASSES.astype(np.uint16), tmp_path / "deep.png"), "a PNG of 16 bits")
    cv2.imwrite(str(tmp_path / "deep_rgb.png"), RGB.astype(np.uint16) * 257)
    refused(tmp_path / "deep_rgb.png", "a PNG of 16 bits")
    refused(saved(CLASSES.astype(np.uint16), tmp_path / "deep.tif"), "mode I;16")
    refused(saved(CLASSES.astype(np.float32), tmp_path / "float.tif"), "mode F")
    refused(tmp_path / "nowhere.png", "No such file")
    (tmp_path / "empty.png").touch()
    refused(tmp_path / "empty.png", "cannot identify")
    (tmp_path / "short.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    refused(tmp_path / "short.png", "Replace the file")


def test_what_only_decoding_shows(tmp_path: Path) -> None:
    whole = saved(np.random.default_rng(0).integers(0, 3, (50, 50), np.uint8), tmp_path / "m.png").read_bytes()
    (tmp_path / "m.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ImageFileError, match=re.escape(str(tmp_path / "m.png"))):
        read_mask(tmp_path / "m.png", palette_of(NAMES, 255))
    clear = np.dstack([RGB, np.full(CLASSES.shape, 200, np.uint8)])
    with pytest.raises(ImageFileError, match="transparent"):
        read_mask(saved(clear, tmp_path / "clear.png"), palette_of(COLOURS, None))


def unknown(path: Path, classes: object, void: object, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read_mask(path, palette_of(classes, void))
    assert str(path) in str(caught.value)


def test_values_that_are_no_class(tmp_path: Path) -> None:
    grey, rgb, palette = saved(CLASSES, tmp_path / "g.png"), saved(RGB, tmp_path / "c.png"), indexed(tmp_path / "p.png")
    unknown(grey, NAMES, None, "255 at column 1, row 1, 2 such pixels")
    unknown(palette, NAMES, None, "255 at column 1, row 1")
    unknown(grey, ["ground", "cat"], 255, r"\(ground 0, cat 1\).* 2 at column 3, row 0")
    unknown(rgb, COLOURS, None, r"\(224, 224, 192\) at column 1, row 1")
    unknown(palette, COLOURS, None, r"\(224, 224, 192\) at column 1, row 1")
    unknown(grey, COLOURS, 255, r"\(1, 1, 1\) at column 1, row 0")
    unknown(rgb, NAMES, 255, r"colours: \(128, 0, 0\) at column 1, row 0")
    many = [str(number) for number in range(20)]
    unknown(saved(CLASSES + 30, tmp_path / "far.png"), many, None, "7 7, … of 20")


def test_a_digest_is_of_content_and_meaning(tmp_path: Path) -> None:
    saved(CLASSES, tmp_path / "a.png"), saved(CLASSES.T, tmp_path / "b.png")

    def digest(name: str, classes: object, void: object = 255) -> str:
        return MaskReader(tmp_path, (name,), palette_of(classes, void)).digest(0)

    assert digest("a.png", NAMES) == digest("a.png", NAMES)
    others = [digest("b.png", NAMES), digest("a.png", NAMES[::-1]), digest("a.png", NAMES, [255, 9])]
    assert len({digest("a.png", NAMES), *others}) == 4
