"""A student's own page: points in sentences, what the gate found, how good the predictions are."""

from __future__ import annotations

from cnnkit.course.grading import html
from cnnkit.course.grading.explain import explanation, plain
from cnnkit.course.grading.graded import Graded, StudentGrade
from cnnkit.course.grading.points import rounded
from cnnkit.reports.report_page import footer, header, page, section, tiles


def feedback_page(each: StudentGrade, graded: Graded) -> str:
    """The page, one HTML file that needs nothing else. It says nothing about others, and nothing of flags."""
    assignment, grade = graded.assignment, each.grade
    score = None if each.verdict is None else each.verdict.score
    most = assignment.points.flat + assignment.points.rank
    numbers = [(f"{plain(rounded(grade.points)) if grade.decided else '–'} of {plain(most)}", "points")]
    if score is not None:
        numbers.append((f"{score.accuracy:.2%}", f"of {score.rows:,} pictures are right"))
    if grade.rank is not None:
        numbers.append((f"{plain(grade.rank)} of {grade.ranked}", "rank among those who passed"))
    title = f"{assignment.title} · {each.student.name or grade.student}"
    parts = [
        header(title, [f"Grade: {grade.status}."]),
        tiles(numbers),
        section("Points", "How they come about.", html.paragraphs(explanation(each, assignment))),
        section("Files", "What the check said, before anything of them was used.", _findings(each)),
    ]
    if score is not None:
        truths = (
            ("not", score.true_negatives, score.false_positives),
            ("yes", score.false_negatives, score.true_positives),
        )
        rows = [[f"{assignment.column}: {name}", f"{no:,}", f"{yes:,}"] for name, no, yes in truths]
        low, high = score.interval
        measures = [
            [
                "accuracy",
                f"{score.accuracy:.4f}",
                f"{score.correct:,} of {score.rows:,}; 95 %: {low:.4f} to {high:.4f}",
            ],
            [
                "area under the ROC",
                f"{score.auc:.4f}",
                "how often a picture with scores above one without; 0.5 is guessing",
            ],
            ["Brier loss", f"{score.brier:.4f}", "mean squared distance of probability and truth; lower is better"],
            [
                "calibration error",
                f"{score.calibration_error:.4f}",
                "how far probabilities are from frequencies; lower is better",
            ],
        ]
        parts.append(
            section(
                "Predictions",
                f"Rows are what is so, columns what was said at a threshold of {assignment.threshold}.",
                html.table(["", "said not", "said yes"], rows, numbers=(1, 2)),
                html.table(["measure", "value", "meaning"], measures, numbers=(1,)),
            )
        )
    parts.append(
        footer(
            [
                f"On the public board: {each.pseudonym}.",
                f"Record {each.decision or 'none'} of the ledger, snapshot {graded.snapshot}, "
                f"grader {graded.circumstances['grader']}, labels {graded.circumstances['labels'][:16]}.",
            ]
        )
    )
    return page(title, parts)


def _findings(each: StudentGrade) -> str:
    if each.verdict is None:
        return html.paragraphs(["Nothing was handed in."])
    if not each.verdict.findings:
        return html.paragraphs(["Everything is as it should be."])
    rows = [
        [finding.file, finding.check, finding.expected, finding.received, finding.remedy]
        for finding in each.verdict.findings
    ]
    return html.table(["file", "check", "expected", "received", "what to do"], rows)
