"""The room itself: what a teacher reads aloud."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import cnnkit as ck

FILES = sorted(Path(inspect.getfile(ck.primitives)).parent.glob("*.py"))
SLIDE = 25
WITH_BACKWARD = [name.removesuffix("_backward") for name in ck.primitives.__all__ if name.endswith("_backward")]


def body_lines(function: ast.FunctionDef) -> int:
    """Lines of code after the signature and the docstring."""
    first = function.body[1:] if ast.get_docstring(function) else function.body
    return (function.end_lineno or 0) - first[0].lineno + 1 if first else 0


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_longest_function_fits_a_slide(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    lengths = {node.name: body_lines(node) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert {name: lines for name, lines in lengths.items() if lines > SLIDE} == {}


def test_only_numpy_is_imported() -> None:
    code = (
        "import sys, cnnkit.primitives as p\n"
        "for name in p.__all__: getattr(p, name)\n"
        "print(sorted({'pandas', 'keras', 'tensorflow', 'scipy', 'cv2', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "name", [name.removesuffix("_backward") for name in ck.primitives.__all__ if name.endswith("_backward")]
)
def test_every_function_has_a_backward_that_takes_what_it_took(name: str) -> None:
    forward = inspect.signature(getattr(ck.primitives, name)).parameters
    backward = inspect.signature(getattr(ck.primitives, f"{name}_backward")).parameters
    assert next(iter(backward)) == "upstream" or name.endswith("_loss")  # the upstream of a loss is 1
    # A bias and a shift have no part in any gradient; dropout needs its mask, a shuffle its groups.
    needed = [parameter for parameter in backward if parameter != "upstream"]
    assert set(needed) <= set(forward)
    assert set(forward) - set(needed) <= {"bias", "shift", "x"}


def test_every_public_function_says_what_it_does() -> None:
    for name in ck.primitives.__all__:
        assert inspect.getdoc(getattr(ck.primitives, name)), name
