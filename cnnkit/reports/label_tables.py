"""The tables of a report on labels or tags."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cnnkit.metrics.classification import calibration, wilson_interval
from cnnkit.metrics.one_against_rest import class_scores, macro_means
from cnnkit.reports.label_facts import LabelFacts
from cnnkit.visualize.calibration_curve import confidences

CLASS_ROWS = 60
"""The most classes in a table; of more, those with the lowest F1."""
LEAST = 1e-7
"""The least probability in the cross-entropy, as in Keras."""
NAMES = {
    "precision": "precision, mean of the classes",
    "recall": "recall, mean of the classes",
    "f1": "F1, mean of the classes",
    "auc": "area under the ROC curve, mean of the classes",
    "average_precision": "average precision, mean of the classes",
}


def score_table(facts: LabelFacts) -> pd.DataFrame:
    """Scores of all held-out pictures; shares with their 95 % interval."""
    shown, decided, probabilities = facts.flags
    of_class = class_scores(shown, decided, probabilities, facts.source.classes)
    interval = "{:.1f} to {:.1f} %".format(*(100 * end for end in facts.interval))
    whole = f"{100 * facts.whole:.1f} %"
    rows = [("accuracy", whole, interval)]
    if facts.several:
        rows = [("all labels right", whole, interval), ("yes/no decisions right", f"{100 * facts.accuracy:.1f} %", "")]
    rows += [(name, f"{value:.3f}", "") for name, value in macro_means(of_class, NAMES).items()]
    right, confidence = confidences(facts.source, facts.predictions)
    of_truth = np.where(shown, probabilities, 1 - probabilities) if facts.several else probabilities[shown]
    entropy = float(-np.log(np.maximum(of_truth, LEAST)).mean())
    error = calibration(right, confidence).expected_error
    rows += [("cross-entropy", f"{entropy:.3f}", ""), ("expected calibration error", f"{100 * error:.1f} points", "")]
    return pd.DataFrame(rows, columns=["score", "value", "95 % interval"])


def class_table(facts: LabelFacts) -> pd.DataFrame:
    """One row per class that occurs: recall, precision, F1 and AUC."""
    shown, decided, probabilities = facts.flags
    of_class = class_scores(shown, decided, probabilities, facts.source.classes)
    rows = []
    for name, row in of_class.items():
        column = list(facts.source.classes).index(name)
        called, there = int(decided[:, column].sum()), int(row["examples"])
        hits = int((shown[:, column] & decided[:, column]).sum())
        rows.append(
            {
                "class": name,
                "pictures": there,
                "found (recall)": _with_interval(hits, there),
                "called so": called,
                "rightly (precision)": _with_interval(hits, called),
                "F1": f"{row['f1']:.3f}",
                "AUC": f"{row['auc']:.3f}" if "auc" in row else "–",
            }
        )
    table = pd.DataFrame(rows)
    if len(table) <= CLASS_ROWS:
        return table
    return table.loc[table["F1"].astype(float).nsmallest(CLASS_ROWS).index]


def _with_interval(hits: int, count: int) -> str:
    """A share with its 95 % interval."""
    if not count:
        return "–"
    low, high = wilson_interval(hits, count)
    return f"{100 * hits / count:.1f} % ({100 * low:.0f} to {100 * high:.0f})"
