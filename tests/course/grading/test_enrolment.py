"""Awkward names through every layout and gradebook: each grade lands at its owner's row, or a person is asked."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from cnnkit.course.grading.enrolment import NOBODY, enrolled_students, read_decided
from cnnkit.course.grading.gradebooks.canvas import fill_canvas
from cnnkit.course.grading.gradebooks.moodle import fill_moodle
from cnnkit.course.grading.gradebooks.nbgrader import nbgrader_csv
from cnnkit.course.grading.gradebooks.sheet import Sheet, written
from cnnkit.course.grading.graded import Graded, StudentGrade
from cnnkit.course.grading.points import Result, class_grades, rounded
from cnnkit.course.grading.results import write_grades
from cnnkit.course.grading.roster import Student, read_roster
from cnnkit.course.submissions.assignment import Assignment
from cnnkit.course.submissions.identity import normalized
from cnnkit.course.submissions.inbox import read_inbox
from cnnkit.errors import DataError
from tests.course.grading.by_hand import CLASS

SPEC = Assignment(name="person", title="Person", rows=200)


@dataclass(frozen=True)
class Person:
    """Everything that platforms know of a student."""

    name: str
    number: str
    login: str
    email: str
    canvas: str
    moodle: str


def people(*names: str, **fields: tuple[str, ...]) -> list[Person]:
    """A class of these names; `fields` gives each of them other values."""
    found = [
        Person(name, f"U{place}", f"user{place}", f"user{place}@example.edu", f"{1000 + place}", f"{500 + place}")
        for place, name in enumerate(names)
    ]
    for field, values in fields.items():
        found = [replace(person, **{field: value}) for person, value in zip(found, values, strict=True)]
    return found


JOSE = "José Núñez"
CLASSES = {
    "plain": people("Ada Lovelace", "Bo Diddley", "Cy Young"),
    "composed and decomposed": people(JOSE, unicodedata.normalize("NFD", "Zoë Ångström")),
    "decomposed logins": people("a", "b", login=(unicodedata.normalize("NFD", "josé"), "jose2")),
    "decomposed numbers": people("a", "b", number=(unicodedata.normalize("NFD", "Ü1"), "U1")),
    "the same name": people("Jane Doe", "Jane Doe", "Jane Doe"),
    "names of numbers": people("x_1001", "x_1002", "x"),
    "underscores": people("foo_bar", "foo", "bar_", "_"),
    "LATE in a name": people("late_LATE", "LATE", "x_LATE_y"),
    "logins are others' Canvas numbers": people("a", "b", "c", login=("1001", "1002", "1000")),
    "numbers are others' Canvas numbers": people("a", "b", "c", number=("1001", "1002", "1000")),
    "numbers are others' participants": people("a", "b", "c", number=("501", "502", "500")),
    "logins are others' numbers": people("a", "b", login=("U1", "U0")),
    "logins are addresses of others": people("a", "b", login=("user1@example.edu", "user0@example.edu")),
    "numbers with zeros": people("a", "b", "c", number=("007", "07", "7")),
    "capital letters": people("a", "b", number=("A1", "B1"), login=("ADA", "bo"), email=("A@X.org", "b@x.org")),
    "right to left": people("עדה לאבלייס", "محمد بن موسى"),
    "marks of direction": people("\u202eadA\u202c", "Bo\u200f"),
    "formulas": people("=1+1", "+cmd|' /C calc'!A0", "-2", "@SUM(A1)"),
    "full-width formulas": people("\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20x"),
    "quotes and separators": people('Doe, Jane "JJ"', "O'Neil; Zoë", "Tab\tbed"),
    "spaces": people("  Ada   Lovelace ", "Bo\u00a0Diddley", login=(" ada ", "bo")),
    "emoji and rare planes": people("😀 Smith", "𝔄𝔡𝔞", "👩‍🎓"),
    "long names": people("Hubert Blaine " * 12, "x" * 150),
    "one letter": people("x", "y", login=("x", "y"), number=("1", "2")),
    "no numbers": people("a", "b", "c", number=("", "U1", "")),
    "no logins": people("a", "b", login=("", "")),
    "no addresses": people("a", "b", email=("", "b@example.edu")),
    "no names": people("", "", ""),
    "turkish": people("İpek Işık", "ipek isik"),
    "ligatures and width": people("ﬁn", "fin", "Ａｄａ"),
    "script": people("<script>alert(1)</script>", "a&b<c>", "../../etc/passwd"),
}
Pack = Callable[[list[Person]], dict[str, str]]


def canvas_name(person: Person) -> str:
    """As Canvas does: numbers between underscores lose them, then only word characters stay, in small letters."""
    name = re.sub(r"_(\d+)_", r"-\1-", person.name)
    return re.sub(r"[^\w]", "", name).lower() or "x"


def canvas(of: list[Person]) -> dict[str, str]:
    files = ("model.json", "model.weights.h5", "predictions.parquet", "train.ipynb")
    return {
        f"{canvas_name(person)}_{'LATE_' if place % 2 else ''}{person.canvas}_{70000 + 10 * place + number}_{file}": (
            person.canvas
        )
        for place, person in enumerate(of)
        for number, file in enumerate(files)
    }


def moodle(of: list[Person]) -> dict[str, str]:
    plain = {
        f"{re.sub('/|[.][.]', '', person.name) or 'x'}_{person.moodle}_assignsubmission_file_/model.json": person.canvas
        for person in of
    }
    text = {name.replace("_file_/model.json", "_onlinetext_/onlinetext.html"): owner for name, owner in plain.items()}
    return {**plain, **text}


def gradescope(of: list[Person]) -> dict[str, str]:
    text = partial(json.dumps, ensure_ascii=False)
    metadata = "".join(
        f"submission_{place}:\n  :created_at: 2026-12-01 10:00:00.000000000 Z\n  :submitters:\n"
        f"  - :name: {text(person.name)}\n    :sid: {text(person.number)}\n"
        f"    :email: {text(person.email)}\n"
        for place, person in enumerate(of)
    )
    files = {f"submission_{place}/model.json": person.canvas for place, person in enumerate(of)}
    return {**files, "submission_metadata.yml": metadata}


def by_login(of: list[Person]) -> dict[str, str]:
    return {f"{person.login or person.number or person.email}/model.json": person.canvas for person in of}


def listed(of: list[Person]) -> dict[str, str]:
    """Folders of any names, and a table that says whose they are: by number, by address, by login in turn."""
    kinds = [("number", "email", "login"), ("email", "login", "number"), ("login", "number", "email")]
    lines = ["folder,student,submitted"]
    for place, person in enumerate(of):
        value = next(value for kind in kinds[place % 3] if (value := getattr(person, kind)))
        lines.append(f"try {place},{written(value)},2026-12-01T10:00")
    files = {f"try {place}/model.json": person.canvas for place, person in enumerate(of)}
    return {**files, "submissions.csv": "\n".join(lines)}


LAYOUTS: Mapping[str, Pack] = {
    "canvas": canvas,
    "moodle": moodle,
    "gradescope": gradescope,
    "folders": by_login,
    "listed": listed,
}


def names_several(of: list[Person], values: list[str]) -> bool:
    """Whether a value of no stated kind is something of two people: then nobody can tell whose it is."""
    called = [
        {normalized(value).casefold() for value in (each.number, each.login, each.email, each.canvas, each.moodle)}
        for each in of
    ]
    return any(sum(normalized(value).casefold() in each for each in called) > 1 for value in values)


def unpacked(files: Mapping[str, str], place: Path) -> Path:
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text, encoding="utf-8")
    return place


def zipped(files: Mapping[str, str], place: Path) -> Path:
    with zipfile.ZipFile(place.with_suffix(".zip"), "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return place.with_suffix(".zip")


def table(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def canvas_export(of: list[Person]) -> str:
    heading = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Person (1)"]
    rows = [[person.name, person.canvas, person.number, person.login, "A", ""] for person in of]
    return table([heading, ["    Points Possible", "", "", "", "", "20.00"], *rows])


def moodle_export(of: list[Person]) -> str:
    heading = ["Identifier", "Full name", "ID number", "Username", "Email address", "Status", "Grade", "Maximum Grade"]
    rows = [
        [f"Participant {person.moodle}", person.name, person.number, person.login, person.email, "-", "", "20.00"]
        for person in of
    ]
    return table([heading, *rows])


def roster_of(of: list[Person], place: Path) -> Path:
    """What staff puts together from both platforms."""
    heading = ["Name", "Canvas ID", "Participant", "SIS User ID", "SIS Login ID", "Email"]
    rows = [[each.name, each.canvas, each.moodle, each.number, each.login, each.email] for each in of]
    place.write_text(table([heading, *rows]), encoding="utf-8")
    return place


@pytest.mark.parametrize("pack", LAYOUTS)
@pytest.mark.parametrize("name", CLASSES)
def test_every_grade_is_its_owners(tmp_path: Path, name: str, pack: str) -> None:
    of = CLASSES[name]
    files = LAYOUTS[pack](of)
    roster = read_roster(roster_of(of, tmp_path / "roster.csv"))
    for inbox in (unpacked(files, tmp_path / "inbox"), zipped(files, tmp_path / "inbox")):
        found = read_inbox(inbox, layout=None if pack != "moodle" else "moodle", known=roster.of_kind("canvas", "id"))
        assert found.layout == {"listed": "folders"}.get(pack, pack)
        if pack in ("folders", "listed") and names_several(of, [each.student for each in found.submissions]):
            with pytest.raises(DataError, match="a person has to decide"):
                enrolled_students(found.submissions, roster)
            continue
        students = enrolled_students(found.submissions, roster)
        assert all(each.enrolled for each in students)
        owner = {}
        for student, submission in zip(students, found.submissions, strict=True):
            with submission.place.opened() as place, place.open("model.json") as file:
                owner[student.student] = file.read().decode()
        assert sorted(owner.values()) == sorted(person.canvas for person in of)
        by_canvas = {next(i.value for i in each.identities if i.platform == "canvas"): each for each in students}
        assert {canvas_id: owner[each.student] for canvas_id, each in by_canvas.items()} == {
            person.canvas: person.canvas for person in of
        }


def graded(students: list[Student]) -> Graded:
    """Each with points of their own."""
    results = [Result(each.student, "passed", 130 + 3 * place) for place, each in enumerate(students)]
    by_name = {each.student: each for each in students}
    grades = [
        StudentGrade(by_name[grade.student], f"anon-{place}", grade, datetime(2026, 12, 1, tzinfo=UTC), "d" * 64, None)
        for place, grade in enumerate(class_grades(results, SPEC))
    ]
    return replace(CLASS, assignment=SPEC, students=tuple(grades), changes=())


@pytest.mark.parametrize("name", CLASSES)
def test_every_gradebook_has_each_grade_in_its_owners_row(tmp_path: Path, name: str) -> None:
    of = CLASSES[name]
    students = list(read_roster(roster_of(of, tmp_path / "roster.csv")).students)
    done = graded(students)
    points = {
        next(i.value for i in each.student.identities if i.platform == "canvas"): str(rounded(each.grade.points))
        for each in done.students
    }
    expected = [points[person.canvas] for person in of]
    filled = fill_canvas(Sheet.parse(canvas_export(of).encode()), done)
    assert [row[5] for row in list(csv.reader(io.StringIO(filled.data.decode())))[2:]] == expected
    filled = fill_moodle(Sheet.parse(moodle_export(of).encode()), done)
    assert [row[6] for row in list(csv.reader(io.StringIO(filled.data.decode())))[1:]] == expected
    rows = list(csv.DictReader(io.StringIO(nbgrader_csv(done))))
    assert [row["score"] for row in rows] == [str(rounded(each.grade.points)) for each in done.students]
    assert len({row["student_id"] for row in rows}) == len(of)
    written_to = write_grades(done, tmp_path / "grades")
    results = [json.loads(file.read_text()) for file in sorted((written_to.folder / "students").rglob("results.json"))]
    assert sorted(f"{each['score']:.2f}" for each in results) == sorted(expected)


def test_a_name_with_a_number_does_not_give_files_to_somebody_else(tmp_path: Path) -> None:
    """With or without a roster: the student 1002, called x_1003, beside 1003."""
    names = [f"x_1003_1002_{50001 + place}_{file}" for place, file in enumerate(("model.json", "a.ipynb"))]
    names += [f"eve_1003_{50010 + place}_{file}" for place, file in enumerate(("model.json", "2024_a.ipynb"))]
    inbox = unpacked(dict.fromkeys(names, ""), tmp_path / "inbox")
    for known in ((), ("1002", "1003")):
        found = read_inbox(inbox, known=known).submissions
        assert [(each.student, sorted(each.place.members or ())) for each in found] == [
            ("1002", ["a.ipynb", "model.json"]),
            ("1003", ["2024_a.ipynb", "model.json"]),
        ]


def test_a_name_that_reads_in_two_ways_stops(tmp_path: Path) -> None:
    inbox = unpacked({"x_1003_1002_50001_a.ipynb": "", "y_1_2_b.ipynb": ""}, tmp_path / "inbox")
    with pytest.raises(DataError, match="1003 or 1002"):
        read_inbox(inbox)
    (found, _) = read_inbox(inbox, known=["1002"]).submissions
    assert found.student in ("1", "1002")


def test_an_anonymous_download_has_students(tmp_path: Path) -> None:
    names = [f"anon_{student}_{number}_model.json" for number, student in enumerate(("a1B2c", "Zz9xY"), start=1)]
    found = read_inbox(unpacked(dict.fromkeys(names, ""), tmp_path / "inbox"))
    assert (found.layout, [each.student for each in found.submissions]) == ("canvas", ["Zz9xY", "a1B2c"])


def test_one_folder_does_not_turn_the_inbox_into_moodles(tmp_path: Path) -> None:
    names = ["ada/model.json", "bo/model.json", "eve_1_assignsubmission_file/model.json"]
    found = read_inbox(unpacked(dict.fromkeys(names, ""), tmp_path / "inbox"))
    assert (found.layout, len(found.submissions)) == ("folders", 3)
    assert read_inbox(tmp_path / "inbox", layout="moodle").submissions[0].student == "1"
    with pytest.raises(DataError, match="canvas"):
        read_inbox(tmp_path / "inbox", layout="canvas")


def test_moodles_online_text_is_not_another_hand_in(tmp_path: Path) -> None:
    names = ["Zoë_501_assignsubmission_onlinetext_/onlinetext.html", "Zoë_501_assignsubmission_file_/model.json"]
    loose = ["Bo_502_assignsubmission_file_model.json", "Bo_502_assignsubmission_file_a.ipynb"]
    found = read_inbox(zipped(dict.fromkeys([*names, *loose], ""), tmp_path / "inbox"))
    assert [(each.student, sorted(each.place.members or ())) for each in found.submissions] == [
        ("501", ["model.json"]),
        ("502", ["a.ipynb", "model.json"]),
    ]


def test_another_spelling_of_somebody_who_is_missing_is_asked_about(tmp_path: Path) -> None:
    (tmp_path / "roster.csv").write_text("student,name\njose.perez,José Pérez\nbo,Bo\n", encoding="utf-8")
    roster = read_roster(tmp_path / "roster.csv")
    inbox = read_inbox(unpacked({"José Perez/model.json": "", "bo/model.json": ""}, tmp_path / "inbox"))
    with pytest.raises(DataError, match="could be 'jose\\.perez'") as asked:
        enrolled_students(inbox.submissions, roster)
    lines = str(asked.value).partition("--identities FILE:\n")[2]
    (tmp_path / "decided.csv").write_text(lines, encoding="utf-8")
    students = enrolled_students(inbox.submissions, roster, read_decided(tmp_path / "decided.csv"))
    assert [each.student for each in students] == ["jose.perez", "bo"]
    with pytest.raises(DataError, match="of the roster"):
        enrolled_students(inbox.submissions, roster, {"bo": "nobody else"})
    (tmp_path / "decided.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="submission and student"):
        read_decided(tmp_path / "decided.csv")


def test_numbers_of_another_kind_are_taken_only_if_most_fit(tmp_path: Path) -> None:
    """A roster of the school's numbers, one of which is somebody else's number in Canvas."""
    (tmp_path / "roster.csv").write_text("student id,name\n1001,Ada\nU2,Bo\nU3,Cy\n")
    roster = read_roster(tmp_path / "roster.csv")
    names = [f"x{place}_{number}_{90 + place}_a.ipynb" for place, number in enumerate(("1001", "1002", "1003"))]
    inbox = read_inbox(unpacked(dict.fromkeys(names, ""), tmp_path / "inbox"))
    with pytest.raises(DataError, match="a person has to decide"):
        enrolled_students(inbox.submissions, roster)
    students = enrolled_students(inbox.submissions, roster, {"1001": NOBODY})
    assert not any(each.enrolled for each in students)
    (tmp_path / "roster.csv").write_text("student id,name\n1001,Ada\n1002,Bo\n1003,Cy\n")
    roster = read_roster(tmp_path / "roster.csv")
    assert [each.name for each in enrolled_students(inbox.submissions, roster)] == ["Ada", "Bo", "Cy"]


@pytest.mark.parametrize("encoding", ["cp1252", "iso-8859-15"])
def test_a_table_in_another_encoding_is_an_error_in_words(tmp_path: Path, encoding: str) -> None:
    inbox = unpacked({"zoë/model.json": ""}, tmp_path / "inbox")
    (inbox / "submissions.csv").write_bytes("folder,student\nzoë,zoë\n".encode(encoding))
    with pytest.raises(DataError, match="CSV UTF-8"):
        read_inbox(inbox)
    (inbox / "submissions.csv").write_text("folder;student;submitted\nzoë;Zoë;2026-12-01\n", encoding="utf-8")
    assert read_inbox(inbox).submissions[0].student == "Zoë"


def test_times_without_a_zone_are_the_courses(tmp_path: Path) -> None:
    inbox = unpacked(
        {"ada/model.json": "", "submissions.csv": "folder,student,submitted\nada,,2026-12-18 23:30"}, tmp_path
    )
    for rules, late in (
        ({"deadline": "2026-12-18T23:59:00-05:00"}, False),
        ({"deadline": "2026-12-18T23:59:00", "timezone": "America/New_York"}, False),
        ({"deadline": "2026-12-18T23:59:00-05:00", "timezone": "America/Los_Angeles"}, True),
    ):
        spec = Assignment.model_validate({**SPEC.model_dump(), **rules})
        (submission,) = read_inbox(inbox, zone=spec.zone).submissions
        assert spec.too_late(submission.submitted, marked=False) == late
