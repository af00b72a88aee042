"""`cnnkit weights list | verify | export`: the weights files of this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnnkit.cli.options import Json

if TYPE_CHECKING:
    import pandas as pd

FAILED = 1


def weights_list(
    every: Annotated[bool, typer.Option("--all", help="Also the files that are not on this machine.")] = False,
    as_json: Json = False,
) -> None:
    """List the weights files that backbones can use and where they are.

    They are looked for in the folder CNNKIT_WEIGHTS, then in $KERAS_HOME/models (~/.keras/models by default).

    Example: cnnkit weights list --all
    """
    from cnnkit.backbones.weights import folders, weights_table

    table = weights_table()
    shown = table if every else table[table["path"].notna()]
    if as_json:
        print(_json(shown))
        return
    for name, alpha, file, _, size, path, url in shown.itertuples(index=False, name=None):
        width = "" if str(alpha) == "<NA>" else f" α {alpha}"
        place = f"{size / 1e6:.1f} MB  {path}" if isinstance(path, str) else f"not here  {url}"
        print(f"{name + width:<26} {file}  {place}")
    missing = int(table["path"].isna().sum())
    print(f"{len(table) - missing} of {len(table)} files are here; searched: {', '.join(map(str, folders()))}")


def weights_verify(
    as_json: Json = False,
) -> None:
    """Compare the hash of every file on this machine with the one that Keras states; 1 if one differs.

    Example: cnnkit weights verify
    """
    from cnnkit.backbones.weights import verification_table

    table = verification_table()
    if as_json:
        print(_json(table))
    else:
        for file, path, expected, received, fine in table.itertuples(index=False, name=None):
            stated = "as stated" if expected and fine else "no stated hash" if fine else f"expected {expected}"
            print(f"{'ok   ' if fine else 'WRONG'} {file}  {received} ({stated})  {path}")
        print(f"{int(table['ok'].sum())} of {len(table)} files are right")
    if not table["ok"].all():
        raise typer.Exit(FAILED)


def weights_export(
    folder: Annotated[Path, typer.Argument(help="Where the copies go.")],
    as_json: Json = False,
) -> None:
    """Copy every weights file of this machine into FOLDER, for machines without the internet.

    There, set CNNKIT_WEIGHTS=FOLDER, or copy the files into $KERAS_HOME/models.

    Example: cnnkit weights export /media/stick/weights
    """
    from cnnkit.backbones.weights import export_weights

    table = export_weights(folder)
    if as_json:
        print(_json(table))
        return
    for file, _, size in table.itertuples(index=False, name=None):
        print(f"{file}  {size / 1e6:.1f} MB")
    print(f"{len(table)} files in {folder}; elsewhere: export CNNKIT_WEIGHTS={folder}")


def _json(table: pd.DataFrame) -> str:
    return json.dumps(json.loads(table.to_json(orient="records")))


weights_app = typer.Typer(help="The weights files of this machine.", no_args_is_help=True)
weights_app.command("list")(weights_list)
weights_app.command("verify")(weights_verify)
weights_app.command("export")(weights_export)
