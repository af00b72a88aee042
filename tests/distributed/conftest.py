"""A cluster of two machines, as far as Ray can tell: two nodes with processes, stores and names of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def nodes() -> Iterator[Any]:
    """Two nodes of one processor each, as `ray.cluster_utils` makes them; tests may add more."""
    pytest.importorskip("ray", reason="pip install '.[ray]'")
    # Processes of the cluster find cnnkit where this process does, and report to nobody.
    os.environ |= {"PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    from ray.cluster_utils import Cluster

    settings = {"num_cpus": 1, "object_store_memory": 100_000_000, "include_dashboard": False}
    made = Cluster(initialize_head=True, head_node_args=settings)
    try:
        made.add_node(**settings)
        yield made
    finally:
        import ray

        ray.shutdown()
        made.shutdown()
