"""The weights of a submission: an HDF5 file with exactly the tensors of its model. Runs in a throw-away process.

HDF5 can point into other files, at itself and at nothing, and declare terabytes in a few bytes; the weights of a model
need none of this. So the file is walked link by link before a value is read, and what Keras never writes is refused.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5l, h5o, h5s, h5t, h5z
from numpy.typing import NDArray

from cnnkit.submissions.findings import Finding, shown
from cnnkit.submissions.tensor_prints import TensorPrint, WeightsPrint, weights_print

Shape = tuple[int, ...]

MAGIC = b"\x89HDF\r\n\x1a\n"
OBJECTS = 50_000  # groups and tensors; 2,000 layers with the state of their optimizer have 20,000
DEPTH = 64  # groups within groups
ATTRIBUTES = 64  # of one object; Keras writes up to 5
ATTRIBUTE_BYTES = 4_000_000
CHUNK_BYTES = 16_000_000  # Keras stores in one piece, h5repack in chunks of about 1 MB
BLOCK = 4_000_000  # values read at a time
LISTED = 5  # places that one finding names

FILTERS = (h5z.FILTER_DEFLATE, h5z.FILTER_SHUFFLE, h5z.FILTER_FLETCHER32)
LAYOUTS = (h5d.COMPACT, h5d.CONTIGUOUS, h5d.CHUNKED)
FLOATS = (h5t.IEEE_F16LE, h5t.IEEE_F32LE, h5t.IEEE_F64LE, h5t.IEEE_F16BE, h5t.IEEE_F32BE, h5t.IEEE_F64BE)
PLAIN_ATTRIBUTES = (h5t.STRING, h5t.INTEGER, h5t.FLOAT)
OPTIMIZER, LEGACY_OPTIMIZER = "optimizer/", "optimizer_weights/"  # checked like all else, but not of the model
OLD_LAYERS = "_layer_checkpoint_dependencies"  # what Keras 2.13 to 2.15 calls the group of layers
WHOLE_MODEL = "model_weights/"  # where `model.save("model.h5")` puts the tensors

_SAVE_AGAIN = "Save them again: model.save_weights('model.weights.h5'), and hand that file in as it is."
_SAME_MODEL = "Write both from the same model: model.to_json() and model.save_weights('model.weights.h5')."

# Check → what is expected, and what to do. The first ones end the walk.
ENDING = ("h5-objects", "h5-depth")
KINDS = {
    "h5-objects": (f"at most {OBJECTS:,} groups and tensors", _SAVE_AGAIN),
    "h5-depth": (f"at most {DEPTH} groups within groups", _SAVE_AGAIN),
    "h5-name": ("names of printable characters, none of them '..'", _SAVE_AGAIN),
    "h5-link": ("each group and tensor in its place in this file, not a link to one", _SAVE_AGAIN),
    "h5-linked-twice": ("each group and tensor in one place only", _SAVE_AGAIN),
    "h5-object": ("groups and tensors only", _SAVE_AGAIN),
    "h5-attribute": (f"few attributes that are text or numbers, up to {ATTRIBUTE_BYTES:,} bytes", _SAVE_AGAIN),
    "h5-storage": ("tensors that lie in this file", _SAVE_AGAIN),
    "h5-filter": ("tensors stored plainly or with gzip", _SAVE_AGAIN),
    "h5-chunk": (f"chunks of at most {CHUNK_BYTES:,} bytes", _SAVE_AGAIN),
    "h5-type": ("tensors of float32, float16 or float64", _SAVE_AGAIN),
    "h5-layers": ("the layers of the model, in their order", _SAME_MODEL),
    "h5-missing": ("every tensor of the model", _SAME_MODEL),
    "h5-unexpected": ("only tensors of the model", _SAME_MODEL),
    "h5-shape": ("tensors in the shapes of the model", _SAME_MODEL),
    "h5-not-finite": ("finite weights", "The training diverged: use a smaller learning rate and train again."),
}

_Unreadable = (OSError, RuntimeError, ValueError, TypeError, KeyError, OverflowError, MemoryError, UnicodeError)


@dataclass(frozen=True)
class Wanted:
    """What the weights have to be.

    Attributes:
        file: Name of the file, for what is said about it.
        tensors: Path → shape in a `.weights.h5` of Keras 3.
        legacy: The shapes in each layer that has weights, in the order in which a legacy `.h5` lists and loads them.
        most_bytes: The most that all tensors may declare.
    """

    file: str
    tensors: Mapping[str, Sequence[int]]
    legacy: Sequence[Sequence[Sequence[int]]]
    most_bytes: int


def read_weights(file: BinaryIO, wanted: Wanted, *, values: bool = True) -> tuple[list[Finding], WeightsPrint | None]:
    """Checks a weights file.

    Args:
        file: It, open for reading.
        wanted: What it has to be.
        values: Whether to read the tensors too; without it nothing is kept of them.

    Returns:
        What is wrong with it; and if nothing is, what is kept of the values of its tensors.
    """
    start = file.read(len(MAGIC))
    if start != MAGIC:
        return [Finding("h5-magic", wanted.file, "an HDF5 file", _beginning(start), _SAVE_AGAIN)], None
    try:
        with h5py.File(file, "r") as opened:
            walk = _Walk()
            walk.through(opened.id)
            if walk.places:
                return _findings(walk.places, wanted.file), None
            declared = sum(tensor.declared_bytes for tensor in walk.tensors.values())
            if declared > wanted.most_bytes:
                said = f"{declared:,} declared bytes"
                return [Finding("h5-bytes", wanted.file, f"at most {wanted.most_bytes:,}", said, _SAVE_AGAIN)], None
            root = next((root for root in (WHOLE_MODEL, "") if _is_legacy(opened, root)), None)
            state = OPTIMIZER if root is None else LEGACY_OPTIMIZER
            tensors = {path: each for path, each in walk.tensors.items() if not path.startswith(state)}
            if places := _modern(tensors, wanted) if root is None else _legacy(opened, root, tensors, wanted):
                return _findings(places, wanted.file), None
            return _values(tensors, wanted.file) if values else ([], None)
    except _Unreadable as error:
        said = f"{type(error).__name__}: {shown(str(error), 120)}"
        return [Finding("h5-unreadable", wanted.file, "an HDF5 file that can be read", said, _SAVE_AGAIN)], None


@dataclass(frozen=True)
class _Tensor:
    shape: Shape
    id: h5d.DatasetID

    @property
    def declared_bytes(self) -> int:
        return math.prod(self.shape) * int(self.id.get_type().get_size())


Places = dict[str, list[str]]


@dataclass
class _Walk:
    """Every link of a file once, whatever it says: what may not be there, and the tensors.

    Attributes:
        places: Check → where it found something, and what.
        tensors: By path.
    """

    places: Places = field(default_factory=dict)
    tensors: dict[str, _Tensor] = field(default_factory=dict)
    _seen: set[tuple[int, int]] = field(default_factory=set)
    _links: int = 0

    def through(self, root: h5g.GroupID) -> None:
        group = h5g.open(root, b"/")
        self._first_time("/", group)
        self._attributes("/", group)
        waiting = [("", 0, group)]
        while waiting:
            path, depth, group = waiting.pop()
            self._links += len(group)
            if self._links > OBJECTS:
                self._note("h5-objects", f"{self._links:,}")
            elif depth >= DEPTH:
                self._note("h5-depth", shown(path))
            if any(check in self.places for check in ENDING):
                return
            waiting += ((inner, depth + 1, opened) for inner, opened in self._groups_in(path, group))

    def _groups_in(self, path: str, group: h5g.GroupID) -> Iterator[tuple[str, h5g.GroupID]]:
        """The groups in a group; its tensors are kept, all else is noted."""
        for name in group:
            text = name.decode("utf-8", errors="replace")
            inner = f"{path}/{text}" if path else text
            if not text.isprintable() or text in (".", "..") or "\ufffd" in text:
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
        for index in range(min(count, ATTRIBUTES)):
            attribute = h5a.open(opened, index=index)
            kind = attribute.get_type()
            declared = attribute.get_space().get_simple_extent_npoints() * kind.get_size()
            if kind.get_class() not in PLAIN_ATTRIBUTES or declared > ATTRIBUTE_BYTES:
                self._note("h5-attribute", f"{shown(path)} with {shown(attribute.name.decode(errors='replace'))}")
        if count > ATTRIBUTES:
            self._note("h5-attribute", f"{shown(path)} with {count:,} of them")

    def _tensor(self, path: str, opened: h5d.DatasetID) -> None:
        created = opened.get_create_plist()
        kind, space = opened.get_type(), opened.get_space()
        layout = created.get_layout()
        if layout not in LAYOUTS or created.get_external_count():
            self._note(
                "h5-storage", f"{shown(path)} in {'a virtual view' if layout == h5d.VIRTUAL else 'another file'}"
            )
            return
        filters = [created.get_filter(index)[0] for index in range(created.get_nfilters())]
        if not set(filters) <= set(FILTERS):
            self._note("h5-filter", f"{shown(path)} with filter {max(filters)}")
        if layout == h5d.CHUNKED and math.prod(created.get_chunk()) * kind.get_size() > CHUNK_BYTES:
            self._note("h5-chunk", f"{shown(path)} in chunks of {created.get_chunk()}")
        integer = kind.get_class() == h5t.INTEGER  # a step or a count: of an optimizer, of Normalization
        if space.get_simple_extent_type() == h5s.NULL or not (integer or any(kind.equal(each) for each in FLOATS)):
            self._note("h5-type", f"{shown(path)} of {_type_name(kind)}")
        elif integer and space.get_simple_extent_ndims() > 0:
            self._note("h5-type", f"{shown(path)} of integers")
        else:
            self.tensors[path] = _Tensor(tuple(space.get_simple_extent_dims()), opened)

    def _note(self, check: str, place: str) -> None:
        self.places.setdefault(check, []).append(place)


def _modern(tensors: dict[str, _Tensor], wanted: Wanted) -> Places:
    """Where the tensors of a `.weights.h5` are not those of the model: it finds them by path."""
    old = any(path.startswith(OLD_LAYERS) for path in tensors)
    expected = {
        path.replace("layers", OLD_LAYERS if old else "layers"): tuple(shape) for path, shape in wanted.tensors.items()
    }
    there = {path: tensor.shape for path, tensor in tensors.items()}
    places = {
        "h5-missing": [shown(path) for path in expected if path not in there],
        "h5-unexpected": [shown(path) for path in there if path not in expected],
        "h5-shape": [
            _misfit(path, there[path], shape) for path, shape in expected.items() if there.get(path, shape) != shape
        ],
    }
    return {check: found for check, found in places.items() if found}


def _is_legacy(file: h5py.File, root: str) -> bool:
    group = file.get(root or "/")
    return isinstance(group, h5py.Group) and any(name in group.attrs for name in ("layer_names", "layer_names0"))


def _legacy(file: h5py.File, root: str, tensors: dict[str, _Tensor], wanted: Wanted) -> Places:
    """Where the tensors of a legacy `.h5` are not those of the model: it lists them, layer by layer, in attributes."""
    listed = []
    for layer in _names(file[root or "/"], "layer_names"):
        group = file.get(f"{root}{layer}")
        names = _names(group, "weight_names") if isinstance(group, h5py.Group) else []
        if names:
            listed.append([f"{root}{layer}/{name}" for name in names])
    everything = [path for paths in listed for path in paths]
    places: Places = {
        "h5-missing": [shown(path) for path in everything if path not in tensors],
        "h5-unexpected": [shown(path) for path in tensors.keys() - set(everything)],
    }
    if len(listed) != len(wanted.legacy):
        places["h5-layers"] = [f"{len(listed)} layers with weights instead of {len(wanted.legacy)}"]
    elif wrong := [
        f"{len(paths)} tensors instead of {len(shapes)} from {shown(paths[0])}"
        for paths, shapes in zip(listed, wanted.legacy, strict=True)
        if len(paths) != len(shapes)
    ]:
        places["h5-layers"] = wrong
    else:
        expected = [tuple(shape) for shapes in wanted.legacy for shape in shapes]
        places["h5-shape"] = [
            _misfit(path, tensors[path].shape, shape)
            for path, shape in zip(everything, expected, strict=True)
            if path in tensors and tensors[path].shape != shape
        ]
    return {check: found for check, found in places.items() if found}


def _names(group: h5py.Group, attribute: str) -> list[str]:
    """A list of names, which Keras splits over numbered attributes where it is long."""
    keys = (
        [attribute]
        if attribute in group.attrs
        else itertools.takewhile(group.attrs.__contains__, (f"{attribute}{number}" for number in itertools.count()))
    )
    values = [value for key in keys for value in np.atleast_1d(group.attrs[key])]
    return [value.decode() if isinstance(value, bytes) else str(value) for value in values]


def _misfit(path: str, there: Shape, expected: Shape) -> str:
    return f"{shown(path)} with {there} instead of {expected}"


def _values(tensors: dict[str, _Tensor], file: str) -> tuple[list[Finding], WeightsPrint | None]:
    """Reads every tensor: findings, or what is kept of all."""
    prints = {path: TensorPrint(tensor.shape) for path, tensor in tensors.items()}
    for path, tensor in tensors.items():
        for block in _blocks(tensor):
            prints[path].add(block)
    if infinite := [shown(path) for path, each in prints.items() if not each.finite]:
        return _findings({"h5-not-finite": infinite}, file), None
    return [], weights_print(prints.values())


def _blocks(tensor: _Tensor) -> Iterator[NDArray[np.float32]]:
    """The values of a tensor in their order, some rows of its first long axis at a time."""
    dataset = h5py.Dataset(tensor.id)
    axis = next((axis for axis, side in enumerate(tensor.shape) if side > 1), None)
    if axis is None:
        yield _float32(dataset[()])
        return
    rows = max(1, BLOCK // math.prod(tensor.shape[axis + 1 :]))
    for start in range(0, tensor.shape[axis], rows):
        yield _float32(dataset[(*(slice(None),) * axis, slice(start, start + rows))])


def _float32(values: Any) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # 1e300 is infinite for a network
        return np.asarray(values).astype("<f4")


def _findings(places: Places, file: str) -> list[Finding]:
    findings = []
    for check, (expected, remedy) in KINDS.items():
        if found := places.get(check):
            more = f", and {len(found) - LISTED:,} more" if len(found) > LISTED else ""
            findings.append(Finding(check, file, expected, ", ".join(found[:LISTED]) + more, remedy))
    return findings


def _beginning(start: bytes) -> str:
    if not start:
        return "an empty file"
    known = {b"PK": "a zip archive", b"\x1f\x8b": "a gzip archive"}
    return next((name for magic, name in known.items() if start.startswith(magic)), f"one that begins with {start!a}")


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
