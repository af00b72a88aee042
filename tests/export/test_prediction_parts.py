"""Any number of pictures to one file: stopped anywhere and called again, it is the file of one run."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

import cnnkit as ck
from cnnkit.data.portion import portion
from cnnkit.data.source import Source
from cnnkit.errors import BundleError, DataError, ImageFileError, InputError, UnknownNameError
from cnnkit.export import prediction_table
from cnnkit.export.bundle import save
from cnnkit.export.prediction_parts import predict_to_parquet
from cnnkit.export.prediction_table import read_predictions
from cnnkit.export.tensors import model_hash, tensor_records
from cnnkit.transfer.network import Network
from tests.export.tiny_network import network, noise

COUNT, BATCH, PART = 23, 2, 5  # parts of 6 rows: whole batches


@pytest.fixture(scope="module")
def net() -> Network:
    keras.utils.set_random_seed(0)
    return network()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return noise(tmp_path / "photos", COUNT)


def run(net: Network, photos: Path, out: Path, **options):
    return predict_to_parquet(net, photos, out, batch_size=BATCH, part_rows=PART, **options)


def parts(out: Path) -> list[Path]:
    folder = out.with_name(f".{out.name}.parts")
    return sorted(folder.glob("[0-9]*"), key=lambda file: int(file.name.split("-")[0]))


@pytest.fixture
def stopped(net: Network, photos: Path, tmp_path: Path) -> Path:
    """The file of a run that met a broken picture in its third part."""
    out = tmp_path / "p.parquet"
    whole = (photos / "14.png").read_bytes()
    (photos / "14.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ImageFileError, match=r"14\.png"):
        run(net, photos, out)
    (photos / "14.png").write_bytes(whole)
    assert not out.exists()
    assert [file.name.split("-")[0] for file in parts(out)] == ["0", "6"]
    return out


@pytest.fixture
def expected(net: Network, photos: Path, tmp_path: Path) -> pd.DataFrame:
    written = run(net, photos, tmp_path / "one go.parquet")
    assert (written.rows, written.kept_pictures) == (COUNT, 0)
    return read_predictions(written.path).table


def test_one_go_is_what_predict_returns(net: Network, photos: Path, tmp_path: Path, expected: pd.DataFrame) -> None:
    wanted = ck.predict(net, photos, batch_size=BATCH)
    assert expected["id"].tolist() == [f"{index}.png" for index in range(COUNT)]  # 2 before 10
    pd.testing.assert_frame_equal(expected, wanted, check_dtype=False, atol=1e-6)
    written = run(net, photos, tmp_path / "one go.parquet")
    assert written.labels == wanted["label"].value_counts().to_dict()
    found = read_predictions(written.path)
    assert (found.classes, found.model_hash) == (net.classes, model_hash(tensor_records(net.model)))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["one go.parquet", "photos"]


def test_it_goes_on_from_the_last_whole_part(net: Network, photos: Path, stopped: Path, expected) -> None:
    before = [file.stat().st_mtime_ns for file in parts(stopped)]
    (photos / "22.png").unlink()  # the last part is begun anew anyway, and may be another
    with pytest.raises(BundleError, match="no other process writing"), locked(stopped):
        run(net, photos, stopped)
    assert [file.stat().st_mtime_ns for file in parts(stopped)] == before
    written = run(net, photos, stopped)
    assert (written.rows, written.kept_pictures) == (COUNT - 1, 12)
    pd.testing.assert_frame_equal(read_predictions(stopped).table, expected[:-1])
    assert parts(stopped) == []


class locked:  # noqa: N801
    def __init__(self, out: Path) -> None:
        self._folder = out.with_name(f".{out.name}.parts")

    def __enter__(self) -> None:
        self._lock = os.open(self._folder, os.O_RDONLY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def __exit__(self, *_) -> None:
        os.close(self._lock)


def test_parts_of_other_pictures_are_made_again(net: Network, photos: Path, stopped: Path) -> None:
    (photos / "7.png").write_bytes((photos / "8.png").read_bytes())
    written = run(net, photos, stopped)
    assert written.kept_pictures == 6
    table = read_predictions(stopped).table.set_index("id")
    np.testing.assert_array_equal(table.loc["7.png"], table.loc["8.png"])


def test_parts_of_another_network_or_engine_are_made_again(net: Network, photos: Path, stopped: Path) -> None:
    (stopped.with_name(f".{stopped.name}.parts") / "stray").write_text("no part")
    other = network()
    other.model.layers[-1].bias.assign([1.0])
    assert run(other, photos, stopped).kept_pictures == 0
    pd.testing.assert_frame_equal(
        read_predictions(stopped).table, ck.predict(other, photos, batch_size=BATCH), check_dtype=False, atol=1e-6
    )


def test_bfloat16_parts_are_not_those_of_float32(net: Network, photos: Path, stopped: Path) -> None:
    if not ck.engines.has_bfloat16():
        pytest.skip("the processor has no bfloat16")
    assert run(net, photos, stopped, precision="bfloat16", engine="tensorflow").kept_pictures == 0


def test_wrong_use(net: Network, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.parquet"
    with pytest.raises(DataError, match="empty"):
        predict_to_parquet(net, Source.empty(("ant", "bee")), out)
    with pytest.raises(InputError, match="part_rows as a whole number of at least 1"):
        predict_to_parquet(net, photos, out, part_rows=0)
    with pytest.raises(UnknownNameError, match="openvino"):
        predict_to_parquet(net, photos, out, engine="openvin")
    (tmp_path / "file").write_text("")
    with pytest.raises(BundleError, match="to write"):
        predict_to_parquet(net, photos, tmp_path / "file" / "p.parquet")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file", "photos"]


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_as_one_run(net: Network, photos: Path, tmp_path: Path, expected) -> None:
    bundle, out = save(net, tmp_path / "bundle"), tmp_path / "p.parquet"
    code = """
import sys, time
import cnnkit as ck
from cnnkit.data.image_folder import FileReader
from cnnkit.export.prediction_parts import predict_to_parquet
read = FileReader.read
def slowly(self, position):
    time.sleep(0.3)
    return read(self, position)
FileReader.read = slowly
FileReader.read_scaled = lambda self, position, least: slowly(self, position)
print("begins", flush=True)
predict_to_parquet(ck.load(sys.argv[1]), sys.argv[2], sys.argv[3], batch_size=2, part_rows=5)
"""
    kept = []
    for moment in (0.0, 0.1, 0.3):
        with subprocess.Popen(
            [sys.executable, "-c", code, str(bundle), str(photos), str(out)], stdout=subprocess.PIPE, text=True
        ) as running:
            assert running.stdout is not None
            running.stdout.readline()
            there = len(parts(out))
            deadline = time.monotonic() + 120
            while len(parts(out)) == there and running.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(moment)
            running.send_signal(signal.SIGKILL)
        kept.append(len(parts(out)))
    assert kept == sorted(kept)
    assert kept[0] > 0
    run(net, photos, out)
    pd.testing.assert_frame_equal(read_predictions(out).table, expected)
    assert parts(out) == []


def test_the_file_does_not_depend_on_its_parts(net: Network, photos: Path, tmp_path: Path, monkeypatch) -> None:
    """Also where row groups are bounded by their bytes, as those of masks are: workers make smaller parts."""
    monkeypatch.setattr(prediction_table, "GROUP_BYTES", 100)
    files = [
        predict_to_parquet(net, photos, tmp_path / f"{rows}.parquet", batch_size=2, part_rows=rows) for rows in (4, 100)
    ]
    assert files[0].path.read_bytes() == files[1].path.read_bytes()


def test_a_picture_that_is_gone_is_named(net: Network, photos: Path, tmp_path: Path) -> None:
    source = ck.data.as_source(photos)
    (photos / "3.png").unlink()
    with pytest.raises(ImageFileError, match=r"3\.png. Received: No such file"):
        run(net, source, tmp_path / "p.parquet")
    with pytest.raises(ImageFileError, match=r"3\.png. Received: No such file"):
        portion(source, np.arange(5), seen=False)
