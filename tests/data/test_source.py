"""Sources and datasets: what they check, count, fingerprint and print."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.data.dataset import Dataset, SkippedFile
from cnnkit.data.source import Source
from cnnkit.data.targets.masks import Masks
from cnnkit.data.targets.vectors import Vectors
from cnnkit.errors import DataError, InputError

CLASSES = ("cat", "dog", "hen")


class Numbers:
    """A picture of one pixel; the content repeats every `period` positions."""

    def __init__(self, period: int = 1000) -> None:
        self.period = period

    def read(self, position: int) -> np.ndarray:
        return np.full((1, 1, 3), position % self.period, np.uint8)

    def digest(self, position: int) -> str:
        return hashlib.sha256(self.read(position).tobytes()).hexdigest()


class Sized(Numbers):
    """Knows sizes, and which pictures were hashed."""

    def __init__(self, period: int) -> None:
        super().__init__(period)
        self.hashed: list[int] = []

    def digest(self, position: int) -> str:
        self.hashed.append(position)
        return super().digest(position)

    def file_size(self, position: int) -> int:
        return 10 + position % self.period


def source(labels: list[int] | np.ndarray | None, reader: Numbers | None = None, first: int = 0) -> Source:
    count = 4 if labels is None else len(labels)
    ids = tuple(f"p{first + index}" for index in range(count))
    return Source.labelled(
        ids,
        CLASSES,
        None if labels is None else np.asarray(labels),
        reader or Numbers(),
        np.arange(first, first + count),
    )


def test_taking_examples() -> None:
    whole = source([0, 1, 2, 1])
    part = whole.take([3, 0])
    assert part.ids == ("p3", "p0")
    assert part.labels is not None
    assert part.labels.tolist() == [1, 0]
    assert part.image(0)[0, 0, 0] == 3
    assert whole.take(np.array([False, True, True, False])).ids == ("p1", "p2")
    assert len(whole.take([])) == 0
    with pytest.raises(InputError, match="mask"):
        whole.take([True, False])
    with pytest.raises(DataError, match="'p1'"):
        whole.take([1, 1])


def test_counts_and_tables() -> None:
    assert source([0, 1, 1]).counts().tolist() == [1, 2, 0]
    assert source([0, 1, 1]).table()["label"].tolist() == ["cat", "dog", "dog"]
    several = source(np.array([[1, 1, 0], [0, 1, 0]]))
    assert several.multi_label
    assert several.counts().tolist() == [1, 2, 0]
    assert several.table().to_dict("list") == {"id": ["p0", "p1"], "cat": [1, 0], "dog": [1, 1], "hen": [0, 0]}
    assert source(None).counts().tolist() == []
    assert list(source(None).table()) == ["id"]


def test_labels_are_kept_apart_from_the_callers_array() -> None:
    labels = np.array([0, 1], np.int64)
    kept = source(labels)
    labels[0] = 2
    assert kept.labels is not None
    assert kept.labels.tolist() == [0, 1]
    with pytest.raises(ValueError, match="read-only"):
        kept.labels[0] = 1


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 3], "labels from 0 to 3"),
        ([-1, 0], "labels from -1"),
        ([[0, 1], [1, 0]], "shape \\(2, 2\\)"),
        ([[0, 1, 2], [1, 0, 0]], "0 or 1"),
        ([[[0]]], "shape \\(1, 1, 1\\)"),
    ],
)
def test_wrong_labels_are_refused(labels: list[int], message: str) -> None:
    with pytest.raises(DataError, match=message):
        source(np.array(labels))


def test_wrong_lengths_and_double_ids_are_refused() -> None:
    with pytest.raises(DataError, match="2 labels"):
        Source.labelled(("a",), CLASSES, np.array([0, 1]), Numbers(), np.array([0]))
    with pytest.raises(DataError, match="positions"):
        Source.labelled(("a",), CLASSES, np.array([0]), Numbers(), np.array([0, 1]))
    with pytest.raises(DataError, match="'a' more than once"):
        Source.labelled(("a", "a"), CLASSES, np.array([0, 1]), Numbers(), np.array([0, 1]))


def test_a_fingerprint_changes_with_everything_that_counts() -> None:
    base = source([0, 1])
    assert base.fingerprint == source([0, 1]).fingerprint
    others = [
        source([1, 0]),
        source([0, 1], first=1),
        source([0, 1], Numbers(1)),
        Source.labelled(base.ids, ("hen", "dog", "cat"), base.labels, base.reader, base.positions),
        base.take([1, 0]),
        base.take([0]),
    ]
    assert len({one.fingerprint for one in (base, *others)}) == 7


def test_an_empty_source() -> None:
    nothing = Source.empty(CLASSES)
    assert len(nothing) == 0
    assert nothing.counts().tolist() == [0, 0, 0]
    assert len(nothing.fingerprint) == 64
    for read in (nothing.reader.read, nothing.reader.digest):
        with pytest.raises(IndexError):
            read(0)


def test_sources_print_as_short_tables() -> None:
    assert repr(source([0, 1, 1])).splitlines() == ["Source of 3 pictures", "cat    1", "dog    2", "hen    0"]
    assert repr(source(None)) == "Source of 4 pictures without labels"
    many = tuple(str(index) for index in range(1000))
    assert "… 988 more classes" in repr(Source.empty(many))


EMPTY = Source.empty(CLASSES)


def dataset(train: Source, validation: Source = EMPTY, test: Source = EMPTY) -> Dataset:
    return Dataset(CLASSES, train, validation, test)


def test_train_and_validation_have_the_same_classes() -> None:
    with pytest.raises(DataError, match="in validation"):
        dataset(source([0]), Source.empty(("cat", "dog")))


def test_the_people_of_an_open_set_test_are_others() -> None:
    others = Source.labelled(("q",), ("owl",), [0], Numbers(), np.array([7]))
    data = dataset(source([0, 1]), test=others)
    assert data.counts().loc["owl"].tolist() == [0, 0, 1]
    assert data.report().loc["owl", "warning"] == "in the test part alone"


def test_all_parts_have_truth_of_one_kind() -> None:
    several = source(np.array([[1, 1, 0]]), first=9)
    with pytest.raises(DataError, match=r"labels in every part.*tags in validation"):
        dataset(source([0]), several)


def test_truth_of_another_kind_says_so() -> None:
    vectors = Source(("a",), Vectors(np.zeros((1, 2), np.float32)), Numbers(), np.array([0]))
    assert (vectors.kind, vectors.names) == ("vectors", ())
    with pytest.raises(DataError, match=r"labels or tags.*vectors"):
        vectors.labels  # noqa: B018  (the access is the test)
    with pytest.raises(DataError, match=r"has classes.*vectors"):
        vectors.classes  # noqa: B018
    with pytest.raises(InputError, match="targets, or None"):
        Source(("a",), np.array([0]), Numbers(), np.array([0]))


def test_a_corrected_label_leaves_the_fingerprint_of_the_pictures() -> None:
    before, after = source([0, 1]), source([0, 2])
    assert before.fingerprint != after.fingerprint
    assert before.pictures_fingerprint == after.pictures_fingerprint
    assert before.pictures_fingerprint != source([0, 1], Numbers(1)).pictures_fingerprint


def test_a_report_counts_and_warns() -> None:
    data = dataset(source([0] * 40 + [1] * 12 + [2] * 5), source([0, 0, 1], first=100))
    report = data.report()
    assert report.loc["cat", ["train", "validation", "test", "total"]].tolist() == [40, 2, 0, 42]
    assert report.loc["all", "total"] == 60
    assert report.loc["cat", "share"] == pytest.approx(0.7)
    assert report.loc["cat", "warning"] == ""
    assert report.loc["dog", "warning"] == "3.3 times rarer than the largest class: use class weights"
    assert "only 5 to train on" in report.loc["hen", "warning"]
    assert "none in validation" in report.loc["hen", "warning"]
    assert report.loc["all", "warning"] == "imbalance 8.0"
    assert data.imbalance == 8
    assert dataset(source([0, 1])).report().loc["hen", "warning"] == "nothing to train on"
    assert dataset(source([0, 1])).imbalance == np.inf
    assert dataset(Source.empty(CLASSES)).imbalance == 1
    assert dataset(Source.empty(CLASSES)).report()["warning"].tolist() == [""] * 4


def test_duplicates_are_found_across_parts_only() -> None:
    reader = Numbers(period=5)  # p0 and p5 and p10 are the same picture
    data = dataset(source([0, 1, 2], reader), source([0, 1, 2], reader, first=4), source([0], reader, first=10))
    found = {tuple(row) for row in data.duplicates().itertuples(index=False)}
    assert found == {
        ("p0", "train", "p5", "validation"),
        ("p0", "train", "p10", "test"),
        ("p5", "validation", "p10", "test"),
        ("p1", "train", "p6", "validation"),
    }
    assert "3 pictures are in two splits" in data.report().loc["all", "warning"]
    within = dataset(source([0] * 10, reader))
    assert len(within.duplicates()) == 0


def test_only_pictures_of_equal_size_are_hashed() -> None:
    reader = Sized(period=50)
    data = dataset(source([0] * 20, reader), source([1] * 3, reader, first=52))  # 52 is 2, 53 is 3, 54 is 4
    assert data.duplicates()["other_id"].tolist() == ["p52", "p53", "p54"]
    assert sorted(reader.hashed) == [2, 3, 4, 52, 53, 54]


def test_a_dataset_prints_as_a_short_table() -> None:
    data = Dataset(
        CLASSES, source([0, 1]), source([2], first=9), Source.empty(CLASSES), (SkippedFile("x.jpg", "empty"),)
    )
    lines = repr(data).splitlines()
    assert lines[0] == "Dataset of 3 classes: 2 train, 1 validation, 0 test; 1 files skipped"
    assert lines[3].split() == ["cat", "1", "0", "0"]
    assert "1 files skipped" in data.report().loc["all", "warning"]
    assert data.fingerprint == dataset(source([0, 1]), source([2], first=9)).fingerprint


def test_a_notebook_shows_names_and_runs_nothing_of_them() -> None:
    """A folder of photographs from the net may be called anything."""
    names = ("<script>alert(1)</script>", "R&D")
    data = ck.data.arrays(np.zeros((12, 4, 4, 3), np.uint8), np.arange(12) % 2, classes=names)
    for shown in (data._repr_html_(), data.train._repr_html_()):
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
        assert "R&amp;D" in shown
        assert "<script>" not in shown
        assert "<table" in shown
    assert "8 train, 2 validation, 2 test" in data._repr_html_()
    unlabelled = ck.data.as_source(np.zeros((3, 4, 4, 3), np.uint8))
    assert "3 pictures without labels" in unlabelled._repr_html_()
    many = ck.data.arrays(np.zeros((60, 4, 4, 3), np.uint8), np.arange(60) % 20)
    assert "8 more classes" in many._repr_html_()
    assert "8 more classes" in many.train._repr_html_()


@pytest.mark.parametrize("indices", [5, 2.5, "a", [1.5], None, slice(5), [[0]]])
def test_indices_that_are_none(indices: Any) -> None:
    source = ck.data.arrays(np.zeros((12, 4, 4, 3), np.uint8), np.arange(12) % 2).train
    with pytest.raises(InputError, match=r"take\(range\(5\)\)"):
        source.take(indices)
    with pytest.raises(InputError, match="indices from 0 to 7"):
        source.take([0, 8])
    with pytest.raises(InputError, match="index of an example, from 0 to 7"):
        source.image(8)


def test_a_report_has_what_the_kind_measures_of_names_it_knows() -> None:
    truth = Masks.of_arrays(("all", "cat"), [[[0, 0, 1, 255]], [[0, 1, 1, 1]]])
    other = Masks.of_arrays(("hen",), [[[0]]])
    parts = [
        Source(ids, column, Numbers(), np.arange(len(ids))) for ids, column in ((("a", "b"), truth), (("c",), other))
    ]
    report = Dataset(truth.names, parts[0], Source.empty(truth), parts[1]).report()
    np.testing.assert_array_equal(report["pixels"].to_numpy(), [0.4286, 0.5714, np.nan, 0.875])
