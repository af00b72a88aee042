"""Tensors that an HDF5 file keeps in compressed chunks, unpacked here and not by the library.

The library inflates a chunk as far as it goes and then looks whether it has the declared size, so that some kilobytes
become gigabytes. Here nothing grows beyond what was declared, and each filter works once.
"""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import h5py
import numpy as np
from h5py import h5d, h5p, h5z
from numpy.typing import NDArray

Shape = tuple[int, ...]

CHUNK_BYTES = 16_000_000  # Keras stores in one piece, h5repack in chunks of about 1 MB
BAND_BYTES = 32_000_000  # chunks side by side, which are unpacked together
CHECKSUM_BYTES = 4
WORDS = 1 << 18  # of a checksum at a time
STORED_MORE = 65_536  # a packed chunk is at most so much larger than it was

# Each undoes one filter: (bytes, declared bytes of the chunk, bytes of one value) → bytes.
Undo = Callable[[bytes, int, int], bytes]


def filter_fault(created: h5p.PropDCID, value_bytes: int) -> str | None:
    """What speaks against the filters of a dataset; None where nothing does."""
    filters = [created.get_filter(index) for index in range(created.get_nfilters())]
    codes = [code for code, *_ in filters]
    if unknown := set(codes) - set(FILTERS):
        return f"filter {max(unknown)}"
    if len(set(codes)) < len(codes):
        return f"{len(codes)} filters, some of them twice"
    if any(code == h5z.FILTER_SHUFFLE and tuple(values[:1]) != (value_bytes,) for code, _, values, _ in filters):
        return "bytes in another order than its values'"
    return None


def chunk_count(shape: Shape, chunk: Shape) -> int:
    """Into how many chunks a tensor is cut."""
    return math.prod(-(-side // part) for side, part in zip(shape, chunk, strict=True))


def band_bytes(shape: Shape, chunk: Shape, value_bytes: int) -> int:
    """Bytes that have to be unpacked together for values in their order."""
    axis = long_axis(shape)
    return math.prod((min(chunk[axis], shape[axis]), *shape[axis + 1 :])) * value_bytes if shape else value_bytes


def long_axis(shape: Shape) -> int:
    """The first axis with more than one value; the last one where there is none."""
    return next((axis for axis, side in enumerate(shape) if side > 1), max(len(shape) - 1, 0))


def bands(file: BinaryIO, dataset: h5d.DatasetID) -> Iterator[NDArray[Any]]:
    """The values of a chunked dataset in their order, some rows of its first long axis at a time.

    Args:
        file: The file that the dataset is in.
        dataset: It passed `filter_fault`, and its chunks and bands are of bounded size.

    Raises:
        ValueError: A chunk does not hold what is declared.
    """
    tensor = h5py.Dataset(dataset)
    shape, chunk, dtype = tensor.shape, tensor.chunks, tensor.dtype
    created = dataset.get_create_plist()
    codes = [created.get_filter(index)[0] for index in range(created.get_nfilters())]
    places = _places(dataset, chunk_count(shape, chunk))
    axis = long_axis(shape)
    for start in range(0, shape[axis], chunk[axis]):
        stop = min(start + chunk[axis], shape[axis])
        band = np.full((*shape[:axis], stop - start, *shape[axis + 1 :]), tensor.fillvalue, dtype)
        starts = [range(0, side, part) for side, part in zip(shape, chunk, strict=True)]
        starts[axis] = range(start, start + 1)
        for offset in itertools.product(*starts):
            if offset not in places:
                continue
            values = np.frombuffer(_unpacked(file, places[offset], codes, chunk, dtype.itemsize), dtype).reshape(chunk)
            inside = [slice(first, first + part) for first, part in zip(offset, chunk, strict=True)]
            inside[axis] = slice(0, chunk[axis])
            part = band[tuple(inside)]
            part[...] = values[tuple(slice(side) for side in part.shape)]
        yield band


# Where a chunk lies: its first byte, its bytes, and the filters that it was written without, a bit each.
_Place = tuple[int, int, int]


def _places(dataset: h5d.DatasetID, count: int) -> dict[Shape, _Place]:
    places: dict[Shape, _Place] = {}

    def note(info: h5d.StoreInfo) -> bool | None:
        places[tuple(info.chunk_offset)] = (info.byte_offset, info.size, info.filter_mask)
        return True if len(places) > count else None

    dataset.chunk_iter(note)
    if len(places) > count:
        raise ValueError(f"more than the {count:,} chunks of a tensor")
    return places


def _unpacked(file: BinaryIO, place: _Place, codes: list[int], chunk: Shape, value_bytes: int) -> bytes:
    start, size, skipped = place
    declared = math.prod(chunk) * value_bytes
    if size > declared + STORED_MORE:
        raise ValueError(f"{size:,} bytes for a chunk of {declared:,}")
    file.seek(start)
    data = file.read(size)
    for index in reversed(range(len(codes))):
        if not skipped >> index & 1:
            data = FILTERS[codes[index]](data, declared, value_bytes)
    if len(data) != declared:
        raise ValueError(f"a chunk of {len(data):,} bytes instead of {declared:,}")
    return data


def _inflated(data: bytes, declared: int, value_bytes: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        values = stream.decompress(data, declared + CHECKSUM_BYTES)
    except zlib.error as error:
        raise ValueError(f"a chunk that cannot be inflated: {error}") from error
    if not stream.eof:
        raise ValueError(f"a chunk that inflates to more than its {declared:,} bytes, or has no end")
    return values


def _unshuffled(data: bytes, declared: int, value_bytes: int) -> bytes:
    whole = len(data) // value_bytes * value_bytes
    planes = np.frombuffer(data, np.uint8, whole).reshape(value_bytes, -1)
    return planes.T.tobytes() + data[whole:]


def _without_checksum(data: bytes, declared: int, value_bytes: int) -> bytes:
    values, stored = data[:-CHECKSUM_BYTES], data[-CHECKSUM_BYTES:]
    expected = fletcher32(values)
    halves = expected.to_bytes(CHECKSUM_BYTES, "little")
    # Early versions of the library wrote the bytes of each half the other way round, and all read both.
    if stored not in (halves, halves[1::-1] + halves[:1:-1]):
        raise ValueError("a chunk with another checksum than its own")
    return values


def fletcher32(data: bytes) -> int:
    """The checksum of HDF5's filter: of the sums of big-endian words, and of the sums of these sums.

    Args:
        data: At most `CHUNK_BYTES` and some; an odd byte at its end is the upper half of a word.

    >>> hex(fletcher32(b"abcde"))
    '0x4ff029c7'
    """
    words = np.frombuffer(data + b"\0" * (len(data) % 2), ">u2")
    first = second = 0
    for start in range(0, len(words), WORDS):
        part = words[start : start + WORDS].astype(np.uint64)
        behind = len(words) - start
        first += int(part.sum())
        second += int(part @ np.arange(behind, behind - len(part), -1, dtype=np.uint64))
    return _folded(second) << 16 | _folded(first)


def _folded(total: int) -> int:
    """Modulo 65,535, where only a sum of nothing is 0: carries are added at the lower end."""
    return (total - 1) % 0xFFFF + 1 if total else 0


FILTERS: dict[int, Undo] = {
    h5z.FILTER_DEFLATE: _inflated,
    h5z.FILTER_SHUFFLE: _unshuffled,
    h5z.FILTER_FLETCHER32: _without_checksum,
}
