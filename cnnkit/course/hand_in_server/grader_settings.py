"""What a grader is started with: what the server knows of it, without importing what grades."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Secrets:
    """What only the grader reads.

    Attributes:
        labels: The secret labels.
        ledger: A file or a URL.
        key: The key that seals the ledger.
        roster: Who is enrolled; None for everybody who handed in.
        canvas: Canvas's gradebook export, to fill in.
        moodle: Moodle's grading worksheet, to fill in.
    """

    labels: str
    ledger: str
    key: str
    roster: str | None = None
    canvas: str | None = None
    moodle: str | None = None


@dataclass(frozen=True)
class GraderSettings:
    """What a grader is started with, as JSON.

    Attributes:
        folder: Of the server.
        assignment: Its folder.
        database: A URL, or None for a file in the folder.
        secrets: Labels, ledger, key, roster and exports.
        workers: How many processes.
        isolation: See `Sandbox.open`.
        require: The weakest isolation that is good enough.
    """

    folder: str
    assignment: str
    database: str | None
    secrets: Secrets
    workers: int
    isolation: str = "auto"
    require: str | None = None

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> GraderSettings:
        """The settings of such a line."""
        values = json.loads(text)
        return cls(**{**values, "secrets": Secrets(**values["secrets"])})
