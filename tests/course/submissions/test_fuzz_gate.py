"""Random architectures, notebooks and scripts: see `fuzz_gate`."""

from __future__ import annotations

import pytest

from tests.course.submissions.fuzz_gate import fuzz


@pytest.mark.parametrize("seconds", [3, pytest.param(600, marks=pytest.mark.slow)])
def test_random_files_end_in_findings(seconds: int) -> None:
    said = fuzz(seconds, seed=seconds)
    assert len(said) > 10
