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
SHIPPED = ("py.typed", "zoo/nano.weights.h5", "zoo/nano.md", "cli/__init__.py", "scenes/people.py")
SHIPPED += ("data/photos/astronaut.jpg", "data/photos/cat.jpg", "data/photos/LICENSES.txt")
SHIPPED += ("serving/page/index.html", "serving/page/page.js", "serving/page/page.css")
STUBS = {path.relative_to(ROOT).as_posix() for path in (ROOT / "cnnkit").rglob("*.pyi")}
LESSONS = [
    *(path.relative_to(ROOT).as_posix() for path in ROOT.glob("notebooks/*.ipynb")),
    *("assignments/person/AssignmentTemplate.ipynb", "assignments/person/assignment.toml"),
]


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
    assert {f"cnnkit/{name}" for name in SHIPPED} | STUBS <= names
    assert not [name for name in names if name.startswith(("tests/", "data/", "notebooks/"))]
    entry = zipfile.ZipFile(wheel).read(next(name for name in names if name.endswith("entry_points.txt")))
    assert b"cnnkit = cnnkit.cli:main" in entry


def test_an_installed_package_gives_its_notebooks(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    shutil.unpack_archive(wheel, tmp_path / "installed", "zip")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'installed')!r}); import cnnkit.cli; print(cnnkit.__file__); "
    )
    code += f"cnnkit.cli.main(['notebooks', {str(tmp_path / 'mine')!r}])"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.startswith(str(tmp_path / "installed")), done.stdout + done.stderr
    for name in LESSONS:
        assert (tmp_path / "mine" / name).read_bytes() == (ROOT / name).read_bytes()


def test_the_sdist_carries_them_too(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"cnnkit/{name}" for name in SHIPPED} | STUBS | {
        "setup.cfg",
        "pyproject.toml",
        "README.md",
        "LICENSE",
    } <= names
