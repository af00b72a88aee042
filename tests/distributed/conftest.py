"""A cluster of two machines, as far as Ray can tell: two nodes with processes, stores and names of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TRIES = 3


@pytest.fixture(scope="session")
def nodes() -> Iterator[Any]:
    """Two nodes of one processor each, as `ray.cluster_utils` makes them; tests may add more."""
    pytest.importorskip("ray", reason="pip install '.[ray]'")
    # Processes of the cluster find cnnkit where this process does, and report to nobody.
    os.environ |= {"PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    os.environ |= {"RAY_worker_register_timeout_seconds": "240"}  # of processes that share the machine with others
    from ray.cluster_utils import Cluster

    made = Cluster()
    try:
        for _ in range(2):
            _add(made)
        yield made
    finally:
        import ray

        ray.shutdown()
        made.shutdown()


def _add(made: Any) -> None:
    """One more node. Ray gives up what is not there after 30 seconds, which happens beside much other work."""
    for _ in range(TRIES):
        with suppress(Exception):  # it raises nothing more exact
            made.add_node(num_cpus=1, object_store_memory=100_000_000, include_dashboard=False)
            return
    pytest.skip(f"Ray did not start a node in {TRIES} tries")
