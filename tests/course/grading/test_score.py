"""Scores and labels, by hand."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cnnkit.course.grading.labels import Labels, read_labels, write_labels
from cnnkit.course.grading.score import score
from cnnkit.course.submissions.assignment import Assignment
from cnnkit.errors import DataError

TEN = Assignment(name="ten", title="Ten rows", rows=10, pass_above=Decimal("0.6"))
TRUTH = np.array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0], np.bool_)
LABELS = Labels(tuple("abcdefghij"), TRUTH, "salt")


def test_a_score_by_hand() -> None:
    probabilities = np.array([0.9, 0.8, 0.5, 0.4, 0.3, 0.6, 0.2, 0.1, 0.0, 0.49999997], np.float32)
    public = np.zeros(10, np.bool_)
    public[[0, 3, 5, 6]] = True
    found = score(probabilities, TRUTH, public, threshold=0.5)
    # 0.5 decides for the class, the float32 just below does not.
    assert (found.true_positives, found.false_negatives, found.true_negatives, found.false_positives) == (3, 2, 4, 1)
    assert (found.correct, found.rows, found.accuracy) == (7, 10, 0.7)
    assert (found.public_rows, found.public_correct) == (4, 2)
    # Of 25 pairs: 0.9 and 0.8 win all five, 0.5 four, 0.4 and 0.3 three.
    assert found.auc == pytest.approx((5 + 5 + 4 + 3 + 3) / 25)
    squares = [0.01, 0.04, 0.25, 0.36, 0.49, 0.36, 0.04, 0.01, 0.0, 0.25]
    assert found.brier == pytest.approx(sum(squares) / 10, abs=1e-6)
    assert found.interval == pytest.approx((0.3968, 0.8922), abs=1e-4)


def test_the_threshold_is_compared_in_double_precision() -> None:
    # float32(0.3) is a little more than 0.3; in float32 the two would be equal.
    values = np.array([0.3, 0.0], np.float32)
    found = score(values, np.array([True, False]), np.array([True, True]), threshold=0.3 + 1e-9)
    assert found.true_positives == 1
    found = score(values, np.array([True, False]), np.array([True, True]), threshold=0.3 + 2e-8)
    assert found.false_negatives == 1


def test_labels_are_read_back(tmp_path: Path) -> None:
    write_labels(tmp_path / "labels.parquet", LABELS)
    found = read_labels(tmp_path / "labels.parquet", TEN)
    assert (found.ids, found.truth.tolist(), found.salt) == (LABELS.ids, TRUTH.tolist(), "salt")
    assert found.fingerprint == LABELS.fingerprint
    assert [file.name for file in tmp_path.iterdir()] == ["labels.parquet"]


def test_a_fingerprint_is_of_salt_names_and_labels() -> None:
    flipped = TRUTH.copy()
    flipped[0] = False
    others = [Labels(LABELS.ids, TRUTH, "other"), Labels(LABELS.ids, flipped, "salt"), Labels(LABELS.ids[::-1], TRUTH)]
    assert len({labels.fingerprint for labels in (LABELS, *others)}) == 4


def test_public_rows_are_the_share_and_stay_the_same() -> None:
    public = LABELS.public(Fraction(3, 10))
    assert public.sum() == 3
    assert (public == LABELS.public(Fraction(3, 10))).all()
    assert (public <= LABELS.public(Fraction(5, 10))).all()
    assert LABELS.public(Fraction(0)).sum() == 0
    assert LABELS.public(Fraction(1)).all()


def test_labels_of_the_staff_need_one_column(tmp_path: Path) -> None:
    path = tmp_path / "labels.parquet"
    pq.write_table(pa.table({"label": TRUTH.astype(np.int64)}), path)
    assert read_labels(path, TEN).ids == tuple("0123456789")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"truth": [0, 1]}, "'label'"),
        ({"label": [0, 1]}, "10 labels"),
        ({"label": [0, 2] * 5}, "0 and 1"),
        ({"label": [1] * 7 + [0] * 3}, "always answering the same"),
        ({"label": [1] * 3 + [0] * 7}, "7 right"),
    ],
)
def test_labels_that_do_not_fit_are_refused(tmp_path: Path, table: dict[str, list[int]], message: str) -> None:
    pq.write_table(pa.table(table), tmp_path / "labels.parquet")
    with pytest.raises(DataError, match=message):
        read_labels(tmp_path / "labels.parquet", TEN)


def test_six_of_ten_is_not_above_the_mark_so_such_labels_are_fine(tmp_path: Path) -> None:
    pq.write_table(pa.table({"label": [1] * 6 + [0] * 4}), tmp_path / "labels.parquet")
    assert len(read_labels(tmp_path / "labels.parquet", TEN)) == 10


def test_other_labels_than_the_published_fingerprint_says_are_refused(tmp_path: Path) -> None:
    write_labels(tmp_path / "labels.parquet", LABELS)
    published = TEN.model_copy(update={"labels_fingerprint": LABELS.fingerprint})
    assert len(read_labels(tmp_path / "labels.parquet", published)) == 10
    with pytest.raises(DataError, match="fingerprint"):
        read_labels(tmp_path / "labels.parquet", TEN.model_copy(update={"labels_fingerprint": "0" * 64}))


def test_no_file_or_no_parquet(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"labels\.parquet"):
        read_labels(tmp_path / "labels.parquet", TEN)
    (tmp_path / "labels.parquet").write_text("id,label\n")
    with pytest.raises(DataError, match="Parquet"):
        read_labels(tmp_path / "labels.parquet", TEN)
