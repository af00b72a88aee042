"""The parts of a prediction file, computed here or by workers, who write them or send them back as bytes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from cnnkit.data.portion import Portion, files_seen, portion
from cnnkit.data.source import Source
from cnnkit.engines.runtimes import Runtime
from cnnkit.export.atomic_file import replacing
from cnnkit.export.part_files import Parts, part_name
from cnnkit.export.prediction_table import write_tables
from cnnkit.export.tensors import model_hash, tensor_records
from cnnkit.transfer.network import Network
from cnnkit.transfer.passes import FRAMED, Sight, answers
from cnnkit.transfer.prefix import software
from cnnkit.transfer.progress import Meter, line
from cnnkit.workers import Workers, folder_seen, require_same


@dataclass(frozen=True)
class PartPiece:
    """One part to be computed.

    Attributes:
        number: Of the part.
        first: The place of its first row in the whole.
        pictures: Those of the part.
    """

    number: int
    first: int
    pictures: Portion


@dataclass(frozen=True)
class ComputedPart:
    """One part that was computed.

    Attributes:
        number: Of the part.
        name: Of its file.
        content: Of the file, where the worker did not put it into its folder.
    """

    number: int
    name: str
    content: bytes | None


@dataclass(frozen=True, eq=False)
class PartWork:
    """What is done with the pictures of a part.

    Attributes:
        network: What predicts.
        runtime: What runs it.
        sight: How it looks at pictures.
        batch_size: Pictures at a time.
        count: Of all pictures, which decides how the network runs.
        about: What the rows depend on beside their pictures, as `dependencies` gives it.
        model_hash: Of the network.
        folder: Where parts are written; None to send them back.
    """

    network: Network
    runtime: Runtime
    sight: Sight
    batch_size: int
    count: int
    about: str
    model_hash: str
    folder: Path | None = None

    def start(self) -> Callable[[PartPiece], ComputedPart]:
        """What computes a part.

        Raises:
            InputError: This worker would give other numbers: its versions or its processor are others.
        """
        about, _ = dependencies(self.network, self.runtime, self.sight, pictures=self.count)
        require_same(json.loads(self.about), json.loads(about))
        return self._computed

    def write(self, tables: Iterable[pd.DataFrame], path: Path) -> None:
        """Writes a part."""
        write_tables(path, tables, like=no_rows(self.network), names=self.network.classes, model_hash=self.model_hash)

    def tables(self, source: Source, *, progress: bool = False) -> Generator[pd.DataFrame]:
        """The rows of some pictures, batch by batch."""
        passes = answers(
            self.network,
            source,
            self.runtime,
            sight=self.sight,
            batch_size=self.batch_size,
            progress=progress,
            pictures=self.count,
        )
        with contextlib.closing(passes):
            for answer in passes:
                yield answer.decoded(self.network, source).table([source.ids[index] for index in answer.indices])

    def _computed(self, piece: PartPiece) -> ComputedPart:
        with piece.pictures.opened() as source:
            name = part_name(self.about, piece.first, source)
            if self.folder is not None:
                self.write(self.tables(source), self.folder / name)
                return ComputedPart(piece.number, name, None)
            with TemporaryDirectory(prefix="cnnkit-") as folder:
                self.write(self.tables(source), Path(folder, name))
                return ComputedPart(piece.number, name, Path(folder, name).read_bytes())


def compute_here(work: PartWork, source: Source, parts: Parts, missing: list[int], *, progress: bool) -> None:
    """Computes the parts that are missing in this process: threads decode ahead across parts.

    Args:
        work: What is done.
        source: All pictures.
        parts: Of the file.
        missing: Their numbers.
        progress: Whether to show a live line.

    Raises:
        DataError: A picture cannot be read; the parts before it are there.
    """
    pictures = source.take(np.concatenate([parts.rows(number) for number in missing] or [np.zeros(0, np.int64)]))
    # Batches of a part: none crosses two, so a stop changes no number. With windows each picture is one.
    batches = -(-parts.size // work.batch_size) if work.sight.windows is None else parts.size
    with contextlib.closing(work.tables(pictures, progress=progress)) as computed:
        for number in missing:
            work.write(islice(computed, batches), parts.file(number))


def compute_there(
    workers: Workers, work: PartWork, source: Source, parts: Parts, missing: list[int], *, progress: bool
) -> None:
    """Computes the parts that are missing by workers, who write them where they see their folder.

    Args:
        workers: Who computes them.
        work: What they do.
        source: All pictures.
        parts: Of the file.
        missing: Their numbers.
        progress: Whether to show a live line.

    Raises:
        CnnkitError: Of a part that failed twice, when the others are there.
    """
    seen = files_seen(source, workers)
    if folder_seen(parts.folder, workers):
        work = replace(work, folder=parts.folder.absolute())

    def pieces() -> Iterator[tuple[str, PartPiece]]:
        for number in missing:
            rows = parts.rows(number)
            sent = portion(source, rows, seen=seen)
            yield sent.name, PartPiece(number, int(rows[0]), sent)

    display = line(progress)
    meter = Meter("predict", sum(len(parts.rows(number)) for number in missing), display)
    try:
        for part in workers.told(work).map(pieces()):
            file = parts.made(part.number, part.name)
            if part.content is not None:
                with replacing(file) as partial:
                    partial.write_bytes(part.content)
            meter.advance(len(parts.rows(part.number)))
    finally:
        display.close()


def part_work(network: Network, runtime: Runtime, sight: Sight, batch_size: int, *, pictures: int) -> PartWork:
    """What is done with each part of so many pictures."""
    about, digest = dependencies(network, runtime, sight, pictures=pictures)
    return PartWork(network, runtime, sight, batch_size, pictures, about, digest)


def dependencies(network: Network, runtime: Runtime, sight: Sight, *, pictures: int) -> tuple[str, str]:
    """All that predictions depend on beside the pictures, as JSON; and the hash of the network."""
    forward = network.forward_cache.find(runtime, pictures=pictures, say=lambda _line: None)
    digest = model_hash(tensor_records(network.model))
    about = {
        "format": 2,
        "model": network.model.to_json(),
        "weights": digest,
        "head": network.head.settings(),
        "framing": asdict(network.framing),
        "numbers": forward.numbers,
        "software": software() | forward.engine.versions(),
    }
    if sight != FRAMED:
        about["sight"] = asdict(sight)
    return json.dumps(about, sort_keys=True), digest


def no_rows(network: Network) -> pd.DataFrame:
    """The table of no pictures: its columns and their types."""
    return network.head.decode(network.no_outputs(), network.size).table([])
