"""On a real cluster of two nodes: what comes out is what one process makes, whatever dies."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from cnnkit.errors import DataError, WorkersError
from cnnkit.export.prediction_parts import predict_to_parquet
from cnnkit.transfer.network import Network
from tests.export.tiny_network import network

COUNT = 23


@pytest.fixture(scope="module")
def workers(nodes: Any):
    from cnnkit.distributed import cluster

    return cluster(nodes.address)


@dataclass(frozen=True)
class Doubling:
    """Work that dies, or raises, in the first tries of some pieces."""

    folder: Path
    deaths: int = 0
    error: Exception | None = None

    def start(self) -> Callable[[int], int]:
        return self.double

    def double(self, number: int) -> int:
        if number == 3:
            tries = self.folder / f"tries-{number}"
            done = int(tries.read_text()) if tries.exists() else 0
            tries.write_text(str(done + 1))
            if done < self.deaths:
                if self.error is not None:
                    raise self.error
                os._exit(1)
        return 2 * number


def named(count: int):
    return ((f"piece {number}", number) for number in range(count))


def test_pieces_are_done_once_each(workers: Any, tmp_path: Path) -> None:
    assert sorted(workers.map(Doubling(tmp_path), named(8))) == list(range(0, 16, 2))


@pytest.mark.slow
def test_a_task_that_dies_is_done_again(workers: Any, tmp_path: Path) -> None:
    assert sorted(workers.map(Doubling(tmp_path, deaths=1), named(5))) == [0, 2, 4, 6, 8]
    assert (tmp_path / "tries-3").read_text() == "2"


@pytest.mark.slow
def test_one_that_dies_twice_is_named_when_the_others_are_done(workers: Any, tmp_path: Path) -> None:
    results = workers.map(Doubling(tmp_path, deaths=2), named(6))
    assert sorted(next(results) for _ in range(5)) == [0, 2, 4, 8, 10]
    with pytest.raises(WorkersError, match=r"1 that failed twice: piece 3: WorkerCrashedError.* What was done is kept"):
        next(results)


@pytest.mark.slow
def test_an_error_of_the_work_is_that_error(workers: Any, tmp_path: Path) -> None:
    error = DataError("a picture", "none", "Take one.")
    results = workers.map(Doubling(tmp_path, deaths=2, error=error), named(6))
    assert sorted(next(results) for _ in range(5)) == [0, 2, 4, 8, 10]
    with pytest.raises(DataError, match=r"Expected a picture. Received: none. Take one.") as failure:
        next(results)
    assert failure.value.__notes__ == [
        "1 tasks failed twice: piece 3: DataError Expected a picture. Received: none. Take one."
    ]


@pytest.fixture(scope="module")
def net() -> Network:
    keras.utils.set_random_seed(0)
    return network()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    random = np.random.default_rng(0)
    for index in range(COUNT):
        Image.fromarray(random.integers(0, 256, (20, 20, 3), np.uint8)).save(folder / f"{index}.png")
    return folder


def test_predictions_are_the_same_file(workers: Any, net: Network, photos: Path, tmp_path: Path) -> None:
    alone = predict_to_parquet(net, photos, tmp_path / "alone.parquet", batch_size=2)
    there = predict_to_parquet(net, photos, tmp_path / "there.parquet", batch_size=2, part_rows=5, workers=workers)
    assert there.path.read_bytes() == alone.path.read_bytes()
    assert (there.pictures, there.labels, there.kept_pictures) == (COUNT, alone.labels, 0)
