"""Scores that are too good to be believed unseen: flags for a person, never a verdict.

Labels of public pictures can be looked up, see `disguise`: then nearly all answers are right. What is far better is
told from the others' scores on the scale of log-odds, where halving the errors counts the same everywhere: beyond the
outer fence of Tukey (Exploratory Data Analysis, 1977), three spreads of the middle half above its upper end, and no
closer than a sixth of the errors there: who tunes a larger network halves or thirds them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from statistics import quantiles

from cnnkit.course.grading.score import Score

FENCE, CLOSEST = 3.0, math.log(6)
LEAST_OTHERS = 8
"""Scores of a class without which nothing is far from the others."""


def implausible(scores: Mapping[str, Score]) -> Iterator[tuple[str, str]]:
    """Students whose score a person should look at, and why.

    Args:
        scores: Of everybody who was scored.
    """
    odds = {student: _log_odds(score) for student, score in scores.items()}
    fence = math.inf
    if len(odds) > LEAST_OTHERS:
        lower, _, upper = quantiles(odds.values(), n=4)
        fence = upper + max(FENCE * (upper - lower), CLOSEST)
    for student, score in scores.items():
        if score.correct == score.rows:
            yield student, f"all {score.rows:,} answers are right: do the labels stand anywhere?"
        elif odds[student] > fence and score.interval[0] > _accuracy(fence):
            usual = f"a class whose best quarter begins at {_accuracy(upper):.1%}"
            yield student, f"{score.accuracy:.2%} of the answers are right, far above {usual}: an implausible score"


def _log_odds(score: Score) -> float:
    return math.log((score.correct + 0.5) / (score.rows - score.correct + 0.5))


def _accuracy(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))
