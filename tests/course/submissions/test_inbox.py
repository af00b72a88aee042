"""Inboxes as platforms give them, and as nobody should."""

from __future__ import annotations

import os
import stat
import zipfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from cnnkit.course.submissions.assignment import Assignment, Files, Limits
from cnnkit.course.submissions.inbox import read_inbox
from cnnkit.course.submissions.place import Place
from cnnkit.course.submissions.private_copy import private_submission
from cnnkit.errors import DataError

MOST = 10_000_000
FILES = {"model.json": b"{}", "model.weights.h5": b"H5", "predictions.parquet": b"PAR1", "train.ipynb": b"{}"}

# The shape of Gradescope's export: Ruby symbols as keys, YAML's own times.
GRADESCOPE = """---
submission_201:
  :submitters:
  - :name: Zoë O'Neil
    :sid: '0042'
    :email: zoe@example.edu
  :created_at: 2026-12-01 10:00:00.123456000 Z
  :score: 0.0
  :status: processed
  :results:
    tests: []
  :history: []
submission_202:
  :submitters:
  - :name: Jane Doe
    :sid:
    :email: jane@example.edu
  - :name: Joe Bloggs
    :sid: '77'
    :email: joe@example.edu
  :created_at: 2026-12-02 11:00:00.000000000 +01:00
  :score:
  :status: processed
  :results:
  :history: []
submission_203:
  :submitters:
  - :name: Empty
    :sid: '78'
    :email: empty@example.edu
  :created_at: 2026-12-02 11:00:00.000000000 Z
"""


def fill(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.fixture(params=["folder", "zip"])
def make(request: pytest.FixtureRequest, tmp_path: Path):
    """Makes an inbox of files, as a folder or as a zip."""
    if request.param == "folder":
        return lambda files: fill(tmp_path / "inbox", files)
    return lambda files: zipped(tmp_path / "inbox.zip", files)


def content(place: Place) -> dict[str, bytes]:
    with place.opened() as opened:
        found = {}
        for entry in opened.entries(100):
            with opened.open(entry.name) as file:
                found[entry.name] = file.read()
        return found


def below(prefix: str, files: dict[str, bytes] = FILES) -> dict[str, bytes]:
    return {f"{prefix}{name}": data for name, data in files.items()}


def test_one_folder_a_student(make) -> None:
    inbox = read_inbox(make({**below("zoë/"), **below("bo/"), "notes.txt": b"", ".DS_Store": b""}))
    assert inbox.layout == "folders"
    assert [submission.student for submission in inbox.submissions] == ["bo", "zoë"]
    assert {submission.submitted for submission in inbox.submissions} == {None}
    assert inbox.ignored == ("notes.txt",)
    assert content(inbox.submissions[1].place) == FILES


def test_times_and_attempts_from_a_table(make, tmp_path: Path) -> None:
    table = (
        "\ufefffolder,student,submitted\n"
        '"second, of bo",bo,2026-12-02T10:00:00+01:00\nfirst,bo,2026-12-01 10:00\nzoë,,\n'
    )
    files = {**below("second, of bo/"), **below("first/"), **below("zoë/"), **below("stray/")}
    inbox = read_inbox(make({**files, "submissions.csv": table.encode()}))
    found = [(submission.student, submission.submitted) for submission in inbox.submissions]
    assert found == [
        ("bo", datetime(2026, 12, 1, 10, tzinfo=UTC)),
        ("bo", datetime(2026, 12, 2, 10, tzinfo=timezone(timedelta(hours=1)))),
        ("zoë", None),
    ]
    assert inbox.ignored == ("stray",)
    assert content(inbox.submissions[0].place) == FILES


@pytest.mark.parametrize("row", ["nowhere,bo,2026-12-01", "bo,bo,yesterday", "../bo,bo,"])
def test_a_table_that_does_not_fit(make, row: str) -> None:
    with pytest.raises(DataError, match=r"nowhere|yesterday|\.\./bo"):
        read_inbox(make({**below("bo/"), "submissions.csv": f"folder,student,submitted\n{row}\n".encode()}))


@pytest.mark.parametrize("root", ["", "assignment_1_export/"])
def test_gradescope(make, root: str, tmp_path: Path) -> None:
    files = {**below(f"{root}submission_201/"), **below(f"{root}submission_202/"), **below(f"{root}submission_9/")}
    inbox = read_inbox(make({**files, f"{root}submission_metadata.yml": GRADESCOPE.encode()}))
    assert inbox.layout == "gradescope"
    assert [(each.student, each.name, each.email, each.submitted) for each in inbox.submissions] == [
        ("0042", "Zoë O'Neil", "zoe@example.edu", datetime(2026, 12, 1, 10, 0, 0, 123456, tzinfo=UTC)),
        ("77", "Joe Bloggs", "joe@example.edu", datetime(2026, 12, 2, 10, tzinfo=UTC)),
        ("78", "Empty", "empty@example.edu", datetime(2026, 12, 2, 11, tzinfo=UTC)),
        ("jane@example.edu", "Jane Doe", "jane@example.edu", datetime(2026, 12, 2, 10, tzinfo=UTC)),
    ]
    assert inbox.ignored == ("submission_9",)
    assert content(inbox.submissions[0].place) == FILES
    assert content(inbox.submissions[1].place) == content(inbox.submissions[3].place) == FILES
    assert content(inbox.submissions[2].place) == {}


@pytest.mark.parametrize("text", ["- a\n- b\n", "submission_1: {}\n", "a: [\n", "submission_1:\n  :submitters: [1]\n"])
def test_gradescope_metadata_that_is_none(make, text: str) -> None:
    with pytest.raises(DataError, match="submission_metadata"):
        read_inbox(make({"submission_metadata.yml": text.encode(), "submission_1/a": b""}))


def test_gradescope_metadata_runs_nothing(make, tmp_path: Path) -> None:
    hostile = f'submission_1: !!python/object/apply:os.system ["touch {tmp_path}/touched"]\n'
    with pytest.raises(DataError, match="submission_metadata"):
        read_inbox(make({"submission_metadata.yml": hostile.encode(), "submission_1/a": b""}))
    assert not (tmp_path / "touched").exists()


def test_canvas(make, tmp_path: Path) -> None:
    files = {
        **below("doejane_1001_50001_"),
        **below("oneilzoë_LATE_1002_50002_"),
        # Handed in again: Canvas numbers the files, the last counts.
        "oneilzoë_LATE_1002_50003_model-1.json": b"{1}",
        "oneilzoë_LATE_1002_50009_model-2.json": b"{2}",
        "oneilzoë_LATE_1002_50003_model.weights-1.h5": b"H5 again",
        "readme.txt": b"",
    }
    inbox = read_inbox(make(files))
    assert inbox.layout == "canvas"
    found = [(each.student, each.name, each.late) for each in inbox.submissions]
    assert found == [("1001", "doejane", False), ("1002", "oneilzoë", True)]
    assert inbox.ignored == ("readme.txt",)
    assert content(inbox.submissions[0].place) == FILES
    expected = {**FILES, "model.json": b"{2}", "model.weights.h5": b"H5 again"}
    assert content(inbox.submissions[1].place) == expected


def test_moodle(make, tmp_path: Path) -> None:
    files = {**below("Zoë O'Neil_657737_assignsubmission_file_/"), **below("Jane Doe_657738_assignsubmission_file/")}
    inbox = read_inbox(make({**files, "feedback.txt": b""}))
    assert inbox.layout == "moodle"
    assert [(each.student, each.name) for each in inbox.submissions] == [
        ("657737", "Zoë O'Neil"),
        ("657738", "Jane Doe"),
    ]
    assert inbox.ignored == ("feedback.txt",)
    assert content(inbox.submissions[0].place) == FILES


def refusals(inbox: Path, *, most_bytes: int = MOST) -> set[str]:
    """What is found of the one submission of an inbox, besides files that are not there."""
    (submission,) = read_inbox(inbox).submissions
    limits = Limits(json_bytes=most_bytes)
    spec = Assignment(name="person", title="", files=Files(code_required=False), limits=limits)
    with private_submission(submission.place, spec) as private:
        return {finding.check for finding in private.findings} - {"file-missing"}


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("jane/../../escaped", "file-kind"),
        ("jane/..\\..\\escaped", "file-unexpected"),
        ("jane/a/b/c/d/e/f", "file-kind"),
        ("jane/" + "n" * 250, "file-name"),
    ],
)
def test_names_that_lead_elsewhere(tmp_path: Path, name: str, check: str) -> None:
    inbox = zipped(tmp_path / "inbox.zip", {**below("jane/"), name: b"!"})
    assert check in refusals(inbox)
    assert not any(path.name == "escaped" for path in tmp_path.rglob("*"))


@pytest.mark.parametrize("name", ["../escaped", "/etc/escaped", "../../escaped/model.json"])
def test_names_outside_of_every_student_are_nobodys(tmp_path: Path, name: str) -> None:
    inbox = read_inbox(zipped(tmp_path / "inbox.zip", {**below("jane/"), name: b"!"}))
    assert [submission.student for submission in inbox.submissions] == ["jane"]


def test_a_small_zip_of_much(tmp_path: Path) -> None:
    bomb = zipped(tmp_path / "inbox.zip", {"jane/model.json": bytes(50_000_000)})
    assert bomb.stat().st_size < 100_000
    assert refusals(bomb, most_bytes=1_000_000) == {"file-size"}


def test_a_size_that_the_zip_lies_about(tmp_path: Path) -> None:
    path = zipped(tmp_path / "inbox.zip", {"jane/model.json": bytes(5_000_000)})
    data = path.read_bytes()
    path.write_bytes(data.replace((5_000_000).to_bytes(4, "little"), (5).to_bytes(4, "little")))
    assert refusals(path, most_bytes=1_000_000) & {"file-size", "inbox-damaged"}


def test_too_many_files(tmp_path: Path) -> None:
    inbox = zipped(tmp_path / "inbox.zip", {f"jane/{number}": b"" for number in range(201)})
    assert refusals(inbox) == {"file-count"}


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_in_a_zip(tmp_path: Path, kind: int) -> None:
    with zipfile.ZipFile(tmp_path / "inbox.zip", "w") as archive:
        info = zipfile.ZipInfo("jane/predictions.parquet")
        info.external_attr = (kind | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    assert refusals(tmp_path / "inbox.zip") == {"file-kind"}


def test_encrypted_and_damaged_members(tmp_path: Path) -> None:
    path = zipped(tmp_path / "inbox.zip", {"jane/model.json": b"abc" * 1000})
    whole = path.read_bytes()
    for place, value, check in ((6, 1, "inbox-damaged"), (60, 0xFF, "inbox-damaged")):
        changed = bytearray(whole)
        changed[place] ^= value
        if place == 6:  # the flag of encryption, in the central directory too
            changed[whole.index(b"PK\x01\x02") + 8] ^= value
        path.write_bytes(changed)
        assert refusals(path) == {check}


@pytest.mark.parametrize("special", ["link", "fifo", "folder"])
def test_loose_files_that_are_none(tmp_path: Path, special: str) -> None:
    inbox = fill(tmp_path / "inbox", {"doejane_1001_1_model.json": b"{}", "doejane_1001_2_a.py": b""})
    target = inbox / "doejane_1001_3_predictions.parquet"
    if special == "link":
        target.symlink_to("/etc/passwd")
        assert "file-kind" in refusals(inbox)
    elif special == "fifo":
        os.mkfifo(target)
        assert "file-kind" in refusals(inbox)
    else:
        target.mkdir()
        assert read_inbox(inbox).ignored == (target.name,)


def test_a_students_folder_that_is_a_link_is_nobodys(tmp_path: Path) -> None:
    inbox = fill(tmp_path / "inbox", below("jane/"))
    (inbox / "joe").symlink_to("/etc")
    found = read_inbox(inbox)
    assert [submission.student for submission in found.submissions] == ["jane"]
    assert found.ignored == ("joe",)


def test_a_folder_whose_name_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / os.fsdecode(b"zo\xeb")).mkdir()  # Latin-1, as an old zip leaves it
    (submission,) = read_inbox(tmp_path / "inbox").submissions
    assert submission.student == "zo\\xeb"
    assert content(submission.place) == {}


def test_what_is_no_inbox(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere"):
        read_inbox(tmp_path / "nowhere")
    (tmp_path / "inbox.zip").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(DataError, match="zip"):
        read_inbox(tmp_path / "inbox.zip")
    (tmp_path / "empty").mkdir()
    assert read_inbox(tmp_path / "empty").submissions == ()
