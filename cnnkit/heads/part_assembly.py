"""From joints of many people to people: peaks of heatmaps, how well fields join them, and who is paired with whom.

Cao, Simon, Wei and Sheikh, "Realtime Multi-Person 2D Pose Estimation using Part Affinity Fields", CVPR 2017
(arXiv:1611.08050), sections 2.3 and 2.4. Places are counted in cells: the middle of the upper left one is (.5, .5).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

Assembly = Literal["greedy", "hungarian"]
Floats = NDArray[np.float64]
Pairs = list[tuple[int, int]]

# Places between two joints at which a field is looked at, and the part of them that has to agree at least (the authors'
# code: 10 places, .8 of them above .05).
SAMPLES, AGREEING, AGREES = 10, 0.8, 0.05


@dataclass
class Person:
    """Joints that belong together.

    Attributes:
        joints: Point → the index of its peak.
        score: The sum of the scores of its bones.
    """

    joints: dict[int, int] = field(default_factory=dict)
    score: float = 0.0


def peaks(heat: Floats, least: float, most: int) -> tuple[Floats, Floats]:
    """(m, 2) the highest peaks of a map (h, w), a quarter of a cell towards larger neighbours; (m,) their heights."""
    highest = ndimage.maximum_filter(heat, size=3, mode="constant")
    rows, columns = np.nonzero((heat == highest) & (heat >= least))
    order = np.argsort(-heat[rows, columns], kind="stable")[:most]
    rows, columns = rows[order], columns[order]
    padded = np.pad(heat, 1, mode="reflect")  # at a border the neighbour inside stands on both sides
    across = np.sign(padded[rows + 1, columns + 2] - padded[rows + 1, columns])
    down = np.sign(padded[rows + 2, columns + 1] - padded[rows, columns + 1])
    return np.stack([columns + 0.5 + across / 4, rows + 0.5 + down / 4], axis=1), heat[rows, columns]


def bone_scores(fields: Floats, starts: Floats, ends: Floats) -> Floats:
    """How well a field (h, w, 2) leads from each start (a, 2) to each end (b, 2): (a, b), 0 where it does not.

    Equation 10: the mean over places between both of the field's part in the direction from one to the other.
    """
    away = ends[None] - starts[:, None]
    lengths = np.linalg.norm(away, axis=2)
    direction = away / np.maximum(lengths, 1e-9)[..., None]
    shares = np.linspace(0, 1, SAMPLES)[:, None, None, None]
    places = np.floor(starts[None, :, None] + shares * away[None]).astype(int)
    columns, rows = (np.clip(places[..., axis], 0, fields.shape[1 - axis] - 1) for axis in (0, 1))
    along = (fields[rows, columns] * direction).sum(axis=-1)  # (samples, a, b)
    agrees = (along > AGREES).mean(axis=0) >= AGREEING
    return np.asarray(np.where(agrees & (lengths > 0), np.maximum(along.mean(axis=0), 0), 0))


def greedy(scores: Floats) -> Pairs:
    """Pairs of rows and columns, the best one first, then the best of those that are left."""
    left, pairs = scores.copy(), []
    while left.size and left.max() > 0:
        row, column = np.unravel_index(left.argmax(), left.shape)
        pairs.append((int(row), int(column)))
        left[row], left[:, column] = 0, 0
    return pairs


def hungarian(scores: Floats) -> Pairs:
    """The pairs with the largest sum of scores (Kuhn 1955)."""
    rows, columns = linear_sum_assignment(scores, maximize=True)
    return [
        (row, column) for row, column in zip(rows.tolist(), columns.tolist(), strict=True) if scores[row, column] > 0
    ]


ASSEMBLIES: dict[Assembly, Callable[[Floats], Pairs]] = {"greedy": greedy, "hungarian": hungarian}


def assembled(bones: Sequence[tuple[int, int]], pairs: Sequence[Pairs], scores: Sequence[Floats]) -> list[Person]:
    """People, from the pairs of each bone: two that share a joint are one, unless both have a joint of their own."""
    people: list[Person] = []
    for (one, other), matched, values in zip(bones, pairs, scores, strict=True):
        for start, end in matched:
            owners = [person for person in people if (one, start) in person.joints.items()]
            owners += [person for person in people if (other, end) in person.joints.items() and person not in owners]
            new = Person({one: start, other: end}, float(values[start, end]))
            parts = [*owners, new]
            if _fit(parts):
                joined = Person(
                    {joint: peak for part in parts for joint, peak in part.joints.items()},
                    sum(part.score for part in parts),
                )
                people = [person for person in people if not any(person is owner for owner in owners)] + [joined]
    return people


def _fit(parts: Sequence[Person]) -> bool:
    """Whether no joint of several parts is at two peaks."""
    together: dict[int, int] = {}
    return all(together.setdefault(joint, peak) == peak for part in parts for joint, peak in part.joints.items())
