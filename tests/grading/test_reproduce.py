"""Tier 2: the submitted model, really run in plain Keras, in the strongest isolation of this machine."""

from __future__ import annotations

import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from cnnkit.data.framing import Framing
from cnnkit.data.scene_pictures import scenes
from cnnkit.data.source import Source
from cnnkit.errors import DataError, InputError
from cnnkit.grading.batch import grade
from cnnkit.grading.graded import StudentGrade
from cnnkit.grading.labels import write_labels
from cnnkit.grading.ledger import Ledger
from cnnkit.grading.prepare import whole
from cnnkit.grading.reproduce import reproduce
from cnnkit.grading.rerun import Rerun
from cnnkit.submissions.assignment import Assignment
from cnnkit.submissions.gate import check
from tests.grading.inboxes import labels, with_correct
from tests.submissions.valid import write_predictions, write_valid

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

ROWS = 40
SPEC = Assignment(name="person", title="Person?", rows=ROWS)


@pytest.fixture(scope="module")
def pictures() -> Source:
    return whole(scenes(ROWS, 5, size=64))


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
