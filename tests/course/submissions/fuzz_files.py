"""Fuzzes the whole gate, sandbox and all: python -m tests.course.submissions.fuzz_files MINUTES [SEED]

Damages the files of a valid submission by chance, for as long as it is told, and counts what the gate says. It ends
with an error if the gate raises, lets wrong probabilities pass, or takes too long; the submission that did it is kept.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

from cnnkit.course.submissions.gate import GateReport, check
from cnnkit.course.submissions.sandbox import Sandbox
from tests.course.submissions.mutations import damaged
from tests.course.submissions.valid import ASSIGNMENT, write_valid

# What lies in the folder with a damaged file: weights are compared with a model, and read if nothing else is wrong;
# the others are judged alone, which is faster.
FILES = {
    "predictions.parquet": (),
    "model.json": (),
    "train.ipynb": (),
    "model.weights.h5": ("model.json", "predictions.parquet", "train.ipynb"),
}
SECONDS = 5.0


def fuzz(folder: Path, seconds: float, seed: int) -> Counter[str]:
    """Counts of file and outcome."""
    whole = {name: (folder / name).read_bytes() for name in FILES}
    counts: Counter[str] = Counter()
    with Sandbox.open() as sandbox:
        print(f"checked in {sandbox.isolation}", file=sys.stderr)  # it has started: its time is not the first file's
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            chance = Random(f"{seed} {counts.total()}")  # noqa: S311  (any submission can be made again)
            name = chance.choice(tuple(FILES))
            for other in FILES:
                (folder / other).unlink(missing_ok=True)
            for other in FILES[name]:
                (folder / other).write_bytes(whole[other])
            (folder / name).write_bytes(damaged(whole[name], chance))
            started = time.monotonic()
            report = check(folder, ASSIGNMENT, sandbox=sandbox)
            verify(report, time.monotonic() - started)
            said = [finding.check for finding in report.findings if finding.check != "file-missing"]
            counts[f"{name}: {said[0] if said else 'fine'}"] += 1
    return counts


def verify(report: GateReport, seconds: float) -> None:
    """What holds whatever the bytes are."""
    assert report.outcome in ("passed", "refused", "timed out", "crashed")
    assert report.passed == (not any(finding.blocking for finding in report.findings))
    assert not report.passed or (report.predictions is not None and report.weights_digest is not None)
    if report.predictions is not None:
        assert report.predictions.shape == (ASSIGNMENT.rows,)
        assert ((report.predictions >= 0) & (report.predictions <= 1)).all()
    assert seconds < SECONDS, f"{seconds:.1f} s"


def main() -> None:
    """Runs, and prints a table."""
    minutes, seed = float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    folder = write_valid(Path(tempfile.mkdtemp()) / "student")
    try:
        counts = fuzz(folder, 60 * minutes, seed)
    except BaseException:
        print(f"kept: {folder}", file=sys.stderr)
        raise
    shutil.rmtree(folder.parent)
    for what, count in sorted(counts.items()):
        print(f"{count:>7}  {what}")
    print(f"{counts.total():>7}  in {minutes:g} minutes, seed {seed}")


if __name__ == "__main__":
    main()
