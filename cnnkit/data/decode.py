"""From the bytes of a file to a picture: RGB, uint8, (height, width, 3), upright.

Read right, and not only the common case: CMYK and YCCK, grey, palettes, alpha (over white), EXIF rotation, more than 8
bits a channel and floating-point numbers (scaled, never clipped: `deep_pictures`), the first frame of an animation and
the first page of a TIFF, HEIC with the extra `cnnkit[heif]`, JPEGs with something behind their end. Colour profiles are
not applied, as in the pictures that the ImageNet weights were trained on.

simplejpeg decodes RGB and grey JPEGs: the pixels are Pillow's, bit for bit, and threads do not wait for each other. By
choice it decodes them smaller, in about three quarters of the time: framed pictures then differ by 2 to 5 of 255 on
average, by up to 25 where a picture is full of fine detail. A JPEG that may have to be turned is left to OpenCV.

Everything else goes through Pillow. Both refuse a truncated file. A JPEG whose scan was damaged but whose end is
there cannot be told from a good one: libjpeg draws something, writes a line to stderr, and that is the picture.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, cast

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from cnnkit.data.arguments import path_of, said
from cnnkit.data.deep_pictures import float_tiff, shallow
from cnnkit.data.jpeg_markers import EXIF, is_finished, jpeg_frame
from cnnkit.errors import ImageFileError, InputError, MissingExtraError, missing_extra

# File name endings that promise a picture, and Pillow's names of the formats that are opened, whatever the ending.
EXTENSIONS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".bmp", ".gif", ".webp", ".pgm", ".ppm", ".pbm"}
    | {".tif", ".tiff", ".heic", ".heif"}
)
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "PPM", "TIFF")
# Brands of HEIF files whose pictures are HEVC, as telephones write them.
HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")

# Pixels of a JPEG above which Pillow is asked, which warns of pictures that would fill the memory.
LARGEST = 89_478_485
# Bytes of a JPEG that hold its frame header, unless its EXIF data or its colour profile are unusually long.
HEADER = 1 << 17
# What a scaled decode divides both sides by, and OpenCV's bit for it.
REDUCTIONS = {
    1: 0,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}


def decode_file(path: str | Path, *, least: int | None = None) -> NDArray[np.uint8]:
    """The picture in a file.

    Args:
        path: The file.
        least: As for `decode_bytes`.

    Returns:
        (height, width, 3), RGB, uint8, upright.

    Raises:
        ImageFileError: The file is missing, empty, truncated or no picture; the message names it.
    """
    try:
        data = path_of(path, "a picture").read_bytes()
    except OSError as error:
        raise refused(str(path), error.strerror or str(error)) from error
    return decode_bytes(data, str(path), least=least)


def decode_bytes(data: bytes, name: str, *, least: int | None = None) -> NDArray[np.uint8]:
    """The picture in the bytes of a file.

    Args:
        data: The whole file.
        name: What an error calls it.
        least: Pixels of the short side that are enough. A JPEG at least twice as large is decoded at 1/2, 1/4 or 1/8 of
            its size: faster, with other pixels.

    Returns:
        (height, width, 3), RGB, uint8, upright.

    Raises:
        ImageFileError: The bytes are empty, truncated or no picture; the message holds `name`.
    """
    if not isinstance(data, bytes | bytearray | memoryview):
        raise InputError("the bytes of a file", said(data), "ck.data.decode_file reads a file, as_source anything.")
    if not (data := bytes(data)):
        raise refused(name, "an empty file (0 bytes)")
    # Damaged files make decoders raise anything, from SyntaxError to struct.error: all of it means "refused".
    try:
        if (pixels := jpeg_pixels(data, least=least)) is not None:
            return pixels
        if is_heif(data):
            return np.array(over_white(ImageOps.exif_transpose(heif_reader(name).open_heif(BytesIO(data)).to_pillow())))
        return _by_pillow(data)
    except MissingExtraError:
        raise
    except Exception as error:
        raise refused(name, reason_of(error, data)) from error


def jpeg_pixels(data: bytes, *, least: int | None = None, upright: bool = True) -> NDArray[np.uint8] | None:
    """The picture (h, w, 3) of a whole RGB or grey JPEG; None for anything else.

    Args:
        data: The whole file.
        least: As for `decode_bytes`.
        upright: Whether the EXIF rotation is applied.
    """
    height, width, components = jpeg_frame(data)
    if components not in (1, 3) or not 0 < height * width <= LARGEST or not is_finished(data):
        return None
    reduction = reduction_of(height, width, least)
    if upright and EXIF in data:
        buffer = np.frombuffer(data, np.uint8)
        return cast("NDArray[np.uint8] | None", cv2.imdecode(buffer, cv2.IMREAD_COLOR_RGB | REDUCTIONS[reduction]))
    try:
        # A fifth faster than OpenCV; what it decodes at 1/n of the size is rounded up.
        pixels = simplejpeg.decode_jpeg(
            data, min_height=-(-height // reduction), min_width=-(-width // reduction), min_factor=1, strict=False
        )
    except ValueError:  # Pillow has the last word
        return None
    return cast("NDArray[np.uint8]", pixels)


def reduction_of(height: int, width: int, least: int | None) -> int:
    """What a scaled decode divides both sides of a JPEG by, rounded up: 1, 2, 4 or 8.

    >>> reduction_of(3000, 4000, 256)  # 375 × 500 are enough
    8
    """
    short = min(height, width)
    return max(factor for factor in REDUCTIONS if factor * (least or short) <= short or factor == 1)


def _by_pillow(data: bytes) -> NDArray[np.uint8]:
    try:
        opened = Image.open(BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        if (image := float_tiff(data, LARGEST)) is None:
            raise
        return np.array(over_white(image))
    with opened as image:
        return _decoded_by_pillow(image, data)


def check_header(path: str | Path) -> int:
    """Reads the first bytes of a file, enough to know that it begins as a picture.

    Returns:
        How many pages it has if it is a TIFF, of which the first is read; otherwise 1.

    Raises:
        ImageFileError: The file is missing, empty or begins as something else; the message names it.
        MissingExtraError: It is HEIC, and pillow-heif is not installed.
    """
    check_name(str(path))
    head = b""
    try:
        with Path(path).open("rb") as file:
            head = file.read(32)
            if not head:
                raise refused(str(path), "an empty file (0 bytes)")
            if is_heif(head):
                heif_reader(str(path))
                return 1
            file.seek(0)
            if head.startswith(b"\xff\xd8") and jpeg_frame(file.read(HEADER)) != (0, 0, 0):
                return 1  # Pillow would warn of each second picture that it finds damaged
            file.seek(0)
            return _pages(file)
    except (ImageFileError, MissingExtraError):
        raise
    except Exception as error:  # as in `decode_bytes`: decoders raise anything
        raise refused(str(path), reason_of(error, head)) from error


def check_name(name: str) -> None:
    """Refuses the name of a file that no table can hold.

    Raises:
        ImageFileError: It is not UTF-8; Python shows such bytes as surrogates.
    """
    if any("\ud800" <= letter <= "\udfff" for letter in name):
        raise ImageFileError("file names in UTF-8", ascii(name), "Rename it, for example with convmv.")


def _pages(file: BinaryIO) -> int:
    try:
        with Image.open(file, formats=FORMATS) as image:
            return getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
    except UnidentifiedImageError:
        file.seek(0)
        if float_tiff(file.read(), LARGEST) is None:
            raise
        return 1


def picture_of(image: Image.Image) -> NDArray[np.uint8]:
    """The pixels of a Pillow image as `decode_file` gives those of a file: (height, width, 3), RGB, uint8, upright.

    Raises:
        ImageFileError: An image that is read when it is asked for, from a file that is truncated.
    """
    try:
        return _decoded_by_pillow(image, b"")
    except Exception as error:  # as in `decode_bytes`: decoders raise anything
        raise refused(str(getattr(image, "filename", "") or "a Pillow image"), reason_of(error, b"")) from error


def over_white(image: Image.Image) -> Image.Image:
    """An image in RGB; what is transparent lies over white."""
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return image.convert("RGB")


def _decoded_by_pillow(image: Image.Image, data: bytes) -> NDArray[np.uint8]:
    """The pixels of an image; `data` is its file, empty where there is none."""
    return np.array(over_white(ImageOps.exif_transpose(_eight_bits(image, data))))


def _eight_bits(image: Image.Image, data: bytes) -> Image.Image:
    """The image itself, or a copy of 8 bits a channel of one that has more."""
    if data and image.format in ("JPEG", "MPO") and not is_finished(data):
        raise ValueError("a truncated jpeg")
    image.load()  # raises for a truncated file
    return shallow(image, data)


def heif_reader(name: str) -> Any:
    """The package that opens HEIC pictures.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import pillow_heif
    except ImportError as error:
        raise missing_extra("pillow-heif", "heif", f"the HEIC picture {name}") from error
    return pillow_heif


def is_heif(data: bytes) -> bool:
    """Whether bytes begin as a HEIC file (ISO/IEC 23008-12, 10.2): a file type box of one of its brands."""
    return data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS


def reason_of(error: Exception, data: bytes) -> str:
    """What a decoder complained of; of what it does not know, how the bytes begin."""
    if isinstance(error, UnidentifiedImageError):
        return f"something else, beginning with {data[:16]!r}"
    return str(error) or type(error).__name__


def refused(name: str, reason: str) -> ImageFileError:
    """The error for a file that is no whole picture: its name, and what is wrong with it."""
    return ImageFileError(
        f"a whole picture (jpeg, png, bmp, gif, webp, ppm, tiff, heic) in {name}",
        reason,
        "Replace or remove the file, or skip such files with on_error='skip'.",
    )
