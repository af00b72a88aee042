"""The shape of the code: modules and functions that are read at one sitting, and nothing that stands twice."""

from __future__ import annotations

import ast
import math
import re
from collections import defaultdict
from collections.abc import Iterator

from tests.source_trees import PACKAGE, tree_of

FILES = {
    file.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", "."): file
    for file in sorted(PACKAGE.rglob("*.py"))
}
LINES = {name: file.read_text("utf-8").splitlines() for name, file in FILES.items()}
MODULE_LINES = 300  # nine modules in ten have no more
FUNCTION_LINES = 60  # of a body, without its docstring
SAME_LINES = 6

# Functions that may be longer: each only describes, one row or one layer after another. `zoo` needs none so far.
DESCRIPTIONS = {
    "heads.classifier_arguments._conditions",  # a row for each condition on the fields of a classifier
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def body_lines(function: Function) -> int:
    """Lines from the first statement behind the docstring to the last."""
    body = function.body[ast.get_docstring(function) is not None :]
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def words_and_lists(tree: ast.AST) -> Iterator[range]:
    """Lines that have to be repeated: imports, signatures, docstrings, and the fields of a dataclass."""
    for node in ast.walk(tree):
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if text or isinstance(node, ast.Import | ast.ImportFrom | ast.AnnAssign):
            yield range(node.lineno, (node.end_lineno or 0) + 1)
        elif isinstance(node, Function):
            yield range(node.lineno, node.body[0].lineno)


def code_lines(name: str) -> list[tuple[int, str]]:
    """(number, line) of what does something; lone punctuation, comments and `@property` do nothing."""
    passed_over = {number for lines in words_and_lists(tree_of(FILES[name])) for number in lines}
    numbered = ((number, line.strip()) for number, line in enumerate(LINES[name], start=1))
    return [
        (number, line)
        for number, line in numbered
        if number not in passed_over and re.search(r"\w", line) and not line.startswith("#") and line != "@property"
    ]


def test_nine_modules_in_ten_are_short() -> None:
    lengths = sorted(len(lines) for lines in LINES.values())
    assert lengths[math.ceil(0.9 * len(lengths)) - 1] <= MODULE_LINES


def test_functions_are_short_but_for_descriptions() -> None:
    long = {
        f"{module}.{node.name}": lines
        for module, file in FILES.items()
        for node in ast.walk(tree_of(file))
        if isinstance(node, Function) and (lines := body_lines(node)) > FUNCTION_LINES
    }
    assert {name: lines for name, lines in long.items() if name not in DESCRIPTIONS} == {}


def test_nothing_stands_twice() -> None:
    places: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name in LINES:
        lines = code_lines(name)
        for start in range(len(lines) - SAME_LINES + 1):
            run = lines[start : start + SAME_LINES]
            places[tuple(line for _, line in run)].append(f"{name}:{run[0][0]}-{run[-1][0]}")
    assert [where for where in places.values() if len(where) > 1] == []
