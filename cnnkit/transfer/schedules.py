"""The course of the learning rate over a phase: factors of the phase's rate, pure functions of the progress."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from cnnkit.transfer.plan import Phase

PLATEAU_PATIENCE = 2  # epochs
PLATEAU_FACTOR = 0.1
ONE_CYCLE_RISE = 0.3  # part of the phase in which the rate rises
ONE_CYCLE_START = 1 / 25
ONE_CYCLE_END = 1e-4


def constant(progress: float) -> float:
    """1 throughout."""
    return 1.0


def cosine(progress: float) -> float:
    """Half a cosine from 1 to 0 (Loshchilov & Hutter 2017, equation 5 without restarts)."""
    return 0.5 * (1 + math.cos(math.pi * progress))


def step(progress: float) -> float:
    """1, 0.1, 0.01: a tenth after each third."""
    return 0.1 ** min(int(3 * progress), 2)


def one_cycle(progress: float) -> float:
    """Up from 1/25 to 1 in the first 30 %, then down to 1/10,000, along cosines (Smith 2018)."""
    if progress < ONE_CYCLE_RISE:
        return _between(1, ONE_CYCLE_START, cosine(progress / ONE_CYCLE_RISE))
    return _between(ONE_CYCLE_END, 1, cosine((progress - ONE_CYCLE_RISE) / (1 - ONE_CYCLE_RISE)))


def plateau(validation_losses: Sequence[float]) -> float:
    """A tenth for each time that the validation loss has not fallen for 2 epochs."""
    factor, best, waited = 1.0, math.inf, 0
    for loss in validation_losses:
        best, waited = (loss, 0) if loss < best else (best, waited + 1)
        if waited == PLATEAU_PATIENCE:
            factor, waited = factor * PLATEAU_FACTOR, 0
    return factor


SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": constant,
    "cosine": cosine,
    "step": step,
    "one_cycle": one_cycle,
    "plateau": constant,  # `plateau` comes on top, from the losses
}


def rate_factor(phase: Phase, epochs_done: float, validation_losses: Sequence[float] = ()) -> float:
    """What the phase's rates are multiplied by at one training step.

    Args:
        phase: Its `schedule`, `warmup_epochs` and `epochs` count.
        epochs_done: Epochs of the phase before this step, with the part of the current one.
        validation_losses: Of the epochs so far, for `"plateau"`.

    >>> [round(rate_factor(Phase("p", epochs=4, schedule="cosine"), e), 3) for e in (0, 1, 2, 3)]
    [1.0, 0.854, 0.5, 0.146]
    """
    warmup = min(phase.warmup_epochs, phase.epochs)
    if epochs_done < warmup:
        return epochs_done / warmup
    length = phase.epochs - warmup
    factor = SCHEDULES[phase.schedule]((epochs_done - warmup) / length if length else 0.0)
    return factor * plateau(validation_losses) if phase.schedule == "plateau" else factor


def _between(low: float, high: float, part: float) -> float:
    return low + (high - low) * part
