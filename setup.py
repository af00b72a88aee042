"""Puts the notebooks and the assignment's template into what is built; all else is in setup.cfg."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
LESSONS = (*sorted(ROOT.glob("notebooks/*.ipynb")), *sorted(ROOT.glob("assignments/person/*.*")))


class BuildWithLessons(build_py):
    """Copies them to cnnkit/lessons, as `cnnkit notebooks` looks for them in an installed package."""

    def run(self) -> None:
        """Builds the package, then adds the lessons."""
        super().run()
        if self.editable_mode:  # the checkout has them
            return
        for file in LESSONS:
            target = Path(self.build_lib, "cnnkit", "lessons", file.relative_to(ROOT))
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)


setup(cmdclass={"build_py": BuildWithLessons})
