"""What a bundle may not be: a folder that is none, a head that nobody can make again, weights that are no numbers."""

from __future__ import annotations

import json
import os
from pathlib import Path

import keras

import cnnkit
from cnnkit.errors import BundleError, CnnkitError, InputError
from cnnkit.export.manifest import MANIFEST_FILE, Manifest
from cnnkit.heads.head import Head, OpenSetHead
from cnnkit.heads.table import KINDS
from cnnkit.heads.table import from_settings as head_from_settings
from cnnkit.transfer.finite import not_finite
from cnnkit.transfer.network import Network

MODEL_FILE = "model.json"
WEIGHTS_FILE = "model.weights.h5"
RESTORE = "Save the network again, or restore the folder from a copy."


def folder_of(value: object) -> Path:
    """The folder that a caller named, `~` being the home.

    Raises:
        InputError: It is no path.
    """
    if not isinstance(value, str | os.PathLike) or not str(value):
        raise InputError("the path of a folder", f"{type(value).__name__}: {value!r}"[:200], 'One is "runs/photos".')
    return Path(value).expanduser()


def check_head(head: Head) -> None:
    """Refuses a head that `load` would not give back: its bundle could not be loaded, or into another head."""
    try:
        again: object = head_from_settings(json.loads(json.dumps(head.settings())))
    except (CnnkitError, TypeError, ValueError) as error:
        again = error
    if type(again) is not type(head):
        made = f"they give {again}" if isinstance(again, Exception) else f"they give a {type(again).__name__}"
        raise BundleError(
            "a head that ck.load can make again from its settings()",
            f"{type(head).__name__}, {made}",
            "Use a head of ck.heads; net.model.save(path) keeps the model of any head, for Keras.",
        )


def check_finite(model: keras.Model) -> None:
    """Refuses a model that can predict nothing."""
    path = not_finite(model)
    if path is not None:
        raise BundleError(
            "finite weights in a bundle",
            f"NaN or infinity in {path}",
            "No picture can be predicted with them: they are of a training that diverged. Train again at a lower rate.",
        )


def check_classes(classes: tuple[str, ...], network: Network, folder: Path) -> None:
    """The head can read the outputs of the network as its classes."""
    try:
        names = network.head.decode(network.no_outputs(), network.size).names
        if isinstance(network.head, OpenSetHead):  # what it predicts has no names
            names = network.head.names
    except (CnnkitError, ValueError, IndexError, KeyError, TypeError) as error:
        units = ", ".join("×".join(map(str, tensor.shape[1:])) for tensor in network.outputs.values())
        raise BundleError(
            f"classes for the {units} output units of the network in {folder}",
            f"{len(classes)}: {', '.join(classes)}",
            f"The class list does not belong to this network ({error}). {RESTORE}",
        ) from error
    if tuple(names) != tuple(classes):
        raise BundleError(
            f"the classes {list(names)} of the head in {folder}",
            f"{len(classes)}: {', '.join(classes)}",
            "The class list does not belong to this network. " + RESTORE,
        )


def head_of(manifest: Manifest, folder: Path) -> Head:
    """The head that a bundle describes."""
    if list(manifest.classes) != manifest.head.get("classes", list(manifest.classes)):
        raise BundleError(
            f"the classes of the head, {manifest.head['classes']}",
            f"classes {list(manifest.classes)} in {folder / MANIFEST_FILE}",
            "The class list was changed after saving. " + RESTORE,
        )
    try:
        return head_from_settings(manifest.head)
    except (CnnkitError, TypeError) as error:
        same = manifest.cnnkit == cnnkit.__version__
        reason = "The head is code of whoever saved it" if same else f"cnnkit {manifest.cnnkit} saved it: install that"
        kind = str(manifest.head.get("kind"))
        raise BundleError(
            f"a head that this version of cnnkit, {cnnkit.__version__}, knows",
            repr(kind) if kind not in KINDS else f"{kind!r} with other settings: {error}",
            f"{reason}; without it, plain Keras loads {MODEL_FILE} and {WEIGHTS_FILE}.",
        ) from error
