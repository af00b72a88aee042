"""Tier 2: the submitted model, really run in plain Keras, in the strongest isolation of this machine."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from subprocess import DEVNULL, PIPE

import keras
import numpy as np
import pytest

from cnnkit.course.grading.batch import grade
from cnnkit.course.grading.graded import StudentGrade
from cnnkit.course.grading.labels import write_labels
from cnnkit.course.grading.ledger import Ledger
from cnnkit.course.grading.reproduce import Reproduction, reproduce
from cnnkit.course.grading.reproduce_child import BEGUN, architecture
from cnnkit.course.grading.rerun import Rerun
from cnnkit.course.submissions.assignment import Assignment
from cnnkit.course.submissions.gate import check
from cnnkit.data.scene_pictures import scenes
from cnnkit.data.source import Source
from cnnkit.data.views.framing import Framing
from cnnkit.errors import DataError, InputError
from tests.course.grading.inboxes import labels, with_correct
from tests.course.submissions.valid import write_predictions, write_valid

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

ROWS = 40
SPEC = Assignment(name="person", title="Person?", rows=ROWS)


@pytest.fixture(scope="module")
def pictures() -> Source:
    return scenes(ROWS, 5, size=64).whole()


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(8, 3, strides=2, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1, activation="sigmoid", kernel_initializer=keras.initializers.RandomNormal(stddev=3.0)),
        ]
    )


def probabilities(model: keras.Model, pictures: Source, scale: float = 1 / 127.5, offset: float = -1.0) -> np.ndarray:
    framed = np.stack([Framing("crop").apply(pictures.image(row), (32, 32)) for row in range(len(pictures))])
    return np.asarray(model(framed.astype(np.float32) * scale + offset, training=False))[:, 0]


@pytest.fixture
def submission(model: keras.Model, pictures: Source, tmp_path: Path) -> Path:
    folder = write_valid(tmp_path / "submission", assignment=SPEC)
    (folder / "model.json").write_text(model.to_json())
    model.save_weights(folder / "model.weights.h5")
    write_predictions(folder / "predictions.parquet", probabilities(model, pictures), column="person")
    return folder


def handed_in(folder: Path) -> np.ndarray:
    report = check(folder, SPEC)
    assert report.passed, report.findings
    assert report.predictions is not None
    return report.predictions


def test_the_submitted_model_gives_the_submitted_predictions(submission: Path, pictures: Source) -> None:
    values = handed_in(submission)
    assert np.ptp(values) > 0.2
    found = reproduce(submission, SPEC, pictures, values, seed=0)
    assert (found.outcome, found.pictures, found.agreeing, found.flag) == ("agrees", ROWS, ROWS, "")
    assert found.largest < 1e-4
    assert found.way == "crop, −1…1"  # as `probabilities` brings them to the input
    assert "limits" in found.isolation


def test_predictions_of_another_model_are_flagged(submission: Path, pictures: Source) -> None:
    other = np.random.default_rng(0).permutation(handed_in(submission))
    found = reproduce(submission, SPEC, pictures, other, count=20, seed=0)
    assert found.outcome == "differs"
    assert found.pictures == 20
    assert "of 20 pictures agree" in found.flag


def test_a_few_rows_decided_otherwise_are_flagged(submission: Path, pictures: Source) -> None:
    """38 of 40 are within the tolerance; the two others, edited by hand, are 5 % of the decisions."""
    edited = handed_in(submission).copy()
    clear = np.flatnonzero(np.abs(edited - 0.5) > 0.1)[:2]
    edited[clear] = 1 - edited[clear]
    found = reproduce(submission, SPEC, pictures, edited, seed=0)
    assert (found.outcome, found.agreeing, found.otherwise) == ("differs", ROWS - 2, 2)
    assert "2 are decided otherwise" in found.flag


def test_how_many_are_right_either_way_is_told(submission: Path, pictures: Source) -> None:
    values = handed_in(submission)
    truth = values >= 0.5
    truth[:10] = ~truth[:10]
    found = reproduce(submission, SPEC, pictures, values, truth=truth, seed=0)
    assert (found.outcome, found.submitted_correct, found.far_above) == ("agrees", ROWS - 10, False)
    assert found.correct is not None
    assert found.correct >= ROWS - 10  # in this way; in another, which was tried before, more may be
    bought = np.where(truth, np.float32(0.9), np.float32(0.1))
    found = reproduce(submission, SPEC, pictures, bought, truth=truth, seed=0)
    assert (found.outcome, found.submitted_correct) == ("differs", ROWS)
    assert "100.0% (91.2% to 100.0%) are right as submitted" in found.flag  # Wilson's interval by hand: 40/(40+1.96²)


def test_far_above_is_more_than_chance() -> None:
    """Of 263, 81 are right: 25.5 % to 36.6 % (Newcombe 1998)."""
    values = {"pictures": 263, "agreeing": 3, "correct": 81}
    near, far = (Reproduction("differs", submitted_correct=right, **values) for right in (100, 120))
    assert (near.far_above, far.far_above) == (False, True)
    assert "25.5% to 36.6%" in far.flag
    assert "far above" not in near.flag
    assert not Reproduction("differs", 263).far_above


def test_what_a_model_was_compiled_with_is_never_built() -> None:
    huge = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 10**9}}
    layer = {"class_name": "Sequential", "config": {"layers": []}, "compile_config": {"loss": huge}}
    text = json.dumps({"class_name": "Functional", "config": {"layers": [layer]}, "compile_config": {"loss": [huge]}})
    bare = {"class_name": "Sequential", "config": {"layers": []}}
    assert json.loads(architecture(text)) == {"class_name": "Functional", "config": {"layers": [bare]}}


@pytest.mark.skipif(sys.platform != "linux", reason="limits are read from /proc")
def test_the_child_can_neither_fill_a_disk_nor_open_many_files(tmp_path: Path) -> None:
    program = f"from cnnkit.course.grading.reproduce_child import main; main(0, 0, '', 60, {10**12}, 12345678, 8)"
    with subprocess.Popen([sys.executable, "-c", program], stdin=PIPE, stdout=PIPE, stderr=DEVNULL) as child:
        assert child.stdout is not None
        assert child.stdout.read(len(BEGUN)) == BEGUN
        limits = Path(f"/proc/{child.pid}/limits").read_text()
        child.kill()
    found = {line[:25].strip(): line[25:].split()[1] for line in limits.splitlines()}
    assert (found["Max file size"], found["Max open files"]) == ("12345678", "256")


def test_limits_alone_are_enough_only_where_they_are_named(
    submission: Path, pictures: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = handed_in(submission)
    monkeypatch.setenv("PATH", "")  # a machine without bwrap and unshare
    with pytest.raises(InputError, match="bwrap or unshare for isolation"):
        reproduce(submission, SPEC, pictures, values, count=8)
    for named in ({"isolation": "limits"}, {"require": "limits"}):
        found = reproduce(submission, SPEC, pictures, values, count=8, **named)
        assert (found.outcome, found.isolation) == ("agrees", "limits: resource limits")


def test_a_model_that_cannot_be_run_is_flagged(submission: Path, pictures: Source) -> None:
    values = handed_in(submission)
    (submission / "model.weights.h5").write_bytes(b"no weights")
    found = reproduce(submission, SPEC, pictures, values)
    assert found.outcome == "crashed"
    assert "could not be run" in found.flag


def test_in_a_class_it_is_a_flag_recorded_once_and_no_zero(submission: Path, pictures: Source, tmp_path: Path) -> None:
    truth = labels(ROWS).truth
    shutil.copytree(submission, tmp_path / "inbox" / "honest")
    write_labels(tmp_path / "labels.parquet", labels(ROWS))
    shutil.copytree(submission, tmp_path / "inbox" / "bought")
    write_predictions(
        tmp_path / "inbox" / "bought" / "predictions.parquet", with_correct(truth, 35, seed=0), column="person"
    )

    def run() -> dict[str, StudentGrade]:
        graded = grade(
            tmp_path / "inbox",
            assignment=SPEC,
            labels=tmp_path / "labels.parquet",
            out=tmp_path / "out",
            workers=1,
            reproduction=Rerun(pictures, 20),
        )
        return {each.grade.student: each for each in graded.students}

    found = run()
    assert any("other probabilities than were submitted" in flag for flag in found["bought"].flags)
    assert any("are right as submitted" in flag for flag in found["bought"].flags)
    assert not any("other probabilities" in flag for flag in found["honest"].flags)
    assert found["bought"].grade.status == "passed"
    assert run() == found
    with Ledger.open(tmp_path / "out" / "ledger.sqlite") as ledger:
        assert len(list(ledger.records(kind="reproduction"))) == 2
        assert ledger.verify().broken is None


def test_wrong_use(submission: Path, pictures: Source) -> None:
    values = np.zeros(ROWS, np.float32)
    with pytest.raises(InputError, match="one picture"):
        reproduce(submission, SPEC, pictures, values, count=0)
    with pytest.raises(DataError, match="40 pictures"):
        reproduce(submission, SPEC, pictures.take(np.arange(3)), values)
    with pytest.raises(InputError, match="isolation"):
        reproduce(submission, SPEC, pictures, values, isolation="magic")
