"""Whether two versions of cnnkit give the same numbers: weights, history, kept features, predictions, bit for bit.

    export CNNKIT_SHARED=/work/shared                                            # photographs and weights
    PYTHONPATH=/path/of/one     python tests/benchmarks/same_as_before.py record /tmp/before.json
    PYTHONPATH=/path/of/another python tests/benchmarks/same_as_before.py compare /tmp/before.json

`record` runs each case in a process of its own, with one thread for TensorFlow and for BLAS, an empty cache of features
and one Keras home, and keeps what `same_records.py` takes of it. `compare` runs the same cases with the cnnkit that
`PYTHONPATH` finds and prints each value that differs; it exits with 1 where there is one, or where a case fails.
`same_cases.py` holds the cases; `--cases` chooses some of them, `--group` a group: `small` (the default, a few
minutes), `ants_bees`, `quickstart` or `all`. `same_bundles.py` does the same for saved networks.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from same_cases import CASES
from same_records import differences

ALONE = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "PYTHONHASHSEED": "0",
    "MPLBACKEND": "Agg",
}
LONGEST = 3600  # seconds that a case may take


def shared() -> Path:
    """The folder of real photographs and weights, as tests find it."""
    return Path(os.environ.get("CNNKIT_SHARED", Path(__file__).resolve().parents[3] / "shared")).resolve()


def run_case(name: str) -> Any:
    """What a case gives in a process of its own; of a process that fails its last line."""
    with tempfile.TemporaryDirectory(prefix="same-") as place:
        folder = Path(place)
        models = folder / "keras" / "models"
        models.mkdir(parents=True)
        for file in shared().glob("weights/*"):
            (models / file.name).symlink_to(file)
        environment = (
            os.environ
            | ALONE
            | {
                "CNNKIT_CACHE": str(folder / "cache"),
                "CNNKIT_SHARED": str(shared()),
                "KERAS_HOME": str(folder / "keras"),
            }
        )
        command = [sys.executable, str(Path(__file__).with_name("same_cases.py")), name, str(folder / "result.json")]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=LONGEST, check=False
        )
        if done.returncode:
            print(done.stderr[-4000:], file=sys.stderr)
            last = (done.stderr.strip() or "nothing").splitlines()[-1]
            return {"error": f"exit code {done.returncode}: {last}"}
        return json.loads((folder / "result.json").read_text(encoding="utf-8"))


def run_cases(names: list[str]) -> dict[str, Any]:
    """Case → what it gives, one after the other."""
    results = {}
    for name in names:
        started = time.monotonic(), os.times()
        results[name] = run_case(name)
        spent = os.times().children_user + os.times().children_system
        spent -= started[1].children_user + started[1].children_system
        wall = time.monotonic() - started[0]
        print(f"{name}: {wall:.0f} s, {spent:.0f} s of them CPU time", file=sys.stderr, flush=True)
    return results


def compare(before: dict[str, Any], names: list[str]) -> int:
    """Runs the cases again and prints what differs; the exit code."""
    unequal = 0
    for name in names:
        now = run_cases([name])[name]
        lines = list(differences(before[name], now, name))
        if "error" in now and not lines:
            lines.append(f"{name}: {now['error']}, before and now")
        print(f"{name}: {'the same' if not lines else f'not the same: {len(lines)}'}", flush=True)
        for line in lines[:40]:
            print(f"  {line}", flush=True)
        unequal += bool(lines)
    print(f"{len(names) - unequal} of {len(names)} cases are the same")
    return int(unequal > 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["record", "compare", "list"])
    parser.add_argument("place", type=Path, nargs="?", help="FILE.json")
    parser.add_argument("--cases", nargs="+", default=None)
    parser.add_argument("--group", choices=["small", "ants_bees", "quickstart", "all"], default="small")
    return parser


def main() -> int:
    """Does what the command line says."""
    arguments = _parser().parse_args()
    names = arguments.cases or [name for name, case in CASES.items() if arguments.group in ("all", case.group)]
    if arguments.command == "list":
        print("\n".join(f"{case.group:<10}  {name}" for name, case in CASES.items()))
        return 0
    known = json.loads(arguments.place.read_text(encoding="utf-8")) if arguments.place.exists() else {}
    if arguments.command == "compare":
        return compare(known, [name for name in names if arguments.cases or name in known])
    for name in names:
        known |= run_cases([name])  # each time: what was recorded stays where a later case takes too long
        arguments.place.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
