"""Whatever writes a file or a folder leaves alone what it did not write itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.cli import main
from cnnkit.course.hand_in import write_submission
from cnnkit.course.submissions.assignment import Assignment
from cnnkit.reports.quickstart import quickstart
from cnnkit.scenes import write_folders
from cnnkit.transfer.checkpoint import Checkpoints, State
from tests.export.tiny_network import tiny_model

NETWORK_OF = ["a", "b", "c"]


@pytest.fixture(scope="module")
def network() -> ck.Network:
    return ck.attach(ck.backbone(tiny_model()), ck.heads.classifier(NETWORK_OF))


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def save(network: ck.Network, place: Path) -> None:
    ck.save(network, place)


def submission(network: ck.Network, place: Path) -> None:
    code = place.parent / "code.py"
    code.write_text("")
    assignment = Assignment(name="x", title="x", rows=1, column="a")
    frame = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3), dtype=np.uint8)
    write_submission(place, network, frame, assignment=assignment, code=code)


def draw(_network: ck.Network, place: Path) -> None:
    quickstart(data=place, out=place.parent / "runs", pictures=100, progress=False)


def train(_network: ck.Network, place: Path) -> None:
    command(["finetune", "nowhere", "--out", str(place)])


def command(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    if end.value.code:
        raise ck.errors.InputError("", "", "")  # it said so and failed: what the table asks for


WRITERS: list[Callable[[ck.Network, Path], None]] = [save, submission, draw, train]
FOLDERS = {
    "of pictures": {"rose/1.jpg": "a photo", "tulip/2.jpg": "another"},
    "of another program's model": {"model.json": "{}", "model.weights.h5": "weights of months"},
    "with one note": {"note.txt": "mine"},
    "hidden": {".git/config": "mine"},
}


@pytest.mark.parametrize("files", FOLDERS.values(), ids=FOLDERS)
@pytest.mark.parametrize("write", WRITERS)
def test_a_folder_of_others_is_left_alone(network, write, files, tmp_path) -> None:
    place = tmp_path / "place"
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    before = content(place)
    with pytest.raises(ck.errors.CnnkitError):
        write(network, place)
    assert content(place) == before


@pytest.mark.parametrize("write", WRITERS)
def test_a_file_is_no_folder(network, write, tmp_path) -> None:
    place = tmp_path / "place"
    place.write_text("mine")
    with pytest.raises(ck.errors.CnnkitError):
        write(network, place)
    assert place.read_text() == "mine"


def test_pictures_of_an_earlier_quickstart_are_drawn_again_beside_nothing_else(tmp_path) -> None:
    place = write_folders(tmp_path / "place", 12, seed=0, size=32)
    (place / "train" / "person" / "mine.jpg").write_text("a photo")
    before = content(place)
    with pytest.raises(ck.errors.InputError, match=r"mine\.jpg"):
        draw(None, place)
    assert content(place) == before


def test_checkpoints_are_removed_and_nothing_beside_them(tmp_path) -> None:
    checkpoints = Checkpoints(tmp_path / "runs.checkpoints")
    checkpoints.save(State(identity={}), {})
    others = {"checkpoint-notes.txt": "mine", "checkpoint-0007/mine.txt": "mine", "note": "mine"}
    for name, text in others.items():
        (checkpoints.folder / name).parent.mkdir(exist_ok=True)
        (checkpoints.folder / name).write_text(text)
    checkpoints.save(State(identity={}, rows=[{}]), {})
    checkpoints.remove()
    assert content(checkpoints.folder) == {name: text.encode() for name, text in others.items()}
    for name in others:
        (checkpoints.folder / name).unlink()
    (checkpoints.folder / "checkpoint-0007").rmdir()
    checkpoints.remove()
    assert not checkpoints.folder.exists()


def test_secret_labels_are_never_written_over(tmp_path, capsys) -> None:
    """With them goes the salt, and with it the order of all that was handed out."""
    assert not _prepare(tmp_path, "one")
    before = (tmp_path / "labels.parquet").read_bytes()
    capsys.readouterr()
    assert _prepare(tmp_path, "two") == 2
    assert "a new file for the labels" in capsys.readouterr().err
    assert (tmp_path / "labels.parquet").read_bytes() == before
    assert not (tmp_path / "two").exists()


def _prepare(folder: Path, out: str) -> int:
    if not (folder / "spec").exists():
        Assignment(name="x", title="x", rows=40, column="person").save(folder / "spec")
    arguments = ["--out", folder / out, "--labels", folder / "labels.parquet", "--scenes", 120, "--size", 32, "--json"]
    with pytest.raises(SystemExit) as end:
        main(["assignment", "prepare", str(folder / "spec"), *map(str, arguments)])
    return int(end.value.code or 0)
