"""The graded course: what is handed in (`write_submission`, `submissions`), where (`hand_in_server`), its `grading`.

Nothing else of cnnkit imports this room but the command line.
"""

from __future__ import annotations

from cnnkit._front_door import front_door

__getattr__, __dir__, __all__ = front_door(__name__, __file__)
