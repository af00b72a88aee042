"""The files of a submission: which is which, by name and kind alone."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from cnnkit.course.submissions.assignment import Assignment, Files, Limits
from cnnkit.course.submissions.file_names import LONGEST_NAME, MOST_ENTRIES, find_files

ASSIGNMENT = Assignment(name="a", title="A")
GOOD = {
    "model": "model.json",
    "weights": "model.weights.h5",
    "predictions": "predictions.parquet",
    "notebook": "train.ipynb",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "ada"
    place.mkdir()
    for name in GOOD.values():
        (place / name).write_bytes(b"x")
    return place


def checks(folder: Path, assignment: Assignment = ASSIGNMENT) -> list[tuple[str, str]]:
    return [(finding.check, finding.file) for finding in find_files(folder, assignment)[1]]


def test_a_submission(folder: Path) -> None:
    assert find_files(folder, ASSIGNMENT) == (GOOD, [])


def test_a_script_in_the_place_of_the_notebook_or_beside_it(folder: Path) -> None:
    (folder / "train.py").write_bytes(b"x")
    assert find_files(folder, ASSIGNMENT) == ({**GOOD, "script": "train.py"}, [])
    (folder / "train.ipynb").unlink()
    assert checks(folder) == []


def test_names_of_older_versions(folder: Path) -> None:
    (folder / "model.weights.h5").rename(folder / "model.h5")
    assert find_files(folder, ASSIGNMENT)[0]["weights"] == "model.h5"


def test_a_saved_bundle_may_be_handed_in_as_it_is(folder: Path) -> None:
    for name in ("manifest.json", "history.parquet", ".DS_Store"):
        (folder / name).write_bytes(b"x")
    (folder / ".ipynb_checkpoints").mkdir()
    assert find_files(folder, ASSIGNMENT) == (GOOD, [])


@pytest.mark.parametrize("role", ["model", "weights", "predictions"])
def test_a_file_that_is_missing(folder: Path, role: str) -> None:
    (folder / GOOD[role]).unlink()
    names, findings = find_files(folder, ASSIGNMENT)
    assert role not in names
    assert [(finding.check, finding.file) for finding in findings] == [("file-missing", "")]
    assert GOOD[role] in findings[0].expected


def test_code_may_be_optional(folder: Path) -> None:
    (folder / "train.ipynb").unlink()
    assert checks(folder) == [("file-missing", "")]
    assert checks(folder, ASSIGNMENT.model_copy(update={"files": Files(code_required=False)})) == []


def test_two_files_of_one_kind(folder: Path) -> None:
    (folder / "second.ipynb").write_bytes(b"x")
    names, findings = find_files(folder, ASSIGNMENT)
    assert names["notebook"] == "second.ipynb"
    assert [(finding.check, finding.file) for finding in findings] == [("file-twice", "train.ipynb")]


def test_a_name_nearby_is_named(folder: Path) -> None:
    (folder / "predictions.parquet").rename(folder / "prediction.parquet")
    findings = find_files(folder, ASSIGNMENT)[1]
    assert [finding.check for finding in findings] == ["file-unexpected", "file-missing"]
    assert "Did you mean predictions.parquet?" in findings[0].remedy


@pytest.mark.parametrize(
    "name",
    [
        "a\nb.ipynb",
        "a\u202eyp.ipynb",
        "a\x00b.ipynb".replace("\x00", "\x01"),
        "a\x7f.ipynb",
        "\ufeffa.ipynb",
        "\udcff.py",
    ],
)
def test_names_that_lie_are_refused_and_shown_escaped(folder: Path, name: str) -> None:
    (folder / "train.ipynb").unlink()
    (folder / name).write_bytes(b"x")
    names, (finding,) = find_files(folder, ASSIGNMENT)
    assert not {"notebook", "script"} & names.keys()
    assert finding.check == "file-name"
    assert str(finding).isprintable()


def test_a_long_name(folder: Path) -> None:
    (folder / ("x" * LONGEST_NAME + ".py")).write_bytes(b"x")
    assert [check for check, _ in checks(folder)] == ["file-name"]


def link(place: Path) -> None:
    place.symlink_to("/etc/passwd")


def link_within(place: Path) -> None:
    place.symlink_to("train.ipynb")


def link_to_nothing(place: Path) -> None:
    place.symlink_to("nothing")


def own_folder(place: Path) -> None:
    place.mkdir()


def fifo(place: Path) -> None:
    os.mkfifo(place)


def unix_socket(place: Path) -> None:
    here = Path.cwd()
    os.chdir(place.parent)  # the whole path may be too long for a socket
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(place.name)
    finally:
        os.chdir(here)


@pytest.mark.parametrize("make", [link, link_within, link_to_nothing, own_folder, fifo, unix_socket])
@pytest.mark.parametrize("role", ["model", "predictions"])
def test_what_is_no_file(folder: Path, role: str, make: object) -> None:
    (folder / GOOD[role]).unlink()
    make(folder / GOOD[role])  # type: ignore[operator]
    names, findings = find_files(folder, ASSIGNMENT)
    assert role not in names
    assert [(finding.check, finding.file) for finding in findings] == [("file-kind", GOOD[role])]


@pytest.mark.parametrize("role", GOOD)
def test_a_file_that_is_too_large_costs_nothing(folder: Path, role: str) -> None:
    with (folder / GOOD[role]).open("r+b") as file:
        file.truncate(10**12)  # sparse
    names, findings = find_files(folder, ASSIGNMENT)
    assert role not in names
    assert [(finding.check, finding.file) for finding in findings] == [("file-size", GOOD[role])]


def test_exactly_as_large_as_allowed(folder: Path) -> None:
    (folder / "model.json").write_bytes(b"x" * 10)
    assert checks(folder, ASSIGNMENT.model_copy(update={"limits": Limits(json_bytes=10)})) == []
    assert checks(folder, ASSIGNMENT.model_copy(update={"limits": Limits(json_bytes=9)})) == [
        ("file-size", "model.json")
    ]


def test_archives_and_stray_files(folder: Path) -> None:
    (folder / "submission.zip").write_bytes(b"PK")
    (folder / "labels.csv").write_bytes(b"x")
    assert checks(folder) == [("file-unexpected", "labels.csv"), ("file-unexpected", "submission.zip")]


def test_too_many_files(folder: Path) -> None:
    for number in range(MOST_ENTRIES):
        (folder / f"{number}.txt").write_bytes(b"")
    assert checks(folder) == [("file-count", "")]


def test_no_folder(tmp_path: Path, folder: Path) -> None:
    assert checks(tmp_path / "nobody") == [("folder-missing", "")]
    assert checks(folder / "model.json") == [("folder-missing", "")]
    (tmp_path / "link").symlink_to(folder)
    assert checks(tmp_path / "link") == [("folder-missing", "")]
