"""The code of a submission: read, never run.

A notebook has to be one, with code in it; a script has to be Python. Neither is imported, executed or rendered.
"""

from __future__ import annotations

import symtable
import warnings
from dataclasses import replace
from typing import Any

from cnnkit.course.submissions.findings import Finding, RefusedError, shown
from cnnkit.course.submissions.python_source import decode_source, has_code, older_source, plain_source
from cnnkit.course.submissions.strict_json import parse_json

DEPTH = 64
MOST_VALUES = 1_000_000  # interactive plots keep their points
MOST_CELLS = 10_000
LATEST_MINOR = 5  # of format 4; a later one is read like this
SAMPLE = 20  # items of a list that are compared with the schema
CHECKED_VALUES = 20_000  # 40 microseconds each: of a larger notebook the schema is not checked, which is advice only
_SAVE_AGAIN = "Open it in Jupyter or Colab and save it again."


def check_notebook(data: bytes, *, file: str) -> tuple[Finding, ...]:
    """What speaks against a notebook. Never raises, whatever the bytes are.

    Args:
        data: The whole file; its size was limited before it was read.
        file: Its name, for the findings.
    """
    try:
        document = parse_json(data, depth=DEPTH, values=MOST_VALUES)
        _require_code(document)
    except RefusedError as error:
        return (error.finding(file),)
    return _schema_advice(document, file)


def check_script(data: bytes, *, file: str) -> tuple[Finding, ...]:
    """What speaks against a script. Never raises, whatever the bytes are; nothing of it is run.

    Args:
        data: The whole file; its size was limited before it was read.
        file: Its name, for the findings.
    """
    try:
        text, declared = decode_source(data)
        plain, cells = plain_source(text)
        _parse(plain)
    except RefusedError as error:
        return (error.finding(file),)
    except SyntaxError as error:
        if cells:
            return (replace(_CELLS, file=file),)
        where = f" in line {error.lineno}" if error.lineno else ""
        said = f"{shown(str(error.msg))}{where}"
        return (Finding("script-syntax", file, "a Python script", said, "Run it once: python FILE."),)
    except (MemoryError, RecursionError, ValueError):
        # The parser's own limits for brackets, operators and blocks within one another.
        return (
            Finding(
                "script-depth", file, "expressions that Python can read", "deeper ones", "Write shorter expressions."
            ),
        )
    if not has_code(text):
        return (Finding("script-empty", file, "code", "none", "Hand in the script that trained the model."),)
    return () if declared else (replace(_ENCODING, file=file),)


def _parse(text: str) -> None:
    """Raises where this is no Python; a table of symbols takes half the memory of a tree."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Python thinks of a student's escapes
        try:
            symtable.symtable(text, "script", "exec")
        except SyntaxError:
            symtable.symtable(older_source(text), "script", "exec")


_ENCODING = Finding(
    "script-encoding",
    "",
    "text in UTF-8, or a first line that names its encoding",
    "another encoding",
    "Save it as UTF-8.",
    blocking=False,
)
_CELLS = Finding(
    "script-unread",
    "",
    "Python",
    "cells in another language (%%), whose end cannot be told",
    "Whoever grades reads it.",
    blocking=False,
)


def _require_code(document: Any) -> None:
    cells = document.get("cells") if isinstance(document, dict) else None
    if not isinstance(cells, list) or document.get("nbformat") != 4:
        raise RefusedError(
            "notebook-format",
            "a Jupyter notebook of format 4 with cells",
            f"format {shown(document.get('nbformat'))}" if isinstance(document, dict) else shown(document),
            _SAVE_AGAIN,
        )
    if len(cells) > MOST_CELLS or not all(_is_cell(cell) for cell in cells):
        raise RefusedError(
            "notebook-format",
            f"at most {MOST_CELLS:,} cells, each with a type and its source as text",
            f"{len(cells):,} cells, not all of this form",
            _SAVE_AGAIN,
        )
    if not any(cell["cell_type"] == "code" and "".join(cell["source"]).strip() for cell in cells):
        raise RefusedError("notebook-empty", "cells with code", "none", "Hand in the notebook that trained the model.")


def _is_cell(cell: Any) -> bool:
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
        return False
    source = cell.get("source")
    return isinstance(source, str) or (isinstance(source, list) and all(isinstance(line, str) for line in source))


def _schema_advice(document: dict[str, Any], file: str) -> tuple[Finding, ...]:
    """Colab and others write notebooks that nbformat's schema refuses and every program opens: advice, no reason."""
    import nbformat

    sample = _sample(document)
    if _values_in(sample) > CHECKED_VALUES:
        return ()
    declared = document.get("nbformat_minor")
    minor = declared if type(declared) is int and 0 <= declared < LATEST_MINOR else LATEST_MINOR
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cells without an id, which older notebooks have
            nbformat.validate(sample, version=4, version_minor=minor)
    except Exception as error:  # nbformat 5.11 raises TypeError where an id is a list, and more of the kind
        reason = shown(str(error).strip().split("\n", maxsplit=1)[0], 120)
        return (Finding("notebook-schema", file, "a notebook of nbformat 4", reason, _SAVE_AGAIN, blocking=False),)
    return ()


def _sample(value: Any) -> Any:
    """The same with the first items of each list, except of the lists that differ from item to item."""
    if isinstance(value, list):
        return [_sample(item) for item in value[:SAMPLE]]
    if not isinstance(value, dict):
        return value
    return {
        key: [_sample(item) for item in inner]
        if key in ("cells", "outputs") and isinstance(inner, list)
        else _sample(inner)
        for key, inner in value.items()
    }


def _values_in(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(_values_in, inner))
