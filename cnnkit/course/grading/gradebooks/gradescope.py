"""Gradescope: the `results.json` of its autograder, one a student.

Format: https://gradescope-autograders.readthedocs.io/en/latest/specs/. Only what every student may see at once is
visible; what depends on the secret part of the labels or on the class is shown when the grades are published.
"""

from __future__ import annotations

from typing import Any

from cnnkit.course.grading.explain import explanation
from cnnkit.course.grading.graded import StudentGrade
from cnnkit.course.grading.points import rounded
from cnnkit.course.submissions.assignment import Assignment

VISIBLE, LATER = "visible", "after_published"


def gradescope_results(each: StudentGrade, assignment: Assignment) -> dict[str, Any]:
    """The results of one student: gate, public accuracy and points as tests, public accuracy on the board.

    All output is of format "text": Gradescope shows a student's words as words.
    """
    verdict = each.verdict
    score = None if verdict is None else verdict.score
    passed = verdict is not None and verdict.outcome == "passed"
    said = "\n".join(map(str, verdict.findings)) if verdict else "Nothing was handed in."
    tests: list[dict[str, Any]] = [
        {
            "name": "The files are as the assignment asks",
            "status": "passed" if passed else "failed",
            "output": said or "Everything is as it should be.",
            "visibility": VISIBLE,
        }
    ]
    board = []
    if score is not None and score.public_rows:
        accuracy = score.public_correct / score.public_rows
        tests.append(
            {
                "name": f"Accuracy on the {score.public_rows:,} public rows",
                "output": f"{score.public_correct:,} are right: {accuracy:.2%}.",
                "visibility": VISIBLE,
            }
        )
        board.append({"name": "Public accuracy", "value": round(accuracy, 6), "order": "desc"})
    tests.append(
        {
            "name": "Points",
            "score": float(rounded(each.grade.points)),
            "max_score": float(assignment.points.flat + assignment.points.rank),
            "output": "\n".join(explanation(each, assignment)),
            "visibility": LATER,
        }
    )
    return {
        "score": float(rounded(each.grade.points)),
        "output_format": "text",
        "visibility": VISIBLE,
        "stdout_visibility": "hidden",
        "tests": [{"output_format": "text", **test} for test in tests],
        "leaderboard": board,
        "extra_data": {"decision": each.decision, "status": each.grade.status},
    }
