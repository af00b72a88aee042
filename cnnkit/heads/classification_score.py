"""The scores of a classifier: of each class, of all of them, and how wrong each picture is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.metrics.one_against_rest import class_scores, macro_means, precision_recall_f1

MACRO = ("precision", "recall", "f1", "auc")
"""Scores of the average class that `evaluate` gives."""


class ClassificationScore:
    """What `ck.evaluate` gives beside the loss; its docstring lists the names.

    Args:
        classes: Names in the order of the probabilities.
        multi_label: Whether a picture may show any number of them.
        decide: (n, classes) probabilities → (n, classes) which classes are decided for.
    """

    def __init__(
        self,
        classes: Sequence[str],
        *,
        multi_label: bool,
        decide: Callable[[NDArray[Any]], NDArray[np.bool_]],
    ) -> None:
        self._classes = tuple(classes)
        self._multi_label = multi_label
        self._decide = decide
        self._shown: list[NDArray[np.bool_]] = []
        self._probabilities: list[NDArray[Any]] = []

    def add(self, truth: Any, predictions: Any) -> NDArray[np.float64]:
        """Counts `Labels` or `Tags`; predictions without probabilities count as certain.

        Returns:
            (n,) the probability of another answer than the true one; of several labels the mean over them.
        """
        shown = self._table(truth.values).astype(bool)
        given = predictions.probabilities
        probabilities = self._table(predictions.values).astype(np.float64) if given is None else given
        self._shown.append(shown)
        self._probabilities.append(probabilities)
        wrong = np.where(shown, 1 - probabilities, probabilities)
        return np.asarray(wrong.mean(axis=1) if self._multi_label else wrong[shown], np.float64)

    def result(self) -> dict[str, float]:
        """Of all pictures."""
        shown = np.concatenate(self._shown)
        probabilities = np.concatenate(self._probabilities)
        decided = self._decide(probabilities)
        of_class = class_scores(shown, decided, probabilities, self._classes)
        whole = (shown == decided).all(axis=1).mean()
        scores = {"accuracy": float((shown == decided).mean() if self._multi_label else whole)}
        if self._multi_label:
            micro = precision_recall_f1(shown.ravel(), decided.ravel())
            scores["exact_match"] = float(whole)
            scores |= macro_means(of_class, {"average_precision": "mean_average_precision"})
            scores |= dict(zip(("micro_precision", "micro_recall", "micro_f1"), micro, strict=True))
        scores |= macro_means(of_class, {name: f"macro_{name}" for name in MACRO})
        listed = ("accuracy", *MACRO, "average_precision") if self._multi_label else MACRO
        for name in listed:
            scores |= {f"{name}/{known}": row[name] for known, row in of_class.items() if name in row}
        return scores

    def _table(self, values: NDArray[Any]) -> NDArray[Any]:
        """(n, classes) of labels or tags."""
        return values if values.ndim == 2 else np.eye(len(self._classes))[values]
