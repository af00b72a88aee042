"""Every bad submission there is: the stated finding, quickly, in little memory, and nothing happens but a report."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cnnkit.course.submissions.assignment import Assignment
from cnnkit.course.submissions.gate import check
from cnnkit.course.submissions.sandbox import Sandbox
from tests.course.submissions.bad_architectures import BAD_CODE, BAD_MODELS
from tests.course.submissions.bad_files import BAD_FILES, Bad, Change
from tests.course.submissions.costly_models import COSTLY_MODELS, HONEST_LARGE
from tests.course.submissions.costly_predictions import COSTLY_PREDICTIONS
from tests.course.submissions.costly_weights import COSTLY_WEIGHTS
from tests.course.submissions.valid import write_valid

COSTLY = (*COSTLY_WEIGHTS, *COSTLY_PREDICTIONS, *COSTLY_MODELS)
ALL = (*BAD_FILES, *BAD_MODELS, *BAD_CODE, *COSTLY)
# Those that take more than a third of a second; `cost_table` prints all.
DEAREST = {
    "notebook_of_a_hundred_thousand_cells",
    "notebook_of_many_pairs_of_keys",
    "notebook_of_ten_million_quotes",
    "notebook_with_nine_thousand_blank_cells",
    "script_of_an_error_behind_much_code",
    "script_of_brackets_without_an_end",
    "weights_with_five_thousand_attributes_of_one_tensor",
    "weights_with_many_attributes",
}
# Of the process that reads a file, as the kernel counts them; the limits are those of an assignment that sets none.
SECONDS, BYTES = 5, 300_000_000
ASSIGNMENT = Assignment(name="person", title="Person or not")
# Of this process, beyond what the tests before this one have loaded.
PEAK_KILOBYTES = 190_000


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.open() as box:
        assert box.isolation  # it has started: its time is not the first submission's
        yield box


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a submission would write if it could: the current folder, home, and the folder for temporary files."""
    folder = tmp_path / "canary"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def listing(folder: Path) -> list[tuple[str, int, int, int]]:
    """All that lies in a folder, to any depth: path, kind, size and time of the last change."""
    entries = ((path, path.lstat()) for path in sorted(folder.rglob("*")))
    return [(str(path), status.st_mode, status.st_size, status.st_mtime_ns) for path, status in entries]


def _row(bad: Bad) -> Any:
    return pytest.param(bad, id=bad.name, marks=[pytest.mark.slow] if bad.name in DEAREST else [])


@pytest.mark.parametrize("bad", [_row(bad) for bad in ALL])
def test_a_bad_submission_gets_its_finding_and_nothing_else_happens(
    bad: Bad, sandbox: Sandbox, canary: Path, tmp_path: Path
) -> None:
    folder = write_valid(tmp_path / "inbox" / "student", assignment=ASSIGNMENT)
    try:
        bad.make(folder)
    except PermissionError:
        pytest.skip("making a device needs root")
    before, peak = listing(tmp_path), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = check(folder, ASSIGNMENT, sandbox=sandbox)
    findings = {finding.check: finding for finding in report.findings}
    assert bad.check in findings, report.findings
    assert report.outcome == ("crashed" if bad.check.endswith("-crashed") else "refused")
    assert all(text.isprintable() for finding in report.findings for text in (finding.received, str(finding)))
    assert all(seconds < SECONDS and peak < BYTES for seconds, peak in report.costs.values()), report.costs
    assert listing(tmp_path) == before
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < PEAK_KILOBYTES


def test_the_valid_one_passes(sandbox: Sandbox, canary: Path, tmp_path: Path) -> None:
    folder = write_valid(tmp_path / "inbox" / "student", assignment=ASSIGNMENT)
    before = listing(tmp_path)
    report = check(folder, ASSIGNMENT, sandbox=sandbox)
    assert (report.outcome, report.findings) == ("passed", ())
    assert listing(tmp_path) == before


@pytest.mark.parametrize("make", HONEST_LARGE, ids=lambda make: make.__name__)
def test_an_honest_submission_of_the_largest_size_passes_within_time_and_memory(
    make: Change, sandbox: Sandbox, tmp_path: Path
) -> None:
    folder = write_valid(tmp_path / "student", assignment=ASSIGNMENT)
    make(folder)
    report = check(folder, ASSIGNMENT, sandbox=sandbox)
    assert (report.outcome, report.findings) == ("passed", ())
    assert all(seconds < SECONDS and peak < BYTES for seconds, peak in report.costs.values()), report.costs


def test_there_are_many_and_none_is_there_twice() -> None:
    names = [bad.name for bad in ALL]
    assert len(set(names)) == len(names) >= 300
    assert set(names) >= DEAREST
