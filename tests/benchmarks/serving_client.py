"""The load of `bench_serving.py`: clients that send JPEGs in forms, one after the other, from a process of its own.

    python tests/benchmarks/serving_client.py ADDRESS FOLDER CLIENTS SECONDS [RATE]

Without a rate each client sends the next picture when it has its answer; with one, requests begin at that many a
second, whether the others are answered or not. Prints one JSON object: seconds, and latencies by status or error.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import defaultdict
from itertools import count, cycle
from pathlib import Path

import aiohttp

Latencies = dict[str, list[float]]


async def send(session: aiohttp.ClientSession, address: str, data: bytes, latencies: Latencies) -> None:
    """One picture; its time from the beginning to the end of the answer, by status."""
    form = aiohttp.FormData()
    form.add_field("files", data, filename="a.jpg", content_type="image/jpeg")
    started = time.perf_counter()
    try:
        async with session.post(address, data=form) as reply:
            await reply.read()
            status = str(reply.status)
    except aiohttp.ClientError as error:
        status = type(error).__name__
    latencies[status].append(time.perf_counter() - started)


async def load(address: str, files: list[bytes], clients: int, seconds: float, rate: float | None) -> Latencies:
    """All requests of one run."""
    latencies: Latencies = defaultdict(list)
    pictures, end = cycle(files), time.perf_counter() + seconds
    timeout = aiohttp.ClientTimeout(total=120)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as session:

        async def client() -> None:
            while time.perf_counter() < end:
                await send(session, address, next(pictures), latencies)

        if rate is None:
            await asyncio.gather(*(client() for _ in range(clients)))
            return latencies
        started, tasks = time.perf_counter(), []
        for number in count():
            due = started + number / rate
            if due >= end:
                break
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(send(session, address, next(pictures), latencies)))
        await asyncio.gather(*tasks)
    return latencies


def main(address: str, folder: str, clients: str, seconds: str, rate: str = "") -> None:
    """Runs the load and prints what came of it."""
    files = [path.read_bytes() for path in sorted(Path(folder).rglob("*.jpg"))]
    started = time.perf_counter()
    latencies = asyncio.run(load(address, files, int(clients), float(seconds), float(rate) if rate else None))
    print(json.dumps({"seconds": time.perf_counter() - started, "latencies": latencies}))


if __name__ == "__main__":
    main(*sys.argv[1:])
