"""From an inbox of submissions to grades that hold: score, ranks, points, ledger, gradebooks.

    graded = grade("inbox/", assignment="assignments/person", labels="secret/labels.parquet", out="grades/")
    graded.table()                                      # one row a student

Every submission passes the gate of `cnnkit.course.submissions` first. Nothing here needs TensorFlow but `reproduce`.
"""

from __future__ import annotations

from cnnkit._front_door import front_door

__getattr__, __dir__, __all__ = front_door(__name__, __file__)
