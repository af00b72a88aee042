"""What is built is what ships."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ("py.typed", "zoo/nano.weights.h5", "zoo/nano.md", "cli/__init__.py", "data/drawing/people.py")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist, built from a copy of the checkout without what git ignores."""
    patterns = [".git", *(line.rstrip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines())]

    def ignored(folder: str, names: list[str]) -> set[str]:
        paths = {name: str((Path(folder) / name).relative_to(ROOT)) for name in names}
        return {name for name, path in paths.items() for each in patterns if fnmatch(name, each) or fnmatch(path, each)}

    source = tmp_path_factory.mktemp("built") / "source"
    shutil.copytree(ROOT, source, ignore=ignored)
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(source)]
    subprocess.run(command, capture_output=True, check=True)
    return out


def test_the_wheel_carries_weights_and_types(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"cnnkit/{name}" for name in SHIPPED} <= names
    assert not [name for name in names if name.startswith(("tests/", "data/", "notebooks/"))]
    entry = zipfile.ZipFile(wheel).read(next(name for name in names if name.endswith("entry_points.txt")))
    assert b"cnnkit = cnnkit.cli:main" in entry


def test_the_sdist_carries_them_too(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"cnnkit/{name}" for name in SHIPPED} | {"setup.cfg", "pyproject.toml", "README.md", "LICENSE"} <= names
