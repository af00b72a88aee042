"""The tables of a report that hold for every task."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from cnnkit.data.dataset import Dataset
from cnnkit.reports.report_words import number
from cnnkit.transfer.network import Network
from cnnkit.transfer.run import Run
from cnnkit.visualize import style

PLAIN = ("phase", "epoch", "loss", "val_loss", "rate", "seconds", "images_per_second")
"""Columns of a history that are no score."""


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
        score = next(
            (name for name in map(str, epochs) if name not in PLAIN and not name.startswith("val_")), "accuracy"
        )
        for column, name in ((f"val_{score}", "validation"), (score, "training")):
            if column in epochs and len(epochs):
                row[name] = number(float(epochs[column].iloc[-1]))
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
