"""The code of a submission: read, never run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnkit.course.submissions.notebook import check_notebook, check_script
from tests.course.submissions.honest_scripts import HONEST_SCRIPTS
from tests.course.submissions.valid import NOTEBOOK, SCRIPT

NOTEBOOKS = sorted((Path(__file__).parents[3] / "notebooks").glob("*.ipynb"))


def notebook_checks(data: bytes) -> list[str]:
    return [finding.check for finding in check_notebook(data, file="train.ipynb")]


def script_checks(data: bytes) -> list[str]:
    return [finding.check for finding in check_script(data, file="train.py")]


def test_a_notebook_of_nbformat_itself() -> None:
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("%matplotlib inline\n!ls\nx = 1")])
    assert notebook_checks(nbformat.writes(book).encode()) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_our_own_notebooks(path: Path) -> None:
    assert notebook_checks(path.read_bytes()) == []


def test_an_older_notebook_without_ids() -> None:
    cell = {key: value for key, value in NOTEBOOK["cells"][0].items() if key != "id"}
    assert notebook_checks(json.dumps({**NOTEBOOK, "nbformat_minor": 2, "cells": [cell]}).encode()) == []


@pytest.mark.parametrize("minor", [None, "5", 10**9, True])
def test_a_schema_that_does_not_fit_is_advice(minor: Any) -> None:
    book = {**NOTEBOOK, "nbformat_minor": minor, "metadata": {"kernelspec": 7}}
    (finding,) = check_notebook(json.dumps(book).encode(), file="train.ipynb")
    assert (finding.check, finding.blocking) == ("notebook-schema", False)


def test_a_script() -> None:
    assert script_checks(SCRIPT.encode()) == []
    assert script_checks(b'pattern = "\\d"  # Python warns of this escape\n') == []
    assert script_checks("# -*- coding: latin-1 -*-\nname = 'é'\n".encode("latin-1")) == []
    assert script_checks(b"\xef\xbb\xbfx = 1\n") == []


@pytest.mark.parametrize("name", HONEST_SCRIPTS)
def test_an_honest_script_is_not_refused(name: str) -> None:
    data, advice = HONEST_SCRIPTS[name]
    findings = check_script(data, file="train.py")
    assert tuple(finding.check for finding in findings) == advice
    assert not any(finding.blocking for finding in findings)


UNREADABLE = {
    "an f-string without its end": b'x = f"{a"\n',
    "a field without its end": b"f'{",
    "an f-string a thousand deep": b"f'{" * 1_000,
    "an encoding that is slow to read": b"# coding: punycode\nx = 1",
    "UTF-16": "x = 1".encode("utf-16"),
    "type parameters without their end": b"def f[T(x): pass",
    "an error on the line of a comparison": b"x = 1 %\n",
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_no_python_reads_is_refused(name: str) -> None:
    assert script_checks(UNREADABLE[name]) == ["script-syntax"]


def test_the_line_of_an_error_is_that_of_the_file() -> None:
    (finding,) = check_script(b'x = f"""{\n1\n}"""\n!ls\nx = = 1\n', file="train.py")
    assert finding.received == "'invalid syntax' in line 5"


def test_nothing_of_a_script_is_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    assert script_checks(f"open({str(mark)!r}, 'w')\n".encode()) == []
    assert not mark.exists()


DEEP = {
    "parentheses": b"(" * 10_000 + b"1" + b")" * 10_000,
    "lists": b"[" * 199 + b"]" * 199,
    "signs": b"-" * 100_000 + b"1",
    "not": b"not " * 100_000 + b"1",
    "attributes": b"a" + b".b" * 100_000,
    "indices": b"a" + b"[0]" * 100_000,
    "calls": b"a" + b"()" * 100_000,
    "sums": b"1" + b"+1" * 100_000,
    "powers": b"1" + b"**1" * 50_000,
    "lambdas": b"lambda:" * 50_000 + b"1",
    "conditions": b"1 if 1 else " * 30_000 + b"1",
    "elif": b"if 1:\n pass\n" + b"elif 1:\n pass\n" * 30_000,
    "blocks": b"".join(b" " * depth + b"if 1:\n" for depth in range(150)) + b" " * 150 + b"pass",
    "comparisons": b"1" + b"<1" * 100_000,
    "targets": b"a=" * 100_000 + b"1",
    "strings": b'"a" ' * 100_000,
    "patterns": b"match a:\n case " + b"[" * 5000 + b"]" * 5000 + b": pass",
    "formats": b'f"{f\'{f"""{1}"""}\'}"',
}


@pytest.mark.parametrize("name", DEEP)
def test_deep_code_ends_in_a_finding_and_never_ends_the_interpreter(name: str) -> None:
    code = (
        "import sys; from cnnkit.course.submissions.notebook import check_script; "
        "print([finding.check for finding in check_script(sys.stdin.buffer.read(), file='f')])"
    )
    done = subprocess.run([sys.executable, "-c", code], input=DEEP[name], capture_output=True, check=True)
    assert done.stdout.decode().strip() in ("[]", "['script-depth']", "['script-size']", "['script-syntax']")


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    for finding in (*check_script(data, file="f"), *check_notebook(data, file="f")):
        assert str(finding).isprintable()


@settings(max_examples=100, deadline=None)
@given(
    st.fixed_dictionaries(
        {"nbformat": st.just(4), "cells": st.just(NOTEBOOK["cells"])},
        optional={
            "metadata": st.dictionaries(st.text(max_size=9), st.none() | st.integers() | st.text(max_size=9)),
            "nbformat_minor": st.integers() | st.text(max_size=3) | st.lists(st.none(), max_size=1),
            "worksheets": st.lists(st.integers(), max_size=2),
        },
    )
)
def test_any_frame_of_a_notebook(book: dict[str, Any]) -> None:
    for finding in check_notebook(json.dumps(book).encode(), file="f"):
        assert str(finding).isprintable()
