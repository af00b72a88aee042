"""A picture is decoded once in a run that has the memory, whoever asks and however often."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnkit.data import Augmentation, Framing, Source, batches, folder
from cnnkit.data.kept_pictures import MEMORY_PART, KeptPictures, free_memory
from cnnkit.errors import UnknownNameError

SIZE = (6, 6)


@dataclass(frozen=True, eq=False)
class CountingReader:
    """Noise; remembers how often each picture was read."""

    reads: list[int] = field(default_factory=list)

    def read(self, position: int) -> np.ndarray:
        self.reads.append(position)
        return np.random.default_rng(position).integers(0, 256, (9, 9, 3), dtype=np.uint8)

    def digest(self, position: int) -> str:
        return str(position)


def counted(count: int) -> Source:
    return Source(tuple(map(str, range(count))), None, CountingReader(), np.arange(count))


def epochs(source: Source, kept: KeptPictures | None, augment: Augmentation | None = None) -> list[np.ndarray]:
    runs = [
        batches(source, Framing(), SIZE, batch_size=4, shuffle=True, augment=augment, kept=kept, epoch=epoch, threads=3)
        for epoch in range(3)
    ]
    return [np.concatenate([batch.images for batch in run]) for run in runs]


@pytest.mark.parametrize("augment", [None, Augmentation.gentle()])
def test_three_epochs_decode_each_picture_once_and_give_the_same(augment: Augmentation | None) -> None:
    source, again = counted(10), counted(10)
    kept = epochs(source, KeptPictures(), augment)
    assert sorted(source.reader.reads) == list(range(10))  # type: ignore[attr-defined]
    assert all((one == other).all() for one, other in zip(kept, epochs(again, None, augment), strict=True))
    assert len(again.reader.reads) == 30  # type: ignore[attr-defined]


def test_a_budget_keeps_what_fits_and_decodes_the_rest_each_time() -> None:
    source = counted(10)
    epochs(source, KeptPictures(budget_bytes=4 * 6 * 6 * 3))
    assert len(source.reader.reads) == 10 + 6 + 6  # type: ignore[attr-defined]


def test_many_threads_stay_within_the_budget() -> None:
    kept, start = KeptPictures(budget_bytes=50 * 100), threading.Barrier(8)

    def work(_: int) -> None:
        start.wait()
        for number in range(200):
            assert (kept.get(number, lambda number=number: np.full(100, number, np.uint8)) == number).all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    made = [number for number in range(200) if (kept.get(number, lambda: np.zeros(0, np.uint8))).size == 0]
    assert len(made) == 150


def test_by_default_a_quarter_of_the_free_memory_is_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnnkit.data.kept_pictures.free_memory", lambda: 400)
    kept = KeptPictures()
    pictures = [kept.get(0, lambda: np.zeros(60, np.uint8)) for _ in range(2)]
    others = [kept.get(1, lambda: np.zeros(60, np.uint8)) for _ in range(2)]
    assert MEMORY_PART == 0.25
    assert pictures[0] is pictures[1]
    assert others[0] is not others[1]  # 120 > 400 / 4


def test_free_memory_is_of_this_machine() -> None:
    assert 10**7 < free_memory() < 10**14


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Two classes of smooth pictures, 120 × 160, as JPEG."""
    rows, columns = np.mgrid[0:120, 0:160]
    for number, name in enumerate(("a", "b")):
        (tmp_path / name).mkdir()
        for index in range(4):
            picture = np.stack([rows * 2, columns + index, 255 - rows - number * 99], axis=-1).astype(np.uint8)
            Image.fromarray(picture).save(tmp_path / name / f"{index}.jpg", quality=95)
    return tmp_path


def test_a_folder_read_scaled_gives_nearly_the_same_pictures(large: Path) -> None:
    parts = [folder(large, decode=decode).train for decode in ("exact", "scaled")]
    exact, scaled = (next(iter(batches(part, Framing(), (30, 30)))).images.astype(int) for part in parts)
    assert 0 < np.abs(exact - scaled).max() <= 4
    assert parts[1].image(0).shape == (120, 160, 3)  # whole, where nothing says how much is enough
    assert parts[1].image(0, least=30).shape == (30, 40, 3)


def test_scaled_pictures_have_another_fingerprint(large: Path) -> None:
    """What was computed from the others is not taken for what these give."""
    exact, scaled = (folder(large, decode=decode) for decode in ("exact", "scaled"))
    assert exact.fingerprint != scaled.fingerprint
    assert not len(scaled.duplicates())


def test_another_way_to_decode_is_refused(large: Path) -> None:
    with pytest.raises(UnknownNameError, match="'scaled'"):
        folder(large, decode="scale")  # type: ignore[arg-type]  # the mistake under test


@pytest.mark.parametrize(
    ("framing", "size", "least"),
    [
        (Framing(), (224, 224), 224),
        (Framing(fraction=0.875), (224, 224), 256),
        (Framing("squash"), (96, 128), 128),
        (Framing("pad"), (96, 96), 96),
    ],
)
def test_a_framing_says_how_much_is_enough(framing: Framing, size: tuple[int, int], least: int) -> None:
    assert framing.least(size) == least


@pytest.mark.parametrize(
    ("folder", "names"),
    [
        ("", ("memory.max", "memory.current", "memory.stat")),
        ("memory", ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat")),
    ],
)
def test_a_container_may_leave_less_than_the_machine(tmp_path: Path, folder: str, names: tuple[str, ...]) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9000 kB\nMemAvailable: 8000 kB\n")
    assert free_memory(tmp_path) == 8000 * 1024
    group = tmp_path / "sys/fs/cgroup" / folder
    group.mkdir(parents=True)
    for limit, free in (("5000000", 5_000_000 - 4_000_000 + 300_000), ("3000000", 0), ("max", 8000 * 1024)):
        for name, text in zip(names, (limit, "4000000", "anon 7\ninactive_file 300000"), strict=True):
            (group / name).write_text(text + "\n")
        assert free_memory(tmp_path) == free


def test_a_kept_picture_cannot_be_changed() -> None:
    """An augmenter of the user's own that draws into its picture would change all later epochs."""

    class Cutout:
        def apply(self, image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
            image[:3] = 0
            return image.astype(np.float32)

    with pytest.raises(ValueError, match="read-only"):
        epochs(counted(4), KeptPictures(), Cutout())  # type: ignore[arg-type]
