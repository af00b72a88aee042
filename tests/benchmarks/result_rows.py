"""Results of long studies as rows of a CSV file, written one by one, so that a study may be stopped at any time."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any


def read(file: Path, typed: Callable[[dict[str, str]], Any]) -> list[Any]:
    """The rows that a results file has already; `typed` makes a result of a row of texts."""
    if not file.exists():
        return []
    with file.open(newline="", encoding="utf-8") as lines:
        return [typed(row) for row in csv.DictReader(lines)]


def append(file: Path, result: Any) -> None:
    """Writes one result, a dataclass, as a row, on the disk when this returns."""
    new = not file.exists()
    with file.open("a", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, [field.name for field in fields(result)], lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(asdict(result))
