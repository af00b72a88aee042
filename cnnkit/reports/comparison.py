"""The result of a comparison of backbones, as a value that prints and draws itself."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from cnnkit.errors import InputError
from cnnkit.reports.report_page import table as html_table

COLUMNS = ("backbone", "cut", "side", "features", "parameters", "multiply_adds", "milliseconds", "accuracy")
ERROR = "error"


@dataclass(frozen=True, eq=False)
class Comparison:
    """The result of `compare`.

    Attributes:
        table: One row per backbone and cut, the most accurate first, the faster first among equals:

            * backbone, cut: what `ck.finetune(..., backbone=, cut=)` takes.
            * side: height of the input in pixels.
            * features: length of the pooled feature vector.
            * parameters, multiply_adds: of the backbone up to the cut, the latter for one picture.
            * milliseconds: of one picture up to the cut, in batches of 32 on this machine.
            * accuracy: on the validation pictures, which also chose `l2`; so it flatters a little.
            * test_accuracy: on the test pictures, where there are some.
            * l2: the L2 strength, chosen by the validation loss.
            * error: only where a backbone failed: the reason. Its row is among the last and has no numbers.
        chance: Accuracy of always naming the largest class, on the validation pictures.
    """

    table: pd.DataFrame
    chance: float

    @property
    def best(self) -> pd.Series[Any]:
        """The first row."""
        return self.table.iloc[0]

    @property
    def measured(self) -> pd.DataFrame:
        """The rows of backbones that did not fail, without `error`."""
        if ERROR not in self.table:
            return self.table
        whole = self.table[self.table[ERROR] == ""].drop(columns=ERROR)
        return whole.astype(dict.fromkeys(("side", "features", "parameters", "multiply_adds"), "int64"))

    @property
    def failures(self) -> dict[str, str]:
        """Backbone → reason of its failure."""
        if ERROR not in self.table:
            return {}
        failed = self.table[self.table[ERROR] != ""]
        return dict(zip(failed["backbone"], failed[ERROR], strict=True))

    def figure(self) -> Figure:
        """Accuracy against time; it is `ck.visualize.accuracy_against_time(measured, chance=chance)`."""
        from cnnkit.visualize.cost_scatter import accuracy_against_time

        return accuracy_against_time(self.measured, chance=self.chance)

    def __repr__(self) -> str:
        formats = {
            **dict.fromkeys(("parameters", "multiply_adds"), "{:,}".format),
            **dict.fromkeys(("milliseconds", "l2"), "{:.3g}".format),
            **dict.fromkeys(("accuracy", "test_accuracy"), "{:.3f}".format),
        }
        return "\n".join(
            [
                self.measured.to_string(index=False, formatters=formats),
                f"always the largest class: {self.chance:.3f}",
                *(f"{name} failed: {reason}" for name, reason in self.failures.items()),
            ]
        )

    def _repr_html_(self) -> str:
        """The same as a table of a notebook."""
        lines = [f"always the largest class: {self.chance:.3f}"]
        lines += [f"{name} failed: {reason}" for name, reason in self.failures.items()]
        return html_table(self.measured) + "".join(f"<p>{escape(line)}</p>" for line in lines)


def failed_row(name: str, error: Exception) -> dict[str, Any]:
    """The row of a backbone that could not be compared."""
    reason = " ".join(str(error).split())
    return {"backbone": name, "cut": "", ERROR: reason or type(error).__name__}


def comparison_of(rows: list[dict[str, Any]], chance: float) -> Comparison:
    """Sorts rows, the most accurate first.

    Raises:
        InputError: No rows.
    """
    if not rows:
        raise InputError("at least one row", "none", "Give a backbone.")
    table = pd.DataFrame(rows)
    if ERROR in table:
        table[ERROR] = table[ERROR].fillna("")
        table = table[[*(name for name in table if name != ERROR), ERROR]]
    table = table.sort_values(["accuracy", "milliseconds"], ascending=[False, True], kind="stable")
    return Comparison(table.reset_index(drop=True), chance=chance)
