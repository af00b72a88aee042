"""`cnnkit grade`, `ledger`, `board` and `assignment`, as course staff calls them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from cnnkit.cli.board_command import board
from cnnkit.cli.grade_command import grade
from cnnkit.cli.ledger_command import ledger_app
from cnnkit.course.grading.ledger import Ledger
from cnnkit.errors import DataError, InputError, UnknownNameError
from tests.course.grading.inboxes import SPEC, make_class

STUDENTS = {f"s{number:02d}": 115 + 3 * number for number in range(20)}


def run(command, *arguments: object, code: int = 0) -> str:
    app = command
    if not isinstance(command, typer.Typer):
        app = typer.Typer()
        app.command()(command)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.stdout


def options(root: Path, out: str = "out") -> list[object]:
    return ["--assignment", root / "assignment", "--labels", root / "labels.parquet", "--out", root / out]


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_class(tmp_path_factory.mktemp("course"), STUDENTS, bad=("x", "y"))


@pytest.fixture(scope="module")
def graded(course: Path) -> Path:
    canvas = 'Student,ID,SIS User ID,Person (1)\n    Points Possible,,,20\n"Null, S",s10,,\n'
    (course / "canvas.csv").write_text(canvas)
    said = json.loads(run(grade, course / "inbox", *options(course), "--canvas", course / "canvas.csv", "--json"))
    assert said["counts"] == {"passed": 18, "not passed": 2, "refused": 2}
    assert said["new_decisions"] == 22
    assert len(said["absent"]["canvas.csv"]) == 21
    return course / "out"


@pytest.mark.parametrize("count", ["0", "-1"])
def test_a_number_of_processes_is_no_address(tmp_path: Path, count: str) -> None:
    SPEC.save(tmp_path / "assignment")
    with pytest.raises(InputError, match=f"at least one worker.*workers={count}"):
        run(grade, tmp_path, *options(tmp_path), "--workers", count)


def test_grades_pages_and_gradebooks_are_there(graded: Path) -> None:
    assert {"grades.parquet", "report.html", "nbgrader.csv", "canvas.csv", "ledger.sqlite"} <= {
        file.name for file in graded.iterdir()
    }
    # s19 has 172 right, s10 has 145: the tenth of 18, 10 · (18 - 10)/17.
    assert "s10,,14.71" in (graded / "canvas.csv").read_text()
    assert len(list((graded / "students").iterdir())) == 22


def test_again_it_speaks_to_a_person_and_grades_nothing(course: Path, graded: Path) -> None:
    before = (graded / "grades.parquet").read_bytes()
    said = run(grade, course / "inbox", *options(course))
    assert "22 students: 18 passed, 2 not passed, 2 refused." in said
    assert "0 submissions graded" in said
    assert "22 were in the ledger" in said
    assert (graded / "grades.parquet").read_bytes() == before


def test_boards(graded: Path) -> None:
    public = run(board, graded)
    assert "anon-" in public
    assert "s19" not in public
    final = json.loads(run(board, graded, "--final", "--names", "--top", 2, "--json"))
    assert [(row["who"], row["points"]) for row in final] == [("s19", 20.0), ("s18", 19.41)]
    assert "points" in run(board, graded / "grades.parquet", "--final")
    with pytest.raises(DataError, match="grades"):
        run(board, graded / "students")


def test_the_ledger_is_verified_and_a_forgery_named(graded: Path, tmp_path: Path) -> None:
    place = graded / "ledger.sqlite"
    head = json.loads(run(ledger_app, "verify", place, "--json"))["head"]
    assert "45 records hold" in run(ledger_app, "verify", place, "--head", head)
    (tmp_path / "forged.sqlite").write_bytes(place.read_bytes())
    with Ledger.open(tmp_path / "forged.sqlite") as forged, forged._engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER cnnkit_ledger_no_UPDATE")
        connection.exec_driver_sql(
            'UPDATE cnnkit_ledger SET content = replace(content, \'"points":"10"\', \'"points":"20"\') '
            "WHERE kind = 'grade'"
        )
    assert "is the first that does not hold" in run(ledger_app, "verify", tmp_path / "forged.sqlite", code=1)
    with pytest.raises(DataError, match="no such file"):
        run(ledger_app, "verify", tmp_path / "nowhere.sqlite")


def test_snapshots_and_their_difference(course: Path, graded: Path, tmp_path: Path) -> None:
    root = make_class(tmp_path / "small", {"a": 150, "b": 140})
    run(grade, root / "inbox", *options(root), "--workers", 1, "--json")
    SPEC.model_copy(update={"rank_rule": "best-first-fraction"}).save(root / "assignment")
    said = run(grade, root / "inbox", *options(root), "--workers", 1)
    assert "Snapshot 2 changed 1 grades." in said
    place = root / "out" / "ledger.sqlite"
    assert [line.split()[:2] for line in run(ledger_app, "snapshots", place).splitlines()] == [
        ["people", "1"],
        ["people", "2"],
    ]
    assert "b: status passed, correct 140, rank 2, points 10 → status passed, correct 140, rank 2, points 15" in run(
        ledger_app, "diff", place, 1, 2
    )
    assert json.loads(run(ledger_app, "diff", place, 2, 1, "--json"))[0]["after"]["points"] == "10"
    with pytest.raises(UnknownNameError, match="people 1"):
        run(ledger_app, "diff", place, 1, 3)


def test_no_tensorflow(course: Path, graded: Path) -> None:
    code = (
        "import sys, typer; from cnnkit.cli.grade_command import grade; app = typer.Typer(); app.command()(grade);"
        "app(sys.argv[1:], standalone_mode=False); print(sorted({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    arguments = [str(argument) for argument in (course / "inbox", *options(course), "--json")]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


PROGRAM = """
import sys, typer
sys.path.insert(0, sys.argv.pop(1))
from cnnkit.cli.grade_command import grade
app = typer.Typer()
app.command()(grade)
app()
"""


def killed_again_and_again(root: Path, moments: list[float], workers: int = 2) -> int:
    """Starts grading and kills it with SIGKILL after so many seconds, once for each; how often it was still at work."""
    arguments = [str(argument) for argument in (root / "inbox", *options(root, "killed"), "--workers", workers)]
    repository = str(Path(__file__).parents[2])
    at_work = 0
    for moment in moments:
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM, repository, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            time.sleep(moment)
            at_work += process.poll() is None
            process.kill()
    return at_work


def same_after_kills(root: Path, graded: Path, moments: list[float]) -> None:
    at_work = killed_again_and_again(root, moments)
    assert at_work
    run(grade, root / "inbox", *options(root, "killed"), "--json")
    grades = [pq.read_table(folder / "grades.parquet") for folder in (graded, root / "killed")]
    assert grades[0].equals(grades[1])
    with Ledger.open(root / "killed" / "ledger.sqlite") as ledger:
        assert ledger.verify().broken is None
        decisions = [(record.content["student"], record.content["try"]) for record in ledger.records(kind="decision")]
    assert len(decisions) == len(set(decisions)) == len(grades[0])  # nothing was graded twice
    assert {attempt for _, attempt in decisions} == {1}


def test_killed_twice_and_run_again_the_grades_are_the_same(course: Path, graded: Path) -> None:
    same_after_kills(course, graded, [1.0, 2.0])


@pytest.mark.slow
def test_killed_at_ten_moments_and_run_again_the_grades_are_the_same(tmp_path: Path) -> None:
    correct = {f"s{number:03d}": 60 + number for number in range(120)}
    root = make_class(tmp_path / "course", correct, bad=tuple(f"bad{number}" for number in range(12)))
    run(grade, root / "inbox", *options(root), "--json")
    same_after_kills(root, root / "out", [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.5, 6.0, 8.0])


def test_the_exit_code_tells_that_a_person_has_to_look(tmp_path: Path) -> None:
    root = make_class(tmp_path / "course", {"ada": 150, "bo": 140})
    (root / "roster.csv").write_text("student\nada\nbo\ncy\ndi\ned\n")
    said = run(grade, root / "inbox", *options(root), "--roster", root / "roster.csv", code=1)
    assert "Look at this first: 3 of 5 students are missing." in said
    (root / "roster.csv").write_text("student\nada\nbo\n")
    assert "100% of its entries" in run(grade, root / "inbox", *options(root), "--roster", root / "roster.csv")
    (tmp_path / "empty").mkdir()
    said = run(grade, tmp_path / "empty", *options(root)[:-1], tmp_path / "out", "--json", code=1)
    assert json.loads(said)["problems"] == ["nobody was graded"]
    with pytest.raises(UnknownNameError, match="folders"):
        run(grade, root / "inbox", *options(root), "--layout", "folder")
