"""`cnnkit check`, as a student calls it before handing in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from cnnkit.cli.check_command import check
from cnnkit.errors import InputError
from cnnkit.scenes.picture_files import write_picture
from tests.course.submissions import bad_files
from tests.course.submissions.valid import ASSIGNMENT, write_predictions, write_valid

PEAK_KILOBYTES = 200_000


@pytest.fixture
def assignment(tmp_path: Path) -> Path:
    ASSIGNMENT.save(tmp_path / "assignment")
    return tmp_path / "assignment"


@pytest.fixture
def handin(tmp_path: Path) -> Path:
    return write_valid(tmp_path / "handin")


def run(*arguments: object) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(check)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    return result.exit_code, result.stdout


def test_a_valid_submission_passes(handin: Path, assignment: Path) -> None:
    code, said = run(handin, "--assignment", assignment)
    predictions, verdict = said.splitlines()
    assert code == 0
    assert predictions == "Predictions: 10,017 of 20,000 rows are person (p >= 0.5)."
    assert verdict.startswith("Is there a person in the picture? Passed; checked in ")


def test_each_finding_says_what_was_expected_what_was_received_and_what_to_do(handin: Path, assignment: Path) -> None:
    bad_files.predictions_of_float64(handin)
    (handin / "model.weights.h5").rename(handin / "model.weights.hdf5")
    code, said = run(handin, "--assignment", assignment)
    assert code == 1
    assert said.splitlines()[:12] == [
        "model.weights.hdf5: file-unexpected",
        "  expected  only the files of the assignment: model.json, model.weights.h5, weights.h5, model.h5, "
        "predictions.parquet, *.ipynb, *.py",
        "  received  'model.weights.hdf5'",
        "  Did you mean model.weights.h5? Rename it.",
        "the folder: file-missing",
        "  expected  the weights: model.weights.h5 or weights.h5 or model.h5",
        "  received  no such file",
        "  Put it into the folder.",
        "predictions.parquet: parquet-type",
        "  expected  float32 values",
        "  received  DOUBLE",
        "  Write it with cnnkit.export.write_column(path, [p], column='person'), or with pandas: "
        "pd.DataFrame({'person': p.astype('float32')}).to_parquet(path, index=False).",
    ]
    assert said.splitlines()[12].startswith("Is there a person in the picture? Refused; checked in ")


def test_json_for_programs(handin: Path, assignment: Path) -> None:
    code, said = run(handin, "--assignment", assignment, "--json")
    result = json.loads(said)
    assert code == 0
    assert (result["outcome"], result["findings"], result["positive"]) == ("passed", [], 10_017)
    assert set(result["hashes"]) == {"model", "weights", "predictions", "notebook"}
    bad_files.weights_transposed(handin)
    code, said = run(handin, "--assignment", assignment, "--json")
    (finding,) = json.loads(said)["findings"]
    assert code == 1
    assert finding["check"] == "h5-shape"
    assert set(finding) == {"check", "file", "expected", "received", "remedy", "blocking"}


def test_wrong_use_is_no_finding(handin: Path, assignment: Path) -> None:
    with pytest.raises(InputError, match="a folder with a submission"):
        run(handin / "model.json", "--assignment", assignment)
    with pytest.raises(InputError, match=r"assignment\.toml"):
        run(handin, "--assignment", handin)
    with pytest.raises(InputError, match="--pictures"):
        run(handin, "--assignment", assignment, "--reproduce", "8")
    with pytest.raises(InputError, match="at least bubblewrap"):
        run(handin, "--assignment", assignment, "--isolation", "limits", "--require-isolation", "bubblewrap")


def test_isolation_is_said(handin: Path, assignment: Path) -> None:
    _, said = run(handin, "--assignment", assignment, "--isolation", "limits")
    assert "checked in limits: " in said


@pytest.mark.slow
def test_reproducing_runs_the_model_on_pictures(tmp_path: Path) -> None:
    few = ASSIGNMENT.model_copy(update={"rows": 12})
    few.save(tmp_path / "assignment")
    half = write_valid(tmp_path / "handin", assignment=few, probabilities=np.full(12, 0.5, np.float32))
    with h5py.File(half / "model.weights.h5", "r+") as file:  # whatever it sees: sigmoid(0) = 0.5
        for tensor in ("layers/dense/vars/0", "layers/dense/vars/1"):
            file[tensor][...] = 0
    (tmp_path / "score").mkdir()
    for index, picture in enumerate(np.random.default_rng(0).integers(0, 256, (12, 48, 48, 3), np.uint8)):
        write_picture(tmp_path / "score" / f"{index:06d}.png", picture)
    options = ("--assignment", tmp_path / "assignment", "--reproduce", 8, "--pictures", tmp_path / "score")
    code, said = run(half, *options)
    assert code == 0
    assert said.splitlines()[-1].startswith("The model gives what is handed in: 8 of 8 pictures agree")
    write_predictions(half / "predictions.parquet", np.linspace(0, 0.4, 12, dtype=np.float32))
    code, said = run(half, *options, "--json")
    assert code == 1
    result = json.loads(said)
    assert result["outcome"] == "passed"
    assert (result["reproduction"]["outcome"], result["reproduction"]["agreeing"]) == ("differs", 0)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_it_is_small_and_loads_no_tensorflow(handin: Path, assignment: Path) -> None:
    code = (
        "import re, resource, sys, typer\n"
        "from pathlib import Path\n"
        "from cnnkit.cli.check_command import check\n"
        "app = typer.Typer()\n"
        "app.command()(check)\n"
        "assert app(sys.argv[1:], standalone_mode=False) in (None, 0)\n"
        "child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n"
        # not ru_maxrss, which begins with what this process had when it forked
        "own = int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text()).group(1))\n"
        "print(own + child)\n"
        "print(sorted({'tensorflow', 'keras', 'pandas', 'cv2', 'h5py', 'pyarrow'} & set(sys.modules)))\n"
    )
    arguments = [handin, "--assignment", assignment, "--isolation", "limits"]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    *_, kilobytes, modules = done.stdout.splitlines()
    assert int(kilobytes) < PEAK_KILOBYTES
    assert modules == "[]"
