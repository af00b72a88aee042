"""Results of long studies as rows of a CSV file, written one by one, so that a study may be stopped at any time."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

import harness

Row = TypeVar("Row")


NUMBERS: dict[str, Callable[[str], Any]] = {"str": str, "int": int, "float": float}
"""Annotation of a field → what makes its value of a text."""


class OfCase:
    """What results of one case and one seed have in common; a base of dataclasses with these two fields."""

    case: str
    seed: int

    @property
    def key(self) -> tuple[str, int]:
        """What is run once."""
        return self.case, self.seed


def read(file: Path, kind: type[Row]) -> list[Row]:
    """The rows that a results file has already; `kind` is a dataclass of texts and numbers."""
    if not file.exists():
        return []
    makers = {field.name: NUMBERS[str(field.type)] for field in fields(kind)}  # type: ignore[arg-type]  # a dataclass
    with file.open(newline="", encoding="utf-8") as lines:
        return [kind(**{name: make(row[name]) for name, make in makers.items()}) for row in csv.DictReader(lines)]


def append(file: Path, result: Any) -> None:
    """Writes one result, a dataclass, as a row, on the disk when this returns."""
    new = not file.exists()
    with file.open("a", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, [field.name for field in fields(result)], lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(asdict(result))


def complete(
    file: Path, results: list[Any], runs: Sequence[tuple[Any, ...]], measured: Callable[..., Any]
) -> list[Any]:
    """Runs what is not there yet, by the `key` of a result; each is in the file and in `results` once it is done.

    Returns:
        Those of these runs.
    """
    for run in runs:
        if run not in {result.key for result in results}:
            results.append(measured(*run))
            append(file, results[-1])
            harness.say(f"  {results[-1]}")
    return [result for result in results if result.key in set(runs)]


def in_new_process(script: str, kind: type[Row], *run: Any) -> Row:
    """A run by `SCRIPT --one …`, which prints its result as JSON: the memory it tells is that of this run alone."""
    command = [sys.executable, script, "--one", *map(str, run)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return kind(**json.loads(done.stdout.splitlines()[-1]))
