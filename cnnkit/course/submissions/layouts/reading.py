"""What every layout needs to know to be read, and how it reads a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from cnnkit.errors import DataError


@dataclass(frozen=True)
class Reading:
    """How an inbox is read.

    Attributes:
        zone: Of times that name none.
        known: Canvas's numbers of the class, where they are known.
    """

    zone: tzinfo = UTC
    known: frozenset[str] = frozenset()

    def time(self, value: object, *, zone: tzinfo | None = None) -> datetime | None:
        """A time from metadata: ISO 8601 text or YAML's own; of the course's zone where it names none.

        Args:
            value: The time; None or "" for none.
            zone: Of times that name none, where the platform states it.

        Raises:
            DataError: No time.
        """
        if value is None or value == "":
            return None
        try:
            moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
        except ValueError as error:
            raise DataError("a time like 2026-12-18T23:59:00+01:00", repr(value), "Correct it in the inbox.") from error
        return moment.replace(tzinfo=zone or self.zone) if moment.tzinfo is None else moment
