"""The facts of a report, before the layout: what holds for every task."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from cnnkit.data.dataset import Dataset
from cnnkit.data.source import Source
from cnnkit.data.targets.targets import Targets
from cnnkit.errors import DataError, InputError
from cnnkit.reports.report_words import counted, duration, listed, number
from cnnkit.transfer.network import Network
from cnnkit.transfer.run import Run
from cnnkit.visualize.answers import fresh_score, predicted, scored
from cnnkit.visualize.score_names import score_name

ROUNDING = 0.002
"""Largest difference between a score counted from a table and one that Keras averaged in float32."""


@dataclass(frozen=True, eq=False)
class Facts:
    """The arguments of `ck.report`, and what follows from them by the score of the head."""

    network: Network
    dataset: Dataset
    run: Run | None
    predictions: pd.DataFrame
    comparisons: dict[str, float]
    timings: dict[str, float]
    title: str
    gradcam_layer: str | None

    @cached_property
    def source(self) -> Source:
        """The held-out pictures that the report is about."""
        return held_out(self.dataset)

    @property
    def part(self) -> str:
        """`"test"` or `"validation"`."""
        return "test" if self.source is self.dataset.test else "validation"

    @cached_property
    def predicted(self) -> Targets:
        """The predictions as the kind of truth, in the order of the source."""
        return predicted(self.source, self.predictions)

    @cached_property
    def answers(self) -> pd.DataFrame:
        """One row per picture: how wrong it is; see `ck.visualize.worst`."""
        return self._scored[0]

    @property
    def results(self) -> dict[str, float]:
        """Name → value of every score of the head on these pictures."""
        return self._scored[1]

    @property
    def headline(self) -> tuple[str, float]:
        """The score that a person asks for first, and its value."""
        name, value = next(iter(self.results.items()))
        return score_name(name), value

    @property
    def trivial(self) -> dict[str, float]:
        """The best answer that does not look at the picture, and its score, where it is known."""
        return {}

    @cached_property
    def scores(self) -> dict[str, float]:
        """Method → first score, this network first, the trivial answer last."""
        name_of_score, value = self.headline
        ways = self.comparisons or {self.name: value}
        name, first = next(iter(ways.items()))
        if abs(first - value) > ROUNDING:
            raise InputError(
                f"the {name_of_score} of these predictions, {value:.4f}, as the first comparison",
                f"{first:.4f} for {name!r}",
                "Name the network of the report first, then what it is held against, all on the same pictures.",
            )
        return {**ways, **self.trivial}

    @property
    def others(self) -> dict[str, float]:
        """The methods that the network is compared with, without the trivial answer."""
        return dict(list(self.comparisons.items())[1:])

    @property
    def name(self) -> str:
        """The network in a few words."""
        trained = {"imagenet": "(ImageNet)", None: "(random weights)"}
        return f"{self.network.backbone.name} {trained.get(self.network.backbone.settings.weights, '(pre-trained)')}"

    @cached_property
    def sentences(self) -> list[str]:
        """The training and its result in a few sentences."""
        return [self._done(), self._result(), *self._against()]

    @cached_property
    def seen_before(self) -> bool | None:
        """Whether every training on record was of these training pictures; None where there is no record."""
        if self.run is None or not len(self.dataset.train):
            return None
        parts = self.dataset.train.fingerprint + self.dataset.validation.fingerprint
        own = hashlib.sha256(parts.encode()).hexdigest()
        prints = [self.run.data_fingerprint, *(fit.data_fingerprint for fit in self.run.earlier)]
        return all(fingerprint == own for fingerprint in prints)

    @cached_property
    def _scored(self) -> tuple[pd.DataFrame, dict[str, float]]:
        score = fresh_score(self.source, self.network)
        return scored(self.source, self.predicted, score), score.result()

    @property
    def _purpose(self) -> str:
        """What the head does, to begin a sentence with."""
        names = list(self.network.classes)  # pictures as truth have none
        return f"A new head for {self.source.kind}" + (f" of {listed(names, limit=6)}" if names else "")

    def _done(self) -> str:
        head = f"{self._purpose} was"
        if self.run is None:
            return f"{head} put on {self.name}, cut at {self.network.cut}; how it was trained is not recorded."
        phases = self.run.plan.phases
        names = listed([f"“{phase.name}”" for phase in phases])
        return (
            f"{head} put on {self.name}, cut at {self.network.cut}, and trained on {len(self.dataset.train):,} "
            f"pictures in {counted(len(phases), 'phase')} ({names}): {counted(len(self.run.history), 'epoch')}, "
            f"{duration(self.run.seconds)}."
        )

    def _told(self) -> str:
        new = "that it did not train on " if self.seen_before else ""  # only the record can tell
        return f"On {len(self.source):,} {self.part} pictures {new}"

    def _result(self) -> str:
        name, value = self.headline
        return f"{self._told()}its {name} is {number(value)}."

    def _against(self) -> list[str]:
        if not self.others:
            return []
        return [f"In comparison, {self._first_other()}."]

    def _first_other(self) -> str:
        name, score = next(iter(self.others.items()))
        points = 100 * (self.headline[1] - score)
        return f"“{name}” reaches {100 * score:.1f} %, {abs(points):.1f} points {'less' if points >= 0 else 'more'}"


def held_out(dataset: Dataset) -> Source:
    """The test pictures, or those of validation where there are none.

    Raises:
        DataError: There are neither, or nothing is known of them.
    """
    for part in (dataset.test, dataset.validation):
        if len(part) and part.targets is not None:
            return part
    raise DataError(
        "test or validation pictures with labels",
        "a dataset with neither",
        "Split some off: a result on training pictures is none.",
    )
