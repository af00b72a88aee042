"""Which file of a submission is which: by name and kind alone, before a byte is read.

Only regular files count: a link leads elsewhere, a FIFO waits for ever, a device never ends.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from cnnkit.course.submissions.assignment import ROLES, Assignment
from cnnkit.course.submissions.findings import Finding, shown
from cnnkit.course.submissions.place import FILE, Entry, Place
from cnnkit.errors import nearest

MOST_ENTRIES = 100
LONGEST_NAME = 100


def find_files(folder: Path, assignment: Assignment) -> tuple[dict[str, str], list[Finding]]:
    """Looks at a submission's folder; opens no file. See `assigned`."""
    try:
        with Place(str(folder)).opened() as place:
            entries = place.entries(MOST_ENTRIES)
    except OSError as error:
        return {}, [no_folder(error)]
    return assigned(entries, assignment)


def assigned(entries: Sequence[Entry], assignment: Assignment) -> tuple[dict[str, str], list[Finding]]:
    """Says which file is which.

    Args:
        entries: What lies in one student's submission.
        assignment: Which names files may have, and how large they may be.

    Returns:
        Role ("model", "weights", "predictions", "notebook", "script") → name, of the files that may be read: regular
        ones within their size, one a role; and what speaks against the submission.
    """
    if len(entries) > MOST_ENTRIES:
        return {}, [_too_many()]
    names: dict[str, str] = {}
    findings: list[Finding] = []
    seen: set[str] = set()
    for entry in entries:
        role = assignment.files.role(entry.name)
        if role == "ignored":
            continue
        wrong = [*_name_findings(entry.name, role, assignment), *_file_findings(entry, role, assignment)]
        if role is not None:
            if role in names:
                wrong.append(_twice(role, names[role], entry.name))
            if not wrong:
                names[role] = entry.name
            seen.add(role)
        findings += wrong
    findings += _missing(seen, assignment)
    return names, findings


def _name_findings(name: str, role: str | None, assignment: Assignment) -> Iterator[Finding]:
    if _printable(name) != name:
        yield Finding(
            "file-name",
            _printable(name),
            f"names of at most {LONGEST_NAME} printable characters",
            "control characters, marks that turn the text's direction, or a longer name",
            "Rename the file.",
        )
    elif role is None:
        wanted = [pattern for each in ROLES for pattern in getattr(assignment.files, each)]
        close = nearest(name, wanted, count=1)
        yield Finding(
            "file-unexpected",
            name,
            f"only the files of the assignment: {', '.join(wanted)}",
            shown(name),
            f"Did you mean {close[0]}? Rename it." if close else "Leave it out.",
        )


def _printable(name: str) -> str:
    """A name that can be shown as it is, or its escaped form."""
    safe = len(name) <= LONGEST_NAME and not any(unicodedata.category(letter).startswith("C") for letter in name)
    return name if safe else shown(name)


def _file_findings(entry: Entry, role: str | None, assignment: Assignment) -> Iterator[Finding]:
    if entry.kind != FILE:
        yield Finding(
            "file-kind",
            _printable(entry.name),
            "regular files, in no folders",
            entry.kind,
            "Put copies of the files themselves into the folder.",
        )
    elif role is not None and entry.size > (limit := assignment.limits.bytes_of(role)):
        yield Finding(
            "file-size", _printable(entry.name), f"at most {limit:,} bytes", f"{entry.size:,} bytes", _SMALLER[role]
        )


_SMALLER = {
    "model": "Choose a smaller network.",
    "weights": "Save the weights without the optimizer: load the model anew, model.save_weights('model.weights.h5').",
    "predictions": "Write one float32 column: cnnkit predict does.",
    "notebook": "Clear the outputs that hold pictures.",
    "script": "Keep data out of the script.",
}


def _missing(there: set[str], assignment: Assignment) -> Iterator[Finding]:
    for role in ("model", "weights", "predictions"):
        if role not in there:
            names = " or ".join(getattr(assignment.files, role))
            yield Finding("file-missing", "", f"the {role}: {names}", "no such file", "Put it into the folder.")
    if assignment.files.code_required and not there & {"notebook", "script"}:
        wanted = ", ".join((*assignment.files.notebook, *assignment.files.script))
        yield Finding(
            "file-missing", "", f"the code that trained the model: {wanted}", "no such file", "Put it into the folder."
        )


def _twice(role: str, first: str, second: str) -> Finding:
    return Finding(
        "file-twice", _printable(second), f"one {role}", f"{shown(first)} and {shown(second)}", "Leave out one of them."
    )


def _too_many() -> Finding:
    return Finding(
        "file-count", "", f"at most {MOST_ENTRIES} files", "more", "Leave out all but the files of the assignment."
    )


def no_folder(error: OSError) -> Finding:
    """What is said where there is no folder to look at."""
    return Finding("folder-missing", "", "a folder with a submission", error.strerror or "none", "Name the folder.")
