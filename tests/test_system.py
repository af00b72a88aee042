"""What a test says of a program that is not there, and of one that is not permitted to work."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import system

SCRIPT = Path(system.__file__)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The only folder on PATH; it is empty."""
    monkeypatch.setenv("PATH", str(tmp_path))
    system.missing.cache_clear()
    yield tmp_path
    system.missing.cache_clear()


def test_the_reason_of_a_skip_is_the_install_line(folder: Path) -> None:
    with pytest.raises(pytest.skip.Exception, match=r"^bubblewrap is not installed: apt-get install bubblewrap$"):
        system.need("bubblewrap")


def test_a_program_that_may_not_work_says_why(folder: Path) -> None:
    (folder / "bwrap").write_text("#!/bin/sh\necho 'bwrap: Creating new namespace failed' >&2\nexit 1\n")
    (folder / "bwrap").chmod(0o755)
    with pytest.raises(pytest.skip.Exception, match=r"^bubblewrap does not work here: bwrap: Creating new namespace"):
        system.need("bubblewrap")


def test_a_program_that_works_is_used(folder: Path) -> None:
    (folder / "bwrap").write_text("#!/bin/sh\n")
    (folder / "bwrap").chmod(0o755)
    system.need("bubblewrap")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [(["packages"], "bubblewrap"), ([], "bubblewrap   bubblewrap is not installed: apt-get install bubblewrap")],
)
def test_the_script_says_what_to_install_before_anything_is_installed(
    folder: Path, arguments: list[str], expected: str
) -> None:
    done = subprocess.run([sys.executable, "-I", "-S", SCRIPT, *arguments], capture_output=True, text=True, check=True)
    assert expected in (done.stdout.split() if arguments else done.stdout.splitlines())
