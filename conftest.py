"""What holds for every test and doctest: an environment of its own, whatever the user has set, installed or kept."""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import sys
import tempfile

import pytest

# Settings and files of the user that would change results: keras.json, weights, matplotlibrc, kernels, start-up files.
PREFIXES = ("CNNKIT_", "IPYTHON", "JUPYTER_", "KERAS_", "MPL", "TF_", "TFDS_", "XDG_")
KEPT = ("CNNKIT_SHARED",)
HOME = tempfile.mkdtemp(prefix="cnnkit-tests-")
atexit.register(shutil.rmtree, HOME, ignore_errors=True)

for name in [name for name in os.environ if name.startswith(PREFIXES) and name not in KEPT]:
    del os.environ[name]
os.environ |= {"HOME": HOME, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}

gc.disable()  # until the tests are collected, of which all stays: a fifth of that time went into looking

# Some machines compile all modules in each process anew: a second of every process that a test starts.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Processes that share the tests share the cores too: more threads than cores wait for each other.
workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
if workers > 1:
    threads = str(max((os.cpu_count() or 1) // workers, 1))
    os.environ |= dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Features are kept in a folder of the test run, never in the checkout."""
    monkeypatch.setenv("CNNKIT_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


# Files of a minute and more: both processes begin with them, so that none is left with one at the end.
LONG = (
    "tests/notebooks/",
    "tests/contracts/test_backbone_rows",
    "tests/transfer/test_features",
    "tests/course/submissions/",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuses names of cases that hold an address: two processes could not agree on which of them runs what."""
    items.sort(key=lambda item: next((place for place, file in enumerate(LONG) if file in item.nodeid), len(LONG)))
    changing = [item.nodeid for item in items if " at 0x" in item.nodeid]
    if changing:
        raise pytest.UsageError(f"names of tests that differ from process to process, first {changing[0]}: set ids=")


def pytest_collection_finish() -> None:
    """Ten thousand tests and all modules stay to the end: half a second less for each time that all is looked at."""
    gc.collect()
    gc.freeze()
    gc.enable()
