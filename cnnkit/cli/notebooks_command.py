"""`cnnkit notebooks DIR`: the lessons of the installed package, to work with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cnnkit.cli.options import Json


def notebooks(
    folder: Annotated[Path, typer.Argument(help="Where to; made if it is missing.")],
    as_json: Json = False,
) -> None:
    """Copy the notebooks and the assignment's template into a folder; never over a file that is there.

    Example: cnnkit notebooks lessons
    """
    from cnnkit.lessons import copy_lessons

    copied = copy_lessons(folder)
    if as_json:
        print(json.dumps({str(file.path): file.state for file in copied}))
        return
    for file in copied:
        told = {"kept": "kept: it differs from the one that ships; rename it to get that", "new": "new"}
        print(f"{file.path}  {told.get(file.state, file.state)}")
    print(f"open them with: pip install jupyterlab && jupyter lab {folder}")
