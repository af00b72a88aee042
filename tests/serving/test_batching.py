"""Pictures of many requests go through the network together, and none of them suffers from the others."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import numpy as np
import pytest

from cnnkit.errors import DataError
from cnnkit.serving.batching import Batcher
from cnnkit.serving.limits import Limits

BAD = 13


def picture(value: int) -> np.ndarray:
    return np.full((2, 2, 3), value, np.uint8)


class Network:
    """Gives each picture its own number; notes what it sees, and waits until it may go on."""

    def __init__(self, *, free: bool = True) -> None:
        self.batches: list[list[int]] = []
        self.may_go_on = threading.Event()
        self.started = threading.Event()
        if free:
            self.may_go_on.set()

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        numbers = images[:, 0, 0, 0].astype(np.float32)
        self.batches.append(numbers.astype(int).tolist())
        self.started.set()
        assert self.may_go_on.wait(20)
        if BAD in self.batches[-1]:
            raise DataError("finite outputs", "NaN", "Look for it.")
        return {"number": numbers, "double": 2 * numbers}


async def started(network: Network) -> None:
    while not network.started.is_set():
        await asyncio.sleep(0.001)


def test_what_waits_goes_together_in_order() -> None:
    network = Network(free=False)
    observed: list[int] = []

    async def run() -> list[Any]:
        batcher = Batcher(network, Limits(batch=4), observed.append)
        first = asyncio.create_task(batcher.answers([picture(0)]))
        await started(network)
        others = [asyncio.create_task(batcher.answers([picture(2 * k + 1), picture(2 * k + 2)])) for k in range(5)]
        await asyncio.sleep(0)
        assert len(batcher) == 10
        network.may_go_on.set()
        return await asyncio.gather(first, *others)

    results = asyncio.run(run())
    assert network.batches == [[0], [1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]
    assert observed == [1, 4, 4, 2]
    assert [result["number"].tolist() for result in results] == [[0], [1, 2], [3, 4], [5, 6], [7, 8], [9, 10]]
    assert [result["double"].tolist() for result in results][-1] == [18, 20]


def test_a_free_network_waits_for_what_is_on_its_way_and_for_nothing_else() -> None:
    network = Network()

    async def run() -> None:
        batcher = Batcher(network, Limits(delay_seconds=20))
        await asyncio.wait_for(batcher.answers([picture(1)]), 10)
        with batcher.announced(1):
            early = asyncio.create_task(batcher.answers([picture(2)]))
            await asyncio.sleep(0.02)
            assert network.batches == [[1]]
            late = asyncio.create_task(batcher.answers([picture(3)]))
            await asyncio.sleep(0)
        await asyncio.gather(early, late)

    asyncio.run(run())
    assert network.batches == [[1], [2, 3]]


def test_a_picture_that_fails_fails_alone() -> None:
    network = Network(free=False)

    async def run() -> list[Any]:
        batcher = Batcher(network, Limits())
        first = asyncio.create_task(batcher.answers([picture(0)]))
        await started(network)
        others = [asyncio.create_task(batcher.answers([picture(value)])) for value in (7, BAD, 8)]
        await asyncio.sleep(0)
        network.may_go_on.set()
        return await asyncio.gather(first, *others, return_exceptions=True)

    _, seven, bad, eight = asyncio.run(run())
    assert (seven["number"].tolist(), eight["number"].tolist()) == ([7], [8])
    assert isinstance(bad, DataError)


def test_a_fault_of_the_network_reaches_everybody() -> None:
    def broken(_images: np.ndarray) -> Any:
        raise RuntimeError("no memory")

    async def run() -> list[Any]:
        batcher = Batcher(broken, Limits())
        waiting = [batcher.answers([picture(value)]) for value in range(3)]
        return await asyncio.gather(*waiting, return_exceptions=True)

    assert [str(error) for error in asyncio.run(run())] == ["no memory"] * 3


def test_what_nobody_waits_for_is_not_computed() -> None:
    network = Network(free=False)

    async def run() -> None:
        batcher = Batcher(network, Limits())
        first = asyncio.create_task(batcher.answers([picture(0)]))
        await started(network)
        given_up = asyncio.create_task(batcher.answers([picture(1)]))
        other = asyncio.create_task(batcher.answers([picture(2)]))
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.sleep(0)
        network.may_go_on.set()
        await asyncio.gather(first, other)
        with pytest.raises(asyncio.CancelledError):
            await given_up

    asyncio.run(run())
    assert network.batches == [[0], [2]]
