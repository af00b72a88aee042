"""What every bad submission and the largest honest ones cost the sandbox: kind, seconds of CPU, megabytes, outcome.

    python -m tests.course.submissions.cost_table [PART OF A NAME]

Each number is that of the dearest process of the submission, as the kernel counts them, the 60 to 110 MB that it shares
with its server included.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from cnnkit.course.submissions.gate import check
from cnnkit.course.submissions.sandbox import Sandbox
from tests.course.submissions.bad_files import Change
from tests.course.submissions.costly_models import HONEST_LARGE
from tests.course.submissions.test_bad_submissions import ALL, ASSIGNMENT
from tests.course.submissions.valid import write_valid


def line(make: Change, sandbox: Sandbox) -> tuple[float, float, str]:
    """Seconds, megabytes, and one line about a submission."""
    with tempfile.TemporaryDirectory() as folder:
        place = write_valid(Path(folder, "student"), assignment=ASSIGNMENT)
        make(place)
        report = check(place, ASSIGNMENT, sandbox=sandbox)
    seconds = max((seconds for seconds, _ in report.costs.values()), default=0.0)
    megabytes = max((peak for _, peak in report.costs.values()), default=0) / 1e6
    checks = ", ".join(finding.check for finding in report.findings)
    return seconds, megabytes, f"{seconds:6.2f} s {megabytes:5.0f} MB  {report.outcome:8} {make.__name__}: {checks}"


def main() -> None:
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    kinds = [make for make in (*(bad.make for bad in ALL), *HONEST_LARGE) if part in make.__name__]
    with Sandbox.open() as sandbox:
        print(sandbox.isolation)
        rows = sorted((line(make, sandbox) for make in kinds), reverse=True)
    print("\n".join(text for _, _, text in rows))
    print(f"{len(rows)} kinds, at most {rows[0][0]:.2f} s and {max(row[1] for row in rows):.0f} MB")


if __name__ == "__main__":
    main()
