"""The learning-rate range test (Smith 2017, section 3.3): the loss over a rate that grows with every step."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cnnkit.arguments import check_arguments
from cnnkit.data.any_folder import dataset_of
from cnnkit.data.dataset import Dataset
from cnnkit.engines.forward import Forward
from cnnkit.errors import InputError
from cnnkit.transfer.checkpoint import pack, unpack
from cnnkit.transfer.feed import Feed
from cnnkit.transfer.finite import require_finite_weights
from cnnkit.transfer.fit_checks import ARGUMENTS
from cnnkit.transfer.freeze import flags_kept, set_flags
from cnnkit.transfer.network import Network, check_dataset, network_of
from cnnkit.transfer.plan import Phase
from cnnkit.transfer.rates import Rates
from cnnkit.transfer.tail import halve

SMOOTHING = 0.8  # of the running mean of the loss
DIVERGED = 4.0  # times the lowest loss
LEAST_STEPS = 3  # for a slope


@dataclass(frozen=True, eq=False)
class RateCurve:
    """The result of a range test.

    Attributes:
        table: One row a step: `rate` of the head, `loss` smoothed.
        suggestion: The rate where the loss falls fastest.
    """

    table: pd.DataFrame
    suggestion: float

    def __repr__(self) -> str:
        low, high = self.table["rate"].iloc[[0, -1]]
        return f"RateCurve of {len(self.table)} steps from {low:.1e} to {high:.1e}: try rate={self.suggestion:.1e}"


def find_rate(
    network: Network,
    dataset: Dataset | str | Path,
    phase: Phase | None = None,
    *,
    lowest: float = 1e-6,
    highest: float = 1.0,
    steps: int = 60,
    batch_size: int = 32,
    seed: int = 0,
) -> RateCurve:
    """Trains a few steps at growing rates and puts everything back.

    Weights, statistics, random states, flags and the compiled state are afterwards what they were: a later `fit`
    gives the same numbers as without this call.

    Args:
        network: From `attach`.
        dataset: Its training pictures are used; a path is `ck.data.folder(path, seed=seed)`.
        phase: What would train; the head by default.
        lowest: Rate of the first step.
        highest: Rate of the last step, unless the loss diverges before.
        steps: How many rates, evenly spaced in the logarithm.
        batch_size: Pictures a step.
        seed: Of the order of the pictures.

    Raises:
        InputError: No network, or one whose weights are not finite; the rates are not positive and rising; there are
            fewer than 3 steps, or the loss diverges before.
        DataError: The dataset has no training pictures, no labels or other classes.
    """
    check_arguments(ARGUMENTS, {"batch_size": batch_size, "seed": seed})
    _check_rates(lowest, highest, steps)
    phase = Phase("find_rate") if phase is None else phase
    if not isinstance(phase, Phase) or phase.solver != "steps":
        raise InputError("a phase that trains in steps, or None", repr(phase)[:200], 'ck.Phase("head") is one.')
    network = network_of(network)
    dataset = dataset_of(dataset, seed=int(seed))
    check_dataset(network, dataset)
    model = network.model
    require_finite_weights(model)
    before = pack("before", model.variables)
    try:
        with flags_kept(model):
            set_flags(network, phase)
            halves = halve(model, network.head)
            rates = Rates(network, phase)
            halves.tail.compile(optimizer=rates.optimizer, jit_compile=False)
            feed = Feed(
                source=dataset.train,
                head=network.head,
                framing=network.framing,
                size=network.size,
                batch_size=batch_size,
                forward=Forward(halves.prefix) if halves.prefix else None,
                shuffle=True,
                seed=seed,
                weighted=True,
            )
            table = _test(halves.tail, feed, rates, np.geomspace(lowest, highest, steps) / phase.rate)
    finally:
        unpack("before", model.variables, before)
    if len(table) < LEAST_STEPS:
        raise InputError(
            "a lowest rate at which the loss stays finite for some steps",
            f"lowest={lowest}: it diverged after {len(table)}",
            f"Try lowest={lowest / 1000:g}.",
        )
    slope = np.gradient(table["loss"], np.log(table["rate"]))
    return RateCurve(table=table, suggestion=float(table["rate"].iloc[int(np.argmin(slope))]))


def _check_rates(lowest: object, highest: object, steps: object) -> None:
    rates = all(isinstance(rate, Real) and math.isfinite(rate) for rate in (lowest, highest))
    fine = rates and isinstance(steps, Integral) and 0 < lowest < highest and steps >= LEAST_STEPS  # type: ignore[operator]
    if not fine:
        raise InputError(
            f"finite numbers 0 < lowest < highest and a whole number of at least {LEAST_STEPS} steps",
            f"lowest={lowest!r}, highest={highest!r}, steps={steps!r}"[:200],
            "lowest=1e-6, highest=1, steps=60 suit most networks.",
        )


def _test(tail: keras.Model, feed: Feed, rates: Rates, factors: NDArray[np.float64]) -> pd.DataFrame:
    """One step at each factor of the phase's rates, until the smoothed loss has left its lowest far behind."""
    rows: list[tuple[float, float]] = []
    mean = lowest = math.inf
    endless = (batch for epoch in itertools.count() for batch in feed.epoch(epoch))
    for step, (factor, batch) in enumerate(zip(factors, endless, strict=False)):
        rates.scale(float(factor))
        tail.reset_metrics()
        logs = tail.train_on_batch(batch.inputs, batch.targets, sample_weight=batch.weights, return_dict=True)
        mean = logs["loss"] if step == 0 else SMOOTHING * mean + (1 - SMOOTHING) * logs["loss"]
        lowest = min(lowest, mean)
        if not math.isfinite(mean) or (step > 2 and mean > DIVERGED * lowest):
            break
        rows.append((rates.head, float(mean)))
    return pd.DataFrame(rows, columns=["rate", "loss"])
