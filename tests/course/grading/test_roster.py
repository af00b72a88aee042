"""Rosters as course staff has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnkit.course.grading.enrolment import NOBODY, enrolled_students
from cnnkit.course.grading.roster import Roster, read_roster
from cnnkit.course.submissions.identity import Identity
from cnnkit.course.submissions.place import Place
from cnnkit.course.submissions.submission import Submission
from cnnkit.errors import DataError


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
    found = [(each.student, each.name, each.email) for each in roster(tmp_path, text).students]
    assert found == [("zoe", "O'Neil, Zoë", "zoe@example.edu"), ("bo", "Bo", "")]


def test_each_column_has_its_kind(tmp_path: Path) -> None:
    text = (
        "Student,ID,SIS User ID,SIS Login ID,Section,Quiz (12)\n    Points Possible,,,,,20\n"
        '"Doe, Jane",1001,U1,jdoe,A,9\n"Student, Test",1099,,,A,\n'
    )
    jane, test = roster(tmp_path, text).students
    assert (jane.student, jane.name, test.student) == ("U1", "Doe, Jane", "1099")
    assert set(jane.known_as) == {
        Identity("", "number", "U1"),
        Identity("canvas", "id", "1001"),
        Identity("", "login", "jdoe"),
    }
    assert roster(tmp_path, text).of_kind("canvas", "id") == {"1001", "1099"}
    worksheet = 'Identifier,Full name,Email address,Status\n"Participant 501",Zoë,z@x.org,-\n'
    (zoe,) = roster(tmp_path, worksheet).students
    assert Identity("moodle", "participant", "501") in zoe.known_as


def test_addresses_find_their_student_and_strangers_are_not_enrolled(tmp_path: Path) -> None:
    found = roster(tmp_path, "student,email\nzoe,Zoe@Example.edu\nbo,bo@example.edu\n")
    names = ["77", "bo@example.edu", "eve"]
    emails = ["zoe@example.edu", "", "eve@example.edu"]
    students = enrolled_students([submission(*each) for each in zip(names, emails, strict=True)], found)
    assert [(each.student, each.enrolled) for each in students] == [("zoe", True), ("bo", True), ("eve", False)]


def test_an_identifier_that_two_share_is_decided_by_a_person(tmp_path: Path) -> None:
    found = roster(tmp_path, "student,group number\na,7\nb,7\n7,8\n")
    assert enrolled_students([submission("7")], found)[0].student == "7"
    found = roster(tmp_path, "student,group number\na,7\nb,7\n")
    with pytest.raises(DataError, match="'7' could be 'a'"):
        enrolled_students([submission("7")], found)
    assert enrolled_students([submission("7")], found, {"7": "b"})[0].student == "b"
    assert not enrolled_students([submission("7")], found, {"7": NOBODY})[0].enrolled


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "column"),
        ("first,last\na,b\n", "column"),
        ("student\na\nA\n", "one line for each student"),
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
    assert read_roster(tmp_path / "roster.csv").students[0].student == "Zoë"
    (tmp_path / "roster.csv").write_bytes("student\nZoë\n".encode("cp1252"))
    with pytest.raises(DataError, match="UTF-8"):
        read_roster(tmp_path / "roster.csv")
