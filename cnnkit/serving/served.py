"""One version of a network behind the server, and the one handler that every interface calls."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import pandas as pd

from cnnkit.data.targets.targets import Targets
from cnnkit.serving.batching import Batcher
from cnnkit.serving.limits import Limits
from cnnkit.serving.meters import Meters
from cnnkit.serving.pictures import Given, prepare
from cnnkit.serving.refusals import RETRY_AFTER, RequestError
from cnnkit.transfer.network import Network
from cnnkit.transfer.predictor import Predictor, predictor

Result = TypeVar("Result")


class Served:
    """A version of a network, warm, with its batches.

    Attributes:
        name: Of the model.
        version: A number from 1, newer ones larger.
        predictor: What answers.
        batcher: What gathers pictures for it.
    """

    def __init__(self, name: str, version: int, network: Network, limits: Limits, meters: Meters) -> None:
        self.name = name
        self.version = version
        self.predictor: Predictor = predictor(network)
        observe = meters.batches.labels(name).observe
        self.batcher = Batcher(self.predictor.outputs, limits, observe)
        self._users = 0
        self._retired = False

    @property
    def network(self) -> Network:
        """Whose answers these are."""
        return self.predictor.network

    @contextmanager
    def used(self) -> Iterator[Served]:
        """While a request is answered, this version does not end."""
        self._users += 1
        try:
            yield self
        finally:
            self._users -= 1
            self._end()

    def retire(self) -> None:
        """Ends it as soon as the last request that uses it is answered."""
        self._retired = True
        self._end()

    def _end(self) -> None:
        if self._retired and not self._users:
            self.batcher.close()


@dataclass(frozen=True, eq=False)
class Answer:
    """What a network says of the pictures of a request.

    Attributes:
        served: The version that said it.
        ids: One per picture.
        targets: In the pixels of the photographs.
        shapes: (height, width) of each photograph.
    """

    served: Served
    ids: tuple[str, ...]
    targets: Targets
    shapes: tuple[tuple[int, int], ...]

    def table(self) -> pd.DataFrame:
        """What `ck.predict` returns."""
        return self.targets.table(self.ids)


class Handler:
    """Pictures in, what a network says of them out; the same for every interface.

    Args:
        limits: What is refused.
        meters: What counts.
    """

    def __init__(self, limits: Limits, meters: Meters) -> None:
        self.limits = limits
        self.meters = meters
        self._inside = 0
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="cnnkit-serving")
        meters.queue.set_function(lambda: self._inside)

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown(wait=False)

    @contextmanager
    def place(self, pictures: int) -> Iterator[None]:
        """Places in the queue for pictures.

        Raises:
            RequestError: 503, it is full.
        """
        if self._inside + pictures > self.limits.queue:
            raise RequestError(
                503,
                f"room for {pictures} more of {self.limits.queue} pictures in the queue",
                f"{self._inside} inside",
                f"Try again after {RETRY_AFTER} s.",
            )
        self._inside += pictures
        try:
            yield
        finally:
            self._inside -= pictures

    async def in_thread(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Work that would keep the other requests waiting."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *arguments))

    async def answer(self, served: Served, given: Sequence[Given], ids: Sequence[str]) -> Answer:
        """What a network says of pictures.

        Args:
            served: Which network; the caller holds it by `used`.
            given: The pictures.
            ids: What they are called, in errors too.

        Raises:
            RequestError: 413, too many or too large; 503, the queue is full.
            CnnkitError: What is wrong with a picture.
        """
        if not given or len(given) > self.limits.pictures:
            expected = f"1 to {self.limits.pictures} pictures in a request"
            raise RequestError(413 if given else 422, expected, f"{len(given)}", "Send them in several requests.")
        with self.place(len(given) - 1):  # the first has the place of its request
            with served.batcher.announced(len(given)):
                works = [
                    asyncio.ensure_future(self.in_thread(prepare, picture, name, served.predictor, self.limits))
                    for picture, name in zip(given, ids, strict=True)
                ]
                try:
                    prepared = await asyncio.gather(*works)
                finally:
                    for work in works:  # one that failed answers for all: nobody waits for the others
                        work.cancel()
            outputs = await served.batcher.answers([picture.image for picture in prepared])
            shapes = tuple(picture.shape for picture in prepared)
            targets = await self.in_thread(served.predictor.decoded, outputs, shapes)
        self.meters.pictures.labels(served.name).inc(len(given))
        return Answer(served, tuple(ids), targets, shapes)
