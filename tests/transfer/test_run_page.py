"""What a notebook shows of a run: curves and a table, escaped, whatever the history lacks."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from cnnkit.transfer.plan import Phase, Plan
from cnnkit.transfer.run import Run

NAMESPACE = "{http://www.w3.org/2000/svg}"


def shown(history: pd.DataFrame) -> str:
    run = Run(Plan([Phase("<i>head</i>")]), history, seed=3, data_fingerprint="", trained_parameters={})
    return run._repr_html_()


def drawings(page: str) -> list[ElementTree.Element]:
    found = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    return [ElementTree.fromstring(text) for text in found]  # noqa: S314  (our own text)


HISTORY = pd.DataFrame(
    {
        "phase": ["<i>head</i>", "<i>head</i>", "deep"],
        "epoch": [1, 2, 1],
        "loss": [1.0, 0.5, 0.25],
        "accuracy": [0.5, 0.75, 1.0],
        "val_loss": [1.0, np.nan, 0.5],
        "seconds": [1.0, 1.0, 1.0],
        "images_per_second": [9.0, 9.0, 9.0],
    }
)


def test_the_curves_are_at_their_values() -> None:
    page = shown(HISTORY)
    accuracy, loss = drawings(page)
    assert accuracy.get("aria-label") == "accuracy over the epochs"
    heights = [float(dot.get("cy")) for dot in accuracy.iter(f"{NAMESPACE}circle")]
    assert heights == pytest.approx([heights[2] + 170, heights[2] + 85, heights[2]])
    assert len(list(loss.iter(f"{NAMESPACE}circle"))) == 3 + 2  # an epoch without validation has no point
    assert len(list(loss.iter(f"{NAMESPACE}rect"))) == 2
    assert "3 epochs" in page


def test_every_text_is_escaped() -> None:
    page = shown(HISTORY)
    assert "<i>" not in page
    assert "&lt;i&gt;head" in page


@pytest.mark.parametrize("epochs", [0, 1])
def test_short_histories(epochs: int) -> None:
    page = shown(HISTORY.iloc[:epochs])
    assert len(drawings(page)) == (2 if epochs else 0)
