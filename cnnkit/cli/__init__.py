"""The command line: one module a command, joined here.

Results go to standard output, as tables or, with `--json`, as one JSON value; progress and errors to standard error.
Exit codes: 0 fine, 1 the work failed, 2 the command was used wrongly, 130 it was stopped with Ctrl-C.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

from cnnkit import __version__
from cnnkit.cli.assignment_command import assignment_app
from cnnkit.cli.backbones_command import backbones
from cnnkit.cli.bench_command import bench
from cnnkit.cli.board_command import board_app
from cnnkit.cli.cache_command import cache_app
from cnnkit.cli.check_command import check
from cnnkit.cli.cuts_command import cuts
from cnnkit.cli.evaluate_command import evaluate
from cnnkit.cli.finetune_command import finetune
from cnnkit.cli.grade_command import grade
from cnnkit.cli.ledger_command import ledger_app
from cnnkit.cli.notebooks_command import notebooks
from cnnkit.cli.predict_command import predict
from cnnkit.cli.quickstart_command import quickstart
from cnnkit.cli.report_command import report
from cnnkit.cli.serve_command import serve
from cnnkit.cli.weights_command import weights_app
from cnnkit.errors import CnnkitError, InputError, InterruptedTrainingError

FAILED, USED_WRONGLY, STOPPED = 1, 2, 130

COMMANDS = (
    *(quickstart, backbones, cuts, finetune, evaluate, predict, report, serve),
    *(check, grade, notebooks, bench),
)
GROUPS = {
    "assignment": assignment_app,
    "board": board_app,
    "cache": cache_app,
    "ledger": ledger_app,
    "weights": weights_app,
}


def application() -> typer.Typer:
    """The typer application with every command."""
    app = typer.Typer(
        name="cnnkit",
        help="Transfer learning with Keras: cut a network, put a new head on it, train, look inside, hand it in.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_every_command)
    for command in COMMANDS:
        app.command()(_interruptible(command))
    for name, group in GROUPS.items():
        app.add_typer(group, name=name)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"cnnkit {__version__}")
        raise typer.Exit


def _every_command(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None: ...


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line and exits."""
    try:
        application()(arguments)
    except InputError as error:
        _exit(error, USED_WRONGLY)
    except CnnkitError as error:
        _exit(error, FAILED)


def _interruptible(command: Callable[..., None]) -> Callable[..., None]:
    """The same command; a training that Ctrl-C stops says what was kept, which typer would swallow."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except InterruptedTrainingError as error:
            _exit(error, STOPPED)

    return run


def _exit(error: CnnkitError, code: int) -> None:
    lines = (f"cnnkit: expected {error.expected}", f"received: {error.received}", error.remedy)
    print(*lines, sep="\n  ", file=sys.stderr)
    sys.exit(code)
