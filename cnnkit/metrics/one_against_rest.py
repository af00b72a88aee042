"""How well a classifier does for each class, and for the average class: precision, recall, F1 and areas under curves.

Conventions are those of scikit-learn, with one answer to what has no value: a class that no example shows has no
scores and does not count in an average, and the AUC of a class that every example shows does not either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnkit.errors import DataError, InputError
from cnnkit.metrics.classification import roc_auc_score
from cnnkit.metrics.given_arrays import array_of, binary_scores, flags_of, pair_of

Flags = NDArray[np.bool_]


def precision_recall_f1(labels: ArrayLike, decisions: ArrayLike) -> tuple[float, float, float]:
    """Of one class: how much of what was called so is so, how much of what is so was called so, and their mean.

    Precision is TP / (TP + FP), recall TP / (TP + FN), F1 their harmonic mean 2 TP / (2 TP + FP + FN). What would be
    0 / 0 is 0: the precision of a class that was never decided, the recall of one that never occurs.

    Args:
        labels: (n,) 0 and 1, or booleans: whether an example is of the class.
        decisions: (n,) the same: whether it was called so.

    Raises:
        DataError: Different shapes, or nothing to compare.

    >>> precision_recall_f1([1, 1, 0, 0], [1, 0, 1, 0])
    (0.5, 0.5, 0.5)
    """
    truth, decided = (flags_of(array) for array in pair_of(labels, decisions))
    both, called, so = int((truth & decided).sum()), int(decided.sum()), int(truth.sum())
    return both / max(1, called), both / max(1, so), 2 * both / max(1, called + so)


def average_precision_score(labels: ArrayLike, scores: ArrayLike) -> float:
    """The area under the steps of the precision-recall curve: the precision at each positive example, on average.

    Examples with the same score enter together, so their order does not matter.

    Args:
        labels: (n,) 0 and 1, or booleans.
        scores: (n,) any finite numbers; the higher, the surer of class 1.

    Returns:
        0…1; guessing gives the share of class 1.

    Raises:
        DataError: Different shapes, a score that is not finite, or no example of class 1.

    >>> round(average_precision_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
    0.8333
    """
    positive, values = binary_scores(labels, scores)
    if not positive.any():
        raise DataError("an example of class 1", "none", "Recall is a share of the examples of class 1.")
    order = np.argsort(-values, kind="stable")
    last_of_score = np.flatnonzero(np.append(np.diff(values[order]) != 0, True))
    hits = np.cumsum(positive[order])[last_of_score]
    precision = hits / (last_of_score + 1)
    return float((np.diff(hits, prepend=0) * precision).sum() / hits[-1])


def class_scores(
    truth: ArrayLike, decided: ArrayLike, probabilities: ArrayLike, classes: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Scores of each class that occurs, as one class against the others.

    Args:
        truth: (n, classes) of 0 and 1, or booleans: one 1 in a row where an example has one label, any number of them
            where it has several.
        decided: (n, classes) the same: what was decided.
        probabilities: (n, classes), or any other finite scores.
        classes: Names, one a column.

    Returns:
        Class → `examples` (how many show it), `accuracy` (of the decision whether an example shows it), `precision`,
        `recall`, `f1`, `average_precision` and, where an example does not show it, `auc`. Classes that no example
        shows are left out.

    Raises:
        DataError: Tables of different shapes, nothing to compare, or a score that is not finite.
        InputError: `classes` is no list of names.

    >>> scores = class_scores([[1, 0], [0, 1]], [[1, 0], [1, 0]], [[0.9, 0.1], [0.6, 0.4]], ["cat", "dog"])
    >>> scores["dog"]["recall"], scores["dog"]["auc"]
    (0.0, 1.0)
    """
    listed = isinstance(classes, Sequence) and not isinstance(classes, str | bytes)
    if not listed or not all(isinstance(name, str) for name in classes):
        raise InputError("a list of class names", f"{classes!r}"[:200], "photos.classes is one.")
    shown, called = _flags(truth, len(classes)), _flags(decided, len(classes))
    values = array_of(probabilities)
    if not shown.shape == called.shape == values.shape:
        raise DataError(
            "three tables of one shape",
            f"shapes {shown.shape}, {called.shape} and {values.shape}",
            "Give one row for each example and one column for each class.",
        )
    found = {}
    for column, name in enumerate(classes):
        so, said, score = shown[:, column], called[:, column], values[:, column]
        if not so.any():
            continue
        precision, recall, f1 = precision_recall_f1(so, said)
        found[str(name)] = {
            "examples": float(so.sum()),
            "accuracy": float((so == said).mean()),
            "precision": precision,
            "recall": recall,
            "f1": f1,
            "average_precision": average_precision_score(so, score),
            **({} if so.all() else {"auc": roc_auc_score(so, score)}),
        }
    return found


def macro_means(scores: Mapping[str, Mapping[str, float]], names: Mapping[str, str]) -> dict[str, float]:
    """The mean of each score over the classes that have it; every class counts the same, however rare it is.

    Args:
        scores: From `class_scores`.
        names: Score → what its mean is called.

    Returns:
        What it is called → mean, without those that no class has.

    Raises:
        InputError: One of both is something else.

    >>> macro_means({"cat": {"f1": 1.0}, "dog": {"f1": 0.5}}, {"f1": "macro_f1", "auc": "macro_auc"})
    {'macro_f1': 0.75}
    """
    fine = isinstance(scores, Mapping) and all(isinstance(row, Mapping) for row in scores.values())
    numbers = (isinstance(value, Real) for row in scores.values() for value in row.values()) if fine else ()
    if not fine or not all(numbers):
        raise InputError("scores by class and name", f"{scores!r}"[:200], "ck.metrics.class_scores gives them.")
    if not isinstance(names, Mapping) or not all(isinstance(mean, str) for mean in names.values()):
        raise InputError("score → what its mean is called", f"{names!r}"[:200], 'E.g. {"f1": "macro_f1"}.')
    listed = {mean: [row[name] for row in scores.values() if name in row] for name, mean in names.items()}
    return {mean: float(np.mean(values)) for mean, values in listed.items() if values}


def _flags(table: ArrayLike, columns: int) -> Flags:
    array = array_of(table)
    if array.ndim != 2 or array.shape[1] != columns or not len(array):
        raise DataError(
            f"a table of shape (n, {columns}), one column for each class, at least one row",
            f"shape {array.shape}",
            "Class indices become one with np.eye(classes)[labels].",
        )
    return flags_of(array)
