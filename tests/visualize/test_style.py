from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

import cnnkit.visualize
from cnnkit.errors import InputError, UnknownNameError
from cnnkit.visualize import style
from cnnkit.visualize.comparison_bars import comparison


def test_matplotlib_keeps_its_settings() -> None:
    before = dict(mpl.rcParams)
    comparison({"one": 0.5})
    assert dict(mpl.rcParams) == before


def test_figures_need_no_pyplot() -> None:
    code = (
        "import sys; from cnnkit.visualize.comparison_bars import comparison; "
        "made = comparison({'one': 0.5})._repr_png_(); "
        "print(made[:4] == b'\\x89PNG', 'matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True False"


@pytest.mark.parametrize(("ending", "begins"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_the_ending_says_the_format(tmp_path: Path, ending: str, begins: bytes) -> None:
    path = style.save(comparison({"one": 0.5}), tmp_path / "new" / f"bars.{ending}")
    assert path.read_bytes().startswith(begins)


def test_bars_are_as_long_as_the_scores() -> None:
    scores = {"pre-trained": 0.93, "from random weights": 0.71}
    (axes,) = comparison(scores).axes
    assert [bar.get_width() for bar in axes.patches] == list(scores.values())
    assert [text.get_text() for text in axes.texts] == ["93.0 %", "71.0 %"]
    assert axes.get_xlim() == (0, 1)


def test_what_cannot_be_saved(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="pdf"):
        style.save(comparison({"one": 0.5}), tmp_path / "bars.pfd")
    with pytest.raises(InputError, match="save_animation"):
        style.save(np.zeros((4, 4, 3)), tmp_path / "array.png")


@pytest.mark.parametrize("scores", [{}, {"percent": 93.0}, [0.5]])
def test_scores_outside_0_to_1(scores: dict[str, float]) -> None:
    with pytest.raises(InputError, match="from 0 to 1"):
        comparison(scores)


def test_every_public_name_exists() -> None:
    for name in cnnkit.visualize.__all__:
        assert getattr(cnnkit.visualize, name) is not None
