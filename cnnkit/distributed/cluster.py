"""A cluster of Ray as workers: tasks with one retry, as many at a time as there are processors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from cnnkit.errors import CnnkitError, InputError, WorkersError, missing_extra
from cnnkit.metrics.given_arrays import whole_number
from cnnkit.workers import Work

try:
    import ray
    from ray.exceptions import RayError, RayTaskError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
except ModuleNotFoundError as error:
    raise missing_extra("ray", "ray", "workers on a cluster") from error

from cnnkit.distributed.tasks import content, perform

Piece = TypeVar("Piece")
Result = TypeVar("Result")

TRIES = 2
WAITING = 1  # tasks beyond those that run: the next one is there when a processor becomes free
MOST_FAILURES = 20  # then the rest is not tried: it is the work that fails, not a piece
NAMED_FAILURES = 3
NAMESPACE = "cnnkit "  # Ray keeps the name that a process connected under, which tells by which address


@dataclass(frozen=True)
class Cluster:
    """Workers on a cluster of Ray that this process is connected with; `cluster` connects it.

    Attributes:
        address: Of the cluster.
        cpus: Processors of each task, which computes with so many threads.
    """

    address: str
    cpus: int = 1

    @property
    def count(self) -> int:
        """How many tasks run at once: machines may come and go."""
        return max(1, int(ray.cluster_resources().get("CPU", 0)) // self.cpus)

    def told(self, work: Work[Piece, Result]) -> Tasks[Piece, Result]:
        """Tasks of this work, which is put where all of the cluster find it."""
        return Tasks(self, ray.put(work))

    def sees(self, file: Path) -> bool:
        """Whether the file under this path is on every machine the one that is here."""
        here = content(file)
        task: Any = ray.remote(num_cpus=0)(content)
        nodes = [node["NodeID"] for node in ray.nodes() if node["Alive"]]
        asked = [task.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=True)) for node in nodes]
        return bool(here) and set(ray.get([each.remote(file) for each in asked])) == {here}


@dataclass(frozen=True)
class Tasks(Generic[Piece, Result]):
    """Pieces of one work on a cluster.

    Attributes:
        cluster: Where they are done.
        work: Where Ray keeps it.
    """

    cluster: Cluster
    work: ray.ObjectRef

    def map(self, pieces: Iterable[tuple[str, Piece]]) -> Iterator[Result]:
        """The results, in the order in which they are there; see `Told.map` of `cnnkit/workers.py`.

        Raises:
            CnnkitError: At the end, of a piece that raised it twice.
            WorkersError: At the end, of pieces that failed twice for another reason: they are named.
        """
        cpus, directory = self.cluster.cpus, str(Path.cwd())
        task: Any = ray.remote(num_cpus=cpus, max_retries=0)(perform)
        waiting = iter(pieces)
        running: dict[ray.ObjectRef, _Attempt] = {}
        failures: list[_Failure] = []

        def submit(attempt: _Attempt) -> None:
            running[task.remote(cpus, directory, [self.work], attempt.piece)] = attempt

        try:
            while True:
                while len(running) < self.cluster.count + WAITING and len(failures) < MOST_FAILURES:
                    named = next(waiting, None)
                    if named is None:
                        break
                    submit(_Attempt(named[0], ray.put(named[1])))
                if not running:
                    break
                ready, _ = ray.wait(list(running), num_returns=1)
                attempt = running.pop(ready[0])
                try:
                    result: Result = ray.get(ready[0])
                except RayError as error:
                    if attempt.number < TRIES:
                        submit(_Attempt(attempt.name, attempt.piece, attempt.number + 1))
                    else:
                        failures.append(_Failure(attempt.name, _cause(error)))
                else:
                    yield result
        finally:
            for reference in running:
                ray.cancel(reference)
        if failures:
            raise _told(failures)


@dataclass(frozen=True)
class _Attempt:
    """A piece that is being done: what it is called, where Ray keeps it, and the how manieth time it is."""

    name: str
    piece: ray.ObjectRef
    number: int = 1


@dataclass(frozen=True)
class _Failure:
    """A piece that failed for the last time."""

    name: str
    error: Exception


def cluster(address: str = "auto", *, cpus: int = 1) -> Cluster:
    """Connects this process with a cluster of Ray, once.

    `ray start --head` starts a cluster on one machine, `ray start --address=HOST:6379` joins it from another; every
    machine has the same cnnkit.

    Args:
        address: `"auto"` for the cluster that this machine belongs to; `"ray://host:10001"` for another; `"local"` for
            one of this process alone.
        cpus: Processors of each task.

    Raises:
        InputError: No cluster answers, this process is connected by another address, or no machine has so many
            processors.
        MissingExtraError: Ray is not installed.
    """
    whole_number("cpus", cpus)
    if not isinstance(address, str) or not address:
        raise InputError("the address of a cluster", repr(address)[:200], '"auto" or "ray://host:10001".')
    if not ray.is_initialized():
        try:
            ray.init(address=address, namespace=NAMESPACE + address, log_to_driver=False, logging_level="ERROR")
        except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
            raise InputError(
                f"a cluster of Ray at {address!r}",
                " ".join([f"{type(error).__name__}:", *str(error).strip().splitlines()[:1]])[:300],
                "On its first machine: ray start --head; on each other one: ray start --address=FIRST:6379",
            ) from error
    name = str(ray.get_runtime_context().namespace)  # another one where the caller has connected
    if name.startswith(NAMESPACE) and name != NAMESPACE + address and address != "auto":
        raise InputError(
            f"one cluster for each process, here {name.removeprefix(NAMESPACE)!r}",
            repr(address)[:200],
            "ray.shutdown() leaves it.",
        )
    most = max((node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]), default=0)
    if 0 < most < cpus:  # without any, machines come when they are asked for
        raise InputError(f"at most {most:g} processors for each task, as a machine has", f"cpus={cpus}", "1 is usual.")
    return Cluster(address, cpus)


def _cause(error: RayError) -> Exception:
    """What a task raised itself, else what Ray says of it."""
    return error.cause if isinstance(error, RayTaskError) and isinstance(error.cause, Exception) else error


def _told(failures: list[_Failure]) -> Exception:
    """The error for pieces that failed: cnnkit's own, of the first, as a process alone would raise it."""
    own = next((failure.error for failure in failures if isinstance(failure.error, CnnkitError)), None)
    named = "; ".join(f"{failure.name}: {_words(failure.error)}" for failure in failures[:NAMED_FAILURES])
    more = f"; and {len(failures) - NAMED_FAILURES} more" if len(failures) > NAMED_FAILURES else ""
    if own is not None:
        own.add_note(f"{len(failures)} tasks failed twice: {named}{more}")
        return own
    return WorkersError(
        "every task to be done by a worker",
        f"{len(failures)} that failed twice: {named}{more}",
        "What was done is kept: the same call computes what is missing.",
    )


def _words(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return " ".join([type(error).__name__, *lines[:1]])[:300]
