"""Checkpoints of a training: enough to go on after a kill as if nothing had happened.

`folder/checkpoint-0003` holds the state after three epochs: `state.json` and `arrays.npz` (weights, statistics,
random states, optimizer slots, best weights so far). A checkpoint appears whole, by a rename, and replaces the one
before it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.errors import CheckpointError, InputError

STATE_FILE = "state.json"
ARRAYS_FILE = "arrays.npz"

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class State:
    """How far a training has come.

    Attributes:
        identity: What the training is of: another one cannot go on from here.
        phase: Index of the current phase.
        epoch: Epochs of that phase that are done.
        rows: The history so far.
        trained_parameters: Phase → how many parameters trained in it.
        best: The best validation of the phase so far, as `plan.Phase.monitor` compares it.
        waited: Epochs since then.
        stopped: Whether the phase has ended before its last epoch.
        ended: Whether a callback has ended the whole training.
        callbacks: What callbacks have counted, as `callback_counters.packed` gives it.
        before: The network's run before this training, its settings and rows; None where it had none.
    """

    identity: dict[str, Any]
    phase: int = 0
    epoch: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)
    trained_parameters: dict[str, int] = field(default_factory=dict)
    best: list[float] | None = None
    waited: int = 0
    stopped: bool = False
    ended: bool = False
    callbacks: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] | None = None


class Checkpoints:
    """The checkpoints of one training in a folder of their own."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def save(self, state: State, arrays: Arrays) -> Path:
        """Writes a checkpoint and removes the older ones.

        Raises:
            CheckpointError: The disk is full or the folder cannot be written; the checkpoint before stays whole.
        """
        target = self.folder / f"checkpoint-{len(state.rows):04d}"
        partial = self.folder / f".{target.name}.{os.getpid()}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            _write(partial, state, arrays)
        except OSError as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise CheckpointError(
                f"to write a checkpoint in {self.folder}",
                str(error),
                "Make room, or give a folder that can be written: the same call goes on from the last checkpoint.",
            ) from error
        older = self._all()
        partial.replace(target)
        for folder in older:
            shutil.rmtree(folder)
        return target

    def latest(self, identity: Mapping[str, Any]) -> tuple[State, Arrays] | None:
        """The newest checkpoint, or None.

        Raises:
            InputError: It belongs to another training: the first difference is named.
            CheckpointError: It cannot be read.
        """
        found = self._all()
        if not found:
            return None
        try:
            state = State(**json.loads((found[-1] / STATE_FILE).read_text(encoding="utf-8")))
            with np.load(found[-1] / ARRAYS_FILE, allow_pickle=False) as file:
                arrays = dict(file)
        except (OSError, ValueError, TypeError, EOFError, BadZipFile) as error:
            raise CheckpointError(
                f"a whole checkpoint of this version of cnnkit in {found[-1]}",
                str(error),
                "It is damaged, or of another version: remove it to start anew.",
            ) from error
        asked = json.loads(json.dumps(dict(identity)))
        for key, value in asked.items():
            kept = state.identity.get(key)
            if kept != value:
                raise InputError(
                    f"the same {key} as in the checkpoint {found[-1]}: {_short(kept)}",
                    _short(value),
                    "Repeat the call that was interrupted, or give another folder to start anew.",
                )
        return state, arrays

    def remove(self) -> None:
        """Removes the checkpoints, and their folder where nothing else is in it."""
        for folder in self._all():
            shutil.rmtree(folder)
        with suppress(OSError):
            self.folder.rmdir()

    def _all(self) -> list[Path]:
        named = (place for place in self.folder.glob("checkpoint-*") if re.fullmatch(r"checkpoint-\d{4,}", place.name))
        return sorted(place for place in named if (place / STATE_FILE).is_file())


def pack(name: str, variables: Sequence[keras.Variable]) -> Arrays:
    """The values of variables as `name/0`, `name/1` and so on."""
    return {f"{name}/{index}": np.array(variable.numpy()) for index, variable in enumerate(variables)}


def unpack(name: str, variables: Sequence[keras.Variable], arrays: Arrays) -> None:
    """Puts what `pack` took back into the same variables."""
    for index, variable in enumerate(variables):
        variable.assign(arrays[f"{name}/{index}"])


def _write(folder: Path, state: State, arrays: Arrays) -> None:
    with (folder / ARRAYS_FILE).open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
        _flush(file)
    with (folder / STATE_FILE).open("w", encoding="utf-8") as text:
        json.dump(asdict(state), text, indent=1)
        _flush(text)


def _flush(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 120 else f"{text[:117]}…"
