"""What a graded class leaves behind: pages that are safe to open, tables that say what was decided."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cnnkit.course.grading.board import board_rows
from cnnkit.course.grading.explain import explanation
from cnnkit.course.grading.feedback import feedback_page
from cnnkit.course.grading.grades_file import read_grades_file
from cnnkit.course.grading.report import report_page
from cnnkit.course.grading.results import folder_name, write_grades
from cnnkit.course.grading.score import Score
from cnnkit.course.submissions.assignment import Assignment, Late
from cnnkit.errors import BundleError, DataError
from tests.course.grading.by_hand import ABSENT, ADA, CLASS, CRASHED, GUEST, HOSTILE, JANE, PERSON, REFUSED, ZOE


class Elements(HTMLParser):
    """Tags and attributes of a page, and whether each tag is closed."""

    VOID = ("meta", "img", "rect", "line")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


PAGES = [report_page(CLASS), *(feedback_page(each, CLASS) for each in CLASS.students)]


@pytest.mark.parametrize("page", PAGES)
def test_pages_need_nothing_else_and_run_nothing(page: str) -> None:
    elements = Elements(page)
    assert not {"script", "iframe", "object", "link", "base", "form"} & {tag for tag, _ in elements.tags}
    for _, attributes in elements.tags:
        assert not {name for name in attributes if name.startswith("on")}
        assert not {"src", "href", "action"} & set(attributes)


def test_the_report_tells_staff_everything() -> None:
    text = Elements(report_page(CLASS)).text
    for part in (
        "U1",
        'Doe, Jane "JJ"',
        "92.50%",
        "the same weights as zoe",
        "json-class",
        HOSTILE,
        "h" * 64,
        "snapshot 2",
    ):
        assert part in text
    assert "guest" not in text  # not ranked, nothing found


def test_the_report_counts_submissions_without_a_time() -> None:
    dated = PERSON.model_copy(update={"deadline": datetime(2026, 12, 18, tzinfo=UTC)})
    marked = replace(ZOE, submitted=None, grade=replace(ZOE.grade, status="too late"))
    students = (replace(JANE, submitted=None), marked, replace(ABSENT, submitted=None), REFUSED)
    sentence = "Without a time of submission, counted as in time: 1."
    assert sentence in report_page(replace(CLASS, assignment=dated, students=students))
    assert sentence not in report_page(replace(CLASS, assignment=dated))
    assert sentence not in report_page(replace(CLASS, students=students))  # no deadline: nothing can be late


def test_feedback_tells_a_student_about_themselves_alone() -> None:
    text = Elements(feedback_page(ADA, CLASS)).text
    for part in ("Ada Lovelace", "172 of 200", "86.00%", "12.5 of 20", "2.5 of 3", ADA.pseudonym, "d" * 64):
        assert part in text
    for part in ("zoe", "Zoë", "same weights", "Jane"):
        assert part not in text


def test_a_grade_in_sentences() -> None:
    assert explanation(ADA, PERSON) == [
        "172 of 200 pictures are right: 86.00% (95 % interval 80.51% to 90.13%).",
        "That is more than the 120 that have to be exceeded: 10 points for passing.",
        "Rank 2.5 of 3 who passed, shared by equals: p·(N − r)/(N − 1), and p for the only one with p = 10, r = 2.5, "
        "N = 3 gives 2.5 points.",
        "Together 12.5 points.",
    ]
    assert explanation(CRASHED, PERSON)[-1].startswith("The grader failed")
    assert explanation(ABSENT, PERSON) == ["Nothing was handed in: no points."]
    assert "not ranked" in explanation(GUEST, PERSON)[-1]
    assert "not scored" in explanation(REFUSED, PERSON)[-1]


def test_lateness_in_sentences() -> None:
    late = replace(JANE, grade=replace(JANE.grade, days_late=2, penalty=JANE.grade.flat * 0 + 4))
    per_day = Assignment(
        name="p",
        title="P",
        rows=200,
        deadline="2026-12-01T00:00:00Z",
        late=Late(policy="per-day"),  # type: ignore[arg-type]
    )
    assert explanation(late, per_day)[-2:] == ["Late by 2 days begun: 4 points less.", "Together 16 points."]


def test_files_of_a_class(tmp_path: Path) -> None:
    done = write_grades(CLASS, tmp_path / "out")
    names = {str(file.relative_to(tmp_path / "out")) for file in (tmp_path / "out").rglob("*") if file.is_file()}
    assert {"grades.parquet", "report.html", "nbgrader.csv", "changes.csv"} <= names
    assert done.absent == {}
    jane = tmp_path / "out" / "students" / folder_name("U1")
    assert {file.name for file in jane.iterdir()} == {"feedback.html", "results.json", "scores.json"}
    assert json.loads((jane / "results.json").read_text())["score"] == 20.0
    eve = tmp_path / "out" / "students" / "eve"
    assert {file.name for file in eve.iterdir()} == {"feedback.html", "results.json"}  # no score, so no scores.json
    carl = tmp_path / "out" / "students" / "carl"
    assert {file.name for file in carl.iterdir()} == {"feedback.html"}  # the grader failed: no number for any platform
    rows = list(csv.DictReader((tmp_path / "out" / "changes.csv").read_text().splitlines()))
    assert rows[0]["after_points"] == "'=1+1"
    assert not [name for name in names if "/." in name or name.startswith(".")]


def test_grades_as_a_table(tmp_path: Path) -> None:
    write_grades(CLASS, tmp_path)
    table = pq.read_table(tmp_path / "grades.parquet").to_pylist()
    assert [row["student"] for row in table] == ["U1", "ada", "carl", "eve", "guest", "nobody", "zoe"]
    ada = table[1]
    assert (ada["status"], ada["points"], ada["rank"], ada["ranked"], ada["correct"]) == ("passed", 12.5, 2.5, 3, 172)
    assert ada["flags"] == ["the same weights as zoe"]
    # A failure, a refusal and nothing are no scores.
    for row in table[2], table[3], table[5]:
        assert row["accuracy"] is row["rank"] is row["correct"] is None
    assert {row["student"]: row["points"] for row in table if row["rank"] is None} == {
        "carl": None,  # crashed
        "guest": None,  # not enrolled
        "eve": 0.0,
        "nobody": 0.0,
    }
    rows, metadata = read_grades_file(tmp_path)
    assert rows == table
    assert metadata == {**CLASS.circumstances, "snapshot": 2}


def test_the_same_grades_are_the_same_bytes(tmp_path: Path) -> None:
    write_grades(CLASS, tmp_path / "a")
    write_grades(replace(CLASS, head="i" * 64, seconds=2.0, new_decisions=0), tmp_path / "b")
    for name in ("grades.parquet", "nbgrader.csv", "changes.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_who_left_the_class_leaves_its_folder(tmp_path: Path) -> None:
    write_grades(CLASS, tmp_path)
    (tmp_path / "students" / "mine").mkdir()
    (tmp_path / "students" / "mine" / "notes.txt").write_text("kept")
    write_grades(replace(CLASS, students=(ZOE,), changes=()), tmp_path)
    assert {entry.name for entry in (tmp_path / "students").iterdir()} == {"zoe", "mine"}
    assert not (tmp_path / "changes.csv").exists()


@pytest.mark.parametrize("student", ["../../etc", "a/b", "", "..", "con\n", "Zoë", "x" * 300, "a\u202eb", "ADA", "ada"])
def test_any_identifier_makes_a_folder_within(student: str, tmp_path: Path) -> None:
    name = folder_name(student)
    assert "/" not in name
    assert name not in ("", ".", "..")
    assert len(name) < 120
    (tmp_path / name).mkdir()
    assert folder_name(student + "_") != name


def test_no_identifier_can_be_chosen_that_leads_to_anothers_folder() -> None:
    for student in ("../../etc", "ADA", "Zoë"):
        assert folder_name(folder_name(student)) != folder_name(student)


def test_only_the_owner_reads_what_was_written(tmp_path: Path) -> None:
    write_grades(CLASS, tmp_path / "out")
    assert (tmp_path / "out").stat().st_mode & 0o077 == 0
    files = [file for file in (tmp_path / "out").rglob("*") if file.is_file()]
    assert len(files) > len(CLASS.students)
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_values_that_cannot_be_written_stop_nobody_else(tmp_path: Path) -> None:
    """Names that are no Unicode, numbers that are none, and a verdict that no page can be made of."""
    assert JANE.verdict is not None
    assert JANE.verdict.score is not None
    nan = float("nan")
    score = replace(JANE.verdict.score, auc=nan, brier=float("inf"), calibration_error=-nan)
    odd = replace(
        JANE, student=replace(JANE.student, name="Jos\udce9 \ud800"), verdict=replace(JANE.verdict, score=score)
    )
    empty = Score(0, 0, 0, 0, nan, nan, nan, 0, 0)  # its accuracy is 0 / 0
    broken = replace(ZOE, verdict=replace(JANE.verdict, score=empty))
    done = write_grades(replace(CLASS, students=(odd, broken, ADA)), tmp_path)
    assert list(done.failed) == ["zoe"]
    assert (tmp_path / "students" / folder_name("U1") / "feedback.html").exists()
    assert (tmp_path / "students" / "ada" / "results.json").exists()
    assert not (tmp_path / "students" / "zoe" / "feedback.html").exists()
    rows, _ = read_grades_file(tmp_path)
    assert [row["student"] for row in rows] == ["U1", "zoe", "ada"]
    assert (rows[1]["status"], rows[1]["points"], rows[1]["accuracy"]) == ("passed", 12.5, None)
    assert "no scores could be written" in rows[1]["flags"][-1]
    assert rows[0]["name"] == r"Jos\xe9 \ud800"


def test_the_public_board_knows_only_public_rows_and_pseudonyms() -> None:
    rows = board_rows(CLASS.records())
    assert [row["correct"] for row in rows] == [54] * 3  # the guest is not enrolled
    assert {row["rank"] for row in rows} == {2}
    assert not {"U1", "ada", "zoe"} & {row["who"] for row in rows}
    assert GUEST.pseudonym not in {row["who"] for row in rows}
    assert all(set(row) == {"rank", "who", "correct", "rows", "accuracy"} for row in rows)


def test_the_final_board_is_that_of_the_grades() -> None:
    rows = board_rows(CLASS.records(), final=True, names=True)
    assert [(row["rank"], row["who"], row["points"]) for row in rows] == [
        (1, "U1", 20),
        (2.5, "ada", 12.5),
        (2.5, "zoe", 12.5),
    ]


def test_what_are_no_grades(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="grades"):
        read_grades_file(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(BundleError, match=r"to write|permission"):
        write_grades(CLASS, tmp_path / "file")
