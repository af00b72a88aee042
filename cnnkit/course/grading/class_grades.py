"""From decisions to grades: what each student's submissions came to, and the rows of the class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from cnnkit.course.grading.attempts import Attempt
from cnnkit.course.grading.decisions import Candidate, Decision
from cnnkit.course.grading.graded import AttemptRecord, StudentGrade
from cnnkit.course.grading.labels import Labels
from cnnkit.course.grading.points import Result, class_grades
from cnnkit.course.grading.roster import Roster
from cnnkit.course.submissions.assignment import Assignment


def attempts_of(tries: Iterable[Candidate], decisions: Mapping[Candidate, Decision]) -> list[Attempt]:
    """A student's submissions with what they came to so far."""
    attempts = []
    for each in tries:
        attempt = Attempt(each.submission.submitted, each.submission.late)
        if each in decisions:
            verdict = decisions[each].verdict
            attempt = replace(attempt, outcome=verdict.outcome, correct=verdict.correct)
        attempts.append(attempt)
    return attempts


def attempt_records(tries: Iterable[Candidate], decisions: Mapping[Candidate, Decision]) -> tuple[AttemptRecord, ...]:
    """The same, as the ledger keeps it."""
    return tuple(
        AttemptRecord(each.submission.submitted, each.submission.late, decisions[each].key if each in decisions else "")
        for each in tries
    )


def student_grades(
    chosen: Mapping[str, Decision],
    attempts: Mapping[str, tuple[AttemptRecord, ...]],
    flags: Mapping[str, Sequence[str]],
    labels: Labels,
    roster: Roster | None,
    assignment: Assignment,
) -> list[StudentGrade]:
    """Every student's grade, in the order of their identifiers."""
    results = [
        attempt.result(student, enrolled=decision.candidate.student.enrolled)
        for student, decision in chosen.items()
        for attempt in attempts_of([decision.candidate], {decision.candidate: decision})
    ]
    absent = {each.student: each for each in (roster.students if roster else ()) if each.student not in chosen}
    results += [Result(student, "missing") for student in absent]
    students = []
    for grade in class_grades(results, assignment):
        decided = chosen.get(grade.student)
        students.append(
            StudentGrade(
                student=absent[grade.student] if decided is None else decided.candidate.student,
                pseudonym=labels.pseudonym(grade.student),
                grade=grade,
                submitted=None if decided is None else decided.candidate.submission.submitted,
                decision="" if decided is None else decided.key,
                verdict=None if decided is None else decided.verdict,
                flags=tuple(flags.get(grade.student, ())),
                attempts=attempts.get(grade.student, ()),
            )
        )
    return students
