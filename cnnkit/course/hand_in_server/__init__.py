"""Where a class hands in: a server for the web on the grader's own gate, sandbox and ledger.

    cnnkit board token add handin/ --roster roster.csv
    cnnkit board serve handin/ --assignment assignments/person --labels secret/labels.parquet

    browser ─► app ─► upload ─► gate ─► files by hash + database ─► answer
                                              │
                                           grader: a process of its own, which alone reads the labels ─► ledger

Two servers may share a folder and a database. What was answered "accepted" is on the disk; what was not graded when a
process died is graded by the next.
"""

from __future__ import annotations

from cnnkit._front_door import front_door

__getattr__, __dir__, __all__ = front_door(__name__, __file__)
