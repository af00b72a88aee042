"""Gradebooks in the forms of their platforms, from a class that is put together by hand."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from fractions import Fraction

import pytest

from cnnkit.course.grading.gradebooks.canvas import fill_canvas
from cnnkit.course.grading.gradebooks.codabench import codabench_scores
from cnnkit.course.grading.gradebooks.gradescope import gradescope_results
from cnnkit.course.grading.gradebooks.moodle import fill_moodle
from cnnkit.course.grading.gradebooks.nbgrader import nbgrader_csv
from cnnkit.course.grading.gradebooks.sheet import Sheet
from cnnkit.errors import DataError, UnknownNameError
from tests.course.grading.by_hand import ABSENT, ADA, CLASS, CRASHED, JANE, REFUSED, ZOE

# The shapes are those of public exports of Canvas, see tests of instructure/canvas-lms and others; names are invented.
CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Person or not (4711),Essay (4712),Current Score\n"
    ",,,,,Manual Posting,,\n"
    "    Points Possible,,,,,20.00,10.00,(read only)\n"
    '"Doe, Jane ""JJ""",1001,U1,jdoe,A,,9,90\n'
    "Zoë O'Neil,1002,U2,zoe,B,3,8,80\n"
    '"Lovelace, Ada",1003,ada,ada,B,,,\n'
    '"=cmd|, Eve",1004,eve,eve,B,,7,\n'
    '"Crash, Carl",1005,carl,carl,B,,7,\n'
    '"Stranger, Some",1009,U9,some,B,,7,\n'
    '"Student, Test",1099,,deadbeef,A,,,\n'
)
MOODLE = (
    '\ufeffIdentifier,"Full name","Email address",Status,Grade,"Maximum Grade","Grade can be changed",'
    '"Last modified (submission)","Last modified (grade)","Feedback comments"\r\n'
    '"Participant 501","Jane ""JJ"" Doe",jane@example.edu,"Submitted for grading",,20.00,Yes,"1 Dec, 10:00",-,\r\n'
    '"Participant 502","Zoë O\'Neil",ZOE@example.edu,"Submitted for grading",,20.00,Yes,-,-,"old, comment"\r\n'
    '"Participant 503","Ada Lovelace",ada@example.edu,"Submitted for grading",,20.00,No,-,-,\r\n'
)


def filled(before: str, after: str) -> dict[int, tuple[str, str]]:
    """Line number → before and after, of the lines that differ."""
    pairs = enumerate(zip(before.splitlines(), after.splitlines(), strict=True))
    return {number: pair for number, pair in pairs if pair[0] != pair[1]}


def test_canvas_gets_points_in_one_column_and_nothing_else_changes() -> None:
    done = fill_canvas(Sheet.parse(CANVAS.encode()), CLASS)
    assert filled(CANVAS, done.data.decode()) == {
        3: ('"Doe, Jane ""JJ""",1001,U1,jdoe,A,,9,90', '"Doe, Jane ""JJ""",1001,U1,jdoe,A,20.00,9,90'),
        4: ("Zoë O'Neil,1002,U2,zoe,B,3,8,80", "Zoë O'Neil,1002,U2,zoe,B,12.50,8,80"),
        5: ('"Lovelace, Ada",1003,ada,ada,B,,,', '"Lovelace, Ada",1003,ada,ada,B,12.50,,'),
        6: ('"=cmd|, Eve",1004,eve,eve,B,,7,', '"=cmd|, Eve",1004,eve,eve,B,0.00,7,'),
    }  # Carl's submission crashed the grader: that is no grade
    assert (done.count, done.absent) == (4, ("nobody",))


def test_canvas_in_a_language_with_decimal_commas() -> None:
    swedish = CANVAS.replace("20.00,10.00", '"20,0","10,0"')
    done = fill_canvas(Sheet.parse(swedish.encode()), CLASS).data.decode()
    assert 'Zoë O\'Neil,1002,U2,zoe,B,"12,50",8,80' in done


def test_the_column_of_canvas_is_found_or_asked_for() -> None:
    other = CANVAS.replace("Person or not (4711)", "Homework 3 (4711)")
    with pytest.raises(UnknownNameError, match="Homework 3"):
        fill_canvas(Sheet.parse(other.encode()), CLASS)
    for heading in ("Homework 3", "homework 3 (4711)"):
        assert fill_canvas(Sheet.parse(other.encode()), CLASS, heading=heading).count == 4
    with pytest.raises(UnknownNameError, match="Homework 3"):
        fill_canvas(Sheet.parse(other.encode()), CLASS, heading="Homework 4")


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "Student,Grade\nx,1\n"])
def test_other_files_are_not_canvas_or_moodle(text: str) -> None:
    with pytest.raises(DataError, match="Canvas"):
        fill_canvas(Sheet.parse(text.encode()), CLASS)
    with pytest.raises(DataError, match="Moodle"):
        fill_moodle(Sheet.parse(text.encode()), CLASS)


def test_moodle_gets_grades_and_comments_where_they_can_be_changed() -> None:
    done = fill_moodle(Sheet.parse(MOODLE.encode()), CLASS)
    assert done.data.startswith(b"\xef\xbb\xbfIdentifier,")
    changed = filled(MOODLE, done.data.decode())
    assert set(changed) == {1, 2}
    before, after = (next(csv.reader([line])) for line in changed[2])
    assert (after[4], before[4]) == ("12.50", "")
    assert after[9].startswith("172 of 200 pictures are right: 86.00%")
    assert "Together 12.5 points." in after[9]
    assert after[:4] + after[5:9] == before[:4] + before[5:9]
    assert set(done.absent) == {"ada", "eve", "nobody"}  # Ada's grade must not be changed, the others have no row


def test_moodle_in_german_with_participants_from_its_own_download() -> None:
    german = (
        'ID;"Vollständiger Name";Status;Bewertung;Bestwertung;"Bewertung kann geändert werden";'
        '"Feedback als Kommentar"\n'
        '"Teilnehmer/in 1001";"Doe, Jane";-;;"20,00";Ja;\n'
    )
    done = fill_moodle(Sheet.parse(german.encode()), CLASS).data.decode()
    assert ';-;20,00;"20,00";Ja;185 of 200' in done


def test_nbgrader_keeps_names_with_commas_whole() -> None:
    rows = list(csv.DictReader(io.StringIO(nbgrader_csv(CLASS))))
    assert rows[0].keys() == {
        *("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email"),
        *("raw_score", "late_submission_penalty", "score", "max_score"),
    }
    by_student = {row["student_id"]: row for row in rows}
    jane = by_student["U1"]
    assert (jane["last_name"], jane["first_name"], jane["score"], jane["max_score"]) == (
        "Doe",
        'Jane "JJ"',
        "20.00",
        "20",
    )
    assert jane["timestamp"] == "2026-12-01T10:00:00+00:00"
    assert by_student["eve"]["last_name"] == "'=cmd|"
    assert (by_student["nobody"]["score"], by_student["carl"]["score"]) == ("0.00", "")
    assert len(rows) == len(CLASS.students)


def test_gradescope_shows_at_once_only_what_everybody_may_see() -> None:
    found = gradescope_results(JANE, CLASS.assignment)
    assert found["score"] == 20.0
    assert [(test["name"], test["visibility"]) for test in found["tests"]] == [
        ("The files are as the assignment asks", "visible"),
        ("Accuracy on the 60 public rows", "visible"),
        ("Points", "after_published"),
    ]
    assert found["tests"][2]["score"] == 20.0
    assert found["tests"][2]["max_score"] == 20.0
    assert found["leaderboard"] == [{"name": "Public accuracy", "value": 0.9, "order": "desc"}]
    shown = " ".join(test["output"] for test in found["tests"] if test["visibility"] == "visible")
    assert "185" not in shown  # the number on all rows


def test_gradescope_uses_only_words_of_its_specification() -> None:
    # https://gradescope-autograders.readthedocs.io/en/latest/specs/
    whole = {"score", "execution_time", "output", "output_format", "test_output_format", "test_name_format"}
    whole |= {"visibility", "stdout_visibility", "extra_data", "tests", "leaderboard"}
    test = {"score", "max_score", "status", "name", "name_format", "number", "output", "output_format", "tags"}
    test |= {"visibility", "extra_data"}
    for each in (JANE, REFUSED, CRASHED, ABSENT):
        found = gradescope_results(each, CLASS.assignment)
        assert set(found) <= whole
        assert all(set(entry) <= test for entry in found["tests"])
        assert {entry.get("status", "passed") for entry in found["tests"]} <= {"passed", "failed"}
        assert all(
            entry["visibility"] in ("hidden", "after_due_date", "after_published", "visible")
            for entry in found["tests"]
        )


def test_gradescope_tells_what_was_refused() -> None:
    found = gradescope_results(REFUSED, CLASS.assignment)
    assert found["tests"][0]["status"] == "failed"
    assert "<script>" in found["tests"][0]["output"]
    assert found["tests"][0]["output_format"] == "text"
    assert found["leaderboard"] == []


def test_codabench_gets_the_public_rows_alone() -> None:
    assert ZOE.verdict is not None
    assert ZOE.verdict.score is not None
    found = codabench_scores(ZOE.verdict.score)
    assert found == {"accuracy": 54 / 60, "correct": 54.0}


def test_points_of_the_class_by_hand() -> None:
    # Three are ranked, 1, 2.5 and 2.5: 10 + 10 · (3 - 2.5)/(3 - 1).
    assert [each.grade.points for each in (JANE, ZOE, ADA)] == [20, Fraction(25, 2), Fraction(25, 2)]
    assert datetime(2026, 12, 1, 10, tzinfo=UTC) == JANE.submitted
