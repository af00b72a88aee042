"""Bodies that nobody meant: whatever comes, the answer is one of HTTP's and no fault of the server.

`tests/benchmarks/bench_serving.py --fuzz MINUTES` sends the same for longer.
"""

from __future__ import annotations

import asyncio

import pytest

import cnnkit as ck
from cnnkit.serving import Limits
from tests.serving.fuzzing import Fuzz
from tests.serving.worlds import networks


@pytest.mark.parametrize("seed", [0, 1])
def test_no_body_breaks_it(seed: int) -> None:
    app = ck.serving.app(networks(), limits=Limits(body_bytes=100_000, pixels=200_000))
    counts = asyncio.run(Fuzz(seed).run(app, requests=250))
    assert sum(counts.values()) == 250
    assert counts[200] > 10
    assert counts[400] > 10
    assert counts[422] > 10
    assert max(counts) < 500
