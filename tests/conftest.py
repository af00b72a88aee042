"""What every test may ask for: real data, a Keras home of its own, a quiet TensorFlow."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photographs and weights; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("CNNKIT_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no real data at {folder}: set CNNKIT_SHARED")
    return folder.resolve()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Features are kept in a folder of the test run, never in the checkout."""
    monkeypatch.setenv("CNNKIT_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def keras_home(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Keras home of the test's own, with the authentic ImageNet files of the shared folder."""
    models = tmp_path / "keras_home" / "models"
    models.mkdir(parents=True)
    for file in (shared / "weights").iterdir():
        (models / file.name).symlink_to(file)
    monkeypatch.setenv("KERAS_HOME", str(models.parent))
    return models.parent
