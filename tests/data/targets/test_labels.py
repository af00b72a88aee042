"""Labels and tags: the tables of sources and predictions, and what a split divides by."""

from __future__ import annotations

import numpy as np

from cnnkit.data.targets import Labels, Tags, labels_or_tags

NAMES = ("cat", "dog", "hen")
IDS = ["a", "b", "c", "d"]
PROBABILITIES = np.arange(12, dtype=np.float32).reshape(4, 3) / 12


def test_tables_of_labels() -> None:
    truth, said = Labels(NAMES, [0, 2, 2, 1]).table(IDS), Labels(NAMES, [0, 2, 2, 1], PROBABILITIES).table(IDS)
    assert truth.to_dict("list") == {"id": IDS, "label": ["cat", "hen", "hen", "dog"]}
    assert list(said) == ["id", "label", *NAMES]
    assert said["label"].tolist() == truth["label"].tolist()
    assert set(said[list(NAMES)].dtypes) == {np.dtype(np.float32)}
    np.testing.assert_array_equal(said[list(NAMES)].to_numpy(), PROBABILITIES)


def test_tables_of_tags() -> None:
    values = [[1, 0, 1], [0, 0, 0], [1, 0, 1], [0, 1, 0]]
    truth, said = Tags(NAMES, values).table(IDS), Tags(NAMES, values, PROBABILITIES).table(IDS)
    assert truth.to_dict("list") == {"id": IDS, "cat": [1, 0, 1, 0], "dog": [0, 0, 0, 1], "hen": [1, 0, 1, 0]}
    assert said["label"].tolist() == ["cat|hen", "", "cat|hen", "dog"]
    assert list(said) == ["id", "label", *NAMES]
    np.testing.assert_array_equal(said[list(NAMES)].to_numpy(), PROBABILITIES)


def test_counts_and_strata() -> None:
    assert Labels(NAMES, [0, 2, 2]).counts().tolist() == [1, 0, 2]
    assert Labels(NAMES, [0, 2, 2]).strata().tolist() == [0, 2, 2]
    several = Tags(NAMES, [[1, 0, 1], [0, 0, 0], [1, 0, 1], [0, 1, 0]])
    assert several.counts().tolist() == [2, 1, 2]
    assert several.strata().tolist() == [2, 0, 2, 1]  # rows in order: 000, 010, 101
    assert Tags((), np.zeros((2, 0))).strata().tolist() == [0, 0]


def test_labels_or_tags() -> None:
    assert isinstance(labels_or_tags(NAMES, [0, 1]), Labels)
    assert isinstance(labels_or_tags(NAMES, [[0, 1, 1]]), Tags)
