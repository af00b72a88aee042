from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cnnkit.errors import CheckpointError, InputError
from cnnkit.transfer.checkpoint import Checkpoints, State

ROOT = Path(__file__).resolve().parents[2]
ARRAYS = {"model/0": np.arange(6.0).reshape(2, 3), "model/1": np.array([1, 2], np.int64)}


def test_the_newest_one_replaces_the_older(tmp_path) -> None:
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(State(identity={"seed": 1}, rows=[{"loss": 2.0}]), ARRAYS)
    checkpoints.save(State(identity={"seed": 1}, rows=[{"loss": 2.0}, {"loss": 1.0}], epoch=2), ARRAYS)
    assert [folder.name for folder in tmp_path.iterdir()] == ["checkpoint-0002"]
    state, arrays = checkpoints.latest({"seed": 1})
    assert state == State(identity={"seed": 1}, rows=[{"loss": 2.0}, {"loss": 1.0}], epoch=2)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype


def test_none_yet(tmp_path) -> None:
    assert Checkpoints(tmp_path / "nowhere").latest({}) is None


def test_another_training_is_refused_by_its_first_difference(tmp_path) -> None:
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(State(identity={"seed": 1, "plan": ["a"]}), ARRAYS)
    with pytest.raises(InputError, match="the same plan"):
        checkpoints.latest({"seed": 1, "plan": ["b"]})


def test_what_a_kill_left_half_written_does_not_count(tmp_path) -> None:
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(State(identity={}), ARRAYS)
    (tmp_path / ".checkpoint-0001.123").mkdir()
    assert checkpoints.latest({})[0].rows == []


@pytest.mark.parametrize(
    ("name", "content"),
    [("state.json", b"{"), ("state.json", b'{"identity": {}, "new": 1}'), ("arrays.npz", b"PK"), ("arrays.npz", b"")],
)
def test_a_damaged_one_is_named(tmp_path, name, content) -> None:
    checkpoint = Checkpoints(tmp_path).save(State(identity={}), ARRAYS)
    (checkpoint / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=r"a whole checkpoint.*checkpoint-0000"):
        Checkpoints(tmp_path).latest({})


def test_a_folder_that_cannot_be_written(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="a folder that can be written"):
        Checkpoints(tmp_path / "file" / "below").save(State(identity={}), ARRAYS)


FULL = """
import resource
import numpy as np
from cnnkit.transfer.checkpoint import Checkpoints, State

checkpoints = Checkpoints({folder!r})
checkpoints.save(State(identity={{}}), {{"model/0": np.zeros(10)}})
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
checkpoints.save(State(identity={{}}, rows=[{{}}]), {{"model/0": np.zeros(100_000)}})
"""


def test_a_full_disk_keeps_the_checkpoint_before(tmp_path) -> None:
    code = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)" + FULL.format(folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    assert "CheckpointError: Expected to write a checkpoint" in done.stderr
    assert [folder.name for folder in tmp_path.iterdir()] == ["checkpoint-0000"]
    assert Checkpoints(tmp_path).latest({}) is not None
