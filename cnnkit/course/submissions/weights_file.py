"""The weights of a submission: an HDF5 file with exactly the tensors of its model. Runs in a throw-away process.

The file is walked link by link before a value is read, and what Keras never writes is refused (`h5_walk`). Then its
tensors are compared with those of the model, and last their values are read.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import h5py
import numpy as np
from h5py import h5d, h5s
from numpy.typing import NDArray

from cnnkit.course.submissions.findings import Finding, RefusedError, shown
from cnnkit.course.submissions.h5_chunks import Shape, bands, long_axis
from cnnkit.course.submissions.h5_container import HEADER_BYTES, container_fault
from cnnkit.course.submissions.h5_walk import WALK_KINDS, Places, StoredTensor, Walk
from cnnkit.course.submissions.tensor_prints import TensorPrint, WeightsPrint, weights_print

BLOCK = 4_000_000  # values read at a time
LISTED = 5  # places that one finding names
NAMES = 4_000  # of layers, or of one layer's tensors

OPTIMIZER, LEGACY_OPTIMIZER = "optimizer/", "optimizer_weights/"  # checked like all else, but not of the model
OLD_LAYERS = "_layer_checkpoint_dependencies"  # what Keras 2.13 to 2.15 calls the group of layers
WHOLE_MODEL = "model_weights/"  # where `model.save("model.h5")` puts the tensors

_SAVE_AGAIN = "Save them again: model.save_weights('model.weights.h5'), and hand that file in as it is."
_SAME_MODEL = "Write both from the same model: model.to_json() and model.save_weights('model.weights.h5')."

# Check → what is expected, and what to do.
KINDS = {
    **{check: (expected, _SAVE_AGAIN) for check, expected in WALK_KINDS.items()},
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
    if fault := container_fault(file.read(HEADER_BYTES)):
        check, expected, received, remedy = fault
        return [Finding(check, wanted.file, expected, received, remedy)], None
    try:
        with h5py.File(file, "r") as opened:
            walk = Walk()
            walk.through(opened.id)
            findings = _findings(walk.places, wanted.file)
            declared = sum(tensor.declared_bytes for tensor in walk.tensors.values())
            if declared > wanted.most_bytes:
                said = f"{declared:,} declared bytes"
                findings.append(Finding("h5-bytes", wanted.file, f"at most {wanted.most_bytes:,}", said, _SAVE_AGAIN))
            if findings:
                return findings, None
            root = next((root for root in (WHOLE_MODEL, "") if _is_legacy(opened, root)), None)
            state = OPTIMIZER if root is None else LEGACY_OPTIMIZER
            tensors = {path: each for path, each in walk.tensors.items() if not path.startswith(state)}
            if places := _modern(tensors, wanted) if root is None else _legacy(opened, root, tensors, wanted):
                return _findings(places, wanted.file), None
            return _values(file, opened, tensors, wanted.file) if values else ([], None)
    except RefusedError as error:
        return [error.finding(wanted.file)], None
    except _Unreadable as error:
        said = f"{type(error).__name__}: {shown(str(error), 120)}"
        return [Finding("h5-unreadable", wanted.file, "an HDF5 file that can be read", said, _SAVE_AGAIN)], None


def _modern(tensors: dict[str, StoredTensor], wanted: Wanted) -> Places:
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


def _legacy(file: h5py.File, root: str, tensors: dict[str, StoredTensor], wanted: Wanted) -> Places:
    """Where the tensors of a legacy `.h5` are not those of the model: it lists them, layer by layer, in attributes."""
    layers = _names(file[root or "/"], "layer_names")
    if len(set(layers)) < len(layers):
        return {"h5-layers": [f"{len(layers):,} layers, some of them twice"]}
    listed = []
    for layer in layers:
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
    """A list of names, which Keras splits over numbered attributes where it is long.

    Raises:
        RefusedError: `h5-layers`: there are many. Their bytes have no limit but the process's: texts of variable
            length, as h5py writes them, may all be the same long one.
    """
    keys = (
        [attribute]
        if attribute in group.attrs
        else itertools.takewhile(group.attrs.__contains__, (f"{attribute}{number}" for number in itertools.count()))
    )
    names: list[str] = []
    for key in keys:
        count = len(names) + group.attrs.get_id(key).get_space().get_simple_extent_npoints()
        if count > NAMES:
            raise RefusedError("h5-layers", f"at most {NAMES:,} names in {key!r}", f"{count:,}", _SAVE_AGAIN)
        values = np.atleast_1d(group.attrs[key])
        names += [value.decode() if isinstance(value, bytes) else str(value) for value in values]
    return names


def _misfit(path: str, there: Shape, expected: Shape) -> str:
    return f"{shown(path)} with {there} instead of {expected}"


def _values(
    file: BinaryIO, opened: h5py.File, tensors: dict[str, StoredTensor], name: str
) -> tuple[list[Finding], WeightsPrint | None]:
    """Reads every tensor: findings, or what is kept of all."""
    prints = {path: TensorPrint(tensor.shape) for path, tensor in tensors.items()}
    for path, tensor in tensors.items():
        for block in _blocks(file, h5d.open(opened.id, path.encode()), tensor):
            prints[path].add(_float32(block))
    if infinite := [shown(path) for path, each in prints.items() if not each.finite]:
        return _findings({"h5-not-finite": infinite}, name), None
    return [], weights_print(prints.values())


def _blocks(file: BinaryIO, dataset: h5d.DatasetID, stored: StoredTensor) -> Iterator[NDArray[Any]]:
    """The values of a tensor in their order, some rows of its first long axis at a time."""
    shape = stored.shape
    if stored.chunked:
        yield from bands(file, dataset)
    elif math.prod(shape) <= BLOCK:
        values = np.empty(shape, dataset.dtype)
        if values.size:
            dataset.read(h5s.ALL, h5s.ALL, values)
        yield values
    else:
        tensor = h5py.Dataset(dataset)
        axis = long_axis(shape)
        rows = max(1, BLOCK // math.prod(shape[axis + 1 :]))
        for start in range(0, shape[axis], rows):
            yield tensor[(*(slice(None),) * axis, slice(start, start + rows))]


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
