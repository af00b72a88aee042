"""Submissions with one bad file each: how it is made from a valid one, and what the gate has to say.

A row of `BAD_FILES` is made by a function that changes a valid submission's folder. `test_bad_submissions` runs all.
"""

from __future__ import annotations

import base64
import gzip
import io
import os
import shutil
import socket
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
from numpy.typing import NDArray

WEIGHTS, PREDICTIONS = "model.weights.h5", "predictions.parquet"
ROWS, COLUMN = 20_000, "person"

Change = Callable[[Path], None]


@dataclass(frozen=True)
class Bad:
    """A bad submission: what the gate calls it, and the function that makes it from a valid one."""

    check: str
    make: Change

    @property
    def name(self) -> str:
        return self.make.__name__


BAD_WEIGHTS: list[Bad] = []
BAD_PREDICTIONS: list[Bad] = []
BAD_ENTRIES: list[Bad] = []


def weights(check: str) -> Callable[[Callable[[h5py.File], None]], Change]:
    """A row whose maker changes the open weights file."""

    def register(change: Callable[[h5py.File], None]) -> Change:
        def make(folder: Path) -> None:
            with h5py.File(folder / WEIGHTS, "r+") as file:
                change(file)

        make.__name__ = change.__name__
        BAD_WEIGHTS.append(Bad(check, make))
        return make

    return register


def weights_bytes(check: str) -> Callable[[Callable[[bytes], bytes]], Change]:
    """A row whose maker gives other bytes for the weights file."""

    def register(change: Callable[[bytes], bytes]) -> Change:
        return _bytes(BAD_WEIGHTS, check, WEIGHTS, change)

    return register


def table(check: str) -> Callable[[Callable[[], pa.Table]], Change]:
    """A row whose maker gives another table of predictions."""

    def register(change: Callable[[], pa.Table]) -> Change:
        def make(folder: Path) -> None:
            pq.write_table(change(), folder / PREDICTIONS)

        make.__name__ = change.__name__
        BAD_PREDICTIONS.append(Bad(check, make))
        return make

    return register


def predictions_bytes(check: str) -> Callable[[Callable[[bytes], bytes]], Change]:
    """A row whose maker gives other bytes for the predictions."""

    def register(change: Callable[[bytes], bytes]) -> Change:
        return _bytes(BAD_PREDICTIONS, check, PREDICTIONS, change)

    return register


def entry(check: str) -> Callable[[Change], Change]:
    """A row whose maker puts something else into the folder."""

    def register(make: Change) -> Change:
        BAD_ENTRIES.append(Bad(check, make))
        return make

    return register


def _bytes(rows: list[Bad], check: str, name: str, change: Callable[[bytes], bytes]) -> Change:
    def make(folder: Path) -> None:
        (folder / name).write_bytes(change((folder / name).read_bytes()))

    make.__name__ = change.__name__
    rows.append(Bad(check, make))
    return make


def flipped(data: bytes, place: int) -> bytes:
    """The same with one byte inverted."""
    changed = bytearray(data)
    changed[place] ^= 0xFF
    return bytes(changed)


# HDF5: no HDF5 at all


@weights_bytes("h5-magic")
def weights_are_empty(data: bytes) -> bytes:
    return b""


@weights_bytes("h5-magic")
def weights_are_a_zip_bomb(data: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("model.weights.h5", bytes(20_000_000))
    return archive.getvalue()


@weights_bytes("h5-magic")
def weights_are_a_tar_with_traversal(data: bytes) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as file:
        file.addfile(tarfile.TarInfo("../../escaped"))
    return archive.getvalue()


@weights_bytes("h5-magic")
def weights_are_gzipped(data: bytes) -> bytes:
    return gzip.compress(data)


@weights_bytes("h5-magic")
def weights_are_a_pickle(data: bytes) -> bytes:
    return b"cos\nsystem\n(S'touch escaped'\ntR."


@weights_bytes("h5-magic")
def weights_with_a_user_block(data: bytes) -> bytes:
    # A script in front of an HDF5 file, which begins at 512 bytes: the library would open it.
    return b"#!/bin/sh\ntouch escaped\n".ljust(512, b"\n") + data


@weights_bytes("h5-magic")
def weights_with_a_flipped_first_byte(data: bytes) -> bytes:
    return flipped(data, 0)


@weights_bytes("h5-unreadable")
def weights_with_a_flipped_superblock_version(data: bytes) -> bytes:
    return flipped(data, 8)


@weights_bytes("h5-unreadable")
def weights_with_a_flipped_size_of_offsets(data: bytes) -> bytes:
    return flipped(data, 13)


@weights_bytes("h5-unreadable")
def weights_with_a_flipped_root_address(data: bytes) -> bytes:
    return flipped(data, 64)


@weights_bytes("h5-unreadable")
def weights_with_a_flipped_object_header(data: bytes) -> bytes:
    return flipped(data, 96)


@weights_bytes("h5-unreadable")
def weights_with_a_flipped_heap(data: bytes) -> bytes:
    return flipped(data, data.index(b"HEAP"))


@weights_bytes("h5-unreadable")
def weights_with_flipped_trees(data: bytes) -> bytes:
    return data.replace(b"TREE", b"TRAE").replace(b"SNOD", b"SNUD")


@weights_bytes("h5-unreadable")
def weights_without_their_second_half(data: bytes) -> bytes:
    return data[: len(data) // 2]


@weights_bytes("h5-unreadable")
def weights_without_their_last_byte(data: bytes) -> bytes:
    return data[:-1]


@weights_bytes("h5-unreadable")
def weights_that_end_after_the_magic(data: bytes) -> bytes:
    return data[:8]


# HDF5: links, and what lies elsewhere


def a_tensor(file: h5py.File) -> str:
    """Path of a tensor with more than one axis."""
    paths: list[str] = []
    file.visititems(lambda path, found: paths.append(path) if len(getattr(found, "shape", ())) > 1 else None)
    return paths[0]


def replaced(file: h5py.File, **settings: object) -> h5py.Dataset:
    """Puts another dataset in the place of a tensor; what is not said stays as it is."""
    path = a_tensor(file)
    shape = file[path].shape
    del file[path]
    return file.create_dataset(path, **{"shape": shape, "dtype": "float32", **settings})


@weights("h5-link")
def weights_with_an_external_link(file: h5py.File) -> None:
    path = a_tensor(file)
    del file[path]
    file[path] = h5py.ExternalLink("/etc/passwd", "/")


@weights("h5-link")
def weights_with_an_external_group(file: h5py.File) -> None:
    del file["layers"]
    file["layers"] = h5py.ExternalLink("../other/model.weights.h5", "/layers")


@weights("h5-link")
def weights_with_a_soft_link(file: h5py.File) -> None:
    path = a_tensor(file)
    file.move(path, "elsewhere")
    file[path] = h5py.SoftLink("/elsewhere")


@weights("h5-link")
def weights_with_a_dangling_link(file: h5py.File) -> None:
    file["nowhere"] = h5py.SoftLink("/missing")


@weights("h5-link")
def weights_with_a_soft_link_in_a_circle(file: h5py.File) -> None:
    file["circle"] = h5py.SoftLink("/circle")


@weights("h5-linked-twice")
def weights_with_a_group_in_itself(file: h5py.File) -> None:
    file["layers/again"] = file["layers"]


@weights("h5-linked-twice")
def weights_with_the_root_in_a_group(file: h5py.File) -> None:
    file["layers/root"] = file["/"]


@weights("h5-linked-twice")
def weights_with_a_tensor_in_two_places(file: h5py.File) -> None:
    file["again"] = file[a_tensor(file)]


@weights("h5-storage")
def weights_with_a_virtual_tensor(file: h5py.File) -> None:
    path = a_tensor(file)
    layout = h5py.VirtualLayout(file[path].shape, "float32")
    layout[:] = h5py.VirtualSource("/etc/passwd", "data", file[path].shape)
    del file[path]
    file.create_virtual_dataset(path, layout)


@weights("h5-storage")
def weights_with_external_storage(file: h5py.File) -> None:
    size = file[a_tensor(file)].nbytes
    replaced(file, external=[("/etc/passwd", 0, size)])


# HDF5: types


@weights("h5-type")
def weights_with_references(file: h5py.File) -> None:
    replaced(file, dtype=h5py.ref_dtype)


@weights("h5-type")
def weights_with_region_references(file: h5py.File) -> None:
    replaced(file, dtype=h5py.regionref_dtype)


@weights("h5-type")
def weights_of_variable_length(file: h5py.File) -> None:
    replaced(file, dtype=h5py.vlen_dtype(np.float32))


@weights("h5-type")
def weights_of_text(file: h5py.File) -> None:
    replaced(file, dtype=h5py.string_dtype())


@weights("h5-type")
def weights_of_a_compound_type(file: h5py.File) -> None:
    replaced(file, dtype=np.dtype([("real", "f4"), ("imaginary", "f4")]))


@weights("h5-type")
def weights_of_opaque_bytes(file: h5py.File) -> None:
    replaced(file, dtype=np.dtype("V4"))


@weights("h5-type")
def weights_of_arrays(file: h5py.File) -> None:
    replaced(file, dtype=np.dtype(("f4", (2,))))


@weights("h5-type")
def weights_of_an_enumeration(file: h5py.File) -> None:
    replaced(file, dtype=h5py.enum_dtype({"no": 0, "yes": 1}))


@weights("h5-type")
def weights_of_long_doubles(file: h5py.File) -> None:
    replaced(file, dtype=np.longdouble)


@weights("h5-type")
def weights_of_integers(file: h5py.File) -> None:
    replaced(file, dtype="int8")


@weights("h5-type")
def weights_of_nothing(file: h5py.File) -> None:
    path = a_tensor(file)
    del file[path]
    file[path] = h5py.Empty("float32")


@weights("h5-object")
def weights_with_a_named_type(file: h5py.File) -> None:
    file["type"] = np.dtype("float32")


@weights("h5-attribute")
def weights_with_a_reference_as_attribute(file: h5py.File) -> None:
    file.attrs["reference"] = file["layers"].ref


@weights("h5-attribute")
def weights_with_a_list_of_references_as_attribute(file: h5py.File) -> None:
    lists = np.empty(1, object)
    lists[0] = np.array([file.ref], h5py.ref_dtype)
    file["layers"].attrs.create("all", lists, dtype=h5py.vlen_dtype(h5py.ref_dtype))


@weights("h5-attribute")
def weights_with_a_thousand_attributes(file: h5py.File) -> None:
    for index in range(1_000):
        file.attrs[str(index)] = index


# HDF5: filters and sizes


@weights("h5-filter")
def weights_with_lzf(file: h5py.File) -> None:
    replaced(file, compression="lzf", chunks=True)


@weights("h5-filter")
def weights_with_scale_and_offset(file: h5py.File) -> None:
    replaced(file, scaleoffset=2, chunks=True)


@weights("h5-filter")
def weights_with_an_unknown_filter(file: h5py.File) -> None:
    path = a_tensor(file)
    shape = file[path].shape
    del file[path]
    # 32015 is Zstandard: a reader looks for it among the shared libraries of its plugin path.
    created = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    created.set_chunk(shape)
    created.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, ())
    space = h5py.h5s.create_simple(shape)
    h5py.h5d.create(file.id, path.encode(), h5py.h5t.IEEE_F32LE, space, created)


@weights("h5-chunk")
def weights_in_one_huge_chunk(file: h5py.File) -> None:
    replaced(file, shape=(8_000, 8_000), chunks=(8_000, 8_000), compression="gzip")


@weights("h5-bytes")
def weights_that_declare_much_in_little(file: h5py.File) -> None:
    replaced(file, shape=(30_984, 30_984), chunks=(1_000, 1_000), compression="gzip")  # 3.84 GB in some kilobytes


@weights("h5-bytes")
def weights_of_more_than_four_gigabytes(file: h5py.File) -> None:
    replaced(file, shape=(2**31, 2**31), chunks=(1_000, 1_000))


@weights("h5-bytes")
def weights_that_declare_much_for_the_optimizer(file: h5py.File) -> None:
    file.create_dataset("optimizer/vars/much", (2**40,), "float32", chunks=(1_000,))


@weights("h5-objects")
def weights_with_a_hundred_thousand_groups(file: h5py.File) -> None:
    # Numbered as links to one object: as many links as groups would take ten seconds to make.
    many = file.create_group("many")
    one = many.create_group("0")
    for index in range(1, 60_000):
        h5py.h5o.link(one.id, many.id, str(index).encode())


@weights("h5-depth")
def weights_a_thousand_groups_deep(file: h5py.File) -> None:
    group = file
    for _ in range(1_000):
        group = group.create_group("g")


@weights("h5-name")
def weights_with_a_name_that_climbs(file: h5py.File) -> None:
    _linked_raw(file, b"..")


@weights("h5-name")
def weights_with_a_line_break_in_a_name(file: h5py.File) -> None:
    file["layers/line\nbreak"] = np.zeros(1, "float32")


@weights("h5-name")
def weights_with_a_name_from_right_to_left(file: h5py.File) -> None:
    file["layers/\u202edrowssap"] = np.zeros(1, "float32")


@weights("h5-name")
def weights_with_a_name_that_is_no_text(file: h5py.File) -> None:
    _linked_raw(file, b"\xff\xfe")


def _linked_raw(file: h5py.File, name: bytes) -> None:
    space = h5py.h5s.create_simple((1,))
    h5py.h5d.create(file["layers"].id, name, h5py.h5t.IEEE_F32LE, space)


# HDF5: not the tensors of the model


@weights("h5-missing")
def weights_without_a_tensor(file: h5py.File) -> None:
    del file[a_tensor(file)]


@weights("h5-missing")
def weights_without_any(file: h5py.File) -> None:
    del file["layers"]


@weights("h5-unexpected")
def weights_with_another_tensor(file: h5py.File) -> None:
    file["layers/another/vars/0"] = np.zeros(3, "float32")


@weights("h5-unexpected")
def weights_with_a_tensor_at_the_root(file: h5py.File) -> None:
    file["another"] = np.zeros(3, "float32")


@weights("h5-shape")
def weights_transposed(file: h5py.File) -> None:
    replaced(file, shape=file[a_tensor(file)].shape[::-1])


@weights("h5-shape")
def weights_of_one_number(file: h5py.File) -> None:
    replaced(file, shape=())


@weights("h5-missing")
def weights_with_a_group_for_a_tensor(file: h5py.File) -> None:
    path = a_tensor(file)
    del file[path]
    file.create_group(path)


@weights("h5-not-finite")
def weights_with_nan(file: h5py.File) -> None:
    file[a_tensor(file)][..., -1] = np.nan


@weights("h5-not-finite")
def weights_with_infinity(file: h5py.File) -> None:
    file[a_tensor(file)][..., 0] = -np.inf


@weights("h5-not-finite")
def weights_too_large_for_float32(file: h5py.File) -> None:
    replaced(file, dtype="float64", fillvalue=1e300)


# Parquet: other tables


def probabilities(rows: int = ROWS) -> NDArray[np.float32]:
    return np.linspace(0, 1, rows, dtype=np.float32)


def with_value(value: float) -> pa.Table:
    values = probabilities()
    values[12_345] = value
    return pa.table({COLUMN: values})


@table("parquet-columns")
def predictions_with_an_index() -> pa.Table:
    return pa.table({COLUMN: probabilities(), "__index_level_0__": np.arange(ROWS)})


@table("parquet-columns")
def predictions_of_two_classes() -> pa.Table:
    return pa.table({"no_person": 1 - probabilities(), COLUMN: probabilities()})


@table("parquet-columns")
def predictions_with_the_column_twice() -> pa.Table:
    return pa.Table.from_arrays([pa.array(probabilities())] * 2, names=[COLUMN] * 2)


@table("parquet-columns")
def predictions_with_a_thousand_columns() -> pa.Table:
    return pa.table({str(index): probabilities(1) for index in range(1_000)})


@table("parquet-columns")
def predictions_without_columns() -> pa.Table:
    return pa.table({})


@table("parquet-type")
def predictions_of_float64() -> pa.Table:
    return pa.table({COLUMN: probabilities().astype(np.float64)})


@table("parquet-type")
def predictions_of_float16() -> pa.Table:
    return pa.table({COLUMN: probabilities().astype(np.float16)})


@table("parquet-type")
def predictions_of_integers() -> pa.Table:
    return pa.table({COLUMN: probabilities().round().astype(np.int64)})


@table("parquet-type")
def predictions_of_small_integers() -> pa.Table:
    return pa.table({COLUMN: probabilities().round().astype(np.uint8)})


@table("parquet-type")
def predictions_of_truth_values() -> pa.Table:
    return pa.table({COLUMN: probabilities() >= 0.5})


@table("parquet-type")
def predictions_of_text() -> pa.Table:
    return pa.table({COLUMN: probabilities().astype(str)})


@table("parquet-type")
def predictions_of_decimals() -> pa.Table:
    return pa.table({COLUMN: pa.array([0] * ROWS).cast(pa.decimal128(30, 3))})


@table("parquet-type")
def predictions_as_a_dictionary_of_text() -> pa.Table:
    return pa.table({COLUMN: pa.array(["person", "no person"] * (ROWS // 2)).dictionary_encode()})


@table("parquet-nested")
def predictions_in_lists() -> pa.Table:
    return pa.table({COLUMN: pa.array(probabilities()[:, None].tolist(), pa.list_(pa.float32()))})


@table("parquet-nested")
def predictions_in_structs() -> pa.Table:
    return pa.table({COLUMN: pa.StructArray.from_arrays([pa.array(probabilities())], names=[COLUMN])})


@table("parquet-columns")
def predictions_in_maps() -> pa.Table:
    maps = pa.map_(pa.string(), pa.float32())
    return pa.table({COLUMN: pa.array([[("p", 0.5)]] * ROWS, maps)})


@table("parquet-column-name")
def predictions_of_cats() -> pa.Table:
    return pa.table({"cat": probabilities()})


@table("parquet-column-name")
def predictions_with_a_capital_letter() -> pa.Table:
    return pa.table({"Person": probabilities()})


@table("parquet-column-name")
def predictions_without_a_name() -> pa.Table:
    return pa.table({"": probabilities()})


@table("parquet-column-name")
def predictions_with_a_line_break_in_the_name() -> pa.Table:
    return pa.table({"person\n": probabilities()})


@table("parquet-column-name")
def predictions_with_a_name_from_right_to_left() -> pa.Table:
    return pa.table({"\u202enosrep": probabilities()})


@table("parquet-column-name")
def predictions_with_a_look_alike_name() -> pa.Table:
    return pa.table({"per\u0455on": probabilities()})  # a Cyrillic letter


@table("parquet-nested")
def predictions_with_a_dot_in_the_name() -> pa.Table:
    return pa.table({"person.person": probabilities()})


@table("parquet-rows")
def predictions_with_a_row_too_few() -> pa.Table:
    return pa.table({COLUMN: probabilities(ROWS - 1)})


@table("parquet-rows")
def predictions_with_a_row_too_many() -> pa.Table:
    return pa.table({COLUMN: probabilities(ROWS + 1)})


@table("parquet-rows")
def predictions_without_rows() -> pa.Table:
    return pa.table({COLUMN: probabilities(0)})


@table("parquet-null")
def predictions_with_a_null() -> pa.Table:
    return pa.table({COLUMN: pa.array([None, *probabilities(ROWS - 1).tolist()], pa.float32())})


@table("parquet-null")
def predictions_all_null() -> pa.Table:
    return pa.table({COLUMN: pa.nulls(ROWS, pa.float32())})


@table("parquet-nan")
def predictions_with_nan() -> pa.Table:
    return with_value(np.nan)


@table("parquet-infinite")
def predictions_with_infinity() -> pa.Table:
    return with_value(np.inf)


@table("parquet-infinite")
def predictions_with_minus_infinity() -> pa.Table:
    return with_value(-np.inf)


@table("parquet-range")
def predictions_a_little_above_one() -> pa.Table:
    return with_value(1.0000001)


@table("parquet-range")
def predictions_a_little_below_zero() -> pa.Table:
    return with_value(-1e-45)


@table("parquet-range")
def predictions_in_percent() -> pa.Table:
    return pa.table({COLUMN: probabilities() * 100})


@table("parquet-metadata-size")
def predictions_with_huge_metadata() -> pa.Table:
    return pa.table({COLUMN: probabilities()}).replace_schema_metadata({"notes": "x" * 300_000})


# Parquet: other bytes


def written(values: pa.Table, **settings: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(values, sink, **settings)
    return sink.getvalue()


def with_footer(data: bytes, metadata: pq.FileMetaData) -> bytes:
    """The pages of one file with the footer of another."""
    alone = io.BytesIO()
    metadata.write_metadata_file(alone)
    length = int.from_bytes(data[-8:-4], "little")
    return data[: -8 - length] + alone.getvalue()[4:]


@predictions_bytes("parquet-rows")
def predictions_that_declare_500_million_rows(data: bytes) -> bytes:
    data = written(pa.table({COLUMN: np.zeros(10_000_000, np.float32)}), row_group_size=10_000_000)
    metadata, once = (pq.read_metadata(io.BytesIO(data)) for _ in range(2))
    for _ in range(49):
        metadata.append_row_groups(once)
    return with_footer(data, metadata)


@predictions_bytes("parquet-row-groups")
def predictions_in_thousands_of_row_groups(data: bytes) -> bytes:
    return written(pa.table({COLUMN: probabilities()}), row_group_size=20, write_statistics=False)


@predictions_bytes("parquet-row-groups")
def predictions_in_empty_row_groups(data: bytes) -> bytes:
    metadata = pq.read_metadata(io.BytesIO(data))
    empty = pq.read_metadata(io.BytesIO(written(pa.table({COLUMN: probabilities(0)}))))
    for _ in range(100):
        metadata.append_row_groups(empty)
    return with_footer(data, metadata)


@predictions_bytes("parquet-other-file")
def predictions_in_another_file(data: bytes) -> bytes:
    metadata = pq.read_metadata(io.BytesIO(data))
    metadata.set_file_path("../labels.parquet")
    return with_footer(data, metadata)


@predictions_bytes("parquet-encrypted")
def predictions_encrypted(data: bytes) -> bytes:
    return encrypted(plaintext_footer=False)


@predictions_bytes("parquet-encrypted")  # pyarrow 26 would end the process: an exception that C++ does not expect
def predictions_encrypted_behind_a_plain_footer(data: bytes) -> bytes:
    return encrypted(plaintext_footer=True)


class Kms(pe.KmsClient):  # type: ignore[misc]
    """A key service that keeps nothing secret."""

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
        return base64.b64encode(key_bytes)

    def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:
        return base64.b64decode(wrapped_key)


def encrypted(*, plaintext_footer: bool) -> bytes:
    settings = pe.EncryptionConfiguration(
        footer_key="footer", column_keys={"column": [COLUMN]}, plaintext_footer=plaintext_footer
    )
    factory = pe.CryptoFactory(lambda _: Kms())
    properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), settings)
    sink = io.BytesIO()
    values = pa.table({COLUMN: probabilities()})
    with pq.ParquetWriter(sink, values.schema, encryption_properties=properties) as writer:
        writer.write_table(values)
    return sink.getvalue()


@predictions_bytes("parquet-magic")
def predictions_are_empty(data: bytes) -> bytes:
    return b""


@predictions_bytes("parquet-magic")
def predictions_as_text(data: bytes) -> bytes:
    return b"person\n" + b"0.5\n" * ROWS


@predictions_bytes("parquet-magic")
def predictions_gzipped(data: bytes) -> bytes:
    return gzip.compress(data)


@predictions_bytes("parquet-magic")
def predictions_as_numpy(data: bytes) -> bytes:
    sink = io.BytesIO()
    np.save(sink, probabilities())
    return sink.getvalue()


@predictions_bytes("parquet-truncated")
def predictions_of_the_magic_alone(data: bytes) -> bytes:
    return b"PAR1PAR1"


@predictions_bytes("parquet-unreadable")
def predictions_without_metadata(data: bytes) -> bytes:
    return b"PAR1" + bytes(4) + b"PAR1"


@predictions_bytes("parquet-truncated")
def predictions_without_their_second_half(data: bytes) -> bytes:
    return data[: len(data) // 2]


@predictions_bytes("parquet-truncated")
def predictions_without_their_last_byte(data: bytes) -> bytes:
    return data[:-1]


@predictions_bytes("parquet-metadata-size")
def predictions_with_a_footer_longer_than_the_file(data: bytes) -> bytes:
    return data[:-8] + (len(data)).to_bytes(4, "little") + b"PAR1"


@predictions_bytes("parquet-metadata-size")
def predictions_with_a_footer_of_negative_length(data: bytes) -> bytes:
    return data[:-8] + b"\xff\xff\xff\xff" + b"PAR1"


@predictions_bytes("parquet-unreadable")
def predictions_with_a_footer_one_byte_off(data: bytes) -> bytes:
    length = int.from_bytes(data[-8:-4], "little")
    return data[:-8] + (length - 1).to_bytes(4, "little") + b"PAR1"


@predictions_bytes("parquet-unreadable")
def predictions_with_a_flipped_footer(data: bytes) -> bytes:
    length = int.from_bytes(data[-8:-4], "little")
    return flipped(data, len(data) - 8 - length)


@predictions_bytes("parquet-unreadable")
def predictions_with_a_flipped_page_header(data: bytes) -> bytes:
    return flipped(data, 4)


@predictions_bytes("parquet-range")
def predictions_with_flipped_pages(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:100] + bytes(byte ^ 0xFF for byte in data[100:middle]) + data[middle:]


# Entries of the folder: links, devices, and what is no file


def instead_of(folder: Path, name: str) -> Path:
    """The path of a file that is no longer there."""
    (folder / name).unlink()
    return folder / name


@entry("file-kind")
def weights_that_never_end(folder: Path) -> None:
    instead_of(folder, WEIGHTS).symlink_to("/dev/zero")


@entry("file-kind")
def model_linked_to_a_file_of_the_system(folder: Path) -> None:
    instead_of(folder, "model.json").symlink_to("/etc/passwd")


@entry("file-kind")
def predictions_linked_to_those_of_another(folder: Path) -> None:
    (folder / PREDICTIONS).rename(folder.parent / "other.parquet")
    (folder / PREDICTIONS).symlink_to("../other.parquet")


@entry("file-kind")
def notebook_linked_to_itself(folder: Path) -> None:
    instead_of(folder, "train.ipynb").symlink_to("train.ipynb")


@entry("file-kind")
def model_linked_to_nothing(folder: Path) -> None:
    instead_of(folder, "model.json").symlink_to("missing")


@entry("file-kind")
def predictions_that_are_a_pipe(folder: Path) -> None:
    os.mkfifo(instead_of(folder, PREDICTIONS))


@entry("file-kind")
def model_that_is_a_socket(folder: Path) -> None:
    # The address of a socket is at most 107 bytes long: it is bound where paths are short, and moved.
    with tempfile.TemporaryDirectory(dir="/tmp") as short, socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{short}/s")
        shutil.move(f"{short}/s", instead_of(folder, "model.json"))


@entry("file-kind")
def weights_that_are_a_device(folder: Path) -> None:
    os.mknod(instead_of(folder, WEIGHTS), stat.S_IFCHR | 0o666, os.makedev(1, 5))


@entry("file-kind")
def model_that_is_a_folder(folder: Path) -> None:
    instead_of(folder, "model.json").mkdir()


@entry("file-kind")
def everything_in_a_folder_within(folder: Path) -> None:
    inner = folder / "submission"
    inner.mkdir()
    for file in [path for path in folder.iterdir() if path != inner]:
        file.rename(inner / file.name)


@entry("file-size")
def weights_of_ten_gigabytes_without_content(folder: Path) -> None:
    os.truncate(folder / WEIGHTS, 10 * 2**30)


@entry("file-size")
def predictions_of_three_megabytes(folder: Path) -> None:
    os.truncate(folder / PREDICTIONS, 3_000_000)


@entry("h5-magic")
def weights_hard_linked_to_the_predictions(folder: Path) -> None:
    # A hard link is a file like any other: its bytes are what counts.
    instead_of(folder, WEIGHTS).hardlink_to(folder / PREDICTIONS)


@entry("file-missing")
def weights_missing(folder: Path) -> None:
    (folder / WEIGHTS).unlink()


@entry("file-missing")
def predictions_missing(folder: Path) -> None:
    (folder / PREDICTIONS).unlink()


@entry("file-missing")
def nothing_handed_in(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


@entry("file-unexpected")
def an_archive_of_it_all(folder: Path) -> None:
    with zipfile.ZipFile(folder / "submission.zip", "w") as archive:
        for path in folder.glob("model.*"):
            archive.write(path, f"../../{path.name}")


@entry("file-unexpected")
def a_program(folder: Path) -> None:
    (folder / "sitecustomize.so").write_bytes(b"\x7fELF")


@entry("file-twice")
def two_files_of_weights(folder: Path) -> None:
    shutil.copy(folder / WEIGHTS, folder / "model.h5")


@entry("file-count")
def a_thousand_files(folder: Path) -> None:
    for index in range(1_000):
        (folder / f"{index}.py").touch()


BAD_FILES = (*BAD_WEIGHTS, *BAD_PREDICTIONS, *BAD_ENTRIES)
