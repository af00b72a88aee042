"""Truth and answers of a network side by side, one row per picture, and the worst of the answers."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cnnkit.data.source import Source
from cnnkit.data.targets.labels import Labels
from cnnkit.data.targets.tags import Tags
from cnnkit.data.targets.targets import TabledTargets, Targets
from cnnkit.errors import DataError, InputError
from cnnkit.heads.defaults import default_head
from cnnkit.heads.head import Head, Score
from cnnkit.transfer.network import Network
from cnnkit.visualize import style

LEAST = 1e-7
"""A probability of a label below this counts as this: one certain mistake does not outweigh all others."""


def predicted(source: Source, table: pd.DataFrame) -> Targets:
    """What a table of predictions says of the pictures of a source, as its kind of truth and in its order.

    Args:
        source: Pictures with truth.
        table: From `ck.predict`, whose rows are matched by id.

    Raises:
        DataError: No source, none with truth, a kind that has no way back from its table, or a picture is not in the
            table.
        InputError: The table has other columns, or is none.
        UnknownNameError: A label in the table is no class of the source.
    """
    truth = source.targets if isinstance(source, Source) and len(source) else None
    if truth is None or not isinstance(truth, TabledTargets):
        raise DataError(
            "pictures with labels, or other truth that predictions can be held against",
            f"{type(source).__name__}: {source!r}".splitlines()[0][:200],
            "Pass the labelled source that was predicted: photos.test.",
        )
    return truth.from_table(truth.names, table, source.ids)


def answered(source: Source, table: pd.DataFrame, head: Head | Network | None = None) -> pd.DataFrame:
    """Truth and answer side by side, one row per example, in the order of the source.

    Args:
        source: Pictures with truth.
        table: From `ck.predict`. Rows are matched by id.
        head: Whose score says how wrong each picture is, or its network; by default the head that `ck.finetune` takes
            for this kind of truth. Of labels and tags the probabilities tell it.

    Returns:
        Columns `id`, `right`, `caption` and `surprise`, by which the worst come first among the mistakes and, below
        them, the least sure among the right answers. Of labels and tags also `true` and `predicted`, of several labels
        joined by "|". Of one label also `true_probability` and `predicted_probability`, of several `loss`, the
        cross-entropy summed over them.

    Raises:
        DataError: As of `predicted`.
        InputError: As of `predicted`; or there is no head for this kind of truth.
        UnknownNameError: As of `predicted`.
    """
    predictions = predicted(source, table)
    if source.kind in ANSWERS:
        return ANSWERS[source.kind](source, source.targets, predictions)
    return scored(source, predictions, fresh_score(source, head))


def fresh_score(source: Source, head: Head | Network | None) -> Score:
    """The score of a head, of a network's head, or of the head that `ck.finetune` takes for this kind of truth.

    Raises:
        InputError: No head, or there is none for this kind.
    """
    if isinstance(head, Network):
        head = head.head
    if head is None:
        head = default_head(source.kind, source.names)
    if not isinstance(head, Head):
        received = f"{type(head).__name__}: {head!r}"[:200]
        raise InputError("a head or a network, whose score tells what is wrong", received, "net.head is one.")
    return head.score()


def worst_indices(answers: pd.DataFrame, count: int) -> NDArray[np.int64]:
    """Positions of the worst mistakes; where there are none, of the least sure answers.

    Of one label these are the mistakes whose wrong answer had the highest probability; of several the pictures with
    the largest loss.

    Raises:
        InputError: A count below 1, or none.
    """
    if not isinstance(count, Integral) or isinstance(count, bool) or int(count) < 1:
        raise InputError("a count of at least 1", repr(count), "12 is the default.")
    order = np.argsort(-answers["surprise"].to_numpy(), kind="stable")
    wrong = ~answers["right"].to_numpy(bool)
    return order[wrong[order]][:count] if wrong.any() else order[:count]


def worst_heading(answers: pd.DataFrame, shown: int) -> str:
    """The heading of a gallery of the `shown` worst answers."""
    mistakes = int((~answers["right"]).sum())
    sure = "true" in answers  # an answer that is right or wrong, not a picture that is wrong in part
    if not mistakes:
        return "No mistakes: the pictures it was least sure of" if sure else "No mistakes"
    if not sure:
        return f"The {min(shown, mistakes)} most wrong of {len(answers):,} pictures"
    if mistakes == 1:
        return "The only mistake"
    return f"The {mistakes} mistakes" if mistakes <= shown else f"The {shown} worst of {mistakes} mistakes"


def captions(answers: pd.DataFrame, indices: NDArray[np.int64]) -> list[str]:
    """One caption per index: `true → predicted 98 %`, or `class 98 %` where right; of several labels the errors."""
    return answers["caption"].iloc[indices].tolist()


def scored(source: Source, predictions: Targets, score: Score) -> pd.DataFrame:
    """Columns `id`, `right`, `surprise` and `caption`, by how wrong a score finds each picture; it counts them all."""
    truth: Any = source.targets
    wrong = score.add(truth, predictions)
    told = [f"{style.percent(float(share))} wrong" for share in wrong]
    return pd.DataFrame({"id": list(source.ids), "right": wrong == 0, "surprise": wrong, "caption": told})


def _one(source: Source, truth: Labels, predictions: Labels) -> pd.DataFrame:
    probabilities = np.asarray(predictions.probabilities, np.float64)
    every, names = np.arange(len(truth)), np.asarray(truth.names)
    of_truth, of_answer = probabilities[every, truth.values], probabilities[every, predictions.values]
    true, answers = names[truth.values].tolist(), names[predictions.values].tolist()
    right = truth.values == predictions.values
    return pd.DataFrame(
        {
            "id": list(source.ids),
            "true": true,
            "predicted": answers,
            "right": right,
            "surprise": np.where(right, -of_truth, of_answer),
            "caption": [_caption(*row) for row in zip(true, answers, of_answer, strict=True)],
            "true_probability": of_truth,
            "predicted_probability": of_answer,
        }
    )


def _several(source: Source, truth: Tags, predictions: Tags) -> pd.DataFrame:
    probabilities = np.asarray(predictions.probabilities, np.float64)
    shown, decided = truth.values.astype(bool), predictions.values.astype(bool)
    of_truth = np.where(shown, probabilities, 1 - probabilities)
    loss = -np.log(np.maximum(of_truth, LEAST)).sum(axis=1)
    names = np.asarray(truth.names)
    return pd.DataFrame(
        {
            "id": list(source.ids),
            "true": ["|".join(names[row]) for row in shown],
            "predicted": ["|".join(names[row]) for row in decided],
            "right": (shown == decided).all(axis=1),
            "surprise": loss,
            "caption": [_of_several(names, *row) for row in zip(shown, decided, probabilities, strict=True)],
            "loss": loss,
        }
    )


def _caption(true: str, guess: str, probability: float) -> str:
    short = [style.shortened(name, 18) for name in (true, guess)]
    answer = short[1] if true == guess else " → ".join(short)
    return f"{answer}\n{style.percent(float(probability))}"


def _of_several(
    names: NDArray[np.str_], shown: NDArray[np.bool_], decided: NDArray[np.bool_], probabilities: NDArray[np.float64]
) -> str:
    """The two worst wrong labels, one per line; the labels themselves where all are right."""
    wrong = np.flatnonzero(shown != decided)
    if not len(wrong):
        return f"{style.shortened(', '.join(names[shown]) or 'none', 24)}\nall right"
    of_truth = np.where(shown, probabilities, 1 - probabilities)
    lines = [
        f"{'missed' if shown[label] else 'not'} {style.shortened(str(names[label]), 16)} "
        f"{style.percent(float(probabilities[label]))}"
        for label in wrong[np.argsort(of_truth[wrong], kind="stable")][:2]
    ]
    return "\n".join([*lines, ""][:2])


ANSWERS: dict[str, Callable[[Source, Any, Any], pd.DataFrame]] = {"labels": _one, "tags": _several}
"""Kinds of truth whose probabilities tell how sure an answer was; of the others the score of their head tells it."""


def truth_and_answers(
    source: Source, table: pd.DataFrame
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.float64]]:
    """Truth, decisions and probabilities, (n, classes) each, in the order of the source.

    Args:
        source: Labelled pictures.
        table: From `ck.predict`: id, label, one probability column for each class. Rows are matched by id.

    Raises:
        DataError: The truth is no labels, or as of `predicted`.
        InputError: As of `predicted`.
    """
    predictions = predicted(source, table)
    if not isinstance(predictions, Labels | Tags):
        raise DataError("pictures with labels", f"pictures with {source.kind}", "ck.evaluate scores every kind.")
    every = np.eye(len(source.classes), dtype=bool)
    shown, decided = (
        values.astype(bool) if values.ndim == 2 else every[values]
        for values in (np.asarray(source.labels), predictions.values)
    )
    return shown, decided, np.asarray(predictions.probabilities, np.float64)
