from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import cnnkit as ck
from cnnkit.course import write_submission
from cnnkit.course.grading.rehearsal import rehearse
from cnnkit.course.submissions.assignment import Assignment
from cnnkit.errors import BundleError, DataError, InputError, UnknownNameError


@pytest.fixture(scope="module")
def photos() -> ck.data.Dataset:
    """Red or grey."""
    random = np.random.default_rng(0)
    labels = np.arange(120) % 2
    images = random.integers(0, 150, (120, 32, 32, 3))
    images[labels == 1, :, :, 0] += 100
    return ck.data.arrays(images.astype(np.uint8), labels, classes=["grey", "red"], split=(0.5, 0, 0.5))


@pytest.fixture(scope="module")
def network(photos: ck.data.Dataset) -> ck.Network:
    net = ck.attach(ck.backbone("nano", input_shape=(32, 32, 3)), ck.heads.classifier(photos.classes))
    ck.fit(net, photos, ck.plans.probe(epochs=20, rate=1e-2), progress=False)
    return net


def test_a_trained_network_passes_and_is_ranked(photos, network, tmp_path: Path) -> None:
    done = rehearse(tmp_path, network, photos.test, code=__file__, classmates=3)
    right = round(ck.evaluate(network, photos.test)["accuracy"] * len(photos.test))
    assert right > 0.6 * len(photos.test)
    assert done.findings == ()
    assert done.score is not None
    assert (done.score.correct, done.grade.correct, done.grade.status) == (right, right, "passed")
    assert done.grade.points == 10 + (
        10 * (done.grade.ranked - done.grade.rank) / Fraction(done.grade.ranked - 1) if done.grade.ranked > 1 else 10
    )
    table = pq.read_table(tmp_path / "submission" / "predictions.parquet")
    assert table.column_names == ["red"]
    np.testing.assert_allclose(table["red"].to_numpy(), ck.predict(network, photos.test)["red"], atol=1e-6)
    assert Assignment.load(tmp_path / "assignment").rows == len(photos.test)


def test_a_better_submission_replaces_an_earlier_one(photos, network, tmp_path: Path) -> None:
    fitting = Assignment(name="red", title="Red", rows=len(photos.test), column="red")
    code = tmp_path / "train.py"
    fitting.save(tmp_path / "assignment")
    for text, asked in (("first = 1", fitting), ("second = 2", tmp_path / "assignment")):
        code.write_text(text)
        folder = write_submission(tmp_path / "mine", network, photos.test, assignment=asked, code=code)
        assert (folder / "train.py").read_text() == text
    (folder / "diary.txt").write_text("mine")
    with pytest.raises(BundleError, match="diary"):
        write_submission(folder, network, photos.test, assignment=fitting, code=code)
    assert (folder / "diary.txt").exists()


def test_pictures_without_labels_cannot_be_graded(network, tmp_path: Path) -> None:
    source = ck.data.arrays(np.zeros((4, 32, 32, 3), np.uint8), np.arange(4) % 2, classes=["a", "b"], split=(1, 0, 0))
    unlabelled = ck.data.Source(
        ids=source.train.ids,
        targets=None,
        reader=source.train.reader,
        positions=source.train.positions,
    )
    with pytest.raises(DataError, match="no labels"):
        rehearse(tmp_path, network, unlabelled, code=__file__)


def test_a_submission_of_something_else_is_not_written(photos, network, tmp_path: Path) -> None:
    fitting = Assignment(name="red", title="Red", rows=len(photos.test), column="red")
    wrong = {
        UnknownNameError: {"assignment": Assignment(name="x", title="X", rows=60, column="rad"), "code": __file__},
        InputError: {"assignment": fitting, "code": tmp_path / "none.py"},
        DataError: {"assignment": Assignment(name="x", title="X", rows=61, column="red"), "code": __file__},
    }
    for error, arguments in wrong.items():
        with pytest.raises(error):
            write_submission(tmp_path / "folder", network, photos.test, **arguments)
        assert not (tmp_path / "folder").exists()
