"""Panoptic quality against its definition, segment by segment, and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from cnnkit.errors import DataError, UnknownNameError
from cnnkit.metrics import panoptic_quality

NAMES, THINGS = ("sky", "road", "car", "person"), ("car", "person")
Picture = NDArray[np.int64]


def picture(rng: np.random.Generator, of: Picture | None = None) -> Picture:
    """Blocks of classes and instances, some of them void; of another picture a wrong copy."""
    classes = rng.choice([0, 1, 2, 3, 255], (6, 8), p=[0.2, 0.2, 0.3, 0.2, 0.1]).repeat(3, 0).repeat(3, 1)
    fresh = np.stack([classes, rng.integers(0, 3, (6, 8)).repeat(3, 0).repeat(3, 1)], axis=-1)
    return fresh if of is None else np.where(rng.random((6, 8, 1)).repeat(3, 0).repeat(3, 1) < 0.3, fresh, of)


def segments(maps: Picture) -> dict[tuple[int, int], set[tuple[int, int]]]:
    """(class, instance) → its pixels; stuff has the instance 0."""
    found: dict[tuple[int, int], set[tuple[int, int]]] = {}
    for place in np.ndindex(maps.shape[:2]):
        number, instance = maps[place].tolist()
        if number != 255:
            found.setdefault((number, instance if NAMES[number] in THINGS else 0), set()).add(place)
    return found


def slow(pairs: list[tuple[Picture, Picture]]) -> dict[str, tuple[float, float]]:
    """Class → segmentation and recognition quality, as the paper's section 4 says it."""
    table = {}
    for number, name in enumerate(NAMES):
        overlaps, wrong, missed = [], 0, 0
        for true, said in pairs:
            void = {place for place in np.ndindex(true.shape[:2]) if true[place][0] == 255}
            ours = [pixels for (of, _), pixels in segments(true).items() if of == number]
            theirs = [pixels for (of, _), pixels in segments(said).items() if of == number]
            matched = set()
            for one in ours:
                ious = [len(one & other) / len(one | (other - void)) for other in theirs]
                best = [place for place, iou in enumerate(ious) if iou > 0.5]
                overlaps += [ious[place] for place in best]
                matched |= set(best)
                missed += not best
            wrong += sum(
                place not in matched and len(other & void) <= len(other) / 2 for place, other in enumerate(theirs)
            )
        if overlaps or wrong or missed:
            recognition = len(overlaps) / (len(overlaps) + wrong / 2 + missed / 2)
            table[name] = sum(overlaps) / max(len(overlaps), 1), recognition
    return table


@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_papers_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    true = [picture(rng) for _ in range(5)]
    said = [picture(rng, of=maps) for maps in true]
    found = panoptic_quality(true, said, NAMES, things=THINGS)
    expected = slow(list(zip(true, said, strict=True)))
    for name, (segmentation, recognition) in expected.items():
        assert found[f"pq/{name}"] == pytest.approx(segmentation * recognition)
    for key, place in {"sq": 0, "rq": 1}.items():
        assert found[key] == pytest.approx(np.mean([both[place] for both in expected.values()]))
    for key, names in {"pq": NAMES, "pq_things": THINGS, "pq_stuff": ("sky", "road")}.items():
        assert found[key] == pytest.approx(np.mean([math.prod(expected[name]) for name in names if name in expected]))


def test_numbers_of_instances_and_of_stuff_do_not_matter() -> None:
    truth = np.array([[[0, 0], [0, 7], [2, 1], [2, 2], [3, 0]]])
    said = np.array([[[0, 3], [0, -1], [2, 9], [2, 4], [3, 5]]])
    assert panoptic_quality([truth], [said], NAMES, things=THINGS)["pq"] == 1.0


def test_two_cars_as_one_are_one_wrong_and_two_missed() -> None:
    truth, said = np.array([[[2, 1], [2, 2]]]), np.array([[[2, 1], [2, 1]]])
    found = panoptic_quality([truth], [said], NAMES, things=THINGS)
    assert found["pq/car"] == found["rq"] == 0
    assert math.isnan(found["pq_stuff"])
    assert "pq/sky" not in found


def test_what_lies_on_void_does_not_count() -> None:
    truth, said = np.array([[[255, 0], [255, 0], [0, 0]]]), np.array([[[2, 1], [0, 0], [0, 0]]])
    found = panoptic_quality([truth], [said], NAMES, things=THINGS)
    assert found["pq"] == 1.0
    assert "pq/car" not in found


def test_bad_maps_are_refused() -> None:
    fine = np.zeros((2, 2, 2), np.int64)
    for bad, words in {
        "2 classes": (np.zeros((2, 2)), "h, w, 2"),
        "floats": (fine * 0.5, "whole numbers"),
        "no class": (fine + np.array([4, 0]), "0 to 3"),
        "an instance below 0": (fine + np.array([2, -1]), r"from 0.*\[-1\]"),
        "an instance too large": (fine + np.array([2, 2**32]), r"below 4294967296.*\[4294967296\]"),
        "another size": (np.zeros((3, 2, 2), np.int64), "one shape"),
    }.values():
        with pytest.raises(DataError, match=words):
            panoptic_quality([fine], [bad], NAMES, things=THINGS)
    with pytest.raises(DataError, match="as many"):
        panoptic_quality([fine], [], NAMES, things=THINGS)
    with pytest.raises(UnknownNameError, match="car"):
        panoptic_quality([fine], [fine], NAMES, things=["cart"])
