"""The assignment as a value: what the file says, what is wrong with it, and the integer arithmetic of passing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnkit.course.submissions.assignment import Assignment, Files, Late, Limits, Points
from cnnkit.errors import InputError

PERSON = Path(__file__).parents[3] / "assignments" / "person"
MINIMAL = 'name = "person"\ntitle = "Person"\n'
FULL = Assignment(
    name="person-2",
    title='Quotes " and \\ and ünïcode \x7f',
    rows=100,
    column="a person",
    threshold=0.25,
    pass_above=Decimal("0.55"),
    rank_rule="best-first-fraction",
    tie_rule="earliest",
    deadline=datetime(2026, 12, 18, 23, 59, tzinfo=timezone(timedelta(hours=1))),
    attempts=3,
    counts="best",
    public_share=Decimal("0.125"),
    labels_fingerprint="0" * 64,
    input_shape=(96, 96, 3),
    files=Files(model=("net.json",), code_required=False),
    points=Points(flat=Decimal("7.5"), rank=Decimal(0)),
    late=Late(policy="per-day", per_day=Decimal("0.5"), grace_minutes=10),
    limits=Limits(parameters=5),
)


def load(text: str, folder: Path) -> Assignment:
    (folder / "assignment.toml").write_text(text, encoding="utf-8")
    return Assignment.load(folder)


def test_the_assignment_of_the_lecture() -> None:
    """The course's rule: 20,000 rows of `person`, at 0.5, above 60 %: 10 flat and 10 by rank."""
    spec = Assignment.load(PERSON)
    assert spec == Assignment(name="person", title="Is there a person in the picture?")
    assert (spec.rows, spec.column, spec.threshold, spec.points) == (20_000, "person", 0.5, Points())
    assert (spec.points.flat, spec.points.rank) == (10, 10)
    assert spec.files.model == ("model.json",)
    assert {"model.weights.h5", "model.h5"} <= set(spec.files.weights)


def test_exactly_sixty_percent_does_not_pass() -> None:
    spec = Assignment.load(PERSON)
    assert spec.pass_correct == 12_000
    assert [spec.passes(correct) for correct in (0, 11_999, 12_000, 12_001, 20_000)] == [False] * 3 + [True] * 2


@settings(deadline=None)
@given(st.integers(1, 100_000), st.decimals("0", "0.99", places=4))
def test_passing_is_decided_between_integers(rows: int, fraction: Decimal) -> None:
    spec = Assignment(name="a", title="A", rows=rows, pass_above=fraction)
    correct = spec.pass_correct
    assert Fraction(correct, rows) <= Fraction(fraction) < Fraction(correct + 1, rows)
    assert (spec.passes(correct), spec.passes(correct + 1)) == (False, True)


@pytest.mark.parametrize("spec", [FULL, Assignment(name="a", title="A")])
def test_what_is_saved_is_loaded(spec: Assignment, tmp_path: Path) -> None:
    path = spec.save(tmp_path / "new")
    assert Assignment.load(tmp_path / "new") == Assignment.load(path) == spec


def test_the_file_says_what_each_entry_means(tmp_path: Path) -> None:
    lines = FULL.save(tmp_path).read_text(encoding="utf-8").splitlines()
    for entry in ("rows = 100", "[limits]", "# The last moment, with its offset from UTC: 2026-12-18T23:59:00+01:00."):
        assert entry in lines
    for number, line in enumerate(lines):
        if " = " in line and not line.startswith("#"):
            assert lines[number - 1].startswith("# "), line


def test_fractions_are_decimal_numbers_not_floats(tmp_path: Path) -> None:
    assert load(MINIMAL + "pass_above = 0.60\n[late]\nper_day = 0.1\n", tmp_path).late.per_day == Decimal("0.1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rows = 0\n", ("rows", "greater than 0", "Rows of the predictions")),
        ("rows = 1.5\n", ("rows", "1.5")),
        ('rows = "many"\n', ("rows", "'many'")),
        ("threshold = 1.5\n", ("threshold", "less than or equal to 1")),
        ("pass_above = 60\n", ("pass_above", "less than 1", "The part of the rows")),
        ("pass_above = nan\n", ("pass_above", "NaN")),
        ('rank_rule = "best"\n', ("rank_rule", "'linear'", "'best-first-fraction'")),
        ("deadline = 2026-12-18T23:59:00\n", ("deadline", "timezone", "offset from UTC")),
        ("[limits]\nlayer = 7\n", ("limits.layer", "Did you mean layers")),
        ("[limits]\nlayers = -3\n", ("limits.layers", "-3", "Layers of the model")),
        ("[Limits]\n", ("Limits", "Did you mean limits")),
        ("treshold = 0.5\n", ("treshold", "Did you mean threshold")),
        ("[files]\nmodel = ['../model.json']\n", ("files.model.0", "../model.json")),
        ("[files]\nmodel = 'model.json'\n", ("files.model", "model.json")),
        ('[late]\npolicy = "per-day"\n', ("per-day", "needs a deadline")),
        ('labels_fingerprint = "abc"\n', ("labels_fingerprint", "abc", "sha256")),
        ("input_shape = [96, 96]\n", ("input_shape",)),
        ("name = 'again'\n", ("TOML", "line 3")),
        ("rows = \n", ("TOML", "line 3")),
    ],
)
def test_a_wrong_entry_is_named_with_its_remedy(text: str, said: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(InputError) as wrong:
        load(MINIMAL + text, tmp_path)
    for part in said:
        assert part in str(wrong.value), str(wrong.value)
    assert str(tmp_path) in wrong.value.expected


def test_a_missing_entry(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"title.*nothing.*Its title for people"):
        load('name = "person"\n', tmp_path)


def test_no_file_and_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cnnkit assignment new"):
        Assignment.load(tmp_path)
    (tmp_path / "assignment.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="TOML in"):
        Assignment.load(tmp_path)


def test_days_late() -> None:
    end = datetime(2026, 12, 18, 22, 59, tzinfo=UTC)
    spec = Assignment(name="a", title="A", deadline=end, late=Late(grace_minutes=10))
    after = {0: 0, 10: 0, 11: 1, 10 + 24 * 60: 1, 11 + 24 * 60: 2, -5000: 0}
    assert {minutes: spec.days_late(end + timedelta(minutes=minutes)) for minutes in after} == after
    # The same moment on another clock.
    assert spec.days_late(end.astimezone(timezone(timedelta(hours=9)))) == 0
    assert Assignment(name="a", title="A").days_late(end) == 0
    assert spec.days_late(None) == 0


@pytest.mark.parametrize(("policy", "too_late"), [("zero", True), ("none", False), ("per-day", False)])
def test_too_late_by_a_time_or_by_a_mark(policy: Literal["none", "zero", "per-day"], too_late: bool) -> None:
    end = datetime(2026, 12, 18, 22, 59, tzinfo=UTC)
    spec = Assignment(name="a", title="A", deadline=end, late=Late(policy=policy))
    assert spec.too_late(end + timedelta(seconds=1), marked=False) == too_late
    assert spec.too_late(None, marked=True) == too_late
    assert not spec.too_late(end, marked=False)
    assert not spec.too_late(None, marked=False)


def test_an_assignment_or_its_folder(tmp_path: Path) -> None:
    spec = Assignment(name="a", title="A")
    spec.save(tmp_path)
    assert Assignment.of(spec) is spec
    assert Assignment.of(str(tmp_path)) == Assignment.of(tmp_path) == spec


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("model.json", "model"),
        ("model.weights.h5", "weights"),
        ("weights.h5", "weights"),
        ("predictions.parquet", "predictions"),
        ("my notebook.ipynb", "notebook"),
        ("train.py", "script"),
        ("manifest.json", "ignored"),
        ("Model.json", None),
        ("model.json.exe", None),
        ("", None),
    ],
)
def test_what_a_file_is(name: str, role: str | None) -> None:
    assert Files().role(name) == role


def test_the_shipped_assignment_says_every_rule(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[3] / "assignments" / "person"
    again = Assignment.load(shipped).save(tmp_path)
    assert again.read_text(encoding="utf-8") == (shipped / "assignment.toml").read_text(encoding="utf-8")


def test_zones_of_times(tmp_path: Path) -> None:
    def deadline(text: str) -> Assignment:
        (tmp_path / "assignment.toml").write_text(f'name = "a"\ntitle = "A"\n{text}')
        return Assignment.load(tmp_path)

    spec = deadline('deadline = 2026-12-18T23:59:00\ntimezone = "Europe/Berlin"')
    assert str(spec.deadline) == "2026-12-18 23:59:00+01:00"
    assert deadline("deadline = 2026-12-18T23:59:00-05:00").zone.utcoffset(None) == timedelta(hours=-5)
    assert deadline("").zone is UTC
    with pytest.raises(InputError, match="offset from UTC, or a timezone"):
        deadline("deadline = 2026-12-18T23:59:00")
    with pytest.raises(InputError, match="Europe/Berlin"):
        deadline('timezone = "Europe/Berlim"')
