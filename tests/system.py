"""What tests need from the machine besides Python: a table of programs, how each is tried, and its install line.

A test or a fixture calls `need("bubblewrap")`; where the program is missing or does not work, the test is skipped and
the reason holds the remedy. `.ci/run` installs what is missing before the tests run. Standard library only:

    python3 tests/system.py             prints what is there
    python3 tests/system.py packages    prints the Debian packages of what is missing
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Program:
    """A program of the system.

    Attributes:
        package: The Debian package that brings it.
        name: What it is called.
        trial: The arguments with which it has to succeed: some are installed and not permitted to work.
        folders: A pattern of folders below / where Debian puts it, besides PATH.
    """

    package: str
    name: str
    trial: tuple[str, ...] = ("--version",)
    folders: str = ""

    def path(self) -> Path | None:
        """Where it is: on PATH, else the last of the folders."""
        on_path = shutil.which(self.name)
        if on_path:
            return Path(on_path).resolve()
        below = sorted(Path("/").glob(f"{self.folders}/{self.name}")) if self.folders else []
        return below[-1] if below else None


NAMESPACES = ("--user", "--net", "--pid", "--ipc", "--uts", "--fork", "--", sys.executable, "-c", "")

PROGRAMS = {
    "Chromium": Program("chromium", "chromium"),
    "bubblewrap": Program(
        *("bubblewrap", "bwrap"),
        trial=("--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", sys.executable, "-c", ""),
    ),
    "namespaces": Program("util-linux", "unshare", NAMESPACES),
    "PostgreSQL": Program("postgresql", "initdb", folders="usr/lib/postgresql/*/bin"),
    "runuser": Program("util-linux", "runuser"),
}


@cache
def missing(name: str) -> str:
    """Why a row of `PROGRAMS` cannot be used, with the remedy; "" where it works."""
    program = PROGRAMS[name]
    path = program.path()
    if path is None:
        return f"{name} is not installed: apt-get install {program.package}"
    done = subprocess.run([path, *program.trial], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode == 0:
        return ""
    said = done.stderr.strip().splitlines()
    return f"{name} does not work here: {said[-1] if said else f'{path} ended with {done.returncode}'}"


def need(*names: str) -> None:
    """Skips the test that asks, where one of the programs is missing."""
    import pytest  # not at the top: `.ci/run` comes before anything is installed

    for reason in filter(None, map(missing, names)):
        pytest.skip(reason)


def main(arguments: list[str]) -> None:
    """Prints the packages of what is not installed, or what is there."""
    if arguments == ["packages"]:
        print(*sorted({program.package for program in PROGRAMS.values() if program.path() is None}))
        return
    for name, program in PROGRAMS.items():
        print(f"{name:12} {missing(name) or program.path()}")


if __name__ == "__main__":
    main(sys.argv[1:])
