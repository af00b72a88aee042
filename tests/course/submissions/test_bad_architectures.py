"""Every bad architecture and every bad piece of code, through the functions that read them, in this process."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import pytest

from cnnkit.course.submissions.architecture import read_architecture
from cnnkit.course.submissions.file_names import find_files
from cnnkit.course.submissions.findings import Finding
from cnnkit.course.submissions.notebook import check_notebook, check_script
from tests.course.submissions.bad_architectures import BAD_CODE, BAD_MODELS
from tests.course.submissions.bad_files import Bad
from tests.course.submissions.valid import ASSIGNMENT, write_valid


def findings_of(folder: Path) -> list[Finding]:
    names, findings = find_files(folder, ASSIGNMENT)
    if "model" in names:
        findings += read_architecture((folder / names["model"]).read_bytes(), ASSIGNMENT)[1]
    if "notebook" in names:
        findings += check_notebook((folder / names["notebook"]).read_bytes(), file=names["notebook"])
    if "script" in names:
        findings += check_script((folder / names["script"]).read_bytes(), file=names["script"])
    return findings


@pytest.mark.parametrize("script", [False, True])
def test_the_valid_submission_has_no_finding(tmp_path: Path, script: bool) -> None:
    assert findings_of(write_valid(tmp_path / "ada", script=script)) == []


@pytest.mark.parametrize("bad", [*BAD_MODELS, *BAD_CODE], ids=lambda bad: bad.name)
def test_it_is_found(bad: Bad, tmp_path: Path) -> None:
    folder = write_valid(tmp_path / "ada")
    bad.make(folder)
    tracemalloc.start()
    started = time.process_time()
    findings = findings_of(folder)
    seconds, (_, most_bytes) = time.process_time() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert bad.check in [finding.check for finding in findings if finding.blocking]
    for finding in findings:
        said = str(finding)
        assert said.isprintable(), said
        assert len(said) < 1000
        assert finding.expected
        assert finding.received
        assert finding.remedy.endswith((".", "?", ")")), finding.remedy
    assert seconds < 5
    assert most_bytes < 200_000_000


def test_there_are_many_kinds() -> None:
    assert len({bad.name for bad in (*BAD_MODELS, *BAD_CODE)}) == len(BAD_MODELS) + len(BAD_CODE) >= 100
