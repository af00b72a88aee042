"""A walk through an HDF5 file, link by link, that reads no value: what may not be there, and the tensors.

HDF5 can point into other files, at itself and at nothing, and declare terabytes in a few bytes. Every number that such
a file can make large has a limit here, and the walk ends at the first that is reached.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import h5py
from h5py import h5a, h5d, h5g, h5l, h5o, h5s, h5t

from cnnkit.course.submissions.findings import shown
from cnnkit.course.submissions.h5_chunks import BAND_BYTES, CHUNK_BYTES, Shape, band_bytes, chunk_count, filter_fault

OBJECTS = 20_000  # groups and tensors; 2,000 layers with the state of their optimizer have about as many
DEPTH = 64  # groups within groups
NAME_BYTES = 1_000  # of one name; Keras writes up to 60
ATTRIBUTES = 64  # of one object; Keras writes up to 5
ALL_ATTRIBUTES = 20_000
ATTRIBUTE_BYTES = 4_000_000  # of all together; the model that an old .h5 holds has 20 to 500 KB
CHUNKS = 20_000  # of all together; h5py cuts 400 MB into 12,000
PACKED_BYTES = 250_000_000  # of all packed tensors; 100 MB take 1.3 s. Keras packs nothing

LAYOUTS = (h5d.COMPACT, h5d.CONTIGUOUS, h5d.CHUNKED)
FLOATS = (h5t.IEEE_F16LE, h5t.IEEE_F32LE, h5t.IEEE_F64LE, h5t.IEEE_F16BE, h5t.IEEE_F32BE, h5t.IEEE_F64BE)
PLAIN_ATTRIBUTES = (h5t.STRING, h5t.INTEGER, h5t.FLOAT)

# Check → what is expected. The first ones end the walk.
ENDING = {
    "h5-objects": f"at most {OBJECTS:,} groups and tensors",
    "h5-depth": f"at most {DEPTH} groups within groups",
    "h5-attributes": f"at most {ALL_ATTRIBUTES:,} attributes of together {ATTRIBUTE_BYTES:,} bytes",
    "h5-chunks": f"at most {CHUNKS:,} chunks of tensors, and {PACKED_BYTES:,} bytes of packed ones",
}
WALK_KINDS = {
    **ENDING,
    "h5-name": f"names of up to {NAME_BYTES:,} printable characters, none of them '..'",
    "h5-link": "each group and tensor in its place in this file, not a link to one",
    "h5-linked-twice": "each group and tensor in one place only",
    "h5-object": "groups and tensors only",
    "h5-attribute": f"up to {ATTRIBUTES} attributes of an object, all text or numbers",
    "h5-storage": "tensors that lie in this file",
    "h5-filter": "tensors stored plainly or with gzip",
    "h5-chunk": f"chunks of at most {CHUNK_BYTES:,} bytes, and {BAND_BYTES:,} side by side",
    "h5-type": "tensors of float32, float16 or float64",
}

Places = dict[str, list[str]]


@dataclass(frozen=True)
class StoredTensor:
    """A tensor of a file.

    Attributes:
        path: Its path.
        shape: Its shape.
        value_bytes: Of one value.
        chunked: Whether it lies in chunks, and not in one piece.
    """

    path: str
    shape: Shape
    value_bytes: int
    chunked: bool

    @property
    def declared_bytes(self) -> int:
        """Of all values, stored or not."""
        return math.prod(self.shape) * self.value_bytes


@dataclass
class Walk:
    """Every link of a file once, whatever it says.

    Attributes:
        places: Check → where it found something, and what.
        tensors: By path.
    """

    places: Places = field(default_factory=dict)
    tensors: dict[str, StoredTensor] = field(default_factory=dict)
    _seen: set[tuple[int, int]] = field(default_factory=set)
    _links: int = 0
    _attributes_read: int = 0
    _attribute_bytes: int = 0
    _chunks: int = 0
    _packed_bytes: int = 0

    def through(self, root: h5g.GroupID) -> None:
        """Walks from the root."""
        group = h5g.open(root, b"/")
        self._first_time("/", group)
        self._attributes("/", group)
        waiting = [("", 0, group)]
        while waiting and not self._ended:
            path, depth, group = waiting.pop()
            self._links += len(group)
            if self._links > OBJECTS:
                self._note("h5-objects", f"{self._links:,}")
            elif depth >= DEPTH:
                self._note("h5-depth", shown(path))
            else:
                waiting += ((inner, depth + 1, opened) for inner, opened in self._groups_in(path, group))

    @property
    def _ended(self) -> bool:
        return any(check in self.places for check in ENDING)

    def _groups_in(self, path: str, group: h5g.GroupID) -> Iterator[tuple[str, h5g.GroupID]]:
        """The groups in a group; its tensors are kept, all else is noted."""
        for name in group:
            text = name[: NAME_BYTES + 1].decode("utf-8", errors="replace")
            inner = f"{path}/{text}" if path else text
            if not text.isprintable() or text in (".", "..") or "\ufffd" in text or len(name) > NAME_BYTES:
                self._note("h5-name", shown(inner))
            elif group.links.get_info(name).type != h5l.TYPE_HARD:
                self._note("h5-link", shown(inner))
            else:
                opened = h5o.open(group, name)
                if not self._first_time(inner, opened):
                    continue
                self._attributes(inner, opened)
                if isinstance(opened, h5g.GroupID):
                    yield inner, opened
                elif isinstance(opened, h5d.DatasetID):
                    self._tensor(inner, opened)
                else:
                    self._note("h5-object", f"a named type, {shown(inner)}")
            if self._ended:
                return

    def _first_time(self, path: str, opened: h5py.h5.ObjectID) -> bool:
        """Hard links can make a cycle; an object's address cannot."""
        where = h5o.get_info(opened)
        address = (where.fileno, where.addr)
        if address in self._seen:
            self._note("h5-linked-twice", shown(path))
            return False
        self._seen.add(address)
        return True

    def _attributes(self, path: str, opened: h5py.h5.ObjectID) -> None:
        count = h5a.get_num_attrs(opened)
        self._attributes_read += count
        if count > ATTRIBUTES:
            self._note("h5-attribute", f"{shown(path)} with {count:,} of them")
        elif self._attributes_read > ALL_ATTRIBUTES:
            self._note("h5-attributes", f"more, at {shown(path)}")
        else:
            for index in range(count):
                self._attribute(path, h5a.open(opened, index=index))

    def _attribute(self, path: str, attribute: h5a.AttrID) -> None:
        kind = attribute.get_type()
        self._attribute_bytes += attribute.get_space().get_simple_extent_npoints() * kind.get_size()
        if kind.get_class() not in PLAIN_ATTRIBUTES:
            self._note("h5-attribute", f"{shown(path)} with {shown(attribute.name.decode(errors='replace'))}")
        if self._attribute_bytes > ATTRIBUTE_BYTES:
            self._note("h5-attributes", f"more, at {shown(path)}")

    def _tensor(self, path: str, opened: h5d.DatasetID) -> None:
        created = opened.get_create_plist()
        kind, space = opened.get_type(), opened.get_space()
        layout = created.get_layout()
        if layout not in LAYOUTS or created.get_external_count():
            self._note(
                "h5-storage", f"{shown(path)} in {'a virtual view' if layout == h5d.VIRTUAL else 'another file'}"
            )
            return
        integer = kind.get_class() == h5t.INTEGER  # a step or a count: of an optimizer, of Normalization
        if space.get_simple_extent_type() == h5s.NULL or not (integer or any(kind.equal(each) for each in FLOATS)):
            self._note("h5-type", f"{shown(path)} of {_type_name(kind)}")
        elif integer and space.get_simple_extent_ndims() > 0:
            self._note("h5-type", f"{shown(path)} of integers")
        else:
            shape, chunked = tuple(space.get_simple_extent_dims()), layout == h5d.CHUNKED
            self.tensors[path] = StoredTensor(path, shape, int(kind.get_size()), chunked)
            if chunked:
                self._chunked(self.tensors[path], created)

    def _chunked(self, tensor: StoredTensor, created: h5py.h5p.PropDCID) -> None:
        chunk = tuple(created.get_chunk())
        if fault := filter_fault(created, tensor.value_bytes):
            self._note("h5-filter", f"{shown(tensor.path)} with {fault}")
        one, together = math.prod(chunk) * tensor.value_bytes, band_bytes(tensor.shape, chunk, tensor.value_bytes)
        self._chunks += chunk_count(tensor.shape, chunk)
        self._packed_bytes += tensor.declared_bytes if created.get_nfilters() else 0
        if one > CHUNK_BYTES or together > BAND_BYTES:
            self._note("h5-chunk", f"{shown(tensor.path)} in chunks of {chunk}")
        if self._chunks > CHUNKS or self._packed_bytes > PACKED_BYTES:
            said = f"{self._chunks:,} of together {self._packed_bytes:,} bytes, with those of {shown(tensor.path)}"
            self._note("h5-chunks", said)

    def _note(self, check: str, place: str) -> None:
        self.places.setdefault(check, []).append(place)


def _type_name(kind: h5t.TypeID) -> str:
    names = {
        h5t.STRING: "text",
        h5t.BITFIELD: "bits",
        h5t.OPAQUE: "opaque bytes",
        h5t.COMPOUND: "a compound type",
        h5t.REFERENCE: "references",
        h5t.ENUM: "an enumeration",
        h5t.VLEN: "a variable length",
        h5t.ARRAY: "arrays",
        h5t.FLOAT: "unusual floats",
    }
    return names.get(kind.get_class(), "no values")
