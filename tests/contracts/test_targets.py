"""What every kind of truth promises: a row of `KINDS` is an example with a place or without, truth or predictions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cnnkit as ck
from cnnkit.errors import DataError, InputError

Targets = ck.data.targets.Targets
Labels, Tags = ck.data.targets.Labels, ck.data.targets.Tags
NAMES = ("cat", "dog", "hen")
IDS = ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]


def labels() -> Labels:
    return Labels(NAMES, np.array([0, 2, 2, 1]))


def said_labels() -> Labels:
    return Labels(NAMES, np.array([0, 2, 2, 1]), np.arange(12, dtype=np.float32).reshape(4, 3) / 12)


def tags() -> Tags:
    return Tags(NAMES, np.array([[1, 0, 1], [0, 0, 0], [1, 0, 1], [0, 1, 0]]))


def said_tags() -> Tags:
    return Tags(NAMES, tags().values, np.arange(12, dtype=np.float32).reshape(4, 3) / 12)


KINDS: dict[str, Callable[[], Any]] = {make.__name__: make for make in (labels, said_labels, tags, said_tags)}
every = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)


def assert_equal(one: Any, other: Any) -> None:
    assert one.digest() == other.digest()
    pd.testing.assert_frame_equal(one.table(IDS[: len(one)]), other.table(IDS[: len(other)]))


@every
def test_taking_examples(make: Callable[[], Any]) -> None:
    truth = make()
    assert len(truth) == 4
    assert_equal(truth.take(range(4)), truth)
    assert_equal(truth.take([3, 0]).take([1]), truth.take([0]))
    assert_equal(truth.take(np.array([False, True, False, True])), truth.take([1, -1]))
    assert len(truth.take([])) == 0
    assert truth.take([0]).names == truth.names
    for wrong in ([4], [-5], [0.5], [[0]], [True], "0"):
        with pytest.raises(InputError, match=r"Expected (indices|a mask)"):
            truth.take(wrong)


@every
def test_joining_is_the_inverse_of_taking(make: Callable[[], Any]) -> None:
    truth = make()
    joined = type(truth).joined([truth.take([0]), truth.take([]), truth.take([1, 2, 3])])
    assert_equal(joined, truth)
    assert_equal(joined.take([2, 1]), truth.take([2, 1]))
    with pytest.raises(InputError, match=r"Expected one or more columns of .*none"):
        type(truth).joined([])
    with pytest.raises(InputError, match=r"Expected one or more columns of .*str"):
        type(truth).joined([truth, "truth"])


@every
def test_a_digest_is_of_content_and_order(make: Callable[[], Any]) -> None:
    truth = make()
    assert truth.digest() == make().digest()
    assert len(truth.digest()) == 64
    digests = [truth.digest(), truth.take([1, 0, 2, 3]).digest(), truth.take([0, 1, 2]).digest()]
    assert len(set(digests)) == 3


def test_digests_of_kinds_differ() -> None:
    assert len({make().digest() for make in KINDS.values()}) == len(KINDS)
    assert len({make().take([]).digest() for make in KINDS.values()}) == len(KINDS)


@every
def test_counts_and_strata_are_one_per_name_and_example(make: Callable[[], Any]) -> None:
    truth = make()
    assert truth.counts().shape == (len(truth.names),)
    assert truth.counts().dtype == truth.strata().dtype == np.int64
    assert truth.strata().shape == (4,)
    assert truth.take([]).counts().tolist() == [0] * len(truth.names)
    assert truth.take([]).strata().shape == (0,)
    alone = [truth.take([index]).counts() for index in range(4)]
    np.testing.assert_array_equal(np.sum(alone, axis=0), truth.counts())


@every
def test_a_table_survives_parquet(make: Callable[[], Any], tmp_path: Path) -> None:
    table = make().table(IDS)
    assert table.columns[0] == "id"
    table.to_parquet(tmp_path / "table.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "table.parquet"), table)
    with pytest.raises(InputError, match="one id for each of 4 examples"):
        make().table(IDS[:3])


@every
def test_nothing_of_it_can_be_written_to(make: Callable[[], Any]) -> None:
    truth = make()
    arrays = [value for value in vars(truth).values() if isinstance(value, np.ndarray)]
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    with pytest.raises(AttributeError):
        truth.names = ()


@every
def test_truth_without_a_place_stays_where_it_is(make: Callable[[], Any]) -> None:
    truth = make()
    if not truth.placed:
        assert truth.moved(np.eye(3)[None].repeat(4, axis=0), (8, 8)) is truth


def test_values_are_kept_apart_from_the_callers_arrays() -> None:
    values, probabilities = np.array([0, 1]), np.zeros((2, 3), np.float32)
    kept = Labels(NAMES, values, probabilities)
    values[0] = probabilities[0, 0] = 2
    assert kept.values.tolist() == [0, 1]
    assert not kept.probabilities.any()


def test_tables_of_labels_are_those_of_sources_and_predictions() -> None:
    truth, said = labels().table(IDS), said_labels().table(IDS)
    assert truth.to_dict("list") == {"id": IDS, "label": ["cat", "hen", "hen", "dog"]}
    assert list(said) == ["id", "label", *NAMES]
    assert said["label"].tolist() == truth["label"].tolist()
    assert set(said[list(NAMES)].dtypes) == {np.dtype(np.float32)}
    np.testing.assert_array_equal(said[list(NAMES)].to_numpy(), said_labels().probabilities)


def test_tables_of_tags() -> None:
    truth, said = tags().table(IDS), said_tags().table(IDS)
    assert truth.to_dict("list") == {"id": IDS, "cat": [1, 0, 1, 0], "dog": [0, 0, 0, 1], "hen": [1, 0, 1, 0]}
    assert said["label"].tolist() == ["cat|hen", "", "cat|hen", "dog"]
    assert list(said) == ["id", "label", *NAMES]


def test_strata_of_tags_are_their_combinations() -> None:
    assert labels().strata().tolist() == [0, 2, 2, 1]
    assert tags().strata().tolist() == [2, 0, 2, 1]  # sorted rows: 000, 010, 101


def test_labels_or_tags() -> None:
    assert isinstance(ck.data.targets.labels_or_tags(NAMES, [0, 1]), Labels)
    assert isinstance(ck.data.targets.labels_or_tags(NAMES, [[0, 1, 1]]), Tags)


NAN = float("nan")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Labels("cat", [0]), "names as a tuple of different texts"),
        (lambda: Labels(("cat", "cat"), [0]), "names as a tuple of different texts"),
        (lambda: Labels(("cat", "id"), [0]), r"\['id'\].*Rename"),
        (lambda: Labels(NAMES, [[0]]), r"labels of shape \(n,\)"),
        (lambda: Labels(NAMES, ["cat"]), r"labels of shape \(n,\)"),
        (lambda: Labels(NAMES, [0, 3]), "labels from 0 to 3"),
        (lambda: Labels(NAMES, [-1, 0]), "labels from -1"),
        (lambda: Labels(NAMES, [NAN, 0]), "labels from nan"),
        (lambda: Labels(NAMES, [0.5, 0]), "whole numbers.*0.5"),
        (lambda: Labels(NAMES, [0], [[0.5, 0.5]]), r"probabilities of shape \(1, 3\)"),
        (lambda: Labels(NAMES, [0], [[0.5, 0.5, NAN]]), "finite probabilities"),
        (lambda: Labels(NAMES, [0], [[0.5], [0.5, 1]]), r"probabilities of shape \(1, 3\)"),
        (lambda: Labels.joined([labels(), said_labels()]), "probabilities in all parts, or in none"),
        (lambda: Labels.joined([labels(), Labels(("a",), [0])]), r"the names \['cat', 'dog', 'hen'\].*\['a'\]"),
        (lambda: Tags(("cat", "label"), [[0, 1]]), r"\['label'\].*Rename"),
        (lambda: Tags(NAMES, [0]), r"labels of shape \(n,\) or"),
        (lambda: Tags(NAMES, [["x", "y", "z"]]), r"labels of shape \(n,\) or"),
        (lambda: Tags(NAMES, [[0, 1]]), r"labels of shape \(1, 2\)"),
        (lambda: Tags(NAMES, [[0, 1, 2]]), r"0 or 1 .*\[0, 1, 2\]"),
        (lambda: Tags(NAMES, [[0, 1, NAN]]), "0 or 1 "),
        (lambda: Tags(NAMES, [[0, 1, 0]], [[0.5, 0.5]]), r"probabilities of shape \(1, 3\)"),
        (lambda: Tags.joined([tags(), said_tags()]), "probabilities in all parts, or in none"),
    ],
)
def test_wrong_values_are_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises((DataError, InputError), match=message):
        make()


@pytest.mark.parametrize(
    "others",
    [
        lambda: [labels(), Labels(NAMES, [0, 2, 2, 2]), Labels(("cat", "dog", "owl"), [0, 2, 2, 1]), said_labels()],
        lambda: [tags(), Tags(NAMES, [[1, 0, 1], [0, 0, 0], [1, 0, 1], [0, 1, 1]]), said_tags()],
        lambda: [Labels(("ab", "c"), []), Labels(("a", "bc"), []), Labels(("a", "b", "c"), [])],
        lambda: [said_labels(), Labels(NAMES, labels().values, said_labels().probabilities + np.float32(1e-6))],
    ],
)
def test_a_digest_changes_when_any_value_changes(others: Callable[[], list[Any]]) -> None:
    columns = others()
    assert len({column.digest() for column in columns}) == len(columns)
