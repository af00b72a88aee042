"""Batches: the same bytes from any number of threads, in order, and never far ahead."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnkit.data.image_folder import pictures
from cnnkit.data.pipeline import Batch, batch_at, batches, order
from cnnkit.data.source import Source
from cnnkit.data.views.augmentation import Augmentation
from cnnkit.data.views.framing import Framing
from cnnkit.errors import ImageFileError, InputError


class Drawn:
    """Pictures whose colour is their position; counts what is read, and dawdles so that threads overlap."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.read_positions: list[int] = []
        self._seconds = seconds
        self._lock = threading.Lock()

    def read(self, position: int) -> np.ndarray:
        with self._lock:
            self.read_positions.append(position)
        time.sleep(self._seconds)
        rows, columns = np.mgrid[0:12, 0:16]
        return np.stack([np.full((12, 16), position), rows * 20, columns * 15], axis=-1).astype(np.uint8)

    def digest(self, position: int) -> str:
        return str(position)


def source(count: int, reader: Drawn | None = None) -> Source:
    labels = np.arange(count) % 2
    ids = tuple(f"picture {index}" for index in range(count))
    return Source.labelled(ids, ("even", "odd"), labels, reader or Drawn(), np.arange(count))


def joined(made: list[Batch]) -> tuple[bytes, list[int]]:
    return b"".join(batch.images.tobytes() for batch in made), [
        index for batch in made for index in batch.indices.tolist()
    ]


def test_every_example_once_in_order_with_its_label() -> None:
    made = list(batches(source(10), Framing(), (8, 8), batch_size=4))
    assert [len(batch) for batch in made] == [4, 4, 2]
    assert joined(made)[1] == list(range(10))
    for batch in made:
        assert batch.images.dtype == np.uint8
        assert batch.images.shape[1:] == (8, 8, 3)
        assert (batch.images[:, 0, 0, 0] == batch.indices).all()
        assert batch.labels is not None
        assert (batch.labels == batch.indices % 2).all()


def test_threads_change_nothing() -> None:
    one, four = (
        joined(
            list(
                batches(
                    source(40, Drawn(0.001)),
                    Framing("pad"),
                    (9, 9),
                    batch_size=7,
                    shuffle=True,
                    augment=Augmentation.lecture(),
                    seed=3,
                    epoch=2,
                    threads=threads,
                )
            )
        )
        for threads in (1, 4)
    )
    assert one == four
    assert sorted(one[1]) == list(range(40))


def test_a_view_depends_on_seed_epoch_and_example_only() -> None:
    def views(indices: list[int], seed: int, epoch: int) -> np.ndarray:
        augment = Augmentation.lecture()
        return batch_at(source(9), indices, Framing(), (8, 8), augment=augment, seed=seed, epoch=epoch).images

    assert views([0], 0, 0).dtype == np.float32
    assert (views([3, 5], 0, 0)[1] == views([5], 0, 0)[0]).all()
    assert (views([5], 0, 0) != views([5], 0, 1)).any()
    assert (views([5], 0, 0) != views([5], 1, 0)).any()


def test_an_epoch_can_be_resumed_at_any_batch() -> None:
    def run(start: int) -> list[Batch]:
        augment = Augmentation.gentle()
        return list(batches(source(20), Framing(), (8, 8), batch_size=6, shuffle=True, augment=augment, start=start))

    assert joined(run(2)) == joined(run(0)[2:])
    assert run(9) == []


def test_order_is_a_permutation_fixed_by_seed_and_epoch() -> None:
    assert order(5, seed=0, epoch=3, shuffle=False).tolist() == [0, 1, 2, 3, 4]
    first = order(100, seed=1, epoch=0, shuffle=True)
    assert sorted(first.tolist()) == list(range(100))
    assert (first == order(100, seed=1, epoch=0, shuffle=True)).all()
    for other in (order(100, seed=1, epoch=1, shuffle=True), order(100, seed=2, epoch=0, shuffle=True)):
        assert (first != other).any()


def test_no_more_is_made_ahead_than_one_batch_a_thread_and_one() -> None:
    reader = Drawn()
    stream = batches(source(400, reader), Framing(), (8, 8), batch_size=4, threads=2)
    assert reader.read_positions == []  # nothing before it is asked for
    for taken in range(1, 6):
        next(stream)
        time.sleep(0.05)
        assert len(reader.read_positions) <= 4 * (taken + 2 + 1)
    stream.close()  # type: ignore[attr-defined]  # an iterator by contract, a generator in fact


def test_leaving_early_ends_the_threads() -> None:
    reader = Drawn(0.002)
    for _ in batches(source(1000, reader), Framing(), (8, 8), batch_size=4, threads=3):
        break
    deadline = time.monotonic() + 5
    while any(thread.name.startswith("cnnkit-ahead") for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert len(reader.read_positions) < 100


def test_a_damaged_file_is_named_when_its_batch_is_due(tmp_path: Path) -> None:
    for index in range(6):
        Image.new("RGB", (64, 64), (index * 40, 0, 0)).save(tmp_path / f"{index}.jpg")
    found, _ = pictures(tmp_path)
    whole = (tmp_path / "4.jpg").read_bytes()
    (tmp_path / "4.jpg").write_bytes(whole[: len(whole) * 2 // 3])
    stream = batches(found, Framing(), (8, 8), batch_size=2, threads=2)
    assert [len(next(stream)), len(next(stream))] == [2, 2]
    with pytest.raises(ImageFileError, match=r"4\.jpg"):
        next(stream)


def test_any_other_failure_carries_the_example() -> None:
    class Broken(Drawn):
        def read(self, position: int) -> np.ndarray:
            raise RuntimeError("no film")

    with pytest.raises(RuntimeError, match="no film") as caught:
        next(batches(source(3, Broken()), Framing(), (8, 8)))
    assert caught.value.__notes__ == ["in the picture 'picture 0'"]


def test_pictures_without_labels() -> None:
    unlabelled = Source(("a",), None, Drawn(), np.zeros(1, np.int64))
    assert next(batches(unlabelled, Framing(), (8, 8))).labels is None
    assert list(batches(Source.empty(("a", "b")), Framing(), (8, 8))) == []


def test_wrong_numbers_are_refused_at_the_call() -> None:
    for batch_size, threads in ((0, 1), (4, 0)):
        with pytest.raises(InputError, match="at least 1"):
            batches(source(3), Framing(), (8, 8), batch_size=batch_size, threads=threads)
    with pytest.raises(InputError, match="seed"):
        batches(source(3), Framing(), (8, 8), shuffle=True, seed=-1)
