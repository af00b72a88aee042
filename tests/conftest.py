"""What every test may ask for: real data, and a Keras home with real weights."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photographs and weights; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("CNNKIT_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no real data at {folder}: set CNNKIT_SHARED")
    return folder.resolve()


@pytest.fixture
def keras_home(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Keras home of the test's own, with the authentic ImageNet files of the shared folder."""
    models = tmp_path / "keras_home" / "models"
    models.mkdir(parents=True)
    for file in (shared / "weights").iterdir():
        (models / file.name).symlink_to(file)
    monkeypatch.setenv("KERAS_HOME", str(models.parent))
    return models.parent
