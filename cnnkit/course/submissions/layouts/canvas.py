"""Canvas's download: all files in one folder, each name with the student's and the file's number.

    doejane_1001_50001_model.json
    doejane_LATE_1001_50001_model.json
    anon_a1B2c_50001_model.json          of an assignment that is graded anonymously

Names keep underscores and digits at their end (`x_1003` is one), and file names may begin with numbers, so one name can
read in two ways. What decides, in this order: Canvas's numbers of the class, where they are known; that each file has a
number of its own; that the others of the same student read the same way.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cnnkit.course.submissions.identity import Identity, legible
from cnnkit.course.submissions.layouts.reading import Reading
from cnnkit.course.submissions.place import Place
from cnnkit.course.submissions.submission import Submission
from cnnkit.course.submissions.tree import Tree
from cnnkit.errors import DataError

_COPY = re.compile(r"-\d+(?=\.[^.]+$)")  # what Canvas adds to a name that was handed in before
_ANONYMOUS = re.compile(r"anon(?:ymous)?_(?:(?P<late>LATE)_)?(?P<student>[A-Za-z0-9]{5})_(?P<number>\d+)_(?P<file>.+)")
_LATE = "LATE"


@dataclass(frozen=True)
class _Name:
    """One way to read a name.

    Attributes:
        name: The student's sortable name.
        late: Whether it is marked so.
        student: Canvas's number of the student, or the anonymous one.
        number: Of the file.
        file: Its name.
        kind: Of `student`, as in `Identity`.
    """

    name: str
    late: bool
    student: str
    number: str
    file: str
    kind: str = "id"


def agreement(tree: Tree) -> float:
    """How many of the entries are files named as Canvas names them."""
    entries = len(tree.named) + len(tree.loose)
    return sum(any(_readings(name)) for name in tree.loose) / entries if entries else 0.0


def read(tree: Tree, reading: Reading) -> tuple[list[Submission], list[str]]:
    """The submissions, and the entries that are nobody's.

    Raises:
        DataError: Names that two students could have.
    """
    ways = {name: list(_readings(name)) for name in sorted(tree.loose)}
    ignored = [*tree.named, *(name for name, possible in ways.items() if not possible)]
    chosen = _chosen({name: possible for name, possible in ways.items() if possible}, reading.known)
    members: dict[tuple[str, str], dict[str, tuple[int, str]]] = defaultdict(dict)
    facts: dict[tuple[str, str], _Name] = {}
    late = set()
    for name, parts in chosen.items():
        student = parts.kind, parts.student
        copy = _COPY.search(parts.file)
        version = int(copy[0][1:]) if copy else 0
        file = _COPY.sub("", parts.file)
        if version >= members[student].get(file, (0, ""))[0]:  # of one name the last that was handed in
            members[student][file] = (version, tree.loose[name])
        facts[student] = parts
        if parts.late:
            late.add(student)
    return [
        Submission(
            student[1],
            Place(str(tree.root), {file: member for file, (_, member) in files.items()}),
            name="" if student[0] == "anonymous" else legible(facts[student].name),
            late=student in late,
            identity=Identity.of(student[0], student[1], platform="canvas"),
        )
        for student, files in members.items()
    ], ignored


def _readings(text: str) -> Iterator[_Name]:
    """Every way to read a name.

    Canvas replaces a number between underscores within a student's name, so only the last part of it can be one.
    """
    anonymous = _ANONYMOUS.fullmatch(text)
    if anonymous and not anonymous["student"].isdecimal():
        late = anonymous["late"] is not None
        yield _Name("", late, anonymous["student"], anonymous["number"], anonymous["file"], "anonymous")
        return
    parts = text.split("_")
    numbers = [place for place, part in enumerate(parts) if place and _is_number(part)]
    for place in numbers[:2]:
        file = "_".join(parts[place + 2 :])
        late = parts[place - 1] == _LATE and place > 1
        name = "_".join(parts[: place - late])
        inner = parts[1 : place - late - 1]
        if file and _is_number(parts[place + 1]) and not any(map(_is_number, inner)):
            yield _Name(name, late, parts[place], parts[place + 1], file)


def _chosen(ways: Mapping[str, Sequence[_Name]], known: frozenset[str]) -> dict[str, _Name]:
    """The one way that each name is read.

    Raises:
        DataError: Where two are as likely.
    """
    certain = {name: possible[0] for name, possible in ways.items() if len(possible) == 1}
    students = {parts.student for parts in certain.values()} | known
    used = Counter(parts.number for possible in ways.values() for parts in possible)
    open_names = {name: possible for name, possible in ways.items() if len(possible) > 1}
    rules: tuple[Callable[[_Name], bool], ...] = (
        lambda parts: parts.student in known,
        lambda parts: used[parts.number] == 1,  # one file, one number: what several share is a student's
        lambda parts: parts.student in students,
    )
    doubtful = []
    for name, possible in open_names.items():
        left = list(possible)
        for rule in rules:
            agreeing = [parts for parts in left if rule(parts)]
            left = agreeing or left
        if len({parts.student for parts in left}) > 1:
            doubtful.append(f"{legible(name)}: {' or '.join(parts.student for parts in left)}")
        certain[name] = left[0]
    if doubtful:
        raise DataError(
            "names that tell whose each file is",
            f"{len(doubtful)} that two students could have, first {'; '.join(doubtful[:3])}",
            "Give a roster with Canvas's IDs (Canvas: Grades, Export), or rename the files of that student.",
        )
    return certain


def _is_number(part: str) -> bool:
    return part.isascii() and part.isdecimal()
