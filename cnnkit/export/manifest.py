"""The manifest of a bundle: what the network is, what it takes, and a hash of everything."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from cnnkit.errors import BundleError
from cnnkit.export.tensors import TensorRecord

FORMAT = "cnnkit bundle"
FORMAT_VERSION = 2
# What a version added: bundles before it load without.
ADDED = {"taps": 2, "outputs": 2}
MANIFEST_FILE = "manifest.json"

Settings = dict[str, JsonValue]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class InputRecord(_Part):
    """What the model takes: RGB pictures.

    Attributes:
        name: Name of the input layer.
        shape: (height, width, 3).
        dtype: E.g. `"float32"`.
        range: Lowest and highest value, 0 and 255.
        framing: How a picture of any size is brought to the shape.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    range: tuple[float, float]
    framing: Settings


class Manifest(_Part):
    """All that a bundle says about itself.

    Attributes:
        format: Always `"cnnkit bundle"`.
        version: Of the format.
        created: UTC time of saving, ISO 8601.
        cnnkit: Version that saved it.
        keras: Version that saved it.
        tensorflow: Version that saved it.
        backbone: Settings of the backbone.
        cut: The layer where the backbone ends.
        taps: Level of the pyramid → layer, where the head takes features of several scales.
        head: Settings of the head, its kind included.
        classes: Names in the order of the output.
        input: What the model takes.
        outputs: Name → shape of each output of the model, without the axis of pictures; "" where there is one.
        layers: Layer names in the order of the model.
        tensors: Every weight.
        model_hash: Of all tensors, see `tensors.model_hash`.
        files: File name → sha256.
        training: Plan, seed and data fingerprint, if known.
        digest: sha256 of all of the above; a manifest edited by hand does not carry the right one.
    """

    format: Literal["cnnkit bundle"]
    version: int
    created: str
    cnnkit: str
    keras: str
    tensorflow: str
    backbone: Settings
    cut: str
    head: Settings
    classes: tuple[str, ...]
    input: InputRecord
    layers: tuple[str, ...]
    tensors: tuple[TensorRecord, ...]
    model_hash: str
    files: dict[str, str]
    training: Settings | None = None
    taps: dict[str, str] = {}
    outputs: dict[str, tuple[int | None, ...]] = {}
    digest: str = ""

    def sealed(self) -> Manifest:
        """The same with its digest."""
        return self.model_copy(update={"digest": self.compute_digest()})

    def compute_digest(self) -> str:
        """The sha256 that belongs in `digest`."""
        values = self._values(exclude={"digest"})
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

    def _values(self, exclude: set[str]) -> dict[str, Any]:
        """The fields that a bundle of this version has."""
        later = {name for name, version in ADDED.items() if version > self.version}
        return self.model_dump(mode="json", exclude=exclude | later)

    def to_json(self) -> str:
        """JSON to be read by people too: one line a field, one line a tensor."""
        lines = []
        for name, value in self._values(exclude=set()).items():
            text = json.dumps(value, ensure_ascii=False)
            if name == "tensors":
                rows = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in value)
                text = f"[\n  {rows}\n ]"
            lines.append(f' "{name}": {text}')
        return "{\n" + ",\n".join(lines) + "\n}\n"


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a bundle.

    Raises:
        BundleError: It is missing, not a manifest, or of another format version.
    """
    path = folder / MANIFEST_FILE
    try:
        values: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BundleError(
            f"a bundle, with {MANIFEST_FILE}",
            f"{folder} without it" if folder.is_dir() else f"{folder}, which does not exist",
            "Give the folder that ck.save wrote.",
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f"JSON in {path}", str(error), _RESTORE) from error
    version = values.get("version") if isinstance(values, dict) else None
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise BundleError(f"the manifest of a {FORMAT}", f"another file at {path}", _RESTORE)
    if version not in range(1, FORMAT_VERSION + 1):
        raise BundleError(
            f"a bundle of format version 1 to {FORMAT_VERSION}",
            f"version {version!r}, written by cnnkit {values.get('cnnkit')}",
            "Use the checkout of cnnkit that wrote it, or a newer one.",
        )
    try:
        return Manifest.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BundleError(f"{where} in {path}", first["msg"], _RESTORE) from error


_RESTORE = "The bundle is damaged: save the network again, or restore the folder from a copy."
