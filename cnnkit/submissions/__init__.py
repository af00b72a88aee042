"""What is handed in: the assignment, and the gate that every submission passes before anything of it is loaded.

Nothing here imports Keras or TensorFlow.
"""

from __future__ import annotations

from cnnkit._lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    names={
        "Architecture": "cnnkit.submissions.architecture",
        "Assignment": "cnnkit.submissions.assignment",
        "Finding": "cnnkit.submissions.findings",
        "GateReport": "cnnkit.submissions.gate",
        "Sandbox": "cnnkit.submissions.sandbox",
        "check": "cnnkit.submissions.gate",
        "read_architecture": "cnnkit.submissions.architecture",
    },
)
