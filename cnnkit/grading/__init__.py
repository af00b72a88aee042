"""From an inbox of submissions to grades that hold: score, ranks, points, ledger, gradebooks.

    graded = grade("inbox/", assignment="assignments/person", labels="secret/labels.parquet", out="grades/")
    graded.table()                                      # one row a student

Every submission passes the gate of `cnnkit.submissions` first. Nothing here needs TensorFlow but `reproduce`.
"""

from __future__ import annotations

from cnnkit._lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    names={
        "Graded": "cnnkit.grading.graded",
        "Ledger": "cnnkit.grading.ledger",
        "RANK_RULES": "cnnkit.grading.points",
        "Rerun": "cnnkit.grading.rerun",
        "TIE_RULES": "cnnkit.grading.rank",
        "class_grades": "cnnkit.grading.points",
        "grade": "cnnkit.grading.batch",
        "write_grades": "cnnkit.grading.results",
    },
)
