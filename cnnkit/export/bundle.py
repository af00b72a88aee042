"""Bundles: a network as files that anyone can load.

A bundle is a folder: `model.json` and `model.weights.h5`, which plain Keras loads with no custom object and which take
raw RGB 0…255; `manifest.json`, which says what they are and proves that they are unchanged; and `history.parquet`.

    model = keras.models.model_from_json(open("model.json").read())
    model.load_weights("model.weights.h5")
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import re
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import pandas as pd
import tensorflow as tf

import cnnkit
from cnnkit.backbones.extractor import Backbone, BackboneSettings
from cnnkit.backbones.initial_weights import seeded
from cnnkit.backbones.truncation import cut_node
from cnnkit.data.views.framing import Framing
from cnnkit.errors import BundleError, CnnkitError, InputError
from cnnkit.export.atomic_folder import prove_room, replace_folder, restore
from cnnkit.export.bundle_checks import (
    MODEL_FILE,
    RESTORE,
    WEIGHTS_FILE,
    check_classes,
    check_finite,
    check_head,
    folder_of,
    head_of,
)
from cnnkit.export.manifest import (
    FORMAT,
    FORMAT_VERSION,
    MANIFEST_FILE,
    InputRecord,
    Manifest,
    read_manifest,
)
from cnnkit.export.stock import check_stock
from cnnkit.export.tensors import TensorRecord, differences, model_hash, tensor_records
from cnnkit.transfer.network import Network, network_of
from cnnkit.transfer.run import Run
from cnnkit.transfer.run import from_settings as run_from_settings

HISTORY_FILE = "history.parquet"
FILES = (MODEL_FILE, WEIGHTS_FILE, MANIFEST_FILE, HISTORY_FILE)
ENDS = "stage_ends"
"""Beside the settings of a dilated backbone in the manifest: where its stages ended."""


def save(network: Network, folder: str | Path, *, run: Run | None = None) -> Path:
    """Writes a network as a bundle, reads it back and compares every tensor, bit for bit, before the folder appears.

    A bundle that was there is replaced at once or, if anything fails, stays as it was. The network itself is not
    touched: neither its optimizer nor its flags.

    What is loaded goes on: `ck.fit(ck.load(folder), photos, plan)` trains it further, and `ck.add_classes` widens it.
    `net.model` is a Keras model from RGB 0…255 to probabilities, so Keras and TensorFlow write other formats::

        net.model.save("net.keras")                            # one file of Keras
        net.model.export("net")                                # a SavedModel, for TensorFlow Serving
        converter = tf.lite.TFLiteConverter.from_saved_model("net")
        Path("net.tflite").write_bytes(converter.convert())    # for telephones
        net.model.export("net.onnx", format="onnx")            # with the package tf2onnx

    Args:
        network: What to save; all its layers are stock Keras layers.
        folder: Where to; made with its parents. Another folder's files are never overwritten.
        run: For the manifest and the history; by default the network's own, every `fit` of it.

    Returns:
        The folder.

    Raises:
        InputError: Something else than a network, a folder or a run.
        BundleError: The head is none of `ck.heads`; a layer does not load in plain Keras; a weight is not finite; the
            disk is full; the folder may not be written or holds other files; what was read back differs.
    """
    network, folder = network_of(network), folder_of(folder)
    if run is not None and not isinstance(run, Run):
        raise InputError("a run, or None", f"{type(run).__name__}: {run!r}"[:200], "ck.fit returns one.")
    replace_folder(
        folder.absolute(), lambda partial: write_bundle(network, partial, run=run), known=FILES, mark=MANIFEST_FILE
    )
    return folder


def write_bundle(network: Network, folder: Path, *, run: Run | None = None) -> None:
    """Writes the files of a bundle into an empty folder, reads them back and compares every tensor, bit for bit.

    Args:
        network: As for `save`.
        folder: It exists and is empty.
        run: As for `save`.

    Raises:
        BundleError: As for `save`.
        OSError: The disk is full, or the folder may not be written.
    """
    run = run or network.run
    check_head(network.head)
    # Not the live model: it may be compiled, and its optimizer does not belong into the files.
    model = keras.Model(network.model.input, network.model.output, name=network.model.name)
    architecture = _architecture(model)
    check_classes(network.classes, network, folder)
    check_finite(model)
    records = tensor_records(model)
    (folder / MODEL_FILE).write_text(json.dumps(architecture), encoding="utf-8")
    _write_weights(model, folder / WEIGHTS_FILE)
    if run is not None:
        run.history.to_parquet(folder / HISTORY_FILE, index=False)
    manifest = _manifest(network, model, records, folder, run)
    (folder / MANIFEST_FILE).write_text(manifest.to_json(), encoding="utf-8")
    _load_model(folder, read_manifest(folder))


def load(folder: str | Path) -> Network:
    """Reads a bundle and proves that it is what was saved.

    The model comes from its files alone: no weights are fetched, no application is built again.

    Args:
        folder: What `save` wrote.

    Returns:
        The network, not compiled; its `run` tells how it was trained, if that was saved.

    Raises:
        InputError: Something else than the path of a folder.
        BundleError: A file is missing, damaged or changed; a tensor, layer or class differs from what was saved; the
            bundle is of another format version.
    """
    folder = folder_of(folder)
    restore(folder.absolute())
    manifest = read_manifest(folder)
    head = head_of(manifest, folder)
    if manifest.digest != manifest.compute_digest():
        raise BundleError(f"{MANIFEST_FILE} in {folder} as it was saved", "it was changed afterwards", RESTORE)
    model = _load_model(folder, manifest)
    settings: Any = dict(manifest.backbone)
    ends = tuple(settings.pop(ENDS, ()))
    backbone_settings = BackboneSettings(**{**settings, "input_shape": tuple(settings["input_shape"])})
    # Behind several taps no layer is all that the head needs, so the cut is none of the whole model.
    tensor = model.get_layer(manifest.cut).output if manifest.taps else cut_node(model, manifest.cut).outputs[0]
    body = keras.Model(model.inputs[0], tensor, name=backbone_settings.name)
    framing: Any = manifest.input.framing
    network = Network(
        model=model,
        backbone=Backbone(backbone_settings.name, body, manifest.cut, backbone_settings, ends),
        head=head,
        framing=Framing(**framing),
        run=_run(folder, manifest),
    )
    check_classes(manifest.classes, network, folder)
    return network


# ---- Writing ----


def _architecture(model: keras.Model) -> dict[str, Any]:
    try:
        architecture: dict[str, Any] = json.loads(model.to_json())
    except CnnkitError:
        raise
    except (TypeError, ValueError, NotImplementedError) as error:
        check_stock(model, {})  # names the layer, if that is the reason
        raise BundleError(
            "a network that can be described in JSON", str(error), "Use stock layers of keras.layers."
        ) from error
    check_stock(model, architecture)
    return architecture


def _write_weights(model: keras.Model, path: Path) -> None:
    values = sum(math.prod(variable.shape) * (8 if "64" in str(variable.dtype) else 4) for variable in model.weights)
    # HDF5 takes 2.8 KB a layer beside the values (MobileNet: 240 KB for 86 layers).
    prove_room(path.parent, values + 8192 * len(model.operations) + (1 << 16))
    try:
        model.save_weights(path)
    except (OSError, RuntimeError) as error:
        # HDF5 tells the reason in its message; a disk that is full when it closes the file is a RuntimeError.
        told = re.search(r"errno = (\d+)", str(error))
        code = int(told[1]) if told else getattr(error, "errno", None) or errno.EIO
        raise OSError(code, str(error)) from error


def _manifest(
    network: Network, model: keras.Model, records: tuple[TensorRecord, ...], partial: Path, run: Run | None
) -> Manifest:
    entry = model.inputs[0]
    values = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "cnnkit": cnnkit.__version__,
        "keras": keras.version(),
        "tensorflow": tf.__version__,
        "backbone": asdict(network.backbone.settings)
        | ({ENDS: network.backbone.ends} if network.backbone.ends else {}),
        "cut": network.cut,
        "taps": network.taps,
        "outputs": {name: tuple(tensor.shape[1:]) for name, tensor in network.outputs.items()},
        "head": network.head.settings(),
        "classes": network.classes,
        "input": InputRecord(
            name=entry.name,
            shape=tuple(entry.shape[1:]),
            dtype=str(entry.dtype),
            range=(0.0, 255.0),
            framing=asdict(network.framing),
        ),
        "layers": _layer_names(model),
        "tensors": records,
        "model_hash": model_hash(records),
        "files": {file.name: _sha256(file) for file in sorted(partial.iterdir())},
        "training": run.settings() if run is not None else None,
    }
    # Through JSON: what is compared on loading is what JSON keeps (tuples become lists).
    plain = json.loads(json.dumps(values, default=lambda part: part.model_dump(mode="json")))
    return Manifest.model_validate(plain).sealed()


# ---- Reading ----


def _load_model(folder: Path, manifest: Manifest) -> keras.Model:
    """The model of a bundle, its files and every tensor compared with the manifest."""
    for name in (MODEL_FILE, WEIGHTS_FILE, *manifest.files):
        if not (folder / name).is_file():
            raise BundleError(f"the file {name} in {folder}", "it is missing", RESTORE)
    changed = [name for name in (MODEL_FILE, WEIGHTS_FILE) if _sha256(folder / name) != manifest.files.get(name)]
    if MODEL_FILE in changed:
        # Nothing is built from a changed architecture; its names are enough to say what was done to it.
        raise BundleError(
            f"the layers in {folder / MODEL_FILE} as they were saved",
            _layer_difference(folder / MODEL_FILE, manifest.layers),
            RESTORE,
        )
    model = _build(folder)
    found = tensor_records(model)
    said = differences(manifest.tensors, found)
    if not said and changed:
        said = ["the file was written again, with the same tensors"]
    if not said and _layer_names(model) != manifest.layers:
        said = ["the layers stand in another order"]
    if said:
        more = f" and {len(said) - 3} more" if len(said) > 3 else ""
        raise BundleError(
            f"the tensors in {folder / WEIGHTS_FILE} as they were saved", "; ".join(said[:3]) + more, RESTORE
        )
    check_finite(model)
    return model


def _build(folder: Path) -> keras.Model:
    text = (folder / MODEL_FILE).read_text(encoding="utf-8")
    try:
        with seeded(0):
            model: keras.Model = keras.models.model_from_json(text)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise BundleError(f"{MODEL_FILE} that Keras {keras.version()} can build", str(error)[:300], RESTORE) from error
    try:
        model.load_weights(folder / WEIGHTS_FILE)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0][:300]
        raise BundleError(f"weights of this model in {folder / WEIGHTS_FILE}", reason, RESTORE) from error
    return model


def _layer_names(model: keras.Model) -> tuple[str, ...]:
    """In the order of the model, operations between tensors included."""
    return tuple(operation.name for operation in model.operations)


def _layer_difference(path: Path, layers: tuple[str, ...]) -> str:
    """In words, what happened to the layers of a model.json."""
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
        found = [str(layer["config"]["name"]) for layer in described["config"]["layers"]]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return "something that is not the JSON of a model"
    missing = [name for name in layers if name not in found]
    new = [name for name in found if name not in layers]
    if missing and new and len(layers) == len(found):
        return f"layer {missing[0]!r} renamed to {new[0]!r}"
    if missing or new:
        return f"layer {(missing or new)[0]!r} {'missing' if missing else 'added'}"
    if tuple(found) != layers:
        place = next(new for new, old in zip(found, layers, strict=False) if new != old)
        return f"the layers in another order, from {place!r} on"
    return "the same layers with other settings or connections"


def _run(folder: Path, manifest: Manifest) -> Run | None:
    training: Any = manifest.training
    if training is None:
        return None
    if _sha256(folder / HISTORY_FILE) != manifest.files.get(HISTORY_FILE):
        raise BundleError(f"{folder / HISTORY_FILE} as it was saved", "it was changed afterwards", RESTORE)
    return run_from_settings(training, pd.read_parquet(folder / HISTORY_FILE))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
