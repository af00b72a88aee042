"""`cnnkit ledger verify | snapshots | diff`: the durable record of grading."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cnnkit.cli.options import Json

FAILED = 1

Place = Annotated[str, typer.Argument(help="The file, or postgresql://user@host/name.")]
AsJson = Json


def ledger_verify(
    ledger: Place,
    head: Annotated[str | None, typer.Option(help="A hash from an earlier report that must still be there.")] = None,
    labels: Annotated[Path | None, typer.Option(help="The secret labels; the ledger's key lies beside them.")] = None,
    key: Annotated[Path | None, typer.Option(help="The ledger's key, if it lies elsewhere.")] = None,
    as_json: AsJson = False,
) -> None:
    """Walk along the chain of records and derive every grade again; 1, and the first broken record, if any is.

    Nothing is written. Without the key a record that somebody appended can pass; with it none can.

    Example: cnnkit ledger verify grades/ledger.sqlite --labels secret/labels.parquet
    """
    from cnnkit.course.grading.audit import audit
    from cnnkit.course.grading.ledger import Ledger
    from cnnkit.course.grading.ledger_key import key_beside, read_key

    place = key or (key_beside(labels) if labels else None)
    with Ledger.open(ledger, key=read_key(place) if place else None, read_only=True) as book:
        found = audit(book, head=head)
    if as_json:
        print(json.dumps(asdict(found)))
    elif found.broken is None:
        print(f"{found.records:,} records hold, and all grades follow from them. Head {found.head}")
        for note in found.notes:
            print(f"Note: {note}.")
    else:
        print(f"Record {found.broken:,} is the first that does not hold: {found.reason}.")
    if found.broken is not None:
        raise typer.Exit(FAILED)


def ledger_snapshots(ledger: Place, as_json: AsJson = False) -> None:
    """List the snapshots of every assignment: when, with which labels and grader, how many students.

    Example: cnnkit ledger snapshots grades/ledger.sqlite
    """
    from cnnkit.course.grading.ledger import Ledger

    with Ledger.open(ledger, read_only=True) as book:
        found = [{"created": record.created, **record.content} for record in book.records(kind="snapshot")]
    if as_json:
        print(json.dumps(found))
        return
    for each in found:
        circumstances = each["circumstances"]
        print(
            f"{each['assignment']} {each['number']}  {each['created'][:19]}  {each['students']:,} students, "
            f"{each['ranked']:,} ranked  labels {circumstances['labels'][:12]}  grader {circumstances['grader']}"
        )


def ledger_diff(
    ledger: Place,
    before: Annotated[int, typer.Argument(min=1, help="Number of the earlier snapshot.")],
    after: Annotated[int, typer.Argument(min=1, help="Number of the later one.")],
    assignment: Annotated[str | None, typer.Option(help="Its name, if the ledger has several.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say whose grade differs between two snapshots, and how.

    Example: cnnkit ledger diff grades/ledger.sqlite 1 2
    """
    from cnnkit.course.grading.ledger import Ledger
    from cnnkit.course.grading.snapshot import changes
    from cnnkit.errors import unknown_name

    with Ledger.open(ledger, read_only=True) as book:
        numbers = [(record.content["assignment"], record.content["number"]) for record in book.records(kind="snapshot")]
        names = {name for name, _ in numbers}
        chosen = assignment or (next(iter(names)) if len(names) == 1 else "")
        for number in (before, after):
            if (chosen, number) not in numbers:
                known = [f"{name} {each}" for name, each in numbers]
                raise unknown_name("a snapshot", f"{chosen} {number}", known, f"cnnkit ledger snapshots {ledger}")
        found = changes(book, chosen, after, since=before)
    if as_json:
        print(json.dumps([asdict(change) for change in found]))
        return
    for change in found:
        print(f"{change.student}: {_told(change.before)} → {_told(change.after)}")
    print(f"{len(found):,} grades differ")


def _told(side: dict[str, object] | None) -> str:
    return "–" if side is None else ", ".join(f"{name} {value}" for name, value in side.items() if value is not None)


ledger_app = typer.Typer(help="The durable record of grading.", no_args_is_help=True)
ledger_app.command("verify")(ledger_verify)
ledger_app.command("snapshots")(ledger_snapshots)
ledger_app.command("diff")(ledger_diff)
