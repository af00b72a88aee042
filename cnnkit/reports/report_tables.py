"""The tables of a report."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cnnkit.data.dataset import Dataset
from cnnkit.metrics.classification import calibration, wilson_interval
from cnnkit.metrics.one_against_rest import class_scores, macro_means
from cnnkit.reports.report_facts import Facts
from cnnkit.transfer.network import Network
from cnnkit.transfer.run import Run
from cnnkit.visualize import style
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


def score_table(facts: Facts) -> pd.DataFrame:
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


def class_table(facts: Facts) -> pd.DataFrame:
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


def plan_table(run: Run) -> pd.DataFrame:
    """One row per phase: the plan and the result."""
    rows = []
    for phase in run.plan.phases:
        epochs = run.history[run.history["phase"] == phase.name]
        row: dict[str, object] = {
            "phase": phase.name,
            "trains": _trains(phase.train),
            "parameters": run.trained_parameters.get(phase.name),
            "epochs": len(epochs) if len(epochs) == phase.epochs else f"{len(epochs)} of {phase.epochs}",
            "rate": f"{phase.rate:g}",
            "× a stage": f"{phase.rate_decay:g}",
            "schedule": f"{phase.optimizer}, {phase.schedule.replace('_', ' ')}",
            "BatchNorm": phase.batch_norm,
            "seconds": round(float(epochs["seconds"].sum()), 1),
        }
        for column, name in (("val_accuracy", "validation"), ("accuracy", "training")):
            if column in epochs and len(epochs):
                row[name] = f"{100 * float(epochs[column].iloc[-1]):.1f} %"
        rows.append(row)
    table = pd.DataFrame(rows)
    return table.drop(columns="BatchNorm") if all(phase.batch_norm == "frozen" for phase in run.plan.phases) else table


def network_table(network: Network) -> pd.DataFrame:
    """`Network.summary` with a last row of sums; without what trains, which differs from phase to phase."""
    table = network.summary().drop(columns=["trained", "state"])
    sums = {"group": "all", "ends with": "", "output": ""} | {
        name: table[name].sum() for name in ("layers", "parameters")
    }
    return pd.concat([table, pd.DataFrame([sums])], ignore_index=True)[list(table)]


def data_table(dataset: Dataset) -> pd.DataFrame:
    """`Dataset.report` with shares in percent; the column of warnings only where there are some."""
    table = dataset.report().reset_index()
    table["share"] = [style.percent(float(share)) for share in table["share"]]
    return table if (table["warning"] != "").any() else table.drop(columns="warning")


def timing_table(timings: Mapping[str, float]) -> pd.DataFrame:
    """Steps, seconds and their sum."""
    rows = [{"step": step, "seconds": round(float(seconds), 1)} for step, seconds in timings.items()]
    return pd.DataFrame([*rows, {"step": "all", "seconds": round(float(sum(timings.values())), 1)}])


def _trains(part: str | int) -> str:
    if isinstance(part, str):
        return part if part in ("head", "all") else f"from {part}"
    return "head" if part == 0 else "head, last stage" if part == 1 else f"head, last {part} stages"
