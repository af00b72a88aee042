"""`cnnkit board`: the leaderboard that everybody may see, or, for staff, the one with names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cnnkit.cli.options import Json


def board(
    grades: Annotated[Path, typer.Argument(help="What `cnnkit grade` wrote: its folder or grades.parquet.")],
    top: Annotated[int, typer.Option(min=1, help="How many lines.")] = 50,
    final: Annotated[bool, typer.Option("--final", help="All rows and the points, once grades are out.")] = False,
    names: Annotated[bool, typer.Option("--names", help="Who it is, for staff, in place of pseudonyms.")] = False,
    as_json: Json = False,
) -> None:
    """Show who is where: pseudonyms and the accuracy on the public rows, ranked on the number correct.

    Example: cnnkit board grades --top 10
    """
    from cnnkit.course.grading.board import board_rows
    from cnnkit.course.grading.grades_file import read_grades_file
    from cnnkit.course.submissions.findings import printable

    records, _ = read_grades_file(grades)
    rows = board_rows(records, final=final, names=names)[:top]
    if as_json:
        print(json.dumps(rows))
        return
    rows = [{**row, "who": printable(row["who"])} for row in rows]
    wide = max([len(str(row["who"])) for row in rows], default=3)
    print(f"{'rank':>6}  {'who':<{wide}}  {'correct':>9} {'accuracy':>9}{'  points' if final else ''}")
    for row in rows:
        points = f"  {row['points']:6.2f}" if final else ""
        print(f"{row['rank']:>6g}  {row['who']:<{wide}}  {row['correct']:>9,} {row['accuracy']:>9.2%}{points}")
