"""The front door: the examples of the README hold what they promise."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import cnnkit

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.parametrize("example", PYTHON)
def test_examples_parse_and_name_only_what_exists(example: str) -> None:
    compile(example, "README.md", "exec")
    for name, attribute in re.findall(r"\bck\.(\w+)(?:\.(\w+))?", example):
        value = getattr(cnnkit, name)
        assert not attribute or hasattr(value, attribute), f"ck.{name}.{attribute}"


def test_it_names_the_two_commands() -> None:
    assert "make quickstart" in README
    assert "make test" in README
