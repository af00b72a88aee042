"""Every notebook reads like a lesson and runs from top to bottom in a fresh kernel, as a student would run it."""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat import NotebookNode

from tests.notebooks.stored import differences, same_picture

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
NAMES = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
every = pytest.mark.parametrize("name", NAMES)
# They train for one to three minutes of a core: what they teach with is tested in tests/heads and tests/contracts.
DEAR = (
    "FromRCNNToMaskRCNN",
    "ImageToImage",
    "Localization",
    "MobileNetObjectDetection",
    "Pose",
    "RecipesPeople",
    "RecipesPictures",
    "RecipesScenes",
    "RecipesSets",
    "Segmentation",
    "TransferLearning",
)
run_of = {name: pytest.param(name, marks=pytest.mark.slow) if name in DEAR else name for name in NAMES}


def read(name: str) -> NotebookNode:
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def run(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """The notebook as `python notebooks/execute.py` stores it."""
    spec = importlib.util.spec_from_file_location("execute", NOTEBOOKS / "execute.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    ran: NotebookNode = module.executed(notebook, folder)
    return ran


def printed(notebook: NotebookNode) -> str:
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
def test_what_it_gives_is_stored_and_small(name: str) -> None:
    notebook = read(name)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [output for cell in code for output in cell.outputs if output.output_type == "error"]
    pictures = [kind for cell in code for output in cell.outputs for kind in output.get("data", {}) if "image/" in kind]
    assert len(pictures) >= 3
    assert (NOTEBOOKS / f"{name}.ipynb").stat().st_size < 1_500_000
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


@every
def test_a_check_survives_an_answer_that_raises(name: str) -> None:
    """Each check is explained: tests/test_exercises.py says what that does."""
    sources = "\n".join(cell.source for cell in read(name).cells if cell.cell_type == "code")
    assert len(re.findall(r"^def check", sources, re.M)) == len(re.findall(r"^@explained\ndef check", sources, re.M))


@every
def test_it_names_the_papers(name: str) -> None:
    told = "".join(cell.source for cell in read(name).cells if cell.cell_type == "markdown")
    assert "](http" in told


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


@pytest.mark.parametrize("name", run_of.values())
def test_notebook_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On what ships with cnnkit: no weights or photographs of this machine. It gives what is stored, but for times."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras_home"))
    # Where processes share the tests each has fewer threads, and with those TensorFlow adds up in another order than in
    # the run that is stored: an epoch of training later the last digits are others.
    for variable in (
        "CNNKIT_WEIGHTS",
        "CNNKIT_PHOTOS",
        "TF_NUM_INTRAOP_THREADS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
    ):
        monkeypatch.delenv(variable, raising=False)
    ran = run(read(name), tmp_path)
    assert "this notebook runs on nano" in printed(ran) or not name.startswith("VGG")
    assert differences(read(name), ran) == []


def test_other_pictures_are_told_apart() -> None:
    rng = np.random.default_rng(0)
    picture = rng.uniform(0, 255, (48, 48, 3))
    assert same_picture(picture, picture + rng.normal(0, 3, picture.shape))
    assert not same_picture(picture, rng.permuted(picture))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["VGGClassification", "VGGDeepDream", "RecipesPictures"])
def test_notebook_runs_on_imagenet_weights_that_are_here(
    name: str, tmp_path: Path, shared: Path, keras_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of VGG16 are not in the shared folder: the next network of the notebook's table takes its place."""
    monkeypatch.delenv("CNNKIT_WEIGHTS", raising=False)
    monkeypatch.setenv("CNNKIT_PHOTOS", str(shared / "data" / "imagenet_samples_256"))
    assert os.environ["KERAS_HOME"] == str(keras_home)
    assert "runs on mobilenet" in printed(run(read(name), tmp_path))
