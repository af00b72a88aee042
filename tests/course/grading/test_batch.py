"""A class from inbox to snapshot: the gate, the sandbox, the workers and the ledger are the real ones."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from cnnkit.course.grading.batch import grade
from cnnkit.course.grading.canonical_json import canonical, digest
from cnnkit.course.grading.graded import Graded
from cnnkit.course.grading.labels import Labels, write_labels
from cnnkit.course.grading.ledger import Ledger
from cnnkit.course.grading.ledger_key import read_key
from cnnkit.course.grading.ledger_records import Draft
from cnnkit.course.grading.points import rounded
from cnnkit.course.grading.verdict import broken
from cnnkit.course.submissions.assignment import Assignment
from cnnkit.course.submissions.private_copy import private_submission
from cnnkit.errors import DataError, InputError, WorkersError
from tests.course.grading.inboxes import ROWS, SPEC, labels, make_class, with_correct
from tests.course.submissions.valid import write_predictions, write_valid

CORRECT = {"ada": 185, "bo": 172, "cy": 172, "di": 140, "eve": 120}


def run(root: Path, **options: object) -> Graded:
    settings: dict[str, object] = {
        "assignment": root / "assignment",
        "labels": root / "labels.parquet",
        "out": root / "out",
        "workers": 1,
    }
    return grade(root / "inbox", **{**settings, **options})  # type: ignore[arg-type]


def points(graded: Graded) -> dict[str, Decimal]:
    return {each.grade.student: rounded(each.grade.points) for each in graded.students}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The worked example of `points`, a hundredth the size, and three who hand in something else."""
    return make_class(tmp_path_factory.mktemp("course"), CORRECT, bad=("x", "y", "z"))


@pytest.fixture
def copy(course: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    return shutil.copytree(course, tmp_path / "course", symlinks=True, ignore=shutil.ignore_patterns("out"))


@pytest.fixture(scope="module")
def graded(course: Path) -> Graded:
    return run(course)


@pytest.fixture
def graded_copy(course: Path, graded: Graded, tmp_path: Path) -> Path:
    """The class with the ledger of `graded`, to be changed."""
    return shutil.copytree(course, tmp_path / "course", symlinks=True)


def test_the_worked_example_with_real_submissions(graded: Graded) -> None:
    whole = points(graded)
    assert {name: whole[name] for name in CORRECT} == {
        "ada": Decimal("20.00"),
        "bo": Decimal("15.00"),
        "cy": Decimal("15.00"),
        "di": Decimal("10.00"),
        "eve": Decimal("0.00"),
    }
    assert [each.grade.correct for each in graded.students][:5] == list(CORRECT.values())
    assert [each.grade.rank for each in graded.students][:4] == [1, Fraction(5, 2), Fraction(5, 2), 4]
    assert graded.counts() == {"passed": 4, "refused": 3, "not passed": 1}
    assert (graded.snapshot, graded.changes, graded.new_decisions) == (1, (), 8)


def test_what_is_refused_is_recorded_with_its_findings(graded: Graded) -> None:
    refused = {each.grade.student: each for each in graded.students if each.grade.status == "refused"}
    assert set(refused) == {"x", "y", "z"}
    for each in refused.values():
        assert each.verdict is not None
        assert each.verdict.score is None
        assert any(finding.blocking for finding in each.verdict.findings)


def test_again_grades_nothing_twice_and_changes_nothing(course: Path, graded: Graded) -> None:
    again = run(course)
    assert again.students == graded.students
    assert (again.new_decisions, again.snapshot, again.head) == (0, 1, graded.head)


def test_the_number_of_workers_changes_nothing(course: Path, graded: Graded, tmp_path: Path) -> None:
    assert run(course, out=tmp_path, workers=3).students == graded.students


def test_the_ledger_holds_a_decision_a_grade_and_a_snapshot(course: Path, graded: Graded) -> None:
    with Ledger.open(course / "out" / "ledger.sqlite") as ledger:
        assert ledger.verify().broken is None
        kinds = [record.kind for record in ledger.records()]
        decisions = {record.key: record.content for record in ledger.records(kind="decision")}
    assert kinds == ["decision"] * 8 + ["grade"] * 8 + ["snapshot"]
    best = decisions[graded.students[0].decision]
    assert best["student"] == "ada"
    assert best["circumstances"]["labels"] == labels().fingerprint
    assert set(best["verdict"]["digests"]) == {"model", "weights", "predictions", "notebook", "tensors"}
    assert "resource limits" in best["verdict"]["isolation"]
    assert not any("label" in path.name for path in (course / "out").rglob("*"))


def test_other_labels_make_a_new_snapshot_and_a_diff(graded_copy: Path, graded: Graded) -> None:
    first = graded
    truth = labels().truth.copy()
    ones, zeros = np.flatnonzero(truth)[:2], np.flatnonzero(~truth)[:2]
    truth[ones], truth[zeros] = False, True
    write_labels(graded_copy / "labels.parquet", Labels(labels().ids, truth, "salt"))
    second = run(graded_copy)
    assert (second.snapshot, second.new_decisions) == (2, 8)
    changed = {change.student: (change.before, change.after) for change in second.changes}
    assert "ada" in changed
    assert not {"x", "y", "z"} & set(changed)
    before, after = changed["ada"]
    assert before is not None
    assert after is not None
    assert before["correct"] == 185
    assert abs(after["correct"] - 185) <= 4
    write_labels(graded_copy / "labels.parquet", labels())
    third = run(graded_copy)
    assert (third.snapshot, third.new_decisions, third.students) == (3, 0, first.students)


def test_other_rules_need_no_new_decisions(graded_copy: Path) -> None:
    SPEC.model_copy(update={"rank_rule": "best-first-fraction"}).save(graded_copy / "assignment")
    again = run(graded_copy)
    assert (again.new_decisions, again.snapshot) == (0, 2)
    # N = 4: 10 + 10 · 4/4, 10 + 10 · 2.5/4 twice, 10 + 10 · 1/4.
    assert list(points(again).values())[:4] == [Decimal(text) for text in ("20.00", "16.25", "16.25", "12.50")]


def test_a_submission_that_changed_is_graded_again(graded_copy: Path) -> None:
    eve = graded_copy / "inbox" / "eve"
    write_predictions(eve / "predictions.parquet", with_correct(labels().truth, 190, 9), column="person")
    again = run(graded_copy)
    assert (again.new_decisions, again.snapshot) == (1, 2)
    assert points(again)["eve"] == Decimal("20.00")
    assert {change.student for change in again.changes} == {"ada", "bo", "cy", "di", "eve"}


def test_a_roster_says_who_counts(copy: Path) -> None:
    (copy / "roster.csv").write_text("student,name\nBO,Bo\ncy,\ndi,\neve,\nx,\nabsent,Nobody\n")
    graded = run(copy, roster=copy / "roster.csv")
    status = {each.grade.student: each.grade.status for each in graded.students}
    assert status == {
        "BO": "passed",
        "absent": "missing",
        "ada": "not enrolled",
        "cy": "passed",
        "di": "passed",
        "eve": "not passed",
        "x": "refused",
        "y": "not enrolled",
        "z": "not enrolled",
    }
    # Without Ada the two 172s share ranks 1 and 2 of 3: 10 · 1.5/2.
    assert [points(graded)[name] for name in ("BO", "cy", "di")] == [
        Decimal("17.50"),
        Decimal("17.50"),
        Decimal("10.00"),
    ]


def copied_ledger(root: Path, out: Path, failed: Callable[[Mapping[str, Any]], bool]) -> None:
    """The decisions of a course's ledger as if the grader had crashed on some of them."""
    failure = broken("crashed", "none").to_json()
    key = read_key(root / "ledger.key")
    with Ledger.open(root / "out" / "ledger.sqlite") as ledger, Ledger.open(out / "ledger.sqlite", key=key) as other:
        for record in ledger.records(kind="decision"):
            content = dict(record.content)
            if failed(content):
                content["verdict"] = failure
            other.append([Draft("decision", record.key, content)])


@pytest.fixture(scope="module")
def tries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One student, four hand-ins: in time 150 and 180 right, late 130 and 170; another with 160. All are decided on."""
    root = make_class(tmp_path_factory.mktemp("tries"), {"other": 160})
    for number, correct in enumerate((150, 180, 130, 170), start=1):
        values = with_correct(labels().truth, correct, number)
        write_valid(root / "inbox" / f"try{number}", seed=number, assignment=SPEC, probabilities=values)
    table = "folder,student,submitted\nother,other,2026-12-01\n"
    table += "".join(f"try{number},ann,2026-12-{number:02d}T12:00:00+00:00\n" for number in range(1, 5))
    (root / "inbox" / "submissions.csv").write_text(table)
    run(root, assignment=ruled({"counts": "best"}))
    return root


def ruled(rules: Mapping[str, object]) -> Assignment:
    """The assignment with other rules, which need no other decisions."""
    return Assignment.model_validate({**SPEC.model_dump(mode="json"), **rules})


@pytest.mark.parametrize(
    ("rules", "correct"),
    [
        ({}, 170),  # the last
        ({"attempts": 3}, 130),  # the last of the first three
        ({"counts": "best"}, 180),
        ({"deadline": "2026-12-02T12:00:00Z"}, 180),  # late means zero: the last in time
        ({"deadline": "2026-12-02T12:00:00Z", "late": {"policy": "none"}}, 170),
        ({"deadline": "2026-11-01T12:00:00Z", "counts": "best"}, 180),  # all are late: too late with the best
    ],
)
def test_one_submission_a_student_counts(tries: Path, tmp_path: Path, rules: dict[str, object], correct: int) -> None:
    graded = run(tries, assignment=ruled(rules), out=tmp_path)
    assert [(each.grade.student, each.grade.correct) for each in graded.students] == [("ann", correct), ("other", 160)]


@pytest.mark.parametrize(
    ("rules", "failed", "correct"),
    [
        ({"attempts": 1}, (), 150),
        ({"attempts": 1}, (1,), 180),
        ({"attempts": 1}, (1, 2), 130),
        ({"attempts": 2}, (1,), 130),  # the second of the two that could be graded
        ({"attempts": 2, "counts": "best"}, (2,), 150),
        ({"attempts": 4}, (4,), None),  # what counts is the last, and a person has to look at it
    ],
)
def test_what_the_grader_failed_on_uses_up_no_attempt(
    tries: Path, tmp_path: Path, rules: dict[str, object], failed: tuple[int, ...], correct: int | None
) -> None:
    of_failed = set()
    for number in failed:
        with private_submission(tries / "inbox" / f"try{number}", SPEC) as submission:
            of_failed.add(submission.fingerprint)
    copied_ledger(tries, tmp_path, lambda content: content["fingerprint"] in of_failed)
    ann, other = run(tries, assignment=ruled(rules), out=tmp_path).students
    assert (ann.grade.correct, other.grade.correct) == (correct, 160)
    assert (ann.grade.status == "crashed") == (correct is None)


@pytest.mark.parametrize(
    ("policy", "status", "flagged"),
    [("zero", "too late", True), ("per-day", "passed", True), ("none", "passed", False)],
)
def test_what_canvas_marks_as_late_is(tmp_path: Path, policy: str, status: str, flagged: bool) -> None:
    spec = type(SPEC).model_validate(
        {**SPEC.model_dump(mode="json"), "deadline": "2026-12-01T12:00:00Z", "late": {"policy": policy}}
    )
    root = make_class(tmp_path / "course", {"ada_LATE_1": 150, "bo_2": 140}, spec=spec)
    for folder in list((root / "inbox").iterdir()):
        for number, file in enumerate(sorted(folder.iterdir())):
            file.rename(root / "inbox" / f"{folder.name}_{number}_{file.name}")
        folder.rmdir()
    graded = run(root)
    ada, bo = graded.students
    assert (graded.layout, ada.grade.status, bo.grade.status) == ("canvas", status, "passed")
    assert any("marked as late" in flag for flag in ada.flags) == flagged
    assert not any("marked as late" in flag for flag in bo.flags)
    assert ada.grade.penalty == 0


def test_alike_submissions_are_flagged_not_punished(copy: Path) -> None:
    shutil.rmtree(copy / "inbox" / "di")
    shutil.copytree(copy / "inbox" / "ada", copy / "inbox" / "di")
    graded = {each.grade.student: each for each in run(copy).students}
    assert "the same predictions file as ada" in graded["di"].flags
    assert "the same weights as di" in graded["ada"].flags
    assert graded["ada"].grade.rank == graded["di"].grade.rank == Fraction(3, 2)
    assert not any("predictions" in flag or "weights" in flag for flag in graded["bo"].flags)


def test_sharper_predictions_of_another_are_flagged(copy: Path) -> None:
    taken = pq.read_table(copy / "inbox" / "bo" / "predictions.parquet")[SPEC.column].to_numpy()
    sharper = taken**2 / (taken**2 + (1 - taken) ** 2)
    write_predictions(copy / "inbox" / "di" / "predictions.parquet", sharper, column=SPEC.column)
    graded = {each.grade.student: each for each in run(copy).students}
    (flag,) = graded["di"].flags
    assert flag.startswith("nearly the same as bo: ")
    assert "100.00% of pairs of pictures" in flag
    assert [graded[name].flags for name in ("ada", "cy", "eve")] == [(), (), ()]


def test_a_crash_is_recorded_stays_and_can_be_tried_again(course: Path, graded: Graded, tmp_path: Path) -> None:
    """The ledger of a run in which the grader failed on Ada's submission."""
    copied_ledger(course, tmp_path, lambda content: content["student"] == "ada")
    crashed = run(course, out=tmp_path)
    ada = crashed.students[0]
    assert (ada.grade.status, ada.grade.rank, crashed.new_decisions) == ("crashed", None, 0)
    assert ada.flags == ("could not be graded: crashed",)
    assert points(crashed)["bo"] == Decimal("17.50")  # ranks 1.5, 1.5, 3 of 3
    again = run(course, out=tmp_path, retry=True)
    assert (again.new_decisions, again.snapshot) == (1, 2)
    assert [each.grade for each in again.students] == [each.grade for each in graded.students]
    assert run(course, out=tmp_path, retry=True).new_decisions == 0


def test_wrong_use(course: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="worker"):
        run(course, workers=0)
    with pytest.raises(InputError, match="isolation"):
        run(course, out=tmp_path, isolation="magic")
    with pytest.raises(DataError, match="labels"):
        run(course, out=tmp_path, assignment=SPEC.model_copy(update={"rows": ROWS + 1}))
    with pytest.raises(DataError, match="inbox"):
        grade(tmp_path / "nowhere", assignment=SPEC, labels=course / "labels.parquet", out=tmp_path)


def test_an_empty_inbox_is_an_empty_class(copy: Path) -> None:
    shutil.rmtree(copy / "inbox")
    (copy / "inbox").mkdir()
    graded = run(copy)
    assert (graded.students, graded.new_decisions, graded.counts()) == ((), 0, {})


def test_a_decision_that_somebody_appended_counts_for_nothing(graded_copy: Path, graded: Graded) -> None:
    """Whoever can write to the ledger, but has no key, cannot give himself a grade."""
    place = graded_copy / "out" / "ledger.sqlite"
    with Ledger.open(place) as ledger:
        bo = next(record for record in ledger.records(kind="decision") if record.content["student"] == "bo")
        head, count = ledger.head, len(list(ledger.records()))
    content = {**bo.content, "try": 2, "verdict": {**bo.content["verdict"], "outcome": "passed"}}
    key = digest([content["circumstances"], "bo", content["fingerprint"], 2])
    row = [count + 1, "decision", key, canonical(content), "2030-01-01T00:00:00+00:00", head]
    with sqlite3.connect(place) as database:
        database.execute("INSERT INTO cnnkit_ledger VALUES (?, ?, ?, ?, ?, ?, ?)", [*row, digest(row)])
    with pytest.raises(DataError, match="it has no seal"):
        run(graded_copy)
    with Ledger.open(place, read_only=True) as ledger:
        assert ledger.verify(head=graded.head).broken == count + 1


def test_a_ledger_of_an_older_version_is_gone_on_with_and_sealed_from_then_on(graded_copy: Path) -> None:
    place = graded_copy / "out" / "ledger.sqlite"
    with sqlite3.connect(place) as database:
        database.execute("DROP TABLE cnnkit_ledger_seals")
    (graded_copy / "ledger.key").unlink()
    assert run(graded_copy).new_decisions == 0
    shutil.rmtree(graded_copy / "inbox" / "di")
    run(graded_copy)
    with Ledger.open(place, key=read_key(graded_copy / "ledger.key"), read_only=True) as ledger:
        found = ledger.verify()
        assert found.broken is None
        assert any("have no seal" in note for note in found.notes)


def test_sections_in_one_ledger_do_not_report_each_other(tmp_path: Path) -> None:
    first = make_class(tmp_path / "first", {"ada": 150, "bo": 140})
    second = make_class(tmp_path / "second", {"cy": 160, "di": 130})
    place = {"ledger": tmp_path / "ledger.sqlite", "labels": first / "labels.parquet"}
    assert run(first, **place).changes == ()
    assert run(second, **place).changes == ()
    assert run(first, **place).snapshot == 1  # nothing has changed
    shutil.rmtree(second / "inbox" / "di")
    assert [change.student for change in run(second, **place).changes] == ["di"]
    named = run(first, **place, section="Monday")
    assert (named.snapshot, named.changes) == (4, ())


@dataclass
class LostAtTheEnd:
    """Workers in this process, of whom the last one fails, as `Told.map` says it: when the others are done."""

    count: int = 1
    works: list[Any] = field(default_factory=list)

    def sees(self, _file: Path) -> bool:
        return True

    def told(self, work: Any) -> LostAtTheEnd:
        self.works.append(work)
        return self

    def map(self, pieces: Any) -> Iterator[Any]:
        answer = self.works[-1].start()
        *others, _ = pieces
        yield from (answer(task) for _, task in others)
        answer.__self__.close()
        raise WorkersError("every task to be done by a worker", "1 that failed twice", "What was done is kept.")


def test_what_workers_decided_before_one_was_lost_stays_decided(tmp_path: Path) -> None:
    root = make_class(tmp_path, {"ada": 185, "bo": 172})
    with pytest.raises(WorkersError):
        run(root, workers=LostAtTheEnd())
    assert run(root).new_decisions == 1
