"""One hand-in of one student."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cnnkit.course.submissions.identity import ANY, Identity
from cnnkit.course.submissions.place import Place


@dataclass(frozen=True)
class Submission:
    """One hand-in of one student.

    Attributes:
        student: Whose it is, as the platform calls them.
        place: Where its files are.
        submitted: When, an aware time; None where the platform does not tell.
        name: The student's name, where the platform tells it.
        email: The student's address, where the platform tells it.
        late: Whether the platform marks it as late.
        identity: What kind of value `student` is; of any kind by default.
    """

    student: str
    place: Place
    submitted: datetime | None = None
    name: str = ""
    email: str = ""
    late: bool = False
    identity: Identity | None = None

    @property
    def identities(self) -> tuple[Identity, ...]:
        """Everything that tells whose it is, the surest first."""
        first = self.identity or Identity.of(ANY, self.student)
        email = Identity.of("email", self.email)
        return (first, email) if email.value and email != first else (first,)
