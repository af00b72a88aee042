"""The front door: every name that is shown to a reader exists, and is public."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import cnnkit
from cnnkit._front_door import MOVED
from tests.source_trees import PACKAGE, tree_of

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)

STUBS = {".".join(file.relative_to(ROOT).parts[:-1]): file for file in sorted(PACKAGE.rglob("__init__.pyi"))}
DOTTED = re.compile(r"(?<![\w./-])(?:ck|cnnkit)(?:\.[A-Za-z_]\w*)+")
# What the package itself imports or runs, "cnnkit.zoo.nanos:nano" or a program for another process.
CODE = re.compile(r"cnnkit(?:\.\w+)+:?\w*|.*\bimport main\b.*", flags=re.DOTALL)
COMMAND = re.compile(r"python -m (cnnkit(?:\.\w+)+)")


def stub_names(file: Path) -> set[str]:
    """The names that a stub exports: those of its `from … import name as name`."""
    found = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            assert all(alias.name == alias.asname for alias in node.names), f"{file}: {ast.unparse(node)}"
            found |= {alias.name for alias in node.names}
    return found


def texts() -> Iterator[tuple[str, str]]:
    """(place, text) of all that a reader sees: messages and docstrings, pages and notebooks."""
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and not CODE.fullmatch(node.value):
                yield f"{file.relative_to(ROOT)}:{node.lineno}", node.value
    for file in sorted(ROOT.glob("*.md")):
        yield file.name, file.read_text(encoding="utf-8")
    for file in sorted([*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("assignments/*/*.ipynb")]):
        for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]:
            yield file.name, "".join(cell["source"])


def shown_names() -> dict[str, str]:
    """Every dotted name of cnnkit in these texts, with the first place where it stands."""
    found: dict[str, str] = {}
    for place, text in texts():
        for name in DOTTED.findall(COMMAND.sub("", text)):
            found.setdefault(name.replace("cnnkit.", "ck."), place)
    return found


@cache
def is_listed(module: ModuleType, name: str) -> bool:
    """Whether a module shows a name: its stub lists it, or it has no stub and defines it without an underscore."""
    if module.__name__ in STUBS:
        return name in module.__all__ or name == "__version__"
    return not name.startswith("_") and getattr(getattr(module, name), "__module__", module.__name__) == module.__name__


def public_value(name: str) -> Any:
    """What a dotted name stands for, every step of which is public."""
    value: Any = cnnkit
    for part in name.split(".")[1:]:
        if isinstance(value, ModuleType):
            assert is_listed(value, part), f"{part} is not public in {value.__name__}"
        value = getattr(value, part)
    return value


@pytest.mark.parametrize("example", PYTHON)
def test_examples_parse(example: str) -> None:
    compile(example, "README.md", "exec")


def test_it_names_the_two_commands() -> None:
    assert "make quickstart" in README
    assert "make test" in README


@pytest.mark.parametrize("package", STUBS)
def test_a_stub_lists_what_the_room_gives(package: str) -> None:
    room = importlib.import_module(package)
    assert set(room.__all__) == set(dir(room)) == stub_names(STUBS[package])
    for name in room.__all__:
        assert getattr(room, name) is not None


def test_every_room_that_gives_names_has_a_stub() -> None:
    giving = {
        ".".join(file.relative_to(ROOT).parts[:-1])
        for file in PACKAGE.rglob("__init__.py")
        if "front_door(" in file.read_text(encoding="utf-8")
    }
    assert giving == set(STUBS)


def test_a_package_without_a_stub_gives_no_names() -> None:
    """So the public names are those of the stubs, and no more; the command line is run and not imported."""
    bare = [file for file in PACKAGE.rglob("__init__.py") if not file.with_suffix(".pyi").exists()]
    filled = [file.parent.name for file in bare if len(ast.parse(file.read_text(encoding="utf-8")).body) > 1]
    assert filled == ["cli"]


def test_what_moved_is_found_under_its_former_name_but_not_listed() -> None:
    for package, names in MOVED.items():
        room = importlib.import_module(package)
        for name, place in names.items():
            assert getattr(room, name) is getattr(importlib.import_module(place), name)
            assert name not in room.__all__
            assert name in importlib.import_module(place).__all__


def test_names_in_messages_and_pages_are_public() -> None:
    wrong = []
    for name, place in shown_names().items():
        try:
            public_value(name)
        except (AssertionError, AttributeError) as error:
            wrong.append(f"{name} in {place}: {error}")
    assert wrong == []


def test_modules_that_are_run_by_name_exist() -> None:
    for place, text in texts():
        for name in COMMAND.findall(text):
            assert importlib.util.find_spec(name), f"{name} in {place}"
