"""The facts of a report, before the layout."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cnnkit.data.dataset import Dataset
from cnnkit.data.source import Source
from cnnkit.errors import DataError, InputError
from cnnkit.metrics.classification import wilson_interval
from cnnkit.reports.report_words import counted, duration, listed
from cnnkit.transfer.network import Network
from cnnkit.transfer.run import Run
from cnnkit.visualize import style
from cnnkit.visualize.answers import answered, captions, truth_and_answers, worst_indices
from cnnkit.visualize.tapping import deepest_maps

GRADCAM_PICTURES = 6
GRADCAM_CELLS = 5
"""Cells per side from which a heat map says something about places."""
ROUNDING = 0.002
"""Largest difference between an accuracy counted from a table and one that Keras averaged in float32."""


@dataclass(frozen=True, eq=False)
class Facts:
    """The arguments of `ck.report`, and what follows from them."""

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

    @property
    def several(self) -> bool:
        """Whether a picture may have several labels."""
        return self.source.multi_label

    @cached_property
    def answers(self) -> pd.DataFrame:
        """One row per picture: its truth, the answer and how sure it was; see `answered`."""
        return answered(self.source, self.predictions)

    @cached_property
    def flags(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.float64]]:
        """(pictures, classes) each: truth, decisions and probabilities."""
        return truth_and_answers(self.source, self.predictions)

    @cached_property
    def accuracy(self) -> float:
        """The share of held-out pictures that are right; with several labels the share of all yes/no decisions."""
        shown, decided, _ = self.flags
        return float((shown == decided).mean() if self.several else self.whole)

    @property
    def whole(self) -> float:
        """The share of held-out pictures with nothing wrong."""
        return float(self.answers["right"].mean())

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of `whole`."""
        return wilson_interval(int(self.answers["right"].sum()), len(self.source))

    @property
    def trivial(self) -> tuple[str, float]:
        """The best answer that does not look at the picture, and its accuracy."""
        learned = self.dataset.train if len(self.dataset.train) else self.source
        counts = self.source.counts()
        if self.several:
            usual = learned.counts() * 2 >= len(learned)
            return "always the more frequent answer", float((self.flags[0] == usual).mean())
        return "always the most frequent class", float(counts[learned.counts().argmax()] / counts.sum())

    @cached_property
    def scores(self) -> dict[str, float]:
        """Method → accuracy, this network first, the trivial answer last."""
        ways = self.comparisons or {self.name: self.accuracy}
        name, first = next(iter(ways.items()))
        if abs(first - self.accuracy) > ROUNDING:
            raise InputError(
                f"the accuracy of these predictions, {self.accuracy:.4f}, as the first comparison",
                f"{first:.4f} for {name!r}",
                "Name the network of the report first, then what it is held against, all on the same pictures.",
            )
        return {**ways, **dict([self.trivial])}

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
        """The training and its result in three sentences."""
        return [self._done(), self._result(), self._against()]

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
    def explained(self) -> NDArray[np.int64]:
        """Indices of the pictures for Grad-CAM: four sure right answers, class by class in turn, and two mistakes."""
        return pick_explained(self.answers, GRADCAM_PICTURES)

    @cached_property
    def targets(self) -> list[str]:
        """The class that Grad-CAM explains in each `explained` picture: the answer, or the surest of several labels."""
        _, _, probabilities = self.flags
        surest = [self.source.classes[index] for index in probabilities[self.explained].argmax(axis=1)]
        return surest if self.several else self.answers["predicted"].iloc[self.explained].tolist()

    @cached_property
    def explained_titles(self) -> list[str]:
        """One caption per `explained` picture."""
        if not self.several:
            return captions(self.answers, self.explained)
        tops = self.flags[2][self.explained].max(axis=1)
        return [
            f"{style.shortened(name, 18)}\n{style.percent(float(top))}"
            for name, top in zip(self.targets, tops, strict=True)
        ]

    @cached_property
    def layer(self) -> str | None:
        """The layer whose maps Grad-CAM reads."""
        return self.gradcam_layer or deepest_maps(self.network.model, side=GRADCAM_CELLS)

    @property
    def tinted(self) -> list[str]:
        """One colour per `explained` picture: right or wrong."""
        return [style.RIGHT if right else style.WRONG for right in self.answers["right"].iloc[self.explained]]

    def _done(self) -> str:
        classes = listed(list(self.network.classes), limit=6)
        head = f"A new head that {'finds' if self.several else 'tells'} {classes}{'' if self.several else ' apart'} was"
        if self.run is None:
            return f"{head} put on {self.name}, cut at {self.network.cut}; how it was trained is not recorded."
        phases = self.run.plan.phases
        names = listed([f"“{phase.name}”" for phase in phases])
        return (
            f"{head} put on {self.name}, cut at {self.network.cut}, and trained on {len(self.dataset.train):,} "
            f"pictures in {counted(len(phases), 'phase')} ({names}): {counted(len(self.run.history), 'epoch')}, "
            f"{duration(self.run.seconds)}."
        )

    def _result(self) -> str:
        low, high = self.interval
        sure = f"(95 % interval {100 * low:.1f} to {100 * high:.1f} %)"
        new = "that it did not train on " if self.seen_before else ""  # only the record can tell
        told = f"On {len(self.source):,} {self.part} pictures {new}"
        if self.several:
            return (
                f"{told}{100 * self.accuracy:.1f} % of its yes/no decisions are right, and all labels in "
                f"{100 * self.whole:.1f} % of the pictures {sure}."
            )
        return f"{told}it is right in {100 * self.accuracy:.1f} % {sure}."

    def _against(self) -> str:
        answer = "the more frequent answer for each label" if self.several else "the most frequent class"
        trivial = f"always answering with {answer} gives {100 * self.trivial[1]:.1f} %."
        if not self.others:
            return trivial[0].upper() + trivial[1:]
        name, score = next(iter(self.others.items()))
        points = 100 * (self.accuracy - score)
        return (
            f"In comparison, “{name}” reaches {100 * score:.1f} %, {abs(points):.1f} points "
            f"{'less' if points >= 0 else 'more'}; {trivial}"
        )


def held_out(dataset: Dataset) -> Source:
    """The test pictures, or those of validation where there are none.

    Raises:
        DataError: There are neither, or they have no labels.
    """
    for part in (dataset.test, dataset.validation):
        if len(part) and part.labels is not None:
            return part
    raise DataError(
        "test or validation pictures with labels",
        "a dataset with neither",
        "Split some off: a result on training pictures is none.",
    )


def pick_explained(answers: pd.DataFrame, count: int) -> NDArray[np.int64]:
    """Indices worth explaining: sure right answers, class by class in turn, and a third of mistakes.

    Where there are fewer right answers than two thirds, mistakes take their places.

    >>> answers = pd.DataFrame({"true": ["a", "b", "a"], "right": [True, True, False], "surprise": [-0.9, -0.8, 0.9]})
    >>> pick_explained(answers, 3).tolist()
    [0, 1, 2]
    """
    right = answers["right"].to_numpy(bool)
    mistakes = worst_indices(answers, max(count // 3, count - int(right.sum()))).tolist() if not right.all() else []
    surest = answers[right].sort_values("surprise", kind="stable")
    turn = surest.groupby("true", sort=True).cumcount()  # 0 for the surest of each class, 1 for the next …
    in_turns = surest.assign(turn=turn).sort_values(["turn", "true"], kind="stable").index.tolist()
    return np.array([*in_turns[: count - len(mistakes)], *mistakes], np.int64)
