"""Pictures of many requests through one network, several at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.errors import DataError
from cnnkit.serving.limits import Limits

POLL_SECONDS = 0.001
Picture = NDArray[np.uint8]
Run = Callable[[NDArray[np.uint8]], Any]


class Batcher:
    """Answers pictures in the order in which they come, as many together as wait; used from one event loop.

    While the network is busy, pictures gather. A network that is free takes what is there: at once if nothing more is
    on its way, else after `limits.delay_seconds` at the latest.

    Args:
        run: (n, height, width, 3) → outputs, one array or several by name; called from a thread of its own.
        limits: The size of a batch and the delay.
        observe: Is told the size of each batch.
    """

    def __init__(self, run: Run, limits: Limits, observe: Callable[[int], None] = lambda _: None) -> None:
        self._run = run
        self._limits = limits
        self._observe = observe
        self._waiting: deque[tuple[Picture, asyncio.Future[Any]]] = deque()
        self._coming = 0
        self._task: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="cnnkit-network")

    def __len__(self) -> int:
        """How many pictures wait."""
        return len(self._waiting)

    @contextmanager
    def announced(self, pictures: int) -> Iterator[None]:
        """While these are decoded, a batch waits for them for a moment."""
        self._coming += pictures
        try:
            yield
        finally:
            self._coming -= pictures

    async def answers(self, images: Sequence[Picture]) -> Any:
        """The outputs for some pictures, one array or several by name, the first axis the picture.

        Raises:
            DataError: An output for one of them is not finite.
        """
        loop = asyncio.get_running_loop()
        futures = [loop.create_future() for _ in images]
        self._waiting.extend(zip(images, futures, strict=True))
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._work())
        try:
            rows = await asyncio.gather(*futures)
        finally:
            for future in futures:  # what nobody waits for any more is not computed
                future.cancel()
        return keras.tree.map_structure(lambda *parts: np.stack(parts), *rows)

    def close(self) -> None:
        """Ends the thread; nothing waits any more."""
        self._thread.shutdown(wait=False)

    async def _work(self) -> None:
        """Until nothing waits."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            latest = loop.time() + self._limits.delay_seconds
            while self._coming and len(self._waiting) < self._limits.batch and loop.time() < latest:
                await asyncio.sleep(POLL_SECONDS)
            batch = self._next()
            if not batch:
                continue
            self._observe(len(batch))
            results = await loop.run_in_executor(self._thread, self._results, [image for image, _ in batch])
            for (_, future), result in zip(batch, results, strict=True):
                if future.done():
                    continue
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)

    def _next(self) -> list[tuple[Picture, asyncio.Future[Any]]]:
        batch: list[tuple[Picture, asyncio.Future[Any]]] = []
        while self._waiting and len(batch) < self._limits.batch:
            picture, future = self._waiting.popleft()
            if not future.done():
                batch.append((picture, future))
        return batch

    def _results(self, images: list[Picture]) -> list[Any]:
        """Of each picture its row of the outputs, or an error."""
        try:
            outputs = self._run(np.stack(images))
        except DataError as error:
            # One picture may overflow a network; the others of its batch are of other people.
            return [error] if len(images) == 1 else [result for image in images for result in self._results([image])]
        except Exception as error:  # whatever it is, nobody shall wait for ever
            return [error] * len(images)
        return [keras.tree.map_structure(itemgetter(row), outputs) for row in range(len(images))]
