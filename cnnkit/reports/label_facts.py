"""The facts of a report on labels or tags: accuracy, and the pictures worth explaining."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cnnkit.metrics.classification import wilson_interval
from cnnkit.reports.report_facts import Facts
from cnnkit.reports.report_words import listed
from cnnkit.visualize import style
from cnnkit.visualize.answers import answered, captions, truth_and_answers, worst_indices
from cnnkit.visualize.tapping import deepest_maps

GRADCAM_PICTURES = 6
GRADCAM_CELLS = 5
"""Cells per side from which a heat map says something about places."""


class LabelFacts(Facts):
    """What follows from the arguments of `ck.report` where a picture has one label, or several."""

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
    def headline(self) -> tuple[str, float]:
        """Accuracy."""
        return "accuracy", self.accuracy

    @property
    def trivial(self) -> dict[str, float]:
        """The best answer that does not look at the picture, and its accuracy."""
        learned = self.dataset.train if len(self.dataset.train) else self.source
        counts = self.source.counts()
        if self.several:
            usual = learned.counts() * 2 >= len(learned)
            return {"always the more frequent answer": float((self.flags[0] == usual).mean())}
        return {"always the most frequent class": float(counts[learned.counts().argmax()] / counts.sum())}

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

    @property
    def _purpose(self) -> str:
        classes = listed(list(self.network.classes), limit=6)
        return f"A new head that {'finds' if self.several else 'tells'} {classes}{'' if self.several else ' apart'}"

    def _result(self) -> str:
        low, high = self.interval
        sure = f"(95 % interval {100 * low:.1f} to {100 * high:.1f} %)"
        if self.several:
            return (
                f"{self._told()}{100 * self.accuracy:.1f} % of its yes/no decisions are right, and all labels in "
                f"{100 * self.whole:.1f} % of the pictures {sure}."
            )
        return f"{self._told()}it is right in {100 * self.accuracy:.1f} % {sure}."

    def _against(self) -> list[str]:
        answer = "the more frequent answer for each label" if self.several else "the most frequent class"
        (share,) = self.trivial.values()
        trivial = f"always answering with {answer} gives {100 * share:.1f} %."
        if not self.others:
            return [trivial[0].upper() + trivial[1:]]
        return [f"In comparison, {self._first_other()}; {trivial}"]


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
