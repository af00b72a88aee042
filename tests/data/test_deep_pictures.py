"""Pictures of more than 8 bits: what is white is what the file says, or what its brightest pixel says."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from cnnkit.data.decode import decode_bytes
from cnnkit.data.value_range import eight_bits, levels_of
from cnnkit.errors import DataError, ImageFileError

RNG = np.random.default_rng(0)
SHARES = RNG.random((20, 30, 3))  # of white
SHARES[0, 0] = 1.0


def deep(bits: int) -> np.ndarray:
    return np.rint(SHARES * (2**bits - 1)).astype(np.uint16)


def by_opencv(ending: str, pixels: np.ndarray) -> bytes:
    order = pixels if pixels.ndim == 2 else pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]
    done, data = cv2.imencode(ending, order)
    assert done
    return data.tobytes()


def by_pillow(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def with_significant_bits(png: bytes, bits: bytes) -> bytes:
    chunk = struct.pack(">I", len(bits)) + b"sBIT" + bits + struct.pack(">I", zlib.crc32(b"sBIT" + bits))
    return png[:33] + chunk + png[33:]


def off(picture: np.ndarray, shares: np.ndarray) -> float:
    """The largest distance from the shares of white, in levels of 255."""
    return float(np.abs(picture - 255 * (shares if shares.ndim == 3 else shares[..., None])).max())


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("ending", [".png", ".tiff"])
def test_the_brightest_pixel_says_how_many_bits_are_used(bits: int, ending: str) -> None:
    for shares, pixels in ((SHARES, deep(bits)), (SHARES[..., 0], deep(bits)[..., 0])):
        picture = decode_bytes(by_opencv(ending, pixels), "it")
        assert off(picture, shares) <= 0.5 + 255 / 2 ** (bits + 1)
        assert picture.max() == 255


def test_a_dark_picture_of_12_bits_stays_dark_where_the_file_says_12() -> None:
    dark = np.rint(SHARES * 500).astype(np.uint16)
    expected = dark / 4095
    assert off(decode_bytes(with_significant_bits(by_opencv(".png", dark), b"\x0c" * 3), "it"), expected) <= 0.5
    grey = with_significant_bits(by_opencv(".png", dark[..., 0]), b"\x0c")
    assert off(decode_bytes(grey, "it"), expected[..., 0]) <= 0.5
    tiff = by_pillow(Image.fromarray(dark[..., 0]), "TIFF", tiffinfo={281: 4095})
    assert off(decode_bytes(tiff, "it"), expected[..., 0]) <= 0.5
    plain = decode_bytes(by_opencv(".png", dark), "it")
    assert off(plain, dark / 1023) <= 1.5  # where nothing says so, 500 of 1023


def test_a_file_that_says_less_than_a_pixel_has_is_not_believed() -> None:
    """The PNG standard asks for values scaled to all 16 bits, and names in sBIT how many were there before."""
    png = with_significant_bits(by_opencv(".png", deep(16)), b"\x0c" * 3)
    assert off(decode_bytes(png, "it"), SHARES) <= 0.51


@pytest.mark.parametrize("alpha", [4095, 65535])
def test_12_bits_with_alpha(alpha: int) -> None:
    colours = np.dstack([deep(12), np.full((20, 30), alpha, np.uint16)])
    assert off(decode_bytes(by_opencv(".png", colours), "it"), SHARES) <= 0.6


def test_a_pgm_says_its_white() -> None:
    grey = (deep(12)[..., 0] // 8).astype(">u2")
    data = b"P5\n30 20\n4095\n" + grey.tobytes()
    assert off(decode_bytes(data, "it"), grey / 4095) <= 0.51


def test_floating_point_tiffs() -> None:
    for scale in (1, 255):
        for shares in (SHARES, SHARES[..., 0]):
            data = by_opencv(".tiff", (shares * scale).astype(np.float32))
            assert off(decode_bytes(data, "it"), shares) <= 0.51
    bright = decode_bytes(by_opencv(".tiff", (SHARES * 1.2).astype(np.float32)), "it")
    assert off(bright, np.minimum(SHARES * 1.2, 1)) <= 0.51  # highlights above 1, white for an 8-bit picture
    with pytest.raises(ImageFileError, match="from 0 to 1 or from 0 to 255"):
        decode_bytes(by_opencv(".tiff", (SHARES * 9000).astype(np.float32)), "it")
    with pytest.raises(ImageFileError):
        decode_bytes(by_opencv(".tiff", (SHARES - 0.5).astype(np.float32)), "it")


PICTURE = np.rint(SHARES * 255).astype(np.uint8)
GREY = PICTURE[..., 0]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.fromarray(PICTURE), PICTURE),
        (Image.fromarray(GREY), GREY),
        (Image.fromarray(GREY > 100), (GREY > 100) * 255),
        (Image.fromarray(PICTURE).convert("CMYK"), PICTURE),
        (Image.fromarray(np.dstack([PICTURE, np.full_like(GREY, 255)])), PICTURE),
        (Image.fromarray(GREY).convert("P"), GREY),
        (Image.fromarray(GREY.astype(np.int32) * 2**16), GREY / 255 * (255 / 255.996)),
    ],
    ids=["RGB", "grey", "1 bit", "CMYK", "RGBA", "palette", "32 bits"],
)
def test_tiffs(image: Image.Image, expected: np.ndarray) -> None:
    expected = expected * 255 if expected.max() <= 1 else expected
    picture = decode_bytes(by_pillow(image, "TIFF"), "it")
    assert np.abs(picture - (expected if expected.ndim == 3 else expected[..., None])).max() <= 1


def test_a_turned_tiff_is_upright() -> None:
    for pixels in (GREY, deep(12)[..., 0], deep(12), PICTURE):
        upright = decode_bytes(by_opencv(".tiff", np.rot90(pixels, -1)), "it")
        if pixels.ndim == 2:  # Pillow writes no 16 bits of colour
            turned = by_pillow(Image.fromarray(pixels), "TIFF", tiffinfo={274: 6})
            assert (decode_bytes(turned, "it") == upright).all()


def test_the_first_page_of_a_tiff_and_a_truncated_one() -> None:
    pages = [Image.fromarray(PICTURE), Image.fromarray(255 - PICTURE)]
    data = by_pillow(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert (decode_bytes(data, "it") == PICTURE).all()
    with pytest.raises(ImageFileError):
        decode_bytes(by_opencv(".tiff", deep(12))[:400], "it")


@pytest.mark.parametrize("channels", [5, 7])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_tiff_of_other_channels_is_refused(channels: int, bits: int) -> None:
    """Bands of a satellite: nobody says which are red, green and blue. TIFF 6.0, section 2, by hand."""
    pixels = bytes(channels * bits // 8)
    entries = [(256, 3, 1), (257, 3, 1), (258, 3, bits), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, channels)]
    entries += [(278, 3, 1), (279, 4, len(pixels))]
    start = 8 + len(pixels) + len(pixels) % 2
    fields = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    directory = struct.pack("<H", len(entries)) + fields + struct.pack("<I", 0)
    data = b"II*\0" + struct.pack("<I", start) + pixels + bytes(len(pixels) % 2) + directory
    with pytest.raises(ImageFileError, match="it"):
        decode_bytes(data, "it")


def test_negative_numbers_are_refused() -> None:
    with pytest.raises(DataError, match="unsigned"):
        eight_bits(np.array([[-5, 7]]))
    with pytest.raises(DataError, match="NaN"):
        levels_of(np.array([[np.nan, 7]]))
