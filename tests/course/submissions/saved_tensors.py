"""What Keras really writes into a weights file: the truth that the arithmetic is compared with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py

Shape = tuple[int, ...]


def tensors_of(path: Path) -> dict[str, Shape]:
    """Path → shape of every tensor of a `.weights.h5`; the state of an optimizer left out."""
    found: dict[str, Shape] = {}

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and not name.startswith("optimizer/"):
            found[name] = item.shape

    with h5py.File(path, "r") as file:
        file.visititems(note)
    return found


def legacy_layers_of(path: Path) -> list[tuple[str, list[Shape]]]:
    """Name and shapes of each layer of a legacy `.h5`, in the order of its attributes."""
    with h5py.File(path, "r") as file:
        root = file.get("model_weights", file)
        return [
            (_text(layer), [root[_text(layer)][_text(name)].shape for name in root[_text(layer)].attrs["weight_names"]])
            for layer in root.attrs["layer_names"]
        ]


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)
