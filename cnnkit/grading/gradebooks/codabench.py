"""Codabench: the `scores.json` of a scoring program, one a submission that has a score."""

from __future__ import annotations

from cnnkit.grading.score import Score


def codabench_scores(score: Score) -> dict[str, float]:
    """Its columns; `correct` is what ranks are made of, without any rounding."""
    return {"accuracy": score.accuracy, "correct": float(score.correct), "auc": score.auc, "brier": score.brier}
