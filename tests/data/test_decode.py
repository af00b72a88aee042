"""Pictures of every kind are read right; expected pixels come from Pillow or from the array that was stored."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from cnnkit.data.decode import check_header, decode_bytes, decode_file
from cnnkit.errors import ImageFileError

ROWS, COLUMNS = np.mgrid[0:40, 0:60]
# Smooth, so that lossy formats stay close; no two sides look alike, so that a wrong rotation is seen.
PICTURE = np.stack([ROWS * 6, COLUMNS * 4, 255 - ROWS * 3 - COLUMNS * 2], axis=-1).astype(np.uint8)


def stored(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def decoded(data: bytes) -> np.ndarray:
    picture = decode_bytes(data, "it")
    assert picture.dtype == np.uint8
    assert picture.ndim == 3
    assert picture.shape[2] == 3
    return picture


def difference(one: np.ndarray, other: np.ndarray) -> int:
    return int(np.abs(one.astype(int) - other.astype(int)).max())


@pytest.mark.parametrize("kind", ["PNG", "BMP", "PPM"])
def test_lossless_formats_are_exact(kind: str) -> None:
    assert (decoded(stored(Image.fromarray(PICTURE), kind)) == PICTURE).all()


@pytest.mark.parametrize(
    "options",
    [{}, {"progressive": True}, {"quality": 40, "subsampling": 2}, {"keep_rgb": True}],
    ids=["baseline", "progressive", "subsampled", "stored as RGB"],
)
def test_jpeg_equals_pillow(options: dict[str, Any]) -> None:
    data = stored(Image.fromarray(PICTURE), "JPEG", **options)
    assert (decoded(data) == np.asarray(Image.open(BytesIO(data)))).all()


def test_webp() -> None:
    assert (decoded(stored(Image.fromarray(PICTURE), "WEBP", lossless=True)) == PICTURE).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "PPM"])
def test_grey_becomes_three_equal_channels(kind: str) -> None:
    grey = PICTURE[..., 0]
    picture = decoded(stored(Image.fromarray(grey), kind))
    assert difference(picture, np.repeat(grey[..., None], 3, axis=2)) <= (3 if kind == "JPEG" else 0)


def test_one_bit_png() -> None:
    bits = np.arange(48).reshape(6, 8) % 3 == 0
    assert (decoded(stored(Image.fromarray(bits), "PNG"))[..., 1] == bits * 255).all()


def test_cmyk_jpeg_shows_the_colours_of_the_rgb_original() -> None:
    data = stored(Image.fromarray(PICTURE).convert("CMYK"), "JPEG", quality=95)
    assert Image.open(BytesIO(data)).mode == "CMYK"
    assert difference(decoded(data), PICTURE) <= 12  # four lossy channels


def test_ycck_jpeg_shows_the_colours_of_the_rgb_original() -> None:
    """Photoshop's kind: libjpeg reads R, G, B = 255 − YCC→RGB, K follows, and all four are inverted ink."""
    planes = ImageOps.invert(Image.fromarray(PICTURE)).convert("YCbCr").split()
    inverted = [ImageOps.invert(plane) for plane in planes]  # Pillow inverts again as it writes
    four = Image.merge("CMYK", (*inverted, Image.new("L", planes[0].size, 0)))
    data = stored(four, "JPEG", quality=95, subsampling=0)
    transform = data.index(b"Adobe") + 11  # the last byte of APP14: 0 is CMYK, 2 is YCCK
    assert data[transform] == 0
    assert difference(decoded(data[:transform] + b"\x02" + data[transform + 1 :]), PICTURE) <= 12


def test_alpha_lies_over_white() -> None:
    alpha = np.zeros((2, 2), np.uint8)
    alpha[0] = (255, 128)
    red = np.dstack([np.full((2, 2), 255), np.zeros((2, 2)), np.zeros((2, 2)), alpha]).astype(np.uint8)
    picture = decoded(stored(Image.fromarray(red), "PNG"))
    assert picture.tolist() == [[[255, 0, 0], [255, 127, 127]], [[255, 255, 255], [255, 255, 255]]]


def test_grey_with_alpha() -> None:
    pair = np.dstack([np.full((3, 3), 100), np.full((3, 3), 0)]).astype(np.uint8)
    assert (decoded(stored(Image.fromarray(pair, "LA"), "PNG")) == 255).all()


def test_palette_with_and_without_transparency() -> None:
    paletted = Image.new("P", (4, 1))
    paletted.putpalette([10, 20, 30, 200, 100, 50])
    paletted.putpixel((1, 0), 1)
    assert decoded(stored(paletted, "PNG"))[0, :2].tolist() == [[10, 20, 30], [200, 100, 50]]
    assert decoded(stored(paletted, "PNG", transparency=1))[0, :2].tolist() == [[10, 20, 30], [255, 255, 255]]


def test_transparent_colour_of_an_rgb_png() -> None:
    two = np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)
    data = stored(Image.fromarray(two), "PNG", transparency=(1, 2, 3))
    assert decoded(data).tolist() == [[[255, 255, 255], [4, 5, 6]]]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("kind", "options"), [("JPEG", {"quality": 95}), ("PNG", {}), ("WEBP", {"lossless": True})])
def test_exif_orientation(kind: str, options: dict[str, Any], orientation: int) -> None:
    """Section 4.6.4 of the EXIF standard: row 0 and column 0 of the stored picture are these sides."""
    upright = {
        1: PICTURE,
        2: PICTURE[:, ::-1],
        3: PICTURE[::-1, ::-1],
        4: PICTURE[::-1],
        5: PICTURE.transpose(1, 0, 2),
        6: np.rot90(PICTURE, -1),
        7: PICTURE[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(PICTURE, 1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decoded(stored(Image.fromarray(PICTURE), kind, exif=exif, **options))
    assert picture.shape == upright.shape
    assert difference(picture, upright) <= (8 if kind == "JPEG" else 0)


def png16(pixels: np.ndarray, colour_type: int) -> bytes:
    """A 16-bit png by hand (PNG specification, 5.3): signature, IHDR, IDAT, IEND; filter 0 in each row."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 16, colour_type, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(
    ("channels", "colour_type"), [(1, 0), (3, 2), (2, 4), (4, 6)], ids=["grey", "RGB", "grey+alpha", "RGBA"]
)
def test_16_bit_png_is_scaled_not_clipped(channels: int, colour_type: int) -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (7, 9, channels))
    exact = np.round(deep / 257)
    colour, alpha = (exact[..., :-1], exact[..., -1:] / 255) if channels in (2, 4) else (exact, 1.0)
    over_white = np.broadcast_to(colour * alpha + 255 * (1 - alpha), (7, 9, 3))
    opaque = channels in (1, 3)
    assert np.abs(decoded(png16(deep, colour_type)) - over_white).max() <= (0 if opaque else 1)


def test_16_bit_png_with_a_rotation_and_one_that_is_damaged() -> None:
    deep = np.arange(250, 256).reshape(2, 3, 1) * 257
    exif = Image.Exif()
    exif[0x0112] = 6  # stored on its left side
    body = exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I", len(body)) + b"eXIf" + body + struct.pack(">I", zlib.crc32(b"eXIf" + body))
    data = png16(deep, 0)
    turned = data[:33] + chunk + data[33:]
    assert decoded(turned)[..., 0].tolist() == [[253, 250], [254, 251], [255, 252]]
    with pytest.raises(ImageFileError):
        decode_bytes(data[:50] + b"?" + data[51:], "it")


def test_16_bit_pgm() -> None:
    deep = np.array([[0, 257, 65535]], ">u2")
    assert decoded(b"P5 3 1 65535\n" + deep.tobytes())[0, :, 0].tolist() == [0, 1, 255]


def test_animations_give_their_first_frame() -> None:
    frames = [Image.new("RGB", (5, 5), colour) for colour in ("red", "lime", "blue")]
    for kind, options in (("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {})):
        data = stored(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        assert (decoded(data) == (255, 0, 0)).all(), kind


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "PPM"])
def test_every_truncation_is_refused(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    data = stored(Image.fromarray(noise), kind)
    for share in (0.02, 0.3, 0.6, 0.97):
        with pytest.raises(ImageFileError, match=r"it\. Received"):
            decode_bytes(data[: int(share * len(data))], "it")


@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=["baseline", "progressive"])
def test_a_jpeg_padded_with_zeros_instead_of_its_end_is_refused(options: dict[str, Any]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    data = stored(Image.fromarray(noise), "JPEG", **options)
    with pytest.raises(ImageFileError):
        decode_bytes(data[: len(data) // 2] + bytes(len(data) // 2), "it")


def test_a_thumbnail_does_not_hide_a_truncation() -> None:
    """An end-of-image marker inside EXIF is not the end of the picture."""
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8))
    thumbnail = stored(noise.resize((16, 16)), "JPEG")
    data = stored(noise, "JPEG", comment=thumbnail)
    with pytest.raises(ImageFileError):
        decode_bytes(data[: data.index(thumbnail) + len(thumbnail)], "it")


def test_bytes_after_the_end_do_no_harm() -> None:
    """The film of a motion photo, a maker's trailer, a second picture: they may hold the bytes of any marker."""
    thumbnail = stored(Image.fromarray(PICTURE).resize((16, 16)), "JPEG")
    exif = Image.Exif()
    exif[0x010E] = "a motion photo"
    noise = np.random.default_rng(0).integers(0, 256, 50_000, dtype=np.uint8).tobytes()
    assert b"\xff\xda" in noise
    for options in ({}, {"progressive": True}, {"exif": exif, "comment": thumbnail}):
        data = stored(Image.fromarray(PICTURE), "JPEG", **options)
        for behind in (
            b"a phone's trailer",
            bytes(100),
            b"\0\0\0\x18ftypmp42" + noise,
            data,
            noise + data,
            b"\xff\xda",
        ):
            assert (decoded(data + behind) == decoded(data)).all()
            with pytest.raises(ImageFileError):
                decode_bytes(data[: len(data) - 200] + b"\0\0\0\x18ftypmp42" + bytes(9999), "it")


def test_photographs_with_a_film_behind_them(shared: Path) -> None:
    film = b"\0\0\0\x18ftypmp42" + np.random.default_rng(1).integers(0, 256, 200_000, dtype=np.uint8).tobytes()
    files = sorted((shared / "data/coco128").rglob("*.jpg"))[:40]
    assert files
    for file in files:
        data = file.read_bytes()
        assert (decoded(data + film) == decoded(data)).all()
        with pytest.raises(ImageFileError):
            decode_bytes(data[: len(data) * 2 // 3] + film, file.name)


def test_the_first_picture_of_several_in_an_mpo(tmp_path: Path) -> None:
    file = tmp_path / "pair.mpo"
    both = stored(Image.fromarray(PICTURE), "MPO", save_all=True, append_images=[Image.fromarray(255 - PICTURE)])
    file.write_bytes(both)
    assert difference(decode_file(file), PICTURE) <= 12  # of quality 75; the other is up to 255 away
    assert check_header(file) == 1
    whole = stored(Image.fromarray(PICTURE), "JPEG")
    file.write_bytes(both[: len(whole) // 2])
    with pytest.raises(ImageFileError):
        decode_file(file)


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", "empty file"), (b"hello, world", "hello, world"), (b"%PDF-1.7" + bytes(64), "something else")],
    ids=["empty", "text", "pdf"],
)
def test_what_is_no_picture_is_refused_by_name(data: bytes, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "holiday.png"
    file.write_bytes(data)
    for read in (decode_file, check_header):
        with pytest.raises(ImageFileError, match=r"holiday\.png") as caught:
            read(file)
        assert reason in caught.value.received


@pytest.mark.parametrize(
    ("least", "shape"),
    [
        (None, (40, 60)),
        (21, (40, 60)),
        (20, (20, 30)),
        (10, (10, 15)),
        (6, (10, 15)),
        (5, (5, 8)),  # libjpeg rounds up
        (1, (5, 8)),
        (400, (40, 60)),
    ],
)
def test_a_jpeg_is_decoded_as_small_as_its_short_side_may_be(least: int | None, shape: tuple[int, int]) -> None:
    data = stored(Image.fromarray(PICTURE), "JPEG", quality=95)
    picture = decode_bytes(data, "it", least=least)
    assert picture.shape == (*shape, 3)
    factor = 40 // shape[0]
    blocks = PICTURE[: 40 // factor * factor, : 60 // factor * factor].reshape(40 // factor, factor, -1, factor, 3)
    averages = blocks.mean(axis=(1, 3))
    assert (
        np.abs(picture[:, : averages.shape[1]] - averages).max() <= 8
    )  # lossy, and smooth: about each block's average


def test_a_scaled_jpeg_is_upright_too() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = stored(Image.fromarray(PICTURE), "JPEG", quality=95, exif=exif)
    assert difference(decode_bytes(data, "it", least=20), np.rot90(PICTURE, -1)[::2, ::2]) <= 12


@pytest.mark.parametrize("kind", ["PNG", "BMP"])
def test_what_is_no_jpeg_is_decoded_whole(kind: str) -> None:
    assert (decode_bytes(stored(Image.fromarray(PICTURE), kind), "it", least=5) == PICTURE).all()


def test_a_truncated_jpeg_is_refused_when_scaled_too() -> None:
    data = stored(Image.fromarray(PICTURE), "JPEG")
    with pytest.raises(ImageFileError):
        decode_bytes(data[: len(data) // 2], "it", least=5)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageFileError, match=r"nowhere\.jpg"):
        decode_file(tmp_path / "nowhere.jpg")
    with pytest.raises(ImageFileError, match=r"nowhere\.jpg"):
        check_header(tmp_path / "nowhere.jpg")


def test_the_content_counts_not_the_ending(tmp_path: Path) -> None:
    file = tmp_path / "really_a_png.jpg"
    file.write_bytes(stored(Image.fromarray(PICTURE), "PNG"))
    check_header(file)
    assert (decode_file(file) == PICTURE).all()


@pytest.mark.parametrize(("value", "level"), [(0.5, 128), (1.0, 255), (200.25, 200), (0.0, 0)])
def test_floating_point_pixels_of_0_to_1_and_of_0_to_255(value: float, level: int) -> None:
    assert decoded(b"Pf\n1 1\n-1.0\n" + np.float32([value]).tobytes()).tolist() == [[[level] * 3]]


@pytest.mark.parametrize("value", [-3.0, 256.0, np.nan, np.inf])
def test_other_floating_point_pixels_are_refused(value: float) -> None:
    with pytest.raises(ImageFileError):
        decode_bytes(b"Pf\n1 1\n-1.0\n" + np.float32([value]).tobytes(), "it")


def test_a_picture_that_would_fill_the_memory_is_refused() -> None:
    """A png of a few hundred bytes may declare billions of pixels."""
    header = png16(np.zeros((1, 1, 3)), 2)
    wide = header[:16] + struct.pack(">II", 60_000, 60_000) + header[24:29]
    with pytest.raises(ImageFileError, match="exceeds limit"):
        decode_bytes(wide + struct.pack(">I", zlib.crc32(wide[12:29])) + header[33:], "it")
