"""The shape that a header says is the shape that is decoded, of every kind of file."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

import cnnkit as ck
from cnnkit.data import decode, picture_header
from cnnkit.data.array_images import ArrayReader
from cnnkit.data.decode import decode_bytes, decode_file
from cnnkit.data.image_folder import FileReader, ScalingFileReader
from cnnkit.data.picture_header import bytes_shape, file_reduction, file_shape
from cnnkit.data.tfds_sets import ExampleReader
from cnnkit.errors import ImageFileError

HEIGHT, WIDTH = 40, 60
PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8))
DEEP = np.random.default_rng(1).integers(0, 2**16, (HEIGHT, WIDTH, 3)).astype(np.uint16)


def stored(kind: str, image: Image.Image = PICTURE, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "a description before and after"
    return exif


def by_opencv(ending: str, pixels: np.ndarray) -> bytes:
    done, data = cv2.imencode(ending, pixels)
    assert done
    return data.tobytes()


def with_chunk(png: bytes, kind: bytes, body: bytes, *, before_end: bool = False) -> bytes:
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    place = len(png) - 12 if before_end else 33
    return png[:place] + chunk + png[place:]


TURNED_TIFF = turned(6).tobytes().removeprefix(b"Exif\0\0")
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
FILES = {
    "jpeg": stored("JPEG"),
    "progressive jpeg": stored("JPEG", progressive=True),
    "grey jpeg": stored("JPEG", PICTURE.convert("L")),
    "cmyk jpeg": stored("JPEG", PICTURE.convert("CMYK")),
    "turned cmyk jpeg": stored("JPEG", PICTURE.convert("CMYK"), exif=turned(6)),
    "jpeg turned by xmp": stored("JPEG", xmp=XMP),
    "jpeg with a large profile": stored("JPEG", icc_profile=bytes(200_000)),
    "turned jpeg with a large profile": stored("JPEG", icc_profile=bytes(200_000), exif=turned(8)),
    "jpeg with damaged exif": stored("JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x40"),
    "png": stored("PNG"),
    "palette png": stored("PNG", PICTURE.convert("P")),
    "png with a comment": with_chunk(stored("PNG"), b"tEXt", b"Comment\0a photograph"),
    "png turned": stored("PNG", exif=turned(6)),
    "png turned at its end": with_chunk(stored("PNG"), b"eXIf", TURNED_TIFF, before_end=True),
    "png turned by xmp": with_chunk(stored("PNG"), b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
    "16-bit png": by_opencv(".png", DEEP),
    "16-bit png turned": with_chunk(by_opencv(".png", DEEP), b"eXIf", TURNED_TIFF),
    "16-bit grey png": by_opencv(".png", DEEP[..., 0]),
    "tiff": stored("TIFF"),
    "compressed tiff": stored("TIFF", compression="tiff_lzw"),
    "16-bit tiff": by_opencv(".tiff", DEEP),
    "16-bit grey tiff": stored("TIFF", Image.fromarray(DEEP[..., 0])),
    "floating-point tiff": by_opencv(".tiff", (DEEP / 65535).astype(np.float32)),
    "gif": stored("GIF"),
    "bmp": stored("BMP"),
    "ppm": stored("PPM"),
    "webp": stored("WEBP"),
    "turned webp": stored("WEBP", exif=turned(6)),
    **{f"jpeg turned {number}": stored("JPEG", exif=turned(number)) for number in range(1, 9)},
    **{f"tiff turned {number}": stored("TIFF", tiffinfo={0x0112: number}) for number in range(1, 9)},
}


@pytest.mark.parametrize("name", FILES)
def test_every_file_has_the_shape_that_it_is_decoded_to(name: str, tmp_path: Path) -> None:
    expected = decode_bytes(FILES[name], name).shape[:2]
    assert expected in ((HEIGHT, WIDTH), (WIDTH, HEIGHT))
    file = tmp_path / "file"
    file.write_bytes(FILES[name])
    assert (bytes_shape(FILES[name], name), file_shape(file)) == (expected, expected)


def test_files_are_turned_where_they_say_so() -> None:
    """So that the test above does not compare two that ignore it."""
    assert {bytes_shape(FILES[f"jpeg turned {number}"], "it") for number in range(1, 5)} == {(HEIGHT, WIDTH)}
    for name in ("jpeg turned 5", "jpeg turned 8", "turned jpeg with a large profile", "png turned", "turned webp"):
        assert bytes_shape(FILES[name], name) == (WIDTH, HEIGHT)


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_exif_of_either_byte_order_and_behind_another_segment(orientation: int) -> None:
    for order in ("<", ">"):
        entries = [(0x010F, 3, 1, 7), (0x0112, 3, 1, orientation)]
        body = struct.pack(order + "H", len(entries))
        body += b"".join(struct.pack(order + "HHIHH", *entry, 0) for entry in entries) + bytes(4)
        tiff = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8) + body
        data = stored("JPEG", exif=b"Exif\0\0" + tiff, comment=b"a comment")
        assert bytes_shape(data, "it") == decode_bytes(data, "it").shape[:2]
        assert (bytes_shape(data, "it") == (WIDTH, HEIGHT)) == (orientation == 6)


def test_headers_are_not_decoded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(picture_header, "decode_bytes", None)
    monkeypatch.setattr(picture_header, "decode_file", None)
    monkeypatch.setattr(Image.Image, "load", None)
    for name in ("jpeg", "jpeg turned 6", "cmyk jpeg", "png", "16-bit png", "tiff", "gif", "bmp", "webp"):
        file = tmp_path / "file"
        file.write_bytes(FILES[name])
        assert {bytes_shape(FILES[name], name), file_shape(file)} <= {(HEIGHT, WIDTH), (WIDTH, HEIGHT)}


@pytest.mark.parametrize("data", [b"", b"hello, world", b"\xff\xd8\xff\xe0"], ids=["empty", "text", "a jpeg's start"])
def test_what_is_no_picture_is_refused_by_name(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(ImageFileError, match="holiday"):
        bytes_shape(data, "holiday")
    file = tmp_path / "holiday.jpg"
    file.write_bytes(data)
    with pytest.raises(ImageFileError, match="holiday"):
        file_shape(file)
    for ask in (file_shape, lambda path: file_reduction(path, 10)):
        with pytest.raises(ImageFileError, match="missing"):
            ask(tmp_path / "missing.jpg")


def test_heic(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif", reason="pip install '.[heif]'")
    for number in (1, 6):
        file = tmp_path / f"{number}.heic"
        heif.from_pillow(PICTURE).save(file, quality=90, exif=turned(number).tobytes())
        assert file_shape(file) == decode_file(file).shape[:2]


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize(("height", "width"), [(400, 600), (401, 603), (37, 64)])
@pytest.mark.parametrize("least", [10, 50, 99, 101, 250])
def test_the_reduction_is_that_of_the_decode(
    orientation: int, height: int, width: int, least: int, tmp_path: Path
) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(stored("JPEG", PICTURE.resize((width, height)), exif=turned(orientation)))
    reduction = file_reduction(file, least)
    shape = tuple(-(-side // reduction) for side in file_shape(file))
    assert decode_file(file, least=least).shape[:2] == shape


def test_only_jpegs_are_reduced(tmp_path: Path) -> None:
    for name in ("png", "cmyk jpeg"):
        file = tmp_path / "file"
        file.write_bytes(FILES[name])
        assert file_reduction(file, 5) == 1
        assert decode_file(file, least=5).shape[:2] == file_shape(file) == (HEIGHT, WIDTH)


class Records(list[bytes]):
    """Serialized examples in memory."""


def test_every_reader_tells_the_shape_of_what_it_reads(tmp_path: Path) -> None:
    from tensorflow.core.example import example_pb2

    names = ("jpeg turned 6", "png", "webp")
    for name in names:
        (tmp_path / name).write_bytes(FILES[name])
    tall = np.zeros((9, 5, 3), np.uint8)
    records = Records()
    for name in names:
        example = example_pb2.Example()
        example.features.feature["image"].bytes_list.value.append(FILES[name])
        records.append(example.SerializeToString())
    pictures = [tmp_path / names[0], tall, np.zeros((4, 6)), Image.open(tmp_path / names[1])]
    readers = [
        (FileReader(tmp_path, names), 3),
        (ScalingFileReader(tmp_path, names), 3),
        (ExampleReader(records, "image", "set"), 3),
        (ArrayReader(np.zeros((2, 4, 7))), 2),
        (ArrayReader([tall, tall[:3]]), 2),
        (ck.data.as_source(pictures).reader, 4),
        (ck.data.scenes(4, size=48).train.reader, 2),
        (ck.data.faces(2, 3, size=40).train.reader, 2),
    ]
    for reader, count in readers:
        shapes = [reader.shape(position) for position in range(count)]  # type: ignore[attr-defined]  # not in Reader yet
        assert shapes == [reader.read(position).shape[:2] for position in range(count)]
        assert all(type(side) is int for shape in shapes for side in shape)
    assert ScalingFileReader(tmp_path, names).reduction(0, 20) == 2
    assert decode.reduction_of(HEIGHT, WIDTH, 20) == 2
