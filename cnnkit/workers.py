"""Independent pieces of work done elsewhere: what `workers=` of `ck.fit`, `ck.compare` and their like takes.

What is computed picture by picture says here what it asks of those who do it, and knows no more of them: a cluster
(`ck.distributed.cluster`) is one answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from secrets import token_hex
from typing import Protocol, TypeVar, runtime_checkable

import cnnkit
from cnnkit.errors import InputError

Piece = TypeVar("Piece")
Result = TypeVar("Result")
PieceIn = TypeVar("PieceIn", contravariant=True)
ResultOut = TypeVar("ResultOut", covariant=True)


class Work(Protocol[PieceIn, ResultOut]):
    """A value that is sent to each worker once, and says there what is done with each piece."""

    def start(self) -> Callable[[PieceIn], ResultOut]:
        """What does a piece, made once for each process: here models are traced."""


class Told(Protocol[PieceIn, ResultOut]):
    """Workers that have been told what to do."""

    def map(self, pieces: Iterable[tuple[str, PieceIn]]) -> Iterator[ResultOut]:
        """The results, in the order in which they are there.

        A piece whose worker died, or raised, is done once more. What fails twice does not keep the others from being
        done.

        Args:
            pieces: What each is called in a message, and the piece; taken as they are needed.

        Raises:
            CnnkitError: At the end, where a piece failed twice: its own error, or a `WorkersError` that names it.
        """


@runtime_checkable
class Workers(Protocol):
    """Processes, perhaps on other machines, that do pieces of work."""

    @property
    def count(self) -> int:
        """How many there are at this moment."""

    def told(self, work: Work[Piece, Result]) -> Told[Piece, Result]:
        """They as they know what is done with each piece: it is sent once, however often pieces are given."""

    def sees(self, file: Path) -> bool:
        """Whether all workers find under this path the very file that is here."""


def workers_of(value: Workers | str | None) -> Workers | None:
    """Workers as they are given, or those of an address; None where the work is done here.

    An address is looked up as a user would, at the front door, which names every room: the rooms that compute import no
    engine of a cluster.

    Raises:
        InputError: Something else, or no cluster answers at the address.
        MissingExtraError: The engine of the cluster is not installed.
    """
    if isinstance(value, str):
        return cnnkit.distributed.cluster(value)
    if value is None or isinstance(value, Workers):
        return value
    raise InputError(
        "workers: the address of a cluster, workers, or None",
        f"{type(value).__name__}: {value!r}"[:200],
        '"auto" is the cluster of this machine, "ray://host:10001" another; ck.distributed.cluster(address) is one.',
    )


def each(first: str, last: str, count: int) -> str:
    """What a piece of several pictures is called in a message.

    >>> each("cat/1.jpg", "cat/9.jpg", 9)
    'the 9 pictures from cat/1.jpg to cat/9.jpg'
    """
    return f"the picture {first}" if count == 1 else f"the {count} pictures from {first} to {last}"


def folder_seen(folder: Path, workers: Workers) -> bool:
    """Whether all workers write into this very folder, told by a file of random content that is put there."""
    token = folder / f".seen-{token_hex(8)}"
    token.write_text(token_hex(16), encoding="ascii")
    try:
        return workers.sees(token.absolute())
    finally:
        token.unlink(missing_ok=True)


def require_seen(place: str | Path, workers: Workers) -> None:
    """Refuses a file, or a folder with files, that not all workers see under its path.

    Raises:
        InputError: It is on this machine alone.
    """
    root = Path(place).expanduser().absolute()
    file = root if root.is_file() else next((path for path in sorted(root.rglob("*")) if path.is_file()), None)
    if file is not None and not workers.sees(file):
        raise InputError(
            f"{root} on storage that all machines of the cluster see",
            f"a machine that does not find {file.name} there",
            "Put it on a shared disk, under the same path everywhere.",
        )


def require_same(expected: Mapping[str, object], received: Mapping[str, object]) -> None:
    """Refuses a worker that would give other numbers.

    Args:
        expected: What the numbers depend on where the work is given.
        received: The same where it is to be done.

    Raises:
        InputError: They differ.
    """
    others = sorted(name for name in {*expected, *received} if expected.get(name) != received.get(name))
    if others:
        raise InputError(
            "workers whose packages and processors give the same numbers: "
            + ", ".join(f"{name} {expected.get(name)}" for name in others),
            ", ".join(f"{name} {received.get(name)}" for name in others)[:1000],
            "Install the same versions on every machine of the cluster.",
        )
