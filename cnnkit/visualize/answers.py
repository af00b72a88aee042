"""Truth and answers of a network side by side, one row per picture, and the worst of the answers."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cnnkit.data.source import Source
from cnnkit.errors import DataError, InputError, unknown_name
from cnnkit.visualize import style
from cnnkit.visualize.given_tables import rows_of

LEAST = 1e-7
"""A probability of a label below this counts as this: one certain mistake does not outweigh all others."""


def answered(source: Source, table: pd.DataFrame) -> pd.DataFrame:
    """Truth and answer side by side, one row per example, in the order of the source.

    Args:
        source: Labelled pictures.
        table: From `ck.predict`: id, label, one probability column for each class. Rows are matched by id.

    Returns:
        Columns `id`; `true` and `predicted`, of several labels joined by "|"; `right`; `surprise`, by which the worst
        come first among the mistakes and, below them, the least sure among the right answers; `caption`. Of one label
        also `true_probability` and `predicted_probability`, of several `loss`, the cross-entropy summed over them.

    Raises:
        DataError: No source, none with labels, or a picture is not in the table.
        InputError: The table has other columns, or is none.
        UnknownNameError: A label in the table is no class of the source.
    """
    if not isinstance(source, Source) or source.labels is None or not len(source):
        raise DataError(
            "pictures with labels",
            f"{type(source).__name__}: {source!r}".splitlines()[0][:200],
            "Pass the labelled source that was predicted: photos.test.",
        )
    table = rows_of(table, ("id", "label", *source.classes), "ck.predict(net, photos.test) makes it.")
    missing = set(source.ids) - set(table["id"])
    if missing:
        raise DataError(
            "a prediction for every picture of the source",
            f"none for {len(missing)}, {sorted(map(str, missing))[0]!r} for one",
            "Predict this source: ck.predict(net, photos.test).",
        )
    rows = table.drop_duplicates("id").set_index("id").loc[list(source.ids)]
    return _several(source, rows) if source.multi_label else _one(source, rows)


def decided_flags(labels: Sequence[str], classes: Sequence[str]) -> NDArray[np.bool_]:
    """Reads the `label` column of a prediction table with several labels as (n, classes) flags.

    Raises:
        UnknownNameError: A name that is no class.

    >>> decided_flags(["cat|hen", ""], ["cat", "dog", "hen"]).tolist()
    [[True, False, True], [False, False, False]]
    """
    position = {name: index for index, name in enumerate(classes)}
    flags = np.zeros((len(labels), len(classes)), bool)
    for row, text in enumerate(labels):
        for name in str(text).split("|") if text else ():
            if name not in position:
                raise unknown_name("a class", name, classes)
            flags[row, position[name]] = True
    return flags


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
    if not mistakes:
        return "No mistakes: the pictures it was least sure of"
    if mistakes == 1:
        return "The only mistake"
    return f"The {mistakes} mistakes" if mistakes <= shown else f"The {shown} worst of {mistakes} mistakes"


def captions(answers: pd.DataFrame, indices: NDArray[np.int64]) -> list[str]:
    """One caption per index: `true → predicted 98 %`, or `class 98 %` where right; of several labels the errors."""
    return answers["caption"].iloc[indices].tolist()


def _one(source: Source, rows: pd.DataFrame) -> pd.DataFrame:
    probabilities = rows[list(source.classes)].to_numpy(float)
    position = {name: index for index, name in enumerate(source.classes)}
    for name in rows["label"]:
        if name not in position:
            raise unknown_name("a class", str(name), source.classes)
    every, labels = np.arange(len(rows)), np.asarray(source.labels, np.int64)
    of_truth = probabilities[every, labels]
    of_answer = probabilities[every, [position[name] for name in rows["label"]]]
    true = [source.classes[label] for label in labels]
    right = np.array(true) == rows["label"].to_numpy()
    return pd.DataFrame(
        {
            "id": list(source.ids),
            "true": true,
            "predicted": rows["label"].to_numpy(),
            "right": right,
            "surprise": np.where(right, -of_truth, of_answer),
            "caption": [_caption(*row) for row in zip(true, rows["label"], of_answer, strict=True)],
            "true_probability": of_truth,
            "predicted_probability": of_answer,
        }
    )


def _several(source: Source, rows: pd.DataFrame) -> pd.DataFrame:
    probabilities = rows[list(source.classes)].to_numpy(float)
    shown = np.asarray(source.labels, bool)
    decided = decided_flags(rows["label"].tolist(), source.classes)
    of_truth = np.where(shown, probabilities, 1 - probabilities)
    loss = -np.log(np.maximum(of_truth, LEAST)).sum(axis=1)
    names = np.asarray(source.classes)
    return pd.DataFrame(
        {
            "id": list(source.ids),
            "true": ["|".join(names[row]) for row in shown],
            "predicted": rows["label"].to_numpy(),
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


def truth_and_answers(
    source: Source, table: pd.DataFrame
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.float64]]:
    """Truth, decisions and probabilities, (n, classes) each, in the order of the source.

    Args:
        source: As for `answered`.
        table: As for `answered`, which has accepted both.
    """
    rows = table.drop_duplicates("id").set_index("id").loc[list(source.ids)]
    probabilities = rows[list(source.classes)].to_numpy(float)
    if source.multi_label:
        return np.asarray(source.labels, bool), decided_flags(rows["label"].tolist(), source.classes), probabilities
    names = np.asarray(source.classes)
    shown = np.eye(len(names), dtype=bool)[np.asarray(source.labels, np.int64)]
    return shown, rows["label"].to_numpy(str)[:, None] == names[None], probabilities
