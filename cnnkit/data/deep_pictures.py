"""Pictures of more than 8 bits a channel, or of floating-point numbers, as 8 bits: scaled, never cut off.

What is white is what the file says: PNG's sBIT, TIFF's BitsPerSample and MaxSampleValue, the largest value of a PGM.
Where it says nothing, the brightest pixel decides, as `eight_bits` and `levels_of` describe.
"""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2, TiffImageFile

from cnnkit.data.value_range import eight_bits, levels_of

# TIFF 6.0, section 8 and 19: tags by number.
WIDTH, HEIGHT, BITS_PER_SAMPLE, MAX_SAMPLE_VALUE, FLOAT_MAX_SAMPLE_VALUE = 256, 257, 258, 281, 341
TIFF_BEGINNINGS = (b"II*\0", b"MM\0*")


def shallow(image: Image.Image, data: bytes) -> Image.Image:
    """A loaded image as it is, or a copy of 8 bits a channel of one that has more.

    Args:
        image: By Pillow, upright if it is a TIFF.
        data: Its file; empty where there is none.
    """
    if image.mode == "F":
        return Image.fromarray(levels_of(np.asarray(image), _float_white(image)))
    # Pillow keeps 16 bits of grey only; of 16-bit colour it drops the low byte, so OpenCV reads that.
    deep = data and (_tags(image, BITS_PER_SAMPLE) > 8 if image.format == "TIFF" else data[24:25] == b"\x10")
    if image.mode.startswith("I") and image.format != "PNG":
        wide = np.asarray(image)
    elif deep and image.format in ("PNG", "TIFF") and image.mode != "CMYK":
        wide = _by_opencv(data)
    elif image.mode.startswith("I"):
        wide = np.asarray(image)
    else:
        return image
    made = Image.fromarray(_channels(wide, _white(image, data)))
    if "exif" in image.info:
        made.info["exif"] = image.info["exif"]
    return made


def float_tiff(data: bytes, most: int) -> Image.Image | None:
    """A TIFF of floating-point colour, which Pillow does not know; None for other bytes.

    Args:
        data: The whole file.
        most: Pixels above which it is refused.
    """
    if not data.startswith(TIFF_BEGINNINGS):
        return None
    file, tags = BytesIO(data), ImageFileDirectory_v2(data[:8])
    file.seek(tags.next)
    tags.load(file)
    if tags[WIDTH] * tags[HEIGHT] > most:
        raise ValueError(f"{tags[WIDTH]} × {tags[HEIGHT]} pixels, which exceeds limit of {most} pixels")
    wide = _by_opencv(data)
    if wide.dtype.kind == "f":
        white = _largest(tags.get(FLOAT_MAX_SAMPLE_VALUE))
        return Image.fromarray(levels_of(np.asarray(wide[..., :3], np.float64), white or None))
    return Image.fromarray(_channels(wide, None))


def _channels(wide: NDArray[Any], white: int | None) -> NDArray[np.uint8]:
    """(h, w) or (h, w, 3 or 4) in 8 bits; alpha is as deep as the colours unless it has a larger value."""
    if wide.ndim == 2 or wide.shape[2] == 3:
        return eight_bits(wide, white)
    alpha = eight_bits(wide[..., 3], white if white is None or int(wide[..., 3].max()) <= white else 65535)
    return np.dstack([eight_bits(wide[..., :3], white), alpha])


def _by_opencv(data: bytes) -> NDArray[Any]:
    """(h, w) or (h, w, 3 or 4), RGB, of a png or tiff with all of its bits."""
    wide = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if wide is None:
        raise ValueError("a damaged picture, or one of a kind that nothing here reads")
    if wide.ndim == 3 and wide.shape[2] not in (3, 4):
        raise ValueError(f"a picture of {wide.shape[2]} channels: grey, RGB or RGB with alpha is expected")
    return np.asarray(wide if wide.ndim == 2 else wide[..., [2, 1, 0, 3][: wide.shape[2]]])


def _white(image: Image.Image, data: bytes) -> int | None:
    """The largest value that the file of an image says its whole numbers have."""
    if image.format == "PPM":
        return 65535  # Pillow scales what the header says to this
    if image.format == "PNG":
        bits = _significant_bits(data)
        return 2**bits - 1 if bits else None
    bits = _tags(image, BITS_PER_SAMPLE)
    return _tags(image, MAX_SAMPLE_VALUE) or (2**bits - 1 if bits not in (0, 16, 32) else None)


def _float_white(image: Image.Image) -> float | None:
    return _tags(image, FLOAT_MAX_SAMPLE_VALUE) or None


def _tags(image: Image.Image, number: int) -> Any:
    """The largest value of a tag of a TIFF; 0 where it is not there."""
    return _largest(image.tag_v2.get(number)) if isinstance(image, TiffImageFile) else 0


def _largest(value: Any) -> Any:
    return max(value, default=0) if isinstance(value, tuple) else value or 0


def _significant_bits(png: bytes) -> int:
    """The most bits that a colour of a png has by its chunk sBIT (PNG, third edition, 11.3.2.7); 0 without one."""
    place = 8
    while place + 8 <= len(png):
        length, kind = struct.unpack_from(">I4s", png, place)
        if kind == b"sBIT":
            values = png[place + 8 : place + 8 + length]
            return max(values[:1] if length <= 2 else values[:3], default=0)
        if kind == b"IDAT":
            break
        place += 12 + length
    return 0
