from __future__ import annotations

from pathlib import Path

import pytest

from cnnkit.errors import InputError
from cnnkit.lessons import copy_lessons, lesson_files

ROOT = Path(__file__).resolve().parents[1]


def test_every_notebook_and_the_template_are_copied(tmp_path: Path) -> None:
    copied = copy_lessons(tmp_path / "new" / "lessons")
    assert {file.state for file in copied} == {"new"}
    names = {file.path.relative_to(tmp_path / "new" / "lessons").as_posix() for file in copied}
    assert names == {
        *(path.relative_to(ROOT).as_posix() for path in ROOT.glob("notebooks/*.ipynb")),
        *("assignments/person/AssignmentTemplate.ipynb", "assignments/person/assignment.toml"),
    }
    for name, file in lesson_files().items():
        assert (tmp_path / "new" / "lessons" / name).read_bytes() == file.read_bytes()


def test_nothing_is_written_over(tmp_path: Path) -> None:
    copy_lessons(tmp_path)
    worked_on = tmp_path / "notebooks" / "Pooling.ipynb"
    worked_on.write_text("my answers")
    (tmp_path / "notebooks" / "FineTuning.ipynb").unlink()
    states = {file.path.name: file.state for file in copy_lessons(tmp_path)}
    assert worked_on.read_text() == "my answers"
    assert states.pop("Pooling.ipynb") == "kept"
    assert states.pop("FineTuning.ipynb") == "new"
    assert set(states.values()) == {"the same"}


def test_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="Name another folder"):
        copy_lessons(tmp_path / "file")
