"""Pairs of boxes that overlap by more than a threshold, found without comparing each with each.

Boxes lie on shelves as high as the mean box; on a shelf they stand in the order of their left sides. A box can only
overlap those of its shelves that begin before its right side: of 10,000 boxes of 55 pixels in a picture of 1,000² these
are 1 % of all pairs.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Integers = NDArray[np.int64]

# How many pairs are compared at once: their coordinates stay in the processor's cache.
CHUNK = 1 << 17
# Part of a shelf's width by which rounding may shift a place on it.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Shelves:
    """Boxes in order of shelf and left side; one that is higher than a shelf lies on several.

    Attributes:
        owners: (m,) the index of the box at each place.
        following: (m,) how many places behind it may overlap it.
    """

    owners: Integers
    following: Integers

    @property
    def pairs(self) -> int:
        """How many pairs have to be compared."""
        return int(self.following.sum())


def shelved(corners: Numbers, groups: Integers, threshold: float) -> Shelves:
    """Puts boxes on shelves.

    Args:
        corners: (4, n) x1, y1, x2, y2; n ≥ 1.
        groups: (n,) from 0; boxes of different groups do not share a shelf.
        threshold: Of the IoU, 0…1.
    """
    x1, y1, x2, y2 = corners
    mean_height = float((y2 - y1).mean()) or 1.0
    first, last = (((side - y1.min()) // mean_height).astype(np.int64) for side in (y1, y2))
    counts = last - first + 1
    owners = np.repeat(np.arange(len(x1)), counts)
    shelf = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts - first, counts)
    shelf += groups[owners] * (int(last.max()) + 1)
    # All shelves in one row, each as long as the picture is wide.
    length = float(x2.max() - x1.min()) * (1 + ROUNDING) or 1.0
    places = shelf * length + (x1 - x1.min())[owners]
    order = np.argsort(places, kind="stable")
    owners, places = owners[order], places[order]
    # Boxes of IoU > t share more than t of the width of the left one.
    reach = (1 - threshold) * (x2 - x1)[owners] + length * ROUNDING
    ends = np.searchsorted(places, places + reach, side="right")
    return Shelves(owners, ends - np.arange(len(owners)) - 1)


def conflicts(corners: Numbers, groups: Integers, threshold: float, shelves: Shelves) -> Integers:
    """The pairs of one group whose IoU is above a threshold.

    Args:
        corners: As of `shelved`.
        groups: As of `shelved`.
        threshold: As of `shelved`.
        shelves: What that gave.

    Returns:
        (2, k) indices; a pair may stand there several times.
    """
    owners, following = shelves.owners, shelves.following
    x1, y1, x2, y2 = corners[:, owners]
    height, area = y2 - y1, (x2 - x1) * (y2 - y1)
    totals = np.cumsum(following)
    cuts = np.searchsorted(totals, np.arange(0, shelves.pairs, CHUNK), side="right")
    edges = np.unique([*cuts.tolist(), len(owners)])
    pairs = [np.zeros((2, 0), np.int64)]
    for start, stop in itertools.pairwise(edges.tolist()):
        counts = following[start:stop]
        one = np.repeat(np.arange(start, stop), counts)
        two = np.arange(len(one)) + np.repeat(np.arange(start + 1, stop + 1) - np.cumsum(counts) + counts, counts)
        shared_height = np.minimum(y2[one], y2[two]) - np.maximum(y1[one], y1[two])
        near = np.flatnonzero(shared_height > threshold * height[one])
        one, two = one[near], two[near]
        # Negative for the last ones of a shelf and the first ones of the next.
        shared = shared_height[near] * (np.minimum(x2[one], x2[two]) - np.maximum(x1[one], x1[two]))
        above = shared > threshold * (area[one] + area[two] - shared)
        pairs.append(owners[np.stack([one[above], two[above]])])
    one, two = np.concatenate(pairs, axis=1)
    # As wide as all shelves, a box may be found beside itself on the next one.
    apart = (groups[one] == groups[two]) & (one != two)
    return np.stack([one[apart], two[apart]])
