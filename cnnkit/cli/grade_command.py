"""`cnnkit grade`: an inbox in, grades, pages and gradebooks out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnnkit.cli.options import Json

if TYPE_CHECKING:
    from cnnkit.course.grading.graded import Graded
    from cnnkit.course.grading.results import Written


FAILED = 1


def grade(
    inbox: Annotated[
        Path, typer.Argument(help="A folder a student, or the zip that Gradescope, Canvas or Moodle gives.")
    ],
    assignment: Annotated[Path, typer.Option(help="The assignment's folder.")],
    labels: Annotated[Path, typer.Option(help="The secret labels, a Parquet file.")],
    out: Annotated[Path, typer.Option(help="Folder for grades, pages and gradebooks.")],
    ledger: Annotated[
        str | None, typer.Option(help="A file, or postgresql://user@host/name; OUT/ledger.sqlite by default.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="The key that seals the ledger; ledger.key beside the labels by default.")
    ] = None,
    section: Annotated[str, typer.Option(help="Which class this is, if the ledger has several.")] = "",
    roster: Annotated[Path | None, typer.Option(help="CSV of who is enrolled; by default everybody is.")] = None,
    identities: Annotated[
        Path | None, typer.Option(help="CSV submission,student: whose what is where names do not tell.")
    ] = None,
    layout: Annotated[
        str | None, typer.Option(help="canvas, moodle, gradescope or folders; by default what most of it looks like.")
    ] = None,
    canvas: Annotated[Path | None, typer.Option(help="Canvas's gradebook export, to fill in.")] = None,
    canvas_column: Annotated[str | None, typer.Option(help="The assignment's column in it, if not clear.")] = None,
    moodle: Annotated[Path | None, typer.Option(help="Moodle's grading worksheet, to fill in.")] = None,
    workers: Annotated[
        str | None, typer.Option(help="Processes, one a core by default; or a cluster: auto, ray://HOST:10001.")
    ] = None,
    require_isolation: Annotated[
        str | None, typer.Option(help="Refuse to work with less: bubblewrap, namespaces or limits.")
    ] = None,
    reproduce: Annotated[
        int | None,
        typer.Option(min=1, help="Also run the models of those who pass, on so many pictures, in namespaces at least."),
    ] = None,
    pictures: Annotated[Path | None, typer.Option(help="The score segment's pictures, for --reproduce.")] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Grade again what crashed or timed out before.")] = False,
    as_json: Json = False,
) -> None:
    """Grade a class; run again after anything, it goes on where it was and grades nothing twice.

    Nothing of a submission is loaded before it has passed the gate; what crashes or takes too long is recorded as that
    and stops nobody. OUT gets grades.parquet, report.html, students/*/feedback.html and gradebooks. The exit code is 1
    where a person has to look before the grades are used: nobody graded, most of a class missing, or a crash.

    Example: cnnkit grade inbox/ --assignment assignments/person --labels secret/labels.parquet --out grades
    """
    from cnnkit.course.grading.batch import grade as run
    from cnnkit.course.grading.rerun import Rerun
    from cnnkit.course.grading.results import write_grades
    from cnnkit.errors import InputError

    if (reproduce is None) != (pictures is None):
        raise InputError("--reproduce and --pictures together", "one of them", "Give both, or neither.")
    wish = None
    if reproduce is not None and pictures is not None:
        from cnnkit.data.image_folder import pictures as read

        wish = Rerun(read(pictures)[0], reproduce, require_isolation)

    graded = run(
        inbox,
        assignment=assignment,
        labels=labels,
        out=out,
        ledger=ledger,
        key=key,
        section=section,
        roster=roster,
        identities=identities,
        layout=layout,
        workers=int(workers) if workers is not None and workers.removeprefix("-").isdecimal() else workers,
        require_isolation=require_isolation,
        retry=retry,
        reproduction=wish,
        progress=not as_json,
    )
    written = write_grades(graded, out, canvas=canvas, canvas_column=canvas_column, moodle=moodle)
    problems = graded.problems()
    problems += [f"the files of {student} could not be written: {why}" for student, why in written.failed.items()]
    if as_json:
        print(json.dumps({**_summary(graded, written), "problems": problems}))
    else:
        for line in [*_told(graded, written), *(f"Look at this first: {problem}." for problem in problems)]:
            print(line)
    if problems:
        raise typer.Exit(FAILED)


def _summary(graded: Graded, written: Written) -> dict[str, object]:
    return {
        "out": str(written.folder),
        "students": len(graded.students),
        "counts": graded.counts(),
        "flagged": [each.grade.student for each in graded.students if each.flags],
        "snapshot": graded.snapshot,
        "changes": len(graded.changes),
        "new_decisions": graded.new_decisions,
        "head": graded.head,
        "layout": graded.layout,
        "ignored": list(graded.ignored),
        "absent": {name: list(students) for name, students in written.absent.items()},
        "seconds": round(graded.seconds, 3),
    }


def _told(graded: Graded, written: Written) -> list[str]:
    counts = ", ".join(f"{count:,} {status}" for status, count in graded.counts().items())
    known = len(graded.students) - graded.counts().get("missing", 0) - graded.new_decisions
    lines = [
        f"The inbox has the layout {graded.layout!r}: {graded.agreement:.0%} of its entries are named so.",
        f"{len(graded.students):,} students: {counts or 'nobody'}.",
        f"{graded.new_decisions:,} submissions graded in {graded.seconds:.1f} s"
        + (f"; {known:,} were in the ledger." if known > 0 else "."),
        f"Snapshot {graded.snapshot}" + (f" changed {len(graded.changes):,} grades." if graded.changes else "."),
    ]
    flagged = sum(bool(each.flags) for each in graded.students)
    if flagged:
        lines.append(f"{flagged:,} students are flagged for a person to look at: see report.html.")
    if graded.ignored:
        lines.append(f"Nobody's in the inbox: {', '.join(map(ascii, graded.ignored[:5]))}.")
    for name, students in written.absent.items():
        if students:
            lines.append(f"{name} has no row for {len(students):,} of them, first {', '.join(students[:5])}.")
    return [*lines, f"In {written.folder}: grades.parquet, report.html, students/. Ledger head {graded.head}"]
