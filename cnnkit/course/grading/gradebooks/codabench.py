"""Codabench: the `scores.json` of a scoring program, one a submission that has a score."""

from __future__ import annotations

from cnnkit.course.grading.score import Score


def codabench_scores(score: Score) -> dict[str, float]:
    """Its columns, of the public rows alone: students see them at once, and any number tells of labels."""
    return {"accuracy": score.public_correct / score.public_rows, "correct": float(score.public_correct)}
