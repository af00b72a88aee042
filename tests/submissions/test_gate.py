from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from cnnkit.submissions import gate as gate_module
from cnnkit.submissions.assignment import Limits
from cnnkit.submissions.findings import RefusedError
from cnnkit.submissions.gate import GateReport, check
from cnnkit.submissions.isolation import TOOLS
from cnnkit.submissions.private_copy import private_copy
from cnnkit.submissions.sandbox import JOBS, Sandbox
from tests.submissions import bad_files
from tests.submissions.keras_json import functional, image, layer
from tests.submissions.valid import ASSIGNMENT, NOTEBOOK, write_predictions, write_valid
from tests.system import need

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.open() as box:
        yield box


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_valid(tmp_path / "ada")


def checks(report: GateReport) -> list[str]:
    return [finding.check for finding in report.findings]


def test_a_valid_submission_passes_with_its_hashes_and_probabilities(sandbox: Sandbox, folder: Path) -> None:
    report = check(folder, ASSIGNMENT, sandbox=sandbox)
    assert (report.outcome, report.passed, report.findings) == ("passed", True, ())
    roles = {
        "model": "model.json",
        "weights": "model.weights.h5",
        "predictions": "predictions.parquet",
        "notebook": "train.ipynb",
    }
    assert report.hashes == {
        role: hashlib.sha256((folder / name).read_bytes()).hexdigest() for role, name in roles.items()
    }
    assert report.predictions is not None
    np.testing.assert_array_equal(report.predictions, np.random.default_rng(0).random(20_000, np.float32))
    assert report.weights_digest is not None
    assert report.isolation == sandbox.isolation


def test_a_sandbox_of_its_own_the_assignments_folder_and_a_script_for_a_notebook(tmp_path: Path) -> None:
    ASSIGNMENT.save(tmp_path / "assignment")
    report = check(write_valid(tmp_path / "ada", script=True), str(tmp_path / "assignment"))
    assert report.passed
    assert set(report.hashes) == {"model", "weights", "predictions", "script"}


@pytest.mark.parametrize("isolation", TOOLS)
def test_the_report_does_not_depend_on_the_isolation(folder: Path, isolation: str) -> None:
    need(isolation)
    (folder / "unknown.exe").touch()
    reports = []
    for each in (isolation, "limits"):
        with Sandbox.open(isolation=each) as box:
            reports.append(check(folder, ASSIGNMENT, sandbox=box))
    stronger, weaker = reports
    assert checks(weaker) == ["file-unexpected"]
    assert (stronger.outcome, stronger.findings, stronger.hashes) == (weaker.outcome, weaker.findings, weaker.hashes)
    np.testing.assert_array_equal(stronger.predictions, weaker.predictions)


def test_all_that_is_wrong_is_said_at_once(sandbox: Sandbox, folder: Path) -> None:
    (folder / "unknown.exe").touch()
    (folder / "train.ipynb").write_text("{}", encoding="utf-8")
    bad_files.predictions_of_float64(folder)
    bad_files.weights_transposed(folder)
    report = check(folder, ASSIGNMENT, sandbox=sandbox)
    assert checks(report) == ["file-unexpected", "parquet-type", "notebook-format", "h5-shape"]
    assert report.predictions is None


def test_weights_are_not_read_after_something_cheaper_was_refused(sandbox: Sandbox, folder: Path) -> None:
    bad_files.weights_with_nan(folder)
    assert checks(check(folder, ASSIGNMENT, sandbox=sandbox)) == ["h5-not-finite"]
    bad_files.predictions_of_cats(folder)
    report = check(folder, ASSIGNMENT, sandbox=sandbox)
    assert checks(report) == ["parquet-column-name"]
    assert report.weights_digest is None


def test_without_a_model_there_is_nothing_to_compare_weights_with(sandbox: Sandbox, folder: Path) -> None:
    (folder / "model.json").write_text("[]", encoding="utf-8")
    bad_files.weights_transposed(folder)
    report = check(folder, ASSIGNMENT, sandbox=sandbox)
    assert not any(name.startswith("h5-") for name in checks(report))
    assert "weights" in report.hashes


def test_weights_of_a_model_without_any_are_checked_too(sandbox: Sandbox, folder: Path) -> None:
    picture = image(shape=(None, 32, 32, 1))
    pool = layer("GlobalAveragePooling2D", "pool", "image", data_format="channels_last", keepdims=False)
    (folder / "model.json").write_text(json.dumps(functional([picture, pool])), encoding="utf-8")
    assert checks(check(folder, ASSIGNMENT, sandbox=sandbox)) == ["h5-unexpected"]
    with h5py.File(folder / "model.weights.h5", "w") as file:
        file.create_group("layers")
    assert check(folder, ASSIGNMENT, sandbox=sandbox).passed


def test_advice_does_not_refuse(sandbox: Sandbox, folder: Path) -> None:
    (folder / "train.ipynb").write_text(json.dumps({**NOTEBOOK, "metadata": {"kernelspec": {}}}), encoding="utf-8")
    report = check(folder, ASSIGNMENT, sandbox=sandbox)
    assert checks(report) == ["notebook-schema"]
    assert report.passed


@pytest.mark.parametrize("minor", [*range(7), -1, 99, 2**60, None, "4"])
def test_notebooks_of_any_minor_version(sandbox: Sandbox, folder: Path, minor: object) -> None:
    (folder / "train.ipynb").write_text(json.dumps({**NOTEBOOK, "nbformat_minor": minor}), encoding="utf-8")
    assert check(folder, ASSIGNMENT, sandbox=sandbox).outcome in ("passed", "refused")


def test_the_pass_mark_does_not_matter_but_the_number_of_rows_does(sandbox: Sandbox, tmp_path: Path) -> None:
    small = ASSIGNMENT.model_copy(update={"rows": 7, "column": "cat"})
    report = check(write_valid(tmp_path / "ada", assignment=small), small, sandbox=sandbox)
    assert report.passed
    assert report.predictions is not None
    assert report.predictions.shape == (7,)


def test_no_folder_and_a_link_to_one(sandbox: Sandbox, folder: Path) -> None:
    (folder.parent / "link").symlink_to(folder)
    for path in (folder.parent / "nobody", folder.parent / "link", folder / "model.json"):
        report = check(path, ASSIGNMENT, sandbox=sandbox)
        assert (checks(report), report.outcome) == (["folder-missing"], "refused")


# What changes while it is checked


def test_a_copy_stays_what_was_hashed(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_bytes(b"before")
    with private_copy(path, most_bytes=6) as copy:
        path.write_bytes(b"after")
        assert os.pread(copy.descriptor, 100, 0) == b"before"
        assert copy.sha256 == hashlib.sha256(b"before").hexdigest()
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.write(copy.descriptor, b"x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.json"]


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "nothing"])
def test_a_file_that_became_something_else_is_not_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "model.json"
    {
        "link": lambda: path.symlink_to("/etc/passwd"),
        "pipe": lambda: os.mkfifo(path),
        "folder": lambda: path.mkdir(),
        "nothing": lambda: None,
    }[kind]()
    with pytest.raises(RefusedError) as error, private_copy(path, most_bytes=100):
        pass
    assert error.value.check == "file-changed"


def test_a_file_that_grew_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_bytes(b"x" * 101)
    with pytest.raises(RefusedError) as error, private_copy(path, most_bytes=100):
        pass
    assert error.value.check == "file-size"
    with pytest.raises(RefusedError), private_copy(Path("/dev/zero"), most_bytes=100):
        pass


def test_a_folder_that_changes_after_it_was_listed(
    sandbox: Sandbox, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = gate_module.find_files(folder, ASSIGNMENT)
    (folder / "model.json").unlink()
    (folder / "model.json").symlink_to("/etc/passwd")
    monkeypatch.setattr(gate_module, "find_files", lambda *_: listed)
    report = check(folder, ASSIGNMENT, sandbox=sandbox)
    assert checks(report) == ["file-changed"]
    assert set(report.hashes) == {"weights", "predictions", "notebook"}


# Throw-away processes that fail or lie


@pytest.mark.parametrize(
    ("job", "function"),
    [
        ("predictions", "predictions_above_one"),
        ("predictions", "predictions_of_nan"),
        ("predictions", "predictions_too_few"),
        ("predictions", "fault"),
        ("model", "finding_with_escapes"),
        ("model", "model_without_tensors"),
        ("script", "finding_too_long"),
        ("script", "findings_without_end"),
        ("weights", "weights_without_a_digest"),
    ],
)
def test_what_a_process_says_is_not_believed(tmp_path: Path, job: str, function: str) -> None:
    folder = write_valid(tmp_path / "ada", script=True)
    with Sandbox.open(jobs={**JOBS, job: f"sandbox_jobs:{function}"}, modules=[HERE]) as box:
        report = check(folder, ASSIGNMENT, sandbox=box)
        again = check(folder, ASSIGNMENT, sandbox=box)
    assert (checks(report), report.outcome) == ([f"{job}-crashed"], "crashed")
    assert again.findings == report.findings
    assert all(finding.received.isprintable() for finding in report.findings)
    assert report.predictions is None or job != "predictions"


def test_a_time_out_is_an_outcome_and_a_crash_comes_first(tmp_path: Path) -> None:
    quick = ASSIGNMENT.model_copy(update={"limits": Limits(seconds=1)})
    folder = write_valid(tmp_path / "ada", script=True)
    slow = {**JOBS, "script": "sandbox_jobs:wait"}
    with Sandbox.open(jobs=slow, modules=[HERE]) as box:
        report = check(folder, quick, sandbox=box)
    assert (checks(report), report.outcome) == (["script-timed-out"], "timed out")
    with Sandbox.open(jobs={**slow, "model": "sandbox_jobs:fault"}, modules=[HERE]) as box:
        report = check(folder, quick, sandbox=box)
    assert (checks(report), report.outcome) == (["model-crashed", "script-timed-out"], "crashed")


def test_the_same_weights_have_one_digest_whatever_the_files(sandbox: Sandbox, tmp_path: Path) -> None:
    first, second, other = (write_valid(tmp_path / name, seed=seed) for name, seed in (("a", 0), ("b", 0), ("c", 1)))
    with h5py.File(second / "model.weights.h5", "r+") as file:
        file.attrs["note"] = "mine"
    write_predictions(second / "predictions.parquet", np.zeros(20_000, np.float32))
    reports = [check(folder, ASSIGNMENT, sandbox=sandbox) for folder in (first, second, other)]
    digests = [report.weights_digest for report in reports]
    assert digests[0] == digests[1] != digests[2]
    assert reports[0].hashes["weights"] != reports[1].hashes["weights"]


def test_the_gate_loads_no_library_that_parses(folder: Path, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from cnnkit.submissions import Assignment, check\n"
        f"assert check({str(folder)!r}, Assignment.load({str(tmp_path)!r})).passed\n"
        "print(sorted({'tensorflow', 'keras', 'pandas', 'h5py', 'pyarrow', 'nbformat'} & set(sys.modules)))\n"
    )
    ASSIGNMENT.save(tmp_path)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("file", "units"),
    [("teachable_machine/keras_model.h5", 4), ("mlperf_tiny/visual_wake_words/trained_models/vww_96.h5", 2)],
)
def test_files_of_keras_2_have_the_tensors_of_their_models(
    sandbox: Sandbox, folder: Path, shared: Path, file: str, units: int
) -> None:
    (folder / "model.weights.h5").unlink()
    shutil.copy(shared / "data" / file, folder / "model.h5")
    with h5py.File(folder / "model.h5") as opened:
        (folder / "model.json").write_text(opened.attrs["model_config"], encoding="utf-8")
    (finding,) = check(folder, ASSIGNMENT, sandbox=sandbox).findings
    assert (finding.check, finding.received) == ("model-output", f"(None, {units})")
