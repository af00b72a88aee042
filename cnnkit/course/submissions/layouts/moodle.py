"""Moodle's download: names with the participant's number, a folder for each student or all files in one.

    Jane Doe_123_assignsubmission_file_/model.json
    Jane Doe_123_assignsubmission_file_model.json
    Jane Doe_123_assignsubmission_onlinetext_/onlinetext.html

What a student typed into Moodle's online text is no file of the submission and stays aside.
"""

from __future__ import annotations

import re

from cnnkit.course.submissions.identity import Identity, normalized
from cnnkit.course.submissions.layouts.reading import Reading
from cnnkit.course.submissions.place import Place
from cnnkit.course.submissions.submission import Submission
from cnnkit.course.submissions.tree import Tree

_NAME = re.compile(r"(?P<name>.+)_(?P<student>\d+)_assignsubmission_(?P<plugin>[^_]*)_?(?P<file>.*)", re.DOTALL)
_FILES, _OWN_PLUGINS = "file", ("file", "onlinetext")


def agreement(tree: Tree) -> float:
    """How many of the entries are named as Moodle names them."""
    entries = [*tree.named, *tree.loose]
    return sum(_match(entry) is not None for entry in entries) / len(entries) if entries else 0.0


def read(tree: Tree, reading: Reading) -> tuple[list[Submission], list[str]]:
    """The submissions, and the entries that are nobody's."""
    places: dict[str, Place] = {}
    names: dict[str, str] = {}
    members: dict[str, dict[str, str]] = {}
    ignored = []
    for entry in [*tree.named, *tree.loose]:
        match = _match(entry)
        if match is None:
            ignored.append(entry)
            continue
        student = match["student"]
        names[student] = normalized(match["name"])
        if match["plugin"] != _FILES:  # only that there was something is kept: a student with a text alone handed in
            members.setdefault(student, {})
        elif entry in tree.loose:
            members.setdefault(student, {})[match["file"]] = tree.loose[entry]
        else:
            places[student] = tree.place(entry)
    places |= {student: Place(str(tree.root), files) for student, files in members.items() if student not in places}
    return [
        Submission(student, place, name=names[student], identity=Identity.of("participant", student, platform="moodle"))
        for student, place in places.items()
    ], ignored


def _match(entry: str) -> re.Match[str] | None:
    match = _NAME.fullmatch(entry)
    return match if match is not None and match["plugin"] in _OWN_PLUGINS else None
