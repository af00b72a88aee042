from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import h5py
import numpy as np
import pytest

from cnnkit.course.submissions.assignment import Assignment
from cnnkit.course.submissions.gate import GateReport, check
from cnnkit.course.submissions.inbox import read_inbox
from cnnkit.course.submissions.isolation import TOOLS
from cnnkit.course.submissions.place import Entry, OpenPlace, Place
from cnnkit.course.submissions.private_copy import private_submission
from cnnkit.course.submissions.sandbox import Sandbox
from tests.course.submissions import bad_files
from tests.course.submissions.keras_json import functional, image, layer
from tests.course.submissions.valid import ASSIGNMENT, NOTEBOOK, write_valid
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


def test_an_assignment_may_name_a_time_zone_which_the_sandbox_cannot_look_up(sandbox: Sandbox, folder: Path) -> None:
    late = {"policy": "per-day"}
    values = {**ASSIGNMENT.model_dump(), "timezone": "Europe/Berlin", "deadline": "2026-12-18T23:59:00", "late": late}
    report = check(folder, Assignment.model_validate(values), sandbox=sandbox)
    assert (report.outcome, report.findings) == ("passed", ())


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


def test_a_copy_stays_what_was_hashed(folder: Path) -> None:
    before = (folder / "model.json").read_bytes()
    with private_submission(folder, ASSIGNMENT) as submission:
        (folder / "model.json").write_bytes(b"after")
        copy = submission.copies["model"]
        assert os.pread(copy.descriptor, len(before) + 1, 0) == before
        assert copy.sha256 == hashlib.sha256(before).hexdigest()
        fingerprint = submission.fingerprint
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.write(copy.descriptor, b"x")
        with private_submission(folder, ASSIGNMENT) as changed:
            assert changed.fingerprint != fingerprint
    assert submission.fingerprint == fingerprint


CHANGES: dict[str, Callable[[Path], object]] = {
    "link": lambda path: path.symlink_to("/etc/passwd"),
    "pipe": os.mkfifo,
    "folder": Path.mkdir,
    "nothing": lambda path: None,
    "larger": lambda path: path.write_bytes(b" " * (ASSIGNMENT.limits.json_bytes + 1)),
}


@dataclass(frozen=True)
class Changing(Place):
    """A submission whose model becomes something else between the moment it is listed and the moment it is read."""

    change: Callable[[Path], object] = print

    @contextmanager
    def opened(self) -> Iterator[OpenPlace]:
        with super().opened() as place:
            yield _Between(place, Path(self.root, "model.json"), self.change)


@dataclass(frozen=True)
class _Between:
    place: OpenPlace
    file: Path
    change: Callable[[Path], object]

    def entries(self, most: int) -> list[Entry]:
        entries = self.place.entries(most)
        self.file.unlink()
        self.change(self.file)
        return entries

    def open(self, name: str) -> IO[bytes]:
        return self.place.open(name)


@pytest.mark.parametrize("kind", CHANGES)
def test_a_file_that_became_something_else_is_not_opened(sandbox: Sandbox, folder: Path, kind: str) -> None:
    report = check(Changing(str(folder), change=CHANGES[kind]), ASSIGNMENT, sandbox=sandbox)
    assert checks(report) == ["file-size" if kind == "larger" else "file-changed"]
    assert set(report.hashes) == {"weights", "predictions", "notebook"}


@pytest.mark.parametrize("name", [".ipynb_checkpoints", "__pycache__", "notes", "data"])
def test_what_stands_beside_the_files_is_the_same_in_a_folder_and_in_a_zip(
    sandbox: Sandbox, folder: Path, name: str
) -> None:
    (folder / name / "deep").mkdir(parents=True)
    (folder / name / "deep" / "x.py").write_text("1")
    with zipfile.ZipFile(folder.parent / "inbox.zip", "w") as archive:
        for file in folder.rglob("*"):
            if file.is_file():
                archive.write(file, f"ada/{file.relative_to(folder)}")
    (zipped,) = read_inbox(folder.parent / "inbox.zip").submissions
    reports = [check(place, ASSIGNMENT, sandbox=sandbox) for place in (folder, zipped.place)]
    assert checks(reports[0]) == checks(reports[1])
    assert reports[0].outcome == ("passed" if name in ASSIGNMENT.files.ignored else "refused")
    with private_submission(folder, ASSIGNMENT) as one, private_submission(zipped.place, ASSIGNMENT) as other:
        assert one.fingerprint == other.fingerprint
