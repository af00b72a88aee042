"""What a report shows of each kind of truth: a kind is a row; one without a row is told by the score of its head."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from cnnkit.reports.label_facts import LabelFacts
from cnnkit.reports.label_poster import label_poster
from cnnkit.reports.label_sections import LABEL_SECTIONS
from cnnkit.reports.report_facts import Facts
from cnnkit.reports.report_sections import Section
from cnnkit.reports.score_poster import score_poster
from cnnkit.reports.score_sections import SCORE_SECTIONS


@dataclass(frozen=True)
class ReportKind:
    """How a report on one kind of truth is written.

    Attributes:
        facts: What follows from the arguments.
        sections: Of the page, from top to bottom.
        poster: The same as one picture.
    """

    facts: type[Facts]
    sections: tuple[Section[Any], ...]
    poster: Callable[[Any], Figure]


OF_LABELS = ReportKind(LabelFacts, LABEL_SECTIONS, label_poster)
OF_SCORES = ReportKind(Facts, SCORE_SECTIONS, score_poster)
KINDS: dict[str, ReportKind] = {"labels": OF_LABELS, "tags": OF_LABELS}
"""Kind of truth → its report; `OF_SCORES` for all others."""
