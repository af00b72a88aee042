"""Whose each submission is: the inbox's names against the roster's, and what a person has decided.

Nobody gets somebody else's grade, and nobody is "missing" because a name is written in another way: where that could
be, nothing is graded and a list says what has to be decided.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cnnkit.course.grading.directory import Directory, Match
from cnnkit.course.grading.gradebooks.sheet import written
from cnnkit.course.grading.roster import Roster, Student
from cnnkit.course.submissions.identity import loose, normalized
from cnnkit.course.submissions.submission import Submission
from cnnkit.course.submissions.table_file import parse_table
from cnnkit.errors import DataError

NOBODY = "-"
_SHOWN = 10


@dataclass(frozen=True)
class _Doubt:
    """A submission that could be of several students, or of one who is written in another way."""

    submission: Submission
    students: tuple[Student, ...]

    def __str__(self) -> str:
        named = f" ({self.submission.name})" if self.submission.name else ""
        candidates = " or ".join(f"{each.student!r} ({each.name})" for each in self.students)
        return f"{self.submission.student!r}{named} could be {candidates}"


def enrolled_students(
    submissions: Sequence[Submission], roster: Roster | None, decided: Mapping[str, str] | None = None
) -> list[Student]:
    """The student of each submission.

    Args:
        submissions: Of an inbox.
        roster: Who is enrolled; without it, everybody who handed in is.
        decided: A submission's `student` → the roster's, or `NOBODY`: what a person has decided.

    Raises:
        DataError: Some could be of several students, or of one who is written in another way; the message lists them.
    """
    if roster is None:
        return [_stranger(each, enrolled=True) for each in submissions]
    by_name = {each.student: each for each in roster.students}
    chosen = _chosen(decided or {}, by_name)
    directory = Directory((each, each.known_as) for each in roster.students)
    found = _matches(submissions, directory)
    students: list[Student] = []
    doubts: list[_Doubt] = []
    for submission, match in zip(submissions, found, strict=True):
        if submission.student in chosen:
            students.append(chosen[submission.student] or _stranger(submission))
        elif len(match.owners) == 1:
            students.append(match.owners[0])
        else:
            students.append(_stranger(submission))
            if match.owners:
                doubts.append(_Doubt(submission, match.owners))
    settled = [submission for submission in submissions if submission.student in chosen]
    doubts += _other_spellings(submissions, students, roster, {each.student for each in settled} | _names(doubts))
    if doubts:
        raise _undecided(doubts)
    return students


def read_decided(path: str | Path) -> dict[str, str]:
    """Reads what a person has decided: CSV with the columns `submission` and `student`.

    Args:
        path: The file. A `-` as the student means that the submission is nobody's in the roster.

    Raises:
        DataError: No such table.
    """
    try:
        table = parse_table(Path(path).read_bytes(), str(path))
    except OSError as error:
        raise DataError(f"decisions in {path}", str(error), "Write the table that the message showed.") from error
    if not {"submission", "student"} <= set(table.heading):
        raise DataError(f"the columns submission and student in {path}", f"{list(table.heading)}", "Name them so.")
    return {normalized(row["submission"]): normalized(row["student"]) for _, row in table.records()}


def _matches(submissions: Sequence[Submission], directory: Directory[Student]) -> list[Match[Student]]:
    """Whom each submission leads to.

    A roster whose columns are named in another way may not have the kind of value that the platform gives. Then values
    of any kind are compared, but only if most of them fit: a few that do are other people's numbers.
    """
    found = [directory.find(each.identities) for each in submissions]
    unknown = [
        place
        for place, each in enumerate(submissions)
        if not found[place].owners and (each.identities[0].platform, each.identities[0].kind) not in directory.kinds
    ]
    others = {place: directory.find(submissions[place].identities, of_any_kind=True) for place in unknown}
    fitting = sum(len(match.owners) == 1 for match in others.values())
    if 2 * fitting > len(unknown):
        for place, match in others.items():
            found[place] = match
    return found


def _other_spellings(
    submissions: Sequence[Submission], students: Sequence[Student], roster: Roster, settled: set[str]
) -> list[_Doubt]:
    """Strangers who are called nearly as somebody of whom nothing is there."""
    present = {student.student for student in students if student.enrolled}
    spellings: dict[str, list[Student]] = defaultdict(list)
    for student in roster.students:
        if student.student not in present:
            for spelling in {loose(text) for text in (student.name, *(each.value for each in student.known_as))}:
                spellings[spelling].append(student)
    doubts = []
    for submission, student in zip(submissions, students, strict=True):
        if student.enrolled or submission.student in settled:
            continue
        texts = {loose(text) for text in (submission.student, submission.name, submission.email)} - {""}
        close = {each.student: each for text in texts for each in spellings.get(text, ())}
        if close:
            doubts.append(_Doubt(submission, tuple(close.values())))
    return doubts


def _chosen(decided: Mapping[str, str], roster: Mapping[str, Student]) -> dict[str, Student | None]:
    unknown = sorted({student for student in decided.values() if student != NOBODY} - set(roster))
    if unknown:
        raise DataError(
            "students of the roster among the decisions",
            f"{unknown[:3]}",
            f"Write them as the roster does, or {NOBODY}.",
        )
    return {submission: roster.get(student) for submission, student in decided.items()}


def _stranger(submission: Submission, *, enrolled: bool = False) -> Student:
    return Student(submission.student, submission.name, submission.email, submission.identities, enrolled)


def _names(doubts: Iterable[_Doubt]) -> set[str]:
    return {doubt.submission.student for doubt in doubts}


def _undecided(doubts: Sequence[_Doubt]) -> DataError:
    lines = "\n".join(f"{written(doubt.submission.student)},{written(doubt.students[0].student)}" for doubt in doubts)
    shown = "; ".join(map(str, doubts[:_SHOWN]))
    return DataError(
        "submissions that belong to one student each",
        f"{len(doubts)} that a person has to decide on: {shown}",
        "Nothing was graded. Correct the roster, or write a table like this, with - for nobody's, and give it with "
        f"--identities FILE:\nsubmission,student\n{lines}",
    )
