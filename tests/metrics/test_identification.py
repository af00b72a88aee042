"""Identification against its definition, one picture at a time."""

from __future__ import annotations

import numpy as np
import pytest

from cnnkit import metrics
from cnnkit.errors import DataError

RANDOM = np.random.default_rng(6)
GALLERY = np.array([0, 1, 2, 3, 1])
PEOPLE = RANDOM.integers(0, 7, 50)  # 4, 5 and 6 are strangers
SIMILAR = RANDOM.normal(size=(50, 5)) + 2 * (PEOPLE[:, None] == GALLERY)
KNOWN = PEOPLE < 4


def named(row: np.ndarray) -> int:
    return int(GALLERY[row.argmax()])


def test_rank1_is_how_often_the_most_similar_is_the_right_one() -> None:
    right = [named(row) == person for row, person in zip(SIMILAR[KNOWN], PEOPLE[KNOWN], strict=True)]
    assert metrics.rank1(SIMILAR[KNOWN], PEOPLE[KNOWN], GALLERY) == pytest.approx(np.mean(right))


def test_names_may_be_texts() -> None:
    names = np.array(["ann", "bob", "cid", "dan"])
    as_text = metrics.rank1(SIMILAR[KNOWN], names[PEOPLE[KNOWN]], names[GALLERY])
    assert as_text == metrics.rank1(SIMILAR[KNOWN], PEOPLE[KNOWN], GALLERY)


def test_a_tie_is_wrong() -> None:
    assert metrics.rank1(np.ones((2, 2)), [0, 1], [0, 1]) == 0


@pytest.mark.parametrize("far", [0, 0.02, 0.1, 0.5])
def test_detection_is_the_best_of_all_thresholds_that_keep_strangers_out(far: float) -> None:
    best = 0.0
    for threshold in np.unique(SIMILAR.max(axis=1)):
        false = np.mean([row.max() >= threshold for row in SIMILAR[~KNOWN]])
        right = [row.max() >= threshold and named(row) == person for row, person in zip(SIMILAR, PEOPLE, strict=True)]
        if false <= far:
            best = max(best, float(np.mean(np.array(right)[KNOWN])))
    assert metrics.detection_identification_rate(SIMILAR, PEOPLE, GALLERY, far=far) == pytest.approx(best)


def test_known_people_just_above_the_strangers_who_are_refused_are_found() -> None:
    """One of ten strangers may be accepted, so that whoever is more similar than the other nine is."""
    strangers, known = [0.95, *[0.5] * 9], [0.9, 0.7, 0.6, 0.55]
    similar = [[value, 0.0] for value in strangers + known]
    people = [2] * len(strangers) + [0] * len(known)
    assert metrics.detection_identification_rate(similar, people, [0, 1], far=0.1) == 1
    assert metrics.detection_identification_rate(similar, people, [0, 1], far=0) == 0


def test_someone_who_is_not_in_the_gallery_has_no_rank() -> None:
    with pytest.raises(DataError, match="who is not"):
        metrics.rank1(SIMILAR, PEOPLE, GALLERY)


def test_detection_needs_strangers() -> None:
    with pytest.raises(DataError, match="strangers"):
        metrics.detection_identification_rate(SIMILAR[KNOWN], PEOPLE[KNOWN], GALLERY)


def test_names_are_all_texts_or_all_numbers() -> None:
    with pytest.raises(DataError, match="named alike"):
        metrics.rank1([[0.1]], ["ann"], [0])


def test_similarities_are_finite() -> None:
    with pytest.raises(DataError, match="finite"):
        metrics.rank1([[np.nan]], [0], [0])
