"""What two validations of a phase are compared by, and when one is better than the other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from cnnkit.transfer.plan import Phase

# Ends of the names of scores that are to be lowered; all others are to be raised.
LOWERED = ("loss", "error", "error_rate")


def standing_of(phase: Phase, row: Mapping[str, Any]) -> list[float] | None:
    """What a phase monitors of a row of the history, then the loss, the lower the better; None without validation."""
    if "val_loss" not in row:
        return None
    if phase.monitor == "loss":
        return [row["val_loss"]]
    value = row[f"val_{phase.monitor}"]
    return [value if phase.monitor.endswith(LOWERED) else -value, row["val_loss"]]


def is_better(phase: Phase, standing: list[float], best: list[float] | None, *, pictures: int) -> bool:
    """Whether a validation is better than the best one before it, of which None is beaten by any.

    An accuracy p that has to be earned is better where it is higher by more than its standard error √(p (1 − p) / n):
    what is simpler stays unless there is more than chance for what is not (the one-standard-error rule of Breiman et
    al. 1984, "Classification and Regression Trees", section 3.4.3). Where the phase may revert, it is better unless it
    is lower by more than that.

    Args:
        phase: Says what is monitored, and on which side the burden of proof is.
        standing: From `standing_of`.
        best: The same of the best validation.
        pictures: n, of validation.
    """
    if best is None:
        return True
    if not phase.judged_at_end or phase.monitor != "accuracy":
        return standing <= best if phase.revert else standing < best
    accuracy, gain = -best[0], best[0] - standing[0]
    error = math.sqrt(accuracy * (1 - accuracy) / pictures)
    return gain >= -error if phase.revert else gain > error
