"""Every argument of prediction and evaluation with a value of the wrong type: a cnnkit error, never another."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cnnkit.backbones.extractor import backbone
from cnnkit.errors import CnnkitError
from cnnkit.export.prediction_parts import predict_to_csv, predict_to_parquet
from cnnkit.heads.classification import classifier
from cnnkit.transfer.inference import evaluate, predict
from cnnkit.transfer.network import Network, attach
from tests.transfer.worlds import residual

FRAME = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
NUMBERS = (16.0, "16", 0, -1, None, True, [2], np.nan)
NAMES = (3, None, ["tensorflow"], {"a": 1}, "")
PICTURES = (
    None,
    3,
    2.5,
    {},
    {"a": FRAME},
    b"bytes",
    object(),
    [],
    [None],
    [3, 4],
    [FRAME, None],
    [[FRAME]],
    pd.DataFrame({"path": ["a.jpg"]}),
    np.array(3),
    np.array([], np.uint8),
    np.array(["x", None], object),
    np.zeros((2, 2, 2, 2, 2), np.uint8),
    FRAME.astype(complex),
    FRAME.astype(bool),
    lambda: FRAME,
    set(),
    range(3),
)
WRONG = [
    *(("images", value) for value in PICTURES),
    *(("network", value) for value in (None, 3, "runs", [], Path("runs"))),
    *(("batch_size", value) for value in NUMBERS),
    *(("engine", value) for value in NAMES),
    *(("precision", value) for value in (*NAMES, "float16")),
]
TO_FILE = [
    *WRONG,
    *(("part_rows", value) for value in NUMBERS if value is not None),
    *(("workers", value) for value in (3, b"auto", ["auto"], object())),
    *(("path", value) for value in (None, 3, ["a.parquet"], b"a.parquet", object(), "no ending", "p.jpg", "")),
]


def said(value: object) -> str:
    """A value as the name of a case, the same in every process: without where it lies in memory."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))[:30]


@pytest.fixture(scope="module")
def network() -> Network:
    return attach(backbone(residual()), classifier(["grey", "red"]))


@pytest.mark.parametrize(("name", "value"), WRONG, ids=said)
def test_predict(network, name: str, value: object) -> None:
    arguments = {"network": network, "images": FRAME} | {name: value}
    with pytest.raises(CnnkitError):
        predict(**arguments)


@pytest.mark.parametrize(("name", "value"), WRONG, ids=said)
def test_evaluate(network, colours, name: str, value: object) -> None:
    arguments = {"network": network, "source": colours.test} | {{"images": "source"}.get(name, name): value}
    with pytest.raises(CnnkitError):
        evaluate(**arguments)


@pytest.mark.parametrize("write", [predict_to_parquet, predict_to_csv])
@pytest.mark.parametrize(("name", "value"), TO_FILE, ids=said)
def test_predict_to_a_file(network, tmp_path, monkeypatch, write, name: str, value: object) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"p.{write.__name__.rpartition('_')[2]}"
    arguments = {"network": network, "images": FRAME, "path": path} | {name: value}
    with pytest.raises(CnnkitError):
        write(**arguments)
    assert list(tmp_path.iterdir()) == []
