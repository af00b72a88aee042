from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnnkit.course.submissions.gate import check
from cnnkit.course.submissions.sandbox import Sandbox
from tests.course.submissions.fuzz_files import FILES, fuzz, verify
from tests.course.submissions.mutations import damaged
from tests.course.submissions.valid import ASSIGNMENT, write_valid


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.open() as box:
        yield box


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_valid(tmp_path_factory.mktemp("fuzz") / "student")


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_judged_whatever_its_bytes_are(name: str, sandbox: Sandbox, folder: Path) -> None:
    whole = (folder / name).read_bytes()

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
    @given(st.randoms(use_true_random=False))
    def judge(chance: Random) -> None:
        (folder / name).write_bytes(damaged(whole, chance))
        verify(check(folder, ASSIGNMENT, sandbox=sandbox), seconds=0)

    try:
        judge()
    finally:
        (folder / name).write_bytes(whole)


def test_the_script_that_does_so_for_minutes(tmp_path: Path) -> None:
    counts = fuzz(write_valid(tmp_path / "student"), seconds=2, seed=0)
    assert counts.total() > 0
