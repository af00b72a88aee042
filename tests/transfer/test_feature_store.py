"""Files of features survive what happens to files: kills, truncation, flipped bits, full disks, other processes."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from cnnkit.errors import DataError
from cnnkit.transfer import feature_store
from cnnkit.transfer.feature_store import FeatureStore, Layout
from tests.transfer.store_world import KEY, LAYOUT, PICTURES, ROOM, chunk, largest_file, opened, truth

ROOT = Path(__file__).resolve().parents[2]
CHUNKS = 40
OTHERS = [f"{number:064x}" for number in range(1, 6)]
SMALL = Layout(pictures=100, shapes=((25,),), dtype="float32")  # 10,000 bytes


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch) -> None:
    monkeypatch.setattr(feature_store, "CHUNK_PICTURES", PICTURES)


def complete(folder: Path) -> list[int]:
    """Writes what is missing and returns which chunks that was; afterwards all is there and right."""
    entry = opened(folder)
    with entry.writing() as missing:
        for number in missing:
            entry.write(number, chunk(number))
    for tensor, expected in zip(entry.in_memory(), truth(), strict=True):
        np.testing.assert_array_equal(tensor, expected)
    entry.close()
    return missing


def writer(folder: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "tests.transfer.store_world", str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_what_was_written_is_read_and_not_written_again(tmp_path) -> None:
    assert complete(tmp_path) == list(range(CHUNKS))
    assert complete(tmp_path) == []


def test_a_description_that_cannot_be_written_costs_nothing(tmp_path) -> None:
    """On a full disk, say, or in the folder of somebody else."""
    assert complete(tmp_path) == list(range(CHUNKS))
    description = next(tmp_path.glob("*/entry.json"))
    description.unlink()
    description.mkdir()
    assert complete(tmp_path) == []


def test_what_is_complete_is_read_where_nothing_can_be_written(tmp_path) -> None:
    complete(tmp_path)
    lock = next(tmp_path.glob("*/writing"))
    lock.unlink()
    lock.mkdir()  # as good as read only: it cannot be opened to write
    assert complete(tmp_path) == []


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_types(tmp_path, dtype) -> None:
    layout = Layout(pictures=7, shapes=((3,),), dtype=dtype)
    entry = FeatureStore(tmp_path).open(KEY, layout, {}, budget_bytes=ROOM)
    numbers = np.arange(21, dtype=np.float32).reshape(7, 3) / 8
    with entry.writing():
        entry.write(0, [numbers])
    np.testing.assert_array_equal(entry.in_memory()[0].astype(np.float32), numbers)  # eighths below 3 are exact
    entry.close()


def test_large_features_make_small_chunks() -> None:
    one = Layout(pictures=5, shapes=((224, 224, 640),), dtype="float32")  # 128 MB a picture
    assert [len(pictures) for pictures in one.chunks()] == [1] * 5
    assert sum(len(pictures) for pictures in LAYOUT.chunks()) == LAYOUT.pictures


@pytest.mark.parametrize("name", ["tensor-0.bin", "tensor-1.bin"])
def test_a_flipped_bit_costs_its_chunk(tmp_path, name) -> None:
    complete(tmp_path)
    with (tmp_path / KEY / name).open("r+b") as file:
        file.seek(17 * PICTURES * 200 + 5)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 4]))
    damaged = complete(tmp_path)
    assert damaged == ([17] if name == "tensor-0.bin" else [17 * 200 // 240])
    assert complete(tmp_path) == []


def test_a_truncated_file_costs_what_was_cut_off(tmp_path) -> None:
    complete(tmp_path)
    os.truncate(tmp_path / KEY / "tensor-0.bin", 30 * PICTURES * 200 - 1)
    assert complete(tmp_path) == list(range(29, CHUNKS))
    (tmp_path / KEY / "tensor-1.bin").unlink()
    assert complete(tmp_path) == list(range(CHUNKS))


def test_some_pictures_are_read_in_the_order_asked_for(tmp_path) -> None:
    complete(tmp_path)
    entry = opened(tmp_path)
    some = np.array([30, 2, 390, 2])
    for rows, expected in zip(entry.tensors(), truth(), strict=True):
        np.testing.assert_array_equal(rows[some], expected[some])
    os.truncate(tmp_path / KEY / "tensor-0.bin", 100)  # by something else, while it is in use
    with pytest.raises(DataError, match=r"(?s)200 bytes of features of picture 30 .*the end of the file"):
        entry.tensors()[0][some]
    entry.close()


def test_a_damaged_list_of_chunks_costs_its_lines(tmp_path) -> None:
    complete(tmp_path)
    chunks = tmp_path / KEY / "chunks"
    os.truncate(chunks, chunks.stat().st_size - 3)
    assert complete(tmp_path) == [CHUNKS - 1]
    chunks.write_bytes(b"\xff\x00 nonsense\n" + chunks.read_bytes().replace(b"7 ", b"x "))
    assert complete(tmp_path) == [7, 17, 27, 37]
    chunks.unlink()
    assert complete(tmp_path) == list(range(CHUNKS))


def test_killed_at_ten_moments_all_but_the_last_chunk_is_kept(tmp_path) -> None:
    random = np.random.default_rng(0)
    for moment in range(10):
        folder = tmp_path / str(moment)
        with writer(folder) as process:
            begun = [process.stdout.readline()]
            time.sleep(random.uniform(0, 0.04))
            process.kill()
            begun += process.stdout.readlines()
        started = [int(line) for line in begun if line.strip().isdigit()]
        left = complete(folder)
        assert set(left) <= set(range(max(started), CHUNKS)), "a chunk before the one in the making was lost"
        assert left == list(range(CHUNKS - len(left), CHUNKS))


def test_two_processes_share_the_work_of_one(tmp_path) -> None:
    processes = [writer(tmp_path), writer(tmp_path)]
    said = [process.communicate(timeout=120)[0].split() for process in processes]
    assert all(lines[-1] == "complete" for lines in said)
    written = [int(number) for lines in said for number in lines[:-1]]
    assert sorted(written) == list(range(CHUNKS))
    assert complete(tmp_path) == []


def test_who_waits_for_a_process_that_is_killed_goes_on_where_it_was(tmp_path) -> None:
    entry = opened(tmp_path)
    with entry.writing() as missing:
        for number in missing[:5]:
            entry.write(number, chunk(number))
        waiting = writer(tmp_path)
        time.sleep(0.3)
    said = waiting.communicate(timeout=120)[0].split()
    assert said == [*map(str, range(5, CHUNKS)), "complete"]
    entry.close()


def test_the_wait_is_announced(tmp_path) -> None:
    entry = opened(tmp_path)
    waits = []
    with (tmp_path / KEY / "writing").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        def announced() -> None:
            waits.append(True)
            fcntl.flock(lock, fcntl.LOCK_UN)

        with entry.writing(on_wait=announced):
            pass
    assert waits == [True]
    entry.close()


def test_no_room_shows_before_anything_is_computed(tmp_path) -> None:
    entry = opened(tmp_path)
    with largest_file(20_000), pytest.raises(OSError, match="File too large"), entry.writing():
        pass
    entry.close()
    assert complete(tmp_path) == list(range(CHUNKS))


def test_a_chunk_that_could_not_be_written_does_not_count(tmp_path) -> None:
    entry = opened(tmp_path)
    with entry.writing() as missing:
        for number in missing[:20]:
            entry.write(number, chunk(number))
        with largest_file(25 * PICTURES * 240 + 100):
            for number in missing[20:25]:
                entry.write(number, chunk(number))
            with pytest.raises(OSError, match="File too large"):
                entry.write(25, chunk(25))
    entry.close()
    assert complete(tmp_path) == list(range(25, CHUNKS))


def filled(store: FeatureStore, key: str, *, used: float) -> None:
    """An entry that was last used at a given time."""
    entry = store.open(key, SMALL, {}, budget_bytes=ROOM)
    with entry.writing():
        pass
    entry.close()
    os.utime(store.folder / key / "entry.json", (used, used))


def kept(store: FeatureStore) -> list[str]:
    return sorted(folder.name for folder in store.folder.iterdir())


def test_the_entries_not_used_for_longest_give_way(tmp_path) -> None:
    store = FeatureStore(tmp_path)
    for key, used in zip(OTHERS[:3], (300, 100, 200), strict=True):
        filled(store, key, used=used)
    assert 30_000 <= store.used_bytes() < 30_100
    store.open(OTHERS[3], SMALL, {}, budget_bytes=30_100).close()
    assert kept(store) == [OTHERS[0], OTHERS[2], OTHERS[3]]


def test_an_entry_in_use_stays_and_another_one_gives_way(tmp_path) -> None:
    store = FeatureStore(tmp_path)
    filled(store, OTHERS[0], used=100)
    filled(store, OTHERS[1], used=200)
    using = store.open(OTHERS[0], SMALL, {}, budget_bytes=ROOM)
    os.utime(tmp_path / OTHERS[0] / "entry.json", (100, 100))
    store.open(OTHERS[2], SMALL, {}, budget_bytes=20_100).close()
    assert kept(store) == [OTHERS[0], OTHERS[2]]
    assert not store.remove(OTHERS[0])
    using.close()
    assert store.remove(OTHERS[0])
    assert not store.remove(OTHERS[0])  # it is gone


def test_without_room_there_is_no_entry(tmp_path) -> None:
    store = FeatureStore(tmp_path)
    using = store.open(OTHERS[0], SMALL, {}, budget_bytes=ROOM)
    with using.writing(), pytest.raises(OSError, match="10,000 bytes of features"):
        store.open(OTHERS[1], SMALL, {}, budget_bytes=15_000)
    using.close()
    assert kept(store) == [OTHERS[0]]


def test_nothing_gives_way_to_what_would_not_fit_alone(tmp_path) -> None:
    store = FeatureStore(tmp_path)
    filled(store, OTHERS[0], used=100)
    with pytest.raises(OSError, match="10,000 bytes of features"):
        store.open(OTHERS[1], SMALL, {}, budget_bytes=9_000)
    assert kept(store) == [OTHERS[0]]
    assert (store.has(OTHERS[0]), store.has(OTHERS[1])) == (True, False)


def test_only_what_is_its_own_is_removed(tmp_path) -> None:
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "photo.jpg").write_bytes(b"x" * 50_000)
    (tmp_path / f".removed-{KEY}-1").mkdir()  # by one who was killed while it removed
    store = FeatureStore(tmp_path)
    filled(store, OTHERS[0], used=100)
    store.open(OTHERS[1], SMALL, {}, budget_bytes=10_000).close()
    assert kept(store) == [OTHERS[1], "holiday"]


def test_an_entry_removed_while_it_was_waited_for_is_made_anew(tmp_path, monkeypatch) -> None:
    store = FeatureStore(tmp_path)
    original = feature_store._locked
    moments = iter([True, False])

    def late(folder: Path, kind: int) -> int | None:
        if next(moments, False):  # another process evicts it between the making and the locking
            folder.rename(tmp_path / "gone")
        return original(folder, kind)

    monkeypatch.setattr(feature_store, "_locked", late)
    entry = store.open(KEY, SMALL, {}, budget_bytes=ROOM)
    assert (tmp_path / KEY).is_dir()
    entry.close()
