"""Grading a class: seconds and memory of `cnnkit grade`, against the minute that course staff has.

    python tests/benchmarks/bench_grading.py --students 1000 --bad 100 --rounds 1

Makes an inbox of small valid submissions (a real architecture, its weights, 20,000 predictions, a notebook) and of bad
ones, and grades it from an empty ledger in a process of its own: gate, sandbox, score, ledger, ranks, pages,
gradebooks. CPU seconds are those of that process and all that it starts: a busy machine changes them less.
Memory is the peak of the proportional set size (PSS) of that process and of all that it starts, sampled ten times a
second. With `--rows 200` and more `--students` it shows how time and memory grow.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from cnnkit.course.submissions.assignment import Assignment
from tests.benchmarks.harness import Row, machine, options, report, say
from tests.course.grading.inboxes import make_class

SECONDS = 60.0  # for 1,000 valid submissions and 100 bad ones on 2 cores, in at most 600 MB
PROGRAM = """
import sys, typer
from cnnkit.cli.grade_command import grade
app = typer.Typer()
app.command()(grade)
app(standalone_mode=False)
heavy = {"tensorflow", "keras"} & set(sys.modules)
sys.exit(f"imported {heavy}" if heavy else 0)
"""


def make(root: Path, arguments: argparse.Namespace) -> Path:
    """The course: accuracies from 45 % to 95 %."""
    spec = Assignment(name="person", title="Is there a person in the picture?", rows=arguments.rows)
    shares = np.linspace(0.45, 0.95, arguments.students)
    correct = {f"s{number:06d}": int(share * arguments.rows) for number, share in enumerate(shares)}
    return make_class(root, correct, spec=spec, bad=tuple(f"bad{number:05d}" for number in range(arguments.bad)))


def graded(root: Path, arguments: argparse.Namespace) -> tuple[float, float, float, dict[str, object]]:
    """Seconds, CPU seconds, peak megabytes and what the command says, from an empty ledger."""
    out = root / "out"
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-c", PROGRAM, str(root / "inbox"), "--json", "--out", str(out)]
    command += ["--assignment", str(root / "assignment"), "--labels", str(root / "labels.parquet")]
    if arguments.workers:
        command += ["--workers", str(arguments.workers)]
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        watch = Watch(process.pid)
        said = process.communicate()[0]
        seconds = time.perf_counter() - started
        cpu, megabytes = watch.end()
    if process.returncode:
        raise SystemExit(f"cnnkit grade ended with {process.returncode}")
    return seconds, cpu, megabytes, json.loads(said)


class Watch:
    """Watches the memory and the CPU time of a process and of its descendants.

    Args:
        pid: Of the process.
    """

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._peak = 0
        self._cpu: dict[int, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def end(self) -> tuple[float, float]:
        """CPU seconds, and megabytes at the most."""
        self._stop.set()
        self._thread.join()
        return sum(self._cpu.values()), self._peak / 1e6

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            total = 0
            with suppress(psutil.Error):
                for each in (self._process, *self._process.children(recursive=True)):
                    total += pss(each.pid)
                    # Throw-away processes are too short to be seen: they count with the server that waits for them.
                    self._cpu[each.pid] = sum(each.cpu_times()[:4])
            self._peak = max(self._peak, total)


def pss(pid: int) -> int:
    """Proportional set size in bytes: shared pages count in parts, so that a sum counts them once."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:  # it ended
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def main() -> None:
    """Runs the rounds and prints the result."""
    arguments = options(__doc__, students=1000, bad=100, rows=20_000, workers=0).parse_args()
    started = machine()
    with tempfile.TemporaryDirectory() as folder:
        say(f"making {arguments.students + arguments.bad:,} submissions …")
        root = make(Path(folder) / "course", arguments)
        rounds = []
        for _ in range(arguments.rounds):
            seconds, cpu, megabytes, said = graded(root, arguments)
            rounds.append((seconds, cpu, megabytes))
            say(f"  {seconds:.1f} s, {cpu:.1f} s of CPU, {megabytes:.0f} MB: {said['counts']}")
    seconds = statistics.median(each[0] for each in rounds)
    arguments.cpu_seconds = round(statistics.median(each[1] for each in rounds), 1)
    arguments.peak_megabytes = round(max(each[2] for each in rounds))
    case = f"{arguments.students:,} valid and {arguments.bad:,} bad submissions"
    bar = 1.0 if (arguments.students, arguments.bad, arguments.rows) == (1000, 100, 20_000) else None
    row = Row(case, "a minute", SECONDS, seconds, SECONDS / seconds, bar)
    report("grading", [row], started=started, arguments=arguments)


if __name__ == "__main__":
    main()
