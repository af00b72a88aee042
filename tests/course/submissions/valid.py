"""A small valid submission, made in milliseconds and without TensorFlow.

The model is that of `keras_json.body`: 32×32 pixels, one convolution, one sigmoid unit. `test_architecture` builds it
with Keras and loads these weights into it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cnnkit.course.submissions.assignment import Assignment
from tests.course.submissions.keras_json import body, functional

ASSIGNMENT = Assignment(name="person", title="Is there a person in the picture?")
TENSORS = {
    "layers/batch_normalization/vars/0": (8,),
    "layers/batch_normalization/vars/1": (8,),
    "layers/batch_normalization/vars/2": (8,),
    "layers/batch_normalization/vars/3": (8,),
    "layers/conv2d/vars/0": (3, 3, 3, 8),
    "layers/conv2d/vars/1": (8,),
    "layers/dense/vars/0": (8, 1),
    "layers/dense/vars/1": (1,),
}
NOTEBOOK: dict[str, Any] = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {"language_info": {"name": "python"}},
    "cells": [
        {
            "cell_type": "code",
            "id": "train",
            "execution_count": None,
            "metadata": {},
            "outputs": [],
            "source": ["import cnnkit as ck\n", 'network = ck.finetune("photos/")'],
        }
    ],
}
SCRIPT = 'import cnnkit as ck\n\nnetwork = ck.finetune("photos/")\n'


def write_valid(
    folder: Path,
    *,
    seed: int = 0,
    assignment: Assignment = ASSIGNMENT,
    probabilities: NDArray[np.float32] | None = None,
    script: bool = False,
) -> Path:
    """A folder that passes the gate of this assignment.

    Args:
        folder: It is made.
        seed: Of the weights and probabilities: another seed is another submission.
        assignment: Names the files, the rows and the column.
        probabilities: (rows,), in place of random ones.
        script: Hands in a script in place of the notebook.
    """
    folder.mkdir(parents=True)
    names = assignment.files
    write_model(folder / names.model[0])
    write_weights(folder / names.weights[0], seed=seed)
    if probabilities is None:
        probabilities = np.random.default_rng(seed).random(assignment.rows, np.float32)
    write_predictions(folder / names.predictions[0], probabilities, column=assignment.column)
    if script:
        (folder / names.script[0].replace("*", "train")).write_text(SCRIPT, encoding="utf-8")
    else:
        (folder / names.notebook[0].replace("*", "train")).write_text(json.dumps(NOTEBOOK), encoding="utf-8")
    return folder


def write_model(path: Path) -> None:
    path.write_text(json.dumps(functional(body())), encoding="utf-8")


def write_weights(path: Path, *, seed: int = 0) -> None:
    """As Keras 3 saves them: normal numbers, variances positive."""
    generator = np.random.default_rng(seed)
    with h5py.File(path, "w") as file:
        for name, shape in TENSORS.items():
            values = generator.normal(0, 0.1, shape).astype(np.float32)
            file[name] = np.abs(values) if name.endswith("batch_normalization/vars/3") else values


def write_predictions(path: Path, probabilities: NDArray[np.float32], *, column: str = "person") -> None:
    pq.write_table(pa.table({column: pa.array(probabilities, pa.float32())}), path)
