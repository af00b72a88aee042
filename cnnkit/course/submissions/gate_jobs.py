"""What the gate has done in throw-away processes: each function takes an open file of a student and says what it is.

Imported where it runs, in the sandbox's server: the HDF5 and Parquet libraries never get into the gate's own process.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from typing import Any, BinaryIO

import numpy as np

from cnnkit.course.submissions import predictions as parquet
from cnnkit.course.submissions import weights_file
from cnnkit.course.submissions.architecture import read_architecture
from cnnkit.course.submissions.assignment import Assignment
from cnnkit.course.submissions.findings import Finding
from cnnkit.course.submissions.notebook import LATEST_MINOR, check_notebook, check_script
from cnnkit.course.submissions.tensor_prints import LEAST_VALUES, TensorPrint

_CODE_CELL: dict[str, Any] = {
    "cell_type": "code",
    "id": "a",
    "metadata": {},
    "execution_count": None,
    "outputs": [],
    "source": "1",
}

# What a file can make long is cut, so that no reply is longer than it may be: else a student could choose between
# "refused" and "crashed", which costs no attempt.
MOST_FINDINGS, MOST_TEXT = 100, 1_000
PATHS_LENGTH = 1_000_000

Arguments = dict[str, Any]
Said = tuple[dict[str, Any], bytes]
Job = Callable[[BinaryIO, Arguments], Said]


def _within_memory(**nothing: Any) -> Callable[[Job], Job]:
    """A job that refuses a file for which its memory does not suffice; `nothing` completes its reply then."""

    def bounded(job: Job) -> Job:
        @functools.wraps(job)
        def run(file: BinaryIO, arguments: Arguments) -> Said:
            name = arguments["file"]
            try:
                return job(file, arguments)
            except (MemoryError, RecursionError):
                return {**_said([replace(_TOO_LARGE, file=name)]), **nothing}, b""

        return run

    return bounded


@_within_memory(tensors=None, legacy=[])
def model(file: BinaryIO, arguments: Arguments) -> Said:
    """Findings about an architecture, and the shapes of the tensors that its weights file has to hold."""
    assignment = Assignment.model_validate_json(arguments["assignment"])
    architecture, findings = read_architecture(_all_of(file), assignment, file=arguments["file"])
    shapes: dict[str, Any] = {"tensors": None, "legacy": []}
    if architecture is not None and sum(map(len, architecture.tensors)) > PATHS_LENGTH:
        findings = (*findings, replace(_PATHS, file=arguments["file"]))
    elif architecture is not None:
        shapes["tensors"] = {path: tensor.shape for path, tensor in architecture.tensors.items()}
        shapes["legacy"] = [
            [tensor.shape for tensor in layer.weights] for layer in architecture.legacy if layer.weights
        ]
    return {**_said(findings), **shapes}, b""


@_within_memory()
def predictions(file: BinaryIO, arguments: Arguments) -> Said:
    """Findings about predictions, and the values as little-endian float32."""
    findings, values = parquet.read_predictions(_all_of(file), parquet.Wanted(**arguments))
    return _said(findings), b"" if values is None else values.astype("<f4").tobytes()


@_within_memory()
def script(file: BinaryIO, arguments: Arguments) -> Said:
    """Findings about a script."""
    return _said(check_script(_all_of(file), file=arguments["file"])), b""


@_within_memory()
def notebook(file: BinaryIO, arguments: Arguments) -> Said:
    """Findings about a notebook."""
    return _said(check_notebook(_all_of(file), file=arguments["file"])), b""


@_within_memory(weights=None)
def weights(file: BinaryIO, arguments: Arguments) -> Said:
    """Findings about weights, and what is kept of their values."""
    values = arguments.pop("values")
    findings, kept = weights_file.read_weights(file, weights_file.Wanted(**arguments), values=values)
    return {**_said(findings), "weights": None if kept is None else asdict(kept)}, b""


def _said(findings: Iterable[Finding]) -> dict[str, Any]:
    blocking_first = sorted(findings, key=lambda finding: not finding.blocking)
    return {"findings": [asdict(finding.cut(MOST_TEXT)) for finding in blocking_first[:MOST_FINDINGS]]}


_PATHS = Finding(
    "budget-tensors",
    "",
    f"tensors whose names have together at most {PATHS_LENGTH:,} letters",
    "more",
    "Do not nest models within models; build one flat model.",
)


_TOO_LARGE = Finding(
    "file-memory",
    "",
    "a file that can be read within the memory of the assignment's limits",
    "one that needs more",
    "Write the file again, with less in it.",
)


def _all_of(file: BinaryIO) -> bytes:
    size = file.seek(0, 2)
    file.seek(0)
    return file.read(size)


def _load_schemas() -> None:
    """Now, because nbformat reads its schemas from files when it needs them, which a throw-away process cannot."""
    for minor in range(LATEST_MINOR + 1):
        empty = {"nbformat": 4, "nbformat_minor": minor, "metadata": {}, "cells": [_CODE_CELL]}
        check_notebook(json.dumps(empty).encode(), file="")


def _load_signs() -> None:
    """Now, because NumPy loads its random numbers when they are first needed."""
    tensor = TensorPrint((LEAST_VALUES, 1))
    tensor.add(np.ones(LEAST_VALUES, np.float32))


_load_schemas()
_load_signs()
