"""Rosters as course staff has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnkit.errors import DataError
from cnnkit.grading.roster import Roster, Student, read_roster
from cnnkit.submissions.inbox import Place, Submission


def roster(tmp_path: Path, text: str) -> Roster:
    (tmp_path / "roster.csv").write_bytes(text.encode())
    return read_roster(tmp_path / "roster.csv")


def submission(student: str, email: str = "") -> Submission:
    return Submission(student, Place(""), email=email)


@pytest.mark.parametrize(
    "text",
    [
        'student,name,email\nzoe,"O\'Neil, Zoë",zoe@example.edu\nbo,Bo,\n',
        "\ufeffSID;Full name;Email address\r\nzoe;O'Neil, Zoë;zoe@example.edu\r\n\r\nbo;Bo;\r\n",
        "name\tmail\tid\nO'Neil, Zoë\tzoe@example.edu\tzoe\nBo\t\tbo\n",
    ],
)
def test_commas_semicolons_tabs_accents_and_windows(tmp_path: Path, text: str) -> None:
    assert roster(tmp_path, text).students == (Student("zoe", "O'Neil, Zoë", "zoe@example.edu"), Student("bo", "Bo"))


def test_canvas_names_and_further_identifiers(tmp_path: Path) -> None:
    found = roster(tmp_path, 'Student,ID,SIS User ID,SIS Login ID,Section\n"Doe, Jane",1001,U1,jdoe,A\n')
    assert found.students == (Student("U1", "Doe, Jane", "", ("1001", "jdoe")),)
    for called in ("1001", "u1", "JDOE"):
        assert found.find(submission(called)).student == "U1"
    assert not found.find(submission("A")).enrolled  # a section is no student


def test_addresses_find_their_student_and_strangers_are_not_enrolled(tmp_path: Path) -> None:
    found = roster(tmp_path, "student,email\nzoe,Zoe@Example.edu\nbo,bo@example.edu\n")
    assert found.find(submission("77", "zoe@example.edu")).student == "zoe"
    assert found.find(submission("bo@example.edu")).student == "bo"
    assert found.find(submission("eve", "eve@example.edu")) == Student("eve", "", "eve@example.edu", enrolled=False)


def test_an_identifier_that_two_share_is_nobodys(tmp_path: Path) -> None:
    found = roster(tmp_path, "student,group number\na,7\nb,7\n7,8\n")
    assert found.find(submission("7")).student == "7"
    assert not roster(tmp_path, "student,group number\na,7\nb,7\n").find(submission("7")).enrolled


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "column"),
        ("first,last\na,b\n", "column"),
        ("student\na\nA\n", "one line a student"),
        ("student,name\n,Bo\n", "identifier"),
    ],
)
def test_rosters_that_do_not_tell_who_is_who(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        roster(tmp_path, text)


def test_no_roster_and_no_text(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere"):
        read_roster(tmp_path / "nowhere.csv")
    (tmp_path / "roster.csv").write_bytes("student\nZoë\n".encode("utf-16"))
    with pytest.raises(DataError, match="UTF-8"):
        read_roster(tmp_path / "roster.csv")
