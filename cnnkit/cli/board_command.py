"""`cnnkit board`: the leaderboard of graded files; `board serve`, where a class hands in, and `board token` for it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cnnkit.cli.options import Json


def board(
    grades: Annotated[Path, typer.Argument(help="What `cnnkit grade` wrote: its folder or grades.parquet.")],
    top: Annotated[int, typer.Option(min=1, help="How many lines.")] = 50,
    final: Annotated[bool, typer.Option("--final", help="All rows and the points, once grades are out.")] = False,
    names: Annotated[bool, typer.Option("--names", help="Who it is, for staff, in place of pseudonyms.")] = False,
    as_json: Json = False,
) -> None:
    """Show who is where: pseudonyms and the accuracy on the public rows, ranked on the number correct.

    `cnnkit board grades` is the same.

    Example: cnnkit board show grades --top 10
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


Folder = Annotated[Path, typer.Argument(help="The server's folder: files, database and ledger.")]
Database = Annotated[str | None, typer.Option(help="postgresql://user@host/name; a file in the folder by default.")]


def board_serve(
    folder: Folder,
    assignment: Annotated[Path, typer.Option(help="The assignment's folder.")],
    labels: Annotated[Path, typer.Option(help="The secret labels; only the grader's own process reads them.")],
    database: Database = None,
    ledger: Annotated[
        str | None, typer.Option(help="A file or a URL; in the folder or the database by default.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="The key that seals the ledger; ledger.key beside the labels by default.")
    ] = None,
    roster: Annotated[Path | None, typer.Option(help="CSV of who is enrolled, for the gradebooks.")] = None,
    canvas: Annotated[Path | None, typer.Option(help="Canvas's gradebook export, to fill in.")] = None,
    moodle: Annotated[Path | None, typer.Option(help="Moodle's grading worksheet, to fill in.")] = None,
    host: Annotated[str, typer.Option(help="Where to listen; this machine only by default.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Of TCP; 0 for any free one.")] = 8000,
    trust_proxy: Annotated[
        list[str] | None,
        typer.Option(
            help="Address of a reverse proxy whose X-Forwarded-Proto and -For are believed; nobody's else are."
        ),
    ] = None,
    per_day: Annotated[int, typer.Option(min=1, help="How many hand-ins of a student count on one day.")] = 5,
    workers: Annotated[int, typer.Option(min=1, help="Uploads checked, and hand-ins graded, at once.")] = 1,
    require_isolation: Annotated[
        str | None, typer.Option(help="Refuse to work with less: bubblewrap, namespaces or limits.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Serve the pages where a class hands in, until Ctrl-C or SIGTERM; two servers may share a folder.

    Students sign in with a token of `cnnkit board token add`, see what the check says at once, and their accuracy on
    the public rows, rounded, on a board of pseudonyms. From outside it is reached through a reverse proxy with https,
    which passes Host, X-Forwarded-Proto and bodies of some hundred MB on; name its address with --trust-proxy.

    Example: cnnkit board serve handin --assignment assignments/person --labels secret/labels.parquet
    """
    from cnnkit.course.grading.ledger_key import key_beside
    from cnnkit.course.hand_in_server.grader_settings import Secrets
    from cnnkit.course.hand_in_server.server import Address, serve

    secrets = Secrets(
        labels=str(labels.resolve()),
        ledger=ledger or "",
        key=str((key or key_beside(labels)).resolve()),
        roster=_absolute(roster),
        canvas=_absolute(canvas),
        moodle=_absolute(moodle),
    )

    def ready(url: str) -> None:
        print(json.dumps({"url": url}) if as_json else f"Serving {folder} at {url}", flush=True)
        if host not in ("127.0.0.1", "::1", "localhost") and not trust_proxy:
            print("Tokens travel unencrypted: put a reverse proxy with https before it.", file=sys.stderr)

    serve(
        folder,
        assignment=assignment,
        secrets=secrets,
        address=Address(host, port, tuple(trust_proxy or ())),
        database=database,
        per_day=per_day,
        workers=workers,
        require_isolation=require_isolation,
        ready=ready,
    )


def _absolute(path: Path | None) -> str | None:
    return None if path is None else str(path.resolve())


def token_add(
    folder: Folder,
    people: Annotated[
        list[str] | None, typer.Argument(help="Identifiers that results carry: logins or numbers.")
    ] = None,
    roster: Annotated[Path | None, typer.Option(help="CSV of who is enrolled: a token for each of them.")] = None,
    staff: Annotated[bool, typer.Option("--staff", help="For course staff, who sees everything.")] = False,
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Issue a personal token for each person; printed once, as CSV, since only hashes are kept.

    Example: cnnkit board token add handin --roster roster.csv
    """
    from cnnkit.course.grading.gradebooks.sheet import written
    from cnnkit.course.grading.roster import read_roster
    from cnnkit.course.hand_in_server.tokens import add_tokens
    from cnnkit.errors import InputError

    names = [*(people or ()), *(each.student for each in (read_roster(roster).students if roster else ()))]
    if not names:
        raise InputError("people, or --roster", "nobody", "For example: cnnkit board token add handin ada bo")
    tokens = add_tokens(_tables(folder, database), names, staff=staff)
    if as_json:
        print(json.dumps(tokens))
        return
    print("student,token")
    for name, token in tokens.items():
        print(f"{written(name)},{token}")


def token_list(folder: Folder, database: Database = None, as_json: Json = False) -> None:
    """List whose tokens there are: when issued, when revoked; never the tokens themselves.

    Example: cnnkit board token list handin
    """
    from dataclasses import asdict

    from cnnkit.course.hand_in_server.tokens import issued_tokens

    found = issued_tokens(_tables(folder, database))
    if as_json:
        print(json.dumps([asdict(each) for each in found]))
        return
    for each in found:
        state = f"revoked {each.revoked[:16]}" if each.revoked else "good"
        print(f"{each.hash}  {each.created[:16]}  {'staff' if each.staff else 'student':7}  {each.name}  {state}")


def token_revoke(
    folder: Folder,
    person: Annotated[str, typer.Argument(help="Whose.")],
    database: Database = None,
    as_json: Json = False,
) -> None:
    """Revoke all tokens of a person and end their sessions; what they handed in stays.

    Example: cnnkit board token revoke handin ada
    """
    from cnnkit.course.hand_in_server.tokens import issued_tokens, revoke_tokens
    from cnnkit.errors import unknown_name

    engine = _tables(folder, database)
    known = {each.name for each in issued_tokens(engine)}
    if person not in known:
        raise unknown_name("a person with a token", person, known, f"cnnkit board token list {folder}")
    count = revoke_tokens(engine, person)
    print(json.dumps({"person": person, "revoked": count}) if as_json else f"{count} tokens of {person} revoked.")


def _tables(folder: Path, database: str | None) -> Any:
    """The server's database, also while it runs."""
    from cnnkit.course.hand_in_server.board import DATABASE_FILE
    from cnnkit.course.hand_in_server.tables import open_tables

    return open_tables(database or folder / DATABASE_FILE)


class _ShowByDefault(TyperGroup):
    """`cnnkit board GRADES` is `cnnkit board show GRADES`, as it has always been."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is named, or `show`."""
        return super().resolve_command(ctx, args if args[0] in self.commands else ["show", *args])


token_app = typer.Typer(help="Personal tokens of those who hand in.", no_args_is_help=True)
token_app.command("add")(token_add)
token_app.command("list")(token_list)
token_app.command("revoke")(token_revoke)
board_app = typer.Typer(
    cls=_ShowByDefault, help="The leaderboard, and the server where a class hands in.", no_args_is_help=True
)
board_app.command("show")(board)
board_app.command("serve")(board_serve)
board_app.add_typer(token_app, name="token")
