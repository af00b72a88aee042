"""The leaderboard, from the rows of `grades.parquet`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cnnkit.course.grading.rank import Entry, ranks


def board_rows(
    records: Iterable[Mapping[str, Any]], *, final: bool = False, names: bool = False
) -> list[dict[str, Any]]:
    """Who is where: rank, who, correct, rows, accuracy, and points at the end.

    The public board is ranked on the public rows alone, so that it tells nothing about the others; on it is everybody
    who is enrolled and has a score. On the final one is who was ranked, in the ranks that the points were made of.

    Args:
        records: See `Graded.records`.
        final: All rows, ranks and points of the grades.
        names: Students' identifiers in place of pseudonyms.
    """
    correct, rows = ("correct", "rows") if final else ("public_correct", "public_rows")
    shown = [
        each
        for each in records
        if each[rows] and (each["rank"] is not None if final else each["status"] != "not enrolled")
    ]
    place = (
        {each["student"]: each["rank"] for each in shown}
        if final
        else {
            student: float(rank)
            for student, rank in ranks(Entry(each["student"], each[correct]) for each in shown).items()
        }
    )
    board = [
        {
            "rank": place[each["student"]],
            "who": each["student"] if names else each["pseudonym"],
            "correct": each[correct],
            "rows": each[rows],
            "accuracy": each[correct] / each[rows],
            **({"points": each["points"]} if final else {}),
        }
        for each in shown
    ]
    return sorted(board, key=lambda row: (row["rank"], row["who"]))
