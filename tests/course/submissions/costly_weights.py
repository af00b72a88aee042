"""Weights files that cost most for their size, each of another part of HDF5: what the gate has to say about them.

They are made with the library's own functions where it makes them, else byte by byte.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5p, h5s, h5t, h5z

from tests.course.submissions.bad_files import WEIGHTS, Bad, Change, a_tensor, replaced

COSTLY: list[Bad] = []


def _chunked(file: h5py.File, filters: tuple[int, ...], *, chunk: tuple[int, ...], stored: bytes | None = None) -> None:
    """A tensor behind a pipeline of filters, with these bytes as its first chunk."""
    path = a_tensor(file)
    shape = file[path].shape
    del file[path]
    created = h5p.create(h5p.DATASET_CREATE)
    created.set_chunk(chunk)
    for code in filters:
        values = {h5z.FILTER_DEFLATE: (6,), h5z.FILTER_SHUFFLE: (4,)}.get(code, ())
        created.set_filter(code, h5z.FLAG_OPTIONAL, values)
    tensor = h5d.create(file.id, path.encode(), h5t.IEEE_F32LE, h5s.create_simple(shape), created)
    if stored is not None:
        tensor.write_direct_chunk((0,) * len(shape), stored)


def _shape(file: h5py.File) -> tuple[int, ...]:
    return tuple(file[a_tensor(file)].shape)


def weights(check: str) -> Callable[[Callable[[h5py.File], None]], Change]:
    """A row whose maker changes the open weights file."""
    return _row(check, "r+")


def rebuilt(check: str) -> Callable[[Callable[[h5py.File], None]], Change]:
    """A row whose maker fills a new file of the latest format."""
    return _row(check, "w", libver="latest")


def _row(check: str, mode: str, **settings: str) -> Callable[[Callable[[h5py.File], None]], Change]:
    def register(change: Callable[[h5py.File], None]) -> Change:
        def make(folder: Path) -> None:
            with h5py.File(folder / WEIGHTS, mode, **settings) as file:
                change(file)

        return _added(check, change.__name__, make)

    return register


def _added(check: str, name: str, make: Change) -> Change:
    make.__name__ = name
    COSTLY.append(Bad(check, make))
    return make


def weights_bytes(check: str, **settings: str) -> Callable[[Callable[[bytes], bytes]], Change]:
    """A row whose maker changes the bytes of a file of some format."""

    def register(change: Callable[[bytes], bytes]) -> Change:
        def make(folder: Path) -> None:
            with h5py.File(folder / WEIGHTS, "w", **settings) as file:
                file["layers/dense/vars/0"] = np.zeros(3, "float32")
            (folder / WEIGHTS).write_bytes(change((folder / WEIGHTS).read_bytes()))

        return _added(check, change.__name__, make)

    return register


# Filters: what unpacks to more than it says


@weights("h5-unreadable")
def weights_that_inflate_a_thousandfold(file: h5py.File) -> None:
    _chunked(file, (h5z.FILTER_DEFLATE,), chunk=_shape(file), stored=zlib.compress(bytes(10_000_000), 9))


@weights("h5-filter")
def weights_that_inflate_twice(file: h5py.File) -> None:
    stored = zlib.compress(zlib.compress(bytes(20_000_000), 9), 9)
    _chunked(file, (h5z.FILTER_DEFLATE,) * 2, chunk=_shape(file), stored=stored)


@weights("h5-filter")
def weights_that_inflate_three_times(file: h5py.File) -> None:
    stored = bytes(864)
    for _ in range(3):
        stored = zlib.compress(stored)
    _chunked(file, (h5z.FILTER_DEFLATE,) * 3, chunk=_shape(file), stored=stored)


@weights("h5-filter")
def weights_shuffled_thirty_times(file: h5py.File) -> None:
    _chunked(file, (h5z.FILTER_SHUFFLE,) * 30, chunk=_shape(file), stored=bytes(864))


@weights("h5-filter")
def weights_with_two_checksums(file: h5py.File) -> None:
    _chunked(file, (h5z.FILTER_FLETCHER32,) * 2, chunk=_shape(file), stored=bytes(872))


@weights("h5-filter")
def weights_with_nbit(file: h5py.File) -> None:
    _chunked(file, (h5z.FILTER_NBIT,), chunk=_shape(file))


@weights("h5-filter")
def weights_with_szip(file: h5py.File) -> None:
    path = a_tensor(file)
    shape = file[path].shape
    del file[path]
    created = h5p.create(h5p.DATASET_CREATE)
    created.set_chunk(shape)
    created.set_filter(h5z.FILTER_SZIP, h5z.FLAG_OPTIONAL, (141, 32))
    h5d.create(file.id, path.encode(), h5t.IEEE_F32LE, h5s.create_simple(shape), created)


@weights("h5-unreadable")
def weights_with_a_chunk_that_is_too_short(file: h5py.File) -> None:
    _chunked(file, (h5z.FILTER_DEFLATE,), chunk=_shape(file), stored=zlib.compress(bytes(860)))


@weights("h5-unreadable")
def weights_with_a_chunk_without_an_end(file: h5py.File) -> None:
    _chunked(
        file, (h5z.FILTER_DEFLATE,), chunk=_shape(file), stored=zlib.compress(np.random.default_rng(0).bytes(864))[:-9]
    )


@weights("h5-unreadable")
def weights_with_another_checksum(file: h5py.File) -> None:
    _chunked(file, (h5z.FILTER_FLETCHER32,), chunk=_shape(file), stored=bytes(864) + b"\1\0\0\0")


@weights("h5-unreadable")
def weights_with_a_huge_chunk_for_a_small_tensor(file: h5py.File) -> None:
    _chunked(file, (h5z.FILTER_DEFLATE,), chunk=_shape(file), stored=bytes(8_000_000))


# Chunks


@weights("h5-chunks")
def weights_in_chunks_of_one_value(file: h5py.File) -> None:
    replaced(file, shape=(1_000, 5_000), chunks=(1, 1))


@weights("h5-chunks")
def weights_of_the_optimizer_in_chunks_of_one_value(file: h5py.File) -> None:
    for index in range(8):
        file.create_dataset(f"optimizer/vars/{index}", (50_000,), "float32", chunks=(1,), fillvalue=1)


@weights("h5-chunks")
def weights_that_are_packed_and_large(file: h5py.File) -> None:
    replaced(file, shape=(8_000, 8_000), chunks=(1_000, 1_000), compression="gzip")


@weights("h5-chunk")
def weights_in_columns(file: h5py.File) -> None:
    replaced(file, shape=(50_000, 200), chunks=(50_000, 1))


# Attributes


@weights("h5-attributes")
def weights_with_many_attributes(file: h5py.File) -> None:
    scalar = h5s.create(h5s.SCALAR)
    for index in range(320):
        group = file.create_group(f"many/{index}")
        for number in range(64):
            h5a.create(group.id, b"%d" % number, h5t.STD_I8LE, scalar)


@weights("h5-attribute")
def weights_with_five_thousand_attributes_of_one_tensor(file: h5py.File) -> None:
    group = h5py.Group(h5g.create(file.id, b"many"))
    scalar = h5s.create(h5s.SCALAR)
    for number in range(5_000):
        h5a.create(group.id, b"%d" % number, h5t.STD_I8LE, scalar)


@weights("h5-attributes")
def weights_with_one_long_text_in_many_attributes(file: h5py.File) -> None:
    text = np.bytes_(b"x" * 60_000)
    for index in range(80):
        file.create_group(f"many/{index}").attrs["name"] = text


@rebuilt("h5-attributes")
def weights_with_an_attribute_of_ten_megabytes(file: h5py.File) -> None:
    file.attrs["large"] = np.zeros(10_000_000, "u1")


# Lists of names in old files


@rebuilt("h5-layers")
def weights_with_a_layer_listed_four_thousand_times(file: h5py.File) -> None:
    file.attrs["layer_names"] = np.full(3_900, b"a")
    file.create_group("a").attrs["weight_names"] = np.full(3_900, b"b")


@rebuilt("h5-layers")
def weights_with_a_million_names(file: h5py.File) -> None:
    file.attrs["layer_names"] = np.full(1_000_000, b"a")


@rebuilt("h5-layers")
def weights_with_names_in_sixty_lists(file: h5py.File) -> None:
    for index in range(60):
        file.attrs[f"layer_names{index}"] = np.array([b"%d" % (index * 1_000 + number) for number in range(1_000)])


def weights_with_one_long_name_for_all_layers(folder: Path) -> None:
    """Texts of variable length are addresses: here all layers have that of the same 200 KB, 780 MB when copied."""
    with h5py.File(folder / WEIGHTS, "w") as file:
        names = np.array(["x" * 200_000, *["y"] * 3_899], object)
        file.attrs.create("layer_names", names, dtype=h5py.string_dtype())
    data = (folder / WEIGHTS).read_bytes()
    place = data.index(struct.pack("<I", 200_000))
    address = data[place : place + 16]
    (folder / WEIGHTS).write_bytes(data[:place] + address * 3_900 + data[place + 16 * 3_900 :])


COSTLY.append(Bad("h5-unreadable", weights_with_one_long_name_for_all_layers))


@rebuilt("h5-type")
def weights_of_a_type_in_a_type(file: h5py.File) -> None:
    kind = h5t.IEEE_F32LE
    for _ in range(1_000):
        kind = h5t.vlen_create(kind)
    h5d.create(file.id, b"deep", kind, h5s.create_simple((1,)))


@rebuilt("h5-attribute")
def weights_with_an_attribute_of_a_type_in_a_type(file: h5py.File) -> None:
    kind = h5t.IEEE_F32LE
    for _ in range(1_000):
        kind = h5t.vlen_create(kind)
    h5a.create(file.id, b"deep", kind, h5s.create(h5s.SCALAR))


@rebuilt("h5-layers")
def weights_with_layers_that_are_numbers(file: h5py.File) -> None:
    file.attrs["layer_names"] = np.arange(5_000)


# Names, groups and the container


@weights("h5-name")
def weights_with_a_name_of_sixty_kilobytes(file: h5py.File) -> None:
    file["layers/" + "n" * 60_000] = np.zeros(1, "float32")


@rebuilt("h5-objects")
def weights_with_twenty_thousand_links_in_a_new_group(file: h5py.File) -> None:
    many = file.create_group("many")
    for index in range(20_001):
        many.id.links.create_soft(b"%d" % index, b"x")


@weights_bytes("h5-open")
def weights_left_open_for_writing(data: bytes) -> bytes:
    return data[:20] + struct.pack("<I", 1) + data[24:]


@weights_bytes("h5-open", libver="latest")
def weights_left_open_for_writing_in_a_new_file(data: bytes) -> bytes:
    return data[:11] + b"\x01" + data[12:]


@weights_bytes("h5-open", libver="latest")
def weights_left_open_for_readers_beside_a_writer(data: bytes) -> bytes:
    return data[:11] + b"\x05" + data[12:]


@weights_bytes("h5-tree")
def weights_with_trees_of_a_huge_rank(data: bytes) -> bytes:
    return data[:16] + struct.pack("<2H", 65_535, 65_535) + data[20:]


COSTLY_WEIGHTS = tuple(COSTLY)
