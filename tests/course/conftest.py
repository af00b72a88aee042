"""A PostgreSQL server of the tests' own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system import PROGRAMS, need


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of an empty database in a cluster that is made in a temporary folder and stopped at the end."""
    need("PostgreSQL")
    programs = PROGRAMS["PostgreSQL"].path().parent  # initdb and pg_ctl
    folder = Path(tempfile.mkdtemp(prefix="cnnkit-pg-"))
    user: list[str] = []
    if os.getuid() == 0:  # initdb refuses to run as root
        need("runuser")
        name = next((each.pw_name for each in pwd.getpwall() if each.pw_name in ("postgres", "nobody")), None)
        if name is None:
            pytest.skip("PostgreSQL does not run as root, and there is no other user to run it: adduser postgres")
        shutil.chown(folder, name)
        user = ["runuser", "-u", name, "--"]
    data = folder / "data"

    def run(*command: str | Path) -> None:
        subprocess.run([*user, *map(str, command)], check=True, capture_output=True, cwd=folder)

    run(programs / "initdb", "-D", data, "-A", "trust", "-U", "grader", "-E", "UTF8", "--no-sync")
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
    run(programs / "pg_ctl", "-D", data, "-w", "-o", options, "-l", folder / "log", "start")
    try:
        yield f"postgresql://grader@/postgres?host={folder}"
    finally:
        run(programs / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
