"""More than one machine: independent pieces of work on a cluster of Ray, the one engine that cnnkit has for it.

What `workers=` of `ck.fit`, `ck.compare`, `ck.export.predict_to_parquet` and `cnnkit grade` takes. Ray is imported when
a cluster is asked for, and carries values between machines that trust each other; files are those of one machine.
"""

from __future__ import annotations

from cnnkit._front_door import front_door

__getattr__, __dir__, __all__ = front_door(__name__, __file__)
