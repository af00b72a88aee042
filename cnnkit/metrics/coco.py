"""COCO's evaluation of boxes, masks and points: its twelve numbers (ten of points), exactly as pycocotools gives them.

Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014 (arXiv:1405.0312), and https://cocodataset.org.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cnnkit.arguments import Argument, check_arguments
from cnnkit.errors import InputError, unknown_name
from cnnkit.metrics.coco_matching import Matches, matched
from cnnkit.metrics.coco_things import Integers, Kind, Numbers, Things, of_one_category, overlap_of
from cnnkit.metrics.coco_truth import BoxColumn, things_of

# Of the overlap, and of recall: those of pycocotools' `Params`, to the last bit.
THRESHOLDS = np.linspace(0.5, 0.95, int(np.round((0.95 - 0.5) / 0.05)) + 1, endpoint=True)
RECALLS = np.linspace(0.0, 1.00, int(np.round((1.00 - 0.0) / 0.01)) + 1, endpoint=True)
RANGES = {"all": (0, 1e5**2), "small": (0, 32**2), "medium": (32**2, 96**2), "large": (96**2, 1e5**2)}


@dataclass(frozen=True)
class Rule:
    """What is counted of a kind.

    Attributes:
        ranges: Names of ranges of area.
        most: Predictions per picture and category that count, the last one everywhere but in AR.
        recalls: Name of an AR → (threshold or None for their mean, range of area, place in `most`).
    """

    ranges: tuple[str, ...]
    most: tuple[int, ...]
    recalls: Mapping[str, tuple[float | None, str, int]]

    def precisions(self) -> dict[str, tuple[float | None, str]]:
        """Name of an AP → (threshold or None for their mean, range of area)."""
        sizes = {f"AP_{name}": (None, name) for name in self.ranges[1:]}
        return {"AP": (None, "all"), "AP50": (0.5, "all"), "AP75": (0.75, "all"), **sizes}


FORMS = Rule(
    tuple(RANGES),
    (1, 10, 100),
    {
        **{f"AR{most}": (None, "all", place) for place, most in enumerate((1, 10, 100))},
        **{f"AR_{size}": (None, size, 2) for size in ("small", "medium", "large")},
    },
)
POINTS = Rule(
    ("all", "medium", "large"),
    (20,),
    {
        "AR": (None, "all", 0),
        "AR50": (0.5, "all", 0),
        "AR75": (0.75, "all", 0),
        "AR_medium": (None, "medium", 0),
        "AR_large": (None, "large", 0),
    },
)
RULES: dict[Kind, Rule] = {"boxes": FORMS, "masks": FORMS, "points": POINTS}


@dataclass(frozen=True, eq=False)
class CocoResult:
    """What COCO's evaluation found.

    Attributes:
        names: Of the categories.
        kind: `"boxes"`, `"masks"` or `"points"`.
        precision: (10 thresholds, 101 recalls, categories, ranges of area), the best precision at each recall or
            beyond; −1 where a category has no thing in a range.
        recall: (10 thresholds, categories, ranges of area, limits of predictions per picture), −1 as in `precision`.
    """

    names: tuple[str, ...]
    kind: Kind
    precision: Numbers
    recall: Numbers

    @property
    def numbers(self) -> dict[str, float]:
        """COCO's numbers by name: `AP`, `AP50`, `AP75`, `AP_small` … `AR_large`; −1 where nothing counts."""
        rule = RULES[self.kind]
        numbers = {}
        for name, (threshold, size) in rule.precisions().items():
            numbers[name] = _mean(self.precision[_at(threshold), :, :, rule.ranges.index(size)])
        for name, (threshold, size, most) in rule.recalls.items():
            numbers[name] = _mean(self.recall[_at(threshold)][:, :, rule.ranges.index(size), most])
        return numbers

    def of_category(self, name: str) -> dict[str, float]:
        """`AP`, `AP50` and `AP75` of one category; −1 where it has no thing.

        Raises:
            UnknownNameError: There is no such category.
        """
        if name not in self.names:
            raise unknown_name("a category", name, self.names)
        own = self.precision[:, :, [self.names.index(name)], 0]
        return {key: _mean(own[_at(threshold)]) for key, threshold in (("AP", None), ("AP50", 0.5), ("AP75", 0.75))}


def coco(
    truth: BoxColumn | Mapping[str, Any],
    predictions: BoxColumn | Sequence[Mapping[str, Any]],
    *,
    kind: Kind = "boxes",
    class_agnostic: bool = False,
    sigmas: ArrayLike | None = None,
) -> CocoResult:
    """Evaluates predictions as COCO does: all of them, however low their scores are.

    Drop no prediction by its score before: a threshold of .5 turned a published AP of .505 into .255.

    Args:
        truth: `Boxes`, or the content of an annotations file: a mapping with `images`, `categories` and
            `annotations`.
        predictions: `Boxes` with scores for the same pictures, or the content of a results file: mappings with
            `image_id`, `category_id`, `score` and `bbox`, `segmentation` (run lengths) or `keypoints` (those
            of COCO's person; `Boxes` may have any points).
        kind: What overlaps: `"boxes"` and `"masks"` by IoU, `"points"` by object keypoint similarity.
        class_agnostic: Whether only places count: all is of one category, `"any"`, as with pycocotools' `useCats = 0`.
            It tells a detector that mixes classes up from one that does not find things.
        sigmas: (k,) of points, as of `ck.metrics.oks`: None takes COCO's for its 17, and their mean for any others.

    Returns:
        `.numbers` has the twelve numbers (ten of points).

    Raises:
        DataError: Truth and predictions of different forms, for different pictures or categories, or with a field
            that is missing or wrong, or sigmas that are not one number above 0 per point.
        InputError: Another kind, or sigmas of another kind than points.

    >>> truth = {"images": [{"id": 7}], "categories": [{"id": 1, "name": "cat"}], "annotations": [
    ...     {"id": 1, "image_id": 7, "category_id": 1, "bbox": [0, 0, 10, 10], "area": 100}]}
    >>> found = [{"image_id": 7, "category_id": 1, "bbox": [0, 0, 10, 8], "score": 0.3}]
    >>> round(coco(truth, found).numbers["AP"], 3)  # an IoU of .8 passes seven of ten thresholds
    0.7
    """
    check_arguments(
        [
            Argument(
                "kind",
                lambda value: isinstance(value, str) and value in RULES,
                f"kind: one of {list(RULES)}",
                "'boxes' is the default.",
            ),
            Argument(
                "class_agnostic",
                lambda value: isinstance(value, bool),
                "class_agnostic as True or False",
                "False is COCO's rule.",
            ),
        ],
        {"kind": kind, "class_agnostic": class_agnostic},
    )
    if sigmas is not None and kind != "points":
        raise InputError('no sigmas, or kind="points"', f"sigmas with kind={kind!r}", "Leave them out.")
    names, true, said = things_of(truth, predictions, kind)
    if class_agnostic:
        names, true, said = ("any",), of_one_category(true), of_one_category(said)
    return evaluated(names, true, said, kind, sigmas)


def evaluated(
    names: tuple[str, ...], truth: Things, said: Things, kind: Kind, sigmas: ArrayLike | None = None
) -> CocoResult:
    """The same of things."""
    rule = RULES[kind]
    ranges = np.array([RANGES[name] for name in rule.ranges], np.float64)
    matches = matched(
        truth,
        said,
        categories=len(names),
        overlap=overlap_of(kind, truth, sigmas),
        thresholds=THRESHOLDS,
        ranges=ranges,
        most=rule.most[-1],
    )
    categories = said.categories[matches.rows]
    recall = np.stack([_recall(matches, categories, most) for most in rule.most], axis=-1)
    precision = np.full((len(THRESHOLDS), len(RECALLS), len(names), len(ranges)), -1.0)
    edges = np.searchsorted(categories, np.arange(len(names) + 1))
    for category in np.flatnonzero(matches.positives.any(axis=0)).tolist():
        own = slice(int(edges[category]), int(edges[category + 1]))
        order = np.argsort(-said.scores[matches.rows[own]], kind="stable")
        for place, positives in enumerate(matches.positives[:, category].tolist()):
            if positives:
                flags = matches.right[place][:, own][:, order], matches.counted[place][:, own][:, order]
                precision[:, :, category, place] = _precision(*flags, positives)
    return CocoResult(names, kind, precision, recall)


def _precision(right: Any, counted: Any, positives: int) -> Numbers:
    """(thresholds, recalls) of (thresholds, n) flags of the predictions of a category, the best one first."""
    table = np.zeros((len(right), len(RECALLS)))
    # How many have to be right for each recall; the same quotients as those that pycocotools searches in.
    needed = np.maximum(np.searchsorted(np.arange(positives + 1) / positives, RECALLS, side="left"), 1)
    for row, (hits, all_counted) in enumerate(zip(right, counted, strict=True)):
        places = np.flatnonzero(hits)
        # Precision is highest at predictions that are right; each recall takes the highest one from there on.
        number = np.arange(1, len(places) + 1, dtype=np.float64)
        said = np.cumsum(all_counted)[places]
        best = np.maximum.accumulate((number / (said + np.spacing(1)))[::-1])[::-1]
        reached = needed <= len(places)
        table[row, reached] = best[needed[reached] - 1]
    return table


def _recall(matches: Matches, categories: Integers, most: int) -> Numbers:
    """(thresholds, categories, ranges) of the first `most` predictions of each picture and category."""
    within = matches.ranks < most
    positives = matches.positives.T  # (categories, ranges)
    count = len(positives)
    table = np.full((matches.right.shape[1], *positives.shape), -1.0)
    for area, threshold in np.ndindex(*matches.right.shape[:2]):
        hits = np.bincount(categories[within & matches.right[area, threshold]], minlength=count)
        known = positives[:, area] > 0
        table[threshold, known, area] = hits[known] / positives[known, area]
    return table


def _at(threshold: float | None) -> Integers:
    """The places of a threshold, or of all."""
    return np.arange(len(THRESHOLDS)) if threshold is None else np.flatnonzero(threshold == THRESHOLDS)


def _mean(values: Numbers) -> float:
    known = values[values > -1]
    return float(np.mean(known)) if len(known) else -1.0
