"""Grades in the forms that platforms take: one file a platform."""

from __future__ import annotations

from cnnkit._lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    modules={
        name: f"cnnkit.grading.gradebooks.{name}"
        for name in ("canvas", "codabench", "gradescope", "moodle", "nbgrader")
    },
    names={},
)
