"""Benchmarks run for minutes, and so in no test: here at least each name of cnnkit that they use is looked up."""

from __future__ import annotations

import ast
import pkgutil
from pathlib import Path

import pytest

BENCHMARKS = sorted(Path(__file__).with_name("benchmarks").glob("*.py"))


def names(tree: ast.Module) -> set[str]:
    """Dotted names in cnnkit: those that are imported, and attributes of `ck`, to their last one."""
    imported = {
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "cnnkit"
        for alias in node.names
    }
    return imported | {found for node in ast.walk(tree) if (found := attribute(node)) is not None}


def attribute(node: ast.AST) -> str | None:
    """`cnnkit.heads.fcn` of `ck.heads.fcn`."""
    if not isinstance(node, ast.Attribute):
        return None
    if isinstance(node.value, ast.Name):
        return f"cnnkit.{node.attr}" if node.value.id == "ck" else None
    outer = attribute(node.value)
    return outer and f"{outer}.{node.attr}"


def exists(name: str) -> bool:
    """Whether it leads somewhere."""
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


def test_names_are_read_as_they_are_written() -> None:
    """An import, a chain of attributes; what is no name of cnnkit is left alone."""
    tree = ast.parse("import numpy as np\nfrom cnnkit.data.source import Source\nck.heads.fcn(np.zeros(3))")
    assert names(tree) == {"cnnkit.data.source.Source", "cnnkit.heads", "cnnkit.heads.fcn"}
    assert exists("cnnkit.heads.fcn")
    assert exists("cnnkit.transfer.answer.decoded")
    assert not exists("cnnkit.heads.no_head")


@pytest.mark.parametrize("file", BENCHMARKS, ids=lambda file: file.stem)
def test_names_of_a_benchmark_exist(file: Path) -> None:
    """What was moved in cnnkit was moved in its benchmarks too."""
    missing = {name for name in names(ast.parse(file.read_text())) if not exists(name)}
    assert not missing


@pytest.mark.parametrize(
    "file", [file for file in BENCHMARKS if file.stem.startswith("bench_")], ids=lambda file: file.stem
)
def test_a_benchmark_takes_what_the_command_gives_it(file: Path) -> None:
    """`cnnkit bench NAME` runs each with `--rounds` and `--json`, which `harness.options` understands."""
    calls = [node.func for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    assert "options" in {getattr(call, "attr", getattr(call, "id", "")) for call in calls}
    assert "json" in file.read_text() or "report(" in file.read_text() or "study(" in file.read_text()
