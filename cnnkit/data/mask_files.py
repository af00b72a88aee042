"""Masks in files: one number or colour per pixel, as it is stored. Read when asked for, by any number of threads.

Numbers: grey or indexed PNG, BMP and TIFF of 1 to 8 bits (values as they are stored: a pixel of 1 bit is 0 or 1).
Colours: RGB of 8 bits; a palette's colours where colours stand for the classes. Nothing is rotated by EXIF. A file that
cannot hold classes is refused by its name: JPEG and WebP change values, GIF numbers them anew, 16 bits are no class.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnnkit.data.palettes import UNKNOWN, Palette, Value, colour_of
from cnnkit.errors import CnnkitError, DataError, ImageFileError

# Pillow's names of the formats that keep every value.
FORMATS = ("PNG", "BMP", "TIFF")
PNG_BEGINNING = b"\x89PNG\r\n\x1a\n"
# Where the header of a PNG says how many bits a value has; behind it the type of its colours.
PNG_DEPTH, PNG_GREY, DEEP = 24, 0, 16
# Pillow's modes of at most 8 bits a channel.
NUMBERS, COLOURS = ("1", "L", "P"), ("RGB", "RGBA", "LA")
# Classes that an error names.
SHOWN = 8

# A colour as one number, as of `palettes.code_of`: red, green and blue times these; a grey value times GREY.
CODES = np.array([1, 1 << 8, 1 << 16], np.uint32)
GREY = 0x010101
GREYS = np.arange(256, dtype=np.uint32) * np.uint32(GREY)


@dataclass(frozen=True, eq=False)
class RawMask:
    """What a mask file holds: numbers or colours.

    Attributes:
        numbers: (h, w); None where the file holds colours.
        codes: Colours (h, w) as of `palettes.code_of` where the file holds them; otherwise (k,) those of the numbers.
    """

    numbers: NDArray[np.uint8] | None
    codes: NDArray[np.uint32]


@dataclass(frozen=True, eq=False)
class MaskReader:
    """Masks in files below a folder; a position is an index in `paths`."""

    root: Path
    paths: tuple[str, ...]
    palette: Palette

    def read(self, position: int) -> NDArray[np.uint8]:
        """(h, w) class indices, 255 for void.

        Raises:
            ImageFileError: A file that is no mask.
            DataError: A value that is no class.
        """
        return read_mask(self.root / self.paths[position], self.palette)

    def digest(self, position: int) -> str:
        """The sha256 of the file and of what its values mean."""
        with (self.root / self.paths[position]).open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        return hashlib.sha256(f"{content} {self.palette.digest()}".encode()).hexdigest()


def read_mask(path: Path, palette: Palette) -> NDArray[np.uint8]:
    """The mask in a file.

    Returns:
        (h, w) class indices, 255 for void.

    Raises:
        ImageFileError: The file is missing, damaged, or of a kind that holds no classes.
        DataError: A value that is neither a class nor void.
    """
    raw = raw_mask(path)
    if raw.numbers is None and palette.coloured:
        labels, known_colours = palette.of_colours(raw.codes)
        if known_colours is not None:
            raise _unknown(path, palette, known_colours, colour_of(int(raw.codes[~known_colours][0])))
        return labels
    numbers = _greys(path, raw.codes) if raw.numbers is None else raw.numbers
    table = palette.of_numbers(raw.codes)
    if (table == UNKNOWN).any():
        known = cv2.LUT(numbers, (table != UNKNOWN).astype(np.uint8)) > 0
        if not known.all():
            number = int(numbers[~known][0])
            shown = palette.coloured and number < len(raw.codes)
            raise _unknown(path, palette, known, colour_of(int(raw.codes[number])) if shown else number)
    return np.asarray(cv2.LUT(numbers, table.astype(np.uint8)), np.uint8)


def mask_shape(path: Path) -> tuple[int, int]:
    """Height and width of the mask in a file, from its header.

    Raises:
        ImageFileError: The file is missing, or of a kind that holds no classes.
    """
    with _opened(path) as (image, _):
        return image.height, image.width


def raw_mask(path: Path) -> RawMask:
    """What a mask file holds.

    Raises:
        ImageFileError: The file is missing, damaged, or of a kind that holds no classes.
    """
    with _opened(path) as (image, bits):
        image.load()
        if image.mode in NUMBERS:
            numbers = np.array(image, np.uint8)
            if bits in (2, 4):
                numbers //= 255 // (2**bits - 1)  # Pillow spreads them over 0…255
            colours = np.array(image.getpalette() or [], np.uint32).reshape(-1, 3)
            return RawMask(numbers, colours @ CODES if image.mode == "P" else GREYS)
        pixels = np.asarray(image.convert("RGBA"))
        if (pixels[..., 3] != 255).any():
            raise _refused(path, "transparent pixels", "Save it without an alpha channel.")
        return RawMask(None, np.ascontiguousarray(pixels).view("<u4")[..., 0] & np.uint32(0xFFFFFF))


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Image.Image, int]]:
    """An image that is not decoded yet, and the bits of a value of a grey PNG; 0 of anything else."""
    try:
        with path.open("rb") as file:
            head = file.read(PNG_DEPTH + 2)
            depth, colour_type = head[PNG_DEPTH:] if head[:8] == PNG_BEGINNING and len(head) > PNG_DEPTH + 1 else (0, 0)
            if depth == DEEP:
                raise _refused(path, "a PNG of 16 bits", "Save the classes with 8 bits; numbers above 255 are none.")
            file.seek(0)
            with Image.open(file) as image:
                _require_kind(path, str(image.format), image.mode)
                if (pictures := getattr(image, "n_frames", 1)) > 1:
                    raise _refused(path, f"{pictures} pictures in one file", "Save each mask as a file of its own.")
                yield image, depth if colour_type == PNG_GREY else 0
    except CnnkitError:
        raise
    except Exception as error:  # of a damaged file Pillow raises anything, from SyntaxError to struct.error
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise _refused(path, reason, "Replace the file: PNG, BMP and TIFF are read.") from error


def _require_kind(path: Path, kind: str, mode: str) -> None:
    if kind not in FORMATS:
        raise _refused(path, f"a {kind}", f"Save masks as PNG: {kind} does not keep the values of pixels.")
    if mode not in (*NUMBERS, *COLOURS):
        remedy = "Save the classes as a grey, indexed or RGB PNG of 8 bits."
        raise _refused(path, f"a {kind} of Pillow's mode {mode}", remedy)


def _greys(path: Path, codes: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Colours that are grey as numbers."""
    grey = codes & np.uint32(255)
    if (other := codes != grey * np.uint32(GREY)).any():
        raise DataError(
            f"numbers of classes in the mask {path}",
            f"colours: {colour_of(int(codes[other][0]))}{_place(other)}",
            'Say what they mean: classes={"road": (128, 64, 128), …}.',
        )
    return grey.astype(np.uint8)


def _unknown(path: Path, palette: Palette, known: NDArray[np.bool_], value: Value) -> DataError:
    classes = [f"{name} {value}" for name, value in zip(palette.names[:SHOWN], palette.values, strict=False)]
    more = f", … of {len(palette.names)}" if len(palette.names) > SHOWN else ""
    return DataError(
        f"the values of classes ({', '.join(classes)}{more}) and of void in the mask {path}",
        f"{value}{_place(~known)}, {(~known).sum()} such pixels",
        f"Name the class, or give what shall not count as `void`, which is {palette.void or None}. Masks that are "
        "resized with smoothing hold values that mean nothing.",
    )


def _place(where: NDArray[np.bool_]) -> str:
    row, column = np.argwhere(where)[0].tolist()
    return f" at column {column}, row {row}"


def _refused(path: Path, received: str, remedy: str) -> ImageFileError:
    return ImageFileError(f"a mask of one number or colour per pixel in {path}", received, remedy)
