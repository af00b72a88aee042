"""Every notebook reads like a lesson and runs from top to bottom in a fresh kernel, as a student would run it."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
every = pytest.mark.parametrize("name", sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")))


def read(name: str) -> NotebookNode:
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def run(notebook: NotebookNode, folder: Path) -> str:
    """What it printed."""
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=240, kernel_name="python3", resources=resources).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return "".join(output.text for output in outputs if output.output_type == "stream")


def lectures() -> set[str]:
    return {
        *("ConvolutionalLayer", "Pooling", "EdgeDetection", "Architectures"),
        *("VGGClassification", "VGGDeepDream", "FineTuning"),
    }


def test_the_lectures_own_notebooks_are_here() -> None:
    assert lectures() <= {path.stem for path in NOTEBOOKS.glob("*.ipynb")}


@every
def test_notebook_is_committed_clean(name: str) -> None:
    notebook = read(name)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


@every
def test_notebook_reads_like_a_lesson(name: str) -> None:
    notebook = read(name)
    told = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    assert told[0].startswith("# ")
    assert "**Question.**" in told[0]
    assert "?" in told[0]
    assert any("**What to notice.**" in text for text in told)
    assert any("## Exercise" in text for text in told)
    assert notebook.cells[-1].cell_type == "code", "the answer of the exercise is the last cell"
    assert max(len(cell.source.splitlines()) for cell in notebook.cells) <= 32, "one idea a cell"


@pytest.mark.parametrize("name", sorted(lectures()))
def test_an_exercise_has_an_empty_place_a_check_and_an_answer(name: str) -> None:
    code = [cell.source for cell in read(name).cells if cell.cell_type == "code"]
    empty = [number for number, source in enumerate(code) if "..." in source and "check" in source]
    assert empty
    assert "assert" in code[-1]
    assert "check" in code[-1]


@every
def test_notebook_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On what ships with cnnkit: no weights that happen to be on this machine, no photographs."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras_home"))
    monkeypatch.delenv("CNNKIT_WEIGHTS", raising=False)
    monkeypatch.delenv("CNNKIT_PHOTOS", raising=False)
    said = run(read(name), tmp_path)
    assert "this notebook runs on nano" in said or not name.startswith("VGG")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["VGGClassification", "VGGDeepDream"])
def test_notebook_runs_on_imagenet_weights_that_are_here(
    name: str, tmp_path: Path, shared: Path, keras_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of VGG16 are not in the shared folder: the next network of the notebook's table takes its place."""
    monkeypatch.delenv("CNNKIT_WEIGHTS", raising=False)
    monkeypatch.setenv("CNNKIT_PHOTOS", str(shared / "data" / "imagenet_samples_256"))
    assert os.environ["KERAS_HOME"] == str(keras_home)
    assert "runs on mobilenet" in run(read(name), tmp_path)
