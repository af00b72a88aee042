"""The inbox: what was handed in, by whom and when, in whichever form a course's platform gives it away.

    layout      recognised by                                    student                       time
    gradescope  submission_metadata.yml                          :sid, else :email             :created_at
    canvas      names like doejane_LATE_123_456_model.json       the first number: Canvas ID   LATE, or nothing
    moodle      names like Jane Doe_123_assignsubmission_file    the number: participant       –
    folders     a folder each                                    the folder's name             submissions.csv

Each is read from a folder or from the platform's zip, without unpacking it. A layout is recognised only if most of the
inbox agrees: one student's name must not decide how the others are read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from cnnkit.course.submissions.identity import legible
from cnnkit.course.submissions.layouts import canvas, folders, gradescope, moodle
from cnnkit.course.submissions.layouts.reading import Reading
from cnnkit.course.submissions.submission import Submission
from cnnkit.course.submissions.tree import Tree, read_tree
from cnnkit.errors import DataError, unknown_name


@dataclass(frozen=True)
class Inbox:
    """All that was handed in.

    Attributes:
        layout: Which form it has.
        submissions: In the order of student and time.
        ignored: Names of entries that belong to nobody.
        agreement: How many of the entries are as the layout has them, 0…1.
    """

    layout: str
    submissions: tuple[Submission, ...]
    ignored: tuple[str, ...] = ()
    agreement: float = 1.0


@dataclass(frozen=True)
class Layout:
    """A form that an inbox can have.

    Attributes:
        agreement: How many of the entries are as it has them, 0…1.
        read: Finds the submissions.
    """

    agreement: Callable[[Tree], float]
    read: Callable[[Tree, Reading], tuple[list[Submission], list[str]]]


LAYOUTS: Mapping[str, Layout] = {
    "gradescope": Layout(gradescope.agreement, gradescope.read),
    "canvas": Layout(canvas.agreement, canvas.read),
    "moodle": Layout(moodle.agreement, moodle.read),
    "folders": Layout(folders.agreement, folders.read),
}
"""In the order in which they are tried; the last fits everything."""


def read_inbox(
    path: str | Path, *, layout: str | None = None, zone: tzinfo = UTC, known: Collection[str] = ()
) -> Inbox:
    """Finds the submissions of an inbox.

    Args:
        path: A folder, or the zip that Gradescope, Canvas or Moodle gives.
        layout: A key of `LAYOUTS`; by default the first that more than half of the entries agree with.
        zone: Of times that name none.
        known: Canvas's numbers of the class, where they are known: they decide how a name with several numbers reads.

    Raises:
        DataError: No inbox, a damaged zip, or a table or metadata that does not fit.
        UnknownNameError: No such layout.
    """
    if layout is not None and layout not in LAYOUTS:
        raise unknown_name("a layout", layout, LAYOUTS)
    tree = read_tree(Path(path))
    shares = {name: each.agreement(tree) for name, each in LAYOUTS.items()}
    chosen = layout or next((name for name, share in shares.items() if share > 1 / 2), "folders")
    if layout is not None and layout != "folders" and not shares[layout]:
        raise DataError(f"an inbox as {layout} gives it at {path}", "no entry that is named so", "Leave --layout out.")
    submissions, ignored = LAYOUTS[chosen].read(tree, Reading(zone, frozenset(known)))
    ordered = sorted(submissions, key=_by_student_and_time)
    return Inbox(chosen, tuple(ordered), tuple(sorted(map(legible, ignored))), shares[chosen])


def _by_student_and_time(submission: Submission) -> tuple[str, datetime, str]:
    first = datetime.min.replace(tzinfo=UTC)
    return submission.student, submission.submitted or first, submission.place.root
