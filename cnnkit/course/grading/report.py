"""The staff's page: distribution, leaderboard, flags, what was refused and why, what changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from cnnkit.course.grading import html
from cnnkit.course.grading.explain import plain
from cnnkit.course.grading.graded import Graded
from cnnkit.course.grading.points import RANK_RULES
from cnnkit.reports.report_page import footer, header, page, section, tiles

LISTED = 1_000
"""Rows of a table; the others are in `grades.parquet`."""


def report_page(graded: Graded) -> str:
    """The page, one HTML file that needs nothing else."""
    spec, counts = graded.assignment, graded.counts()
    records = graded.records()
    accuracies = [row["accuracy"] for row in records if row["accuracy"] is not None]
    flagged = [each for each in graded.students if each.flags]
    told = [
        f"{len(graded.students):,} students, snapshot {graded.snapshot}.",
        f"Passing needs more than {spec.pass_correct:,} of {spec.rows:,} right and earns "
        f"{plain(spec.points.flat)}; rank earns {RANK_RULES[spec.rank_rule].formula} with "
        f"p = {plain(spec.points.rank)}, ties: {spec.tie_rule}.",
    ]
    timeless = sum(
        each.verdict is not None and each.submitted is None and each.grade.status != "too late"
        for each in graded.students
    )
    if timeless and spec.deadline is not None:
        told.append(f"Without a time of submission, counted as in time: {timeless:,}.")
    parts = [
        header(spec.title, told),
        tiles(
            [
                (f"{counts.get('passed', 0):,}", f"passed, of {len(graded.students):,}"),
                (f"{median(accuracies):.2%}" if accuracies else "–", "median accuracy"),
                (f"{max(accuracies):.2%}" if accuracies else "–", "best accuracy"),
                (f"{len(flagged):,}", "flagged for a person to look at"),
            ]
        ),
    ]
    if accuracies:
        mark = spec.pass_correct / spec.rows
        picture = html.histogram(accuracies, mark=mark, label=f"Accuracies of {len(accuracies)} submissions")
        parts.append(section("Distribution", "Accuracy of what could be scored.", picture))
    status = html.table(["status", "students"], [[name, f"{count:,}"] for name, count in counts.items()], numbers=(1,))
    parts.append(section("How students stand", "A failure of the machinery is no grade.", status))
    parts += [_leaderboard(records), _flags(graded), _findings(graded), _changes(graded)]
    if graded.ignored:
        parts.append(
            section(
                "Nobody's", "Entries of the inbox that belong to no student.", html.paragraphs(graded.ignored[:LISTED])
            )
        )
    isolation = Counter(each.verdict.isolation for each in graded.students if each.verdict)
    used = "; ".join(f"{name or 'nothing read'} ({count:,})" for name, count in isolation.most_common())
    parts.append(
        footer(
            [
                f"Ledger head {graded.head}: keep it; `cnnkit ledger verify --head` proves that nothing changed.",
                f"Grader {graded.circumstances['grader']}, labels {graded.circumstances['labels']}.",
                f"Isolation: {used or 'nothing was read'}.",
            ]
        )
    )
    return page(f"{spec.title} · grades", [part for part in parts if part])


def _leaderboard(records: Iterable[Mapping[str, Any]]) -> str:
    ranked = sorted(
        (row for row in records if row["rank"] is not None and row["accuracy"] is not None),
        key=lambda row: (row["rank"], row["student"]),
    )
    rows = [
        [
            f"{row['rank']:g}",
            row["student"],
            row["name"],
            row["pseudonym"],
            f"{row['correct']:,}",
            f"{row['accuracy']:.2%}",
            f"{row['accuracy_low']:.2%} – {row['accuracy_high']:.2%}",
            f"{row['points']:g}",
        ]
        for row in ranked[:LISTED]
    ]
    heading = ["rank", "student", "name", "on the board", "correct", "accuracy", "95 % interval", "points"]
    return section(
        "Leaderboard",
        f"Ranked on the number correct; {_shown(len(ranked))}.",
        html.table(heading, rows, numbers=(0, 4, 5, 7)),
    )


def _flags(graded: Graded) -> str:
    rows = [[each.grade.student, each.student.name, flag] for each in graded.students for flag in each.flags]
    if not rows:
        return ""
    note = f"Reasons for a person to look; no points depend on them. {_shown(len(rows))}.".capitalize()
    return section("Flags", note, html.table(["student", "name", "why"], rows[:LISTED]))


def _findings(graded: Graded) -> str:
    rows = [
        [each.grade.student, each.grade.status, finding.check, finding.file, finding.received]
        for each in graded.students
        if each.verdict
        for finding in each.verdict.findings
        if finding.blocking
    ]
    if not rows:
        return ""
    table = html.table(["student", "status", "check", "file", "received"], rows[:LISTED])
    return section("Not scored", f"What the gate found; {_shown(len(rows))}.", table)


def _changes(graded: Graded) -> str:
    if not graded.changes:
        return ""
    rows = [
        [change.student, *(_told(side) for side in (change.before, change.after))] for change in graded.changes[:LISTED]
    ]
    note = f"Against the snapshot before; {_shown(len(graded.changes))}."
    return section("Changes", note, html.table(["student", "before", "after"], rows))


def _told(side: dict[str, object] | None) -> str:
    if side is None:
        return "–"
    correct = "" if side["correct"] is None else f", {side['correct']:,} correct"
    rank = "" if side["rank"] is None else f", rank {side['rank']}"
    return f"{side['status']}{correct}{rank}, {side['points']} points"


def _shown(count: int) -> str:
    return f"{count:,} rows" if count <= LISTED else f"the first {LISTED:,} of {count:,} rows"
