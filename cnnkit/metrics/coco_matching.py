"""COCO's matching of predictions and truth: each takes, in the order of scores, the best that is still free.

All groups (a category of a picture), thresholds and ranges of area are matched in lockstep: the first prediction of
each group, then the second of each, and so on. That is what makes it fast in NumPy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnkit.metrics.coco_things import Integers, Numbers, Overlap, Things

# How many pairs are compared at once.
CHUNK = 1 << 20


@dataclass(frozen=True, eq=False)
class Matches:
    """What became of predictions, in the order of category, picture and falling score.

    Attributes:
        rows: (n,) which prediction each is; those beyond the most per picture and category are left out.
        ranks: (n,) its place in its group.
        right: (ranges, thresholds, n) whether it matched a thing that counts.
        counted: (ranges, thresholds, n) whether it counts at all.
        positives: (ranges, categories) how many things count.
    """

    rows: Integers
    ranks: Integers
    right: NDArray[np.bool_]
    counted: NDArray[np.bool_]
    positives: Integers


def matched(
    truth: Things,
    said: Things,
    *,
    categories: int,
    overlap: Overlap,
    thresholds: Numbers,
    ranges: Numbers,
    most: int,
) -> Matches:
    """Matches predictions with truth.

    Args:
        truth: The truth.
        said: The predictions.
        categories: How many there are.
        overlap: Of pairs.
        thresholds: (t,) of the overlap.
        ranges: (a, 2) of areas in pixels; a thing outside is ignored.
        most: Predictions per picture and category.
    """
    rows, ranks = _best_first(said, most)
    ignored = truth.ignored | (truth.areas < ranges[:, :1]) | (truth.areas > ranges[:, 1:])  # (a, m)
    outside = (said.areas[rows] < ranges[:, :1]) | (said.areas[rows] > ranges[:, 1:])  # (a, n)
    positives = np.stack([np.bincount(truth.categories[~one], minlength=categories) for one in ignored])
    limits = np.minimum(thresholds, 1 - 1e-10)
    shape = (len(ranges), len(thresholds), len(rows))
    taken, right = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
    free = np.ones((len(ranges), len(thresholds), len(truth.areas)), np.bool_)
    one, two, overlaps = _near(truth, said, rows, overlap, float(limits.min()))
    for pairs in _lockstep(one, truth, two):
        places, columns = one[pairs], two[pairs]
        firsts = np.flatnonzero(np.diff(places, prepend=-1))
        owners = places[firsts]
        for index, passed_over in enumerate(ignored):
            # Things that count come before ignored ones, then the larger overlap, then the later in order: from
            # that order the last one that is free wins.
            order = np.lexsort((np.arange(len(pairs)), overlaps[pairs], ~passed_over[columns], places))
            fits = free[index][:, columns[order]] | truth.crowd[columns[order]]
            fits &= overlaps[pairs][order] >= limits[:, None]
            best = np.maximum.reduceat(np.where(fits, np.arange(len(pairs)), -1), firsts, axis=1)  # (t, owners)
            which, place = np.nonzero(best >= 0)
            chosen = columns[order][best[which, place]]
            free[index, which, chosen] = False
            taken[index, which, owners[place]] = True
            right[index, which, owners[place]] = ~passed_over[chosen]
    counted = right | (~taken & ~outside[:, None])
    return Matches(rows, ranks, right, counted, positives)


def _best_first(said: Things, most: int) -> tuple[Integers, Integers]:
    """Predictions by category, picture and falling score, those beyond the most left out; and their ranks."""
    rows = np.lexsort((-said.scores, said.pictures, said.categories))
    group = np.stack([said.categories[rows], said.pictures[rows]])
    firsts = np.flatnonzero((np.diff(group, prepend=-1) != 0).any(axis=0))
    ranks = np.arange(len(rows)) - np.repeat(firsts, np.diff([*firsts.tolist(), len(rows)]))
    within = ranks < most
    return rows[within], ranks[within]


def _near(
    truth: Things, said: Things, rows: Integers, overlap: Overlap, least: float
) -> tuple[Integers, Integers, Numbers]:
    """Pairs of one group that overlap by at least `least`: place of the prediction, index of the truth, overlap."""
    pictures = int(max(truth.pictures.max(initial=0), said.pictures.max(initial=0))) + 1
    keys = truth.categories * pictures + truth.pictures
    order = np.argsort(keys, kind="stable")
    wanted = said.categories[rows] * pictures + said.pictures[rows]
    starts, ends = (np.searchsorted(keys[order], wanted, side=side) for side in ("left", "right"))
    counts = ends - starts
    totals = np.cumsum(counts)
    found: list[tuple[Integers, Integers, Numbers]] = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
    for first, last in _chunks(totals):
        own = counts[first:last]
        one = np.repeat(np.arange(first, last), own)
        two = order[np.arange(len(one)) + np.repeat(starts[first:last] - np.cumsum(own) + own, own)]
        values = overlap(truth, said, rows[one], two)
        near = values >= least
        found.append((one[near], two[near], values[near]))
    one, two, values = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return one, two, values


def _chunks(totals: Integers) -> Iterator[tuple[int, int]]:
    """Ranges of rows of at most about `CHUNK` pairs, given the running number of pairs."""
    first = 0
    while first < len(totals):
        before = int(totals[first - 1]) if first else 0
        last = max(int(np.searchsorted(totals, before + CHUNK, side="right")), first + 1)
        yield first, last
        first = last


def _lockstep(one: Integers, truth: Things, two: Integers) -> Iterator[Integers]:
    """Pairs of the first prediction of each group, then of the second, and so on."""
    if not len(one):
        return
    # Predictions stand group by group: the step of each is its place among those of its group that have pairs.
    starts = np.flatnonzero(np.diff(one, prepend=-1))
    owner = two[starts]
    group = np.stack([truth.categories[owner], truth.pictures[owner]])
    firsts = np.flatnonzero((np.diff(group, prepend=-1) != 0).any(axis=0))
    step = np.arange(len(starts)) - np.repeat(firsts, np.diff([*firsts.tolist(), len(starts)]))
    step = np.repeat(step, np.diff([*starts.tolist(), len(one)]))
    order = np.argsort(step, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(step[order])) + 1)
