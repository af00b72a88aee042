"""The package as syntax trees, each file parsed once, and not before a test asks for it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import cnnkit

PACKAGE = Path(cnnkit.__file__).parent


@cache
def tree_of(file: Path) -> ast.Module:
    """What the file says."""
    return ast.parse(file.read_text(encoding="utf-8"))
